# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops on what instructions do to the processor, with what conditions can ask of them; each stop is where it happens, and the
guest's run is the same with them."""
import os
import re

from console import LANTERN, has, said


def session(*commands, guest=LANTERN, engine="vmi"):
    return said(("-engine", engine, "-append", "test", guest), *commands)


end = re.search(r"\$1 = (\d+)", session("run", "print $icount"))[1]
for engine in ("bt", "vmi"):
    for kind, seen in (
        ("msr", r"MSR \w+h (read|written): [0-9a-f]{16}$"),
        ("msr 0x174", r"MSR 174h written: 0000000000000008$"),
        ("msr if $_number == 0x176 && $_value > 0xc0000000", r"MSR 176h written: 00000000c0\w{6}$"),
        ("table", r"gdt loaded, base \w{8}$"),
        ("table idt", r"idt loaded, base \w{8}$"),
        ("table tr", r"tr loaded, base \w{8}$"),
        ("invlpg", r"INVLPG \w{8}$"),
        ("cpuid", r"CPUID leaf 0h, subleaf \w+h$"),
        ("cpuid 1", r"CPUID leaf 1h, subleaf \w+h$"),
        ("mode user", r"from kernel mode to user mode\n0x80\w+"),
        ("mode kernel if $_value == 3", r"from user mode to kernel mode\n0xc0\w+"),
        ("hlt", r"exit HALT: HLT$"),
        ("cr 3 if $_value & 0xfff", None),
        ("exception #PF if $_address > 0x1000 && $_value & 4", r"#PF at \w{8}, error code 000[4567]$"),
        ("port out if $_number == 0x21 && $_value > 0", r"port 021h, 1 byte out: [0-9a-f]{2}$"),
    ):
        text = session("catch " + kind, "run", "info breakpoints", "delete", "continue", "print $icount", engine=engine)
        if seen:
            has(text, "^Catchpoint 1, " + seen, r"^\thit 1 time$")
        else:
            assert "Catchpoint 1, " not in text, text
        has(text, "^Stopped: the guest wrote to the debug-exit port")
        if engine == "vmi":
            has(text, rf"^\$1 = {end}$")

# What lantern does not do.
for guest, kind, seen in (
    ("debugregs", "dr", r"DR\d is [0-9a-f]{8}$"),
    ("debugregs", "dr 7 if $_value != 0x400", r"DR7 is [0-9a-f]{8}$"),
    ("v86", "mode v86", "from kernel mode to v86 mode$"),
    ("gates", "mode middle", r"from \w+ mode to middle mode$"),
    ("real16", "mode real", "from kernel mode to real mode$"),
):
    has(session("catch " + kind, "run", guest=os.path.join(os.environ.get("B", "build"), "guest", "cpu", guest + ".elf")),
        "^Catchpoint 1, " + seen)

# INVLPG of any address in the page is that page's.
at = re.search(r"INVLPG (\w{8})", session("catch invlpg", "run"))[1]
has(session(f"catch invlpg 0x{at} + 0x123", "run"), rf"^Catchpoint 1, INVLPG {at}$")

# How often, and how fast: every third; three within a while; not more than so often.
text = session("catch cr 3 if $_met % 3 == 0", "run", "print $_met", "continue", "print $_met", "info breakpoints")
has(text, r"^\$1 = 3$", r"^\$2 = 6$", r"^\thit 2 times$")
text = session("catch exception #PF if $_since < 5000", "run", "print $_since < 5000", "print $_met > 1")
has(text, r"^Catchpoint 1, #PF", r"^\$1 = 1$", r"^\$2 = 1$")
text = session("break sys_fork if $_met == 2", "run", "print $_met", "print $_since")
has(text, r"^\$1 = 2$", r"^\$2 = \d{3,9}$")
text = session("break -icount 1000 if $_met == 2", "run", "info breakpoints")
assert "hit" not in text.split("Stopped:")[1], text

# Together, with counts to ignore, and with commands: each has its number.
text = session("catch msr", "catch table gdt", "catch cpuid", "ignore 3 2", "commands 2", "print $_value", "end", "run",
               "continue", "continue", "disable 3 2", "continue", "info breakpoints")
has(text, r"^Catchpoint 2, gdt loaded", r"^Catchpoint 3, CPUID leaf ", r"^2    catch       keep n ", "^Catchpoint 1, MSR ", r"^\$1 = 3\d{9}$")

# Device memory, of Linux's APICs; lantern uses the 8259s.
has(session("catch mmio", "catch mmio 0xfee00080", "catch mmio 0x100000000", "info breakpoints"),
    r"^2    catch       keep y +mmio 0xfee00080$", "^expected a physical address, found `0x100000000'$")

# Mistakes.
has(session("catch dr 8", "catch table fdt", "catch mode protected", "catch hlt 1", "catch invlpg nosuch", "catch msr -1",
            "catch nothing", "set $_met = 1"),
    "^expected a debug register from 0 to 7, found `8'$",
    "^expected a descriptor table's register, found `fdt': gdt, idt, ldt, tr$",
    "^expected a mode, found `protected': real, kernel, middle, user, v86$", "^expected nothing behind it, found `1'",
    "^expected a linear address, found `nosuch'$", "^expected exception, interrupt, .*, mode or hlt, found `nothing'$",
    r"^\$_met cannot be changed$")
