# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's kernels without a symbol file, moved by KASLR: their own symbols are found, those that the guest itself tells of, and
who called whom is shown from a port's write to the program that asked for it; to gdb as well.  A module's are among them."""
import glob
import gzip
import os
import re
import shutil
import subprocess
import tempfile
import time

VITRINE = os.environ.get("VITRINE", "build/vitrine")
NAMES = ("schedule", "kthread", "ret_from_fork", "start_kernel", "acpi_os_write_port", "__ia32_sys_reboot", "vfs_read", "_stext", "dummy_xmit", "dummy_setup")
COMMAND = f"insmod /dummy.ko; grep -Ew '{'|'.join(NAMES)}' /proc/kallsyms"



def with_module(flavour, place):
    """An initrd with a module in it: archives may follow one another."""
    path = os.path.join(place, "initrd")
    module = glob.glob(f"build/linux/root/lib/modules/*[0-9]-{flavour}/kernel/drivers/net/dummy.ko")[0]
    shutil.copy(module, place)
    packed = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=b"dummy.ko\n", stdout=subprocess.PIPE, cwd=place, check=True)
    with open("build/linux/initrd.gz", "rb") as plain, open(path, "wb") as out:
        out.write(plain.read() + gzip.compress(packed.stdout))
    return path


for flavour in ("686", "686-pae"):
    place = tempfile.mkdtemp()
    r = subprocess.run([VITRINE, "-clock", "virtual", "-m", "256M", "-kernel", f"build/linux/vmlinuz-{flavour}",
                        "-initrd", with_module(flavour, place), "-append", f'console=ttyS0 vitrine.run="{COMMAND}"'],
                       input="tbreak -icount 100000\nrun\nsymbol-file -linux\ntbreak -icount 4500000000\ncontinue\nbacktrace\n"
                             "continue\nbacktrace\n"
                             + "".join(f"print/x (int){name}\n" for name in NAMES) + "quit\n",
                       capture_output=True, text=True, timeout=200, check=False)
    shutil.rmtree(place)
    assert "no Linux with symbols of its own" in r.stderr, r
    assert re.search(r"^\d{5,6} symbols.*found in its memory$", r.stdout, re.MULTILINE), r
    told = dict(re.findall(r"^([0-9a-f]{8}) \w (\w+)(?:\t\[dummy\])?\r?$", r.stdout, re.MULTILINE))
    told = {name: address for address, name in told.items()}
    assert len(told) >= 8, (told, r.stdout[-1500:], r.stderr)
    assert re.search(r"^\d+ symbols, \d+ more of 1 module, found in its memory$", r.stdout, re.MULTILINE), r.stdout[-2000:]
    shown = dict(zip(NAMES, re.findall(r"^\$\d+ = 0x([0-9a-f]+)$", r.stdout, re.MULTILINE)))
    for name, address in told.items():
        assert shown[name] == address, (flavour, name, shown, told)
    last = r.stdout[r.stdout.rindex("\n#0 "):]
    place = -1
    for name in ("acpi_os_write_port", "machine_power_off", "__do_sys_reboot", "do_fast_syscall_32", "entered from user mode"):
        assert last.index(name) > place, (name, last)
        place = last.index(name)
    assert "<kthread+" in r.stdout or "<kernel_init+" in r.stdout, r.stdout

if shutil.which("gdb"):
    with tempfile.TemporaryDirectory() as d:
        sock, saved = os.path.join(d, "gdb"), os.path.join(d, "saved")
        subprocess.run([VITRINE, "-clock", "virtual", "-m", "256M", "-kernel", "build/linux/vmlinuz-686", "-serial", "null",
                        "-e", "tbreak -icount 4500000000", "-e", "run", "-e", f"save {saved}", "-e", "quit"],
                       stdout=subprocess.DEVNULL, timeout=100, check=True)
        # At the console they are known before anything has run.
        r = subprocess.run([VITRINE, "-loadvm", saved, "-serial", "null"], input="break do_exit\n", text=True, capture_output=True,
                           timeout=60, check=True)
        assert "Breakpoint 1 at" in r.stdout, r
        with subprocess.Popen([VITRINE, "-loadvm", saved, "-serial", "null", "-gdb", "unix:" + sock, "-batch", "-S"]) as guest:
            while not os.path.exists(sock):
                time.sleep(0.05)
            text = subprocess.run(["gdb", "-nx", "-batch", "-ex", f"target remote {sock}", "-ex", "info symbol schedule",
                                   "-ex", "break do_exit", "-ex", "kill"], capture_output=True, text=True, timeout=60,
                                  check=False)
            guest.wait(20)
        assert "schedule in section" in text.stdout and "Breakpoint 1 at" in text.stdout, text
