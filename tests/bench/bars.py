# SPDX-License-Identifier: GPL-3.0-or-later
"""The bars that the project has set itself, each a row that is held or missed, with its figure."""
import collections
import json
import re
import subprocess
import sys
import tempfile
import time

import measure
from report import mean, ratio

USER = ("compute", "calls", "fpu")
KERNEL = ("kernel", "stress")
VITRINE, LANTERN = "build/vitrine", "build/lantern.elf"
VMI_GAIN = ("fork", "exec", "fault", "mmap", "pte")
NOISE = 0.02

Bar = collections.namedtuple("Bar", "name limit figure held")


def at_most(name, limit, value, unit="", more=""):
    return Bar(name, f"<= {limit:g}{unit}", f"{value:.3g}{unit}{more}", value <= limit)


def at_least(name, limit, value, unit="", more=""):
    return Bar(name, f">= {limit:g}{unit}", f"{value:.3g}{unit}{more}", value >= limit)


# ---- of the workloads ----

def of_workloads(rows, seconds):
    result, found = {"seconds": seconds}, []

    def of(kinds, engine, to="native"):
        return {n: r for n, c in rows if c in kinds and (r := ratio(result, n, engine, to))}

    def extreme(pick, values):
        name = pick(values, key=values.get)
        return values[name], f" ({name})"

    user, kernel, tcg = of(USER, "bt"), of(("kernel",), "bt"), of(KERNEL, "tcg", "bt")
    if user:
        found.append(at_most("user code, geometric mean over native", 1.2, mean(list(user.values()))))
        worst, which = extreme(max, user)
        found.append(at_most("  the slowest program", 1.5, worst, more=which))
    for kind, limit, what in (("calls", 1.35, "interpreters and call-heavy code over native"),
                              ("fpu", 1.05, "x87, SSE, string instructions over native")):
        if values := of((kind,), "bt"):
            found.append(at_most(what, limit, mean(list(values.values()))))
    if kernel:
        found.append(at_most("kernel-heavy, geometric mean over native", 4, mean(list(kernel.values()))))
    if tcg:
        found.append(at_least("  ... times as fast as TCG", 5, mean(list(tcg.values()))))
        worst, which = extreme(min, tcg)
        found.append(at_least("  the one that gains least", 1, worst, more=which))
    if r := ratio(result, "boot", "tcg", "bt"):
        found.append(at_least("boot of Debian's kernel, times as fast as TCG", 3, r))
    if values := of(("long",), "tcg", "bt"):
        found.append(at_least("2,000 short programs, times as fast as TCG", 5, mean(list(values.values()))))
    if values := of(USER, "twice", "bt"):
        found.append(at_most("counting instructions (the code once more), of user code", 8,
                             100 * (mean(list(values.values())) - 1), " %"))
    return found


# ---- of lantern ----

def lantern(full):
    """Least ns of an operation, by row and engine, and user rows' least seconds: from bench-vmi's own run."""
    rows = [] if full else ["portin", "cr3", "pte"]
    subprocess.run(["tests/bench/vmi.py", "--runs", "7" if full else "3"] + rows, check=True, stdout=subprocess.DEVNULL)
    with open(measure.OUT + "/vmi.json", encoding="utf-8") as f:
        return {name: {e: min(s) * 1e9 for e, s in row["seconds"].items()} for name, row in json.load(f).items()}


def of_lantern(full):
    ns, calls = lantern(full), ring()
    found = [at_most("system call and return, by INT and IRET", 40, calls["int"], " ns"),
             at_most("  by SYSENTER and SYSEXIT", 40, calls["sysenter"], " ns"),
             at_most("IN from an emulated port", 30, ns["portin"]["bt"], " ns"),
             at_most("CR3 load, resident and unchanged", 1000, ns["cr3"]["bt"], " ns"),
             Bar("page table entry changed, and INVLPG", "", f"{ns['pte']['bt']:.3g} ns", True)]
    if full:
        gain = {n: v["bt"] / v["vmi"] for n, v in ns.items()}
        kernel = {n: g for n, g in gain.items() if n not in ("loop", "fib", "sieve", "memcpy", "x87", "indirect")}
        worst = min(kernel, key=kernel.get)
        found += [at_least("VMI against BT, the row that gains least", 1 - NOISE, kernel[worst], more=f" ({worst})"),
                  at_least("  " + ", ".join(VMI_GAIN) + ", geometric mean", 1.2, mean([gain[n] for n in VMI_GAIN]))]
        user = {n: max(g, 1 / g) for n, g in gain.items() if n not in kernel}
        worst = max(user, key=user.get)
        found.append(at_most("  user code under both, the largest difference", 2, 100 * (user[worst] - 1), " %", f" ({worst})"))
    return found


# ---- of one run ----

