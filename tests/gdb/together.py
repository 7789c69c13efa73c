# SPDX-License-Identifier: GPL-3.0-or-later
"""gdb and the console on one machine at the same time: one list of breakpoints, one guest, a terminal that stays whole."""
import os
import sys
import tempfile
import time

try:
    import pexpect
except ImportError:
    print("pexpect is not installed")
    sys.exit(77)

from rsp import LANTERN, VITRINE, Client, symbols

S = symbols()
with tempfile.TemporaryDirectory() as place:
    os.environ["HOME"] = place
    os.environ["TERM"] = "dumb"
    sock = place + "/gdb"
    t = pexpect.spawn(VITRINE, ["-S", "-clock", "virtual", "-gdb", "unix:" + sock, "-append", "tour", LANTERN], encoding="latin-1", timeout=20)
    t.expect(r"\[K vmi\]> ")
    c = Client(sock)
    c.no_acks()
    c.ask("qSupported:swbreak+;hwbreak+")
    # The console's breakpoint stops gdb's run, with the console's words; gdb's is in the console's list.
    t.sendline("break sys_fork")
    t.expect("Breakpoint 1 at")
    t.expect(r"\]> ")
    assert c.ask(f"Z0,{S['sys_exec']:x},1") == "OK"
    t.sendline("info breakpoints")
    t.expect(r"2    breakpoint  keep y   0x\w+ <sys_exec\+0>.* \(gdb's\)")
    t.expect(r"\]> ")
    reply = c.ask("vCont;c")
    assert reply.startswith("T05thread:1") and "Breakpoint 1, " in c.said, (reply, c.said)
    t.expect(r"Breakpoint 1, 0x\w+ <sys_fork")
    t.expect(r"lantern:sys_fork \[K vmi\]> ")
    t.sendline("delete 1")
    t.expect(r"\]> ")
    reply = c.ask("vCont;c")
    assert reply.startswith("T05swbreak:;"), reply
    t.expect(r"Breakpoint 2, 0x\w+ <sys_exec")
    t.expect(r"lantern:sys_exec \[K vmi\]> ")
    # What gdb changes the console sees, and the other way round.
    assert c.ask("P0=78563412") == "OK"
    t.sendline("print/x $eax")
    t.expect("0x12345678")
    t.expect(r"\]> ")
    t.sendline("set $eax = 5")
    t.expect(r"\]> ")
    assert c.ask("p0") == "05000000"
    # A line that is half typed waits while gdb lets the guest run.
    t.send("print 12")
    time.sleep(0.2)
    assert c.ask("vCont;c").startswith("T05")
    t.sendline("34567")
    t.expect("= 1234567")
    t.sendline("delete")
    t.expect(r"\]> ")
    # The console lets the guest run; what gdb asks stops it.
    t.sendline("continue")
    time.sleep(0.3)
    assert c.ask("qC") == "QC1"
    # gdb leaves, and the guest goes on; Ctrl-] stops it again.
    c.close()
    t.expect("powered off|Good night", timeout=30)
    t.sendline("quit")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0, t.exitstatus

    # Ctrl-] at the terminal stops the guest for gdb, too, that has let it run.
    t = pexpect.spawn(VITRINE, ["-S", "-clock", "virtual", "-gdb", "unix:" + sock, "-append", "run=spin", LANTERN], encoding="latin-1", timeout=20)
    t.expect(r"\[K vmi\]> ")
    c = Client(sock)
    c.no_acks()
    c.ask("qSupported:swbreak+;hwbreak+")
    c.send("vCont;c")
    time.sleep(0.5)
    t.send("\x1d")
    assert c.answer().startswith("T02")
    t.expect(r"\[[KU] vmi\]> ")
    # Detached, it runs on, until somebody stops it.
    assert c.ask("D") == "OK"
    time.sleep(0.3)
    t.send("\x1d")
    t.expect(r"Stopped: ")
    t.expect(r"\[[KU] vmi\]> ")
    t.sendline("quit")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0

    # Detached in extended mode, it runs on while gdb stays and asks, until either side stops it.
    t = pexpect.spawn(VITRINE, ["-S", "-clock", "virtual", "-gdb", "unix:" + sock, "-append", "run=spin", LANTERN], encoding="latin-1", timeout=20)
    t.expect(r"\[K vmi\]> ")
    c = Client(sock)
    c.no_acks()
    assert c.ask("!") == "OK" and c.ask("D;1") == "OK"
    time.sleep(0.2)
    assert c.ask("qfThreadInfo") == "l"
    time.sleep(0.2)
    assert c.ask("vAttach;1").startswith("T02")
    first = c.monitor("print $icount").split("= ")[1]
    assert int(first) > 1000000 and c.monitor("print $icount").split("= ")[1] == first
    assert c.ask("D;1") == "OK"
    time.sleep(0.2)
    t.send("\x1d")
    t.expect(r"\[[KU] vmi\]> ")
    t.sendline("print $icount")
    t.expect(r"= (\d+)")
    assert int(t.match.group(1)) > int(first)
    then = t.match.group(1)
    assert c.ask("qC") == "QC1"
    t.sendline("print $icount")
    t.expect(r"= (\d+)")
    assert t.match.group(1) == then
    t.sendline("quit")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0
