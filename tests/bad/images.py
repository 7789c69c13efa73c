# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels, initrds and modules that are missing, no files, truncated, too large, or lie about themselves.

Images are made here field by field; `good` shows that each is right before it is made wrong, so that a case is refused
for its lie and for nothing else."""
import os
import random
import struct
import sys

from bad import HOST, LANTERN, Place

MB1, MB2 = 0x1BADB002, 0xE85250D6
CODE = b"\xfa\xf4"  # cli; hlt: halted for good, status 0
p = Place()


def patched(image, *changes):
    """The image with (offset, format, value) written into it."""
    image = bytearray(image)
    for offset, form, value in changes:
        struct.pack_into("<" + form, image, offset, value)
    return bytes(image)


# ---- the right ones ----

def elf(body=CODE, gpa=0x100000, memsz=4096, entry=0x100000, segments=1, note=b""):
    """An ELF32 executable; `note` lies before the code, for multiboot headers."""
    head = (52 + 32 * segments + 7) & ~7  # multiboot 2 headers lie on 8 bytes
    content = note + body
    out = struct.pack("<4sBBBB8xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 0, 2, 3, 1, entry + len(note), 52, 0, 0, 52, 32, segments,
                      0, 0, 0)
    for n in range(segments):
        at = gpa + 0x10000 * n
        out += struct.pack("<IIIIIIII", 1, head, at, at, len(content), max(memsz, len(content)), 7, 4096)
    return out.ljust(head, b"\0") + content


def bzimage(body=CODE + bytes(4094), protocol=0x20A, sects=1):
    setup = bytearray(512 * (sects + 1))
    setup[0x1F1] = sects
    struct.pack_into("<I", setup, 0x1F4, (len(body) + 15) // 16)
    struct.pack_into("<H", setup, 0x1FE, 0xAA55)
    setup[0x201] = 0x66  # the header ends at 268h
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x206, protocol)
    setup[0x211] = 1
    struct.pack_into("<I", setup, 0x22C, 0x7FFFFFFF)
    struct.pack_into("<I", setup, 0x238, 255)
    struct.pack_into("<QI", setup, 0x258, 0x100000, 1 << 20)
    return bytes(setup) + body


def multiboot1(flags=0, addresses=(), checksum=0):
    return struct.pack("<III", MB1, flags, (-(MB1 + flags) + checksum) & 0xFFFFFFFF) + struct.pack(
        f"<{len(addresses)}I", *addresses)


def kludge(header=0x100000, load=0x100000, end=0x100000 + 64, bss=0, entry=0x100020):
    """A multiboot 1 kernel that gives its addresses itself."""
    return (multiboot1(0x10000, (header, load, end, bss, entry)) + CODE).ljust(64, b"\x90")


def tag(kind, content=b"", size=None, flags=0):
    size = 8 + len(content) if size is None else size
    return struct.pack("<HHI", kind, flags, size) + content + bytes(-len(content) % 8)


def multiboot2(*tags, arch=0, length=None, end=True):
    body = b"".join(tags) + (tag(0) if end else b"")
    length = 16 + len(body) if length is None else length
    return struct.pack("<IIII", MB2, arch, length, -(MB2 + arch + length) & 0xFFFFFFFF) + body


def good(name, image, *words):
    r = p.run("-batch", *words, p.file(name, image))
    if r.returncode or b"halted" not in r.stderr:
        p.failures.append(f"{name} should run: {r.returncode} {r.stderr}")


def bad(says, image, *words):
    path = p.file("image", image)
    p.refused("-batch", *words, path, says="image: " + says, status=HOST)


good("elf", elf())
good("linux", bzimage())
good("multiboot1", elf(note=multiboot1()))
good("kludge", kludge())
good("multiboot2", elf(note=multiboot2()))
good("flat", CODE, "-load", "0x100000")

# ---- no kernels at all ----

os.mkfifo(os.path.join(p.path, "fifo"))
p.file("empty", b"")
for kernel, says in (
    ("missing", "missing: No such file"),
    ("empty", "empty: empty file"),
    (".", ".: not a regular file"),
    ("fifo", "fifo: not a regular file"),
    ("/dev/zero", "/dev/zero: not a regular file"),
    ("/dev/null", "/dev/null: not a regular file"),
    ("empty/x", "empty/x: Not a directory"),
    ("/proc/self/mem", "/proc/self/mem: "),
):
    p.refused("-batch", kernel, says=says, status=HOST)
    for right in ("linux", "multiboot1", "multiboot2"):
        p.refused("-batch", "-kernel", right, "-initrd", kernel + " words", says=says, status=HOST)
bad("not a kernel: neither bzImage, multiboot nor ELF32", b"x")
bad("not a kernel", bytes(100000))
bad("compressed with gzip", b"\x1f\x8b\x08" + bytes(100))
with open(os.path.join(p.path, "sparse"), "wb") as f:
    f.truncate(5 << 30)
p.refused("-batch", "sparse", says="sparse: larger than any guest's memory", status=HOST)
p.refused("-batch", "linux", "-initrd", "sparse", says="sparse: larger than any guest's memory", status=HOST)
os.truncate(os.path.join(p.path, "sparse"), 200 << 20)
for right in ("linux", "multiboot1", "multiboot2"):
    p.refused("-batch", "-kernel", right, "-initrd", "sparse", says="give more memory with -m", status=HOST)
    p.refused("-batch", "-m", "1M", right, says=": ", status=HOST)
p.refused("-batch", "elf", "-append", "words", says="elf: takes no command line", status=HOST)
p.refused("-batch", "elf", "-initrd", "flat", says="elf: takes no modules", status=HOST)

# ---- ELF ----

SEGMENT = 52
for n in range(1, len(elf())):
    bad("", elf()[:n])
bad("64-bit ELF", patched(elf(), (4, "B", 2)))
bad("ELF for another processor", patched(elf(), (5, "B", 2)))
bad("ELF for another processor (machine 40)", patched(elf(), (18, "H", 40)))
bad("ELF of type 1, not an executable", patched(elf(), (16, "H", 1)))
bad("ELF of type 3, not an executable", patched(elf(), (16, "H", 3)))
bad("truncated: 1 program headers at ffffffff", patched(elf(), (28, "I", 0xFFFFFFFF)))
bad("truncated: 65535 program headers", patched(elf(), (44, "H", 65535)))
bad("ELF file without program headers", patched(elf(), (44, "H", 0)))
bad("ELF file without program headers", patched(elf(), (42, "H", 8)))
bad("ELF file with nothing to load", patched(elf(), (SEGMENT, "I", 6)))
bad("truncated: segment 0", patched(elf(), (SEGMENT + 4, "I", 0xFFFFFF00)))
bad("truncated: segment 0", patched(elf(), (SEGMENT + 16, "I", 4000)))
bad("segment 0 is larger in the file", patched(elf(), (SEGMENT + 20, "I", 1)))
bad("segment 0 ends beyond 4 GiB", patched(elf(), (SEGMENT + 20, "I", 0xFFFFFFFF)))
bad("segment 8000000-8001000 is beyond RAM (128 MiB)", patched(elf(), (SEGMENT + 12, "I", 128 << 20)))
bad("segment 7fff001-8000001 is beyond RAM", patched(elf(), (SEGMENT + 12, "I", (128 << 20) - 4095)))
bad("segment 9f001-a0001 lies over the video memory", patched(elf(), (SEGMENT + 12, "I", 0x9F001)))
bad("entry point ffffffff is in no segment", patched(elf(), (24, "I", 0xFFFFFFFF)))
bad("segments 0 and 1 overlap at 100fff", patched(elf(segments=2), (SEGMENT + 32 + 12, "I", 0x100FFF)))
bad("more than 64 segments", elf(segments=65))
bad("leaves no low memory for a GDT", patched(elf(memsz=0x9F000 - 0x1000), (SEGMENT + 12, "I", 0x1000)))

# ---- Linux ----

for n in (0x206, 0x240, 600, 1023, 1024):
    bad("", bzimage()[:n])
bad("truncated: 4080 bytes of 4096", bzimage()[:-16])
bad("truncated: the kernel would begin at 131072 of 5120 bytes", patched(bzimage(), (0x1F1, "B", 255)))
bad("truncated: the kernel would begin at 5120", patched(bzimage(body=bytes(4096)), (0x1F1, "B", 9)))
bad("truncated", patched(bzimage(), (0x1F4, "I", 0xFFFFFFFF)))
bad("boot protocol 1.00 is too old", patched(bzimage(), (0x206, "H", 0x100)))
bad("a zImage", patched(bzimage(), (0x211, "B", 0)))
bad("needs 2049 MiB of RAM", patched(bzimage(), (0x260, "I", 0x7FF00000)))
bad("needs ", patched(bzimage(), (0x258, "Q", 0xFFFFF000)))
bad("needs ", patched(bzimage(), (0x258, "Q", 64 << 20), (0x260, "I", 0xFFFFFFFF)))
bad("command line of 256 bytes; this kernel takes 255", bzimage(), "-append", "x" * 256)
bad("command line of 60000 bytes", patched(bzimage(), (0x238, "I", 0xFFFFFFFF)), "-append", "x" * 60000)
bad("no room for an initrd", patched(bzimage(), (0x22C, "I", 0x1000)), "-initrd", "flat")
bad("segment 100000-", bzimage(body=bytes(200 << 20)))

# ---- multiboot 1 ----

for flags in (8, 0x100, 0xFFF8):
    bad("multiboot header requires unknown features", elf(note=multiboot1(flags)))
bad("multiboot header without addresses in a file that is not ELF", multiboot1() + CODE)
bad("not a kernel", multiboot1(0x10000, (0, 0, 0, 0, 0), checksum=1) + CODE)  # a wrong checksum is no header
bad("not a kernel", bytes(8192) + kludge())  # beyond the first 8192 bytes
bad("not a kernel", bytes(2) + kludge())  # not aligned
for n in (12, 20, 31):
    bad("truncated multiboot header", kludge()[:n])
bad("multiboot header at 100000 cannot be loaded at 100004", kludge(load=0x100004))
bad("multiboot header at 100000 cannot be loaded at fff00", kludge(load=0xFFF00))
bad("multiboot load_end_addr fffff lies below load_addr", kludge(end=0xFFFFF))
bad("truncated: multiboot load_end_addr 100041 is beyond the file", kludge(end=0x100041))
bad("truncated: multiboot load_end_addr ffffffff", kludge(end=0xFFFFFFFF))
bad("multiboot bss_end_addr 100001 lies in the loaded part", kludge(bss=0x100001))
bad("segment 100000-ffffffff is beyond RAM", kludge(bss=0xFFFFFFFF))
bad("segment f0000000-f0000040 is beyond RAM", kludge(0xF0000000, 0xF0000000, 0xF0000040, 0, 0xF0000020))
bad("multiboot addresses", kludge(0xFFFFFFE0, 0xFFFFFFE0, 0, 0, 0xFFFFFFE0))
bad("segment a0000-a0040 lies over the video memory", kludge(0xA0000, 0xA0000, 0xA0040, 0, 0xA0020))
bad("entry point 5000 is in no segment", kludge(entry=0x5000))

# ---- multiboot 2 ----

ADDRESSES = struct.pack("<IIII", 0x100000, 0x100000, 0, 0)
bad("multiboot 2 header for architecture 4", elf(note=multiboot2(arch=4)))
bad("truncated multiboot 2 header", elf(note=multiboot2(length=0x10000)))
bad("truncated multiboot 2 header", elf(note=multiboot2(length=8)))
bad("truncated multiboot 2 header", elf(note=multiboot2(length=0xFFFFFFF0)))
bad("multiboot 2 header without an end tag", elf(note=multiboot2(end=False)))
bad("multiboot 2 header tag of 0 bytes", elf(note=multiboot2(tag(6, size=0))))
bad("multiboot 2 header tag of 7 bytes", elf(note=multiboot2(tag(6, size=7))))
bad("multiboot 2 header tag of 4294967295 bytes", elf(note=multiboot2(tag(6, size=0xFFFFFFFF))))
bad("multiboot 2 header requires unknown tag 99", elf(note=multiboot2(tag(99))))
bad("multiboot 2 header requires unknown information 22", elf(note=multiboot2(tag(1, struct.pack("<I", 22)))))
bad("multiboot 2 header tag 2 is too short", elf(note=multiboot2(tag(2, bytes(8)))))
bad("multiboot 2 header tag 3 is too short", elf(note=multiboot2(tag(3))))
bad("multiboot 2 header gives addresses and no entry", multiboot2(tag(2, ADDRESSES)) + CODE)
bad("multiboot 2 header without addresses in a file that is not ELF", multiboot2() + CODE)
bad("entry point 5000 is in no segment", multiboot2(tag(2, ADDRESSES), tag(3, struct.pack("<I", 0x5000))) + CODE)
bad("entry point 5000 is in no segment", elf(note=multiboot2(tag(3, struct.pack("<I", 0x5000)))))
bad("not a kernel", b"\0" * 4 + multiboot2(tag(2, ADDRESSES)) + CODE)  # not on 8 bytes
bad("not a kernel", bytes(32768) + multiboot2(tag(2, ADDRESSES)) + CODE)

# ---- modules ----

p.refused("-batch", "-kernel", "multiboot1", "-initrd", "flat a,missing b", says="missing: No such file", status=HOST)
for right in ("multiboot1", "multiboot2"):
    p.refused("-batch", "-kernel", right, *("-initrd", "flat " + "x" * 130000) * 5, says="no low memory for 65", status=HOST)
    p.refused("-batch", "-kernel", right, *("-initrd", "flat " + "x" * 130000) * 4, "-append", "x" * 120000,
              says="no low memory for 64", status=HOST)
p.refused("-batch", "-m", "3G", "-kernel", "flat", "-load", "0xbfffffff", says="flat: segment bfffffff-c0000001 is beyond RAM",
          status=HOST)
p.refused("-batch", "-kernel", "flat", "-load", "0xffffffff", says="beyond RAM", status=HOST)

# ---- symbols: a kernel with none, or bad ones, boots without a word about them ----

with open(LANTERN, "rb") as f:
    lantern = f.read()
sections = struct.unpack_from("<I", lantern, 0x20)[0]
for n in range(1, struct.unpack_from("<H", lantern, 0x30)[0]):
    p.cases += 1
    r = p.run("-batch", "-e", "quit", p.file("image", patched(lantern, (sections + 40 * n + 20, "I", 0x7FFFFFFF))))
    if r.returncode or r.stderr:
        p.failures.append(f"section {n} too long: {r.returncode} {r.stderr}")

# ---- bytes changed at random: any end is right that is one of the contract's ----

rng = random.Random(1)
for turn, right in enumerate([elf(note=multiboot1()), bzimage(), kludge(), elf(note=multiboot2(tag(6))), lantern] * 24):
    image = bytearray(right)
    for _ in range(rng.randint(1, 6)):
        image[rng.randrange(min(len(image), 1200))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    image = image[:rng.choice((len(image), rng.randrange(1, len(image))))]
    p.cases += 1
    r = p.run("-batch", "-serial", "null", "-e", "stepi 20000", "-e", "quit", p.file("image", image))
    if r.returncode not in (0, HOST) or r.stderr.count(b"\n") > 1:
        p.failures.append(f"turn {turn}: {r.returncode} {r.stderr}")
sys.exit(p.end())
