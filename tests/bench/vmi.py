#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the same guest with the VMI ROM hidden and shown, by turns, and tells what that makes of each operation.

Rows of lantern's benchmark; with VMI_LINUX="KERNEL INITRD" in the environment also loops in that kernel's shell (the
initrd's init runs what vitrine.run="..." says), with addresses that are not random: a stack that lies over a page more costs an
exec two page faults, which is more than VMI gains. Times are the monitor's processor time between the lines that the guest
prints before and after a row, so that neither guest clocks nor other programs matter: the least of the runs, and the
median of them for comparison. Events are counted by the monitor (-stats) in two runs of different length, whose
difference is what an operation costs, without boot and warming. A picture is drawn into build/bench/vmi.svg.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = "build/bench"
ENGINES = ("bt", "vmi")
USER_LIMIT, PATIENCE = 1.02, 300  # a user row may differ by so much; no run takes so many seconds

# What is counted, as the tables head it, and the counters of -stats that it is the sum of.
EVENTS = {
    "insns": ("icount",),
    "faults": ("window_faults",),
    "maps": ("window_pages",),
    "unmaps": ("window_unmaps",),
    "compares": ("window_compares",),
    "exits": "exit_",
    "ops": ("operations",),
    "soft": ("soft_accesses",),
}


class Row:
    """An operation: `command(times)` is the rest of the command line; `done(times)` is how often it is done in all."""

    def __init__(self, name, kind, what, times, command, done):
        self.name, self.kind, self.what, self.times, self.command, self.done = name, kind, what, times, command, done
        self.seconds = {e: [] for e in ENGINES}
        self.events = {}
        self.calls = 0  # of VMI, as long as it is shown


def lantern_rows(program, image):
    """The rows that lantern's `bench list` tells; it warms each with a sixteenth of the work and one."""
    user = ("loop", "fib", "sieve", "memcpy", "x87", "indirect")
    text = subprocess.run([program, "-batch", "-kernel", image, "-append", "run=bench list"], capture_output=True,
                          text=True, check=True, timeout=PATIENCE).stdout
    for line in text.splitlines():
        word = line.split(None, 2)
        if len(word) == 3 and word[1].isdigit() and word[0] != "lantern:":
            yield Row(word[0], "user" if word[0] in user else "kernel", word[2], int(word[1]),
                      lambda times, name=word[0]: ["-kernel", image, "-append", f"run=bench {name} {times}"],
                      lambda times: times + times // 16 + 1)


LOOPS = (("loop", "user", "shell arithmetic", 20000, "j=$((j*3%10007))"),
         ("fork", "kernel", "a subshell", 500, "(exit 0)"),
         ("exec", "kernel", "/bin/true, run", 300, "/bin/true"),
         ("pipe", "kernel", "echo | cat", 200, "echo $i | cat"))


def linux_rows(kernel, initrd):
    for name, kind, what, times, body in LOOPS:
        def command(times, body=body):
            loop = f"i=0 j=1; while [ $i -lt {times} ]; do i=$((i+1)); {body}; done >/dev/null"
            return ["-kernel", kernel, "-initrd", initrd, "-no-reboot", "-append",
                    f"console=ttyS0 norandmaps quiet vitrine.run=\"echo BENCH start; {loop}; echo BENCH end\""]
        yield Row("linux-" + name, kind, what, times, command, lambda times: times)


def processor_clock(pid):
    return ~pid << 3 | 2  # as clock_getcpuclockid(3) makes it


def run(program, engine, row, times, stats=None):
    """Processor seconds between the guest's two lines."""
    command = [program, "-batch", "-clock", "virtual", "-engine", engine] + row.command(times)
    if stats:
        command += ["-stats", stats]
    at = {}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as proc:
        clock, end, said = processor_clock(proc.pid), time.monotonic() + PATIENCE, []
        for line in proc.stdout:
            words = line.decode("latin-1").split()
            if words[:1] == ["BENCH"] and words[1:2] in (["start"], ["end"]):
                at[words[1]] = time.clock_gettime(clock)
            said.append(line.decode("latin-1").strip()[:200])
            if time.monotonic() > end:
                proc.kill()
        error = proc.stderr.read().decode("latin-1")
    if "start" not in at or "end" not in at:
        sys.exit(f"{' '.join(command)}: no measurement, but\n" + "\n".join(said[-5:]) + "\n" + error[-500:])
    return at["end"] - at["start"]


def count(program, engine, row):
    """The events of one operation, from two runs of different length."""
    stats, counted = f"{OUT}/stats.json", []
    few = max(row.times // 2, 1)
    for times in (few, 2 * few):
        run(program, engine, row, times, stats)
        with open(stats, encoding="ascii") as f:
            counters = json.load(f)
        if engine == "vmi":
            row.calls = counters.get("vmi_calls", 0)
        counted.append({name: sum(v for k, v in counters.items() if (k.startswith(of) if isinstance(of, str) else k in of))
                        for name, of in EVENTS.items()})
    os.remove(stats)
    operations = row.done(2 * few) - row.done(few)
    return {name: (counted[1][name] - counted[0][name]) / operations for name in EVENTS}


def measure(program, rows, runs, aim):
    for row in rows:
        first = run(program, "bt", row, row.times)
        row.events = {e: count(program, e, row) for e in ENGINES}
        row.times = max(row.times // 8, min(int(row.times * aim / max(first, 0.001)), 64 * row.times), 1)
        sys.stderr.write(f"{row.name} ")
        sys.stderr.flush()
    for _ in range(runs):
        for row in rows:
            for e in ENGINES:
                row.seconds[e].append(run(program, e, row, row.times) / row.times)
            sys.stderr.write(".")
            sys.stderr.flush()
    sys.stderr.write("\n")


def least(row, engine):
    return min(row.seconds[engine])


def ratio(row, of=min):
    return of(row.seconds["bt"]) / of(row.seconds["vmi"])


def duration(seconds):
    return f"{seconds * 1e9:.0f} ns" if seconds < 1e-6 else f"{seconds * 1e6:.3g} us" if seconds < 1e-3 else \
        f"{seconds * 1e3:.3g} ms"


def number(x):
    return f"{x:.0f}" if abs(x) >= 99.5 else f"{x:.1f}" if abs(x) >= 0.05 else "-"


def pair(row, event):
    bt, vmi = (number(row.events[e][event]) for e in ENGINES)
    return bt if bt == vmi else f"{bt}>{vmi}"


def show(rows):
    print("Least processor time of an operation, BT / VMI (over 1: VMI is faster), the same of the medians, and the events\n"
          "of one operation (BT>VMI, or one number where they are the same).\n")
    cells = [["row", "BT", "VMI", "ratio", "medians", *EVENTS, "what"]]
    for kind in ("user", "kernel"):
        for row in rows:
            if row.kind == kind:
                cells.append([row.name, duration(least(row, "bt")), duration(least(row, "vmi")), f"{ratio(row):.2f}",
                              f"{ratio(row, statistics.median):.2f}", *(pair(row, e) for e in EVENTS), row.what])
    width = [max(map(len, column)) for column in zip(*cells)]
    for line in cells:
        print("  ".join(c.ljust(w) if i in (0, len(line) - 1) else c.rjust(w) for i, (c, w) in
                        enumerate(zip(line, width))).rstrip())
    deaf = [row.name for row in rows if not row.calls]
    if deaf:
        print(f"note: no VMI call was made in {', '.join(deaf)}: such a kernel runs the same under both")
    for row in rows:
        if row.kind == "user" and not 1 / USER_LIMIT <= ratio(row) <= USER_LIMIT:
            print(f"note: {row.name} runs in user mode and should not differ by more than {USER_LIMIT - 1:.0%}: "
                  "its code is the same, but lies elsewhere")
        if row.kind == "kernel" and ratio(row) < 1 / USER_LIMIT:
            print(f"note: {row.name} is slower under VMI")


def draw(rows, path):
    """Bars to the right of 1 are what VMI gains, to the left what it costs; the scale is the same to both sides."""
    step, left, top, width, room = 24, 130, 78, 430, 420
    groups = [("User mode", [r for r in rows if r.kind == "user"]), ("Kernel", [r for r in rows if r.kind == "kernel"])]
    far = max(1.25, *(max(ratio(r), 1 / ratio(r)) for r in rows))
    low, high = min(0.9, *(ratio(r) for r in rows)) - 0.02, far + 0.05

    def x(value):
        return left + (value - low) / (high - low) * width

    y, out = top, []
    for title, members in groups:
        out.append(f'<text x="20" y="{y + 14}" class="group">{title}</text>')
        y += step
        for row in members:
            r = ratio(row)
            a, b = sorted((x(1), x(r)))
            colour = "#9aa4ad" if 1 / USER_LIMIT <= r <= USER_LIMIT else "#2a7f62" if r > 1 else "#b5483a"
            out.append(f'<text x="{left - 12}" y="{y + 14}" class="name">{row.name}</text>'
                       f'<rect x="{a:.1f}" y="{y + 3}" width="{max(b - a, 1.5):.1f}" height="{step - 8}" fill="{colour}"/>'
                       f'<text x="{left + width + 56}" y="{y + 14}" class="ratio">{r:.2f}</text>'
                       f'<text x="{left + width + 72}" y="{y + 14}" class="what">{duration(least(row, "bt"))} to '
                       f'{duration(least(row, "vmi"))}  ({row.what})</text>')
            y += step
        y += 10
    grid = []
    tenths = 1 if high - low < 1 else 2 if high - low < 2 else 5
    for i in range(int(low * 10), int(high * 10) + 1):
        if i % tenths == 0 and low <= i / 10 <= high:
            grid.append(f'<line x1="{x(i / 10):.1f}" x2="{x(i / 10):.1f}" y1="{top - 6}" y2="{y}" '
                        f'stroke="{"#333" if i == 10 else "#ddd"}"/>'
                        f'<text x="{x(i / 10):.1f}" y="{top - 12}" class="tick">{i / 10:.1f}</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + room}" height="{y + 24}" '
                'font-family="DejaVu Sans, sans-serif" font-size="12">\n'
                '<style>.group,.title{font-weight:bold}.title{font-size:16px}.name,.ratio{text-anchor:end}'
                '.tick{text-anchor:middle;fill:#555}.what{fill:#555}</style>\n'
                '<rect width="100%" height="100%" fill="white"/>\n'
                '<text x="20" y="28" class="title">How many times faster the same guest is with VMI than without</text>\n' +
                "\n".join(grid + out) + "\n</svg>\n")


def main():
    os.chdir(TOP)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="*", help="only the rows named so")
    parser.add_argument("--runs", type=int, default=5, help="how often each row runs under each engine (5)")
    parser.add_argument("--seconds", type=float, default=0.25, help="what a run of a row should take about (0.25)")
    parser.add_argument("--vitrine", default="build/vitrine")
    parser.add_argument("--lantern", default="build/lantern.elf")
    args = parser.parse_args()
    rows = list(lantern_rows(args.vitrine, args.lantern))
    if os.environ.get("VMI_LINUX"):
        files = os.environ["VMI_LINUX"].split()
        if len(files) != 2:
            parser.error('VMI_LINUX is to be "KERNEL INITRD"')
        rows += linux_rows(*files)
    rows = [r for r in rows if not args.word or r.name in args.word]
    if not rows:
        parser.error("no such row")
    os.makedirs(OUT, exist_ok=True)
    measure(args.vitrine, rows, args.runs, args.seconds)
    with open(OUT + "/vmi.json", "w", encoding="utf-8") as f:
        json.dump({r.name: {"seconds": r.seconds, "events": r.events} for r in rows}, f, indent=1)
    show(rows)
    draw(rows, OUT + "/vmi.svg")
    print(f"\npicture: {OUT}/vmi.svg")


if __name__ == "__main__":
    main()
