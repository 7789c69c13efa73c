# SPDX-License-Identifier: GPL-3.0-or-later
"""`tour` leads a newcomer through lantern: each step does what its text says, with VMI and without, in a pipe and at a
terminal, where it may be left and taken up again."""
import os
import re
import subprocess

import pexpect

VITRINE = os.environ.get("VITRINE", "build/vitrine")
B = os.environ.get("B", "build")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
PROMPT = r"\[[KU] \w+\]> "

SEEN = {  # what a step is to show
    "reset": r"<start\+0>", "info system": r"cr0 +0x11 ", "tbreak kernel_main": "breakpoint 1 at", "list": "void kernel_main",
    "info paging $pc": "PTE .*\n.*\n.*\nkernel window: ", "backtrace": "(?s)#0 .*sys_fork.*sysenter_entry",
    "info tasks": r"(?m)^\* +1  running .* init ", "info paging 0x8048000": "user window: mapped",
    "info maps": "c0000000-c7ffffff", "stepi": "trap_stub_14", "info paging $cr2": "read-only, user",
    "catch vmi SetPxE": "Catchpoint 4: vmi SetPxE", "explain vmi SetPxE": "store a page-table entry",
    "watch ticks": "Watchpoint [45]: ticks", "info irq": "IF is clear", "top functions 300": r"\d+ samples",
    "stats": "guest instructions", "explain timer_interrupt": r"guest +host\n", "help": "Try next",
}


def piped(engine):
    r = subprocess.run([VITRINE, "-engine", engine, "-clock", "virtual", LANTERN], input="tour\ntour 999\ntour x\n", text=True,
                       capture_output=True, timeout=50, check=True)
    assert r.stderr == ("expected a step from 1 to 31, found `999'\nexpected a step from 1 to 31, found `x'\n"), r.stderr
    steps = re.split(r"^tour> ", r.stdout, flags=re.MULTILINE)[1:]
    done = [step.split("\n", 1)[0] for step in steps]
    assert set(SEEN) - set(done) == (set() if engine == "vmi" else {"catch vmi SetPxE", "explain vmi SetPxE"}), done
    for name, step in zip(done, steps):
        assert re.search(SEEN.get(name, ""), step), (name, step)
    continues = [step for name, step in zip(done, steps) if name == "continue"]
    stops = ["breakpoint 1, ", "breakpoint 2, ", "#PF at", "VMI call SetPxE", "Old value = 0x"]
    assert len(continues) == len(stops) - (engine == "bt")
    for stop, step in zip(stops if engine == "vmi" else stops[:3] + stops[4:], continues):
        assert stop in step, step


def at_a_terminal():
    p = pexpect.spawn(VITRINE, [LANTERN], timeout=20, encoding="utf-8", dimensions=(50, 100), env={**os.environ, "TERM": "xterm"})
    p.expect("Vitrine 0.1: lantern runs .*\r\nCtrl-] or Ctrl-C looks inside; .*`tour' shows around")
    p.expect(r"lantern\$ ")
    p.send("\x1d")
    p.expect(PROMPT)
    p.sendline("set height off")
    p.expect(PROMPT)
    p.sendline("tour")
    p.expect(r"tour> reset    \(Enter; s: not this one; q: leave\) ")
    p.send("\r")
    p.expect("<start.0>")
    p.expect("tour> info system ")
    p.send("s")
    p.expect("tour> tbreak kernel_main ")
    p.send("q")
    p.expect("Left before step 3 of 31; `tour' goes on, `tour 1' begins anew")
    p.expect(PROMPT)
    p.sendline("print 6*7")  # and in between
    p.expect("= 42")
    p.sendline("tour")
    p.expect("tour> tbreak kernel_main ")
    while True:
        p.send("\r")
        if p.expect(["tour> top functions 300 ", r"tour> [^\r]* "]) == 0:
            break
    p.send("\r")
    p.expect(r"[1-9]\d* samples")
    p.send("q")
    while True:
        if p.expect(["tour> help ", r"tour> [^\r]* "]) == 0:
            break
        p.send("\r")
    p.send("\r")
    p.expect("Try next")
    p.expect(PROMPT)
    p.sendline("quit")
    p.expect(pexpect.EOF)


def elsewhere():
    r = subprocess.run([VITRINE, B + "/guest/stage.elf"], input="tour\n", text=True, capture_output=True, timeout=50, check=True)
    assert r.stderr == "the tour leads through lantern: vitrine build/lantern.elf, or make run\n", r


piped("vmi")
piped("bt")
at_a_terminal()
elsewhere()
