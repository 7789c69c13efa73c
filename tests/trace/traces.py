# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of tracing share: running Vitrine with a trace, reading the trace, comparing it with the counters."""
import atexit
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
BUILD = os.environ.get("B", "build")

EVENT = re.compile(r"^\[(\d+)\.(\d+)\] \S+ (\w+):(\w+): \{.*?\}, \{ (.*) \}$")
FIELD = re.compile(r'(\w+) = (\[ (?:\[\d+\] = \w+,? )*\]|\( (?:"[^"]*"|<[^>]*>)(?: : container = )?(-?\d+)? \)|"(?:[^"\\]|\\.)*"|-?\w+)(?=,|$| )')
WORD = re.compile(r'\( "([^"]*)"')

Event = collections.namedtuple("Event", "ns name fields")


def value(text):
    """A field as babeltrace2 shows it: a number, a word of an enumeration, text, or a list of numbers."""
    if text.startswith("("):
        word = WORD.match(text)
        return word[1] if word else text
    if text.startswith("["):
        return [int(v, 0) for v in re.findall(r"= (\w+)", text)]
    if text.startswith('"'):
        return text[1:-1]
    return int(text, 0)


def read(directory):
    """The events of a trace, in order."""
    p = subprocess.Popen(["babeltrace2", "--no-delta", "--clock-seconds", directory], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    for line in p.stdout:
        m = EVENT.match(line)
        if not m:
            raise AssertionError("cannot read " + line)
        fields = {k: value(v) for k, v, _ in FIELD.findall(m[5])}
        yield Event(int(m[1]) * 1000000000 + int(m[2]), m[3][len("vitrine_"):] + ":" + m[4], fields)
    error = p.stderr.read()
    if p.wait() or "discarded" in error:
        raise AssertionError("babeltrace2: " + error[:300])


def run(arguments, directory=None, events=None, check=True, env=None, seconds=100):
    """Runs Vitrine; with a directory, all or some events are recorded into it. -> CompletedProcess, counters."""
    with tempfile.NamedTemporaryFile(suffix=".json") as stats:
        command = [VITRINE, "-batch", "-stats", stats.name]
        if directory and events:
            command += ["-e", f"trace start {events} --output {directory}"]
        elif directory:
            command += ["-trace", directory]
        done = subprocess.run(command + arguments, capture_output=True, timeout=seconds, env=env,
                              stdin=subprocess.DEVNULL, errors="replace")
        if check and done.returncode not in (0, 1):
            raise AssertionError(f"status {done.returncode}: {done.stderr[-300:]}")
        text = stats.read()
        return done, json.loads(text) if text else {}


# What the counters of -stats say, by event.
COUNTERS = {"bt:translate": "blocks", "bt:link": "links", "bt:lookup_miss": "exit_LOOKUP", "bt:flush": "flushes",
            "bt:invalidate": "invalidated", "bt:adapt": "adapted", "mmu:shadow_map": "window_maps",
            "mmu:shadow_unmap": "window_unmaps", "mmu:guest_fault": "exception_14"}
VECTORS = dict(DE=0, DB=1, NMI=2, BP=3, OF=4, BR=5, UD=6, NM=7, DF=8, TS=10, NP=11, SS=12, GP=13, PF=14, MF=16, AC=17,
               MC=18, XM=19)


def differences(events, counters):
    """Where the number of events is not what the machine counted."""
    count = collections.Counter()
    for e in events:
        count[e.name] += 1
        if e.name in ("vmi:call_entry", "vmi:call_exit", "vmi:call_fault"):
            count[e.name + " " + e.fields["call"]] += 1
        elif e.name == "cpu:exception":
            count[f"exception_{VECTORS[e.fields['vector']]}"] += 1
        elif e.name == "cpu:interrupt":
            count[f"interrupt_{e.fields['vector']}"] += 1
    wrong = []

    def same(what, traced, counted):
        if traced != counted:
            wrong.append(f"{what}: {traced} events, counted {counted}")
    for event, counter in COUNTERS.items():
        same(event, count[event], counters.get(counter, 0))
    for kind in ("exception", "interrupt"):
        for n in range(256):
            same(f"{kind} {n}", count[f"{kind}_{n}"], counters.get(f"{kind}_{n}", 0))
    same("call_fault", count["vmi:call_fault"], counters.get("vmi_faulted", 0))
    calls = {n.split(" ")[1] for n in count if " " in n}
    calls |= {n[4:] for n in counters if n.startswith("vmi_") and n[4].isupper()}
    for call in calls:
        faulted = count["vmi:call_fault " + call]
        same("call_exit " + call, count["vmi:call_exit " + call], counters.get("vmi_" + call, 0))
        same("call_entry " + call, count["vmi:call_entry " + call], counters.get("vmi_" + call, 0) + faulted)
        same(call, count["vmi:" + call], counters.get("vmi_" + call, 0) + faulted)
    return wrong


NOBODY = 65534


def alone():
    """Runs the test where no other session daemon is, and none of its own is left, nor a current session of others: as root
    with a /var/run/lttng of its own, or as nobody where there are no mounts of one's own; else as who one is."""
    need()
    if os.geteuid() == 0 and "VITRINE_ALONE" not in os.environ:
        os.environ["VITRINE_ALONE"] = "1"
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            as_nobody()
        # The daemon is ended after a time-out, too.
        script = ("trap : TERM; mkdir -p /var/run/lttng && mount -t tmpfs tmpfs /var/run/lttng || exit 76; "
                  '"$@"; status=$?; kill $(cat /var/run/lttng/lttng-sessiond.pid 2>&-) 2>&-; exit $status')
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", sys.executable] + sys.argv, check=False)
        if done.returncode == 76:
            as_nobody()
        sys.exit(done.returncode)
    os.environ["LTTNG_HOME"] = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, os.environ["LTTNG_HOME"], True)
    if os.geteuid():
        atexit.register(end_daemon)


