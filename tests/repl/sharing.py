# SPDX-License-Identifier: GPL-3.0-or-later
"""One terminal for the guest and the console: however a run ends the terminal is as it was, a vanished terminal ends the
run, Ctrl-Z and the size work, and what a full-screen guest did to the screen is undone at the prompt and put back."""
import os
import pty
import signal
import subprocess
import tempfile
import termios
import time

import pexpect

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
PROMPT = r"\[[KU] \w+\]> "


def painter(text):
    """A flat guest that writes text to COM1 and waits for ever."""
    code = b"\xba\xf8\x03\0\0"  # mov $0x3f8,%edx
    for byte in text:
        code += b"\xb0" + bytes([byte]) + b"\xee"
    f = tempfile.NamedTemporaryFile()
    f.write(code + b"\xeb\xfe")
    f.flush()
    return f


def on_a_terminal(shell_prefix=""):
    """vitrine with lantern at its shell, on a terminal that we keep a hand on."""
    master, slave = pty.openpty()
    proc = subprocess.Popen(["/bin/sh", "-c", f"{shell_prefix} exec {VITRINE} {LANTERN}"], stdin=slave, stdout=slave, stderr=slave,
                            start_new_session=True)
    seen = b""
    while b"lantern$ " not in seen:
        seen += os.read(master, 4096)
    return proc, master, slave


def ends():
    """Any end leaves the terminal's modes as they were."""
    for number, status in ((signal.SIGTERM, 128 + 15), (signal.SIGSEGV, -11), (signal.SIGABRT, -6), (signal.SIGQUIT, -3)):
        proc, master, slave = on_a_terminal("ulimit -c 0;")
        raw = termios.tcgetattr(slave)
        assert not raw[3] & termios.ICANON
        proc.send_signal(number)
        code = proc.wait(10)
        after = termios.tcgetattr(slave)
        assert code == status, (number, code)
        assert after[3] & termios.ICANON and after[3] & termios.ECHO and after[0] & termios.ICRNL, (number, after)
        os.close(master)
        os.close(slave)


def gone():
    """A terminal that vanishes ends the run, with a hangup signal or without."""
    for prefix in ("", "trap '' HUP;"):
        proc, master, slave = on_a_terminal(prefix)
        os.close(slave)
        os.close(master)
        proc.wait(10)
    p = pexpect.spawn(VITRINE, ["-S", LANTERN], timeout=20, encoding="utf-8")
    p.expect(PROMPT)
    p.close(force=False)  # at the prompt
    assert p.exitstatus == 129, p.exitstatus


def painted():
    """Modes that the guest set are undone in front of the prompt and put back behind it."""
    text = b"plain\r\n\x1b[?1049h\x1b[?25l\x1b[?1h\x1b=\x1b[2;5r\x1b[1;33m\x1b[5;5Hpainted\x1b[4"
    with painter(text) as f:
        p = pexpect.spawn(VITRINE, ["-load", "0x100000", f.name], timeout=20, encoding="utf-8")
        p.expect("painted")
        p.send("\x1d")
        p.expect_exact("\x18\x1b7\x1b[r\x1b8\x1b[m\x1b>\x1b[?1l\x1b[?25h\x1b[?1049l")
        p.expect("Stopped: ")
        p.expect(PROMPT)
        p.sendline("continue")
        p.expect_exact("\x1b[?1h\x1b[?25l\x1b[?1049h\x1b=")
        p.send("\x1d")
        p.expect_exact("\x1b>\x1b[?1l\x1b[?25h\x1b[?1049l")
        p.expect(PROMPT)
        p.sendline("quit")
        p.expect(pexpect.EOF)
    with painter(b"\x1b[H\x1b[Jpainted on the screen itself") as f:
        p = pexpect.spawn(VITRINE, ["-load", "0x100000", f.name], timeout=20, encoding="utf-8")
        p.expect("itself")
        p.send("\x1d")
        p.expect_exact("\x1b[999;1H\r\nStopped: ")  # below the picture
        p.expect(PROMPT)
        p.close(force=True)
    with painter(b"no escapes\r\n") as f:
        p = pexpect.spawn(VITRINE, ["-load", "0x100000", f.name], timeout=20, encoding="utf-8")
        p.expect("no escapes")
        p.send("\x1d")
        p.expect_exact("\r\nStopped: ")
        assert "\x1b" not in p.before, p.before
        p.close(force=True)


