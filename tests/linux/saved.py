# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's kernels, saved at moments of their boot and loaded: some time later both runs are the same, byte by byte."""
import os
import random
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
MOMENTS = random.Random(11)


def vitrine(*words):
    subprocess.run([VITRINE, "-clock", "virtual", *words, "-e", "quit"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   timeout=100, check=True)


def stop_at(moment, path):
    return "-e", f"tbreak -icount {moment}", "-e", "continue", "-e", f"save {path}"


with tempfile.TemporaryDirectory() as d:
    at, on, loaded = (os.path.join(d, name) for name in ("at", "on", "loaded"))
    for flavour in ("686", "686-pae"):
        moment = MOMENTS.randrange(3_200_000_000, 6_000_000_000)
        later = moment + MOMENTS.randrange(200_000_000)
        vitrine("-m", "256M", "-kernel", f"build/linux/vmlinuz-{flavour}", "-initrd", "build/linux/initrd.gz",
                "-append", 'console=ttyS0 vitrine.run="seq 30000|md5sum"', *stop_at(moment, at), *stop_at(later, on))
        vitrine("-loadvm", at, *stop_at(later, loaded))
        with open(on, "rb") as f, open(loaded, "rb") as g:
            assert f.read() == g.read(), (flavour, moment, later)
        print(flavour, moment, later, os.path.getsize(at) >> 10, "KiB")
