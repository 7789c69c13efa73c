#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an event costs: LTTng's own part, measured with the same event in a loop, and the whole of it in a guest that
makes calls in a loop, in line and not.

Times are processor time of the one process, least of the runs. A guest's is the difference between a long run and a
short one, less the same without a session, so that neither boot nor setting up a session is in it; events are counted
in the same way. The trace is written as it always is, by LTTng's consumer, beside all that.
"""
import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time

# Rows: what is recorded, of which loop of lantern's benchmark, how often in the short and in the long run.
ROWS = (("call_entry", "mask", 100000, 2100000, []),
        ("call_exit", "mask", 100000, 2100000, []),
        ("vmi", "mask", 100000, 1600000, []),
        ("vmi,calls", "mask", 100000, 1100000, []),
        ("vmi", "mask", 50000, 800000, ["-e", "set vmi-inline off"]),
        ("vmi", "pte", 20000, 420000, []),
        ("port_in", "portin", 50000, 1050000, []),
        ("exception", "fault", 20000, 420000, []),
        ("all", "sysenter", 50000, 450000, []))


def processor_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-300:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stderr


def guest(program, image, loop, times, more, events):
    """Least processor seconds of some runs, events, events lost."""
    command = [program, "-batch", "-kernel", image] + more + ["-append", f"run=bench {loop} {times}"]
    if not events:
        return min(processor_seconds(command)[0] for _ in range(RUNS)), 0, 0
    seconds, count, lost = [], 0, 0
    for _ in range(RUNS):
        d = tempfile.mkdtemp()
        used, said = processor_seconds(command + ["-e", f"trace start {events} --output {d}/t"])
        seconds.append(used)
        count = int(re.search(r"(\d+) events in", said)[1])
        lost += sum(int(n) for n in re.findall(r"WARNING.*?(\d+) (?:were|events were)", said))
        shutil.rmtree(d)
    return min(seconds), count, lost


def bare(event, times=3000000):
    ns = []
    for _ in range(RUNS):
        d = tempfile.mkdtemp()
        ns.append(float(subprocess.run(["build/bench/trace_loop", event, str(times), d + "/t"], capture_output=True,
                                       text=True, check=True).stdout))
        shutil.rmtree(d)
    return min(ns)


def main():
    global RUNS
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--vitrine", default="build/vitrine")
    p.add_argument("--lantern", default="build/lantern.elf")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("rows", nargs="*", help="only rows of these events or loops")
    a = p.parse_args()
    RUNS = a.runs
    result = {"bare": {}, "guest": []}
    print("LTTng alone, the event in a loop:")
    for event in ("call_entry", "call_exit", "SetPxE", "exception"):
        result["bare"][event] = bare(event)
        print(f"  {event:12} {result['bare'][event]:6.1f} ns")
    print(f"\n{'events':12} {'loop':10} {'how':10} {'ns an event':>11} {'events a second':>16} {'events':>10} {'lost':>6}")
    for events, loop, short, long, more in ROWS:
        if a.rows and events not in a.rows and loop not in a.rows:
            continue
        off = [guest(a.vitrine, a.lantern, loop, t, more, None)[0] for t in (short, long)]
        on = [guest(a.vitrine, a.lantern, loop, t, more, events) for t in (short, long)]
        count = on[1][1] - on[0][1]
        used = on[1][0] - on[0][0]
        ns = (used - (off[1] - off[0])) / count * 1e9
        row = dict(events=events, loop=loop, how="not in line" if more else "in line", ns=ns, rate=count / used,
                   count=on[1][1], lost=on[0][2] + on[1][2])
        result["guest"].append(row)
        print(f"{events:12} {loop:10} {row['how']:10} {ns:11.1f} {row['rate']:16.0f} {row['count']:10} {row['lost']:6}", flush=True)
    with open("build/bench/trace.json", "w") as f:
        json.dump(result, f, indent=1)


main()
