# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the host's time goes: shares that add up to the whole, of the kinds that the guest's work is of, by guest function,
and the guest that was sampled is the one that was not."""
import json
import os
import re
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")


def vitrine(*options, script=None):
    r = subprocess.run([VITRINE, "-clock", "virtual", "-serial", "null", *options, LANTERN], timeout=50, check=False,
                       input="\n".join((*script, "quit")) if script else None, capture_output=True, text=True)
    assert r.returncode == 0, r
    return r.stdout, r.stderr


def shares(text):
    """{words: percent}, and what they are of."""
    seconds, samples = re.search(r"^ +(\d+\.\d{3})  s of the host's processor, by (\d+) samples; \d+% in its kernel$", text,
                                 re.MULTILINE).groups()
    found = {words: float(share) for share, words in re.findall(r"^ {7,}(\d+\.\d)%  (\w.*)$", text, re.MULTILINE)}
    assert abs(sum(found.values()) - 100) < 0.01, (found, text)
    return found, float(seconds), int(samples)


def at_exit(bench):
    with tempfile.NamedTemporaryFile() as stats:
        _, err = vitrine("-batch", "-sample", "-stats", stats.name, "-append", "run=bench " + bench)
        counters = json.load(stats)
    parts = {k[len("host_ns_"):]: n for k, n in counters.items() if k.startswith("host_ns_")}
    assert sum(parts.values()) == counters["host_ns"], counters
    found, seconds, samples = shares(err)
    assert samples == counters["host_samples"] > 50 * seconds, (samples, seconds)
    return {k: n / counters["host_ns"] for k, n in parts.items()}, found, err


def kinds():
    """What the work is, the shares say."""
    user, found, text = at_exit("sieve 20000")
    assert user["user_code"] > 0.7 and found["guest code in user mode, translated"] > 70, (user, text)
    assert re.search(r"^ *\d+\.\d%  U  page 0x0804\w{4} of space 0x\w{8}$", text, re.MULTILINE), text
    fork, _, text = at_exit("fork 8000")
    assert fork["kernel_code"] > 0.05 and fork["operations"] > 0.05 and fork["shadow"] > 0.02, (fork, text)
    assert re.search(r"^ *\d+\.\d%  K  space_destroy$", text, re.MULTILINE), text
    devices, _, text = at_exit("portin 1000000")
    assert devices["devices"] > 0.05 and devices["operations"] > 0.1, (devices, text)
    assert devices["user_code"] < 0.2, (devices, text)


def console():
    text, err = vitrine("-append", "tour", script=(
        "explain time", "set sampling maybe", "show sampling", "set sampling on", "show sampling", "tbreak sys_fork", "continue",
        "top exits 100", "top time 100", "stats reset", "tbreak sys_fork", "continue", "stats", "explain time", "set sampling off", "explain time"))
    assert err.splitlines() == [
        "nobody has looked: `set sampling on', or the option -sample, samples from then on", "sampling: expected on or off",
        "nobody has looked: `set sampling on', or the option -sample, samples from then on"], err
    parts = re.split(r"^(?= +\d+\.\d{3}  s of)", text, flags=re.MULTILINE)
    assert len(parts) == 5, text
    for part in parts[1:]:
        shares(part)
    with open("core/vm/activities.def", encoding="ascii") as f:
        meant = dict(re.findall(r'^ACTIVITY\(\w+, \w+, "([^"]*)",\s*"([^"]{10})', f.read(), re.MULTILINE))
    shown = [words for words in meant if words in parts[4]] # few samples may be in it, and not of every kind
    assert shown and all(meant[words] in parts[4] for words in shown), text
    text, err = vitrine("-append", "run=bench fork 100000", script=("tbreak sys_fork", "continue", "top time 200", "explain time"))
    assert shares(text)[2] > 20 and err.startswith("nobody has looked"), (text, err)


def undisturbed():
    ends = []
    for first in ("set sampling on", "set sampling off"):
        text, err = vitrine("-append", "tour", script=(first, "break -icount 500000000", "continue", "print $icount", "info registers"))
        assert not err, err
        ends.append(text[text.index("$1 = "):])
    assert ends[0] == ends[1], ends


for test in (kinds, console, undisturbed):
    test()
    print(test.__name__, "ok", flush=True)
