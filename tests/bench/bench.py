#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures native, Vitrine (BT) and QEMU's TCG side by side, and says which of the project's bars hold.

Rounds in which each machine runs each workload once follow one another; the table has the least of each, as a ratio to the
native one. With --full there are more rounds, QEMU with -icount, Vitrine counting twice (what counting costs), stress-ng's
kernel stressors, a shell that runs 2,000 programs, VMI and all bars, medians beside the least. Everything measured is kept in
build/bench/result.json, and drawn in build/bench/result.svg.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import bars
import measure
import report

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QEMU = "qemu-system-i386 -accel tcg -display none -monitor none -serial stdio -no-reboot"
BT = "build/vitrine -batch -engine bt"
ENGINES = {
    "native": "",
    "bt": BT,
    "tcg": QEMU,
    "icount": QEMU + " -icount shift=1,align=off,sleep=off",
    "twice": BT + " -translator count=twice",
}
QUICK, FULL = ("native", "bt", "tcg"), tuple(ENGINES)
CLASSES = ("compute", "calls", "fpu", "kernel", "stress", "long")


def workloads():
    rows = []
    with open("tests/bench/workloads", encoding="utf-8") as f:
        for line in f:
            part = line.split(None, 2)
            if part and not line.startswith("#") and part[1] in CLASSES:
                rows.append((part[0], part[1]))
    return rows


def rounds(args, rows, engines, commands):
    """{engine: {workload: [seconds, one a round]}}, and what was printed wrongly."""
    seconds, first, wrong = {e: {} for e in engines}, {}, set()
    names = [n for n, _ in rows]
    for number in range(args.runs):
        for engine in engines:
            sys.stderr.write(f"{engine} {number + 1}/{args.runs} ")
            if engine == "native":
                found = measure.measure_native(names)
            else:
                # what counting twice costs is asked of user code only
                mine = names if engine != "twice" else [n for n, c in rows if c in bars.USER]
                found = measure.measure_guest(commands[engine].split() + measure.guest(args.flavour, ["1"] + mine))
            for name, (spent, digest, text) in found.items():
                right = first.setdefault(name, (digest, text))
                if digest == right[0]:
                    seconds[engine].setdefault(name, []).append(spent)
                else:
                    wrong.add(f"{name} under {engine}: {text!r}, before {right[1]!r}")
    return seconds, wrong


def commit():
    r = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return r.stdout.strip() or "no git"


def processor():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        names = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else platform.machine()}"


def main():
    os.chdir(TOP)
    rows = workloads()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="*", help="only the workloads named so (" + " ".join(n for n, _ in rows) + ")")
    parser.add_argument("--full", action="store_true", help="all machines, rows and bars")
    parser.add_argument("--engines", help="which of " + ",".join(ENGINES) + "; native is always among them")
    parser.add_argument("--runs", type=int, help="rounds; the least counts (2, with --full 5)")
    parser.add_argument("--flavour", default="686", help="Debian's kernel: 686 or 686-pae (686)")
    parser.add_argument("--out", default="result", help="the files are build/bench/OUT.json and .svg (result)")
    for name in ("bt", "tcg"):
        parser.add_argument("--" + name, default=ENGINES[name], help=f"the command called {name.upper()}")
    args = parser.parse_args()
    args.runs = args.runs or (5 if args.full else 2)
    kinds = CLASSES if args.full else CLASSES[:4]
    rows = [r for r in rows if r[0] in args.word] if args.word else [r for r in rows if r[1] in kinds]
    if not rows:
        parser.error("no such workload; there are " + " ".join(n for n, _ in workloads()))
    engines = [e for e in ENGINES if e in ["native"] + args.engines.split(",")] if args.engines else list(FULL if args.full else QUICK)
    measure.prepare(any(c == "stress" for _, c in rows))

    began = time.strftime("%Y-%m-%d %H:%M")
    program = commit() if args.bt == ENGINES["bt"] else args.bt
    load = os.getloadavg()[0]
    seconds, wrong = rounds(args, rows, engines, {**ENGINES, "bt": args.bt, "tcg": args.tcg})
    found = bars.of_workloads(rows, seconds)
    if not args.word:
        found += bars.measured(args.full)
    result = {"when": began, "load": [round(load, 1), round(os.getloadavg()[0], 1)], "program": program, "host": processor(),
              "kernel": platform.release(), "rounds": args.runs, "classes": dict(rows), "seconds": seconds,
              "bars": [b._asdict() for b in found]}
    with open(f"{measure.OUT}/{args.out}.json", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
    report.show(result, statistics.median if args.full else None)
    report.show_bars(found)
    report.draw(result, f"{measure.OUT}/{args.out}.svg")
    print(f"\nall of it: {measure.OUT}/{args.out}.json, picture: {measure.OUT}/{args.out}.svg")
    if wrong:
        sys.exit("\n".join(sorted(wrong)))
    if any(n not in seconds["native"] for n, _ in rows):
        sys.exit("some workloads did not run natively")


if __name__ == "__main__":
    main()
