# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved machines.  Loading one is the same run as going on: from random moments, the two are compared byte by byte some time
later, by saving them again.  And what is no such file, or a damaged one, is refused and changes nothing."""
import os
import random
import re
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
MOMENTS = random.Random(5)


def vitrine(*options, commands=()):
    return subprocess.run([VITRINE, "-clock", "virtual", *options], input="\n".join((*commands, "quit")), text=True,
                          capture_output=True, timeout=50, check=False)


def said(r, *patterns):
    for pattern in patterns:
        assert re.search(pattern, r.stdout + r.stderr, re.MULTILINE), (pattern, r.stdout[-2000:], r.stderr[-500:])


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def the_same_run(d, engine, way, moment, later):
    at, on, loaded = (os.path.join(d, name) for name in ("at", "on", "loaded"))
    end = f"tbreak -icount {moment + later}"
    ask = ("print $icount", "info registers all", "x/64xw $esp & ~3", "info irq", "info devices")
    r = vitrine("-engine", engine, *way, "-append", "test", LANTERN,
                commands=(f"tbreak -icount {moment}", "run", f"save {at}", "echo from here", end, "continue", *ask, f"save {on}"))
    s = vitrine("-loadvm", at, commands=("echo from here", end, "continue", *ask, f"save {loaded}"))
    first, second = (x.stdout[x.stdout.index("from here"):].replace(f"Saved to {p}", "Saved") for x, p in ((r, on), (s, loaded)))
    assert re.sub("breakpoint 2", "breakpoint 1", first) == re.sub("breakpoint 2", "breakpoint 1", second), (engine, way, moment)
    assert read(on) == read(loaded), (engine, way, moment, later)
    # Saving has not changed the run.
    alone = os.path.join(d, "alone")
    vitrine("-engine", engine, *way, "-append", "test", LANTERN, commands=(end, "run", f"save {alone}"))
    assert read(on) == read(alone), (engine, way, moment, later)


with tempfile.TemporaryDirectory() as d:
    for engine in ("bt", "vmi"):
        for way in ((), ("-translator", "windows=off"), ("-translator", "block=1")):
            the_same_run(d, engine, way, MOMENTS.randrange(1, 60_000_000), MOMENTS.randrange(1, 10_000_000))
    the_same_run(d, "vmi", (), 1, 1)

    # Where it stands when an event was caught, and with breakpoints around; they stay when it is loaded.
    good = os.path.join(d, "good")
    r = vitrine(LANTERN, "-append", "test", commands=("catch exception #PF", "run", f"save {good}", "continue", f"load {good}",
                                                      "info breakpoints", "print $icount", "stepi", "run"))
    said(r, rf"^The machine of {good}, after \d+ instructions\.$", r"^1    catch       keep y +exception #PF$")
    a, b = re.findall(r"after (\d+) instructions", r.stdout)
    assert a == b and f"$1 = {a}" in r.stdout, r.stdout
    # After a reset the kernel is loaded again, by the command line of then.
    r = vitrine("-loadvm", good, commands=("run",))
    said(r, r"^lantern: a teaching kernel", r"^Stopped: the guest wrote to the debug-exit port\.$")
    r = vitrine("-loadvm", good, "-batch")
    assert r.returncode == 1, r

    # One of other machines.
    for options, line in (
        (("-engine", "bt"), r"was saved with -engine vmi; this machine has -engine bt \(`engine vmi' and `reset' change that\)"),
        (("-m", "64M"), "was saved with -m 131072K; this machine has 65536K"),
        (("-seed", "7"), "was saved with -seed 0; this machine has 7"),
        (("-cpu", "-nx,-sse"), r"was saved with another processor: start with -cpu \+sse,\+nx"),
    ):
        said(vitrine(*options, LANTERN, commands=(f"load {good}",)), rf"^{good} {line}$")

    # None at all, and damaged ones.  Nothing has changed after all this: it goes on as it would have.
    bytes_of = read(good)
    bad = [(write(os.path.join(d, "empty"), b""), ": not a machine saved by Vitrine"),
           (write(os.path.join(d, "short"), bytes_of[:40]), ": not a machine saved by Vitrine"),
           (LANTERN, ": not a machine saved by Vitrine"), (d, ": not a regular file"), ("/dev/null", ": not a regular file"),
           (os.path.join(d, "none"), ": No such file or directory"),
           (write(os.path.join(d, "longer"), bytes_of + b"x"), " is damaged: "),
           (write(os.path.join(d, "old"), bytes_of.replace(b"VITRINE\0\1", b"VITRINE\0\2", 1)), " is damaged: its head has")]
    for i in range(40):
        cut = MOMENTS.randrange(64, len(bytes_of))
        where = MOMENTS.randrange(len(bytes_of))
        flipped = bytearray(bytes_of)
        flipped[where] ^= 1 << MOMENTS.randrange(8)
        bad += [(write(os.path.join(d, f"cut{i}"), bytes_of[:cut]), " is damaged: "),
                (write(os.path.join(d, f"flip{i}"), flipped), r"( is damaged: |: not a machine saved by Vitrine)")]
    moment, end = "tbreak -icount 5000000", os.path.join(d, "end")
    r = vitrine(LANTERN, "-append", "test", commands=(moment, "run", *(f"load {path}" for path, _ in bad),
                                                      "tbreak -icount 6000000", "continue", f"save {end}"))
    said(r, *(f"^{path}{line}" for path, line in bad))
    expected = os.path.join(d, "expected")
    vitrine(LANTERN, "-append", "test", commands=("tbreak -icount 6000000", "run", f"save {expected}"))
    assert read(end) == read(expected)

    # Written whole or not at all: no room, no right place; what was there before stays.
    before = read(good)
    for path, line in ((good, "File too large"), (os.path.join(d, "new"), "File too large"), (d, "not a regular file"),
                       ("/dev/full", "not a regular file"), (os.path.join(d, "no", "dir"), "No such file or directory")):
        files = sorted(os.listdir(d))
        r = vitrine(LANTERN, commands=("tbreak -icount 2000000", "run", "shell prlimit --pid $PPID --fsize=100000", f"save {path}"))
        said(r, f"^{path}: {line}$")
        assert sorted(os.listdir(d)) == files and read(good) == before, path
    link = os.path.join(d, "link")
    os.symlink(good, link)
    said(vitrine(LANTERN, commands=("stepi 3", f"save {link}")), "^Saved to ")
    assert os.path.islink(link) and read(good) != before
    assert os.stat(good).st_mode & 0o777 == 0o666 & ~os.umask(0), oct(os.stat(good).st_mode)

    # A guest that has ended; words that are missing.
    r = vitrine(LANTERN, "-append", "test", commands=("run", f"save {end}", "save", "load", f"load {expected}", "stepi"))
    said(r, r"^the guest wrote to the debug-exit port: there is nothing to go on with$", "^expected a file: save FILE$",
         "^expected a file: load FILE$", r"^The machine of .*, after 6000000 instructions\.$")
    for options, line in (((LANTERN, "-loadvm", expected), "brings its own kernel"),
                          (("-loadvm", expected, "-m", "64M"), "brings its own -m"),
                          (("-engine", "bt", "-loadvm", expected), "brings its own -engine"),
                          (("-loadvm", expected, "-append", "x"), "brings its own -append"),
                          (("-loadvm", expected, "-loadvm", expected), "two saved machines")):
        r = vitrine(*options)
        assert r.returncode == 2 and line in r.stderr and r.stderr.count("\n") == 1, r
    r = vitrine("-loadvm", LANTERN)
    assert r.returncode == 4 and r.stderr == f"vitrine: {LANTERN}: not a machine saved by Vitrine\n", r
