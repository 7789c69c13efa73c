# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the help works as it stands, on lantern; and `help` shows it with its command."""
import os
import re
import subprocess

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")

with open("repl/examples.def", encoding="utf-8") as f:
    rows = [tuple(word.replace('\\"', '"').replace("\\\\", "\\") for word in row)
            for row in re.findall(r'^EXAMPLE\("([^"]+)", "((?:[^"\\]|\\.)+)", "((?:[^"\\]|\\.)+)"\)', f.read(), re.MULTILINE)]
assert len(rows) > 40


def session(*commands):
    return subprocess.run([VITRINE, "-clock", "virtual", "-serial", "null", LANTERN, "-append", "tour"], capture_output=True,
                          text=True, input="\n".join((*commands, "quit")), timeout=60, check=False)


for command, line, text in rows:
    assert line.startswith(command), line
    r = session("break sys_fork", "run", "print 1", "print 2", line, *(("end",) if command in ("commands", "define") else ()))
    assert r.returncode == 0 and not r.stderr, (line, r)
    help_text = session("help " + command).stdout
    assert line in help_text and text in help_text, (line, help_text)
r = session("engine", "engine vmi", "engine bt", "engine qemu")
assert r.stdout.count("engine vmi: binary translation, with VMI's ROM shown to the guest\n") == 3, r
assert r.stdout.count("engine bt from the guest's next start on (`run', `reset')\n") == 1, r
assert r.stderr == "expected bt or vmi, found `qemu'\n", r
