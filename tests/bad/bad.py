# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests here share: run the program in an empty directory and expect one line, a status, and nothing left.

`refused` is the whole test of one case; the files here are lists of them."""
import os
import subprocess
import tempfile

HERE = os.getcwd()
VITRINE = os.path.abspath(os.environ.get("VITRINE", "build/vitrine"))
B = os.path.abspath(os.environ.get("B", "build"))
STAGE = B + "/guest/stage.elf"  # prints "ho!" and ends with status 7
LANTERN = os.path.abspath(os.environ.get("LANTERN", "build/lantern.elf"))

USAGE, GUEST, HOST = 2, 3, 4


def sockets():
    """Unix sockets bound to a path, by path."""
    with open("/proc/net/unix", encoding="utf-8") as f:
        return {words[7] for words in (line.split() for line in f) if len(words) > 7 and words[7].startswith("/")}


class Place:
    """An empty directory to run in; files put there by a case are its own."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = self.directory.name
        self.failures = []
        self.cases = 0

    def file(self, name, content):
        path = os.path.join(self.path, name)
        with open(path, "wb") as f:
            f.write(content)
        return path

    def run(self, *words, **more):
        return subprocess.run([VITRINE, *words], cwd=self.path, stdin=subprocess.DEVNULL, capture_output=True, timeout=40,
                              check=False, **more)

    def refused(self, *words, says, status=USAGE, **more):
        """One case.  `says` must be in the one line of standard error; `status` is the exit status."""
        self.cases += 1
        before, bound = sorted(os.listdir(self.path)), sockets()
        try:
            r = self.run(*words, **more)
        except subprocess.TimeoutExpired:
            self.failures.append(f"{words}: no end"[:300])
            return
        line = r.stderr.decode(errors="replace")
        left = set(os.listdir(self.path)) - set(before)
        wrong = []
        if r.returncode != status:
            wrong.append(f"status {r.returncode}, not {status}")
        if line.count("\n") != 1 or not line.startswith("vitrine: ") or says not in line:
            wrong.append(f"says {line!r}, not {says!r}")
        if r.stdout:
            wrong.append(f"prints {r.stdout[:80]!r}")
        if left or any(s.startswith(self.path) for s in sockets() - bound):
            wrong.append(f"leaves {left}")
        if wrong:
            self.failures.append(f"{words}: "[:150] + "; ".join(wrong)[:600])

    def end(self):
        for failure in self.failures:
            print(failure)
        print(f"{self.cases} cases, {len(self.failures)} failed")
        self.directory.cleanup()
        return 1 if self.failures else 0
