#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that a guest has got hold of: every system call that it could make is made in it from outside (inject.c).

What is not in core/sandbox/calls.def ends the process with status 5 and one line that names the call; what is in it
with limits fails beyond them; files, sockets and programs are out of reach."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

B = os.environ.get("B", "build")
VITRINE = os.path.abspath(os.environ.get("VITRINE", B + "/vitrine"))
STAGE = os.path.abspath(B + "/guest/stage.elf")
INJECT = tempfile.mkdtemp() + "/inject"
ENDED = "ended with status 5"
failures = 0


def numbers():
    """Of all system calls of this host, by name."""
    said = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-xc", "/dev/null"], capture_output=True, text=True,
                          check=True).stdout
    return {m[1]: int(m[2]) for m in re.finditer(r"#define __NR_(\w+) (\d+)", said)}


NUMBER = numbers()


class Machine:
    """One that stands at its first instruction, in a directory of its own."""

    def __init__(self, place, *options, stub="unix:gdb"):
        self.place = place
        self.proc = subprocess.Popen([VITRINE, "-batch", "-S", "-serial", "null", "-gdb", stub, *options, STAGE],
                                     cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                     preexec_fn=lambda: os.setpgid(0, 0))
        for _ in range(2000):
            with open(f"/proc/{self.proc.pid}/status") as status, open(f"/proc/{self.proc.pid}/syscall") as call:
                if "Seccomp:\t2" in status.read() and call.read().startswith(f"{NUMBER['ppoll']} "):
                    return  # locked, and it waits for a client
            time.sleep(0.005)
        raise AssertionError("it never locked itself: " + self.end())

    def inject(self, name, *args):
        number = NUMBER.get(name, name)
        r = subprocess.run([INJECT, str(self.proc.pid), str(number), *map(str, args)], capture_output=True, text=True, timeout=20)
        return (r.stdout + r.stderr).strip()

    def end(self):
        self.proc.kill()
        said = self.proc.communicate()[1]
        if os.path.exists(self.place + "/gdb"):
            os.unlink(self.place + "/gdb")
        return said


def expect(what, got, wanted):
    global failures
    if got not in (wanted if isinstance(wanted, tuple) else (wanted,)):
        failures += 1
        print(f"{what}: {got}, not {wanted}")


O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_PATH, O_TMPFILE = 0, 1, 2, 0o100, 0o1000, 0o10000000, 0o20200000
AT = -100 & 0xffffffffffffffff
FASTOPEN = 0x20000000
R, W, X, SHARED, PRIVATE, ANONYMOUS = 1, 2, 4, 1, 2, 0x20


def files(place, outside):
    """By name: what nobody named cannot be read, written, made, moved or removed, however it is called."""
    m = Machine(place)
    secret, link, fresh = outside + "/secret", place + "/link", place + "/fresh"
    hidden, mine = place + "/.profile", place + "/mine"
    os.symlink(secret, link)
    os.symlink(outside, place + "/way")
    for path in (hidden, mine, place + "/.env"):
        with open(path, "w") as f:
            f.write("the user's")
    os.mkdir(place + "/empty")
    E = "EACCES"
    for what, call, wanted in (
        ("read a secret", ("open", "s:" + secret, O_RDONLY), E),
        ("openat", ("openat", AT, "s:" + secret, O_RDONLY), E),
        ("openat from a directory", ("openat", 0, "s:secret", O_RDONLY), E),
        ("by a link", ("open", "s:" + link, O_RDONLY), E),
        ("by a linked directory", ("open", "s:way/secret", O_RDONLY), E),
        ("by dots", ("open", "s:" + os.path.relpath(secret, place), O_RDONLY), E),
        ("a hidden file", ("open", "s:.env", O_RDONLY), E),
        ("only its path", ("open", "s:" + secret, O_PATH), E),
        ("a file without a name", ("open", "s:" + outside, O_TMPFILE | O_RDWR, 0o600), E),
        ("write a secret", ("open", "s:" + secret, O_WRONLY), E),
        ("empty it", ("open", "s:" + secret, O_RDONLY | O_TRUNC), E),
        ("make a file elsewhere", ("open", "s:" + outside + "/new", O_WRONLY | O_CREAT, 0o666), E),
        ("write the user's own", ("open", "s:mine", O_WRONLY), E),
        ("a profile", ("open", "s:" + hidden, O_WRONLY), E),
        ("a new hidden file", ("open", "s:.bashrc", O_WRONLY | O_CREAT, 0o666), E),
        ("make a directory elsewhere", ("mkdir", "s:" + outside + "/d", 0o777), E),
        ("remove the user's own", ("unlink", "s:mine"), E),
        ("remove an empty directory of the user's", ("rmdir", "s:empty"), E),
        ("remove a secret", ("unlink", "s:" + secret), E),
        ("move the user's own", ("rename", "s:mine", "s:yours"), E),
        ("its memory", ("open", "s:/proc/self/mem", O_RDWR), E),
        ("another's memory", ("open", f"s:/proc/{os.getpid()}/mem", O_RDONLY), E),
        ("another's environment", ("open", f"s:/proc/{os.getpid()}/environ", O_RDONLY), E),
        ("a disk's device", ("open", "s:/dev/mem", O_RDONLY), (E, "ENOENT")),
        ("the terminal", ("open", "s:/dev/tty", O_RDWR), E),
        ("a kernel's setting", ("open", "s:/proc/sys/kernel/core_pattern", O_WRONLY), E),
        ("no name", ("open", 1, O_RDONLY), "EFAULT"),
        ("an empty name", ("open", "s:", O_RDONLY), "ENOENT"),
        ("too long a name", ("open", "s:" + "x/" * 3000, O_RDONLY), ("ENAMETOOLONG", "EFAULT")),
    ):
        expect(what, m.inject(*call), wanted)
    # What it may: a new file, and that again; not executable.
    fd = m.inject("open", "s:" + fresh, O_WRONLY | O_CREAT, 0o777)
    expect("a new file", fd.isdigit(), True)
    expect("its rights", os.stat(fresh).st_mode & 0o111, 0)
    expect("more rights", m.inject("fchmod", fd, 0o755), ENDED)
    expect("what it says", "the sandbox has stopped the system call fchmod (number" in m.end(), True)
    m = Machine(place)
    expect("set-user-ID", m.inject("fchmod", 2, 0o4644), ENDED)
    m.end()
    for path in (hidden, mine, secret):
        with open(path) as f:
            expect(path, f.read(), "the user's")
    expect("nothing was made", sorted(os.listdir(outside)), ["secret", "sock"])


