# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble with the host: no rights, no memory, no room, files and pipes that close, signals.

One line, a status, no socket left behind, the terminal as it was."""
import os
import pty
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time

from bad import HOST, LANTERN, STAGE, VITRINE, Place

NOBODY = 65534
p = Place()


def limited(what, value):
    return {"preexec_fn": lambda: resource.setrlimit(what, (value, value))}


def check(what, truth, seen=""):
    p.cases += 1
    if not truth:
        p.failures.append(f"{what}: {seen}")


# ---- rights ----

def rights():
    """Root may read everything, so as root the program is run as nobody, from a copy that nobody may read."""
    place = Place()
    os.chmod(place.path, 0o755)
    program, stage = shutil.copy(VITRINE, place.path), shutil.copy(STAGE, place.path)
    secret = place.file("secret", b"x")
    os.chmod(secret, 0)
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": ()} if os.getuid() == 0 else {}
    os.chmod(place.path, 0o555)
    for words in (
        (secret,),
        ("-kernel", stage, "-x", secret),
        ("-kernel", stage, "-symbols", secret),
        ("-kernel", stage, "-stats", "stats"),
        ("-kernel", stage, "-serial", "file:out"),
        ("-kernel", stage, "-serial", "unix:socket"),
        ("-kernel", stage, "-serial", "file:" + secret),
    ):
        r = subprocess.run([program, "-batch", *words], cwd=place.path, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=40, check=False, **who)
        check(words, r.returncode == HOST and r.stderr.count(b"\n") == 1 and b"Permission denied" in r.stderr, r)
    check("nothing was made", sorted(os.listdir(place.path)) == ["secret", "stage.elf", "vitrine"], os.listdir(place.path))
    os.chmod(place.path, 0o755)
    place.directory.cleanup()


# ---- what there is too little of ----

def too_little():
    for megabytes in (50, 150, 400, 1000, 3000, 6000, 9000, 15000, 22000):
        p.refused("-batch", STAGE, says="Cannot allocate memory", status=HOST,
                  **limited(resource.RLIMIT_AS, megabytes << 20))
    p.refused("-batch", "-m", "3G", STAGE, says="guest memory of 3072 MiB: Cannot allocate memory", status=HOST,
              **limited(resource.RLIMIT_AS, 3 << 30))
    for files in range(4, 7):
        p.refused("-batch", STAGE, says="Too many open files", status=HOST, **limited(resource.RLIMIT_NOFILE, files))
    p.refused("-batch", STAGE, says="File too large", status=HOST, **limited(resource.RLIMIT_FSIZE, 4096))
    r = p.run("-batch", STAGE, **limited(resource.RLIMIT_AS, 60 << 30))  # fewer windows, the same guest
    check("60 GiB of addresses", (r.returncode, r.stdout) == (7, b"ho!\n"), r)
    for port in ("file:/dev/full", "stdio"):
        with open("/dev/full", "w", encoding="utf-8") as full:
            r = subprocess.run([VITRINE, "-batch", "-serial", port, LANTERN, "-append", "tour"], stdout=full, timeout=40,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        check(port, r.returncode == HOST and r.stderr.count(b"\n") == 1 and b"No space left" in r.stderr, r)
    r = p.run("-batch", "-stats", "/dev/full", STAGE)
    check("stats", r.returncode == HOST and r.stderr == b"vitrine: -stats /dev/full: No space left on device\n", r)


def closed_files():
    """Guest memory must not become standard output."""
    for closed in ((0,), (1,), (2,), (0, 1, 2)):
        r = subprocess.run([VITRINE, "-batch", "-serial", "file:out", STAGE], cwd=p.path, check=False, timeout=40,
                           preexec_fn=lambda: [os.close(fd) for fd in closed])
        with open(os.path.join(p.path, "out"), encoding="utf-8") as f:
            text = f.read()
        check(f"closed {closed}", (r.returncode, text) == (7, "ho!\n"), (r, text))
    os.unlink(os.path.join(p.path, "out"))


def pipe_that_closes():
    with subprocess.Popen([VITRINE, "-batch", LANTERN, "-append", "run=yes"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as v:
        v.stdout.read(200)
        v.stdout.close()
        line = v.stderr.read()
        check("closed pipe", v.wait(20) == HOST and line == b"vitrine: -serial stdio: Broken pipe\n", line)


# ---- sockets ----

def sockets():
    path = os.path.join(p.path, "busy")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        p.refused("-batch", "-serial", "unix:busy", STAGE, says="-serial unix:busy: Address already in use", status=HOST)
        p.refused("-batch", "-serial", "unix:one", "-serial", "unix:one", STAGE, says="Address already in use", status=HOST)
        p.refused("-batch", "-serial", "unix:mine", "nokernel", says="nokernel: No such file", status=HOST)
        check("another's socket stays", os.path.exists(path))
    os.unlink(path)


def start(*words, stdin=subprocess.DEVNULL):
    v = subprocess.Popen([VITRINE, *words], cwd=p.path, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    path = os.path.join(p.path, "socket")
    for _ in range(200):
        if os.path.exists(path):
            break
        time.sleep(0.05)
    client = socket.socket(socket.AF_UNIX)
    for _ in range(200):
        try:
            client.connect(path)
            break
        except OSError:
            time.sleep(0.05)
    return v, client


def signals():
    for number, says in ((signal.SIGTERM, b"ended by SIGTERM"), (signal.SIGHUP, b"ended by SIGHUP"),
                         (signal.SIGINT, b"stopped by the user")):
        v, client = start("-batch", "-serial", "unix:socket", LANTERN)
        with v, client:
            client.sendall(b"\r")
            client.recv(10)
            v.send_signal(number)
            line = v.stderr.read()
            check(number, v.wait(20) == 128 + number and says in line and line.count(b"\n") == 1, (v.returncode, line))
        check("the socket went", not os.path.exists(os.path.join(p.path, "socket")))


def client_that_does_not_read():
    """It loses what the guest says; the guest goes on and ends."""
    v, client = start("-batch", "-serial", "unix:socket", LANTERN)
    with v, client:
        client.sendall(b"yes what is said to the deaf | head -50000\rpoweroff\r")
        line = v.stderr.read()
        check("deaf client", v.wait(60) == 0 and b"powered off" in line, line)


def client_that_reads_slowly():
    """It loses nothing."""
    v, client = start("-batch", "-serial", "unix:socket", LANTERN)
    seen = 0
    with v, client:
        client.sendall(b"yes what is said to the slow | head -40000\rpoweroff\r")
        while True:
            part = client.recv(8192)
            if not part:
                break
            seen += part.count(b"\n")
            time.sleep(0.005)
        check("slow client", v.wait(20) == 0 and seen > 40000, seen)


# ---- the terminal ----

def on_terminal(words, then, status):
    """Runs at a terminal of its own, does `then` when the guest has said something, and looks at the terminal's mode."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    with subprocess.Popen([VITRINE, *words], cwd=p.path, stdin=slave, stdout=slave, stderr=subprocess.PIPE,
                          start_new_session=True, env={**os.environ, "XDG_STATE_HOME": p.path + "/state"}) as v:
        seen = b""
        end = time.time() + 20
        while v.poll() is None and time.time() < end:
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 4096)
            if then and b"lantern$" in seen:
                then(v, master)
                then = None
        if v.poll() is None:
            v.kill()
        check((words, status), v.wait() == status, (v.returncode, v.stderr.read(), seen[-300:]))
    check((words, "terminal as it was"), termios.tcgetattr(slave) == before, termios.tcgetattr(slave))
    os.close(master)
    os.close(slave)


def send(number):
    return lambda v, master: v.send_signal(number)


def keys(text):
    return lambda v, master: os.write(master, text)


def terminal():
    on_terminal((LANTERN,), send(signal.SIGTERM), 128 + signal.SIGTERM)
    on_terminal((LANTERN,), send(signal.SIGHUP), 128 + signal.SIGHUP)
    on_terminal((LANTERN,), keys(b"\x1dquit\r"), 0)
    on_terminal(("-batch", LANTERN), keys(b"poweroff\r"), 0)
    on_terminal(("-batch", LANTERN), send(signal.SIGINT), 128 + signal.SIGINT)
    on_terminal(("-batch", LANTERN, "-append", "run=debugexit 3"), None, 7)
    on_terminal(("-S", "-e", "quit", LANTERN), None, 0)
    on_terminal(("nokernel",), None, HOST)


rights()
too_little()
closed_files()
pipe_that_closes()
sockets()
signals()
client_that_does_not_read()
client_that_reads_slowly()
terminal()
sys.exit(p.end())
