# SPDX-License-Identifier: GPL-3.0-or-later
"""The console at a real terminal: the prompt, TAB, Enter, history, keys to the guest and back, Ctrl-C."""
import os
import socket
import subprocess
import sys
import tempfile
import time

import pexpect

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
PROMPT = r"lantern:[\w.+]+ \[[KU] \w+\]> "


def start(*options):
    p = pexpect.spawn(VITRINE, [*options, LANTERN], timeout=20, encoding="utf-8", dimensions=(40, 150))
    p.logfile_read = sys.stdout
    return p


def ask(p, line, *answers):
    p.sendline(line)
    for answer in answers:
        p.expect(answer)
    p.expect(PROMPT)


def standing():
    p = start("-S")
    p.expect(PROMPT)
    assert "start [K" in p.match.group(0), p.match.group(0)
    ask(p, "break kernel_main", r"Breakpoint 1 at 0xc01\w+ <kernel_main\+0>")
    ask(p, "c", r"Breakpoint 1, ")
    ask(p, "info reg\teip", r"eip +0xc01\w+")  # TAB completes the topic
    ask(p, "print kernel_ma\t", r"<kernel_main\+0>")
    ask(p, "expl\tvm\tSetPxEL\t", r"SetPxELong, VMI call 39")
    ask(p, "catch vm\tGetCycleC\tif cou\t== 77", r"Catchpoint 2: vmi GetCycleCounter\r")
    ask(p, "info b\t", r"stop only if counter == 77")
    ask(p, "stepi", r"<kernel_main\+1>")
    ask(p, "", r"=> ")  # Enter repeats
    ask(p, "x/2xb 0xc0000000", r"0xc0000000.*:\t0x\w\w\t0x\w\w\r")
    ask(p, "", r"0xc0000002.*:\t0x\w\w\t0x\w\w\r")  # and goes on
    p.send("half a line\x03")  # Ctrl-C drops the line
    p.expect(PROMPT)
    for half in ("\x1b", "\x12pri", "\x16", "\x1b5"):  # half a key, a search, a quote, a count
        p.send(half)
        time.sleep(0.1)
        p.send("\x03")
        p.expect(PROMPT)
        ask(p, "print 6*7", r"\r\$\d+ = 42\r")
    ask(p, "\x1dprint 7*7", r"print 7\*7\r\n.*\$\d+ = 49\r")  # Ctrl-] has nothing to do here
    ask(p, "frob", r"no command `frob'")
    p.sendline("quit")
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus == 0, p.exitstatus


def running():
    p = start()
    p.expect("Ctrl-] or Ctrl-C looks inside")
    p.expect(r"lantern\$ ")
    p.send("echo one two\r")  # keys reach the guest
    p.expect("one two")
    p.expect(r"lantern\$ ")
    p.send("\x03")  # Ctrl-C stops it
    p.expect("stopped by the user")
    p.expect(PROMPT)
    ask(p, "backtrace", "#0 ")
    ask(p, r"send echo three\r")
    p.sendline("continue")
    p.expect("three")
    p.expect(r"lantern\$ ")
    p.send("\x1d")  # Ctrl-] gives the keys back
    p.expect(PROMPT)
    p.sendline("continue")
    p.send("poweroff\r")
    p.expect("the guest powered off")
    p.expect(r"lantern \[ended\]> ")
    p.sendline("continue")
    p.expect("`run' starts it again")
    p.expect(r"\[ended\]> ")
    p.sendline("run")
    p.expect(r"lantern\$ ")
    p.send("\x03")
    p.expect(PROMPT)
    p.sendeof()
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus == 0, p.exitstatus


def scripts():
    """Commands of a breakpoint, with `silent'; Ctrl-D ends them; Ctrl-C ends a script."""
    p = start("-S")
    p.expect(PROMPT)
    ask(p, "break sys_fork", "Breakpoint 1")
    p.send("commands 1\rsilent\rprint/x $cpl\recho forked\\n\r\x04")
    p.expect("end\r\n")
    p.expect(PROMPT)
    p.sendline("continue")
    p.expect(r"\$1 = 0x0\r\nforked\r")
    assert "Breakpoint 1," not in p.before, p.before
    p.expect(PROMPT)
    ask(p, "delete")
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("# a comment\nprint 1+1  \ncontinue\necho not reached\\n\n")
        f.flush()
        p.sendline("source " + f.name)
        p.expect(r"\$2 = 2\r")
        p.expect(r"lantern\$ ")
        p.send("\x03")
        p.expect(r"stopped by the user\.")
        p.expect(rf"{f.name}:3: stopped by the user\r")
        p.expect(PROMPT)
        assert "not reached" not in p.before
    p.sendline("quit")
    p.expect(pexpect.EOF)


