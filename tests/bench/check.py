#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is it as fast as it was? Compares lantern's benchmarks with what tests/bench/recorded.json says of them.

Counts are the same in each run on each machine, so small changes show: guest instructions (exact), host bytes of the blocks
that ran, blocks, look-ups, exits, operations, faults, mappings, compared tables. Times are not: the least processor
time of several runs, as a ratio to that of a native program run in between, may differ by a quarter from the one recorded
on a processor of the same model; of another model nothing is known, which is said. Where perf may count the processor's
instructions, these are compared, too. Better is told and fails nothing; --record accepts what is measured now, for a change that is meant.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDED = "tests/bench/recorded.json"
ENGINES = ("bt", "vmi")

# A counter or the sum of those whose names begin so: by how much it may grow, of itself and besides.
COUNTS = {"icount": (0, 0), "host_bytes_run": (0.01, 4096), "host_bytes": (0.01, 4096), "blocks": (0.02, 16), "lookups": (0.02, 32),
          "exit_": (0.02, 32), "operations": (0.02, 32), "soft_accesses": (0.05, 64), "window_faults": (0.05, 16),
          "window_maps": (0.05, 16), "window_compares": (0.02, 32), "links": (0.05, 32), "invalidated": (0.05, 32)}
TIME_MAY, INSTRUCTIONS_MAY = 0.25, 0.03
AIM = 0.3  # seconds of a run


def processor():
    """Its maker, family and model."""
    with open("/proc/cpuinfo", encoding="ascii") as f:
        said = dict(line.rstrip().partition("\t")[::2] for line in f.read().split("\n\n")[0].splitlines())
    return " ".join(said.get(k, "\t: unknown").split(": ")[1] for k in ("vendor_id", "cpu family", "model"))


def ratio_of(row):
    """The one recorded on such a processor, or None."""
    return row.get("ratio", {}).get(processor())