def cold():
    """Sampled while Debian's kernel boots: time for translating, by instructions translated."""
    with tempfile.NamedTemporaryFile() as stats:
        best = None
        for _ in range(3):
            subprocess.run([VITRINE, "-batch", "-engine", "bt", "-sample", "-stats", stats.name] + measure.guest("686", ["1", "empty"]),
                           check=True, capture_output=True, timeout=measure.PATIENCE)
            stats.seek(0)
            counters = json.load(stats)
            each = counters["host_ns_translation"] / counters["translated_insns"]
            best = min(best or each, each)
        return at_most("translating cold code, ns a guest instruction (Debian's boot)", 200, best, " ns")


def flat_guest(path):
    """Its first instructions end it: mov $0x10,%eax; out %al,$0xf4; hlt"""
    with open(path, "wb") as f:
        f.write(b"\xb0\x10\xe6\xf4\xf4" + bytes(1024))


def start():
    """Processes from their first instruction to their end, around a guest that does nothing or next to it."""
    best = {}
    with tempfile.TemporaryDirectory() as directory:
        flat_guest(directory + "/flat")
        ways = {"a flat file": ["-batch", "-kernel", directory + "/flat", "-load", "0x100000"],
                "lantern": ["-S", "-e", "quit", "-kernel", LANTERN],
                "Debian's kernel": ["-S", "-e", "quit", "-kernel", "build/linux/vmlinuz-686", "-append", "quiet"]}
        for _ in range(20):
            for what, options in ways.items():
                began = time.monotonic()
                subprocess.run([VITRINE] + options, check=False, capture_output=True, stdin=subprocess.DEVNULL)
                spent = (time.monotonic() - began) * 1000
                best[what] = min(best.get(what, spent), spent)
    return [at_most(f"start of the process to the first instruction, {what}", 30, ms, " ms") for what, ms in best.items()]


def ring():
    """ns of a system call and return, by int and by sysenter: without what a kernel does in between."""
    best = {}
    for _ in range(5):
        with subprocess.Popen([VITRINE, "-batch", "-engine", "bt", "-kernel", "build/guest/ring.elf"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as proc:
            at = 0
            for line in proc.stdout:
                now = time.clock_gettime(measure.processor_clock(proc.pid))
                word = line.decode("ascii").split()
                if word[:2] == ["BENCH", "start"]:
                    at, times = now, int(word[3])
                elif word[:2] == ["BENCH", "end"]:
                    best[word[2]] = min(best.get(word[2], 1e9), (now - at) / times * 1e9)
    return {how: best[how] - best["nothing"] for how in ("int", "sysenter")}


class Memory:
    """The most of each that a process had, as far as it was looked at."""

    def __init__(self, every):
        self.every, self.last, self.most = every, 0, collections.Counter()

    def look(self, pid):
        if time.monotonic() - self.last < self.every:
            return
        with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as f:
            text = f.read()
        now, kind = collections.Counter(), None
        for line in text.splitlines():
            if m := re.match(r"[0-9a-f]+-[0-9a-f]+ (....) \S+ \S+ \S+ *(.*)$", line):
                kind = "ram" if "memfd:guest-ram" in m[2] else "code" if "/dev/zero" in m[2] and "x" in m[1] else \
                    None if "/dev/zero" in m[2] else "rest"
                now["vmas"] += 1
            elif line.startswith("Rss:") and kind:
                now[kind] += int(line.split()[1])
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            now["tables"] = int(re.search(r"^VmPTE:\s+(\d+)", f.read(), re.MULTILINE)[1])
        for kind, n in now.items():
            self.most[kind] = max(self.most[kind], n)
        self.last = time.monotonic()


def run_watched(words, memory, every):
    """A run whose memory is looked at all the time, not only when it says something."""
    looks = Memory(every)
    proc = subprocess.Popen(VITRINE.split() + ["-batch", "-engine", "bt"] + measure.guest("686", words, memory),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + measure.PATIENCE
    while proc.poll() is None:
        if time.monotonic() > end:
            proc.kill()
        try:
            looks.look(proc.pid)
        except (OSError, TypeError):
            pass  # it has ended
        time.sleep(every / 4)
    return looks.most


def memory():
    with open("/proc/sys/vm/max_map_count", encoding="ascii") as f:
        limit = int(f.read())
    programs = run_watched(["1", "tcc", "python", "sh-2000"], "512M", 0.5)
    pages = run_watched(["1", "scatter"], "512M", 0.1)
    return [at_most("code memory, MiB (after tcc, Python, 2,000 programs)", 64, programs["code"] / 1024, " MiB"),
            Bar("  all else but guest RAM; the host's page tables", "stated",
                f"{programs['rest'] / 1024:.0f} MiB; {programs['tables'] / 1024:.0f} MiB", True),
            at_most("VMAs of a guest that touches 60,000 pages apart, of the host's limit", 50,
                    100 * pages["vmas"] / limit, " %", f" ({pages['vmas']} of {limit})")]


def measured(full):
    """The bars that the workloads do not tell."""
    sys.stderr.write("operations of lantern, start")
    found = of_lantern(full) + start()
    if full:
        sys.stderr.write(", memory, cold code")
        found += memory() + [cold()]
    sys.stderr.write("\n")
    return found
