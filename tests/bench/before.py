#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What did a commit bring? Builds it and the one before it, and runs the same guests with both, by turns.

    tests/bench/before.py COMMIT ROW...

A row is one of lantern's benchmarks, or a workload of tests/bench/workloads (what `make bench` has fetched is used). Times are
the least processor time of an operation, or of the workload. --with has the commit beside another than the one before it,
--options beside itself with other options: what the sandbox costs is `before.py HEAD exec mmap pipe --options "-sandbox off"'.
"""
import argparse
import os
import subprocess
import sys
import time

import measure

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = "build/bench/before"


def build(commit):
    """That commit's program, a command, and its name."""
    short = subprocess.run(["git", "rev-parse", "--short", commit], capture_output=True, text=True, check=True).stdout.strip()
    tree = f"{WORK}/{short}"
    if not os.path.exists(f"{tree}/build/vitrine"):
        os.makedirs(tree, exist_ok=True)
        archive = subprocess.run(["git", "archive", short], capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", tree], input=archive, check=True)
        subprocess.run(["make", "-s", "-C", tree, "-j", str(os.cpu_count()), "build/vitrine"], stdout=subprocess.DEVNULL, check=True)
    return [f"{tree}/build/vitrine"], short


def lantern_rows(program, image):
    text = subprocess.run([program, "-batch", "-kernel", image, "-append", "run=bench list"], capture_output=True, text=True,
                          check=True, timeout=60).stdout
    return {w[0]: int(w[1]) for line in text.splitlines() if len(w := line.split(None, 2)) == 3 and w[1].isdigit()}


def lantern(program, args, name, times):
    """Processor seconds of one operation."""
    command = [*program, "-batch", "-engine", args.engine, "-kernel", args.lantern, "-append", f"run=bench {name} {times}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as proc:
        at = {}
        for line in proc.stdout:
            now, word = time.clock_gettime(measure.processor_clock(proc.pid)), line.decode("latin-1").split()
            if word[:1] == ["BENCH"] and len(word) > 1:
                at[word[1]] = now
    return (at["end"] - at["start"]) / times


def linux(program, args, name):
    found = measure.measure_guest([*program, "-batch", "-engine", args.engine] + measure.guest("686", ["1", name]))
    return found[name][0]


def main():
    os.chdir(TOP)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit")
    parser.add_argument("row", nargs="+")
    parser.add_argument("--with", dest="other", help="another commit than the one before")
    parser.add_argument("--options", help="beside itself with these options")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--engine", default="bt")
    parser.add_argument("--lantern", default="build/lantern.elf")
    args = parser.parse_args()
    after, name = build(args.commit)
    before = (after + args.options.split(), args.options) if args.options else build(args.other or args.commit + "^")
    programs = [before, (after, name)]
    known = lantern_rows("build/vitrine", args.lantern)
    for name in args.row:
        seconds = [[], []]
        for _ in range(args.runs):
            for (program, _), list_ in zip(programs, seconds):
                list_.append(lantern(program, args, name, 4 * known[name]) if name in known else linux(program, args, name))
        before, after = map(min, seconds)
        unit, scale = ("ns", 1e9) if after < 1e-6 else ("us", 1e6) if after < 1e-3 else ("ms", 1e3)
        print(f"{name:<10} {programs[0][1]} {before * scale:8.4g} {unit}   {programs[1][1]} {after * scale:8.4g} {unit}   "
              f"{after / before:.2f} of it", flush=True)
    sys.stderr.write("\n")


if __name__ == "__main__":
    main()
