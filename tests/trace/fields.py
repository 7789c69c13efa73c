#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the fields: of calls with known arguments (tests/guest/vmi/ports.c), of lantern's events, of the files
beside the trace. Numbers in the guests' sources are repeated here."""
import json
import re
import subprocess
import tempfile

import traces

ROM = range(0xC8000, 0xC9000)


def calls_by_name(events):
    byname = {}
    for e in events:
        byname.setdefault(e.name, []).append(e.fields)
    return byname


def ports():
    """Calls about ports, the first of which are: OUTL cf8 80001234, INL, INW, INB, ..."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(["-no-reboot", "-m", "64M", "-kernel", f"{traces.BUILD}/guest/vmi/ports.elf"], d + "/t")
        by = calls_by_name(traces.read(d + "/t"))
    first = by["vmi:OUTL"][0]
    assert first["value"] == 0x80001234 and first["port"] == 0xCF8 and first["cpl"] == 0, first
    entry = next(f for f in by["vmi:call_entry"] if f["call"] == "OUTL")
    assert entry["eax"] == 0x80001234 and entry["edx"] == 0xCF8 and entry["stack"] == [], entry
    assert entry["eip"] in ROM and entry["eip"] == first["eip"] and entry["icount"] == first["icount"]
    assert entry["caller"] == first["caller"] and entry["caller"] not in ROM
    answer = next(f for f in by["vmi:call_exit"] if f["call"] == "INL")
    assert answer["eax"] == 0x80001234 and answer["insns"] == 2 and answer["in_line"] == 1, answer
    out = next(f for f in by["dev:port_out"] if f["port"] == 0xCF8)
    assert out["value"] == 0x80001234 and out["size"] == 4
    read = next(f for f in by["dev:port_in"] if f["port"] == 0xCF8 and f["size"] == 4)
    assert read["value"] == 0x80001234
    many = [f for f in by["vmi:INSB"] if f["count"] == 70000]
    done = [f for f in by["vmi:call_exit"] if f["call"] == "INSB" and f["insns"] > 70000]
    assert len(many) == len(done) == 1 and many[0]["to"] == 0x1800000 and many[0]["port"] == 0x3FF, (many, done)


def lantern():
    with tempfile.TemporaryDirectory() as d:
        _, counters = traces.run(["-kernel", traces.LANTERN, "-append", "tour"], d + "/t", "all,stacks")
        events = list(traces.read(d + "/t"))
        machine = json.load(open(d + "/t/vitrine/machine.json"))
        symbols = [line.split() for line in open(d + "/t/vitrine/symbols")]
    by = calls_by_name(events)
    counts = [e.fields["icount"] for e in events]
    assert counts == sorted(counts), "icount goes back"
    # a call is within its entry and exit, and its caller is the kernel's code
    starts = sorted((int(s[0], 16), int(s[1], 16)) for s in symbols if s[2] == "T")
    assert any(s[3] == "kernel_main" for s in symbols)
    begun = []
    for e in events:
        f = e.fields
        if e.name == "vmi:call_entry":
            begun.append((f["call"], f["caller"], f["icount"], e.ns))
        elif e.name == "vmi:call_exit":
            name, caller, icount, ns = begun.pop()
            assert (name, caller) == (f["call"], f["caller"]) and f["icount"] == icount + 1, (e, name, caller, icount)
            assert f["ns"] <= e.ns - ns + 1000, (e, ns)
    assert not begun
    for f in by["vmi:SetPxE"][:200]:
        assert any(a <= f["caller"] < a + n for a, n in starts), hex(f["caller"])
    for f, stack in zip(by["vmi:call_entry"], by["vmi:call_stack"]):
        assert stack["frames"][0] == f["caller"]
    # page tables: what SetPxE stores is what changes
    stored = [f["pte"] for f in by["vmi:SetPxE"]]
    learned = [f["new"] for f in by["mmu:pt_change"] if f["learned"] == "CALL"]
    assert [p for p in learned if p in set(stored)][:100] == stored[:100]
    assert len(learned) == len(stored) + len(by.get("vmi:UpdatePxE", []))
    for f in by["mmu:switch"]:
        assert f["to"] == f["cr3"] and f["from"] != f["to"]
    assert [f["value"] for f in by["vmi:SetCR3"]].count(by["mmu:switch"][-1]["to"])
    # instructions of calls are as the machine counts them
    for f in by["cpu:exception"]:
        assert (f["vector"] == "PF") == (f["address"] != 0)
    assert sum(f["insns"] for f in by["bt:translate"]) == counters["translated_insns"]
    assert sum(f["guest_bytes"] for f in by["bt:translate"]) == counters["guest_bytes"]
    assert sum(f["host_bytes"] for f in by["bt:translate"]) == counters["host_bytes"]
    for f in by["bt:translate"]:
        parts = sum(f[k] for k in ("copied", "operand", "control", "stack", "rewritten", "operations"))
        assert parts == f["insns"] and f["pc"] & 0xFFF == (f["pc"] & 0xFFF), f
    assert sum(f["idle_ns"] for f in by["cpu:wake"]) == counters["idle_ns"]
    assert len(by["cpu:halt"]) in (len(by["cpu:wake"]), len(by["cpu:wake"]) + 1)
    assert [f["why"] for f in by["dbg:stop"]] == ["POWER_OFF"]
    assert machine["engine"] == "vmi" and len(machine["calls"]) > 70 and machine["version"] == 1
    assert machine["calls"][38]["name"] == "SetPxE"


def machine():
    """From an event to the machine: break -icount stops there in a run of its own."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(["-kernel", traces.LANTERN, "-append", "tour"], d + "/t")
        events = list(traces.read(d + "/t"))
    kinds = ("vmi:call_entry", "vmi:SetPxE", "cpu:exception", "cpu:interrupt", "cpu:software_interrupt", "bt:translate",
             "mmu:switch", "dev:port_out", "mmu:pt_change", "vmi:call_exit", "bt:lookup_miss", "cpu:halt")
    chosen = {}
    for k in kinds:
        of = [e for e in events if e.name == k and e.fields["icount"]]
        for e in (of[len(of) // 3], of[-1]):
            chosen[e.fields["icount"]] = e
    lines = []
    for n in sorted(chosen):
        lines += [f"tbreak -icount {n}", "continue", "print $eip", "print $cr3"]
    done = subprocess.run([traces.VITRINE, "-S", traces.LANTERN, "-append", "tour"], input="\n".join(lines) + "\nquit\n",
                          capture_output=True, text=True, errors="replace", timeout=100)
    values = [int(v, 0) for v in re.findall(r"^\$\d+ = (0x[0-9a-f]+|\d+)", done.stdout, re.M)]
    assert len(values) == 2 * len(chosen), done.stdout[-600:]
    for i, n in enumerate(sorted(chosen)):
        e = chosen[n]
        eip = e.fields["eip"]
        assert values[2 * i] == eip, (e, hex(values[2 * i]))
        if e.name != "mmu:switch":
            assert values[2 * i + 1] == e.fields["cr3"], (e, hex(values[2 * i + 1]))


def table():
    """Every call has its event with its arguments by name, whatever its number."""
    with open("vmi/calls.def") as f:
        text = f.read()
    rows = re.findall(r'CALL\((\d+), (\w+),.*?\n?.*?"((?:[^"]|\\")*)", "[^"]*",\s+"[^"]*"\)', text)
    with open(f"{traces.BUILD}/gen/generated.def") as f:
        made = f.read()
    calls = re.findall(r"^CALL\((\d+), (\w+),", text, re.M)
    assert len(calls) > 70 and rows
    for number, name in calls:
        assert f"TYPED({number}, {name}," in made, name


traces.alone()
traces.main(ports, lantern, machine, table)
