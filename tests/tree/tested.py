# SPDX-License-Identifier: GPL-3.0-or-later
"""Every console command, topic, setting and command-line option of the tables is typed in some test."""
import glob
import re
import sys

TABLES = (("repl/commands.def", "COMMAND", r"(?:^|[\"'>\s(;])%s(?=$|[\s\"'/\\])"),
          ("repl/infos.def", "INFO", r"\b(?:info|i) +%s\b"),
          ("repl/explains.def", "EXPLAIN", r"\bexpl?[a-z]* +%s\b"),
          ("repl/settings.def", "SETTING", r"\bset +%s\b"),
          ("core/options.def", "OPTION", r"(?:^|[\"'\s])--?%s(?=$|[\s\"'=])"))

text = ""
for pattern in ("repl/*.in", "repl/*.py", "*/*.sh", "*/*.py", "repl/session", "gdb/*.gdb", "gdb/session", "*/list"):
    for name in glob.glob("tests/" + pattern):
        with open(name, encoding="utf-8") as f:
            text += f.read() + "\n"
missing = []
for table, macro, form in TABLES:
    with open(table, encoding="utf-8") as f:
        rows = re.findall(rf'^{macro}\("([^"]+)"', f.read(), re.MULTILINE)
    assert rows, table
    missing += [f"{table}: {name}" for name in rows if not re.search(form % re.escape(name), text, re.MULTILINE)]
print("\n".join(missing + [f"{len(missing)} are in no test"]))
sys.exit(bool(missing))
