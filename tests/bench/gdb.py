#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""gdb.py - the stub beside QEMU's, on lantern, by raw packets.

A client in C (rsp.c) asks both the same things, by turns, over TCP and one row over a unix socket; the best of --runs counts. Rows that compare the guest
with and without breakpoints or watchpoints count guest instructions per second of the monitor's processor time."""
import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gdb"))
from rsp import BUILD, LANTERN, VITRINE, Client, symbols  # noqa: E402

S = symbols()
GUEST = "run=bench int80 1000000000"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Guest(Client):
    def __init__(self, under):
        self.s = under.connect()
        self.bytes, self.acks, self.said = b"", True, ""


class Under:
    """A monitor with lantern and a stub, running getpid in a loop."""

    def __init__(self, name, path=None):
        self.port = free_port()
        self.where = f"unix:{path}" if path else f"tcp:{self.port}"
        listen = {("vitrine", False): self.where, ("qemu", False): f"tcp:127.0.0.1:{self.port}", ("vitrine", True): self.where,
                  ("qemu", True): self.where + ",server=on,wait=off"}[name, bool(path)]
        words = {"vitrine": [VITRINE, "-batch", "-S", "-serial", "null", "-gdb", listen, "-append", GUEST, LANTERN],
                 "qemu": ["qemu-system-i386", "-display", "none", "-m", "128", "-S", "-gdb", listen, "-kernel", LANTERN, "-append",
                          GUEST]}[name]
        self.p = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                self.connect().close()
                break
            except OSError:
                time.sleep(0.02)
        time.sleep(0.2)

    def connect(self):
        if self.where.startswith("tcp:"):
            return socket.create_connection(("127.0.0.1", self.port), timeout=30)
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(self.where[5:])
        return s

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.p.kill()
        self.p.wait()

    def cpu(self):
        with open(f"/proc/{self.p.pid}/stat", encoding="ascii") as f:
            words = f.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def rsp(self, seconds, *commands):
        r = subprocess.run([TOOL, self.where, str(seconds), *commands], capture_output=True, text=True, timeout=200, check=True)
        return [float(x) for x in r.stdout.split()]


def to_the_loop(c):
    for name in ("sys_getpid",):
        assert c.ask(f"Z0,{S[name]:x},1") == "OK"
        c.ask("vCont;c")
        c.ask("vCont;c")
        assert c.ask(f"z0,{S[name]:x},1") == "OK"


def leave_in_the_loop(u):
    c = Guest(u)
    to_the_loop(c)
    c.ask("D")
    c.close()
    time.sleep(0.1)


def packets(name, seconds, place):
    at = S["sys_getpid"]
    with Under(name, f"{place}/{name}.gdb") as u:
        leave_in_the_loop(u)
        unix = u.rsp(seconds, "rate vCont;s:1")
    if os.path.exists(f"{place}/{name}.gdb"):
        os.unlink(f"{place}/{name}.gdb")
    with Under(name) as u:
        leave_in_the_loop(u)
        big = "fff0" if name == "vitrine" else "7f0"  # as large as its PacketSize lets it be
        rows = u.rsp(seconds, "rate ?", "rate vCont;s:1", "rate g", "rate mc0100000,40", f"bytes mc0100000,{big}",
                     f"send Z0,{at:x},1", "send vCont;c", f"rate z0,{at:x},1|vCont;s:1|Z0,{at:x},1|vCont;c", f"send z0,{at:x},1", "break 300")
        return dict(zip(("question", "stepi", "registers", "64 bytes", "memory, MB/s", "a breakpoint's hit", "Ctrl-C, ms", "stepi by unix socket"),
                        rows + unix))


def instructions(c):
    return int(c.monitor("print $icount").split("=")[1], 0)


def speed(u, c, seconds):
    """Guest instructions per second of processor time."""
    begin, cpu = instructions(c), u.cpu()
    c.send("vCont;c")
    time.sleep(seconds)
    c.stop()
    return (instructions(c) - begin) / (u.cpu() - cpu)


def costs(seconds, runs):
    """What breakpoints and watchpoints cost a guest that runs."""
    at = S["sys_getpid"]
    out = {}
    with Under("vitrine") as u:
        c = Guest(u)
        c.no_acks()
        to_the_loop(c)
        c.ask(f"Z0,{at:x},1")
        c.ask("vCont;c")
        first = instructions(c)
        c.ask("vCont;c")
        per_call = instructions(c) - first
        c.ask(f"z0,{at:x},1")

        def best(on, off):
            plain = with_it = 0
            for _ in range(runs):
                plain = max(plain, speed(u, c, seconds))
                on()
                with_it = max(with_it, speed(u, c, seconds))
                off()
            return plain, with_it

        plain, with_it = best(lambda: c.ask(f"Z0,{at:x},1;X8,2600002303e71327"), lambda: c.ask(f"z0,{at:x},1"))
        out["false conditions, a second"] = with_it / per_call
        out["... one costs, ns"] = (per_call / with_it - per_call / plain) * 1e9
        elsewhere = [S["kernel_main"] + i for i in range(100)]  # what ran at boot
        plain, with_it = best(lambda: [c.ask(f"Z0,{a:x},1") for a in elsewhere], lambda: [c.ask(f"z0,{a:x},1") for a in elsewhere])
        out["speed with 100 breakpoints elsewhere"] = with_it / plain
        for row, where in (("a quiet word watched", S["kernel_main"] & ~0xfff | 0x20), ("a word of the current process's page watched", S["masked"] if "masked" in S else S["current"])):
            plain, with_it = best(lambda w=where: c.ask(f"Z2,{w:x},4"), lambda w=where: c.ask(f"z2,{w:x},4"))
            out["speed with " + row] = with_it / plain
        c.ask(f"Z0,{at:x},1")
        c.ask("vCont;c")
        stack = c.registers()["esp"] & ~0xfff | 0x10
        c.ask(f"z0,{at:x},1")
        plain, with_it = best(lambda: c.ask(f"Z2,{stack:x},4"), lambda: c.ask(f"z2,{stack:x},4"))
        out["speed with a word of the kernel stack's page watched"] = with_it / plain
    return out


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--seconds", type=float, default=1)
a = parser.parse_args()
with tempfile.TemporaryDirectory() as place:
    TOOL = os.path.join(place, "rsp")
    subprocess.run([os.environ.get("CC", "gcc"), "-O2", "-w", "-o", TOOL, "tests/bench/rsp.c"], check=True)
    best = {"vitrine": {}, "qemu": {}}
    for _ in range(a.runs):
        for name in best:
            for row, value in packets(name, a.seconds, place).items():
                old = best[name].get(row, value)
                best[name][row] = min(old, value) if row.endswith("ms") else max(old, value)
    print(f"{'a second':24} {'Vitrine':>12} {'QEMU':>12} {'ratio':>7}")
    for row, ours in best["vitrine"].items():
        theirs = best["qemu"][row]
        ratio = theirs / ours if row.endswith("ms") else ours / theirs
        print(f"{row:24} {ours:12.1f} {theirs:12.1f} {ratio:7.1f}")
    print()
    for row, value in costs(a.seconds, a.runs).items():
        print(f"{row:56} {value:14.2f}")
