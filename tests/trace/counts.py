#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trace from the first instruction has as many events as the machine counted, by event, call and vector, and the guest
runs as without it: it prints the same and takes as many instructions.

  counts.py GUEST MODE...      GUEST: lantern, linux, or a guest of tests/guest such as vmi/pages or cpu/tlb
"""
import sys
import tempfile

import traces

MODES = {"windows": [], "soft": ["-translator", "windows=off"], "unlinked": ["-translator", "links=off"],
         "short": ["-translator", "block=1"], "stepped": ["-translator", "step=on"],
         "small": ["-translator", "code=262144"], "called": ["-e", "set vmi-inline off"]}


def arguments(guest, mode):
    if guest == "lantern":
        return MODES[mode] + ["-kernel", traces.LANTERN, "-append", "tour"]
    if guest == "linux":  # as scripts/linux.sh fetches it
        return MODES[mode] + ["-no-reboot", "-m", "256M", "-kernel", "build/linux/vmlinuz-686", "-initrd",
                              "build/linux/initrd.gz", "-append", 'console=ttyS0 vitrine.run="uname -a"']
    return ["-no-reboot", "-m", "64M"] + MODES[mode] + ["-kernel", f"{traces.BUILD}/guest/{guest}.elf"]


def main():
    guest, bad = sys.argv[1], 0
    for mode in sys.argv[2:]:
        plain, counted = traces.run(arguments(guest, mode))
        with tempfile.TemporaryDirectory() as d:
            traced, counters = traces.run(arguments(guest, mode), d + "/t")
            wrong = traces.differences(traces.read(d + "/t"), counters)
            with open(d + "/t/vitrine/symbols") as f:
                found = sum(line.split()[2] == "T" for line in f)
            if guest == "linux" and found < 10000:  # its own, that it was not given
                wrong.append(f"only {found} functions are known by name")
        if plain.stdout != traced.stdout or plain.returncode != traced.returncode:
            wrong.append("the guest printed something else")
        for name in ("icount", "guest_ns", "vmi_calls"):
            if counted.get(name) != counters.get(name):
                wrong.append(f"{name} is {counters.get(name)}, without tracing {counted.get(name)}")
        print(f"{guest} {mode}: {len(wrong)} wrong")
        for line in wrong:
            print("  " + line)
        bad += len(wrong)
    sys.exit(bool(bad))


traces.alone()
main()
