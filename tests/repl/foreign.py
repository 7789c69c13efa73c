# SPDX-License-Identifier: GPL-3.0-or-later
"""What users of other debuggers type is answered with the name it has here, and what it is answered with is there."""
import os
import re
import subprocess

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")

with open("repl/foreign.def", encoding="utf-8") as f:
    rows = re.findall(r'^FOREIGN\("([^"]+)", "([^"]+)", "([^"]+)"\)', f.read(), re.MULTILINE)
assert len(rows) > 60


def session(lines):
    r = subprocess.run([VITRINE, "-S", "-serial", "null", LANTERN], input="\n".join(lines) + "\n", capture_output=True, text=True,
                       timeout=30, check=True)
    return r.stdout, r.stderr.splitlines()


_, errors = session([word for word, _, _ in rows])
assert errors == [f"`{word}' is {whose}'s; here: {here}" for word, whose, here in rows], errors
named = sorted({re.match(r"(?:info )?[a-z-]+", here)[0] for _, _, here in rows if not here.startswith(("nothing", "the command"))})
_, errors = session(["help " + name for name in named])
assert not errors, errors
