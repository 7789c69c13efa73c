#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions, those we make and those of others: begun and ended in the middle of a run, many at once, with a daemon that
is killed, a full disk, no daemon, no program, no provider, no home."""
import itertools
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import traces
from traces import LANTERN, VITRINE, lttng

LONG = "run=bench mask 3000000"


def start(arguments, **more):
    return subprocess.Popen([VITRINE, "-batch", "-kernel", LANTERN] + arguments, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, errors="replace", **more)


def finish(p, status=0, seconds=60):
    try:
        out, err = p.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        p.kill()
        raise AssertionError("no end")
    assert p.returncode == status, f"status {p.returncode}: {err[-300:]}"
    return out, err


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def console(lines, arguments=("-append", "tour")):
    """A console session; what it printed."""
    done = subprocess.run([VITRINE, "-kernel", LANTERN, "-S", *arguments], input="\n".join(lines) + "\nquit\n",
                          capture_output=True, text=True, errors="replace", timeout=100)
    assert done.returncode == 0, done.stderr[-300:]
    return done.stdout + done.stderr


def in_the_middle():
    """Recording begins and ends where the guest stands; what came between is there, and as much as was counted."""
    with tempfile.TemporaryDirectory() as d:
        said = console(["break -icount 87000000", "continue", f"trace start all --output {d}/t", "trace status",
                        "break -icount 88000000", "continue", "trace view 3", "tbreak -icount 89000000", "continue",
                        "trace stop", "break -icount 90000000", "continue", "trace status"])
        assert "recording all into" in said and "no trace is being recorded" in said, said
        events = list(traces.read(d + "/t"))
        before, after = (json.load(open(f"{d}/t/vitrine/{n}.json")) for n in ("counters-start", "counters"))
    assert all(87000000 <= e.fields["icount"] <= 89000000 for e in events)
    assert sum(e.name == "dbg:stop" for e in events) == 2
    counters = {k: after[k] - before.get(k, 0) for k in after}
    wrong = traces.differences(events, counters)
    assert not wrong, wrong
    assert [e.name for e in events][-3:] != [], said
    assert re.search(r"vitrine_dbg:stop", said), said


def viewed():
    """The last events, be they in the last packet or in many; what babeltrace2 says of the whole."""
    with tempfile.TemporaryDirectory() as d:
        said = console([f"trace start vmi --output {d}/t", "tbreak -icount 300000000", "continue", "trace stop", "trace view 7",
                        "shell echo MORE", "trace view 60000"])
        whole = subprocess.run(["babeltrace2", "--no-delta", "--clock-seconds", d + "/t"], capture_output=True,
                               text=True).stdout.splitlines()
        assert len(whole) > 200000 and sum(map(os.path.getsize, Path(d + "/t/ust").rglob("vitrine_?"))) > 8 << 20
        few, many = ([line for line in part.splitlines() if "vitrine_vmi:" in line and line.startswith("[")]
                     for part in said.split("MORE"))
    assert few == whole[-7:] and many == whole[-60000:], (len(few), len(many))
    assert not [n for n in os.listdir("/tmp") if n.startswith("vitrine-view-")]


def sampled():
    """Samples come at multiples of the number, and change nothing for the guest."""
    guest = ["-kernel", LANTERN, "-append", "run=sleep 2"]
    with tempfile.TemporaryDirectory() as d:
        plain, counted = traces.run(guest)
        traced, counters = traces.run(["-e", "set sample-every 1009"] + guest, d + "/t", "stacks")
        at = [e.fields["icount"] for e in traces.read(d + "/t") if e.name == "cpu:sample"]
    assert at == list(range(1009, counters["icount"] + 1, 1009))[:len(at)] and len(at) == counters["icount"] // 1009, at[-3:]
    assert traced.stdout.endswith(plain.stdout), traced.stdout
    for name in ("icount", "guest_ns", "vmi_calls", "idle_ns", "interrupt_32"):
        assert counted[name] == counters[name] > 0, name


def chosen():
    """Groups, events and calls may be named; nothing else is recorded."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(["-kernel", LANTERN, "-append", "tour"], d + "/t", "SetPxE,bt:link,exception")
        names = {e.name for e in traces.read(d + "/t")}
        assert names == {"vmi:SetPxE", "bt:link", "cpu:exception"}, names
        traces.run(["-kernel", LANTERN, "-append", "tour"], d + "/u", "irq")
        names = {e.name for e in traces.read(d + "/u")}
        assert {"cpu:exception", "cpu:interrupt", "cpu:iret", "dev:timer"} <= names and \
            {n.split(":")[0] for n in names} == {"cpu", "dev"}, names


