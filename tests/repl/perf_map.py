# SPDX-License-Identifier: GPL-3.0-or-later
"""-perf-map: what translated code is called, for perf; with perf itself where that may record."""
import os
import re
import shutil
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
COMMAND = [VITRINE, "-batch", "-clock", "virtual", "-perf-map", "-serial", "null", "-kernel", LANTERN, "-append", "run=bench fork 10000"]


def run(command):
    r = subprocess.run(command, timeout=50, check=False, capture_output=True, text=True)
    said = re.search(r"^vitrine: (/tmp/perf-\d+\.map) names (\d+) pieces of code$", r.stderr, re.MULTILINE)
    return r, said


def the_file():
    r, said = run(COMMAND)
    assert r.returncode == 0 and said, r
    end, names = 0, []
    with open(said[1], encoding="ascii") as f:
        for line in f:
            start, length, name = line.rstrip("\n").split(" ", 2)
            if not name.startswith("stub_"):
                assert int(start, 16) >= end, line
                end = int(start, 16) + int(length, 16)
            names.append(name)
    os.remove(said[1])
    assert len(names) > int(said[2]) > 500, said
    for pattern in (r"sys_fork", r"sys_fork\+0x[0-9a-f]+", r"user 0x0804[0-9a-f]{4} \(space 0x[0-9a-f]{8}\)", "stub_op"):
        assert any(re.fullmatch(pattern, name) for name in names), pattern


def overwritten():
    """Code memory that is used again: no two names for one place."""
    r, said = run(COMMAND + ["-translator", "code=131072"])
    assert r.returncode == 0 and not said, r
    path = re.search(r"^vitrine: (/tmp/perf-\d+\.map) names \d+ pieces of code; \d+ are not, their memory was used again$", r.stderr, re.MULTILINE)[1]
    with open(path, encoding="ascii") as f:
        blocks = sorted((int(line.split()[0], 16), int(line.split()[1], 16)) for line in f if " stub_" not in line)
    os.remove(path)
    assert all(a + n <= b for (a, n), (b, _) in zip(blocks, blocks[1:]))


def in_the_way():
    """A link that waits at that name is not followed."""
    with tempfile.TemporaryDirectory() as directory:
        victim = directory + "/victim"
        with open(victim, "w", encoding="ascii") as f:
            f.write("precious")
        script = f'ln -s {victim} /tmp/perf-$$.map; exec "$@"'
        r, said = run(["sh", "-c", script, "sh", *COMMAND])
        assert r.returncode == 0 and said and not os.path.islink(said[1]), r
        os.remove(said[1])
        with open(victim, encoding="ascii") as f:
            assert f.read() == "precious"


def with_perf():
    perf = shutil.which("perf")
    with tempfile.NamedTemporaryFile() as data:
        record = [perf or "perf", "record", "-q", "-e", "cpu-clock", "-o", data.name]
        if not perf or subprocess.run(record + ["true"], check=False, capture_output=True).returncode:
            print("perf may not record here")
            return
        r, said = run(record + COMMAND)
        assert r.returncode == 0 and said, r
        report = subprocess.run([perf, "report", "-i", data.name, "--stdio", "--sort", "sym"], check=True, capture_output=True,
                                text=True).stdout
        os.remove(said[1])
    for name in (r"space_destroy\+0x[0-9a-f]+", "stub_op", "mem_translate"):
        assert re.search(rf"^ +\d+\.\d\d% +\[\.\] {name} *$", report, re.MULTILINE), report


for test in (the_file, overwritten, in_the_way, with_perf):
    test()
    print(test.__name__, "ok", flush=True)
