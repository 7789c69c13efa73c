#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same boot again and again is the same run; a machine saved at any moment goes on as if it had not been.

  soak.py boots N          Debian's kernel boots N times: output and instruction count are those of the first
  soak.py saved N          N random moments: saved there and loaded in another process, the run ends as the one not saved

day.py is the long run.
"""
import os
import random
import re
import subprocess
import sys
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
FLAVOUR = os.environ.get("FLAVOUR", "686")


def linux(memory="128M", initrd="build/linux/initrd.gz"):
    return [VITRINE, "-no-reboot", "-m", memory, "-kernel", f"build/linux/vmlinuz-{FLAVOUR}", "-initrd", initrd]


LINUX = linux()


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
    {"boots": boots, "saved": saved}[sys.argv[1]](int(sys.argv[2]))
