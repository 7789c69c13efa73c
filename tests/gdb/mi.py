# SPDX-License-Identifier: GPL-3.0-or-later
"""gdb's machine interface as editors use it: asynchronous, breakpoints by file and line, interrupting, variables, memory."""
import re
import shutil
import subprocess
import sys
import threading
import time

from rsp import LANTERN, Machine

if not shutil.which("gdb"):
    print("gdb is not installed")
    sys.exit(77)


class Mi:
    def __init__(self):
        self.p = subprocess.Popen(["gdb", "-nx", "-q", "-i=mi", "-iex", "set debuginfod enabled off"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines, self.token = [], 0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.p.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait(self, pattern, start=0, seconds=20):
        for _ in range(seconds * 50):
            for i in range(start, len(self.lines)):
                if re.match(pattern, self.lines[i]):
                    return self.lines[i]
            time.sleep(0.02)
        raise AssertionError((pattern, self.lines[start:]))

    def ask(self, command, result="done|running|connected|exit"):
        self.token += 1
        start = len(self.lines)
        self.p.stdin.write(f"{self.token}{command}\n")
        self.p.stdin.flush()
        return self.wait(rf"{self.token}\^({result})", start)

    def go(self, command, stopped):
        start = len(self.lines)
        self.ask(command)
        return self.wait(r"\*stopped," + stopped, start)


with Machine("-append", "run=spin") as m:
    g = Mi()
    g.ask("-gdb-set mi-async on")
    g.ask("-gdb-set pagination off")
    g.ask(f"-target-select remote {m.path}")
    assert 'name="eip"' in g.ask("-data-list-register-names") or '"eip"' in g.ask("-data-list-register-names")
    number = g.ask("-break-insert timer.c:36")
    assert "timer_interrupt" in number, number
    g.go("-exec-continue", 'reason="breakpoint-hit".*func="timer_interrupt"')
    assert "timer_interrupt" in g.ask("-stack-list-frames 0 0")
    assert re.search(r'value="\d+"', g.ask("-data-evaluate-expression ticks"))
    g.ask("-var-create ticks * ticks")
    g.go("-exec-next", 'reason="end-stepping-range"')
    g.go("-exec-step", 'reason="end-stepping-range"')
    g.go("-exec-finish", '(reason="function-finished"|reason="breakpoint-hit"|reason="end-stepping-range")')
    assert 'contents="' in g.ask("-data-read-memory-bytes &ticks 16")
    assert "asm_insns" in g.ask("-data-disassemble -s $pc -e $pc+16 -- 0")
    g.ask("-break-condition 1 ticks == 0x7fffffff")
    g.ask("-exec-continue")
    time.sleep(0.5)
    start = len(g.lines)
    g.ask("-exec-interrupt")
    g.wait(r'\*stopped,reason="signal-received",signal-name="SIGINT"', start)
    g.ask("-break-delete")
    assert "cpu0" in g.ask("-thread-info")
    g.ask('-interpreter-exec console "monitor info version"')
    g.ask("-target-detach")
    g.ask("-gdb-exit")
    assert g.p.wait(10) == 0

# Detached and attached again, in extended mode.
with Machine("-append", "run=spin") as m:
    g = Mi()
    g.ask("-gdb-set confirm off")
    g.ask(f"-target-select extended-remote {m.path}")
    g.ask("-break-insert -t kernel_main")
    g.go("-exec-continue", 'reason="breakpoint-hit".*func="kernel_main"')
    g.ask("-target-detach")
    assert "threads=[]" in g.ask("-thread-info")
    start = len(g.lines)
    g.ask("-target-attach 1")
    g.wait(r"\*stopped", start)
    assert not [line for line in g.lines[start:] if "shared library event" in line], g.lines[start:]
    g.ask("-break-insert timer_interrupt")
    g.go("-exec-continue", 'reason="breakpoint-hit".*func="timer_interrupt"')
    g.ask("-target-detach")
    g.ask("-break-delete")
    g.ask("-break-insert -t kernel_main")
    g.go("-exec-run", 'reason="breakpoint-hit".*func="kernel_main"')
    g.ask("-interpreter-exec console kill")
    g.ask("-gdb-exit")

# What VS Code's cppdbg sends: it wants to hear of libraries, and goes on by itself then.
with Machine("-append", "tour") as m:
    g = Mi()
    for setting in ("target-async off", "stop-on-solib-events 1", "detach-on-fork off", "schedule-multiple off", "auto-solib-add on"):
        g.ask("-gdb-set " + setting)
    g.ask("-list-features")
    g.ask(f"-file-exec-and-symbols {LANTERN}")
    g.ask(f"-target-select remote {m.path}")
    assert "kernel_main" in g.ask("-break-insert -f kernel_main")
    g.go("-exec-continue", 'reason="breakpoint-hit".*func="kernel_main"')
    assert 'details="CPL 0' in g.ask("-thread-info")
    assert 'level="0"' in g.ask("-stack-list-frames 0 1000")
    assert 'name="magic"' in g.ask("-stack-list-variables 0")
    assert 'value="732803074"' in g.ask('-var-create - * "magic"')
    assert 'numchild="64"' in g.ask('-var-create - @ "processes"')
    assert 'exp="9"' in g.ask('-var-list-children --simple-values "var2" 0 10')
    assert 'number="8"' in g.ask("-data-list-register-values x")
    assert 'opcodes="55"' in g.ask("-data-disassemble -s $pc -e $pc+30 -- 2")
    g.ask('-break-insert -f -c "number == 4" system_call')
    g.go("-exec-continue", 'reason="solib-event"')
    g.go("-exec-continue", 'reason="breakpoint-hit".*func="system_call"')
    g.ask("-break-delete 1 2")
    assert 'exp="ticks"' in g.ask("-break-watch ticks")
    g.go("-exec-continue", 'reason="watchpoint-trigger".*value={old="0",new="1"}.*func="timer_interrupt"')
    g.go("-exec-finish", 'reason="(function-finished|watchpoint-trigger)"')
    g.go("-exec-step-instruction", 'reason="end-stepping-range"')
    assert "changelist" in g.ask("-var-update 1 *")
    g.ask('-interpreter-exec console "monitor info exits"')
    g.ask("-target-detach")
    g.ask("-gdb-exit")
    assert g.p.wait(10) == 0
    assert m.wait() == 0
