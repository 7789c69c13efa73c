#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as users meet it: what they name is at hand, what nobody named is asked for or refused in one line, a client of
gdb's stub gets nothing, and no process is left behind."""
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time

import pexpect

sys.path.insert(0, "tests/gdb")
import rsp

B = os.path.abspath(os.environ.get("B", "build"))
VITRINE = os.path.abspath(os.environ.get("VITRINE", B + "/vitrine"))
STAGE, LANTERN = B + "/guest/stage.elf", B + "/lantern.elf"
ASKS = r"vitrine's sandbox asks: %s\? \[y/N\] "


def run(*arguments, script=None, cwd=None, words=(STAGE,)):
    r = subprocess.run([VITRINE, *arguments, *words], input=script, stdin=subprocess.DEVNULL if script is None else None,
                       capture_output=True, text=True, timeout=20, cwd=cwd)
    return r.returncode, r.stdout + r.stderr


def named(place, private):
    """What -e, -x and standard input name can be used, wherever it is and whatever its rights."""
    saved, dumped = private + "/a machine", private + "/bytes"
    status, said = run("-batch", "-S", "-e", f"save {saved}", "-e", f"load {saved}", "-e", "quit", cwd=place)
    assert status == 0 and "Saved to" in said and "The machine of" in said and "sandbox" not in said, said
    status, said = run(script=f"dump {dumped} $pc $pc+16\nsave {saved}\nload {saved}\nshell echo $((6*7))\n!echo too\nquit\n", cwd=place)
    assert status == 0 and "42" in said and "too" in said and "sandbox" not in said, said
    assert os.path.getsize(dumped) == 16
    with open(private + "/script", "w") as f:
        f.write(f"save {saved}\nshell echo from the script\n")
    status, said = run("-batch", "-x", private + "/script", "-e", "quit", cwd=place)
    assert status == 0 and "from the script" in said and "sandbox" not in said, said
    # New files where one works, again and again, and over a machine saved before.
    for _ in range(2):
        p = client(place, private)
        assert "Saved" in p.monitor("save here") and "Saved" in p.monitor("save here"), "save"
        p.done()
    assert os.path.getsize(place + "/here") > 1000
    os.unlink(place + "/here")