def own_ways(directory):
    """The user's file of commands is read at a terminal, its mistakes are told, and pipes do not see it."""
    os.mkdir(os.path.join(directory, "vitrine"))
    path = os.path.join(directory, "vitrine", "init")
    with open(path, "w", encoding="utf-8") as f:
        f.write("# mine\nset listsize 3\ndefine two\nprint 1+1\nend\nnonsense\nset listsize 4\n")
    env = {**os.environ, "XDG_CONFIG_HOME": directory}
    p = pexpect.spawn(VITRINE, ["-S", LANTERN], timeout=20, encoding="utf-8", env=env, dimensions=(40, 150))
    p.expect(path + ":6: no command `nonsense'")
    p.expect(PROMPT)
    ask(p, "show listsize", "listsize is 3 ")
    ask(p, "tw\t", "two .*= 2\r")
    p.close(force=True)
    r = subprocess.run([VITRINE, LANTERN], input="show listsize\n", capture_output=True, text=True, env=env, timeout=20, check=True)
    assert "listsize is 10 " in r.stdout and not r.stderr, r


def dumb():
    """Without an ANSI terminal, and with no TERM at all."""
    for env in ({"TERM": "dumb"}, {"TERM": ""}, {"TERM": "no-such-terminal"}):
        p = pexpect.spawn(VITRINE, [LANTERN], timeout=20, encoding="utf-8", env={**os.environ, **env}, dimensions=(40, 150))
        p.expect(r"lantern\$ ")
        p.send("echo heard\r\x1d")
        p.expect(PROMPT)
        ask(p, "print 6*7", "= 42")
        p.sendline("top ex")
        p.expect("exits: a second")
        p.send("q")
        p.expect(PROMPT)
        assert "\x1b[H" not in p.before
        p.sendline("quit")
        p.expect(pexpect.EOF)


def elsewhere():
    """COM1 on a socket or a pty: the console has the terminal for itself, and its keys still stop the guest."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "com1")
        p = start("-serial", "unix:" + path)
        p.expect("looks inside")
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.settimeout(20)
            p.send("never a key\x1d")
            p.expect("Stopped: ")
            p.expect(PROMPT)
            ask(p, "send echo typed\\r")
            p.sendline("continue")
            seen = b""
            while b"\ntyped" not in seen:
                seen += s.recv(100)
        assert b"never" not in seen
        p.send("\x03")
        p.expect("Stopped: ")
        assert "typed" not in p.before
        p.expect(PROMPT)
        p.sendline("quit")
        p.expect(pexpect.EOF)
    p = start("-serial", "pty")
    p.expect(r"COM1 is (/dev/pts/\d+)")
    tty = os.open(p.match.group(1), os.O_RDWR | os.O_NOCTTY)
    p.expect("looks inside")
    seen = b""
    os.write(tty, b"echo via the pty\r")
    while b"\nvia the pty" not in seen:
        seen += os.read(tty, 100)
    p.send("\x1d")
    p.expect(PROMPT)
    p.sendline("quit")
    p.expect(pexpect.EOF)


def history(state):
    path = os.path.join(state, "vitrine", "history")
    with open(path, encoding="utf-8") as f:
        assert "break kernel_main\n" in f.read()
    p = start("-S")
    p.expect(PROMPT)
    p.send("\x12kernel_main\r")  # Ctrl-R finds it
    p.expect(PROMPT)
    ask(p, "print 1")
    ask(p, "print 1")  # kept once
    other = start("-S")  # two sessions at a time keep both
    other.expect(PROMPT)
    ask(other, "print 2")
    for q in (p, other):
        q.sendline("quit")
        q.expect(pexpect.EOF)
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    assert lines.count("print 1") == lines.count("print 2") == 1, lines


def given_up():
    """Ctrl-C leaves the line as it was typed, with ^C behind it, also where readline brackets pasted text."""
    p = pexpect.spawn(VITRINE, ["-S", LANTERN], timeout=20, encoding="utf-8", dimensions=(40, 150), env={**os.environ, "TERM": "xterm"})
    p.expect(PROMPT)
    p.send("print 1234567\x1b[D\x1b[D")
    p.expect("print 1234567")
    p.sendintr()
    p.expect(r"\^C")
    assert "\r" not in p.before, p.before
    p.expect(PROMPT)
    ask(p, "print 6*7", r"\$1 = 42")
    # Ctrl-D types what it means, and leaves nothing behind.
    ask(p, "tbreak kernel_main", "Temporary breakpoint 1")
    p.sendline("commands")
    p.expect("then `end'")
    p.expect(">")
    p.send("\x04")
    p.expect("end\r\n")
    p.expect(PROMPT)
    ask(p, "print 5", r"print 5\r\n(\x1b\[\?2004l)?\r?\$2 = 5")
    p.send("\x04")
    p.expect("quit\r\n")
    p.expect(pexpect.EOF)


with tempfile.TemporaryDirectory() as directory:
    os.environ["XDG_STATE_HOME"] = directory
    standing()
    history(directory)
    given_up()
    running()
    scripts()
    os.environ["XDG_CONFIG_HOME"] = directory  # nobody's own
    own_ways(tempfile.mkdtemp(dir=directory))
    dumb()
    elsewhere()
