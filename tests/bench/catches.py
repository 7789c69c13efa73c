# SPDX-License-Identifier: GPL-3.0-or-later
"""bench-check is content with what it has recorded itself, and sees translators that are slower on purpose."""
import os
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
ROWS = ("fork", "fib")


def check(file, *options, switch=""):
    r = subprocess.run(["tests/bench/check.py", "--counts", "--recorded", file, "--lantern", LANTERN, "--vitrine", VITRINE + switch,
                        *options, *ROWS], capture_output=True, text=True, check=False, timeout=100)
    return r.returncode, r.stdout + r.stderr


with tempfile.TemporaryDirectory() as directory:
    recorded = directory + "/recorded.json"
    assert check(recorded, "--record")[0] == 0
    status, said = check(recorded)
    assert status == 0 and said == "4 rows, 0 worse, 0 better than recorded\n", said
    for slower, sign in ((" -translator count=twice", "bt/fib: host_bytes_run"), (" -translator links=off", "bt/fib: exit_"),
                         (" -translator windows=off", "bt/fork: soft_accesses"), (" -translator block=4", "vmi/fib: blocks")):
        status, said = check(recorded, switch=slower)
        assert status == 1 and f"WORSE   {sign} " in said, (slower, said)
print("ok")
