#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A day in the life of a guest: Debian's kernel, in which gcc, stress-ng and a shell work at the beginning of each minute and
nothing does for the rest of it.  Every few seconds of the host the process is looked at: memory, descriptors, mappings must
not drift; build/soak/day.svg shows them over the guest's time.

  day.py [--hours 24] [--period 60] [--host MINUTES] [--attach N] [--name NAME]

--hours of guest time, or as many as --host minutes of this machine are enough for; with --attach a debugger attaches, steps
and leaves meanwhile, N times, evenly spread over the host's time.  gcc and stress-ng are Debian's, fetched for i386.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import soak

PLACE = "build/soak"
PACKAGES = """stress-ng libapparmor1 libbsd0 libmd0 libcrypt1 libc6 libegl1 libglvnd0 libgles2 libjudydebian1 libgbm1 libdrm2
libexpat1 libwayland-server0 libffi8 libjpeg62-turbo libkmod2 liblzma5 libzstd1 libssl3 libsctp1 libxxhash0 zlib1g libgcc-s1
cpp-12 gcc-12 libgcc-12-dev binutils-i686-linux-gnu libbinutils libctf0 libctf-nobfd0 libjansson4 libgmp10 libmpfr6 libmpc3
libisl23 libc6-dev linux-libc-dev""".split()
GCC = "usr/lib/gcc/i686-linux-gnu/12"
LIBS = "usr/lib/i386-linux-gnu"
PROGRAMS = {"usr/bin/stress-ng": "stress-ng", "usr/bin/i686-linux-gnu-gcc-12": "gcc", "usr/bin/i686-linux-gnu-as": "as",
            "usr/bin/i686-linux-gnu-ld.bfd": "ld", GCC + "/cc1": None, GCC + "/collect2": None}
ALSO = [GCC + "/crtbegin.o", GCC + "/crtend.o", GCC + "/crtbeginS.o", GCC + "/crtendS.o", GCC + "/libgcc.a", GCC + "/libgcc_eh.a",
        GCC + "/include",
        "usr/include", LIBS + "/libm.so", LIBS + "/libc.so", LIBS + "/libc_nonshared.a", LIBS + "/crt1.o", LIBS + "/Scrt1.o",
        LIBS + "/crti.o", LIBS + "/crtn.o", "lib/i386-linux-gnu/libm.so.6"]


def with_libraries(root, programs):
    """The programs and all that they are linked with, names below root."""
    found, todo = [], list(programs)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.append(name)
        needed = subprocess.run(["readelf", "-d", f"{root}/{name}"], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"NEEDED.*\[(.*)\]", needed):
            todo += [f"{d}/{library}" for d in ("lib/i386-linux-gnu", LIBS) if os.path.exists(f"{root}/{d}/{library}")][:1]
    return found


def pack(into):
    """The initramfs of `make linux', and behind it one with what a day needs."""
    subprocess.run(["scripts/debian.sh", PLACE, "i386", *PACKAGES], check=True, stdout=subprocess.DEVNULL)
    root = PLACE + "/root"
    with tempfile.TemporaryDirectory() as tree:
        for name in with_libraries(root, PROGRAMS) + ALSO:
            to = f"{tree}/{name}"
            os.makedirs(os.path.dirname(to), exist_ok=True)
            if os.path.isdir(f"{root}/{name}"):
                shutil.copytree(f"{root}/{name}", to, dirs_exist_ok=True)
            else:  # a link that begins at the root is the guest's
                ours = os.path.islink(f"{root}/{name}") and os.readlink(f"{root}/{name}").startswith("/")
                shutil.copy(f"{root}/{name}", to, follow_symlinks=not ours)
        for name, short in PROGRAMS.items():
            if short and not os.path.exists(f"{tree}/usr/bin/{short}"):
                os.symlink(os.path.basename(name), f"{tree}/usr/bin/{short}")
        os.makedirs(f"{tree}/lib", exist_ok=True)
        shutil.copy(f"{root}/lib/i386-linux-gnu/ld-linux.so.2", f"{tree}/lib/ld-linux.so.2")
        shutil.copytree("core", f"{tree}/src/core")
        shutil.copy("tests/linux/day.sh", f"{tree}/day.sh")
        names = subprocess.run(["find", "."], cwd=tree, stdout=subprocess.PIPE, check=True).stdout
        cpio = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=tree, input=names, stdout=subprocess.PIPE, check=True)
    with open("build/linux/initrd.gz", "rb") as first, open(into, "wb") as out:
        data = first.read()
        out.write(data + bytes(-len(data) % 4) + cpio.stdout)


