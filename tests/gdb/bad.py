# SPDX-License-Identifier: GPL-3.0-or-later
"""What no client should send: an error, an empty reply or a closed connection, and the guest unharmed."""
import random
import re

from rsp import Client, Gone, Machine

NONSENSE = (
    "", "Z", "Z0", "Z0,", "Z0,zz,1", "Z5,0,1", "Z9,100000,1", "Z0,100000000,1", "Z2,100000,0", "Z0,100000,1;", "Z0,100000,1;X",
    "Z0,100000,1;X4,00", "Z0,100000,1;X1,01", "Z0,100000,1;X1,0227", "Z0,100000,1;X3,21ffff27", "Z0,100000,1;X1,ff",
    "Z0,100000,1;X2,2227", "Z0,100000,1;X4,20000027", "Z0,100000,1;X2,3400", "Z0,100000,1;Xffffffffffffffff,27", "Z0,100000,1;cmds:",
    "Z0,100000,1;cmds:1", "Z0,100000,1;cmds:1,X0,", "Z0,100000,1x", "m", "m0", "m0,", "m,1", "mffffffffffffffffff,1",
    "m100000000,1", "M0,4:00", "M0,4:zzzzzzzz", "M0,1", "X0,4:a", "X0,4", "xzz", "G00", "Gzz", "P", "P8", "P8=", "P8=00",
    "P8=zzzzzzzz", "Pffff=00000000", "pffff", "p", "pz", "H", "Hx1", "Hg", "Hgzz", "T", "Tzz", "T77", "vCont", "vCont;", "vCont;x",
    "vCont;r1", "vCont;r1,", "vCont;s:p", "vCont;s:zz", "vCont;c;", "C", "Czz", "S5;zz", "czz", "sfffffffff", "qXfer:", "qXfer:features:read:",
    "qXfer:features:read:target.xml:", "qXfer:features:read:target.xml:0", "qXfer:features:read:target.xml:0,",
    "qXfer:features:read:target.xml:zz,10", "qXfer:features:read:other.xml:0,10", "qXfer:features:write:target.xml:0,10", "qXfer:osdata:read:nothing:0,10",
    "qXfer:none:read::0,10", "qSearch:memory:", "qSearch:memory:0;10", "qSearch:memory:0;10;", "qSearch:memory:zz;1;a", "qCRC:", "qCRC:0",
    "qCRC:0,zz", "qRcmd,1", "qRcmd,zz", "vFile:", "vFile:open:", "vFile:open:zz,0,0", "vFile:open:2f6574632f706173737764,0,0",
    "vFile:open:2f,1,0", "vFile:pread:", "vFile:pread:99,10,0", "vFile:pread:0,10,0", "vFile:close:", "vFile:close:99", "vFile:fstat:7",
    "vFile:unlink:2f", "Qqemu.PhyMemMode:2", "Qqemu.PhyMemMode:", "Qqemu.sstep=", "Qqemu.sstep=99", "qThreadExtraInfo,", "vMustReplyEmpty", "!x", "?x", "D;x;y")
# Those that are no mistake to the protocol, or let the guest be.
HARMLESS = ("", "vMustReplyEmpty", "!x", "?x")


def answer_to(c, text):
    try:
        return c.ask(text)
    except Gone:
        return None


with Machine() as m:
    c = m.client()
    c.no_acks()
    before = c.ask("g")
    for text in NONSENSE:
        if text.startswith("D"):
            continue
        reply = answer_to(c, text)
        assert reply is not None and (reply == "" or reply.startswith(("E", "F-1"))), (text, reply)
    assert c.ask("g") == before, "nonsense changed a register"
    assert "No breakpoints" in c.monitor("info breakpoints")
    # Far too much of everything that is allowed.
    assert len(c.ask("m100000,ffffffff")) <= 0x20000
    assert c.ask("mfffffff0,ffff").startswith("E") or True
    assert c.ask("Z0,100000,1;X" + "7d0," + "28" * 2000).startswith("E.")
    assert c.ask("qSearch:memory:0;ffffffff;never to be found").startswith(("0", "E"))
    assert c.ask("qCRC:0,ffffffff").startswith(("C", "E"))

