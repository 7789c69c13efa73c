# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking into the translator: its windows, blocks, exits and events, where the numbers are its own affair."""
from console import LANTERN, has, run


def session(*commands):
    r = run(("-serial", "null", "-append", "tour", LANTERN), *commands)
    assert r.stderr == "", r
    return r.stdout


text = session("info windows", "tbreak sys_fork", "run", "stepi", "info windows", "info blocks", "info blocks system_call",
               "info exits", "stats reset", "stats")
has(text, r"^\* kernel any      not yet       0       0         0$", r"^\* user   [0-9a-f]{8} 4 MiB  +\d+ +\d+ +\d+$",
    r"^\d+ blocks, \d+ made, \d+ died, 0 flushes, code \d+ of 65536 KiB$",
    r"^0xc\w+ <system_call\+0>: \d+ instructions?, \d+ -> \d+ bytes, physical 0x10\w+, kernel, 32-bit, flat; block \d+$",
    r"^0x80\w+.*, user, 32-bit, flat; block \d+$", r"^LINK  +\d+  a branch met", r"^#PF  +\d+  exceptions delivered$")
has(text, r"guest instructions\n +\d+  ns of guest time\n\Z")  # nothing else is counted any more

for kind, seen in (
    ("exception #PF", r"Catchpoint 1, #PF at \w{8}, error code 000\d$"),
    ("exception 7", r"Catchpoint 1, #NM$"),
    ("exception DE", r"Catchpoint 1, #DE$"),
    ("interrupt 0x80", r"Catchpoint 1, interrupt 80h by INT\n0x\w+ <trap_stub_128\+0>"),
    ("interrupt 0x20", r"Catchpoint 1, interrupt 20h from a device\n0x\w+ <trap_stub_32\+0>"),
    ("port in 0x3fd", r"Catchpoint 1, port 3fdh, 1 byte in: 60$"),
    ("port out 0x43", r"Catchpoint 1, port 043h, 1 byte out: "),
    ("cr 3 if $icount > 2000000", r"Catchpoint 1, CR3 was \w{8}, is \w{8}$"),
    ("cr 0", r"Catchpoint 1, CR0 was 00000011, is 8001001\w$"),
    ("exit HALT", r"Catchpoint 1, exit HALT: HLT$"),
    ("exit SIGNAL", r"Catchpoint 1, exit SIGNAL: "),
    ("exit LINK", r"Catchpoint 1, exit LINK: "),
    ("bt translate", r"Catchpoint 1, translate: a block was translated$"),
    ("bt link", r"Catchpoint 1, link: "),
    ("bt adapt", r"Catchpoint 1, adapt: "),
    ("bt invalidate", r"Catchpoint 1, invalidate: "),
):
    text = session("catch " + kind, "run", "info breakpoints", "delete", "continue")
    has(text, seen, r"^\thit 1 time$", r"^Stopped: the guest powered off\.$")
