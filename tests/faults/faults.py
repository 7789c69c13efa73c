#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host fails: every system call that can fail is made to, one at a time, by strace's injection; every allocation by
a library before the C library's (refuse.c).

    faults.py [--every N] [SCENARIO...]

A scenario is run once whole to see which calls it makes after it has begun, then once for each of them that fails.
Whatever fails, the program ends as if nothing had been, or with one line that says what failed and the status of the
contract; it never crashes, hangs, or leaves half a file or a socket. --every N takes only each N-th site of a call, the first always."""
import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../gdb"))
import rsp

B = os.path.abspath(os.environ.get("B", "build"))
VITRINE = os.path.abspath(os.environ.get("VITRINE", B + "/vitrine"))
STAGE, LANTERN = B + "/guest/stage.elf", B + "/lantern.elf"
# strace lets a call fail by making it another, with a number that a locked machine may not use: so there is no sandbox here but
# in a scenario of its own, up to the lock.
LOCKED = "SECCOMP_FILTER_FLAG_NEW_LISTENER"
BEGUN = "rt_sigaction(SIGXFSZ"  # the first thing that main() does to the host
LIMIT = 30
EVERYTHING = ("start", "lock", "boot", "save", "load", "console", "gdb")

# What can be wrong with a call that worked in the run before.
FAULTS = {
    "openat": ("EMFILE", "EIO"), "read": ("EIO",), "pread64": ("EIO",), "write": ("ENOSPC",), "lseek": ("EIO",), "fsync": ("EIO",),
    "close": ("EIO",), "rename": ("ENOSPC",), "newfstatat": ("EIO",), "fchmod": ("EPERM",), "mkdir": ("ENOSPC",),
    "unlink": ("EIO",), "getdents64": ("EIO",), "getcwd": ("ENOENT",), "readlink": ("EIO",), "access": ("EIO",),
    "mmap": ("ENOMEM",), "mprotect": ("ENOMEM",), "munmap": ("ENOMEM",), "mremap": ("ENOMEM",), "madvise": ("EAGAIN",),
    "memfd_create": ("EMFILE",), "ftruncate": ("ENOSPC",), "fallocate": ("EOPNOTSUPP", "ENOSPC"),
    "socket": ("EMFILE",), "bind": ("EADDRNOTAVAIL",), "listen": ("EADDRINUSE",), "accept4": ("EMFILE",), "recvfrom": ("ECONNRESET",),
    "sendto": ("EPIPE",), "setsockopt": ("ENOPROTOOPT",), "poll": ("ENOMEM",), "ppoll": ("ENOMEM",),
    "socketpair": ("EMFILE",), "pipe2": ("EMFILE",), "clone": ("EAGAIN",), "clone3": ("EAGAIN",), "sendmsg": ("EPIPE",),
    "recvmsg": ("ECONNRESET",), "seccomp": ("EINVAL",), "prctl": ("EINVAL",), "sigaltstack": ("ENOMEM",), "fcntl": ("EINVAL",),
    "ioctl": ("EIO",), "timer_create": ("EAGAIN",), "timer_settime": ("EINVAL",), "dup2": ("EBADF",), "umask": (), "wait4": ("ECHILD",),
}


class Scenario:
    """A run in a directory of its own: its words, its standard input, what may be left of it."""

    status, script, sandbox = 0, None, "off"
    spared, lines = (), 2  # calls that do not fail; how much may be said
    leaves = ()  # files that may be there afterwards, whole
    prepared = None  # a file that is there before: name, contents

    def words(self, place):
        raise NotImplementedError

    def drive(self, proc, place):
        """What is done from outside while it runs."""

    def wrong(self, place):
        """What is wrong with the files that are left; None: nothing."""


class Start(Scenario):
    """The smallest guest, and counters."""
    status = 7
    leaves = ("stats", "out")

    def words(self, place):
        return ["-batch", "-stats", "stats", "-serial", "file:out", STAGE]


class Lock(Start):
    """The same, locked."""
    sandbox = "on"


class Boot(Scenario):
    """Lantern boots, forks and powers off."""

    def words(self, place):
        return ["-batch", LANTERN, "-append", "run=true"]


def whole(path):
    """Is that a saved machine that can be loaded?"""
    r = subprocess.run([VITRINE, "-batch", "-loadvm", path, "-e", "quit"], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT,
                       check=False)
    return r.returncode == 0


class Save(Scenario):
    """Over a machine that was saved before."""
    leaves = ("saved",)
    old = None

    def words(self, place):
        if not Save.old:
            with tempfile.TemporaryDirectory() as d:
                subprocess.run([VITRINE, "-batch", "-e", "save old", "-e", "quit", STAGE], cwd=d, stdin=subprocess.DEVNULL, check=True,
                               capture_output=True)
                with open(d + "/old", "rb") as f:
                    Save.old = f.read()
        with open(place + "/saved", "wb") as f:
            f.write(Save.old)
        return ["-batch", "-e", "stepi 3", "-e", "save saved", "-e", "quit", STAGE]

    def wrong(self, place):
        if not os.path.exists(place + "/saved"):
            return "the old one is gone"
        return None if whole(place + "/saved") else "it cannot be loaded"


class Load(Scenario):
    """The machine that was saved."""
    leaves = ("saved",)

    def words(self, place):
        Save().words(place)
        return ["-batch", "-e", "load saved", "-e", "quit", STAGE]


class Console(Scenario):
    """A script on standard input, with names, source, memory to a file and back, a host's command."""
    leaves = ("bytes",)
    script = "break fork\ninfo symbol $pc\nlist\ndump bytes $pc $pc+64\nrestore bytes $pc\nshell true\nsource nothing\nquit\n"

    def words(self, place):
        return [LANTERN]


