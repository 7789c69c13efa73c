# SPDX-License-Identifier: GPL-3.0-or-later
"""`info tasks`: the processes of lantern, of a kernel that is described, and of Debian's Linux, whose layout is found by
looking at the tasks themselves."""
import gzip
import os
import re
import subprocess
import sys
import tempfile

from console import LANTERN, has, run


def session(options, *commands):
    r = run(("-serial", "null", *options), *commands, timeout=200)
    return r.stdout, r.stderr.splitlines()


def lantern():
    text, errors = session((LANTERN, "-append", "tour"), "info tasks", "tbreak sys_fork", "run", "tbreak pipe_read", "continue",
                           "finish", "info tasks")
    assert len(errors) == 1 and errors[0].startswith("tasks: current="), errors  # memory was not mapped yet
    has(text, r"^ +0  ready +[0-9a-f]{8}  idle +0xc01\w+ <idle\+\d+>$",
        r"^ +1  sleeping +[0-9a-f]{8}  init +0xc01\w+ <sys_wait\+\d+>$", r"^\* +\d+  running +[0-9a-f]{8}  ")


def described():
    how = "array=processes stride=752 count=64 pid=4 name=16 length=24 state=0 states=-,A,B,C,D current=*current"
    text, errors = session((LANTERN, "-append", "tour"), "tbreak sys_fork", "run", "set tasks " + how, "info tasks", "show tasks",
                           "set tasks auto", "info tasks", "info tasks " + how, "info tasks nonsense", "info tasks array=1",
                           "info tasks list=processes link=4 pid=4", "info tasks array=nosuch", "info tasks frob=1", "set tasks")
    tables = text.split("    pid  state     CR3       name             where\n")
    assert tables[1].startswith("      0  A                   idle"), tables[1]
    has(tables[1], r"^\* +1  running", "^tasks is array=processes stride=752")
    assert tables[3] == tables[1][:tables[1].index("tasks is")], tables
    assert errors == ["tasks: expected KEY=VALUE, found `nonsense'",
                      "tasks: expected array=, stride= and count=, or list= and link=",
                      "tasks: 0xfffffffc is not mapped",
                      "tasks: array=nosuch: no symbol `nosuch'",
                      "tasks: no `frob='; there are array stride count list link pid name length state states space base "
                      "current esp top stack size skip",
                      "tasks: expected auto or a description such as array=ADDR stride=N count=N pid=N name=N"], errors


def with_threads(place):
    """An initrd with a program that has threads; archives may follow one another."""
    subprocess.run([*os.environ.get("CC", "gcc").split(), "-m32", "-static", "-pthread", "-O1", "-o", f"{place}/threads",
                    "tests/linux/threads.c"], check=True)
    packed = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=b"threads\n", stdout=subprocess.PIPE, cwd=place, check=True)
    with open("build/linux/initrd.gz", "rb") as plain, open(f"{place}/initrd", "wb") as out:
        out.write(plain.read() + gzip.compress(packed.stdout))
    return f"{place}/initrd"


def linux(flavour, initrd):
    text, errors = session(("-no-reboot", "-m", "256M", "-kernel", "build/linux/vmlinuz-" + flavour, "-initrd", initrd,
                            "-append", 'console=ttyS0 quiet vitrine.run="/threads & sleep 100 & sleep 1"'),
                           "info tasks", "tbreak -icount 4000000000", "continue", "info tasks", "catch port out 0x604", "continue",
                           "info tasks", "print $cr3")
    assert errors == ["tasks: this is neither lantern nor Linux with more than one task; `set tasks' describes others"], errors
    has(text, r"^ +0  ready +swapper/0", r"^ +1  sleeping  [0-9a-f]{8}  init +0x\w+ <do_wait\+\d+>$",
        r"^ +2  sleeping +kthreadd +0x\w+ <kthreadd\+\d+>$", r"^ +\d+  sleeping  [0-9a-f]{8}  sleep +0x\w+ <hrtimer_nanosleep\+\d+>$",
        r"^ +(\d+)  sleeping  ([0-9a-f]{8})  threads +0x\w+ <futex_\w+\+\d+>\n"
        r" +\d+  sleeping  \2  - first +0x\w+ <__ia32_sys_pause\+\d+>\n +\d+  sleeping  \2  - second +0x\w+ <__ia32_sys_pause",
        r"^ +\d+  idle +rcu_gp", r"^\* +\d+  running   [0-9a-f]{8}  \w+")
    # Before it has become init, process 1 is a swapper, too, and lies in memory before init_task.
    early = text.split("after 4000000000")[1].split("Catchpoint")[0]
    has(early, r"^ +0  ready +swapper/0 ", r"^ +1  \w+ +swapper/0 ", r"^ +2  sleeping +kthreadd ")
    assert len(re.findall(r"^.? +0  ", early, re.MULTILINE)) == 1, early
    cr3 = int(re.search(r"^\$1 = (\w+)", text, re.MULTILINE)[1], 0)
    assert int(re.search(r"^\* +\d+  running   (\w+)", text, re.MULTILINE)[1], 16) == cr3, text


if "linux" in sys.argv:
    with tempfile.TemporaryDirectory() as directory:
        packed_with = with_threads(directory)
        linux("686", packed_with)
        linux("686-pae", packed_with)
else:
    lantern()
    described()
