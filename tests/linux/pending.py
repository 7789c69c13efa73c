# SPDX-License-Identifier: GPL-3.0-or-later
"""Breakpoints at names that only the guest can tell: set before it runs, they stop at its first instruction there, in each run,
also of another kernel and of a saved machine; and looking for the names changes nothing."""
import os
import re
import subprocess
import sys
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")


def session(kernel, *commands):
    r = subprocess.run([VITRINE, "-clock", "virtual", "-serial", "null", "-m", "256M", "-kernel", kernel, "-initrd",
                        "build/linux/initrd.gz", "-append", "console=ttyS0"], input="\n".join((*commands, "quit")),
                       capture_output=True, text=True, timeout=100, check=False)
    assert r.returncode == 0, r
    return r.stdout + r.stderr


def has(text, *patterns):
    place = 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(text, place)
        assert found, (pattern, text[place:][:3000])
        place = found.end()


STOPS = (r"^Breakpoint 1, 0xc\w+ <start_kernel\+0>$", r"^Breakpoint 3, 0xc\w+ <kernel_init\+0>$")
WAITS = r" keep y   <PENDING>  start_kernel$"

with tempfile.TemporaryDirectory() as d:
    saved = os.path.join(d, "machine")
    text = session(sys.argv[1], "break start_kernel", "tbreak no_such_function if $eax == no_such_name", "break kernel_init+0",
                   "info breakpoints", "run", "print $icount", "info breakpoints", f"save {saved}", "continue", "run", "print $icount", "continue",
                   "reset", "info breakpoints", f"load {saved}", "continue", "delete", "info breakpoints",
                   # Known once the guest has told them: a name that is not among them is a mistake.
                   "break no_such_function", "tbreak kernel_init", "run", "info breakpoints")
    has(text, r"^Breakpoint 1 \(start_kernel\) pending: ", r"^Temporary breakpoint 2 \(no_such_function\) pending: ",
        r"^Breakpoint 3 \(kernel_init\+0\) pending: ", "^1 .*" + WAITS, r"^2 .* del  y   <PENDING>  no_such_function$", "^3 .*<PENDING>  kernel_init.0$",
        r"^\d+ symbols.*, found in its memory$", STOPS[0], r"^\$1 = \d+$", r"^1 .* keep y   0xc\w+ <start_kernel\+0>$", "^2 .*<PENDING>",
        STOPS[1], STOPS[0], r"^\$2 = \d+$", STOPS[1], WAITS, STOPS[1], r"^No breakpoints", r"^Temporary breakpoint 4 at 0xc\w+ <kernel_init\+0>$",
        r"^Temporary breakpoint 4, 0xc\w+ <kernel_init\+0>$")
    assert "no symbol `no_such_function'" in text, text
    assert re.search(r"^\$1 = (\d+)$", text, re.MULTILINE)[1] == re.search(r"^\$2 = (\d+)$", text, re.MULTILINE)[1], text

# The guest does the same as when nobody looks for names.
seen = [session(sys.argv[1], *waits, "tbreak -icount 2800000000", "continue", "info registers").split("done, ")[1]
        for waits in ((), ("break no_such_function",))]
assert seen[0] == seen[1], seen
