# SPDX-License-Identifier: GPL-3.0-or-later
"""lldb: attach, registers, memory, breakpoints, stepping, watchpoints, a command of ours."""
import re
import shutil
import subprocess
import sys

from rsp import LANTERN, Machine

if not shutil.which("lldb"):
    print("lldb is not installed")
    sys.exit(77)
with Machine("-append", "tour") as m:
    commands = (f"process connect unix-connect://{m.path}", "register read eip eax", "memory read -s4 -fx -c1 0x1066ac", "breakpoint set -n kernel_main", "continue",
                "thread backtrace", "thread step-inst", "thread step-over", "frame variable magic", "breakpoint delete 1",
                "breakpoint set -n sys_fork", "continue", "thread list", "register write eax 0x1234", "register read eax", "memory write -s4 0xc0007000 0x11223344",
                "memory read -s4 -fx -c1 0xc0007000", "breakpoint delete 2", "watchpoint set expression -w write -s 4 -- &ticks", "continue",
                "process plugin packet monitor info version", "process detach")
    words = ["lldb", "--no-lldbinit", "--batch", LANTERN]
    for command in commands:
        words += ["-o", command]
    said = subprocess.run(words, capture_output=True, text=True, timeout=80, check=False, stdin=subprocess.DEVNULL).stdout
    for pattern in (r"eip = 0x001066ac", r"eax = 0x2badb002", r"0x001066ac: 0xbfc589fc", r"stop reason = breakpoint 1\.1\n *frame #0: 0x\w+ lantern.elf`kernel_main\(magic=732803074",
                    r"stop reason = instruction step into", r"stop reason = step over\n *frame #0: 0x\w+ lantern.elf`kernel_main.* at main.c:18", r"\(u32\) magic = 732803074",
                    r"stop reason = breakpoint 2\.1\n *frame #0: 0x\w+ lantern.elf`sys_fork", r"eax = 0x00001234", r"0xc0007000: 0x11223344",
                    r"stop reason = watchpoint 1", r"Vitrine 0\.\d+", r"Process 1 detached"):
        assert re.search(pattern, said), (pattern, said)
    assert m.wait() == 0
