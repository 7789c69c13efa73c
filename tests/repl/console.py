# SPDX-License-Identifier: GPL-3.0-or-later
"""For the tests beside it: a console that is given commands, and what it said."""
import os
import re
import subprocess

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")


def run(options, *commands, timeout=50):
    """The finished process, which went well, of these options, commands and `quit`."""
    r = subprocess.run([VITRINE, "-clock", "virtual", *options], input="\n".join((*commands, "quit")), capture_output=True, text=True,
                       timeout=timeout, check=False)
    assert r.returncode == 0, r
    return r


def said(options, *commands):
    """Standard output and, behind it, standard error."""
    r = run(options, *commands)
    return r.stdout + r.stderr


def has(text, *patterns):
    for pattern in patterns:
        assert re.search(pattern, text, re.MULTILINE), (pattern, text)


def has_in_order(text, *patterns):
    """Each begins no earlier than the one before it."""
    place = 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(text, place)
        assert found, (pattern, text[place:][:3000])
        place = found.start()
