# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's kernel and the console share a real terminal (tmux): vi and top of the guest, the prompt in between, a window
that changes its size."""
import os
import re
import subprocess
import sys
import tempfile
import time

VITRINE = os.environ.get("VITRINE", "build/vitrine")
SLOW = int(os.environ.get("SLOW") or 1)  # where the guest is made to take its time


def tmux(*words):
    return subprocess.run(["tmux", "-S", SOCKET, "-f", "/dev/null", *words], capture_output=True, text=True, check=True).stdout


def start(*words):
    """The server stays and would keep a pipe open."""
    subprocess.run(["tmux", "-S", SOCKET, "-f", "/dev/null", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)


def screen():
    return tmux("capture-pane", "-p").rstrip("\n")


def wait(pattern, seconds=15):
    """Until the screen has it; the screen."""
    end = time.time() + seconds * SLOW
    while time.time() < end:
        text = screen()
        if re.search(pattern, text, re.MULTILINE):
            return text
        time.sleep(0.05)
    print(screen())
    sys.exit(f"not seen: {pattern}")


def keys(*words):
    tmux("send-keys", *words)


def run(program, machine):
    start("new-session", "-d", "-x", "100", "-y", "24", f"NO_COLOR=1 TERM=screen {program} {machine}; sleep 100")


def boot():
    """To the shell's prompt.  Where all happens at random that must not matter it begins there, which makes minutes of
    seconds; linux/boots-686 is of the boot."""
    machine = "-kernel build/linux/vmlinuz-686 -initrd build/linux/initrd.gz -m 256M -append 'console=ttyS0 quiet'"
    if "chaos" not in os.environ.get("TRANSLATOR", ""):
        run(VITRINE, machine)
        wait(r"^vitrine#$", 60)
        return
    run(os.path.join(os.environ.get("B", "build"), "vitrine"), machine)
    wait(r"^vitrine#$", 60)
    keys("C-]")
    wait(r"^vmlinuz-686:\S+ \[[KU] vmi\]>")
    saved = os.path.join(os.environ["XDG_STATE_HOME"], "saved")
    keys(f"save {saved}", "Enter")
    wait(r"\[[KU] vmi\]>$")
    keys("quit", "Enter")
    wait(r"quit$")
    tmux("kill-server")
    run(VITRINE, f"-loadvm {saved}")
    keys("Enter")
    wait(r"^vitrine#$", 60)


def session():
    boot()
    keys("stty rows 24 cols 100; echo two > /f; echo first line >> /f; TERM=xterm vi /f", "Enter")
    wait(r"^first line\n~")
    keys("C-]")
    text = wait(r"^vmlinuz-686:\S+ \[[KU] vmi\]>")
    assert "Ctrl-L makes it paint" in text.replace("\n  ", " "), text
    assert "\n~" not in text and "vitrine# stty" in text, text  # the screen before vi, with its lines
    keys("print 6*7", "Enter")
    wait(r"^\$1 = 42\n")
    keys("continue", "Enter")
    time.sleep(0.3)
    keys("C-l")  # vi paints again
    text = wait(r"^first line\n~")
    assert "42" not in text, text
    keys("0", "r", "T")
    wait(r"^Two\nfirst line\n~")
    keys(":wq", "Enter")
    wait(r"^vitrine#$")
    keys("cat /f", "Enter")
    wait(r"^Two\nfirst line\n")
    keys("TERM=xterm top", "Enter")
    wait(r"^ +PID +PPID USER")
    time.sleep(0.5)
    keys("C-c")  # stops the guest
    text = wait(r"\nStopped: stopped by the user\.\n(.*\n)*.*\[[KU] vmi\]>")
    assert "[kthreadd]" in text, text  # below the picture
    tmux("resize-window", "-x", "60", "-y", "12")
    keys("info devices", "Enter")
    text = wait(r"^-- more")
    assert len(text.split("\n")) == 12 and all(len(line) <= 60 for line in text.split("\n")), text
    keys("q", "set ctrl-c guest", "Enter", "continue", "Enter")
    time.sleep(0.3)
    keys("C-c")  # and ends top
    time.sleep(0.3)
    keys("stty rows 12 cols 60; clear; stty size", "Enter")
    wait(r"^12 60\n")
    keys("poweroff -f", "Enter")
    wait(r"the guest powered off")
    keys("C-d")
    wait(r"\[ended\]>\s+quit")


with tempfile.TemporaryDirectory() as directory:
    SOCKET = os.path.join(directory, "tmux")
    os.environ["XDG_STATE_HOME"] = directory
    try:
        session()
    finally:
        subprocess.run(["tmux", "-S", SOCKET, "kill-server"], check=False)