def vanishes():
    """While a call is recorded its translation tells of it; before and after it is as if there were no tracing."""
    with tempfile.TemporaryDirectory() as d:
        look = "info blocks VMI_GetInterruptMask"
        said = console(["tbreak -icount 150000000", "continue", look,
                        f"trace start GetInterruptMask --output {d}/t", "tbreak -icount 200000000", "continue", look,
                        "trace stop", "tbreak -icount 300000000", "continue", look,
                        f"trace start bt --output {d}/u", "tbreak -icount 320000000", "continue", look])
    size = [int(n) for n in re.findall(r"instructions, \d+ -> (\d+) bytes", said)]
    assert len(size) == 4 and size[0] == size[2] == size[3] < size[1], (size, said[-500:])


def beginning(trace, lines=100000):
    """The first events of a trace, as text; there may be millions, and all are alike."""
    with subprocess.Popen(["babeltrace2", trace], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as p:
        text = "".join(itertools.islice(p.stdout, lines))
        p.kill()
    return text


def plainly():
    """The plain lttng way: events are listed, sessions of others begin and end while the guest runs at full speed; filters
    hold; the guest runs the same."""
    with tempfile.TemporaryDirectory() as d:
        expected, _ = finish(start(["-append", LONG]))
        p = start(["-append", "run=bench mask 2000000000"])
        traces.start_daemon()
        wait_for(lambda: "vitrine_mmu:pt_change" in lttng("list", "-u"))
        listed = lttng("list", "-u")
        for name in ("vitrine_vmi:SetPxE", "vitrine_vmi:call_entry", "vitrine_bt:translate", "vitrine_dbg:packet"):
            assert name in listed, name
        for i in range(4):
            for seconds in (1, 4, 16):  # on a busy machine it is some time until all of them are on
                name = f"s{i}-{seconds}"
                lttng("create", name, f"--output={d}/{name}")
                lttng("enable-event", "-u", "vitrine_vmi:*", "--exclude=vitrine_vmi:call_entry" if i == 1 else
                      "--filter=cpl == 0 && icount > 100", "-s", name)
                lttng("start", name)
                time.sleep(seconds)
                lttng("stop", name)
                lttng("destroy", name)
                text = beginning(f"{d}/{name}")
                if "Interrupt" in text and ("call_entry" in text) == (i != 1):
                    break
            assert "GetInterruptMask" in text or "DisableInterrupts" in text, i
            assert ("call_entry" in text) == (i != 1), i
        p.kill()
        p.communicate()
        # with a session there from the first instruction
        lttng("create", "whole", f"--output={d}/whole")
        lttng("enable-channel", "-u", "-s", "whole", "--subbuf-size=4M", "--num-subbuf=8", "c")
        lttng("enable-event", "-u", "vitrine_*", "-s", "whole", "-c", "c")
        lttng("start", "whole")
        done, counters = traces.run(["-kernel", LANTERN, "-append", "tour"])
        lttng("stop", "whole")
        lttng("destroy", "whole")
        wrong = traces.differences(traces.read(d + "/whole"), counters)
        assert not wrong, wrong
        out, _ = finish(start(["-append", LONG]))
        assert out == expected


def threads():
    """LTTng's threads are in the sandbox with the rest, whether they were there before it was locked or came after."""
    def states(pid):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status") as f:
                text = f.read()
            yield "Seccomp:\t2" in text and "NoNewPrivs:\t1" in text

    after = start(["-append", "run=bench mask 900000000"])
    wait_for(lambda: all(states(after.pid)))
    traces.start_daemon()
    before = None
    try:
        wait_for(lambda: "vitrine_mmu:pt_change" in lttng("list", "-u"))
        before = start(["-append", "run=bench mask 900000000"])
        for p in (after, before):
            wait_for(lambda: len(os.listdir(f"/proc/{p.pid}/task")) > 1 and all(states(p.pid)))
            assert p.poll() is None
    finally:
        for p in (after, before):
            if p:
                p.kill()
                p.communicate()


def snapshot():
    """Flight recorder: nothing is written until asked for, then the last events."""
    with tempfile.TemporaryDirectory() as d:
        traces.start_daemon()
        lttng("create", "--snapshot", "flight", f"--output={d}/f")
        lttng("enable-event", "-u", "vitrine_*", "-s", "flight")
        lttng("start", "flight")
        p = start(["-append", "run=bench mask 900000000"])
        time.sleep(1)
        assert not os.path.exists(d + "/f/ust")
        lttng("snapshot", "record", "-s", "flight")
        p.kill()
        p.communicate()
        lttng("destroy", "flight")
        text = subprocess.run(["babeltrace2", d + "/f"], capture_output=True, text=True).stdout
        assert text.count("vitrine_vmi:call_exit") > 100


def two():
    """Ours beside one of the user's, whose daemon stays: both have all of theirs."""
    with tempfile.TemporaryDirectory() as d:
        traces.start_daemon()
        lttng("create", "user", f"--output={d}/user")
        lttng("enable-channel", "-u", "--subbuf-size=4M", "--num-subbuf=8", "c")
        lttng("enable-event", "-u", "vitrine_vmi:call_exit", "-c", "c")
        lttng("start")
        _, counters = traces.run(["-kernel", LANTERN, "-append", "tour"], d + "/ours", "vmi,calls")
        lttng("destroy")  # the current one is still theirs
        assert "no available" in lttng("list")
        calls = sum(v for k, v in counters.items() if k.startswith("vmi_") and k[4].isupper())
        assert calls == counters["vmi_calls"] > 100000
        for trace in ("user", "ours"):
            assert sum(e.name == "vmi:call_exit" for e in traces.read(f"{d}/{trace}")) == calls, trace


def ten():
    """Ten of us at once, each with its own trace, and one daemon, which goes with the last."""
    with tempfile.TemporaryDirectory() as d:
        running = [start(["-append", "run=bench mask 20000", "-trace", f"{d}/{i}"]) for i in range(10)]
        for p in running:
            _, err = finish(p, seconds=150)
            assert re.search(r"\d+ events in", err), err
        counts = set()
        for i in range(10):
            count = sum(e.name == "vmi:call_exit" for e in traces.read(f"{d}/{i}"))
            counts.add(count)
        assert len(counts) == 1 and counts.pop() > 40000
    wait_for(lambda: subprocess.run(["lttng", "--no-sessiond", "list"], capture_output=True).returncode)


def killed():
    """The daemon dies: the guest goes on, and one line says so."""
    with tempfile.TemporaryDirectory() as d:
        p = start(["-append", "run=bench mask 10000000", "-trace", d + "/t"])
        wait_for(lambda: os.path.exists(d + "/t/vitrine/symbols"))
        os.kill(traces.daemon_pid(), signal.SIGKILL)
        out, err = finish(p, 4)
        assert "10000000" in out or "mask" in out
        assert re.search(r"^vitrine: the trace in .* is not whole: ", err, re.M), err


def orphan():
    """One of us is killed: the next one clears its session and the daemon away."""
    with tempfile.TemporaryDirectory() as d:
        p = start(["-append", "run=bench mask 900000000", "-trace", d + "/t"])
        wait_for(lambda: os.path.exists(d + "/t/vitrine/symbols"))
        p.kill()
        p.communicate()
        assert "vitrine-" in lttng("list")
        _, err = finish(start(["-append", "run=true", "-trace", d + "/u"]))
        assert re.search(r"\d+ events in", err), err
        wait_for(lambda: subprocess.run(["lttng", "--no-sessiond", "list"], capture_output=True).returncode)


def held():
    """A consumer that is held for a while loses nothing; the guest waits for it."""
    with tempfile.TemporaryDirectory() as d:
        p = start(["-append", "run=bench mask 1500000", "-trace", d + "/t"])
        wait_for(lambda: os.path.exists(d + "/t/vitrine/symbols"))
        time.sleep(0.2)
        consumers = traces.consumers()
        for c in consumers:
            os.kill(c, signal.SIGSTOP)
        time.sleep(1)
        for c in consumers:
            os.kill(c, signal.SIGCONT)
        _, err = finish(p)
        said = int(re.search(r"(\d+) events in", err)[1])
        assert "WARNING" not in err, err
        counted = subprocess.run(["babeltrace2", "-c", "sink.utils.counter", d + "/t"], capture_output=True,
                                 text=True).stdout[-2000:]
        assert int(re.findall(r"(\d+) Event messages", counted)[-1]) == said > 10000000, (said, counted)
        assert re.findall(r"(\d+) Discarded event", counted)[-1] == "0"


def full():
    """The disk is full: the guest goes on, and it is said how much is missing."""
    if os.geteuid():
        return
    d = tempfile.mkdtemp()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", d], check=True)
    try:
        _, err = finish(start(["-append", "run=bench mask 1000000", "-trace", d + "/t"]), 4)
        m = re.search(r"WARNING: nobody took events any more .*: (\d+) were NOT RECORDED", err)
        assert m and int(m[1]) > 1000000, err
        assert "is not whole" in err and err.count("\n") < 8, err
    finally:
        subprocess.run(["umount", "-l", d])


def hung():
    """A daemon that does not answer: the start does not wait for it, and a trace is refused in one line."""
    traces.start_daemon()
    daemon = traces.daemon_pid()
    os.kill(daemon, signal.SIGSTOP)
    try:
        began = time.monotonic()
        finish(start(["-append", "run=true"]))
        assert time.monotonic() - began < 2
        _, err = finish(start(["-append", "run=true", "-trace", tempfile.mkdtemp()]), seconds=90)
        assert "no answer from the session daemon; running without" in err, err
    finally:
        os.kill(daemon, signal.SIGCONT)


def without():
    """No programs of LTTng, no provider, no place to write: the guest runs, and one line says why there is no trace."""
    d = tempfile.mkdtemp()
    bare = dict(os.environ, PATH="/nonexistent")
    for arguments, env, words in (
            (["-trace", d + "/a"], bare, "there is no program `lttng'"),
            (["-trace", "/proc/no"], None, "trace directory /proc/no: "),
            (["-trace", "/dev/null"], None, "trace directory /dev/null: "),
            (["-trace", "/"], None, "trace directory /: ")):
        out, err = finish(start(["-append", "tour"] + arguments, env=env))
        lines = [x for x in err.splitlines() if "running without" in x]
        assert len(lines) == 1 and words in lines[0], err
        assert "Good night" in out
    program = shutil.copy(VITRINE, d + "/vitrine")
    done = subprocess.run([program, "-batch", "-kernel", LANTERN, "-append", "tour", "-trace", d + "/b"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "no vitrine-trace.so" in done.stderr, done.stderr
    with open(d + "/vitrine-trace.so", "w") as f:
        f.write("nonsense")
    done = subprocess.run([program, "-batch", "-kernel", LANTERN, "-append", "tour", "-trace", d + "/c"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "running without" in done.stderr, done.stderr


def homeless():
    """A user who is not root, whose home cannot be written: a daemon of our own, and nothing is left of it."""
    if os.geteuid():
        return
    d = tempfile.mkdtemp()
    os.chmod(d, 0o777 | stat.S_ISVTX)
    for name in ("vitrine", "vitrine-trace.so", "lantern.elf"):
        shutil.copy(os.path.join(os.path.dirname(VITRINE), name), d)
    env = dict(os.environ, HOME="/nonexistent")
    env.pop("LTTNG_HOME", None)
    before = set(os.listdir("/tmp"))
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", d + "/vitrine", "-batch", "-kernel",
                           d + "/lantern.elf", "-append", "tour", "-trace", d + "/t"], env=env, cwd=d,
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and re.search(r"\d+ events in", done.stderr), done.stderr
    assert sum(1 for _ in traces.read(d + "/t")) > 100000

    def left():
        return [n for n in set(os.listdir("/tmp")) - before if n.startswith("vitrine-lttng") and not n.endswith(".lock")]
    wait_for(lambda: not left())
    assert not subprocess.run(["pgrep", "-u", "65534", "lttng"], capture_output=True).stdout


def wrong():
    """Bad input to the command, one line each."""
    d = tempfile.mkdtemp()
    with open(d + "/x", "w"):
        pass
    for line, words in (("trace start nonsense", "no event or group `nonsense'"),
                        ("trace start --nonsense", "no option `--nonsense'"),
                        ("trace start vmi --output", "--output needs a directory"),
                        (f"trace start vmi --output {d}", "there is something in it"),
                        ("trace stop", "no trace is being recorded"),
                        ("trace view", "no trace was recorded yet"),
                        ("trace view x", "expected how many events"),
                        ("trace events nonsense", "no event or group"),
                        ("trace nonsense", "expected start, stop, status, events or view")):
        said = console([line])
        assert words in said, (line, said)


traces.alone()
traces.main(in_the_middle, viewed, sampled, chosen, vanishes, plainly, snapshot, two, ten, killed, orphan, held, full, hung, threads, without, homeless, wrong)