def beyond_limits(place, outside):
    """Calls that are allowed in part, or put before the broker."""
    for what, call, wanted in (
        ("connect to a socket", ("connect", 0, "u:" + outside + "/sock", 110), "EACCES"),
        ("connect to the network", ("connect", 0, "i:22", 16), "EACCES"),
        ("a socket of the network", ("socket", 2, 1, 0), "EPERM"),
        ("of IPv6", ("socket", 10, 1, 0), "EPERM"),
        ("of netlink", ("socket", 16, 3, 0), "EPERM"),
        ("raw", ("socket", 2, 3, 255), "EPERM"),
        ("datagrams to a named socket", ("socket", 1, 2, 0), ENDED),
        ("fork", ("fork",), "EPERM"),
        ("vfork", ("vfork",), "EPERM"),
        ("clone", ("clone", 17, 0, 0, 0, 0), "EPERM"),
        ("clone3", ("clone3", 0, 0), "ENOSYS"),
        ("execve", ("execve", "s:/bin/true", 0, 0), ENDED),
        ("execveat", ("execveat", AT, "s:/bin/true", 0, 0, 0), ENDED),
        ("memory to run", ("mmap", 0, 4096, R | X, PRIVATE | ANONYMOUS, -1 & 0xffffffff, 0), "EACCES"),
        ("memory to write and run", ("mmap", 0, 4096, R | W | X, PRIVATE | ANONYMOUS, -1 & 0xffffffff, 0), ENDED),
        ("code memory mapped once more", ("mmap", 0, 4096, R | X, SHARED, 4, 0), "EACCES"),
        ("memory made to run", ("mprotect", 0x10000, 4096, R | X), ENDED),
        ("by a key", ("pkey_mprotect", 0x10000, 4096, R | X, -1), ENDED),
        ("reads imply running", ("personality", 0x400000), ENDED),
        ("a signal to another", ("kill", os.getpid(), 0), ENDED),
        ("to all", ("kill", -1 & 0xffffffff, 0), ENDED),
        ("to another thread", ("tgkill", os.getpid(), os.getpid(), 0), ENDED),
        ("trace another", ("ptrace", 16, os.getpid(), 0, 0), ENDED),
        ("read another", ("process_vm_readv", os.getpid(), 0, 0, 0, 0, 0), ENDED),
        ("type at the terminal", ("ioctl", 0, 0x5412, 0), ENDED),
        ("type with another call", ("ioctl", 0, 0x541c, 0), ENDED),
        ("another's signals", ("fcntl", 0, 8, os.getpid()), ENDED),
        ("its own SIGSYS", ("rt_sigaction", 31, 0, 0, 8), ENDED),
        ("limits", ("prlimit64", 0, 7, "s:xxxxxxxxxxxxxxxx", 0), "EPERM"),
        ("another's limits", ("prlimit64", os.getpid(), 7, 0, 0), ENDED),
        ("be traced by all", ("prctl", 0x59616d61, -1 & 0xffffffffffffffff, 0, 0, 0), ENDED),
        ("another filter", ("seccomp", 1, 0, 0), ENDED),
        ("rings of calls", ("io_uring_setup", 8, 0), ENDED),
        ("its own SIGSYS, in 64 bits", ("rt_sigaction", 31 + (1 << 32), 0, 0, 8), ENDED),
        ("a call of 32 bits", ("32:20",), "killed by signal 31"),
        ("a packet to an address", ("sendto", 0, "s:x", 1, 0, "i:22", 16), ENDED),
        ("a first packet that connects", ("sendto", 0, "s:x", 1, FASTOPEN, "i:22", 16), ENDED),
        ("a message that does", ("sendmsg", 0, 0, FASTOPEN), ENDED),
    ):
        m = Machine(place)
        expect(what, m.inject(*call), wanted)
        m.end()


