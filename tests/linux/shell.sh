#!/bin/bash
# shell.sh - types at the shell of `make linux` and reads the answer.
set -u
cd "$(dirname "$0")/../.." || exit 4
scripts/linux.sh fetch || { echo "Debian's i386 packages cannot be fetched"; exit 77; }
exec /usr/bin/python3 - "${ENGINE:-${VITRINE:-build/vitrine} -batch}" <<'PYTHON'
import os, subprocess, sys, time, select

proc = subprocess.Popen(["scripts/linux.sh", "boot"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        env=dict(os.environ, ENGINE=sys.argv[1]))
seen = b""
slow = int(os.environ.get("SLOW") or 1)

def until(text, seconds):
    global seen
    end = time.time() + seconds * slow
    while text not in seen:
        if not select.select([proc.stdout], [], [], max(0, end - time.time()))[0]:
            sys.exit("no %r in %d seconds; the end was %r" % (text, seconds, seen[-300:]))
        more = os.read(proc.stdout.fileno(), 4096)
        if not more:
            sys.exit("the guest ended before %r; the end was %r" % (text, seen[-300:]))
        seen += more

def type_line(text):
    proc.stdin.write(text.encode() + b"\n")
    proc.stdin.flush()

try:
    until(b"vitrine# ", 120)
    type_line("echo answer $((6 * 7))")
    until(b"answer 42", 30)
    type_line("ls /proc | grep -c '^[0-9]' | sed 's/^/processes /'")
    until(b"processes ", 30)
    type_line("poweroff")
    until(b"Power down", 30)
    if proc.wait(60) != 0:
        sys.exit("status %d after poweroff" % proc.returncode)
finally:
    proc.kill()
PYTHON
