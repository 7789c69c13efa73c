# SPDX-License-Identifier: GPL-3.0-or-later
"""The console at a real terminal: the prompt, TAB, Enter, history, keys to the guest and back, Ctrl-C."""
import os
import sys
import tempfile

import pexpect

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
PROMPT = r"lantern:[\w.+]+ \[[KU] \w+\]> "


def start(*options):
    p = pexpect.spawn(VITRINE, [*options, LANTERN], timeout=20, encoding="utf-8", dimensions=(40, 150))
    p.logfile_read = sys.stdout
    return p


def ask(p, line, *answers):
    p.sendline(line)
    for answer in answers:
        p.expect(answer)
    p.expect(PROMPT)


def standing():
    p = start("-S")
    p.expect(PROMPT)
    assert "start [K" in p.match.group(0), p.match.group(0)
    ask(p, "break kernel_main", r"Breakpoint 1 at 0xc01\w+ <kernel_main\+0>")
    ask(p, "c", r"Breakpoint 1, ")
    ask(p, "info reg\teip", r"eip +0xc01\w+")  # TAB completes the topic
    ask(p, "print kernel_ma\t", r"<kernel_main\+0>")
    ask(p, "expl\tvm\tSetPxEL\t", r"SetPxELong, VMI call 39")
    ask(p, "catch vm\tGetCycleC\tif cou\t== 77", r"Catchpoint 2: vmi GetCycleCounter\r")
    ask(p, "info b\t", r"stop only if counter == 77")
    ask(p, "stepi", r"<kernel_main\+1>")
    ask(p, "", r"=> ")  # Enter repeats
    ask(p, "x/2xb 0xc0000000", r"0xc0000000.*:\t0x\w\w\t0x\w\w\r")
    ask(p, "", r"0xc0000002.*:\t0x\w\w\t0x\w\w\r")  # and goes on
    p.send("half a line\x03")  # Ctrl-C drops the line
    p.expect(PROMPT)
    ask(p, "frob", r"no command `frob'")
    p.sendline("quit")
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus == 0, p.exitstatus


def running():
    p = start()
    p.expect("Ctrl-] or Ctrl-C looks inside")
    p.expect(r"lantern\$ ")
    p.send("echo one two\r")  # keys reach the guest
    p.expect("one two")
    p.expect(r"lantern\$ ")
    p.send("\x03")  # Ctrl-C stops it
    p.expect("stopped by the user")
    p.expect(PROMPT)
    ask(p, "backtrace", "#0 ")
    ask(p, r"send echo three\r")
    p.sendline("continue")
    p.expect("three")
    p.expect(r"lantern\$ ")
    p.send("\x1d")  # Ctrl-] gives the keys back
    p.expect(PROMPT)
    p.sendline("continue")
    p.send("poweroff\r")
    p.expect("the guest powered off")
    p.expect(r"lantern \[ended\]> ")
    p.sendline("continue")
    p.expect("`run' starts it again")
    p.expect(r"\[ended\]> ")
    p.sendline("run")
    p.expect(r"lantern\$ ")
    p.send("\x03")
    p.expect(PROMPT)
    p.sendeof()
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus == 0, p.exitstatus


def history(state):
    path = os.path.join(state, "vitrine", "history")
    with open(path, encoding="utf-8") as f:
        assert "break kernel_main\n" in f.read()
    p = start("-S")
    p.expect(PROMPT)
    p.send("\x12kernel_main\r")  # Ctrl-R finds it
    p.expect(PROMPT)
    p.sendline("quit")
    p.expect(pexpect.EOF)


with tempfile.TemporaryDirectory() as directory:
    os.environ["XDG_STATE_HOME"] = directory
    standing()
    history(directory)
    running()
