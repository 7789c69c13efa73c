#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""On the host's clock a guest misses no ticks of its timer because the host did something else for a while."""
import os
import signal
import subprocess
import time

B = os.environ.get("B", "build")
proc = subprocess.Popen([os.environ.get("VITRINE", B + "/vitrine"), "-batch", "-clock", "host", B + "/guest/ticks.elf"],
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
time.sleep(0.2)
for _ in range(12):
    proc.send_signal(signal.SIGSTOP)
    time.sleep(0.04)
    proc.send_signal(signal.SIGCONT)
    time.sleep(0.02)
out, err = proc.communicate(timeout=40)
ticks = int(out, 16)
print(f"{ticks} ticks in 1500 ms; {err}")
assert 1450 <= ticks <= 1550
