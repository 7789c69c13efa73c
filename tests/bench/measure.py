# SPDX-License-Identifier: GPL-3.0-or-later
"""The same programs natively, under Vitrine and under QEMU: what is fetched and made for them, and how long each takes.

The same files are run by the same shell script in a chroot on this host and in an initramfs under Debian's i386 kernel. A
time is the processor time of the program and all it started, or of the whole monitor, between the marker lines that the
guest prints, so that neither a guest's clock is believed nor other programs of the host count."""
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time

OUT = "build/bench"
ROOT = OUT + "/run/root"
PACKAGES = """libc6 libgcc-s1 zlib1g gzip bzip2 libbz2-1.0 xz-utils liblzma5 perl-base libcrypt1 gawk libmpfr6 libgmp10
    libsigsegv2 libreadline8 libtinfo6 mawk bc sqlite3 libsqlite3-0 tcc dash coreutils libacl1 libattr1 libselinux1
    libpcre2-8-0 python3.11-minimal libpython3.11-minimal libexpat1 lua5.4 liblua5.4-0 busybox-static""".split()
STRESS = """stress-ng libapparmor1 libbsd0 libmd0 libegl1 libglvnd0 libgles2 libgbm1 libdrm2 libwayland-server0 libffi8
    libjpeg62-turbo libjudydebian1 libkmod2 libzstd1 libssl3 libsctp1 libxxhash0 libxcb-randr0 libxcb1 libxau6 libxdmcp6""".split()
LEAVE_OUT = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian",
             "usr/lib/i386-linux-gnu/gconv", "usr/lib/i386-linux-gnu/perl-base/unicore", "usr/share/bash-completion",
             "usr/share/gawk", "var", "etc")
PATIENCE = 240  # seconds of silence that no workload needs, anywhere


def make_text(path):
    """Two megabytes that look like text: words by Zipf's law."""
    rand = random.Random(1)
    words = ["".join(rand.choice("etaoinshrdlucmfwyp") for _ in range(rand.randint(2, 10))) for _ in range(4000)]
    with open(path, "w", encoding="ascii") as f:
        size = 0
        while size < 2 << 20:
            line = " ".join(words[min(3999, int(rand.paretovariate(0.6)))] for _ in range(rand.randint(3, 14)))
            f.write(line + "\n")
            size += len(line) + 1


def make_source(path):
    """A C file that needs no header, for the compiler to compile."""
    with open(path, "w", encoding="ascii") as f:
        for i in range(4000):
            f.write(f"struct s{i} {{ int a, b[{i % 7 + 1}]; }};\n"
                    f"int f{i}(struct s{i} *p, int n)\n{{\n\tint i, s = {i};\n"
                    f"\tfor (i = 0; i < n; i++)\n\t\ts += p->b[i % {i % 7 + 1}] * (s ^ {i * 37}) - (p->a << {i % 9});\n"
                    f"\treturn s > {i} ? f{i // 2}((void *)p, n - 1) : s;\n}}\n" if i else
                    "int f0(void *p, int n)\n{\n\treturn n;\n}\n")


def run(command, **more):
    subprocess.run(command, check=True, **more)


def prepare(stress):
    run(["scripts/debian.sh", OUT, "i386"] + PACKAGES + (STRESS if stress else []))
    run(["scripts/linux.sh", "fetch"])
    shutil.rmtree(OUT + "/run", ignore_errors=True)
    os.makedirs(ROOT)
    run(["cp", "-a", OUT + "/root/.", ROOT])
    for path in LEAVE_OUT:
        shutil.rmtree(f"{ROOT}/{path}", ignore_errors=True)
    for path in ("proc", "sys", "dev", "tmp", "bench"):
        os.makedirs(f"{ROOT}/{path}", exist_ok=True)
    shutil.copy("tests/bench/init", ROOT + "/init")
    shutil.copy("tests/bench/workloads", ROOT + "/bench/workloads")
    os.chmod(ROOT + "/init", 0o755)
    make_text(ROOT + "/bench/text")
    make_source(ROOT + "/bench/big.c")
    run(["gcc", "-m32", "-O2", "-static", "-o", ROOT + "/bench/micro", "tests/bench/micro.c", "-lm"])
    with open(ROOT + "/dev/null", "w", encoding="ascii"):
        pass  # for the chroot; a guest has its own
    names = subprocess.run("find . | LC_ALL=C sort", shell=True, cwd=ROOT, capture_output=True, check=True).stdout
    with open(OUT + "/run/initrd", "wb") as f:
        run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=ROOT, input=names, stdout=f)


