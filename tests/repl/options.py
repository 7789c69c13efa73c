# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ends have their status, commands their order, serial ports reach their places.  Its mistakes are in
tests/bad/options.py."""
import json
import os
import socket
import subprocess
import tempfile
import time

VITRINE = os.environ.get("VITRINE", "build/vitrine")
B = os.environ.get("B", "build")
STAGE = B + "/guest/stage.elf"
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")


def run(*words, stdin=""):
    return subprocess.run([VITRINE, *words], input=stdin, capture_output=True, text=True, timeout=40, check=False)


def ends():
    r = run("-batch", STAGE)
    assert (r.returncode, r.stdout) == (7, "ho!\n"), r
    assert r.stderr == "vitrine: the guest wrote to the debug-exit port\n", r.stderr
    r = run("--batch", "--kernel=" + STAGE, "-m", "16")
    assert r.returncode == 7, r
    r = run(STAGE)  # nobody asks anything: as -batch
    assert r.stdout == "ho!\n", r
    r = run(STAGE, stdin="print 6*7\n")
    assert (r.returncode, r.stdout) == (0, "$1 = 42\n"), r
    r = run("-batch", "-e", "print 6*7", "-e", "quit", STAGE)
    assert (r.returncode, r.stdout) == (0, "$1 = 42\n"), r
    r = run("-batch", "-append", "tour", LANTERN)
    assert r.returncode == 0 and "Good night" in r.stdout and "powered off" in r.stderr, r
    assert r.stdout.count("pi is 3.141592") == 2, r.stdout  # x87 registers survive switches and faults
    r = run("-version")
    assert r.returncode == 0 and r.stdout.startswith("vitrine "), r
    r = run("-help")
    assert r.returncode == 0 and "-no-reboot" in r.stdout, r


def triple_fault(directory):
    path = os.path.join(directory, "ud2")
    with open(path, "wb") as f:
        f.write(b"\x0f\x0b")
    r = run("-batch", "-load", "0x100000", path)
    assert r.returncode == 3 and "triple fault" in r.stderr and r.stderr.count("\n") == 1, r
    with open(path, "wb") as f:
        f.write(b"\xfa\xf4")
    r = run("-batch", "-load", "0x100000", path)
    assert r.returncode == 0 and "halted for good" in r.stderr, r


def order_of_commands(directory):
    path = os.path.join(directory, "commands")
    with open(path, "w", encoding="utf-8") as f:
        f.write("# a file\nprint 2\n")
    r = run("-batch", "-e", "print 1", "-x", path, "-e", "print 3", "-e", "quit", STAGE)
    assert r.stdout == "$1 = 1\n$2 = 2\n$3 = 3\n", r


def serial_ports(directory):
    path = os.path.join(directory, "com1")
    r = run("-batch", "-serial", "file:" + path, STAGE)
    with open(path, encoding="utf-8") as f:
        assert (f.read(), r.stdout) == ("ho!\n", ""), r
    r = run("-batch", "-serial", "null", STAGE)
    assert r.stdout == "", r
    r = run("-batch", "-serial", "pty", STAGE)
    assert "COM1 is /dev/pts/" in r.stderr, r
    r = run("-batch", LANTERN, stdin="echo from a pipe\npoweroff\n")
    assert r.returncode == 0 and "from a pipe" in r.stdout, r


def serial_socket(directory):
    path = os.path.join(directory, "socket")
    with subprocess.Popen([VITRINE, "-batch", "-clock", "host", "-serial", "unix:" + path, LANTERN],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
        client = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                client.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        client.settimeout(20)
        client.sendall(b"poweroff\r")
        seen = b""
        while True:
            part = client.recv(4096)
            if not part:
                break
            seen += part
        assert b"power off" in seen, seen
        assert p.wait(20) == 0
    assert not os.path.exists(path)


def statistics(directory):
    path = os.path.join(directory, "stats")
    run("-batch", "-stats", path, STAGE)
    with open(path, encoding="utf-8") as f:
        assert json.load(f)["icount"] > 20


ends()
with tempfile.TemporaryDirectory() as d:
    triple_fault(d)
    order_of_commands(d)
    serial_ports(d)
    serial_socket(d)
    statistics(d)
