# SPDX-License-Identifier: GPL-3.0-or-later
"""With the host's clock, seconds at the prompt are stolen from the guest and make no burst of ticks, neither of VMI's alarms
nor of the interval timer; with a virtual clock they are no time at all."""
import os
import re
import signal
import subprocess
import time

VITRINE = os.environ.get("VITRINE", "build/vitrine")
GUEST = os.path.join(os.environ.get("B", "build"), "guest", "vmi", "stolen.elf")
SECONDS = 2


def holds(clock):
    commands = ["break held", "run"] + [f"shell sleep {SECONDS if clock == 'host' else 0.3}", "continue"] * 4
    r = subprocess.run([VITRINE, "-engine", "vmi", "-clock", clock, "-m", "64M", GUEST], input="\n".join(commands),
                       capture_output=True, text=True, timeout=100, check=False)
    assert r.stdout.count("the sum is right: 1") == 4, r
    return re.findall(r"^(.*): ticks before (\d+), after (\d+); held for (\d+) ms, stolen (\d+) ms, available (\d+) ms$",
                      r.stdout, re.MULTILINE)


def interrupted():
    """Stops the guest in the middle of its second of waiting: for a while, and for longer than it would have waited."""
    p = subprocess.Popen([VITRINE, "-engine", "vmi", "-clock", "host", "-m", "64M", GUEST], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
    p.stdin.write("run\nshell sleep 0.3\ncontinue\nshell sleep 2\ncontinue\n")
    p.stdin.close()
    waits = []
    for line in p.stdout:
        if line == "waiting\n":
            time.sleep(0.3)
            p.send_signal(signal.SIGINT)
        waits += [(int(a), int(b)) for a, b in re.findall(r"^waited for (\d+) ms, stolen (\d+) ms", line)]
    assert p.wait() == 0 and len(waits) == 2, waits
    return waits


for clock in ("host", "virtual"):
    rows = holds(clock)
    assert [row[0] for row in rows] == ["real", "available", "by the local APIC", "the interval timer"], rows
    for name, *numbers in rows:
        before, after, held, stolen, available = map(int, numbers)
        # ten are due; a host with other things to do may take some away, but that many are none
        assert before <= 13 and after <= 13, (clock, name, numbers)
        if clock == "virtual":
            assert (held, stolen, available) == (0, 0, 0) and min(before, after) >= 10, (name, numbers)
        else:
            assert held >= 1000 * SECONDS and abs(held - stolen) <= 100 and available <= 100, (name, numbers)

short, long = interrupted()
assert 1000 <= short[0] <= 1900 and short[1] <= 100, short  # it would have waited all the same
assert 2200 <= long[0] and 1000 <= long[1] and abs(long[0] - 1000 - long[1]) <= 100, long
