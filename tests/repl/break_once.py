# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on from a breakpoint runs its instruction, also one that is translated again because it met a device."""
import os
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
with tempfile.NamedTemporaryFile() as f:
    f.write(b"\xa1\x00\x80\x0b\x00"  # 0x100000: mov 0xb8000,%eax: video memory
            b"\xa3\x20\x00\xe0\xfe"  # mov %eax,0xfee00020: the local APIC
            b"\xeb\xf4")  # and again
    f.flush()
    r = subprocess.run([VITRINE, "-clock", "virtual", "-load", "0x100000", f.name], capture_output=True, text=True, timeout=20,
                       input="break *0x100000\nbreak *0x100005\ncontinue\nprint $icount\n" + 5 * "continue\nprint $icount\n",
                       check=False)
assert r.returncode == 0, r
seen = [line.split("= ")[1] for line in r.stdout.splitlines() if line.startswith("$")]
assert seen == ["1", "3", "4", "6", "7", "9"], r.stdout

# One behind an instruction that something else looked at, in vain, is met.
with tempfile.NamedTemporaryFile() as f:
    f.write(b"\xe6\x80"  # 0x100000: out %al,$0x80
            b"\xa3\x00\x00\x20\x00"  # 0x100002: mov %eax,0x200000
            b"\x90\xeb\xf6")  # 0x100007: nop, and again
    f.flush()
    for looks in ("print 1", "catch port out 0x80 if 0", "watch *(int*)0x200000", "rwatch *(int*)0x200000 if 0", "awatch *(int*)0x200000 if 0"):
        r = subprocess.run([VITRINE, "-clock", "virtual", "-load", "0x100000", f.name], capture_output=True, text=True, timeout=20,
                           input=f"{looks}\ntbreak -icount 100\nbreak *0x100002 if 1\nbreak *0x100007\ncontinue\nprint $icount\n"
                                 + 4 * "continue\nprint $icount\n", check=False)
        seen = [line.split("= ")[1] for line in r.stdout.splitlines() if line.startswith("$")][looks == "print 1":]
        assert seen == ["1", "2", "5", "6", "9"], (looks, r.stdout)