def rows(args):
    text = subprocess.run(args.vitrine.split() + ["-batch", "-kernel", args.lantern, "-append", "run=bench list"], timeout=60,
                          capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        word = line.split(None, 2)
        if len(word) == 3 and word[1].isdigit() and word[0] != "lantern:" and (not args.word or word[0] in args.word):
            yield word[0], int(word[1])


def command(args, engine, name, times):
    return args.vitrine.split() + ["-batch", "-clock", "virtual", "-engine", engine, "-kernel", args.lantern,
                                   "-append", f"run=bench {name} {times}"]


def spent(command_line):
    """Processor seconds of a program."""
    def now():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = now()
    subprocess.run(command_line, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   timeout=120)
    return now() - before


def counts(args, engine, name, times):
    with tempfile.NamedTemporaryFile() as stats:
        spent(command(args, engine, name, max(times // 16, 1)) + ["-e", "set profile on", "-stats", stats.name])
        counters = json.load(stats)
    return {c: sum(n for k, n in counters.items() if k.startswith(c)) if c.endswith("_") else counters.get(c, 0) for c in COUNTS}


def instructions(args, engine, name, times):
    """Of the processor, in user mode; None where that is not allowed or not counted."""
    with tempfile.NamedTemporaryFile("r") as said:
        try:
            subprocess.run(["perf", "stat", "-x", ",", "-e", "instructions:u", "-o", said.name] + command(args, engine, name, times),
                           check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        except (OSError, subprocess.CalledProcessError):
            return None
        numbers = [line.split(",")[0] for line in said if "instructions" in line]
    return int(numbers[0]) if numbers and numbers[0].isdigit() else None


def yardstick():
    """A native program of the same kind of work: calls and a sieve."""
    path = "build/bench/yardstick"
    os.makedirs("build/bench", exist_ok=True)
    subprocess.run(["gcc", "-m32", "-O2", "-static", "-o", path, "tests/bench/micro.c", "-lm"], check=True)
    return [[path, "fib", "300"], [path, "sieve", "2000"]]


def times_by_turns(args, chosen, native, best, unit):
    """Adds to the least seconds of an operation, and to those of the yardstick."""
    for _ in range(args.runs):
        unit.append(sum(spent(c) for c in native))
        for (engine, name), times in chosen.items():
            seconds = spent(command(args, engine, name, times)) / times
            best[engine, name] = min(best.get((engine, name), seconds), seconds)
        sys.stderr.write(".")
        sys.stderr.flush()


def measure(args, recorded):
    """{"bt/fork": {...}}. What seems slower than recorded is measured again, twice at most."""
    found, native, unit, best = {}, yardstick(), [], {}
    chosen = {(e, n): t for n, t in rows(args) for e in ENGINES}
    for (engine, name), times in chosen.items():
        found[f"{engine}/{name}"] = {"counts": counts(args, engine, name, times)}
        if not args.counts and (n := instructions(args, engine, name, times)):
            found[f"{engine}/{name}"]["instructions"] = n
    if args.counts:
        return found
    for (engine, name), times in chosen.items():  # as often as then, else long enough to be measured
        chosen[engine, name] = recorded.get(f"{engine}/{name}", {}).get("times") or \
            max(times, int(times * AIM / max(spent(command(args, engine, name, times)), 0.005)))
        found[f"{engine}/{name}"]["times"] = chosen[engine, name]
    for again in range(3):
        times_by_turns(args, chosen, native, best, unit)
        for (engine, name), seconds in best.items():
            found[f"{engine}/{name}"]["ratio"] = {processor(): round(seconds * 1e6 / min(unit), 4)}
        slower = {(e, n): t for (e, n), t in chosen.items() if ratio_of(found[f"{e}/{n}"]) >
                  (ratio_of(recorded.get(f"{e}/{n}", {})) or 1e9) * (1 + TIME_MAY)}
        if args.record or not slower:
            break
        chosen = slower if again else chosen
    sys.stderr.write("\n")
    return found


def compare(key, was, now):
    """Lines about what is worse, and about what is better."""
    worse, better = [], []

    def look(what, a, b, share, besides, form="{:,}"):
        text = f"{key}: {what} {form.format(b)}, recorded {form.format(a)}" + (f" ({100 * b / a - 100:+.1f} %)" if a else "")
        if what == "icount" and a != b:
            worse.append(text + ": the guest does not do the same any more")
        elif b > a * (1 + share) + besides:
            worse.append(text)
        elif a > b * (1 + share) + besides:
            better.append(text)

    for name, (share, besides) in COUNTS.items():
        look(name, was["counts"][name], now["counts"][name], share, besides)
    if "instructions" in was and "instructions" in now:
        look("host instructions", was["instructions"], now["instructions"], INSTRUCTIONS_MAY, 0)
    if ratio_of(was) and ratio_of(now):
        look("time by the native yardstick", ratio_of(was), ratio_of(now), TIME_MAY, 0, "{:.4g}")
    return worse, better


def main():
    os.chdir(TOP)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="*", help="only the rows named so")
    parser.add_argument("--record", action="store_true", help="write down what is measured now")
    parser.add_argument("--counts", action="store_true", help="only what is the same on all machines")
    parser.add_argument("--runs", type=int, default=5, help="of which the least time counts (5)")
    parser.add_argument("--recorded", default=RECORDED, help=f"the file ({RECORDED})")
    parser.add_argument("--vitrine", default="build/vitrine", help="the command")
    parser.add_argument("--lantern", default="build/lantern.elf")
    args = parser.parse_args()
    recorded = {}
    if os.path.exists(args.recorded):
        with open(args.recorded, encoding="ascii") as f:
            recorded = json.load(f)
    found = measure(args, {} if args.record else recorded)
    if not found:
        parser.error("no such row")
    if args.record:
        for key, row in found.items():  # what other processors took is kept
            if "ratio" in row:
                row["ratio"] = {**recorded.get(key, {}).get("ratio", {}), **row["ratio"]}
        with open(args.recorded, "w", encoding="ascii") as f:
            json.dump({**recorded, **found} if args.word else found, f, indent=1, sort_keys=True)
            f.write("\n")
        print(f"{len(found)} rows recorded in {args.recorded}, {time.strftime('%Y-%m-%d')}")
        return
    worse, better = [], []
    for key, now in found.items():
        if key not in recorded:
            worse.append(f"{key}: not recorded; --record")
            continue
        a, b = compare(key, recorded[key], now)
        worse += a
        better += b
    if not args.counts and not any(ratio_of(recorded.get(k, {})) for k in found):
        print(f"no times are recorded of this processor ({processor()}): counts are compared, times are not")
    for line in better:
        print("better  " + line)
    for line in worse:
        print("WORSE   " + line)
    print(f"{len(found)} rows, {len(worse)} worse, {len(better)} better than recorded")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
