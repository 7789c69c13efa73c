# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal that comes just before the guest runs, or before the program sleeps, is not lost."""
import os
import signal
import subprocess
import sys
import tempfile
import time

B = os.path.abspath(os.environ.get("B", "build"))
VITRINE = os.path.abspath(os.environ.get("VITRINE", B + "/vitrine"))
LANTERN = B + "/lantern.elf"


def before_it_runs():
    """In one command: the guest is made anew, which forgets what it was asked before."""
    for name in ("TERM", "HUP"):
        script = f"define both\nshell kill -{name} $PPID\nrun\nend\nboth\nquit\n"
        r = subprocess.run([VITRINE, "-serial", "null", LANTERN], input=script, capture_output=True, text=True, timeout=20, check=False)
        assert r.returncode == 128 + getattr(signal, "SIG" + name), r
        assert f"ended by SIG{name}" in r.stderr, r


def before_it_sleeps(times):
    """Waiting for a debugger without end; at any moment."""
    with tempfile.TemporaryDirectory() as place:
        for n in range(times):
            path = f"{place}/{n}"
            p = subprocess.Popen([VITRINE, "-batch", "-S", "-serial", "null", "-gdb", "unix:" + path, LANTERN], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            while not os.path.exists(path):
                time.sleep(0.0005)
            time.sleep(n * 0.0005)
            p.terminate()
            assert p.wait(10) in (128 + signal.SIGTERM, -signal.SIGTERM), p.returncode
            p.stderr.close()


def main():
    before_it_runs()
    before_it_sleeps(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
    print("none is lost")


if __name__ == "__main__":
    main()