def as_nobody():
    """A user's daemon is in that user's LTTNG_HOME."""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if subprocess.run(drop + ["test", "-x", VITRINE, "-a", "-r", sys.argv[0]], check=False).returncode:
        print("no mounts of one's own here, and nobody cannot read this folder")
        sys.exit(77)
    os.environ["HOME"] = "/nonexistent"
    os.execvp("setpriv", drop + [sys.executable] + sys.argv)


def end_daemon():
    try:
        os.kill(daemon_pid(), signal.SIGTERM)
    except (OSError, ValueError):
        pass


def lttng(*words, check=True):
    done = subprocess.run(["lttng", "--no-sessiond", *words], capture_output=True, text=True, timeout=60)
    if check and done.returncode:
        raise AssertionError(f"lttng {' '.join(words)}: {done.stderr}{done.stdout}")
    return done.stdout


def start_daemon():
    subprocess.run(["lttng-sessiond", "--no-kernel", "--background", "--quiet"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def daemon_pid():
    home = "/var/run/lttng" if os.geteuid() == 0 else os.environ["LTTNG_HOME"] + "/.lttng"
    with open(home + "/lttng-sessiond.pid") as f:
        return int(f.read())


def main(*tests):
    """Runs the test named on the command line, or all."""
    named = {t.__name__: t for t in tests}
    for name in sys.argv[1:] or named:
        named[name]()
        print(name + ": ok")


def need():
    """The tests need LTTng's programs."""
    for program in ("lttng", "lttng-sessiond", "babeltrace2"):
        if subprocess.run(["which", program], capture_output=True).returncode:
            print(f"there is no {program}")
            sys.exit(77)


def consumers():
    """Processes that write what our daemon records."""
    out = subprocess.run(["pgrep", "-P", str(daemon_pid()), "lttng-consumerd"], capture_output=True, text=True).stdout
    return [int(n) for n in out.split()]
