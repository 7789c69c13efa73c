# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option with values that make no sense."""
import sys

from bad import HOST, LANTERN, STAGE, Place

p = Place()
for words, says in (
    ((), "no kernel given"),
    (("-batch",), "no kernel given"),
    (("-",), "two kernels"),
    (("--",), "unknown option --"),
    (("-kernle", "x"), "did you mean -kernel?"),
    (("--frobnicate",), "unknown option --frobnicate"),
    (("-kernel", ""), "-kernel: an empty file name"),
    (("-kernel", "x"), "two kernels"),
    (("-kernel=x",), "two kernels"),
    (("-batch=1",), "-batch takes no value"),
    (("-no-reboot=1",), "-no-reboot takes no value"),
    (("-m", "0"), "-m 0: guest memory is 1M to 3G"),
    (("-m", "-1"), "-m -1: expected a size"),
    (("-m", ""), "-m : expected a size"),
    (("-m", "12Q"), "-m 12Q: expected a size"),
    (("-m", "64.5M"), "expected a size"),
    (("-m", "1MB"), "expected a size"),
    (("-m", "1T"), "expected a size"),
    (("-m", "512K"), "1M to 3G"),
    (("-m", "3073M"), "1M to 3G"),
    (("-m", "4G"), "1M to 3G"),
    (("-m", "99999999999999999999G"), "1M to 3G"),
    (("-m", "18446744073709551617"), "1M to 3G"),
    (("-load", "x"), "-load x: expected a number"),
    (("-load", "-1"), "-load -1: expected a number"),
    (("-load", "4096x"), "expected a number"),
    (("-load", "0x1ffffffff"), "beyond 4 GiB"),
    (("-engine", "kvm"), "expected bt or vmi"),
    (("-engine", "BT"), "expected bt or vmi"),
    (("-gdb", "1.2.3.4"), "-gdb 1.2.3.4: expected tcp:[ADDR:]PORT or unix:PATH"),
    (("-gdb", "tcp:"), "expected tcp:[ADDR:]PORT or unix:PATH"),
    (("-gdb", "tcp:localhost:65536"), "expected tcp:[ADDR:]PORT or unix:PATH"),
    (("-gdb", "unix:"), "expected tcp:[ADDR:]PORT or unix:PATH"),
    (("-s", "-gdb", "tcp:1234"), "two places for gdb"),
    (("-trace=",), "an empty directory name"),
    (("-sandbox", "maybe"), "expected on or off"),
    (("-cpu", "fpu"), "-cpu fpu: expected +FEATURE or -FEATURE"),
    (("-cpu", "+sse2,"), "expected +FEATURE or -FEATURE"),
    (("-cpu", "+vmx"), "-cpu +vmx: no such feature; there are: fpu "),
    (("-cpu", "-SSE"), "-cpu -SSE: no such feature"),
    (("-cpu", "-"), "no such feature"),
    (("-clock", "wall"), "expected virtual or host"),
    (("-seed", "x"), "-seed x: expected a number"),
    (("-seed", "-1"), "-seed -1: expected a number"),
    (("-seed", "99999999999999999999"), "expected a number"),
    (("-serial", "x"), "expected stdio, null, file:PATH, pty or unix:PATH"),
    (("-serial", "unix:"), "expected stdio, null"),
    (("-serial", "file:"), "expected stdio, null"),
    (("-serial", "null") * 3, "only COM1 and COM2"),
    (("-translator", "fast"), "expected windows=off"),
    (("-translator", "windows=on"), "expected windows=off"),
    (("-translator", ""), "expected windows=off"),
    (("-translator", "block=x"), "-translator block=x: expected a number"),
    (("-translator", "block=0"), "-translator block=0: expected 1 to 64"),
    (("-translator", "block=65"), "expected 1 to 64"),
    (("-translator", "code=4096"), "expected 65536 to 1073741824"),
    (("-translator", "code=99999999999"), "expected 65536 to 1073741824"),
    (("-translator", "chaos=0"), "expected 1 to 18446744073709551615"),
    (("-translator", "check="), "-translator check=: expected a number"),
    (("-initrd", ""), "-initrd: an empty file name"),
    (("-initrd", "a,,b"), "-initrd: an empty file name"),
    (("-initrd", ",".join("x" * 65)), "-initrd: more than 64 modules"),
    (("-e", "print 1") * 65, "more than 64 of -e, -x and -symbols"),
):
    kernel = () if "no kernel" in says else (STAGE,)
    p.refused(*words, *kernel, says=says)
for option in "kernel initrd append load m engine cpu gdb serial e x symbols clock seed stats translator sandbox".split():
    p.refused(STAGE, "-" + option, says=f"-{option} needs a value")
for words, says in (
    (("-e", "brek"), "did you mean `break'?"),
    (("-e", "print nosuch"), "no symbol `nosuch'"),
    (("-symbols", LANTERN + "@nosuch"), "@nosuch: no symbol `nosuch'"),
    (("-x", p.file("commands", b"print 1 +\n")), "commands:1: "),
):
    p.refused("-batch", *words, STAGE, says=says)
for words, says in (
    (("-x", "missing"), "missing: No such file"),
    (("-x", "/"), "/:1: Is a directory"),
    (("-x", "/dev/zero"), "/dev/zero:1: a zero byte"),
    (("-x", p.file("long", b"#" * 5000)), "long:1: a line of more than 4095 bytes"),
    (("-symbols", "missing"), "missing: No such file"),
    (("-symbols", "/"), "/: not a regular file"),
    (("-symbols", "/dev/zero"), "/dev/zero: not a regular file"),
    (("-symbols", p.file("text", b"once upon a time\n")), "it says `once upon a time'"),
    (("-symbols", p.file("noise", bytes(range(256)))), "noise: neither an ELF file nor a System.map"),
    (("-symbols", p.file("elf", b"\x7fELF" + bytes(100))), "elf: neither an ELF file nor a System.map"),
    (("-stats", "/"), "-stats /: Is a directory"),
    (("-stats", "no/such"), "-stats no/such: No such file"),
    (("-serial", "file:/"), "-serial file:/: Is a directory"),
    (("-serial", "file:no/such"), "-serial file:no/such: No such file"),
    (("-serial", "unix:no/such"), "-serial unix:no/such: No such file"),
    (("-serial", "unix:" + "x" * 200), "the path must have 1 to 107 characters"),
    (("-kernel=" + "x" * 5000,), "File name too long"),
    (("-kernel=two\nlines",), "two?lines: No such file"),
):
    kernel = () if words[0].startswith("-kernel") else (STAGE,)
    p.refused("-batch", *words, *kernel, says=says, status=HOST)
sys.exit(p.end())
