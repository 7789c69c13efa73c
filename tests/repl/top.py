# SPDX-License-Identifier: GPL-3.0-or-later
"""`top` says where the guest's instructions go, the same each time under a virtual clock, live at a terminal, and disturbs
nothing; `stats` tells the same to people and to programs."""
import json
import os
import re

import pexpect

from console import LANTERN, VITRINE, has, run

PROMPT = r"\[[KU] \w+\]> "


def session(*commands, options=()):
    r = run(("-serial", "null", *options, LANTERN), *commands)
    return r.stdout, r.stderr


def printed():
    """Without a terminal: once, after so much of the guest's time."""
    tour = ("-append", "tour")
    script = ("tbreak sys_fork", "continue", "top functions 300", "top blocks 200", "print $icount")
    text, err = session(*script, options=tour)
    assert not err, err
    has(text, r"^functions: a second \d+\.\d M instructions, \d+ exits, \d+ interrupts, \d+ exceptions; waiting \d+%$",
        r"^\d+ samples, one in 100003 instructions$", r"^ 9\d\.\d% +\d+  U  page 0x08048000$", r"^  \d\.\d% +\d+  K  \w+$",
        r"^ \d+\.\d% +\d+  0x8048\w+: \d+ instructions?, \d+ -> \d+ bytes, user, 32-bit, flat$")
    assert text == session(*script, options=tour)[0]
    text, err = session("tbreak sys_fork", "continue", "top exits 100", "top vmi 50", options=tour)
    has(text, r"^ \d+\.\d% +\d+  LINK +a branch met", r"^ \d+\.\d% +\d+ +\d+\.\d  DisableInterrupts$")


def undisturbed():
    """The guest that was looked at is the one that was not."""
    ends = []
    for look in ("top functions 900", "continue"):
        text, _ = session("break -icount 500000000", look, "continue", "continue", "print $icount", "info registers", options=("-append", "tour"))
        ends.append(text[text.index("$1 = "):])
    assert ends[0] == ends[1], ends


def stops():
    """A breakpoint ends it; wrong words are told."""
    text, err = session("break sys_fork", "top functions 5000", "top nonsense", "top vmi 0", "stats nonsense")
    has(text, r"^Breakpoint 1, ")
    assert err.splitlines() == ["expected functions, blocks, exits, vmi or time, found `nonsense'", "expected 1 to 3600000 ms",
                                "expected: stats, stats json or stats reset; found `nonsense'"], err
    _, err = session("top vmi", options=("-engine", "bt"))
    assert "the VMI ROM is hidden" in err, err


def counters():
    text, _ = session("tbreak sys_fork", "run", "stats json", "stats", "stats reset", "stats json")
    first, second = (json.loads(found) for found in re.findall(r"^\{\n.*?^\}$", text, re.MULTILINE | re.DOTALL))
    has(text, rf"^ +{first['icount']}  guest instructions$", rf"^ +{first['blocks']}  blocks translated$")
    assert first["icount"] == second["icount"] and first["blocks"] > 100 and not second["links"], (first, second)


def live():
    p = pexpect.spawn(VITRINE, [LANTERN], timeout=20, encoding="utf-8", dimensions=(24, 100), env={**os.environ, "TERM": "xterm"})
    p.expect(r"lantern\$ ")
    p.send("spin\r\x1d")
    p.expect(PROMPT)
    p.sendline("top")
    p.expect_exact("\x1b[?1049h")
    p.expect(r"[1-9]\d+ samples, one in 1000003")
    p.expect("U  page 0x08048000")
    p.expect("q: end")
    p.send("e")
    p.expect(r"exits: a second")
    p.expect("LIMIT +the instruction budget ran out")
    p.send("t")
    p.expect("time: a second")
    p.expect("s of the host's processor")
    p.send("v")
    p.expect("vmi: a second")
    p.send("b")
    p.expect("blocks: a second")
    p.expect(r"[1-9]\d+ samples")
    p.expect(r"0x8048\w+: ")
    p.send("q")
    p.expect_exact("\x1b[?1049l")
    p.expect("blocks: a second")  # the last one stays
    p.expect(PROMPT)
    p.sendline("send echo heard\\r")
    p.expect(PROMPT)
    p.sendline("top ex")
    p.expect("exits: a second")
    p.send("\x03")  # as everywhere
    p.expect("Stopped: stopped by the user")
    p.expect(PROMPT)
    p.sendline("top")
    p.expect("q: end")
    p.send("qprint 6*7\r")  # what is typed behind q is for the prompt
    p.expect(PROMPT + r"print 6\*7")
    p.expect("= 42")
    p.sendline("quit")
    p.expect(pexpect.EOF)


for test in (printed, undisturbed, stops, counters, live):
    test()
    print(test.__name__, "ok", flush=True)
