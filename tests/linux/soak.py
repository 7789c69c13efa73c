#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long life: the same boot again and again is the same run; hours of mixed guest work leak nothing of the host; a debugger
that attaches, steps and leaves all the time disturbs nothing; a machine saved at any moment goes on as if it had not been.

  soak.py boots N          Debian's kernel boots N times: output and instruction count are those of the first
  soak.py work SECONDS     mixed work of that many seconds of guest time: resident memory, descriptors and mappings of
                           the process, sampled, do not drift
  soak.py attach N         N times: gdb's protocol attaches to the working guest, steps, reads, leaves
  soak.py saved N          N random moments: saved there and loaded in another process, the run ends as the one not saved
"""
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

VITRINE = os.environ.get("VITRINE", "build/vitrine")
FLAVOUR = os.environ.get("FLAVOUR", "686")


def linux(memory="128M", initrd="build/linux/initrd.gz"):
    return [VITRINE, "-no-reboot", "-m", memory, "-kernel", f"build/linux/vmlinuz-{FLAVOUR}", "-initrd", initrd]


LINUX = linux()
WORK = ("while :; do seq 3000 | sort -rn | md5sum >/dev/null; for i in 1 2 3 4 5 6 7 8; do (echo $i) >/dev/null; done; "
        "tar cf - /bin 2>/dev/null | gzip | gunzip | wc -c >/tmp/n; dd if=/dev/zero of=/tmp/z bs=64k count=64 2>/dev/null; "
        "rm -f /tmp/z; ls -lR / >/dev/null 2>&1; awk 'BEGIN { for (i = 0; i < 20000; i++) s += i * i; print s }' >/dev/null; "
        "n=$((n + 1)); echo round $n; done")


def command(run, *more, machine=tuple(LINUX)):
    return [*machine, "-append", f'console=ttyS0 vitrine.run="{run}"', *more]


def count(stats):
    with open(stats, encoding="utf-8") as f:
        return int(re.search(r'"icount": (\d+)', f.read()).group(1))


def boots(n):
    first = None
    with tempfile.TemporaryDirectory() as place:
        stats = f"{place}/stats"
        for i in range(n):
            done = subprocess.run(command("uname -a; seq 500 | sha256sum", "-batch", "-stats", stats), stdin=subprocess.DEVNULL,
                                  capture_output=True, check=False, timeout=600)
            now = (done.returncode, count(stats), done.stdout)
            first = first or now
            if now != first:
                sys.exit(f"boot {i + 1} differs: status {now[0]}, {now[1]} instructions; the first had {first[1]}")
    print(f"{n} boots, each of {first[1]} instructions, with the same output")


def usage(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        rss = int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1))  # the guest's memory is a file's
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        maps = sum(1 for _ in f)
    return rss, len(os.listdir(f"/proc/{pid}/fd")), maps


class Guest:
    """The working guest, on virtual time, its rounds read from its serial port."""

    def __init__(self, *more, run=WORK, machine=tuple(LINUX)):
        self.process = subprocess.Popen(command(run, "-batch", *more, machine=machine), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.rounds = 0
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = b""

    def look(self):
        try:
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            self.text = self.text[-100:] + more
            self.read(more)
        except BlockingIOError:
            pass
        if self.process.poll() is not None:
            self.ended()

    def ended(self):
        sys.exit(f"the guest ended: {self.text[-300:]!r}")

    def read(self, _):
        if found := re.findall(rb"round (\d+)", self.text):
            self.rounds = int(found[-1])

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def drift(name, samples, allowed):
    """The last third beside the second: what grows with time grows there."""
    third = len(samples) // 3
    before, after = max(samples[third:2 * third]), max(samples[2 * third:])
    print(f"  {name}: at most {before} in the second third, {after} in the last")
    if after > before * (1 + allowed):
        sys.exit(f"{name} drifts")


def work(seconds):
    """Guest time is counted in instructions, a nanosecond each; -stats at the end says how many."""
    with tempfile.TemporaryDirectory() as place:
        stats = f"{place}/stats"
        guest = Guest("-stats", stats)
        samples = []
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            time.sleep(0.5)
            guest.look()
            samples.append(usage(guest.process.pid))
        guest.end()
        print(f"{guest.rounds} rounds, {count(stats) / 1e9:.0f} s of guest time, {len(samples)} samples:")
        drift("resident KiB", [s[0] for s in samples], 0.10)
        drift("descriptors", [s[1] for s in samples], 0)
        drift("mappings", [s[2] for s in samples], 0.25)


def packet(text):
    return b"$%s#%02x" % (text, sum(text) & 255)


def answer(s, last=False):
    got = b""
    while not re.search(rb"\$[^#]*#..", got):
        more = s.recv(65536)
        if not more:
            sys.exit("the stub has closed the connection")
        got += more
    if not last:
        s.send(b"+")
    return re.search(rb"\$([^#]*)#..", got).group(1)


def visit(where):
    """A debugger attaches, looks, steps and leaves."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(where)
        s.settimeout(120)
        for text in (b"?", b"g", b"s", b"mc1000000,40", b"s"):
            s.send(packet(text))
            answer(s)
        s.send(packet(b"D"))
        answer(s, True)


