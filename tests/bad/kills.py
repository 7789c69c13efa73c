# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGTERM, SIGHUP and SIGKILL at random moments: what was said to be saved is saved, nothing half is left, the terminal
is as it was, lines typed are remembered.

    kills.py [TIMES [SEED]]"""
import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time

B = os.path.abspath(os.environ.get("B", "build"))
VITRINE = os.path.abspath(os.environ.get("VITRINE", B + "/vitrine"))
STAGE, LANTERN = B + "/guest/stage.elf", B + "/lantern.elf"
BROKER = "SANITIZED" not in os.environ  # a build with sanitizers has no sandbox
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


def start(place, script, *options, kernel=STAGE):
    """With a script on standard input."""
    with tempfile.TemporaryFile("w+") as f:
        f.write(script)
        f.seek(0)
        return subprocess.Popen([VITRINE, *options, kernel], cwd=place, stdin=f, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill(proc, number, seconds):
    """After a while; what it said until then."""
    time.sleep(seconds)
    proc.send_signal(number)
    out, err = proc.communicate(timeout=20)
    assert proc.returncode in (-number, 128 + number, 0), (number, proc.returncode, err)
    assert proc.returncode != 128 + number or "ended by SIG" in err, err  # else it had hardly begun
    return out


def settled(place, number):
    """The files, once the broker has cleaned up; after SIGKILL nobody else can."""
    for _ in range(100):
        left = sorted(os.listdir(place))
        lasting = [name for name in left if not re.search(r"\.\w{6}$|socket", name)]
        if left == lasting or (number == signal.SIGKILL and not BROKER):
            return lasting
        time.sleep(0.02)
    raise AssertionError(left)


def saves(place, number, rng):
    """Over and over to two files: each that was said to be saved is the machine said, or a later one, and whole."""
    script = "".join(f"stepi\nsave {name}\n" for _ in range(300) for name in ("one", "two"))
    said = {}
    for name, at in re.findall(r"Saved to (\w+), after (\d+) instr", kill(start(place, script), number, rng.uniform(0.01, 0.6))):
        said[name] = int(at)
    left = settled(place, number)
    assert set(said) <= set(left) <= {"one", "two"}, (said, left)
    for name in left:
        r = subprocess.run([VITRINE, "-batch", "-loadvm", name, "-e", "print $icount", "-e", "quit"], cwd=place, capture_output=True,
                           stdin=subprocess.DEVNULL, text=True, timeout=20, check=False)
        got = re.search(r"= (\d+)", r.stdout)
        assert r.returncode == 0 and got and int(got[1]) >= said.get(name, 0), (name, said, r)


def files(place, number, rng):
    """A port's file, memory dumped, counters: SIGTERM and SIGHUP leave them whole, and no signal leaves a socket."""
    script = "run\n" + "dump bytes $pc $pc+4096\n" * 500
    out = kill(start(place, script, "-serial", "file:out", "-stats", "stats", "-serial", "unix:socket", kernel=LANTERN), number,
               rng.uniform(0.02, 0.3))
    left = settled(place, number)
    assert set(left) <= {"out", "stats", "bytes"}, (left, out)
    if number != signal.SIGKILL and "stats" in left:
        with open(place + "/stats") as f:
            text = f.read()
        assert not text or text.rstrip().endswith("}"), text[-100:]


def read_until(fd, what, seconds=20):
    said, end = b"", time.monotonic() + seconds
    while what not in said:
        assert select.select([fd], [], [], end - time.monotonic())[0], said
        said += os.read(fd, 4096)
    return said


def console(place, number, rng):
    """At a terminal, at the prompt or while the guest runs: its modes are as they were, and the lines are in the history.
    A shell puts the terminal right after SIGKILL, as after any program, so its modes are not looked at then."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    env = {**os.environ, "HOME": place, "XDG_STATE_HOME": place + "/state", "XDG_CONFIG_HOME": place + "/config", "TERM": "xterm"}
    with subprocess.Popen([VITRINE, "-S", LANTERN], cwd=place, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True) as proc:
        read_until(master, b"[K vmi]> ")
        lines = [f"print {rng.randrange(1000)}+{n}" for n in range(rng.randrange(1, 8))]
        for line in lines:
            os.write(master, line.encode() + b"\r")
            read_until(master, b" = ")
        if rng.random() < 0.5:
            os.write(master, b"continue\r")
            lines.append("continue")
            read_until(master, b"continue")
        time.sleep(rng.uniform(0, 0.2))
        proc.send_signal(number)
        while proc.poll() is None:
            if select.select([master], [], [], 0.05)[0]:
                os.read(master, 4096)
    if number != signal.SIGKILL:
        assert termios.tcgetattr(slave) == before, "the terminal"
    os.close(master)
    os.close(slave)
    with open(place + "/state/vitrine/history") as f:
        kept = f.read().split("\n")
    assert kept[:len(lines)] == lines or (lines[-1] == "continue" and kept[:len(lines) - 1] == lines[:-1]), (kept, lines)


def main():
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for n in range(times):
        test, number = (saves, files, console)[n % 3], SIGNALS[n // 3 % 3]
        with tempfile.TemporaryDirectory() as place:
            try:
                test(place, number, rng)
            except AssertionError as e:
                print(f"{test.__name__}, {signal.Signals(number).name}, the {n}th: {str(e)[:600]}")
                return 1
    print(f"{times} kills")
    return 0


if __name__ == "__main__":
    sys.exit(main())
