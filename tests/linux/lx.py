# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's kernel with Linux's own gdb scripts (`lx-dmesg`, `lx-ps`, …), from the first line of C on: symbols of a module
when it is loaded, its functions, a backtrace out of it to user mode.  Skipped unless `scripts/linux.sh debug` was run."""
import os
import re
import subprocess
import sys
import tempfile
import time

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LINUX = "build/linux"
DEBUG = LINUX + "/debug"

SESSION = """
hbreak start_kernel
continue
set breakpoint pending on
break minix_fill_super
delete 1
tbreak do_init_module
continue
lx-symbols build/linux/debug/modules
lx-version
lx-cmdline
lx-lsmod
lx-ps
lx-mounts
lx-iomem
lx-device-list-bus
lx-cpus
lx-dmesg
print $lx_task_by_pid(1).comm
print $lx_module("minix").name
print $lx_per_cpu("current_task", 0)->comm
continue
backtrace
finish
kill
"""
EXPECTED = (
    r"Breakpoint 1, start_kernel \(\)",
    r"Temporary breakpoint 3, do_init_module",
    r"loading @0x[0-9a-f]+: .*/minix\.ko",
    r"Linux version 6\.",
    r"console=ttyS0 nokaslr",
    r"0x[0-9a-f]+ minix +\d+ +1",
    r"0x[0-9a-f]+ +1 +init",
    r"rootfs / rootfs rw",
    r"00100000-0fffffff : System RAM",
    r"dev i8042:",
    r"Online CPUs   : \[0\]",
    r"\[    0\.000000\] BIOS-provided physical RAM map:",
    r'\$1 = "init"',
    r'\$2 = "minix"',
    r'\$3 = "insmod',
    r"Breakpoint 2\.?\d*, minix_fill_super",
    r"in .*do_SYSENTER_32|in .*do_int80_syscall_32",
    r"Value returned is",
)


def pack(place):
    """An initramfs with a module and a disk's image of its file system."""
    here = os.path.join(place, "initrd")
    os.makedirs(here + "/bin")
    os.makedirs(here + "/m")
    release = os.path.basename(os.path.realpath(LINUX + "/vmlinuz-686")).replace("vmlinuz-", "")
    modules = f"{LINUX}/root/lib/modules/{release}/kernel"
    for what, to in ((LINUX + "/root/bin/busybox", "/bin/"), ("tests/linux/init", "/init"), (modules + "/fs/minix/minix.ko", "/"),
                     (modules + "/drivers/block/loop.ko", "/")):
        subprocess.run(["cp", what, here + to], check=True)
    with open(place + "/initrd.gz", "wb") as out:
        subprocess.run(f"cd {here} && find . | cpio --quiet -o -H newc | gzip -1", shell=True, check=True, stdout=out)
    return place + "/initrd.gz"


RUN = "insmod /minix.ko; insmod /loop.ko; dd if=/dev/zero of=/x bs=1k count=100; losetup /dev/loop0 /x; mount -t minix /dev/loop0 /m"

if not os.path.exists(DEBUG + "/vmlinux"):
    print("scripts/linux.sh debug has not been run")
    sys.exit(77)
with tempfile.TemporaryDirectory() as place:
    words = [VITRINE, "-batch", "-S", "-m", "256M", "-serial", "null", "-gdb", f"unix:{place}/gdb", "-kernel", LINUX + "/vmlinuz-686",
             "-initrd", pack(place), "-append", f'console=ttyS0 nokaslr vitrine.run="{RUN}"']
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as machine:
        while not os.path.exists(place + "/gdb"):
            time.sleep(0.02)
        command = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", f"add-auto-load-safe-path {os.getcwd()}", "-ex",
                   "set confirm off", "-ex", "set width 0", "-ex", f"target remote {place}/gdb"]
        for line in SESSION.split("\n"):
            command += ["-ex", line] if line else []
        said = subprocess.run([*command, DEBUG + "/vmlinux"], capture_output=True, text=True, timeout=100, check=False,
                              stdin=subprocess.DEVNULL)
        machine.wait(20)
print(said.stdout, said.stderr)
for pattern in EXPECTED:
    assert re.search(pattern, said.stdout), pattern
