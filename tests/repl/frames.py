# SPDX-License-Identifier: GPL-3.0-or-later
"""Who called whom, through interrupts, exceptions and system calls, in and out of VMI's stubs, with names of the program that
runs: by call frame information, and without it."""
import os
import re
import subprocess
import tempfile

from console import LANTERN, said

PROGRAMS = os.path.join(os.path.dirname(LANTERN), "lantern", "user")


def session(*commands, kernel=LANTERN):
    return said(("-append", "test", kernel), *commands)


def frames(text, *expected):
    """The last backtrace has these functions, in this order, one after another."""
    lines = re.findall(r"^(?:#\d+ .*| +<.*>)$", text, re.MULTILINE)
    last = max(i for i, line in enumerate(lines) if line.startswith("#0"))
    for line, name in zip(lines[last:], expected):
        assert re.search(name, line), (name, line, lines[last:])
    assert len(lines) - last >= len(expected), lines[last:]


INIT = f"add-symbol-file -here {os.path.join(PROGRAMS, 'init.elf')}"
KERNEL_SIDE = ("<sys_fork", "<system_call", "<trap_dispatch", "<sysenter_entry", "<entered from user mode>")
frames(session("tbreak sys_fork", "run", INIT, "backtrace"), *KERNEL_SIDE, "<back", "<main", "<_start")
frames(session("tbreak sys_fork", "run", INIT, "stepi", "stepi", "backtrace"), *KERNEL_SIDE)
# At a handler's first instruction nothing has been saved but by the processor.
frames(session("catch interrupt 0x20 if $cpl == 0 && $_met > 3", "run", "backtrace"), "<trap_stub_32", "<interrupted>", "VMI_|<")
frames(session("catch interrupt 0x80", "run", "backtrace"), "<trap_stub_128", "<entered from user mode>", "0x80")
frames(session("tbreak page_fault", "run", "backtrace"), "<page_fault", "<trap_dispatch", "<trap_common",
       "<entered from user mode>|<interrupted>")
# VMI's stubs are frames like others, before their return and at it.
for steps in (0, 1):
    frames(session("catch vmi SetPxE if $icount > 1000000", "run", *["stepi"] * steps, "backtrace"), "<VMI_SetPxE", "<paging_init|<page_set", "<kernel_main|<page")
# Names of a program are those of its address space.
text = session("tbreak sys_fork", "run", INIT, "info symbol main", "print $cr3", "tbreak sys_exec", "continue", "tbreak sys_wait",
               "continue", "x/1i 0x8048000 + 0x100")
names = re.findall(r"<(\w+)\+\d+>:", text)
assert "main" in text, text
assert session("add-symbol-file -here nosuch").count("paging is off") == 1
with tempfile.TemporaryDirectory() as d:
    # The same without any of it: frame pointers, and what the processor pushed.
    bare = os.path.join(d, "bare.elf")
    subprocess.run(["objcopy", "--remove-section=.debug_*", LANTERN, bare], check=True)
    frames(session("tbreak sys_fork", "run", "backtrace", kernel=bare), *KERNEL_SIDE, "0x80")
    frames(session("tbreak page_fault", "run", "backtrace", kernel=bare), "<page_fault", "<trap_dispatch", "<trap_common",
           "<entered from user mode>|<interrupted>")
# Where nothing leads from frame to frame, candidates: none that follows no call, and behind what was interrupted its own.
# (Of inner a pop and a return are left: its caller is known.)
BARE = os.path.join(os.path.dirname(LANTERN), "guest", "frameless.elf")
frames(said((BARE,), "tbreak leaf", "run", "backtrace"), "0x[0-9a-f]+ <leaf\\+0>", " 0x[0-9a-f]+ <handle\\+8>", r"\? .*<handler\+6>", "<interrupted>",
       r"#3 +0x[0-9a-f]+ <inner\+3>", r"#4 +0x[0-9a-f]+ <middle\+8>", r"#5 +\? .*<outer\+11>", r"#6 +\? .*<_start\+\d+>")
text = said((BARE,), "tbreak leaf", "run", "backtrace", "backtrace 2")
assert text.count("? no frame pointers") == 1 and "<middle+0>" not in text, text