class Gdb(Scenario):
    """A debugger comes, looks, steps and lets go."""
    status = 7

    def words(self, place):
        return ["-batch", "-S", "-serial", "null", "-gdb", "unix:socket", STAGE]

    def drive(self, proc, place):
        end = time.monotonic() + LIMIT
        while proc.poll() is None and time.monotonic() < end:
            if not os.path.exists(place + "/socket"):
                time.sleep(0.01)
                continue
            try:
                c = rsp.Client(place + "/socket", timeout=5)
                for packet in ("?", "g", "qXfer:features:read:target.xml:0,1000", "m100000,20", "s", "Z0,100010,1", "vCont;s", "D"):
                    c.ask(packet)
                c.close()
                break
            except (OSError, AssertionError, rsp.Gone):
                time.sleep(0.05)


class Trace(Scenario):
    """A recording by LTTng, whose daemon runs.  Only when it is named: it takes a second a site."""
    leaves, lines = ("t",), 4
    spared = ("close", "munmap", "mprotect")  # liblttng-ust answers these with an assertion of its own

    def words(self, place):
        return ["-batch", "-trace", "t", LANTERN, "-append", "run=true"]


class Run:
    """How one went."""

    def __init__(self, scenario, inject=None, preload=None, where=None):
        self.place, self.inject = tempfile.mkdtemp(), inject
        words = scenario.words(self.place)
        self.left, self.trouble = set(), None
        command = [VITRINE, "-sandbox", scenario.sandbox, *words]
        if inject or where:
            command = ["strace", "-qq", "-o", where or "/dev/null", *(["-e", "trace=" + inject[0], "-e",
                       f"inject={inject[0]}:error={inject[1]}:when={inject[2]}", "-e", "signal=none"] if inject else ["-e", "signal=none"]),
                       *command]
        env = dict(os.environ, **(preload or {}))
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as script:
            if scenario.script:
                script.write(scenario.script.encode())
                script.seek(0)
            proc = subprocess.Popen(command, cwd=self.place, stdin=script if scenario.script else subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=said, env=env, start_new_session=True)
            driver = threading.Thread(target=scenario.drive, args=(proc, self.place))
            driver.start()
            try:
                self.status = proc.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.status = "no end"
                os.killpg(proc.pid, signal.SIGKILL)
                proc.wait()
            driver.join()
            said.seek(0)
            self.said = said.read().decode(errors="replace")
        self.judge(scenario)
        shutil.rmtree(self.place)

    def judge(self, scenario):
        left = set(os.listdir(self.place)) - set(scenario.leaves)
        lines = self.said.splitlines()
        if self.status not in (scenario.status, 4, 2, 3):
            self.trouble = f"status {self.status}"
        elif self.status == 4 and not any(line.startswith("vitrine: ") for line in lines):
            self.trouble = "status 4 without a line"
        elif self.status == 4 and len([line for line in lines if line.startswith("vitrine: ")]) > scenario.lines:
            self.trouble = "more than is needed"
        elif left and not (self.inject and self.inject[0] == "unlink"):
            self.trouble = f"left: {left}"
        else:
            self.trouble = scenario.wrong(self.place)


