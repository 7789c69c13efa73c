# SPDX-License-Identifier: GPL-3.0-or-later
"""What the console says of VMI's calls: counts that are exact and repeat, the host's time only when asked for, and for
every call the code it becomes, which looking does not change."""
import json
import os
import re
import tempfile

from console import LANTERN, has, said

GUESTS = os.path.join(os.environ.get("B", "build"), "guest", "vmi")


def session(*commands, kernel=LANTERN, engine="vmi", options=()):
    return said(("-engine", engine, "-serial", "null", "-m", "64M", "-append", "tour", *options, kernel), *commands)


def table(text):
    return re.findall(r"^([A-Z]\w+) +(\d+) +(\d+) +(\d+) ", text, re.MULTILINE)


# The same run is the same table; also with calls not in line, and when the host's time is taken.
plain = session("run", "info vmi")
assert session("run", "info vmi") == plain
rows = table(plain)
assert len(rows) > 30, plain
called = session("set vmi-inline off", "run", "info vmi")
assert table(called) == rows, (called, plain)
timed = session("set vmi-timing on", "run", "info vmi", "info vmi IRET", "explain vmi SetPxE", "set vmi-timing off", "info vmi")
has(timed, r"^call +count +per second instructions  host ns in line$", r"^host time  \d+ ns each, of \d+ calls$")
assert table(timed) == rows + rows, (timed, plain)
assert "host ns" not in plain and plain.split("VMI is")[1] == timed.rsplit("VMI is", 1)[1]
counts = {name: (int(count), int(insns)) for name, count, _, insns in rows}
assert all(insns == (1 if name in ("IRET", "SYSEXIT") else 2) * count for name, (count, insns) in counts.items()), counts

# In -stats too; `stats reset' begins anew.
with tempfile.NamedTemporaryFile("r", encoding="utf-8") as f:
    session("run", options=("-stats", f.name))
    stats = json.load(f)
    assert {k[4:]: v for k, v in stats.items() if re.match("vmi_[A-Z]", k)} == {k: v[0] for k, v in counts.items()}, stats
    assert stats["vmi_calls"] == sum(v[0] for v in counts.values()), stats
    assert stats["vmi_faulted"] == stats["vmi_senseless"] == stats["vmi_strangers"] == 0, stats
has(session("tbreak schedule", "run", "stats reset", "info vmi"), r"^VMI is active; 0 calls$")

# Calls that fault are not counted, those that mean nothing are: in line or not.
for guest in ("cpu", "pages", "time", "rom", "apic", "ports"):
    kernel = os.path.join(GUESTS, guest + ".elf")
    on, off = (session(f"set vmi-inline {switch}", "run", "info vmi", kernel=kernel) for switch in ("on", "off"))
    assert table(on) == table(off) and on.count("\n") == off.count("\n"), guest
    odd = r"^\d+ (?:faulted|meant|were).*$"
    assert re.findall(odd, on, re.MULTILINE) == re.findall(odd, off, re.MULTILINE), guest
    if guest == "pages":
        has(on, "^8 faulted, and are not counted: SetCR3 1, SetPxE 1, SetPxELong 3, FlushTLB 2, SetLinearMapping 1$",
            "^4 meant nothing: FlushTLB 2, SetLinearMapping 1, SetLazyMode 1$")
    if guest == "rom":
        has(on, "^7 were none: not at level 0, or not in the ROM$")

# By number, as get_reloc takes it, and by the beginning, in capitals or not.
has(session("help vmi 38", "info vmi 0x21", "help vmi setpxel", "help vmi in"), "^SetPxE, VMI call 38: ", "^IRET, VMI call 33: ",
    "^SetPxELong, ", "^VMI call `in' is InvalPage or INL$")

# All calls, in line and not, before the guest runs, in the middle and at its end.
names = re.findall(r"^ *\d+ (\w+) ", session("help vmi"), re.MULTILINE)
assert len(names) == 74, names
everything = [f"explain vmi {n}" for n in names]
text = session(*everything, "set vmi-inline off", *everything, "tbreak schedule", "run", *everything, "continue", *everything)
assert text.count("  (the block's head)") == 4 * 74 and text.count("\n  ret  ") >= 4 * 60, text
assert not re.search(r"^no |^expected|\(bad\)", text, re.MULTILINE), text
assert not re.search(r"\(%rip\) +# 0x", text), text  # what is referred to has a name
has(text, r"^  ud1    0x26,%eax  +[0-9a-f]+  mov    %eax,\(%r15,%rdx,1\)$", r"mov    %r8,live.calls\(%rip\)$", "call   stub_op$",
    r"^translated as an operation: vmi_set_pxe\(\)$", r"^translated in line$",
    r"^natively   mov %eax, \(%edx\)$", r" cpu\.iflag\(%rip\)", r"^called     \d+ times, \d+ guest instructions$",
    r"^host time  not taken \(set vmi-timing on\)$")
has(session("catch vmi SetPxE if pte", "run", "explain vmi SetPxE", "explain vmi IRET"),
    r"^now        pte = 0x\w+ \[ P W( PS)? \]\n           at = 0xc0\w+ .*\n           flags = 0x\w+ \[ PD \]\nIts stub")
has(session("explain", "explain vmi", "explain vmi nosuch", "explain fire", "help explain", "help explain vmi"),
    r"^0x\w+ <start\+0> at .* is in no block", "^expected a call: explain vmi CALL$", "^no VMI call `nosuch'",
    "^no symbol `fire'.*; expected a place, or block N, exit", "^explain vmi CALL\n.*it costs")
has(session("explain vmi SetPxE", engine="bt"), "^the VMI ROM is hidden: -engine vmi shows it$")
