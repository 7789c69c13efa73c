# SPDX-License-Identifier: GPL-3.0-or-later
"""Every guest of the tests, saved at a random moment and loaded: at a later moment the machine is the same, byte by byte, as
one that was never saved before.  In real mode, virtual-8086 mode, between tasks, in the middle of repeated instructions..."""
import glob
import os
import random
import re
import subprocess
import sys
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
GUESTS = os.path.join(os.environ.get("B", "build"), "guest")
MOMENTS = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
FOR_EVER = ("vmi/reboot.elf", "vmi/reboot_soft.elf")


def vitrine(*words):
    return subprocess.run([VITRINE, "-clock", "virtual", *words, "-e", "quit"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=20, check=True)


def read(path):
    with open(path, "rb") as f:
        return f.read()


compared = 0
with tempfile.TemporaryDirectory() as d:
    at, on, loaded = (os.path.join(d, name) for name in ("at", "on", "loaded"))
    for guest in sorted(glob.glob(f"{GUESTS}/*.elf") + glob.glob(f"{GUESTS}/*/*.elf")):
        if guest.endswith(FOR_EVER):
            continue
        end = int(re.search(r"^\$1 = (\d+)$", vitrine("-e", "run", "-e", "print $icount", guest).stdout, re.MULTILINE)[1])
        if end < 4:
            continue
        first = MOMENTS.randrange(1, end - 2)
        later = MOMENTS.randrange(first + 1, end - 1)
        vitrine("-e", f"tbreak -icount {first}", "-e", "run", "-e", f"save {at}", guest)
        vitrine("-e", f"tbreak -icount {later}", "-e", "run", "-e", f"save {on}", guest)
        vitrine("-loadvm", at, "-e", f"tbreak -icount {later}", "-e", "continue", "-e", f"save {loaded}")
        assert read(on) == read(loaded), (guest, first, later)
        for path in (at, on, loaded):
            os.unlink(path)
        compared += 1
print(compared, "guests")
assert compared > 10
