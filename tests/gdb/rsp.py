# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of gdb's remote protocol for tests: a machine, a socket, packets as they are."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

VITRINE = os.environ.get("VITRINE", "build/vitrine")
LANTERN = os.environ.get("LANTERN", "build/lantern.elf")
BUILD = os.environ.get("B", "build")
SLOW = int(os.environ.get("SLOW") or 1)  # how many times longer all may take


class Gone(Exception):
    """The other end has closed the connection."""


class Client:
    """One connection. Bytes beyond ASCII are latin-1 here."""

    def __init__(self, path, timeout=20 * SLOW):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        for left in range(100, -1, -1):
            try:
                self.s.connect(path)
                break
            except (ConnectionRefusedError, BlockingIOError):  # bound, not listening yet; or many wait
                if not left:
                    raise
                time.sleep(0.02)
        self.bytes = b""
        self.acks = True
        self.said = ""  # what O packets said

    def close(self):
        self.s.close()

    def raw(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def more(self):
        """Waits for bytes."""
        try:
            got = self.s.recv(1 << 20)
        except ConnectionError as e:
            raise Gone from e
        if not got:
            raise Gone
        self.bytes += got

    def byte(self):
        while not self.bytes:
            self.more()
        first, self.bytes = self.bytes[:1], self.bytes[1:]
        return first

    @staticmethod
    def unescape(data):
        """Escapes undone, runs written out."""
        out, i = bytearray(), 0
        if b"}" not in data and b"*" not in data:
            return data
        while i < len(data):
            if data[i] == 0x7d:
                out.append(data[i + 1] ^ 0x20)
                i += 2
            elif data[i] == 0x2a:
                out += bytes(out[-1:]) * (data[i + 1] - 29)
                i += 2
            else:
                out.append(data[i])
                i += 1
        return bytes(out)

    def packet(self):
        """The next packet from there, its check sum looked at."""
        while (b := self.byte()) != b"$":
            assert b in b"+-", b
        while (end := self.bytes.find(b"#")) < 0 or len(self.bytes) < end + 3:
            self.more()
        data, check = self.bytes[:end], int(self.bytes[end + 1:end + 3], 16)
        self.bytes = self.bytes[end + 3:]
        assert check == sum(data) & 0xff, (data[:100], check)
        if self.acks:
            self.raw("+")
        return self.unescape(data).decode("latin-1")

    def send(self, text):
        data = bytearray()
        for b in text.encode("latin-1"):
            data += bytes((0x7d, b ^ 0x20)) if b in b"#$}*" else bytes((b,))
        self.raw(b"$" + data + b"#%02x" % (sum(data) & 0xff))

    def answer(self):
        """The next packet that is no console output."""
        while (text := self.packet()).startswith("O") and text != "OK":
            self.said += bytes.fromhex(text[1:]).decode("latin-1")
        return text

    def ask(self, text):
        self.send(text)
        return self.answer()

    def no_acks(self):
        assert self.ask("QStartNoAckMode") == "OK"
        self.acks = False

    def monitor(self, line):
        """What a console command says."""
        self.said = ""
        assert self.ask("qRcmd," + line.encode().hex()) == "OK"
        return self.said

    def registers(self):
        """The core registers by name."""
        names = "eax ecx edx ebx esp ebp esi edi eip eflags cs ss ds es fs gs".split()
        all_of_them = bytes.fromhex(self.ask("g"))
        return {n: int.from_bytes(all_of_them[4 * i:4 * i + 4], "little") for i, n in enumerate(names)}

    def eip(self):
        return int.from_bytes(bytes.fromhex(self.ask("p8")), "little")

    def read(self, addr, n):
        return bytes.fromhex(self.ask(f"m{addr:x},{n:x}"))

    def stop(self):
        """Ctrl-C and the reply to it."""
        self.raw(b"\x03")
        return self.answer()


class Machine:
    """A guest with a stub on a socket of its own."""

    def __init__(self, *words, kernel=LANTERN, stands=True, batch=True, stdin=subprocess.DEVNULL):
        self.dir = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.dir.name, "gdb")
        self.out = open(os.path.join(self.dir.name, "out"), "w+b")
        self.p = subprocess.Popen([VITRINE, *(["-batch"] if batch else []), *(["-S"] if stands else []), "-gdb",
                                   "unix:" + self.path, "-clock", "virtual", *words, kernel], stdin=stdin,
                                  stdout=self.out, stderr=subprocess.STDOUT)
        for _ in range(500):
            if os.path.exists(self.path) or self.p.poll() is not None:
                break
            time.sleep(0.01)

    def client(self, **how):
        return Client(self.path, **how)

    def output(self):
        with open(self.out.name, "rb") as f:
            return f.read().decode("latin-1")

    def wait(self, seconds=20):
        return self.p.wait(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(5)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            if why[0] is None:
                raise
        self.out.close()
        if why[0]:
            sys.stderr.write(self.output()[-2000:] if os.path.exists(self.out.name) else "")
        self.dir.cleanup()


def symbols(path=LANTERN):
    """Addresses by name."""
    lines = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.split("\n")
    return {w[2]: int(w[0], 16) for w in (line.split() for line in lines) if len(w) == 3}
