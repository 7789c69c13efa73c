# SPDX-License-Identifier: GPL-3.0-or-later
"""`run` starts over exactly: the same words, instruction count, guest time and counters, whatever the machine did before.
A guest's own reset is another matter: time goes on."""
import json
import os
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")


def last_run(*commands, append="tour"):
    """What the guest said in the last run of a session, and the counters at its end."""
    with tempfile.TemporaryDirectory() as d:
        serial, stats = os.path.join(d, "serial"), os.path.join(d, "stats")
        r = subprocess.run([VITRINE, "-clock", "virtual", "-serial", "file:" + serial, "-stats", stats, "-append", append,
                            LANTERN], input="\n".join((*commands, "run", "quit")), capture_output=True, text=True,
                           timeout=100, check=False)
        assert r.returncode == 0 and "Stopped: the guest powered off." in r.stdout, r
        with open(serial, encoding="utf-8") as f:
            said = f.read()
        with open(stats, encoding="utf-8") as f:
            return said[said.rindex("lantern: a teaching kernel"):], json.load(f)


def differences(a, b):
    return {name: (a.get(name), b.get(name)) for name in {**a, **b} if a.get(name) != b.get(name)}


said, counters = last_run()
assert counters["icount"] > 10000000, counters
for before in (
    ("run",),
    ("run", "run"),
    ("stepi 1", "reset"),
    ("stepi 12345678",),  # in the middle of the tour
    ("tbreak sys_fork", "run", "stepi 3", "info maps", "backtrace"),
    ("tbreak page_fault", "run", "stepi 17", "set $eax = 7", "set {int}0xc0100000 = 0"),
    ("stepi 40000000", "stats reset", "reset", "stepi 1000000", "stats reset"),
):
    again, again_counters = last_run(*before)
    assert again == said, before
    assert again_counters == counters, (before, differences(again_counters, counters))

# The clock on its battery, and the counter, do not go back when the guest resets itself.
r = subprocess.run([VITRINE, "-clock", "virtual", "-append", "run=reboot", LANTERN], text=True, capture_output=True, timeout=60,
                   input="tbreak sys_power\nrun\nset $before = $icount\ntbreak kernel_main\ncontinue\n"
                         "print $icount > $before\nprint $before > 1000000\nquit\n", check=False)
assert "$1 = 1" in r.stdout and "$2 = 1" in r.stdout, r
