# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that reboots by VMI finds nothing of what it had set before, and time and counts go on."""
import os
import re
import subprocess

VITRINE = os.environ.get("VITRINE", "build/vitrine")
GUEST = os.path.join(os.environ.get("B", "build"), "guest", "vmi", "again.elf")
r = subprocess.run([VITRINE, "-engine", "vmi", "-clock", "virtual", "-m", "64M", GUEST], input="continue\ninfo vmi\n",
                   capture_output=True, text=True, timeout=50, check=False)
said = r.stdout.split("Stopped:")[0]
assert said == ("alarms from before: 0\nalarms: 1\nagain\n"
                "alarms from before: 0\nalarms: 1\nboth are armed: 00000001 00000001\ntime went on\n"
                "end of test\n"), r
assert re.search(r"^Reboot +1 ", r.stdout, re.MULTILINE) and re.search(r"^SetAlarm +7 ", r.stdout, re.MULTILINE), r
