# SPDX-License-Identifier: GPL-3.0-or-later
"""With the host's clock, seconds at the prompt are stolen from the guest and make no burst of ticks, neither of VMI's alarms
nor of the interval timer; with a virtual clock they are no time at all."""
import os
import re
import subprocess

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
