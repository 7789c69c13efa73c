# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and commands at any moment, in any order, also Ctrl-C, Ctrl-] and Escape in the middle of others: the console still
answers afterwards, and leaves with the terminal as it was."""
import fcntl
import os
import pty
import random
import select
import subprocess
import sys
import tempfile
import termios
import time

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
SECONDS = 6
KEYS = ["\x03", "\x1d", "\r", "\t", "\t\t", "\x1b", "\x12", "\x15", "\x0c", "\x1b[A", "\x1b[A\r", "q", "s", "y", "n", " ", "c\r",
        "continue\r", "stepi\r", "until\r", "finish\r", "top\r", "tour\r", "info devices\r", "info tasks\r", "info maps\r",
        "help all\r", "bt\r", "up\r", "break sys_\t", "break sys_fork\r", "commands\r", "define a\r", "end\r", "delete\r", "print $\t",
        "info \t\t", "x/5i $pc\r", "display $eip\r", "ls\r", "spin\r", "set height 5\r", "set ctrl-c guest\r", "set ctrl-c stop\r",
        "shell true\r", "source {script}\r"]


class Session:
    def __init__(self, directory):
        self.script = os.path.join(directory, "script")
        with open(self.script, "w", encoding="utf-8") as f:
            f.write("print 1\ncontinue\nprint 2\n")
        self.master, self.slave = pty.openpty()
        self.modes = termios.tcgetattr(self.slave)
        self.seen = b""
        self.proc = subprocess.Popen([VITRINE, LANTERN], stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
                                     preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                     env={**os.environ, "TERM": "xterm", "XDG_STATE_HOME": directory})

    def listen(self, seconds):
        while select.select([self.master], [], [], seconds)[0]:
            self.seen = (self.seen + os.read(self.master, 65536))[-10000:]

    def type(self, keys, seconds):
        os.write(self.master, keys.replace("{script}", self.script).encode())
        self.listen(seconds)

    def answers(self):
        """At the prompt, whatever was going on."""
        for _ in range(10):
            for keys in ("\x1d", "q", "\x03", "end\r", "\x03"):
                self.type(keys, 0.2)
            self.type("\x15print 1234567*2\r", 0.5)
            if b"2469134" in self.seen:
                return True
        return False


def run(seed):
    random.seed(seed)
    typed = []
    with tempfile.TemporaryDirectory() as directory:
        s = Session(directory)
        end = time.time() + SECONDS
        while time.time() < end and s.proc.poll() is None:
            typed.append(random.choice(KEYS))
            s.type(typed[-1], random.choice((0, 0.01, 0.05, 0.2)))
        if s.proc.poll() is not None or not s.answers():
            sys.exit(f"seed {seed}: status {s.proc.poll()} after {typed[-12:]}\n{s.seen[-2000:].decode(errors='replace')}")
        s.type("\x15quit\r", 0.2)
        assert s.proc.wait(10) == 0
        assert termios.tcgetattr(s.slave) == s.modes


for number in range(1, 4):
    run(number)
