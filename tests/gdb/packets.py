# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets one by one: what each answers, and what it does to the guest."""
import binascii
import re
import struct
import time

from rsp import BUILD, SLOW, Machine, symbols

STAGE = BUILD + "/guest/stage.elf"
CODE = 0x300000
S = symbols(STAGE)


def code(c, text, at=CODE):
    """Puts bytes into memory and goes there."""
    assert c.ask(f"M{at:x},{len(text) // 2:x}:{text}") == "OK"
    set_register(c, 8, at)


def set_register(c, number, value, size=4):
    reply = c.ask(f"P{number:x}=" + value.to_bytes(size, "little").hex())
    assert reply == "OK", reply


def step(c):
    reply = c.ask("vCont;s:1")
    assert reply.startswith("T05"), reply
    return c.eip()


with Machine(kernel=STAGE) as m:
    c = m.client()
    words = c.ask("qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+")
    for word in ("PacketSize=20000", "QStartNoAckMode+", "vContSupported+", "swbreak+", "hwbreak+", "ConditionalBreakpoints+",
                 "BreakpointCommands+", "qXfer:features:read+", "qXfer:memory-map:read+", "qXfer:threads:read+", "qXfer:osdata:read+",
                 "qXfer:libraries:read+", "qXfer:exec-file:read+"):
        assert word in words.split(";"), (word, words)
    c.no_acks()
    for packet, answer in (("!", "OK"), ("Hg0", "OK"), ("Hc-1", "OK"), ("Hgp1.1", "OK"), ("qC", "QC1"), ("qfThreadInfo", "m1"), ("qsThreadInfo", "l"),
                           ("T1", "OK"), ("qAttached", "1"), ("qAttached:1", "1"), ("qOffsets", ""), ("qSymbol::", "OK"),
                           ("vMustReplyEmpty", ""), ("vCont?", "vCont;c;C;s;S;t;r"), ("qTStatusX", ""), ("qqemu.sstepbits", "ENABLE=1,NOIRQ=2,NOTIMER=4"), ("Qqemu.sstepbits", "ENABLE=1,NOIRQ=2,NOTIMER=4"),
                           ("qqemu.sstep", "0x7"), ("vCtrlC", "OK")):
        assert c.ask(packet) == answer, (packet, c.ask(packet))

    # The description names what g holds, in its order.
    xml, at = "", 0
    while True:
        part = c.ask(f"qXfer:features:read:target.xml:{at:x},1f0")
        xml, at = xml + part[1:], at + 0x1f0
        if part[0] == "l":
            break
    sizes = [int(n) for n in re.findall(r'<reg name="\w+" bitsize="(\d+)"', xml)]
    names = re.findall(r'<reg name="(\w+)"', xml)
    numbers = [int(n) for n in re.findall(r'regnum="(\d+)"', xml)]
    assert numbers == list(range(len(names))) and len(c.ask("g")) * 4 == sum(sizes)
    assert names[:16] == "eax ecx edx ebx esp ebp esi edi eip eflags cs ss ds es fs gs".split()
    number = {name: i for i, name in enumerate(names)}
    for name, size in zip(names, sizes):
        assert len(c.ask(f"p{number[name]:x}")) * 4 == size, name

    # Registers that may be written are, and are what they were told to be.
    for name, value, size in (("eax", 0x11223344, 4), ("esp", 0x180000, 4), ("xmm5", 0x0123456789abcdef << 60, 16), ("st2", 0x4000 << 64 | 1 << 63, 10),
                              ("mxcsr", 0x1f80, 4), ("fctrl", 0x37f, 4), ("ftag", 0xffcf, 4), ("cr2", 0xdeadbeef, 4), ("cr3", 0x190000, 4),
                              ("gdtr_base", 0x10000, 4), ("sysenter_eip", 0xc0000000, 4), ("efer", 0x800, 8), ("apic_base", 0xfee00900, 8), ("dr0", 0x1234, 4)):
        set_register(c, number[name], value, size)
        assert int.from_bytes(bytes.fromhex(c.ask(f"p{number[name]:x}")), "little") == value, name
    for name in ("cs", "efer", "cpl"):
        assert c.ask(f"P{number[name]:x}=" + "ff" * (sizes[number[name]] // 8)).startswith("E."), name
    all_of_them = c.ask("g")
    assert c.ask("G" + all_of_them) == "OK" and c.ask("g") == all_of_them

    # Memory: read as text and as bytes, written both ways, to the last byte of a packet.
    data = bytes(range(256)) * 64
    assert c.ask(f"M{CODE:x},{len(data):x}:{data.hex()}") == "OK" and c.read(CODE, len(data)) == data
    assert c.ask(f"X{CODE + 1:x},{len(data):x}:" + data.decode("latin-1")) == "OK"
    assert c.ask(f"x{CODE + 1:x},{len(data):x}") == "b" + data.decode("latin-1")
    assert c.ask(f"X{CODE:x},0:") == "OK" and c.ask(f"m{CODE:x},0") == ""
    assert len(c.read(CODE, 0x10000)) == 0x10000
    assert c.ask(f"qSearch:memory:{CODE:x};4000;\x10\x11\x12") == f"1,{CODE + 0x11:x}"
    assert c.ask(f"qSearch:memory:{CODE:x};100;\xff\xff") == "0"
    # gdb's CRC is most significant bit first, which binascii's is not.
    mirror = int.from_bytes(bytes(int(f"{b:08b}"[::-1], 2) for b in binascii.crc32(
        bytes(int(f"{b:08b}"[::-1], 2) for b in c.read(CODE, 1000))).to_bytes(4, "little")), "big") ^ 0xffffffff
    assert c.ask(f"qCRC:{CODE:x},3e8") == f"C{mirror:x}"

    # Physical memory, and linear with paging.
    assert c.ask(f"Z0,{S['paged']:x},1") == "OK"
    set_register(c, 8, S["start"])
    assert c.ask("vCont;c").startswith("T05swbreak:;")
    assert c.read(0x400000, 4) == struct.pack("<I", 0x1badb002)
    assert c.ask("Qqemu.PhyMemMode:1") == "OK" and c.ask("qqemu.PhyMemMode") == "1"
    assert c.read(0x400000, 4) == bytes(4) and c.ask("M400000,4:01020304") == "OK" and c.read(0x400000, 4) == b"\1\2\3\4"
    assert c.ask("mc0000000,4").startswith("E")
    assert c.ask("Qqemu.PhyMemMode:0") == "OK" and c.read(0x400000, 4) == struct.pack("<I", 0x1badb002)

# In real mode the description says so, for who connects there.
with Machine(kernel=STAGE) as m:
    c = m.client()
    c.no_acks()
    assert "<architecture>i386</architecture>" in c.ask("qXfer:features:read:target.xml:0,fff")
    set_register(c, number["cr0"], 0x10)
    assert "<architecture>i8086</architecture>" in c.ask("qXfer:features:read:target.xml:0,fff")
    assert "real mode" in c.ask("qXfer:threads:read::0,fff")

# Single steps over what is no plain instruction.
with Machine(kernel=STAGE) as m:
    c = m.client()
    c.no_acks()
    set_register(c, 4, 0x180000)
    # An IDT in which every gate leads to 0x310000: iret.
    gate = struct.pack("<HHHH", 0, 8, 0x8e00, 0x31).hex()
    assert c.ask(f"M320000,{256 * 8:x}:" + gate * 256) == "OK"
    assert c.ask("M310000,1:cf") == "OK"
    set_register(c, number["idtr_base"], 0x320000)
    set_register(c, number["idtr_limit"], 0x7ff)
    code(c, "cd80" "90")  # int 0x80: into the handler, and out of it
    assert step(c) == 0x310000 and step(c) == CODE + 2
    code(c, "0f0b")  # ud2: its handler's first instruction is next
    two = step(c), step(c)
    assert two == (0x310000, CODE), two
    code(c, "cc")  # the guest's own int3 is the guest's
    assert step(c) == 0x310000 and step(c) == CODE + 1
    code(c, "b903000000" "bf00003400" "f3aa" "90")  # rep stosb: an iteration a step, as on a processor with TF
    assert step(c) == CODE + 5 and step(c) == CODE + 10
    assert step(c) == CODE + 10 and step(c) == CODE + 10 and step(c) == CODE + 12
    code(c, "9c" "9d" "90")  # pushf, popf: the guest sees no TF
    step(c)
    assert not int.from_bytes(c.read(0x180000 - 4, 4), "little") & 0x100
    assert step(c) == CODE + 2
    code(c, "ea" + struct.pack("<IH", CODE + 7, 8).hex() + "90")  # a far jump
    assert step(c) == CODE + 7
    # A double fault: #GP whose gate is not present.
    assert c.ask(f"M{0x320000 + 13 * 8:x},8:" + "00" * 8) == "OK"
    code(c, "66b83412" "8ed8" "90")  # load DS with what is no descriptor
    c.said = ""
    assert c.ask("vCont;c").startswith("T0b") and c.eip() == 0x310000, hex(c.eip())
    assert "double fault, during the delivery of #GP" in c.said, c.said
    # The guest asks for the debugger: port 8A00h.
    code(c, "66ba008a" "66b8008a" "66ef" "66b8e08a" "66ef" "90")
    assert c.ask("vCont;c").startswith("T05thread") and c.eip() == CODE + 16, hex(c.eip())
    assert "the guest asked for the debugger" in c.said
    code(c, "f4" "90")  # hlt without interrupts: the guest has halted for good
    assert c.ask("vCont;s:1").startswith("T05")

# A step shows the code that is stepped through, not the interrupts that come meanwhile; unless asked.
LANTERN = symbols()
with Machine("-append", "run=spin") as m:
    c = m.client()
    c.no_acks()
    assert c.ask(f"Z0,{LANTERN['timer_interrupt']:x},1") == "OK"
    assert c.ask("vCont;c").startswith("T05")
    assert c.ask(f"z0,{LANTERN['timer_interrupt']:x},1") == "OK"

    def icount():
        return int.from_bytes(bytes.fromhex(c.ask(f"p{number['icount']:x}")), "little")

    def before_a_tick():
        """User code, a few thousand instructions before the timer's next interrupt."""
        at = []
        c.ask(f"Z0,{LANTERN['timer_interrupt']:x},1")
        for _ in range(2):
            assert c.ask("vCont;c").startswith("T05")
            at.append(icount())
        c.ask(f"z0,{LANTERN['timer_interrupt']:x},1")
        while not c.registers()["cs"] & 3:
            c.ask("vCont;s:1")
        c.monitor(f"stepi {2 * at[1] - at[0] - icount() - 3000}")
        assert c.registers()["cs"] & 3
        return c.eip() & ~0xfff

    def through(low):
        """Through more than a tick, as long as it goes on in that page; has one come?"""
        ticks = c.read(LANTERN["ticks"], 4)
        c.send(f"vCont;r{low:x},{low + 0x1000:x}:1")
        for _ in range(100 * SLOW):
            time.sleep(0.1)
            c.raw("\x03")
            assert c.answer().startswith("T0")
            if not low <= c.eip() < low + 0x1000 or c.read(LANTERN["ticks"], 4) != ticks:
                break
            c.send(f"vCont;r{low:x},{low + 0x1000:x}:1")
        return c.read(LANTERN["ticks"], 4) != ticks

    low = before_a_tick()
    assert through(low)
    # spin makes system calls of its own.
    assert low <= c.eip() < low + 0x1000 or c.eip() == LANTERN["sysenter_entry"], hex(c.eip())
    assert c.ask("Qqemu.sstep=1") == "OK" and c.ask("qqemu.sstep") == "0x1"
    assert c.monitor("show step-interrupts").startswith("step-interrupts is on")
    low = before_a_tick()
    assert c.ask(f"vCont;r{low:x},{low + 0x1000:x}:1").startswith("T05")
    assert c.eip() >= 0xc0000000, hex(c.eip())
    c.monitor("set step-interrupts off")
    assert c.ask("qqemu.sstep") == "0x7"

# A console's command that lets the guest run is not cut short by what gdb would be told in a stop (the ROM has moved).
with Machine("-append", "tour") as m:
    c = m.client()
    c.no_acks()
    assert "/vitrine/vmi-rom" in c.ask("qXfer:libraries:read::0,fff")
    c.monitor("tbreak sys_fork")
    said = c.monitor("continue")
    assert "Temporary breakpoint 1, " in said and "<sys_fork+0>" in said, said

# Who asks something else before such a command is done has given it up (gdb's user has typed Ctrl-C): the guest stops, and the next
# answer is that of the question.
with Machine("-append", "run=spin") as m:
    c = m.client()
    c.no_acks()
    c.send("qRcmd," + b"continue".hex())
    time.sleep(0.3)
    assert c.ask("qC") == "QC1"
    first = c.monitor("print $icount")
    assert c.monitor("print $icount").split("=")[1] == first.split("=")[1]
    assert c.ask("vCont;s:1").startswith("T05")
