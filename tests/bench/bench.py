#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the same Debian i386 programs natively, under Vitrine and under QEMU's TCG, and prints ratios.

The same files are run by the same shell script in a chroot on this host and in an initramfs under Debian's i386
kernel. Times are taken from outside, between marker lines, so that no guest's clock is believed. Each workload's
output must be the same everywhere. Ratios are to native (1.00), the best of the runs; absolute times of this
machine are kept in build/bench/result.json only.
"""
import argparse
import json
import math
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = "build/bench"
ROOT = OUT + "/run/root"
PACKAGES = """libc6 libgcc-s1 zlib1g gzip bzip2 libbz2-1.0 xz-utils liblzma5 perl-base libcrypt1 gawk libmpfr6 libgmp10
    libsigsegv2 libreadline8 libtinfo6 mawk bc sqlite3 libsqlite3-0 tcc dash coreutils libacl1 libattr1 libselinux1
    libpcre2-8-0 python3.11-minimal libpython3.11-minimal libexpat1 lua5.4 liblua5.4-0 busybox-static""".split()
LEAVE_OUT = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian",
             "usr/lib/i386-linux-gnu/gconv", "usr/lib/i386-linux-gnu/perl-base/unicore", "usr/share/bash-completion",
             "usr/share/gawk", "var", "etc")
PATIENCE = 60  # seconds that no workload needs, anywhere
QEMU = "qemu-system-i386 -accel tcg -display none -monitor none -serial stdio -no-reboot"


def workloads():
    rows = []
    with open("tests/bench/workloads", encoding="utf-8") as f:
        for line in f:
            part = line.split(None, 2)
            if part and not line.startswith("#"):
                rows.append((part[0], part[1]))
    return rows


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


def prepare():
    run(["scripts/debian.sh", OUT, "i386"] + PACKAGES)
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


def one_cpu():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def measure_native(words):
    """In memory, like the guest's initramfs, and on one CPU, as a guest has."""
    home = "/dev/shm" if os.access("/dev/shm", os.W_OK) else OUT
    with tempfile.TemporaryDirectory(dir=home) as root:
        run(["cp", "-a", ROOT + "/.", root])
        return measure(["env", "-i"] + ([] if os.geteuid() == 0 else ["unshare", "-r"]) +
                       ["/usr/sbin/chroot", root, "/init"] + words.split(","), one_cpu)


def lines(proc, patience):
    """The lines that the process prints, until it is silent for longer than `patience` seconds."""
    rest = b""
    while select.select([proc.stdout], [], [], patience)[0]:
        more = os.read(proc.stdout.fileno(), 65536)
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        now = time.monotonic()
        for line in whole:
            yield now, line.decode("latin-1").strip()


def measure(command, before=None):
    """Runs the command and returns {name: [(seconds, digest of the output, its beginning)]}."""
    found, begun, log = {}, {}, []
    start = time.monotonic()
    proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            preexec_fn=before)
    for now, line in lines(proc, PATIENCE):
        log.append(line)
        word = line.split()
        if line == "@ready":
            found["boot"] = [(now - start, "", "")]
        elif len(word) >= 2 and word[0] == "@begin":
            begun[word[1]] = now
        elif len(word) >= 3 and word[0] == "@end" and word[1] in begun:
            found.setdefault(word[1], []).append((now - begun[word[1]], word[2], " ".join(word[3:])))
            sys.stderr.write(".")
            sys.stderr.flush()
        if line == "@done":
            break
    else:
        sys.stderr.write("\nended, or silent, after:\n" + "\n".join(log[-5:]))
    try:
        proc.wait(20 if "@done" in log else 0.1)
    except subprocess.TimeoutExpired:
        proc.kill()
    sys.stderr.write("\n")
    return found


def show(rows, results, engines):
    columns = [e for e in engines if e != "native"]
    ratio_column = "bt" in columns and "tcg" in columns
    print(f"{'workload':<10} {'native':>8}" + "".join(f"{c.upper():>9}" for c in columns) +
          ("   TCG/BT" if ratio_column else ""))
    means, wrong = {}, []
    for group in ("user", "system"):
        for name, kind in rows:
            if kind != group or not results["native"].get(name):
                continue
            native = min(t for t, *_ in results["native"][name])
            digest = results["native"][name][0][1]
            line, ratios = f"{name:<10} {1:8.2f}", {}
            for column in columns:
                got = results[column].get(name)
                if not got:
                    line += f"{'-':>9}"
                elif any(d != digest for _, d, _ in got):
                    line += f"{'WRONG':>9}"
                    wrong.append(f"{name} under {column}: {got[0][2]!r}, natively {results['native'][name][0][2]!r}")
                else:
                    ratios[column] = min(t for t, *_ in got) / native
                    line += f"{ratios[column]:9.2f}"
                    means.setdefault((group, column), []).append(ratios[column])
            if ratio_column:
                both = "bt" in ratios and "tcg" in ratios
                line += f"{ratios['tcg'] / ratios['bt']:9.2f}" if both else f"{'-':>9}"
            print(line)
        line, mean = f"= {group:<8} {1:8.2f}", {}
        for column in columns:
            values = means.get((group, column))
            mean[column] = math.exp(sum(map(math.log, values)) / len(values)) if values else None
            line += f"{mean[column]:9.2f}" if values else f"{'-':>9}"
        if ratio_column and mean["bt"] and mean["tcg"]:
            line += f"{mean['tcg'] / mean['bt']:9.2f}"
        print(line + "   (geometric mean)")
    if ratio_column and results["bt"].get("boot") and results["tcg"].get("boot"):
        bt, tcg = (results[e]["boot"][0][0] for e in ("bt", "tcg"))
        print(f"{'boot':<10} {'-':>8}{'1.00':>9}{tcg / bt:9.2f}{tcg / bt:9.2f}   (of Debian's kernel to its first program, to BT)")
    return wrong


def main():
    os.chdir(TOP)
    rows = workloads()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="*", help="only the workloads named so (" + " ".join(n for n, _ in rows) + ")")
    parser.add_argument("--engines", default="native,bt,tcg", help="which of native,bt,tcg (all)")
    parser.add_argument("--runs", type=int, default=2, help="how often each workload runs; the best counts (2)")
    parser.add_argument("--flavour", default="686", help="Debian's kernel: 686 or 686-pae (686)")
    parser.add_argument("--bt", default="build/vitrine -batch -engine bt", help="the command called BT")
    parser.add_argument("--tcg", default=QEMU, help="the command called TCG")
    args = parser.parse_args()
    names = [n for n, _ in rows if not args.word or n in args.word]
    if not names:
        parser.error("no such workload; there are " + " ".join(n for n, _ in rows))
    engines = args.engines.split(",")
    prepare()

    words = f"{args.runs},{','.join(names)}"
    boot = ["-kernel", f"build/linux/vmlinuz-{args.flavour}", "-initrd", OUT + "/run/initrd", "-m", "512M",
            "-append", f"console=ttyS0 quiet mitigations=off vitrine.bench={words}"]
    results = {}
    for engine in engines:
        sys.stderr.write(engine)
        if engine == "native":
            results[engine] = measure_native(words)
        else:
            results[engine] = measure((args.bt if engine == "bt" else args.tcg).split() + boot)
    with open(OUT + "/result.json", "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1)
    wrong = show(rows, results, engines)
    if wrong:
        sys.exit("\n".join(wrong))
    if any(not results["native"].get(n) for n in names):
        sys.exit("some workloads did not run natively")


if __name__ == "__main__":
    main()
