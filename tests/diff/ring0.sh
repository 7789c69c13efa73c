#!/bin/bash
# ring0.sh - compares random supervisor work (segments, gates, tasks, flags, paging, ports) with QEMU's TCG.
#
#   tests/diff/ring0.sh SEED GROUPS [MODE...]     modes: words of -translator, or default (which is default)
#
# The guest of tests/diff/ring0 makes GROUPS groups of 64 trials of each family from SEED and prints a number a group.
# QEMU runs it once, and this engine once for each mode.  Of the first group that differs the first trial that differs
# is printed: its world, its code, and what came of it on both.  Status 1 if there is one, 77 without QEMU.
# environment: ONLY  a family (segments transfers tasks flags virtual86 ports paging pae)
set -u
cd "$(dirname "$0")/../.." || exit 4
[ $# -ge 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
seed=$1 groups=$2
shift 2
[ $# -gt 0 ] || set -- default
command -v qemu-system-i386 >/dev/null || { echo "qemu-system-i386 is not there"; exit 77; }
B=${B:-build}
guest=$B/diff/ring0.elf
out=$B/diff/ring0-$seed-$groups-$$
mkdir -p "$out"
words="seed=$seed groups=$groups${ONLY:+ only=$ONLY}"

# Two of these may run at once: built under a name of its own, and moved into place.
if [ -n "$(find tests/diff/ring0 tests/guest/cpu/rt.* -newer "$guest" 2>&1 | head -n 1)" ]; then
	gcc -m32 -march=i686 -std=gnu11 -O2 -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none -mgeneral-regs-only \
		-fno-asynchronous-unwind-tables -Wall -Wextra -I. -nostdlib -static -no-pie -Wl,--build-id=none \
		-Wl,-n,--no-warn-rwx-segments -Wl,-Ttext=0x100000 -o "$out/elf" tests/guest/cpu/rt.S tests/guest/cpu/rt.c \
		tests/diff/ring0/*.c && mv "$out/elf" "$guest" || { echo "cannot build $guest"; exit 4; }
fi

qemu() { # WORDS
	qemu-system-i386 -accel tcg -cpu max -m 64 -display none -no-reboot -serial null -monitor none -debugcon stdio \
		-device isa-debug-exit,iobase=0xf4 -kernel "$guest" -append "$1" </dev/null
}
ours() { # MODE WORDS
	local options=(-translator "$1")
	[ "$1" != default ] || options=()
	"${VITRINE:-$B/vitrine}" -batch -no-reboot -m 64M "${options[@]}" -kernel "$guest" -append "$2" </dev/null
}

# The lines of one trial; the last is the number of all up to it.
trial() { # FILE NUMBER
	awk -v n="$2" '/^trial /{on = $2 == n} on' "$1"
}

explain() { # MODE GROUP
	local n code
	qemu "seed=$seed show=$2" >"$out/qemu.shown" 2>&1
	ours "$1" "seed=$seed show=$2" >"$out/ours.shown" 2>&1
	n=$(diff <(grep -a '^  number' "$out/qemu.shown") <(grep -a '^  number' "$out/ours.shown") | sed -n 's/^\([0-9]*\).*/\1/p;1q')
	[ -n "$n" ] || { echo "alone, that group does not differ"; return; }
	n=$((n - 1))
	trial "$out/qemu.shown" "$n" >"$out/qemu.trial"
	trial "$out/ours.shown" "$n" >"$out/ours.trial"
	sed '/^  number/d;s/\(.\{200\}\).*/\1 .../' "$out/qemu.trial"
	code=$(sed -n 's/^  code at \([^:]*\):.*/\1/p' "$out/qemu.trial")
	sed -n 's/^  code at [^:]*://p' "$out/qemu.trial" | xxd -r -p >"$out/code"
	objdump -D -b binary -m "$(grep -q '16-bit cs' "$out/qemu.trial" && echo i8086 || echo i386)" -M intel \
		--adjust-vma="0x$code" "$out/code" | sed 1,7d
	echo "< QEMU, > ours:"
	diff <(tr ' ' '\n' <"$out/qemu.trial") <(tr ' ' '\n' <"$out/ours.trial") | grep '^[<>]' | head -n 40
}

qemu "$words" >"$out/qemu" 2>&1
grep -q '^end of test' "$out/qemu" || { echo "QEMU did not come to the end: $(tail -n 1 "$out/qemu")"; exit 1; }
for mode; do
	ours "$mode" "$words" >"$out/ours" 2>"$out/err"
	cmp -s "$out/qemu" "$out/ours" && continue
	group=$(diff "$out/qemu" "$out/ours" | sed -n 's/^< \([a-z0-9]*:[0-9]*\) .*/\1/p' | head -n 1)
	echo "$(diff "$out/qemu" "$out/ours" | grep -c '^<') groups differ, $group first (mode $mode, seed $seed, $groups groups)"
	tail -n 1 "$out/err"
	[ -z "$group" ] || explain "$mode" "$group"
	echo "all of it is in $out"
	exit 1
done
rm -rf "$out"
