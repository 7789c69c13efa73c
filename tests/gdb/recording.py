# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording, tracing and conditions do not disturb: lantern's tour ends after the same number of instructions with the same words."""
import json
import tempfile

from rsp import Machine, symbols

S = symbols()


def tour(*packets):
    with tempfile.TemporaryDirectory() as d:
        serial, stats = d + "/serial", d + "/stats"
        with Machine("-serial", "file:" + serial, "-stats", stats, "-append", "tour") as m:
            c = m.client()
            c.no_acks()
            for packet in packets:
                reply = c.ask(packet)
                assert reply and reply[0] not in "EW", (packet, reply[:60])
            reply = c.ask("vCont;c")
            assert reply == "W00", (packets, reply)
            c.close()
            assert m.wait() == 0
        with open(serial, encoding="latin-1") as f, open(stats, encoding="utf-8") as s:
            counters = json.load(s)
            return counters["icount"], counters["guest_ns"], f.read()


plain = tour()
assert plain[0] > 1000000 and "Good night" in plain[2]
at, write, exec_ = S["schedule"], S["sys_write"], S["sys_exec"]
for packets in (
    ("Qbtrace:bts",),
    (f"Z0,{at:x},1;X3,220027", f"Z1,{write:x},1;X3,220027"),
    (f"Z0,{write:x},1;cmds:1,X10,2241220022003401000525635c6e0027",),
    ("QTinit", f"QTDP:1:{at:x}:E:5:0-", f"QTDP:-1:{at:x}:RffM4,0,20SRff", f"QTDP:2:{write:x}:E:0:0-", f"QTDP:-2:{write:x}:M4,0,40", "QTStart"),
    (f"Z0,{exec_:x},1", "vCont;c", f"z0,{exec_:x},1", *["vCont;s:1"] * 300, f"vCont;r{exec_:x},{exec_ + 16:x}:1", "g", "mc0100000,1000",
     "qXfer:osdata:read:maps:0,fff", "Qbtrace:bts", "vCont;s:1", "qXfer:btrace:read:all:0,ffff", "Qbtrace:off"),
    ("Z2,c0000800,4", "Z3,c0000808,1"),  # where nothing is
    # The console's `delete' takes what a person made, not what a tracepoint needs.
    ("QTinit", f"QTDP:1:{at:x}:E:0:0", f"QTDP:-1:{at:x}:M4,0,40", "QTStart", "qRcmd," + b"delete".hex(), "QTStop", "QTinit"),
):
    seen = tour(*packets)
    assert seen[:2] == plain[:2], (packets, seen[:2], plain[:2])
    assert seen[2] == plain[2], packets
