# SPDX-License-Identifier: GPL-3.0-or-later
"""`info paging` spells every bit of every level and shows what the windows have beside it, and why they differ; `info maps`
merges what is equal."""
from console import LANTERN, has, run

TOUR = (LANTERN, "-append", "tour")


def session(options, *commands):
    r = run(("-serial", "null", *options), *commands)
    assert not r.stderr, r
    return r.stdout


begin = ("tbreak sys_fork", "run")
text = session(TOUR, "info paging 0xc0100000", *begin, "info paging $esp", "info paging sys_fork", "info paging 0x8048000",
               "info paging 0xfee00000")
has(text, r"^paging is off \(CR0.PG = 0\): 0xc0100000 is physical 0xc0100000$",
    r"^PTE  \[  7\] at 0x\w+ = 0x\w+  present, writable, supervisor, accessed, dirty$",
    r"^kernel window: mapped to physical 0x\w+f78, writable$",
    r"^PDE  \[768\] .* writable, supervisor, accessed, dirty, large page$",
    r"^kernel window: mapped to physical 0x103\w+, read-only \(translated code was made from it: a write must be seen\)$",
    r"^user window: mapped to physical 0x\w+000, read-only$", r"^kernel window: not mapped either$")
# A watched page; an entry taken away behind the window's back; then what the entry lacks.
entry = "*(unsigned*)0xc019901c"  # of the kernel stack
text = session(TOUR, *begin, "watch *(int*)$esp", "info paging $esp", "delete", "stepi", "info paging $esp", f"set $was = {entry}",
               f"set {entry} = 0", "info paging $esp", f"set {entry} = $was & ~0x60", "info paging $esp")
has(text, r"^kernel window: not mapped \(no access has come since", r"^kernel window: mapped to physical 0x\w+, writable$",
    r"^0x\w+ is not mapped: its PTE is not present\nkernel window: mapped to physical 0x\w+, writable\n"
    r"  it was filled when the entry was 0x19a063: the guest has changed it$")
text = session((*TOUR, "-translator", "windows=off"), *begin, "info paging $esp")
has(text, r"^windows are off: every access is a call$")
pae = session((LANTERN, "-append", "tour"), *begin, "info maps", "info maps frames")
has(pae, r"^c0000000-c7ffffff   131072K rwx k- -> 000000000$", r"^f80\w+-f80\w+ +8K rwx k- -> 2 places$",
    r"^f80\w+-f80\w+ +4K rwx k- -> 0001\w+$")