def listening(place, _outside):
    """A socket at which the machine listens for gdb cannot be turned round, so that it connects."""
    with socket.socket() as other, socket.socket() as probe:
        for s in (other, probe):
            s.bind(("127.0.0.1", 0))
        other.listen()
        at, stub = other.getsockname()[1], probe.getsockname()[1]
        probe.close()
        m = Machine(place, stub=f"tcp:{stub}")
        fds = [fd for fd in os.listdir(f"/proc/{m.proc.pid}/fd") if os.readlink(f"/proc/{m.proc.pid}/fd/{fd}").startswith("socket")]
        for fd in sorted(fds, key=int)[1:]:  # the first is the way to the broker
            m.inject("shutdown", fd, 0)  # it listens no more, and is as one that is new
            expect("a listener that connects", m.inject("sendto", fd, "s:x", 1, FASTOPEN, f"i:{at}", 16), ENDED)
        other.settimeout(0.2)
        try:
            expect("who connected", other.accept()[1], "nobody")
        except TimeoutError:
            pass
        m.end()


def all_others(place):
    """Every number that the table does not have."""
    with open("core/sandbox/calls.def") as f:
        known = set(re.findall(r"^CALL\((\w+),", f.read(), re.M))
    others = [(n, name) for name, n in NUMBER.items() if name not in known]
    # The kernel itself lets uretprobe (335) and uprobe (336) through: they only come back from a probe that root has set.
    others = [(n, name) for n, name in others if n not in (335, 336)]
    others += [(n, "no call") for n in (337, 400, 600, 0x40000000 + 1)]
    for n, name in sorted(others):
        m = Machine(place)
        got = m.inject(n)
        said = m.end()
        expect(f"{name} ({n})", got, (ENDED, "killed by signal 31"))
        if got == ENDED and name != "no call" and f"the system call {name} (number {n}" not in said:
            expect(f"what {name} says", said, "its name")
    print(f"{len(others)} other calls")


def state(place):
    """What the kernel says of it."""
    m = Machine(place)
    with open(f"/proc/{m.proc.pid}/status") as f:
        text = f.read()
    expect("no new privileges", "NoNewPrivs:\t1" in text, True)
    program = os.readlink(f"/proc/{m.proc.pid}/exe")
    with open(f"/proc/{m.proc.pid}/maps") as f:
        for line in f:
            rights, path = line.split()[1], line.strip().split(maxsplit=5)[5:]
            if "w" in rights and "x" in rights:
                expect("memory to write and run", line, "none")
            if "x" in rights and not (path and (path[0].startswith(("/usr/", "/lib", "[v", "/memfd:code", "/dev/zero (deleted)")) or path[0] == program)):
                expect("memory to run", line, "of a library, the program or translated code")
    m.end()


def main():
    subprocess.run(["gcc", "-O1", "-D_GNU_SOURCE", "-o", INJECT, "tests/sandbox/inject.c"], check=True)
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory(dir=os.path.expanduser("~"), prefix=".vitrine-") as outside:
        os.chmod(outside, 0o700)
        with open(outside + "/secret", "w") as f:
            f.write("the user's")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(outside + "/sock")
        listener.listen()
        for part in sys.argv[1:] or ["files", "beyond_limits", "listening", "all_others", "state"]:
            if part in ("files", "beyond_limits", "listening"):
                globals()[part](place, outside)
            else:
                globals()[part](place)
    shutil.rmtree(os.path.dirname(INJECT))
    print(f"{failures} failed")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