def attach(n):
    with tempfile.TemporaryDirectory() as place:
        where = f"{place}/gdb"
        guest = Guest("-gdb", f"unix:{where}")
        while not os.path.exists(where):
            time.sleep(0.05)
        first = None
        for i in range(n):
            visit(where)
            if i % 50 == 0:
                guest.look()
            if i == n // 2:
                time.sleep(1)  # until the stub has seen the client go
                first = usage(guest.process.pid)
        before = guest.rounds
        for _ in range(600):
            time.sleep(0.1)
            guest.look()
            if guest.rounds > before + 1:
                break
        else:
            sys.exit("the guest does not go on")
        last = usage(guest.process.pid)
        guest.end()
        print(f"attached, stepped and left {n} times in {guest.rounds} rounds of work; KiB, descriptors, mappings: "
              f"{first} then {last}")
        if last[1] > first[1]:  # memory grows with what the guest has done: `work' looks at that
            sys.exit("something was left behind")


def console(*commands, more=()):
    words = [w for c in commands for w in ("-e", c)]
    done = subprocess.run(LINUX + ["-clock", "virtual", *more, *words, "-e", "quit"], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=600)
    return done.stdout


def saved(n):
    run = ["-append", 'console=ttyS0 vitrine.run="uname -a; seq 2000 | sha256sum; ls -lR /bin | wc -l"']
    with tempfile.TemporaryDirectory() as place:
        stats, file, memory = f"{place}/stats", f"{place}/saved", f"{place}/memory"
        whole = subprocess.run(LINUX + ["-batch", "-stats", stats] + run, stdin=subprocess.DEVNULL, capture_output=True,
                               check=True, timeout=600)
        end = count(stats)
        dice = random.Random(int(os.environ.get("SEED", "1")))
        for _ in range(n):
            at = dice.randrange(1000, end)
            console(f"tbreak -icount {at}", "continue", f"save {file}", more=run)
            done = subprocess.run([VITRINE, "-batch", "-no-reboot", "-loadvm", file, "-stats", stats], stdin=subprocess.DEVNULL,
                                  capture_output=True, check=True, timeout=600)
            if count(stats) != end or not whole.stdout.endswith(done.stdout) or not done.stdout.strip():
                sys.exit(f"saved after {at} of {end} instructions, the run ends after {count(stats)}, with {done.stdout[-200:]!r}")
        print(f"{n} moments of {end} instructions: all end alike")


if __name__ == "__main__":
    {"boots": boots, "work": work, "attach": attach, "saved": saved}[sys.argv[1]](int(sys.argv[2]))