def calls(scenario):
    """How often it makes each call before it begins, and in all."""
    with tempfile.NamedTemporaryFile("r") as f:
        run = Run(scenario, where=f.name)
        assert not run.trouble, (run.trouble, run.said)
        before, all_, begun = {}, {}, False
        for line in f:
            begun = begun or BEGUN in line
            if LOCKED in line and "EFAULT" not in line:
                break
            m = re.match(r"(?:\d+ +)?(\w+)\(", line)
            if m:
                all_[m[1]] = all_.get(m[1], 0) + 1
                if not begun:
                    before[m[1]] = before.get(m[1], 0) + 1
    return before, all_


def sites(scenario, every):
    before, all_ = calls(scenario)
    for name in sorted(all_):
        for error in () if name in scenario.spared else FAULTS.get(name, ()):
            first = before.get(name, 0) + 1
            for n in range(first, all_[name] + 1, every):
                yield name, error, n


def allocations(scenario, library):
    """How many it makes after main() began."""
    with tempfile.NamedTemporaryFile("r") as f:
        run = Run(scenario, preload={"LD_PRELOAD": library, "REFUSE_COUNT": f.name})
        assert not run.trouble, (run.trouble, run.said)
        return int(f.read() or 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("scenario", nargs="*")
    options = parser.parse_args()
    if not shutil.which("strace"):
        print("strace is not installed")
        return 77
    if options.scenario == ["trace"]:
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../trace"))
        import traces
        traces.alone()
        traces.start_daemon()
    runs = failures = 0
    with tempfile.TemporaryDirectory() as d, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        library = d + "/refuse.so"
        subprocess.run(["gcc", "-O1", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library,
                        os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse.c")], check=True)
        for scenario in (Start(), Lock(), Boot(), Save(), Load(), Console(), Gdb(), Trace()):
            name = type(scenario).__name__.lower()
            if name not in (options.scenario or EVERYTHING):
                continue
            work = {}
            for site in sites(scenario, options.every):
                work[pool.submit(Run, scenario, inject=site)] = "%s: %s of call %d" % (site[0], site[1], site[2])
            for n in range(1, allocations(scenario, library) + 1, options.every * 4 if options.every > 1 else 1):
                work[pool.submit(Run, scenario, preload={"LD_PRELOAD": library, "REFUSE": str(n)})] = f"allocation {n}"
            bad = 0
            for future in concurrent.futures.as_completed(work):
                run = future.result()
                if run.trouble:
                    bad += 1
                    print(f"{name}: {work[future]}: {run.trouble}; says {run.said[-300:]!r}", flush=True)
            print(f"{name}: {len(work)} sites, {bad} wrong", flush=True)
            runs += len(work)
            failures += bad
    print(f"{runs} runs, {failures} failed")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