def usage(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        rss = int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1))  # the guest's memory is a file's
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        maps = list(f)
    return rss, len(os.listdir(f"/proc/{pid}/fd")), len(maps), apart(maps)


def apart(maps):
    """How many mappings begin only because pages side by side in a window, with the same rights, are not so in the guest's memory.
    (Where they are, the host's kernel makes one of two.)"""
    before, found = None, 0
    for line in maps:
        begin, end, rights, offset, name = re.match(r"(\w+)-(\w+) (\S+) (\w+) \S+ \d+ *(.*)", line).groups()
        now = int(begin, 16), int(end, 16), rights, int(offset, 16), name
        if before and "guest-ram" in name and before[1] == now[0] and (before[2], before[4]) == (rights, name):
            found += before[3] + before[1] - before[0] != now[3]
        before = now
    return found


def look(pid):
    """What the process has of the host."""
    now = usage(pid)
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        shared = sum(int(n) for n in re.findall(r"^Pss_Shmem:\s+(\d+)", f.read(), re.M))
    code, inside = 0, False
    with open(f"/proc/{pid}/smaps", encoding="ascii") as f:
        for line in f:
            if re.match(r"[0-9a-f]+-", line):
                inside = re.match(r"\S+ r-xs ", line)
            elif inside and line.startswith("Rss:"):
                code += int(line.split()[1])
    return {"own": now[0], "files": now[1], "mappings": now[2], "apart": now[3], "other": now[2] - now[3], "guest": shared,
            "code": code}


SHOWN = (("own", "own memory, KiB"), ("guest", "guest's memory and shared, KiB"), ("code", "code memory, KiB"),
         ("mappings", "mappings"), ("files", "descriptors"))


# Mappings are as many as the guest's memory is in pieces, and some more.
FRAGMENTS = (("apart", "mappings apart only in the guest's memory"), ("other", "other mappings"))
ALLOWED = {"own": 0.05, "guest": 0.05, "code": 0.05, "mappings": 0.25, "apart": 1, "other": 0.25, "files": 0}


def draw(samples, path, title):
    left, width, high, y = 90, 640, 70, 50
    hours = max(samples[-1]["at"] / 3600, 0.01)
    step = next(s for s in (0.1, 0.5, 1, 2, 3, 6, 12, 24) if hours / s <= 12)
    out = [f'<text x="20" y="26" class="title">{title}</text>']
    for key, name in SHOWN:
        top = max(s[key] for s in samples) * 1.1
        out.append(f'<text x="{left}" y="{y + 12}" class="group">{name}</text>')
        y += 20
        for value in (0, top / 1.1):
            at = y + high * (1 - value / top)
            out.append(f'<line x1="{left}" x2="{left + width}" y1="{at:.1f}" y2="{at:.1f}" stroke="#e2e2e2"/>'
                       f'<text x="{left - 6}" y="{at + 4:.1f}" class="name">{value:,.0f}</text>')
        points = " ".join(f"{left + width * s['at'] / 3600 / hours:.1f},{y + high * (1 - s[key] / top):.1f}" for s in samples)
        out.append(f'<polyline points="{points}" fill="none" stroke="#2a7f62"/>')
        y += high + 12
    for i in range(int(hours / step) + 1):
        x = left + width * i * step / hours
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="60" y2="{y}" stroke="#e2e2e2"/>'
                   f'<text x="{x:.1f}" y="{y + 14}" class="tick">{i * step:g}</text>')
    out.append(f'<text x="{left + width}" y="{y + 28}" class="name">hours of guest time</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 30}" height="{y + 40}" '
                'font-family="DejaVu Sans, sans-serif" font-size="11">\n<style>.group,.title{font-weight:bold}.title{font-size:14px}'
                '.name{text-anchor:end}.tick{text-anchor:middle;fill:#555}</style>\n<rect width="100%" height="100%" fill="white"/>\n'
                + "\n".join(out) + "\n</svg>\n")


def drift(name, samples, allowed):
    """The last third beside the second: what grows with time grows there.  The medians, because what a stressor takes for a
    second is met by a sample or not."""
    third = len(samples) // 3
    before, after = samples[third:2 * third], samples[2 * third:]
    middle, last = statistics.median_low(before), statistics.median_low(after)
    print(f"  {name}: in the second third {middle} (the median), at most {max(before)}; in the last {last}, {max(after)}")
    return third > 20 and last > middle * (1 + allowed)


