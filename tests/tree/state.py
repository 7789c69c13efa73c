# SPDX-License-Identifier: GPL-3.0-or-later
"""Every member of a struct that is saved stands in its table of state, or below as one that is none."""
import glob
import re
import sys

NO_STATE = {
    "cpu": "fpu_live mode_changed level_changed fs_gs_changed known flushed entry_told last_exit mem bus vm",  # the translator's, and borrowed
    "seg": "memo memo_raw memo_at",  # remembered to be faster
    "timer": "fire dev order name",  # set when it is made
    "uart": "irq port", "ferr": "irq",
    "alarm": "v",
    "vmi": "vm in_line timing rows time moved moved_arg told_of open open_count in_code said",  # host time, the user's choice, records
    "vm": None, "kind": "",  # named one by one in snapshot.c
}
ALWAYS = {"bus"}

text = "".join(open(name, encoding="utf-8").read() for name in sorted(
    glob.glob("core/**/*.[ch]", recursive=True) + glob.glob("vmi/*.[ch]")))
saved = {}
for struct, member in re.findall(r"\bSTATE(?:_ARRAY)?(?:_OF)?\(struct (\w+), (\w+)", text):
    saved.setdefault(struct, set()).add(member)
text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
bad = 0
for struct, members in sorted(saved.items()):
    if NO_STATE.get(struct, "") is None:
        continue
    body = re.search(rf"^struct {struct} \{{\n(.*?)^\}}", text, re.DOTALL | re.MULTILINE)
    if not body:
        sys.exit(f"no struct {struct}")
    inner = re.sub(r"struct \{.*?\}", "struct X", body[1], flags=re.DOTALL)
    declared = set()
    for line in inner.split(";"):
        line = re.sub(r"__attribute__\(\(.*?\)\)+", "", line)
        function = re.search(r"\(\*(\w+)\)", line)
        if function:
            declared.add(function[1])
            continue
        for part in line.split(","):
            part = re.sub(r"\[[^\]]*\]", "", part).strip()
            if part:
                declared.add(re.search(r"(\w+)$", part)[1])
    missing = declared - members - ALWAYS - set(NO_STATE.get(struct, "").split())
    if missing:
        print(f"struct {struct} has members that no table of state names: {', '.join(sorted(missing))}")
        bad = 1
print(len(saved), "structs are saved")
sys.exit(bad)
