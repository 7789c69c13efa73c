# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending the processor interrupts and exceptions that nothing has made, and calling the guest's functions: what the guest
makes of them, and that afterwards all is as before."""
import re

from console import LANTERN, has, said


def session(*commands):
    return said(("-append", "test", LANTERN), "tbreak sys_fork", "run", *commands)


# Exceptions come to their handlers with what they carry; a page fault sets CR2.
has(session("inject exception #PF 2 0x80aaaaaa", "inject exception #GP 0", "stepi", "print $cr2", "x/1xw $esp"),
    r"^#PF will be delivered at 0x\w+ <sys_fork\+0>$", "^#PF is about to be delivered; step first$",
    r"^=> 0x\w+ <trap_stub_14\+0>", r"^\$1 = \(void \*\) 0x80aaaaaa|^\$1 = 0x80aaaaaa", r"^0x\w+.*:\t0x00000002$")
has(session("catch exception GP", "inject exception 13 0x18", "continue", "continue"),
    r"^Catchpoint 2, #GP, error code 0018$", r"panic: ")
# Interrupts wait for IF; a line for its controller.
has(session("catch interrupt 0x77", "inject interrupt 0x77", "inject interrupt 0x78", "continue"),
    r"^Interrupt 77h waits\.$", "^interrupt 77h waits already; ", r"^Catchpoint 2, interrupt 77h from a device$")
has(session("set $eflags = 2", "inject interrupt 0x77"), r"^Interrupt 77h waits until IF is set\.$")
has(session("catch interrupt", "inject irq 4", "inject irq 4", "continue", "info irq"),
    r"^Line 4 is up until an interrupt is taken\.$", "^line 4 is up already$", r"^Catchpoint 2, interrupt 2\dh from a device$",
    r"lines=01 ELCR")
has(session("catch interrupt 2", "inject nmi", "inject nmi", "continue", "continue"),
    r"^An NMI waits\.$", "^an NMI waits already$", r"^Catchpoint 2, NMI \(interrupt 02h\)$", "panic: NMI in the kernel")
# A step from a breakpoint goes on, though an interrupt comes first and its handler returns to that breakpoint.
text = session("break *$pc", "stepi", "break *$pc", "inject interrupt 0x20", "stepi", "info breakpoints", "tbreak *(sys_fork+3)",
               "inject interrupt 0x20", "stepi", "stepi")
has(text, r"^=> 0x\w+ <sys_fork\+1>", r"^=> 0x\w+ <sys_fork\+3>", r"^=> 0x\w+ <sys_fork\+[45]>")
assert "Breakpoint 3, " not in text and "hit " not in text, text
# An idle guest wakes.
has(session("catch exit HALT", "continue", "inject exception #UD", "stepi"), "^=> .*<trap_stub_6")

# Functions: arguments on the stack, the result, all registers as before; and the guest goes on as if nothing had been.
text = session("print $icount", "info registers", "echo --", "call process_find(1)", "call process_find(4711)",
               "call memset($esp-400, 'A', 4)", "x/1xw $esp-400", "call memcmp(boot_stack, boot_stack + 0, 8 * (2 + 2))", "echo --",
               "info registers", "continue")
registers = re.findall(r"^e\w+ +0x\w+", text.split("--")[0], re.MULTILINE)
assert len(registers) > 8 and registers == re.findall(r"^e\w+ +0x\w+", text.split("--")[2], re.MULTILINE), text
has(text, r"^\$2 = 0xc\w+ \(edx ", r"^\$3 = 0x0 ", ":\t0x41414141$", r"^\$5 = 0x0 ",
    "^Stopped: the guest wrote to the debug-exit port")
# One that is stopped in between stays there, until its caller's registers are put back.
has(session("break process_find", "call process_find(1)", "backtrace", "call", "call", "delete", "continue"),
    r"^Breakpoint 2, 0x\w+ <process_find\+0>", "^The function has not returned\\.", "^#0 .*<process_find",
    r"^=> 0x\w+ <sys_fork\+0>", r"^expected FUNCTION\(ARGS\)", "^Stopped: the guest wrote to the debug-exit port")
has(session("call/r process_find(1)", "call process_find", "call process_find(", "call nosuch(1)", "call 0x70000000()",
            "call process_find(1,)", "call process_find(1 2)", f"call process_find({','.join(['1'] * 17)})", "call ()",
            "set $esp = 0x70000000", "call process_find(1)"),
    r"^expected FUNCTION\(ARGS\)", "^no symbol `nosuch'$", "^there is no code at 0x70000000$", "^expected `,' between arguments$",
    "^more than 16 arguments$", "^there is no stack at ")
text = session("inject", "inject fire", "inject irq", "inject irq 16", "inject irq x", "inject interrupt 256",
               "inject exception", "inject exception #ZZ", "inject exception #NMI", "inject exception 9", "inject exception #PF x",
               "inject exception #PF 0x100000000")
has(text, "^expected irq, interrupt, exception or nmi$", "^expected irq, interrupt, exception or nmi, found `fire'$",
    "^expected an interrupt line from 0 to 15$", "^expected an interrupt line from 0 to 15, found `16'$", "^no symbol `x'",
    "^expected an interrupt from 0 to 255, found `256'$", "^expected an error code, found `0x100000000'$")
assert text.count("expected an exception, as in inject exception #PF 2 0x1000") == 4, text

# A name that is nearly one: a letter missing, or only a part.
has(session("break schedul", "print ys_for", "print xyzzy"), r"^no symbol `schedul'; did you mean `schedule'\?$",
    r"^no symbol `ys_for'; did you mean `sys_fork'\?$", "^no symbol `xyzzy'$")
# What a gdb user types without thinking: a register without its $, x and p alone, bytes and source beside instructions.
text = session("set eax = 5", "x/2i", "x/1xw 0xc0100000", "x", "print 7", "print", "stepi", "x/1i", "disassemble /r sys_fork,+3",
               "disassemble/s sys_fork,+14", "disassemble /x sys_fork", "info all-registers ebx")
has(text, r"^no symbol `eax'; the register is `\$eax'$", r"^=> 0x\w+ <sys_fork\+0>:\tpush   %ebp\n   0x\w+ <sys_fork\+1>",
    r"^0xc0100004.*:\t0x00000003$", r"^\$2 = 7$", r"^=> 0x\w+ <sys_fork\+1>:\tmov    %esp,%ebp\n(?!=>)",
    r"^   0x\w+ <sys_fork\+0>:\t55\tpush   %ebp\n=> 0x\w+ <sys_fork\+1>:\t89 e5\tmov    %esp,%ebp$",
    r"^\d+\t\tstruct process \*child = create\(\);\n   0x\w+ <sys_fork\+\d+>:\tcall", r"^disassemble has /r \(bytes\) and /s \(source\), not `x'$")
assert len(re.findall("^ebx +0x", text, re.MULTILINE)) == 1, text
# Symbols that cannot be read do not cost those that are there.
has(session("symbol-file /dev/zero", "symbol-file tests/repl/list", "symbol-file -linux", "symbol-file", "info symbol $pc"), "^/dev/zero: not a regular file$",
    "^sys_fork$", "^expected a file, ELF or System.map")
