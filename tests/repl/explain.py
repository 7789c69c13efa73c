# SPDX-License-Identifier: GPL-3.0-or-later
"""explain: addresses, blocks, exits; and after a triple fault the chain that led there, with what was wrong in each."""
import os
import re

from console import LANTERN, has_in_order as has, said

STAGE = os.path.join(os.environ.get("B", "build"), "guest", "stage.elf")


def session(*commands, guest=LANTERN, options=()):
    return said(("-append", "test", *options, guest), *commands)


RUN = ("tbreak -icount 5000000", "run")
text = session(*RUN, "explain schedule", "info blocks schedule")
has(text, r"^0x\w+ <schedule\+0> at .*sched\.c:\d+ is in block \d+",
    r"^Block \d+ at 0x\w+ <schedule\+0>, physical 0x\w+: \d+ instructions, \d+ bytes, made into \d+; kernel, 32-bit, flat$",
    r"^  \(the block's head\) +0  lea", r"^ .*sched\.c:\d+$", r"^  push   %ebp +\w+  mov +%ebp,-0x4\(%r15,%r12,1\)$",
    r"^      the stack is in a window: ", r"^      memory: the window: one host access$", r"^How often it runs is not counted",
    r"^In: \d+ branch", r"^Out: \d+ ways? to a fixed place$", r"linked$", r"; block \d+$")
number = re.search(r"; block (\d+)$", text, re.MULTILINE)[1]
# What is copied as it stands needs no reason.
assert re.search(r"^  test   %ebx,%ebx +\w+  test   %ebx,%ebx\n(  \w| )", text, re.MULTILINE), text
has(session(*RUN, f"explain block {number}"), rf"^Block {number} at 0x\w+ <schedule\+0>")
# How often it ran, and how it was left: as all counters together say.
text = session("set profile on", "catch interrupt 0x20 if 0", "run", "info exits", "explain trap_stub_32")
assert re.search(r"^It ran (\d+) times since", text, re.MULTILINE)[1] == re.search(r"^IRQ +(\d+) ", text, re.MULTILINE)[1], text
text = session("set profile on", "tbreak -icount 10000000", "run", "info exits", "info vmi Halt", "info blocks", "explain VMI_Halt")
halts = re.search(r"^called +(\d+) times", text, re.MULTILINE)[1]
has(text, rf"^HALT +{halts}  ", r", ran (\d{3,}) times; block \d+$", r"^It ran \d+ times? since it was made, and was left for the monitor",
    rf"^  HALT +{halts}  HLT$")
ran = [int(n) for n in re.findall(r", ran (\d+) times?; block", text)]
assert len(ran) == 20 and ran == sorted(ran, reverse=True), ran
# Every exit is some block's: the sum over all is what is counted as a whole, but for signals, which are told by what they came to.
text = session("set profile on", "tbreak -icount 3000000", "run", "set height off", "info exits", *(f"explain block {n}" for n in range(2000)))
whole = {name: int(n) for name, n in re.findall(r"^([A-Z]+) +(\d+)  ", text.split("Block ")[0], re.MULTILINE)}
parts = {name: sum(int(n) for n in re.findall(rf"^  {name} +(\d+)  ", text, re.MULTILINE)) for name in whole}
for name in ("LINK", "SLOT", "LOOKUP", "HALT"):
    assert 0.95 * whole[name] <= parts[name] <= whole[name], (name, whole, parts)  # some of them are dead
has(session("set profile on", "set profile off", *RUN, "explain schedule", "set profile maybe", "show profile", "set record on", "show record"),
    "^How often it runs is not counted", "^profile is off", "^record is on")
# Counting changes nothing for the guest, however it is translated.
for mode in ("windows=off", "links=off", "block=1", "step=on", "code=262144"):
    runs = [session(f"set profile {on}", "tbreak -icount 3000000", "continue", "stats", options=("-no-reboot", "-translator", mode)) for on in ("off", "on")]
    counts = [re.findall(r"^ *\d+  guest instructions$|^(?:#|int ).*", r, re.MULTILINE) for r in runs]
    assert counts[0] == counts[1] and len(counts[0]) == 3 and "FAIL" not in runs[1], (mode, counts)
# A branch to another page is linked though the guest stands in another mode.
has(session(*RUN, "explain schedule"), r"^  to 0x\w+ <segments_set_stack\+0>, block \d+, linked$")
has(session("tbreak sys_fork", "run", "explain"), r"^0x\w+ <sys_fork\+0> at ")
has(session("tbreak kernel_main", "run", "explain sys_fork"), "is in no block: it has not run",
    "^Its first instructions would become$", r"^  push   %ebp +\w+  mov ")
# One that died: its code was written, or a breakpoint came into it.
has(session(*RUN, "break *(schedule+4)", "stepi 2", "delete", "tbreak -icount +3000000", "continue", "explain schedule"),
    r"^Before: one died after \d+ instructions, as ")
# Memory otherwise than through the window, and why.
text = session("tbreak -icount 30000000", "run", *(f"explain block {n}" for n in range(900)))
for seen in ("cold: .*; it kept meeting pages not mapped yet", "the soft way: .*; it met what no window holds", "the window: one"):
    has(text, f"^      memory: {seen}")
