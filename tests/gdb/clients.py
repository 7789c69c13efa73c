# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients come, go, vanish and are refused; the guest is unharmed."""
import os
import socket
import struct
import subprocess
import time

from rsp import LANTERN, VITRINE, Gone, Machine, symbols

S = symbols()


def frame(text):
    return f"${text}#{sum(text.encode()) & 0xff:02x}".encode()


# A second client is told why it is not served; the first does not notice.
with Machine() as m:
    one = m.client()
    assert one.ask("?").startswith("T05")
    two = m.client()
    two.acks = False
    assert two.ask("qSupported") == "E.another debugger is connected to this machine"
    try:
        two.ask("?")
        assert False, "a second client was served"
    except (Gone, BrokenPipeError):
        pass
    assert one.eip()
    # Several in turn: what the first has set goes with it.
    assert one.ask(f"Z0,{S['schedule']:x},1") == "OK"
    one.close()
    three = m.client()
    assert "No breakpoints" in three.monitor("info breakpoints")

# One that vanishes while the guest runs: it runs on to its end.
with Machine("-append", "tour") as m:
    c = m.client()
    assert c.ask(f"Z0,{S['sys_fork']:x},1") == "OK"
    assert c.ask("vCont;c").startswith("T05")
    c.send("vCont;c")
    c.close()
    assert m.wait() == 0
    assert "Good night" in m.output(), m.output()[-500:]

# Many that come and go at once, before the guest runs again for the one before: it runs on behind the last.
with Machine("-append", "run=bench int80 4000000000", stands=False) as m:
    def reached():
        c = m.client()
        count = int(c.monitor("print $icount").split("= ")[1])
        c.close()
        return count

    for n in range(2, 12):
        before = reached()
        for c in [m.client() for _ in range(n)]:
            c.close()
        time.sleep(0.2)
        assert reached() > before + 1000000, n

# One that vanishes while what it wanted printed comes: the guest runs on without that.
with Machine("-append", "tour") as m:
    c = m.client()
    c.no_acks()
    assert c.ask(f"Z0,{S['schedule']:x},1;cmds:0,X10,2241220022003401000525635c6e0027") == "OK"
    assert c.ask("QTinit") == "OK" and c.ask(f"QTDP:1:{S['sys_write']:x}:E:fff:0-") == "OK" and c.ask("QTStart") == "OK"
    c.send("vCont;c")
    c.packet()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
    assert m.wait() == 0
    assert "Good night" in m.output(), m.output()[-500:]

# One that vanishes while the guest stands that it has let run: it runs on.
with Machine("-append", "tour") as m:
    c = m.client()
    assert c.ask(f"Z0,{S['sys_fork']:x},1") == "OK"
    assert c.ask("vCont;c").startswith("T05")
    c.close()
    assert m.wait() == 0 and "Good night" in m.output()

# A client of a guest that runs stops it, and leaves it running.
with Machine("-append", "run=spin", stands=False) as m:
    for _ in range(3):
        time.sleep(0.2)
        c = m.client()
        c.no_acks()
        assert c.ask("?").startswith("T02")
        first = c.monitor("print $icount")
        assert c.monitor("print $icount").split("=")[1] == first.split("=")[1], "it runs while a client looks"
        assert c.ask("D") == "OK"
        c.close()
        time.sleep(0.1)
    c = m.client()
    assert c.ask("?").startswith("T02")
    assert int(c.monitor("print $icount").split("=")[1], 0) > int(first.split("=")[1], 0), "it stands after D"

# In extended mode the connection outlives a detach: the guest runs on whatever is asked meanwhile, until it is attached to or
# started again.
with Machine("-append", "run=spin") as m:
    c = m.client()
    assert c.ask("!") == "OK" and c.ask(f"Z0,{S['timer_interrupt']:x},1") == "OK"
    assert c.ask("vCont;c").startswith("T05")
    first = c.monitor("print $icount")
    assert c.ask("D;1") == "OK"
    assert c.ask("?") == "W00" and c.ask("qfThreadInfo") == "l" and c.ask("vFile:close:1").startswith("F-1")
    time.sleep(0.2)
    assert "No breakpoints" in c.monitor("info breakpoints")
    assert c.ask("vAttach;1").startswith("T02")
    later = c.monitor("print $icount")
    assert int(later.split("=")[1], 0) > int(first.split("=")[1], 0) + 1000000, (first, later)
    assert c.monitor("print $icount").split("=")[1] == later.split("=")[1]
    assert c.ask("D") == "OK"
    assert c.ask("vRun;").startswith("T05")
    assert c.monitor("print $icount").endswith("= 0\n")
    assert c.ask("D") == "OK"
    c.close()
    time.sleep(0.1)
    c = m.client()
    c.no_acks()
    assert c.ask("?").startswith("T02") and c.ask("D") == "OK"

# Vanishing at any byte of a session, abruptly or not.
session = b"".join(b"+" + frame(t) for t in (
    "qSupported:swbreak+", "QStartNoAckMode", "?", "qXfer:features:read:target.xml:0,fff", "g",
    f"Z0,{S['schedule']:x},1;X5,2200220127", "m100000,40", "vCont;s:1", "qRcmd,696e666f20726567", "z0,1,1"))
with Machine("-append", "run=spin", stands=False) as m:
    for cut in range(0, len(session), 7):
        c = m.client()
        c.raw(session[:cut])
        if cut % 2:
            c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
    c = m.client()
    assert "No breakpoints" in c.monitor("info breakpoints")
    assert c.ask("vCont;s").startswith("T05")

# Ten thousand connects leave nothing behind.
with Machine("-append", "run=spin", stands=False) as m:
    files = os.listdir(f"/proc/{m.p.pid}/fd")
    for i in range(10000):
        c = m.client()
        if i % 100 == 0:
            assert c.ask("?").startswith("T0"), i
        c.close()
    c = m.client()
    assert c.ask("?").startswith("T0")
    c.close()
    time.sleep(0.3)
    assert len(os.listdir(f"/proc/{m.p.pid}/fd")) <= len(files) + 1

# TCP: on loopback unless told otherwise, and a place that is taken is one line.
taken = socket.socket()
taken.bind(("127.0.0.1", 0))
taken.listen()
port = taken.getsockname()[1]
r = subprocess.run([VITRINE, "-batch", "-S", "-gdb", f"tcp:{port}", LANTERN], capture_output=True, text=True, timeout=20,
                   check=False, stdin=subprocess.DEVNULL)
assert r.returncode == 4 and r.stderr == f"vitrine: -gdb tcp:{port}: Address already in use\n", r
taken.close()
p = subprocess.Popen([VITRINE, "-batch", "-S", "-gdb", f"tcp:{port}", LANTERN], stdin=subprocess.DEVNULL)
try:
    for _ in range(200):
        with open("/proc/net/tcp", encoding="ascii") as f:
            rows = [line.split()[1] for line in f if f":{port:04X} " in line]
        if rows:
            break
        time.sleep(0.02)
    assert rows and rows[0].startswith("0100007F:"), rows
finally:
    p.terminate()
    p.wait()