def suspended():
    """Ctrl-Z at the prompt stops the process; the line goes on when it does."""
    p = pexpect.spawn("/bin/bash", ["--norc", "-i"], timeout=20, encoding="utf-8", env={**os.environ, "PS1": "SHELL$ "})
    p.expect(r"SHELL\$ ")
    p.sendline(f"{VITRINE} -S {LANTERN}")
    p.expect(PROMPT)
    p.send("print 6*")
    p.expect(r"print 6\*")
    p.send("\x1a")
    p.expect(r"SHELL\$ ")
    p.sendline("echo in the sh''ell")
    p.expect("in the shell")
    p.sendline("fg")
    p.expect(r"print 6\*")
    p.sendline("7")
    p.expect(r"\$1 = 42")
    p.expect(PROMPT)
    p.sendline("quit")
    p.expect(r"SHELL\$ ")
    p.close(force=True)


def keys():
    """`set ctrl-c guest` makes Ctrl-C a key; Ctrl-] stops always.  Keys behind it are the console's."""
    p = pexpect.spawn(VITRINE, ["-e", "set ctrl-c guest", LANTERN], timeout=20, encoding="utf-8")
    p.expect(r"lantern\$ ")
    p.send("echo not\x03echo this\r")  # lantern's shell drops the line
    p.expect(r"not\^C\r")
    p.send("\x1dshow ctrl-c\r")
    p.expect("ctrl-c is guest")
    p.expect(PROMPT)
    p.sendline("set ctrl-c stop")
    p.expect(PROMPT)
    p.sendline("continue")
    time.sleep(0.3)
    p.send("\x03")
    p.expect("stopped by the user")
    p.expect(PROMPT)
    p.send("commands 99\r")
    p.expect("no breakpoint")
    p.expect(PROMPT)
    p.send("break idle\rcommands\rprint 1")
    p.expect(">print 1")
    p.send("\x03")  # gives up the list, too
    p.expect(PROMPT)
    p.sendline("print 2*3")
    p.expect(r"= 6\r")
    p.send("\x04")
    p.expect(pexpect.EOF)


def resized():
    """The prompt follows the terminal's size."""
    p = pexpect.spawn(VITRINE, ["-S", LANTERN], timeout=20, encoding="utf-8", dimensions=(24, 100))
    p.expect(PROMPT)
    p.setwinsize(24, 40)
    time.sleep(0.3)
    p.send("print 111111111111 + 222222222222 + 0")
    p.send("\r")
    p.expect(r"= 333333333333\r")
    p.expect(PROMPT)
    p.setwinsize(10, 40)
    p.sendline("info")
    p.expect("-- more")
    shown = p.before.count("\n")
    assert shown <= 11, p.before
    p.send("\x03")
    p.expect(PROMPT)
    p.sendline("set height off")
    p.expect(PROMPT)
    p.sendline("info")
    p.expect(PROMPT)
    assert "more" not in p.before
    p.sendline("set height 5")
    p.expect(PROMPT)
    p.sendline("info")
    p.expect("-- more")
    p.send(" ")
    p.expect("-- more")
    p.send("c")  # all the rest
    p.expect(r"info source .*\r\n.*" + PROMPT)
    p.close(force=True)


def colors():
    """Colors at a terminal; none with NO_COLOR, at a dumb terminal, or in a pipe."""
    for name, env, colored in (("plain", {"TERM": "xterm"}, True), ("NO_COLOR", {"TERM": "xterm", "NO_COLOR": "1"}, False),
                               ("dumb", {"TERM": "dumb"}, False)):
        env = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **env}
        p = pexpect.spawn(VITRINE, ["-S", LANTERN], timeout=20, encoding="utf-8", env=env)
        p.expect(PROMPT)
        p.sendline("x/i $pc")
        p.expect(PROMPT)
        assert ("\x1b[36m0x" in p.before) == colored, (name, p.before)
        p.sendline("nonsense")
        p.expect("no command.*\r\n")
        assert ("\x1b[31m" in p.before) == colored, (name, p.before)
        p.close(force=True)
    r = subprocess.run([VITRINE, "-S", LANTERN], input="\n".join(("x/i $pc", "set color on", "x/i $pc", "")), capture_output=True, text=True,
                       timeout=20, check=True)
    plain, colored = r.stdout.splitlines()
    assert "\x1b" not in plain and colored.startswith("\x1b[1;32m=>\x1b[m \x1b[36m0x"), r.stdout


for test in (ends, gone, painted, suspended, keys, resized, colors):
    test()
    print(test.__name__, "ok", flush=True)