assert text.count("\nBlock ") > 300 and "(null)" not in text and "?" not in re.sub(r"grep: .*", "", text), text[:1000]
for name, line in (("signal", "5 to 8 us"), ("IRQ", "Asks the interrupt controllers"), ("halt", "HLT: ")):
    has(session(*RUN, f"explain exit {name}"), f"^{name.upper()}: ", line, rf"^\d+ so far; `catch exit {name.upper()}'")
has(session(*RUN, "explain exit"), "^Translated code was left last by$", r"^[A-Z]+: ")
has(session("explain exit"), "^translated code has not been left yet")
has(session("explain block", "explain block 4000000", "explain block x", "explain exit nosuch", "explain nosuch",
            "explain vmi nosuch", "tbreak sys_fork", "run", "explain 0x70000000"),
    "^0x70000000 is not mapped; `info paging 0x70000000'|^expected a block's number")

# A chain from its first link; each gate, code segment and stack is looked at.
text = session("set $idtr_limit = 0", "set *(short*)0x300000 = 0x0b0f", "set $pc = 0x300000", "continue", "explain", guest=STAGE)
has(text, r"^  1\. #UD$", "IDT entry 6 at 0x30: beyond the IDT's limit 0x0$", "so it became #GP, error code 0033$",
    r"^  2\. #GP", "so it became #GP, error code 006b$", r"^  3\. #DF", "so it became #GP, error code 0043$", r"^  4\. shutdown")
FORK = ("tbreak sys_fork", "run")
DF = "set {int}($idtr_base+8*8+4) = "
for commands, lines in (
    ((DF + "0", "set $esp = 0x70000000"),
     (r"^  1\. #PF, error code 0002, at 0x6ffffffc$", r"handler 0008:0x\w+ <trap_stub_14\+0>$",
      "stack is the one in use, esp 0x70000000, where nothing is mapped$", r"^  2\. #DF", "type 0 is no gate$", "^the first page fault:$")),
    ((DF + "0x0e00", "set {int}($idtr_base+8*14+4) = 0x0e00", "set $pc = 0x1000"),
     (r"^  1\. #PF, error code 0000, at 0x1000$", "not present$", r"so it became #NP, error code 0073$", "#DF", "not present$")),
    ((DF + "0xc0108e00", "set {int}($idtr_base+8*8) = 0x00330000", "set {int}($idtr_base+8*14) = 0x00000000", "set $pc = 0x1000"),
     (r"^  1\. #PF", "its code segment 0000: the null selector$", "#DF", "which is no code segment$")),
    ((DF + "0xc0108e00", "set {int}($idtr_base+8*8) = 0x7ff80000", "set {int}($idtr_base+8*14) = 0x00100000", "set $pc = 0x1000"),
     (r"^  1\. #PF", "its code segment 0010: .*which is no code segment$", "#DF", "beyond the GDT's limit")),
    ((DF + "0", "set {int}($idtr_base+8*0x20+4) = 0", "set {int}($idtr_base+8*13+4) = 0", "set $eflags = 0x202", "inject interrupt 0x20"),
     (r"^  1\. interrupt 20h$", "IDT entry 32 .*type 0 is no gate$", r"^  2\. #GP, error code 0103$", r"^  3\. #DF")),
):
    text = session(*FORK, *commands, "continue", "explain")
    has(text, "^Stopped: triple fault: ", *lines)
    has(text, r"^  \d\. shutdown: ")
# In user mode the handler's stack is the TSS's.
has(session("catch mode user if $_met == 5", "run", "delete", "set {int}($tr_base+4) = 0x70000000", DF + "0", "inject exception #UD",
            "continue", "explain"),
    "^Stopped: triple fault: ", r"^  1\. #UD$", r"its stack is that of level 0, in the TSS at 0x\w+: 0010:70000000$",
    "where nothing is mapped$", "so it became #PF, error code 0002, at 0x6fff", r"^  2\. #PF")
# Why it stands.
has(session("catch exception #PF if $_value & 4", "run", "explain stop"), "^After \\d+ instructions: an event to stop at happened",
    "^#PF: page fault", "^Error code 000[4-7]: a (read or a fetch|write) by user code, the page is not present", r"is not mapped: ")
has(session("catch exit IRQ", "run", "explain stop"), "^IRQ: the guest can take an interrupt", "^Cost: ")
has(session("tbreak sys_fork", "run", "inject exception #GP 0x2b", "catch exception", "continue", "explain stop", "explain stop x"),
    "^#GP: general protection", "^Error code 002b: entry of the IDT, vector 5, during the delivery of an earlier event")
has(session("catch interrupt 0x20", "run", "explain stop"), "^The guest stands at the handler")
has(session("catch vmi SetPxE", "run", "explain stop"), "^It is number 1 .*, met 1 time\\.$", "^It has not been made yet")
has(session("catch vmi SetPxE if flags & 0x10", "run", "explain stop"), "`info breakpoints', met \\d+ times; its condition held once\\.$")
has(session("catch cr 3", "run", "explain stop"), "^CR3 was ", "^The instruction before this one has done it")
