# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C stops the guest at once, whatever it does: the best of three within 50 ms, and it goes on where it was."""
import time

from rsp import BUILD, SLOW, Machine

CODE, DATA = 0x300000, 0x400000
for what, code in (
    ("a tight loop", "ebfe"),
    ("a tight loop with interrupts off", "faebfe"),
    ("waiting in HLT", "b0ffe621e6a1fbf4ebfd"),
    ("a string instruction that goes on for long", "fcbf00004000b9ffffff00f3aaebf1"),
    ("reading a port", "66ba6100ecebfd"),
    ("reading a device", "a100b80b00ebf9"),
    ("calls without end", "e80000000083c404ebf6"),
):
    with Machine(kernel=BUILD + "/guest/stage.elf") as m:
        c = m.client()
        c.no_acks()
        assert c.ask(f"M{CODE:x},{len(code) // 2:x}:{code}") == "OK"
        assert c.ask("P8=" + CODE.to_bytes(4, "little").hex()) == "OK"
        best = 1e9
        for _ in range(3):
            c.send("vCont;c")
            time.sleep(0.3)
            begin = time.time()
            reply = c.stop()
            best = min(best, time.time() - begin)
            assert reply.startswith("T02"), (what, reply)
            assert CODE <= c.eip() < CODE + len(code) // 2, (what, hex(c.eip()))
        assert best < 0.05 * SLOW, (what, best)
