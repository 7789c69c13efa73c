# SPDX-License-Identifier: GPL-3.0-or-later
"""At a terminal an idle guest leaves the host's processor alone, under either clock, and still answers; and Ctrl-C stops
any guest: in HLT, in a loop with interrupts off, in a REP that takes for ever."""
import os
import tempfile
import time

import pexpect

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
SECONDS = 3


def processor_time(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def idle(*options):
    p = pexpect.spawn(VITRINE, [*options, LANTERN], timeout=20, encoding="utf-8")
    p.expect(r"lantern\$ ")
    time.sleep(1)  # a virtual clock runs ahead for a moment
    before = processor_time(p.pid)
    time.sleep(SECONDS)
    used = processor_time(p.pid) - before
    assert used < SECONDS / 10, f"{options}: {used} s of {SECONDS}"
    p.send("echo awake\r")
    p.expect("echo awake\r+\nawake\r+\n")
    p.close(force=True)


def stopped(name, code):
    with tempfile.NamedTemporaryFile() as f:
        f.write(code)
        f.flush()
        p = pexpect.spawn(VITRINE, ["-load", "0x100000", f.name], timeout=20, encoding="utf-8")
        time.sleep(0.5)
        p.send("\x03")
        p.expect("stopped by the user")
        p.expect(r"\[K \w+\]> ")
        p.sendline("continue")  # and again
        time.sleep(0.2)
        p.send("\x03")
        p.expect("stopped by the user")
        p.sendline("quit")
        p.expect(pexpect.EOF)
        p.close()
        assert p.exitstatus == 0, (name, p.exitstatus)


idle("-clock", "host")
idle("-clock", "virtual")
stopped("loop with interrupts off", b"\xfa\xeb\xfe")
stopped("loop over two pages", b"\xe9" + (0x2000 - 5).to_bytes(4, "little") + b"\x90" * (0x2000 - 5) + b"\xe9"
        + (-0x2005 & 0xFFFFFFFF).to_bytes(4, "little"))
stopped("HLT", b"\xb0\xff\xe6\x21\xfb\xf4\xeb\xfd")  # no interrupt ever comes
stopped("a long REP", b"\xfc\xbe\0\0\x20\0\xbf\0\0\x30\0\xb9\xff\xff\xff\xff\xf3\xac\xeb\xf7")
stopped("ports", b"\xe4\x61\xeb\xfc")
