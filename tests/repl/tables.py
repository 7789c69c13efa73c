# SPDX-License-Identifier: GPL-3.0-or-later
"""`info gdt`, `idt`, `ldt`, `tss` say what is wrong with an entry, `info irq` what the next interrupt waits for."""
import os
import subprocess

from console import LANTERN, VITRINE, has, run


def session(*commands):
    r = run(("-serial", "null", LANTERN, "-append", "tour"), *commands)
    assert not r.stderr, r
    return r.stdout


def put(table, entry, value):
    """Commands that write a descriptor."""
    return (f"set *(unsigned*)(${table}r_base + {entry * 8}) = {value & 0xffffffff:#x}",
            f"set *(unsigned*)(${table}r_base + {entry * 8 + 4}) = {value >> 32:#x}")


begin = ("tbreak sys_fork", "run")
text = session(*begin, "info gdt", "info idt", "info ldt", "info tss")
assert "!" not in text, text  # lantern's are as they should be
has(text, "^no I/O map", "^no LDT is loaded$")

text = session(*begin, *put("gdt", 2, 0x00CF92000000FFFE), "info gdt")
has(text, r"^0010: base 00000000 limit ffffefff .*\n +! es was loaded when it said otherwise: base 00000000 limit ffffffff$")
for value, flaw in ((0x0000890000000066, "a TSS needs a limit of 67h"), (0x0000810000000010, "a 16-bit TSS needs a limit of 2Bh"),
                    (0x00AF9A000000FFFF, "L is set: reserved outside of 64-bit mode"), (0x00008D0000000067, "its type is reserved"),
                    (0xC0108E0000080000, "interrupt and trap gates belong in the IDT"),
                    (0xC0108C0000000000, "its selector is null"), (0xC0108C0000800000, "its selector is outside of the table"),
                    (0xC0108C0000100000, "its selector is no code segment"), (0x00008500000A0000, "its selector is no TSS")):
    text = session(*begin, *put("gdt", 6, value), "info gdt")
    assert "0030: " in text and "  ! " + flaw + "\n" in text, (hex(value), flaw, text)
for value, flaw in ((0x00008E0000080000, "nothing is mapped at its handler"), (0x00008C0000080000, "no interrupt, trap or task gate: #GP"),
                    (0xC0108E0000180000, "its code would run at level 3"), (0x0000850000280000, "its TSS is busy"),
                    (0x0000850000000000, "its selector is null or outside of the GDT")):
    text = session(*begin, *put("idt", 9, value), "info idt")
    assert "\n09: " in text and "  ! " + flaw + "\n" in text, (hex(value), flaw, text)
text = session(*begin, *put("idt", 14, 0), "info idt")
has(text, r"^! no gate for #PF: one becomes a double or triple fault$")
for field, value, flaw in ((4, 0, "nothing is mapped below esp0"), (8, 0, "ss0 is null"), (8, 0x800, "ss0 is outside of its table"),
                           (8, 8, "ss0 is no writable data segment"), (8, 0x23, "ss0 is not of level 0")):
    text = session(*begin, f"set *(unsigned*)($tr_base + {field}) = {value}", "info tss")
    has(text, "^! " + flaw)

has(session("info irq"), r"^processor: INTR is asserted, IF is clear: taken after STI, POPF or IRET has set IF$",
    r"^IRQ 0 \(pit\) is high: PIC master IR0: next, with vector 08h; IO-APIC pin 2: masked$")
has(session(*begin, "info irq"), r"^processor: INTR is not asserted, IF is set: it would take one at once$",
    r"PIC master IR0: its edge was taken; the line has to fall and rise again")
# At the handler of a device's interrupt it is in service, and IF is clear.
has(session("catch interrupt 0x20", "run", "info irq"), r"IF is clear: it would not take one$", "its EOI has not come|its edge was taken")

# One entry: by vector, by selector.
r = subprocess.run([VITRINE, "-clock", "virtual", "-append", "tour", os.environ.get("LANTERN", "build/lantern.elf")], text=True,
                   input="info idt 6\ntbreak sys_fork\nrun\ninfo idt 0x80\ninfo idt 18\ninfo idt 256\ninfo gdt $cs\ninfo gdt 0x33\n"
                         "info gdt 0x58\ninfo ldt 8\ninfo idt nosuch\nquit\n", capture_output=True, timeout=50, check=True)
has(r.stdout, r"^80: 32-bit interrupt gate, dpl 3, selector 0008, 0x\w+ <trap_stub_128\+0>$", r"^12: 32-bit interrupt gate, dpl 0",
    r"^0008: base 00000000 limit ffffffff dpl 0 32-bit code", r"^0033: base \w+ limit 00000067 dpl 0 32-bit TSS$")
assert r.stderr.splitlines() == ["no gate for vector 0x100: the IDT's limit is 0x7ff",
                                     "no entry for selector 0x58: the GDT's limit is 0x37", "no LDT is loaded", "no symbol `nosuch'"], r.stderr
