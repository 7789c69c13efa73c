#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The course in docs/tracing.md: its commands, as they stand there, give the calls that it shows and explains."""
import collections
import importlib.util
import os
import re
import subprocess
import sys
import tempfile

import traces


def commands(text):
    """fork.cmd, as `cat' shows it."""
    return re.search(r"^\$ cat fork\.cmd\n(.*?)^\$", text, re.M | re.S)[1]


def table(text, title):
    """Name -> count, of a table that begins with the title: its first column and the one called count."""
    rows = text.split("\n" + title, 1)[1].split("\n")[1:]
    where = rows[0].split().index("count")
    found = {}
    for row in rows[1:]:
        cells = row.split()
        if not cells or not row.startswith("  ") or cells[0] == "...":
            break
        found[" ".join(cells[:where])] = int(cells[where])
    return found


def main():
    with open("docs/tracing.md") as f:
        text = f.read()
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/fork.cmd", "w") as f:
            f.write(commands(text).replace("--output fork", f"--output {d}/fork"))
        # A kernel is told its name, and counts differ with its length.
        os.symlink(os.path.abspath(os.path.dirname(traces.LANTERN)), d + "/build")
        said = subprocess.run([os.path.abspath(traces.VITRINE), "-S", "-x", d + "/fork.cmd", "build/lantern.elf", "-append", "run=forktest"],
                              capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=60,
                              check=False, cwd=d).stdout
        assert re.search(r"^98 events in ", said, re.M) and "98 events in" in text, said[-500:]
        shown = "\n" + subprocess.run(["scripts/vmi-freq", "--only", "calls,callers", d + "/fork"], capture_output=True, text=True,
                                      check=True).stdout
        assert table(text, "21 VMI calls") == table(shown, "21 VMI calls"), shown
        callers = table(text, "who makes them")
        assert callers.items() <= table(shown, "who makes them").items() and len(callers) == 6, shown
        why = collections.Counter()  # the table that explains has all calls
        for calls in re.findall(r"^\| (.*?) \| .*? \| .*? \|$", text.split("**Why.**")[1].split("**At")[0], re.M):
            times = int(m[1]) if (m := re.match(r"(\d+) times", calls)) else None
            for count, name in re.findall(r"(\d+)? ?`(\w+)`", calls):
                why[name] += times or int(count or 0)
        assert why == table(shown, "21 VMI calls"), why
        at = int(re.search(r"UpdatePxE: \.\.\. icount = (\d+)", text)[1])
        assert at in {e.fields["icount"] for e in traces.read(d + "/fork") if e.name == "vmi:UpdatePxE"} and \
            f"tbreak -icount {at}" in text
    for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text):
        assert os.path.exists("docs/" + picture), picture


if importlib.util.find_spec("bt2") is None:
    print("python3-bt2 is not there")
    sys.exit(77)
traces.alone()
main()