def guest(flavour, words, memory="512M"):
    """The options that QEMU and Vitrine share; the guest runs these words of the table, RUNS first."""
    return ["-kernel", f"build/linux/vmlinuz-{flavour}", "-initrd", OUT + "/run/initrd", "-m", memory,
            "-append", f"console=ttyS0 quiet mitigations=off vitrine.bench={','.join(words)}"]


def one_cpu():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def sums(text):
    """{name: (digest of what it printed, its beginning)}"""
    found = {}
    for line in text.splitlines():
        word = line.split()
        if len(word) >= 3 and word[0] == "@sum":
            found[word[1]] = (word[2], " ".join(word[3:]))
    return found


def measure_native(names):
    """In memory, like the guest's initramfs, and on one CPU, as a guest has. What the script needs besides is taken away."""
    home = "/dev/shm" if os.access("/dev/shm", os.W_OK) else OUT
    found = {}
    with tempfile.TemporaryDirectory(dir=home) as root:
        run(["cp", "-a", ROOT + "/.", root])
        chroot = ["env", "-i"] + ([] if os.geteuid() == 0 else ["unshare", "-r"]) + ["/usr/sbin/chroot", root, "/init", "1"]
        empty = min(native_run(chroot + ["empty"])[0] for _ in range(5))
        for name in names:
            seconds, said = native_run(chroot + [name])
            if name in said:
                found[name] = (max(seconds - empty, 1e-6), *said[name])
            sys.stderr.write(".")
            sys.stderr.flush()
    sys.stderr.write("\n")
    return found


def native_run(command):
    with tempfile.TemporaryFile() as out:
        pid = os.fork()
        if not pid:
            one_cpu()
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
            os.execvp(command[0], command)
        _, _, used = os.wait4(pid, 0)
        out.seek(0)
        return used.ru_utime + used.ru_stime, sums(out.read().decode("latin-1"))


def lines(proc, patience):
    """The lines that the process prints, until it is silent for longer than `patience` seconds."""
    rest = b""
    while select.select([proc.stdout], [], [], patience)[0]:
        more = os.read(proc.stdout.fileno(), 65536)
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        for line in whole:
            yield line.decode("latin-1").strip()


def processor_clock(pid):
    return ~pid << 3 | 2  # as clock_getcpuclockid(3) makes it


def measure_guest(command, watch=None):
    """{name: (seconds, digest, beginning)}, the boot among them. watch(pid) is called at each line."""
    found, begun, log = {}, {}, []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as proc:
        clock = processor_clock(proc.pid)
        for line in lines(proc, PATIENCE):
            log.append(line)
            word = line.split()
            mark = word[0] if word else ""
            if mark in ("@ready", "@begin", "@end"):
                now = time.clock_gettime(clock)
            if watch:
                watch(proc.pid)
            if mark == "@ready":
                found["boot"] = (now, "", "")
            elif mark == "@begin":
                begun[word[1]] = now
            elif mark == "@end" and word[1] in begun:
                begun[word[1]] = now - begun[word[1]]
            elif mark == "@sum" and len(word) >= 3:
                found[word[1]] = (begun[word[1]], word[2], " ".join(word[3:]))
                sys.stderr.write(".")
                sys.stderr.flush()
            elif mark == "@done":
                break
        else:
            sys.stderr.write("\nended, or silent, after:\n" + "\n".join(log[-5:]))
        try:
            proc.wait(20 if "@done" in log else 0.1)
        except subprocess.TimeoutExpired:
            proc.kill()
    sys.stderr.write("\n")
    return found