def packet(text):
    return b"$%s#%02x" % (text, sum(text) & 255)


def answer(s, last=False):
    got = b""
    while not re.search(rb"\$[^#]*#..", got):
        more = s.recv(65536)
        if not more:
            sys.exit("the stub has closed the connection")
        got += more
    if not last:
        s.send(b"+")
    return re.search(rb"\$([^#]*)#..", got).group(1)


def visit(where):
    """A debugger attaches, looks, steps and leaves."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(where)
        s.settimeout(120)
        for text in (b"?", b"g", b"s", b"mc1000000,40", b"s"):
            s.send(packet(text))
            answer(s)
        s.send(packet(b"D"))
        answer(s, True)


class Day:
    """The guest, and when its last round ended: seconds since boot, how many of them idle."""

    def __init__(self, out, rounds, period, *more):
        self.rounds, self.seconds, self.idle, self.failures = 0, 0.0, 0.0, 0
        self.text = b""
        pack(f"{out}.cpio")
        self.log = open(f"{out}.log", "wb")
        # Without the LTTng provider, which is beside the program: its descriptors come and go with the session daemons of a day.
        program = f"{out}-program"
        shutil.copy(soak.VITRINE, program)
        command = soak.command(f"sh /day.sh {rounds} {period}", "-batch", *more, machine=soak.linux("384M", f"{out}.cpio"))
        command[0] = program
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)

    def look(self):
        try:
            more = os.read(self.process.stdout.fileno(), 1 << 16)
        except BlockingIOError:
            return
        self.text = self.text[-100:] + more
        self.log.write(more)
        self.log.flush()
        for n, up, idle, bad in re.findall(rb"round (\d+) ([\d.]+) ([\d.]+) (\d+)\r?\n", self.text):
            self.rounds, self.seconds, self.idle, self.failures = int(n), float(up), float(idle), int(bad)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--period", type=int, default=60)
    parser.add_argument("--host", type=float, default=1e9)
    parser.add_argument("--attach", type=int, default=0)
    parser.add_argument("--name", default="day", help="of the files in build/soak: log, counters, samples, picture")
    o = parser.parse_args()
    every = min(10, o.host)  # seconds between samples
    rounds = int(o.hours * 3600 / o.period)
    out = f"{PLACE}/{o.name}"
    stats, gdb = f"{out}.json", f"{out}.gdb"
    day = Day(out, rounds, o.period, "-stats", stats, *(["-gdb", f"unix:{gdb}"] if o.attach else []))
    begin, samples, attached = time.monotonic(), [], 0
    while day.process.poll() is None and time.monotonic() - begin < o.host * 60:
        time.sleep(0.05 if attached < o.attach else 2)
        if attached < o.attach and os.path.exists(gdb):
            visit(gdb)
            attached += 1
        day.look()
        now = time.monotonic()
        if day.rounds and (not samples or now - samples[-1]["host"] > every) and day.process.poll() is None:
            samples.append({"host": now, "at": day.seconds, **look(day.process.pid)})
    day.look()
    day.end()
    with open(stats, encoding="utf-8") as f:
        text = f.read()
    if not text:
        sys.exit(f"the guest's process ended with status {day.process.returncode} after round {day.rounds}: see {out}.log")
    counted = json.loads(text)
    seconds, idle = counted["guest_ns"] / 1e9, counted["idle_ns"] / 1e9
    title = (f"{day.rounds} rounds, {seconds / 3600:.1f} h of guest time: {(seconds - idle) / 60:.0f} min of work, "
             f"{counted['icount'] / 1e9:,.0f} thousand million instructions")
    print(f"{title}; {idle / 3600:.1f} h idle; {(time.monotonic() - begin) / 60:.0f} min of the host; attached {attached} times; "
          f"{day.failures} failures; {len(samples)} samples")
    with open(f"{out}-samples.json", "w", encoding="utf-8") as f:
        json.dump(samples, f)
    draw(samples, f"{out}.svg", title)
    drifting = [name for key, name in SHOWN + FRAGMENTS if drift(name, [s[key] for s in samples], ALLOWED[key])]
    if drifting:
        sys.exit("more and more: " + "; ".join(drifting))
    if day.failures or not day.rounds:
        sys.exit(f"the guest failed: see {out}.log")


if __name__ == "__main__":
    main()
