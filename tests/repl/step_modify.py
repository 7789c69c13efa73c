# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that changes the next instruction is obeyed also where a run ends soon behind it."""
import os
import subprocess
import tempfile

VITRINE = os.environ.get("VITRINE", "build/vitrine")
CODE = (b"\xb8\x08\x00\x10\x00"  # 0x100000: mov $0x100008,%eax
        b"\xfe\x00"  # incb (%eax)
        b"\xb3\x00"  # 0x100007: mov $0,%bl
        b"\xeb\xf5")  # and again


def session(*commands):
    with tempfile.NamedTemporaryFile() as f:
        f.write(CODE)
        f.flush()
        r = subprocess.run([VITRINE, "-clock", "virtual", "-load", "0x100000", f.name], input="\n".join(commands) + "\n",
                           capture_output=True, text=True, timeout=20, check=False)
    assert r.returncode == 0, r
    return [line.split("= ")[1] for line in r.stdout.splitlines() if line.startswith("$")]


assert session("stepi 3", "print $bl & 0xff", "print $icount") == ["1", "3"]
assert session("stepi 7", "print $bl & 0xff", "stepi 4", "print $bl & 0xff", "stepi 27", "print $bl & 0xff") == ["2", "3", "9"]
assert session("stepi 3999", "print $bl & 0xff", "print $icount") == [str(1000 & 0xFF), "3999"]