class client:
    """Somebody at the stub, with `monitor`."""
    machines = []

    def __init__(self, place, private, *words):
        self.proc = subprocess.Popen([VITRINE, "-batch", "-S", "-serial", "null", "-gdb", f"unix:{private}/gdb", *(words or (STAGE,))], cwd=place,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.machines.append(self.proc)
        while not os.path.exists(private + "/gdb"):
            time.sleep(0.01)
        self.c = rsp.Client(private + "/gdb")

    def monitor(self, line):
        return self.c.monitor(line)

    def done(self):
        self.c.close()
        self.proc.terminate()
        return self.proc.communicate(timeout=10)[0]


def clients(place, private):
    """A client of the stub has no file and no program that the user did not name."""
    with open(private + "/secret", "w") as f:
        f.write("echo the secret\n")
    with open(place + "/mine", "w") as f:
        f.write("the user's")
    c = client(place, private)
    answers = [c.monitor(line) for line in
               (f"source {private}/secret", f"save {private}/x", f"dump {private}/x $pc $pc+4", "dump mine $pc $pc+4", "dump .bashrc $pc $pc+4",
                "shell touch ran", "!touch ran", f"symbol-file {private}/secret", f"load {private}/secret",
                f"trace start vmi --output {private}/t")]
    for path in (private + "/secret", "/etc/passwd"):
        assert c.c.ask("vFile:open:" + path.encode().hex() + ",0,0").startswith("F-1"), path
    said = c.done()
    for text in answers + [said]:
        assert "the secret" not in text, text
    assert "the sandbox does not let it read" in said and "let it write to" in said, said
    assert sorted(os.listdir(private)) == ["secret"] and not os.path.exists(place + "/ran"), os.listdir(private)
    with open(place + "/mine") as f:
        assert f.read() == "the user's"
    assert not os.path.exists(place + "/.bashrc")
    os.unlink(private + "/secret")
    os.unlink(place + "/mine")


def strangers_machine(place, private):
    """A saved machine names the kernel it came from, and its file may be a stranger's: that is not the user's naming it, nor what
    lies beside it.  Who names it as well has it."""
    kernel, saved = shutil.copy(LANTERN, private), place + "/machine"
    status, said = run("-batch", "-S", "-kernel", kernel, "-e", f"save {saved}", "-e", "quit", words=(), cwd=place)
    assert status == 0 and os.path.exists(saved), said
    with open(private + "/secret", "w") as f:
        f.write("echo the secret\n")
    for more, known in (((), False), (("-symbols", kernel), True)):
        c = client(place, private, "-loadvm", saved, *more)
        said = c.monitor("print kernel_main")
        assert ("<kernel_main+0>" in said) == known, said
        assert "the secret" not in c.monitor(f"source {private}/secret") or known
        said = c.monitor("reset")
        assert ("Permission denied" in said) != known, said
        assert f"the sandbox does not let it read {kernel}" in c.done() or known
    os.unlink(saved)
    os.unlink(kernel)
    os.unlink(private + "/secret")


def asked(place, private):
    """At a terminal: no is no, yes is yes, what was typed before the question is no answer."""
    home = {"HOME": place, "TERM": "xterm", "XDG_STATE_HOME": place + "/state", "XDG_CONFIG_HOME": place + "/config"}
    p = pexpect.spawn(VITRINE, ["-S", LANTERN], cwd=place, encoding="utf-8", timeout=20, env={**os.environ, **home})
    prompt = r"\[K vmi\]> "
    p.expect(prompt)
    p.sendline(f"save {private}/x")
    p.expect(ASKS % f"write to {private}/x")
    p.send("n")
    p.expect("Permission denied")
    p.expect(prompt)
    p.sendline(f"save {private}/x")
    p.expect(ASKS % f"write to {private}/x")
    p.send("y")
    p.expect("Saved to")
    p.expect(prompt)
    p.sendline(f"save {private}/x")  # as agreed
    p.expect("Saved to")
    p.expect(prompt)
    p.sendline("shell echo ho")
    p.expect(ASKS % "run echo ho")
    p.send("y")
    p.expect("\r\nho\r\n")
    p.expect(prompt)
    p.send("shell echo ha\ryyyy")
    p.expect(ASKS % "run echo ha")
    p.send("\x03")
    p.expect("runs no command")
    p.expect(prompt)
    p.sendline("print 6*7")
    p.expect("= 42")
    p.expect(prompt)
    p.sendline("save here")
    p.expect("Saved to here")
    p.expect(prompt)
    p.sendline("quit")
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus == 0, p.exitstatus
    with open(place + "/state/vitrine/history") as f:
        assert "print 6*7" in f.read()
    os.unlink(private + "/x")
    os.unlink(place + "/here")


def alone(place, private):
    """The broker ends with the machine, however that ends, and Ctrl-C, SIGTERM and SIGHUP do not end it before."""
    for sign in (2, 15, 1, 9):
        proc = subprocess.Popen([VITRINE, "-batch", "-S", "-serial", "null", "-gdb", f"unix:{private}/gdb", STAGE], cwd=place,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while not os.path.exists(private + "/gdb"):
            time.sleep(0.01)
        time.sleep(0.1)
        child = subprocess.run(["ps", "-o", "pid=", "--ppid", str(proc.pid)], capture_output=True, text=True).stdout.strip()
        assert child.isdigit(), child
        if sign != 9:
            os.kill(int(child), sign)
            time.sleep(0.05)
            assert os.path.exists(f"/proc/{child}"), sign
        os.kill(proc.pid, sign)
        proc.communicate(timeout=10)
        for _ in range(200):
            if not os.path.exists(f"/proc/{child}") or "Z" in open(f"/proc/{child}/stat").read().split()[2]:
                break
            time.sleep(0.01)
        else:
            raise AssertionError(f"the broker has outlived signal {sign}")
        if os.path.exists(private + "/gdb"):
            os.unlink(private + "/gdb")


def without(place, private):
    """On a machine that has no filters: a line, and on; refused if it was asked for."""
    def forbid(call):
        lib = ctypes.CDLL("libseccomp.so.2")
        lib.seccomp_init.restype = ctypes.c_void_p
        context = ctypes.c_void_p(lib.seccomp_init(0x7fff0000))
        lib.seccomp_rule_add(context, 0x00050000 | 38, lib.seccomp_syscall_resolve_name(call), 0)
        lib.seccomp_load(context)

    for call, options, status in ((b"seccomp", (), 0), (b"seccomp", ("-sandbox", "off"), 0), (b"seccomp", ("-sandbox", "on"), 4),
                                  (b"process_vm_readv", (), 0), (b"process_vm_readv", ("-sandbox", "on"), 4)):
        r = subprocess.run([VITRINE, "-batch", *options, "-e", "quit", STAGE], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=20, preexec_fn=lambda call=call: forbid(call))
        assert r.returncode == status, (options, r)
        assert ("no sandbox on this machine" in r.stderr) == (options != ("-sandbox", "off")), (options, r)
        assert len(r.stderr.splitlines()) <= 1, r.stderr


def main():
    for test in (named, clients, strangers_machine, asked, alone, without):
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as place, \
                tempfile.TemporaryDirectory(dir=os.path.expanduser("~"), prefix=".vitrine-") as private:
            try:
                test(place, private)
            finally:
                for proc in client.machines:
                    proc.kill()
        print(test.__name__ + ": ok")


if __name__ == "__main__":
    main()
