# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking does not disturb: lantern's tour ends after the same number of instructions, at the same guest time and with
the same words, whatever was broken on, watched, stepped or looked at meanwhile."""
import json
import os
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")


def tour(*commands):
    with tempfile.TemporaryDirectory() as d:
        serial, stats = os.path.join(d, "serial"), os.path.join(d, "stats")
        words = [VITRINE, "-batch", "-clock", "virtual", "-serial", "file:" + serial, "-stats", stats]
        for command in commands:
            words += ["-e", command]
        r = subprocess.run([*words, "-append", "tour", LANTERN], capture_output=True, text=True, timeout=100, check=False,
                           stdin=subprocess.DEVNULL)
        assert r.returncode == 0, (commands, r)
        with open(stats, encoding="utf-8") as f:
            counters = json.load(f)
        with open(serial, encoding="utf-8") as f:
            return counters["icount"], counters["guest_ns"], f.read()


plain = tour()
assert plain[0] > 1000000, plain[0]
for commands in (
    (),
    ("stepi", "stepi 54321", "stepi 7"),
    ("break schedule if 0", "break printk if *(int*)$esp == 1"),
    ("tbreak kernel_main", "continue", "nexti 4", "stepi 100", "finish"),
    ("tbreak kernel_main", "continue", "info maps", "info paging $esp", "x/64xw $esp", "backtrace", "info devices",
     "find kernel_main, +0x10000, 0x12345678", "info irq", "info screen", "info registers all", "info gdt"),
    ("tbreak sys_fork", "continue", "info tasks", "info idt", "info ldt", "info tss", "info windows", "info blocks", "info frame",
     "up", "print $eip", "info functions sys_", "stats", "stats json", "explain", "log",
     "top functions 20", "top blocks 20", "top exits 20", "top vmi 20"),
    ("catch exception if 0", "catch interrupt if 0", "catch cr if 0", "catch exception #DF"),
    ("catch port out 0x43 if 0", "catch port in 0x60 if 0", "catch exit SIGNAL if 0", "catch bt translate if 0"),
    ("set vmi-timing on", "tbreak schedule", "continue", "explain vmi SetPxE", "explain vmi IRET", "info vmi"),
    ("catch vmi if 0", "catch vmi SetPxE if flags == 0x12345"),
    ("set vmi-inline off", "catch vmi IRET if 0", "catch vmi EnableInterrupts if 0"),
    ("tbreak schedule", "continue", "watch need_switch if 0", "rwatch *(char*)schedule if 0"),
):
    seen = tour(*commands)
    assert seen[:2] == plain[:2], (commands, seen[:2], plain[:2])
    assert seen[2] == plain[2], commands
