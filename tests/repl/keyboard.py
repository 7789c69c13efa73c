#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys sent to the guest's keyboard arrive as the characters typed, with Shift and Ctrl; lantern's shell obeys them."""
import os
import subprocess

B = os.environ.get("B", "build")
script = r"""
tbreak sys_read
run
send keys echo It's {A}_B "Shift"\nnonsense\x15debugexit 21\n
continue
info registers eip
"""
done = subprocess.run([os.environ.get("VITRINE", B + "/vitrine"), "-engine", "bt", "-clock", "virtual",
                       B + "/lantern.elf"], input=script, text=True, capture_output=True, timeout=50)
print(done.stdout, done.stderr)
assert done.stdout.count('It\'s {A}_B "Shift"') >= 2, "not typed and echoed"
assert "debug-exit port" in done.stdout, "Ctrl-U and a line were not obeyed"
