# SPDX-License-Identifier: GPL-3.0-or-later
"""A watch that is taken away leaves nothing behind: code that wrote beside it reaches memory as fast as before, so the
accesses that had to be made by hand are as few as in a guest that was never watched."""
import json
import os
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")


def soft(*commands):
    with tempfile.TemporaryDirectory() as d:
        stats = os.path.join(d, "stats")
        words = [VITRINE, "-batch", "-serial", "null", "-stats", stats, "-append", "run=bench int80 20000"]
        for command in ("tbreak sys_getpid", "continue", *commands, "stats reset", "continue"):
            words += ["-e", command]
        r = subprocess.run([*words, LANTERN], capture_output=True, text=True, timeout=100, check=False, stdin=subprocess.DEVNULL)
        assert r.returncode == 0, (commands, r)
        with open(stats, encoding="utf-8") as f:
            return json.load(f)["soft_accesses"]


WATCH = "watch *(int *)(($esp & ~0xfff) + 16)"
never, still = soft("stepi 100000"), soft(WATCH, "stepi 100000")
gone = soft(WATCH, "stepi 100000", "delete 2")
print(f"soft accesses: {never} never watched, {still} watched, {gone} watched before")
assert gone < never + 1000, (never, gone)
# Nor does each of some 700,000 writes beside a word that is watched leave translated code.
assert still < never + 100000, (never, still)
