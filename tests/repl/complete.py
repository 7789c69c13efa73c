# SPDX-License-Identifier: GPL-3.0-or-later
"""TAB completes each argument by its kind, also among the symbols of a large kernel; many matches are asked about, shown
in columns and by pages."""
import os
import tempfile

import pexpect

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
PROMPT = r"\[[KU] \w+\]> "


def start(*options):
    p = pexpect.spawn(VITRINE, ["-S", *options, LANTERN], timeout=20, encoding="utf-8", dimensions=(24, 120))
    p.expect(PROMPT)
    return p


def fits(p, typed, line):
    """What TAB makes of the text."""
    p.send(typed + "\t")
    p.expect_exact(line)
    p.send("\x15")  # the line is not wanted


p = start()
p.sendline("break kernel_main")
p.expect(PROMPT)
for typed, line in (
    ("disas", "disas"), ("apro", "apropos "), ("info pag", "info paging "), ("info registers $ei", "$eip "),
    ("print $es", "$es"), ("break kernel_ma", "kernel_main "), ("info paging kernel_ma", "kernel_main "),
    ("info devices com", "com"), ("info devices kb", "kbd "), ("info vmi SetPxEL", "SetPxELong "),
    ("help info pag", "paging "), ("help vmi GetCycleC", "GetCycleCounter "), ("help set disass", "disassembly-flavor "),
    ("set lists", "listsize "), ("show heig", "height "), ("delete ", "1 "), ("condition ", "1 "), ("catch exc", "exception "),
    ("catch exit HA", "HALT "), ("catch vmi SetID", "SetIDT "), ("explain vm", "vmi "), ("stats js", "json "), ("top func", "functions "),
    ("source tests/repl/more.vi", "tests/repl/more.vitrine "), ("dump tests/repl/li", "list "), ("trace sta", "sta"),
):
    fits(p, typed, line)
p.sendline("quit")
p.expect(pexpect.EOF)

with tempfile.NamedTemporaryFile("w", suffix=".map") as f:
    for i in range(100000):
        f.write(f"{0xC1000000 + 16 * i:08x} T big_{i % 311}_{i}\n")
    f.flush()
    p = start("-symbols", f.name)
    fits(p, "break big_12_32", "big_12_32")
    p.send("break big_12_323\t\t")
    p.expect("big_12_323 +big_12_32356")
    p.expect(r"break big_12_32")
    p.send("\x15break big_\t\t")
    p.expect(r"Show all 100000\? \(y or n\)")
    p.send("n")
    p.expect("> break big_")
    p.send("\t")
    p.expect(r"Show all 100000\? \(y or n\)")
    p.send("y")
    p.expect("-- more")
    p.send(" ")
    p.expect("-- more")
    p.send("q")
    p.expect("> break big_")
    p.send("77_99908\r")  # and the line goes on
    p.expect("Breakpoint 1 at 0xc1186440 <big_77_99908")
    p.expect(PROMPT)
    p.sendline("info symbol 0xc1000008")
    p.expect(r"big_0_0 \+ 8")
    p.close(force=True)
