# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel that has moved itself (KASLR), and a gdb that has its vmlinux: the stub tells how far, by what the kernel says of
itself; not to one that loads the names that we offer, which are where they are. With what `scripts/linux.sh debug` fetches,
gdb itself shows source lines."""
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, "tests/gdb")
from rsp import Client  # noqa: E402

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LINKED = 0xc1000000
VMLINUX = "build/linux/debug/vmlinux"

with tempfile.TemporaryDirectory() as place:
    saved = place + "/saved"
    subprocess.run([VITRINE, "-clock", "virtual", "-m", "256M", "-kernel", "build/linux/vmlinuz-686", "-initrd", "build/linux/initrd.gz",
                    "-append", "console=ttyS0", "-serial", "null", "-e", "tbreak -icount 4500000000", "-e", "run", "-e", f"save {saved}",
                    "-e", "quit"], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=100, check=True)
    with subprocess.Popen([VITRINE, "-loadvm", saved, "-serial", "null", "-gdb", f"unix:{place}/gdb", "-batch", "-S"],
                          stdin=subprocess.DEVNULL) as machine:
        try:
            while not os.path.exists(place + "/gdb"):
                time.sleep(0.05)
            c = Client(place + "/gdb")
            c.no_acks()
            offsets = c.ask("qOffsets")
            text = int(c.monitor("print/x (int)_text").split("= ")[1], 0)
            by = int(re.fullmatch(r"Text=(\w+);Data=\1;Bss=\1", offsets).group(1), 16)
            assert text == LINKED + by and by, (offsets, hex(text))
            assert c.ask("qXfer:exec-file:read::0,100") == "l/vitrine/kernel"
            fd = c.ask("vFile:open:" + b"/vitrine/kernel".hex() + ",0,0")[1:]
            assert c.ask(f"vFile:pread:{fd},400,0").startswith("F400;") and c.ask("qOffsets") == offsets
            at = 0
            while not c.ask(f"vFile:pread:{fd},ff00,{at:x}").startswith("F0;"):
                at += 0xff00
            assert c.ask("qOffsets") == ""
            c.close()
            # Call frames are read off the functions' code, before, in and behind their frames.
            said = subprocess.run(["gdb", "-nx", "-batch", "-ex", f"target remote {place}/gdb", "-ex", "backtrace", "-ex", "break schedule", "-ex",
                                   "continue", "-ex", "backtrace", "-ex", "stepi 2", "-ex", "backtrace"], capture_output=True,
                                  text=True, timeout=60, check=False).stdout
            chain = r"#0 [^\n]*in schedule \(\)\n#1 [^\n]* in \w+ \(\)\n(#\d+ [^\n]*in \w+ \(\)\n)*#\d+ [^\n]*in kthread \(\)\n#\d+ [^\n]*in ret_from_fork \(\)\n"
            assert len(re.findall(chain, said)) == 2, said
            if os.path.exists(VMLINUX):
                said = subprocess.run(["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load no", "-ex",
                                       f"target remote {place}/gdb", "-ex", "printf \"%s\", linux_banner", "-ex", "info line schedule",
                                       VMLINUX], capture_output=True, text=True, timeout=60, check=False).stdout
                assert "Linux version 6." in said and re.search(r'Line \d+ of "kernel/sched/core.c"', said), said
        finally:
            machine.terminate()

    # A gdb that was there before the kernel: its names are a library, from when the kernel has them.
    with subprocess.Popen([VITRINE, "-clock", "virtual", "-m", "256M", "-kernel", "build/linux/vmlinuz-686", "-serial", "null", "-gdb",
                           f"unix:{place}/early", "-batch", "-S"], stdin=subprocess.DEVNULL) as machine:
        try:
            while not os.path.exists(place + "/early"):
                time.sleep(0.05)
            words = ["gdb", "-nx", "-batch", "-ex", f"target remote {place}/early"]
            for command in ("info sharedlibrary", "monitor tbreak -icount 4500000000", "continue", "sharedlibrary", "info sharedlibrary",
                            "info symbol $pc", "break schedule", "continue", "backtrace -1", "kill"):
                words += ["-ex", command]
            said = subprocess.run(words, capture_output=True, text=True, timeout=100, check=False).stdout
            assert re.search(r"Yes .*target:/vitrine/kernel\n.* in section .text of target:/vitrine/kernel\n", said), said
            assert "Breakpoint 1, 0x" in said and "in schedule ()" in said, said
        finally:
            machine.terminate()
