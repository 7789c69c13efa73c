# SPDX-License-Identifier: GPL-3.0-or-later
"""Catching calls of VMI: in line or not the guest stops before the same calls with the same arguments, as often as they
are counted, and arguments are names."""
import os
import re

from console import LANTERN, has, said

GUESTS = os.path.join(os.environ.get("B", "build"), "guest", "vmi")


def session(*commands, engine="vmi", kernel=LANTERN):
    return said(("-engine", engine, "-serial", "null", "-m", "64M", "-append", "tour", kernel), *commands)


ENDED = r"^Stopped: the guest powered off\.$"
seen = []
for switch in ("on", "off"):
    # The state is that before the call: the entry is stored one instruction later.
    text = session(f"set vmi-inline {switch}", "catch vmi SetPxE if (flags & 0x11) == 0x11 && pte", "run", "print/x pte",
                   "print at", "print *(int*)at", "print (*(int*)at == pte)", "x/i $pc", "stepi", "print *(int*)$edx == $eax",
                   "continue", "continue 5", "print $icount", "info breakpoints", "delete", "continue")
    has(text, r"^Catchpoint 1: vmi SetPxE$",
        r"^Catchpoint 1, VMI call SetPxE: pte = 0x\w+ \[ P W \], at = 0xc0\w+, flags = 0x(f\w+)\w{3} \[ PT CURRENT_AS \] "
        r"of 0x(?:\1)000.*\n"
        r"0xc00c8360 <VMI_SetPxE\+0>\n=> 0xc00c8360 <VMI_SetPxE\+0>:\tud1 ", r"^\$1 = 0x\w+$", r"^\$2 = 0xc0\w+$",
        r"^\$3 = 0\n\$4 = 0$", r"^0xc00c8367 <VMI_SetPxE\+7>$", r"^\$5 = 1$", r"^\thit 7 times$", ENDED)
    seen.append(text)
assert seen[0] == seen[1], seen

# Each call exactly as often as it is counted, also through other mappings of the ROM; calls from ring 3 are none.
every = {}
for kernel in (LANTERN, os.path.join(GUESTS, "rom.elf"), os.path.join(GUESTS, "cpu.elf")):
    of_both = []
    for switch in ("on", "off"):
        counted = session(f"set vmi-inline {switch}", "run", "info vmi", "print $icount", kernel=kernel).rsplit("VMI is", 1)[1]
        counts = dict(re.findall(r"^(\w+) +(\d+) ", counted, re.MULTILINE))
        caught = session(f"set vmi-inline {switch}", *("catch vmi " + n for n in counts),
                         *(f"ignore {i} 1000000000" for i in range(1, len(counts) + 1)), "run", "info breakpoints", "info vmi",
                         "print $icount", kernel=kernel)
        hits = re.findall(r"^\d+ +catch .* vmi (\w+)\n\thit (\d+) time", caught, re.MULTILINE)
        faulted = re.findall(r"^\d+ faulted, and are not counted: (.*)$", counted, re.MULTILINE)
        faults = dict(re.findall(r"(\w+) (\d+)", "".join(faulted)))
        assert {n: int(h) for n, h in hits} == {n: int(counts[n]) + int(faults.get(n, 0)) for n in counts}, (hits, counted)
        assert caught.rsplit("VMI is", 1)[1] == counted, (caught, counted)
        of_both.append((hits, counts))
    assert of_both[0] == of_both[1], of_both
    every |= counts
assert {"IRET", "SYSEXIT", "SetPxE", "SetInterruptMask", "SetCR3", "SetTR", "WriteLDTEntry"} <= set(every), every

# Any call; commands at the stop; one that is disabled is not counted; a name that only other calls have.
text = session("catch vmi", "catch vmi SetAlarm if period", "disable 1", "run", "print expiry", "print period_high", "p $eax",
               "catch vmi if flags == 0x23456", "delete 2", "enable 1", "commands 1", "echo here", "end", "continue",
               "finish", "delete", "print flags", "continue", "info breakpoints")
has(text, r"^Catchpoint 1: vmi$",
    r"^Catchpoint 2, VMI call SetAlarm: flags = 0x100 \[ PERIODIC \], expiry = 0x\w+, expiry_high = 0x0, period = 0x\w+, "
    r"period_high = 0x0$", r"^\$2 = 0$", r"^\$3 = 256$", r"^Catchpoint 1, VMI call \w+.*$", r"^here$", ENDED, "^No breakpoints")

text = session("catch vmi Set", "catch vmi nosuch", "catch vmi SetPxE if nosuch", "catch vmi SetPxE if flags +",
               "catch vmi SetPxE if pte = 1", "catch vmi SetPxE if", "catch vmi 74", "catch vmi setpxe", "catch vmi 0x21",
               "info breakpoints")
has(text, "^VMI call `Set' is SetGDT or SetLDT$", "^no VMI call `nosuch': `help vmi' lists them$", "^no symbol `nosuch'",
    r"^expected a number", "^expected a condition after `if'$", "^no VMI call `74'", r"^1 +catch +keep y +vmi SetPxE$",
    r"^2 +catch +keep y +vmi IRET$")
has(session("catch vmi", engine="bt"), "^the VMI ROM is hidden: -engine vmi shows it$")