# Much output comes in packets that gdb has room for.
with Machine() as m:
    c = m.client()
    c.no_acks()
    c.send("qRcmd," + b"x/20000xw 0x100000".hex())
    longest = n = 0
    while (text := c.packet()) != "OK":
        longest, n = max(longest, len(text)), n + len(text) // 2
    assert n > 200000 and longest < 0x20000, (n, longest)

# Check sums: a wrong one is asked for again with acknowledgements, dropped without.
with Machine() as m:
    c = m.client()
    c.raw("$?#00")
    assert c.byte() == b"-"
    c.raw("$?#3f")
    assert c.byte() == b"+" and c.packet().startswith("T05")
    c.raw("$?#zz")
    assert c.byte() == b"-"
    c.no_acks()
    c.raw("$?#00")
    assert c.ask("qC") == "QC1"
    # Noise, acknowledgements and breaks between packets.
    c.raw(b"\x00\xff++--\x03\x03\x7f garbage # # ")
    assert c.ask("qC") == "QC1"
    # One packet byte by byte, two in one piece.
    for b in b"$qC#b4":
        c.raw(bytes((b,)))
    assert c.packet() == "QC1"
    c.raw("$qC#b4$qC#b4")
    assert c.packet() == "QC1" and c.packet() == "QC1"
    # A packet of 200 KiB is served, one without end is not waited for.
    assert c.ask("M300000,18000:" + "5a" * 0x18000) == "OK" and c.read(0x317ff0, 0x10) == b"\x5a" * 16
    try:
        c.raw("$" + "a" * (3 << 20))
        c.packet()
        assert False, "a packet without end"
    except (Gone, OSError):
        pass
    c = m.client()
    assert c.ask("qC") == "QC1"

# A page that has a browser post packets to the port is no debugger, nor is anything else that begins otherwise.
with Machine() as m:
    for first in (b"POST / HTTP/1.1\r\nHost: 127.0.0.1:1234\r\nContent-Length: 40\r\n\r\n", b"\x16\x03\x01", b"\r\n", b"P8=00001234#4f"):
        c = m.client()
        c.raw(first + b"$P8=00001234#4f")
        try:
            c.more()
            assert False, (first, c.bytes)
        except Gone:
            pass
    for first in (b"+", b"-", b"\x03", b"$?#3f"):
        c = m.client()
        c.raw(first + b"$p8#a8")
        while not re.fullmatch("[0-9a-f]{8}", text := c.packet()):
            assert text[:3] == "T05", text
        assert text != "00001234", (first, text)
        c.close()

# Expressions that loop for ever, divide by zero or read nowhere stop the guest instead, and gdb decides.
with Machine() as m:
    c = m.client()
    c.no_acks()
    start = c.eip()
    for code in ("21000027", "22012200052722", "22002204190527", "ff"):
        c.ask(f"z0,{start:x},1")
        reply = c.ask(f"Z0,{start:x},1;X{len(code) // 2:x},{code}")
        assert reply == "OK" or reply.startswith("E."), (code, reply)

# Random bytes, packets cut and mixed.
random.seed(4)
with Machine() as m:
    c = m.client()
    for _ in range(300):
        text = "".join(random.choice(NONSENSE)[:random.randrange(20)] for _ in range(random.randrange(1, 4)))
        data = bytearray(f"${text}#{sum(text.encode()) & 0xff:02x}".encode())
        for _ in range(random.randrange(3)):
            data[random.randrange(len(data))] = random.randrange(256)
        try:
            c.raw(bytes(data))
        except OSError:
            c = m.client()
    c.close()
    while True:
        try:
            c = Client(m.path)
            assert c.ask("qC") == "QC1"
            break
        except (Gone, ConnectionError):
            continue
