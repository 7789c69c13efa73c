#!/bin/bash
# run.sh - compares random instruction blocks on an engine with this host's CPU.
#
#   tests/diff/run.sh SEED INSNS [CLASS...]       classes: int stack string flow x87 mmx sse fault (default all); rows
#
# Prints the first block that differs: its instructions, and both states after it. Status 1 if there is one.
# environment: ENGINE  the command that boots the image and prints port E9h (default build/vitrine in batch);
#                      `ENGINE=qemu` is QEMU's TCG
#              WORDS   words for the guest's command line: `paging`
set -u
cd "$(dirname "$0")/../.." || exit 4
[ $# -ge 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
seed=$1 insns=$2
shift 2
most=500000 # what an image may hold; a block for each row takes more room
case " $* " in *" rows "*) most=150000 ;; esac
if [ "$insns" -gt $most ]; then
	while [ "$insns" -gt 0 ]; do
		"$0" "$seed" $((insns < most ? insns : most)) "$@" || exit 1
		seed=$((seed + 1)) insns=$((insns - most))
	done
	exit 0
fi
B=${B:-build} WORDS=${WORDS-paging}
ENGINE=${ENGINE:-${VITRINE:-$B/vitrine} -batch}
[ "$ENGINE" != qemu ] || ENGINE="qemu-system-i386 -accel tcg -cpu max -display none -no-reboot -serial none -monitor none -debugcon stdio -device pc-testdev"
out=$B/diff/$seed-$insns${WORDS:+-$WORDS}${1:+-$(echo "$*" | tr ' ' -)}
mkdir -p "$out"

# Two of these may run at once, so each builds under a name of its own and moves it into place.
build() { # RESULT COMMAND... with @ for the result
	local result=$1 new=$1.$$
	shift
	[ -z "$(find tests/diff core/x86 -newer "$result" -name '*.[chSl]*' 2>&1 | head -n 1)" ] && return
	"${@//@/$new}" && mv "$new" "$result" || { echo "cannot build $result"; exit 4; }
}
warn="-Wall -Wextra -I."
build "$B/diff/gen" gcc -O2 $warn -o @ tests/diff/gen.c tests/diff/insns.c tests/diff/integer.c \
	tests/diff/media.c tests/diff/rows.c tests/diff/host.c core/x86/decode.c
build "$B/diff/native" gcc -m32 -O2 -mgeneral-regs-only -static -no-pie $warn -o @ tests/diff/native.c
build "$B/diff/guest.o" gcc -m32 -O2 -mgeneral-regs-only -ffreestanding -fno-pic -fno-stack-protector $warn \
	-r -nostdlib -o @ tests/diff/guest.c tests/diff/guest_start.S

[ ! -d "$B/diff/cover" ] || export COVER="$B/diff/cover/$(basename "$out")"
"$B/diff/gen" "$seed" "$insns" "$out/image" "$@" || exit 4
(cd "$out" && objcopy -I binary -O elf32-i386 -B i386 --rename-section .data=.image image image.o) &&
	ld -m elf_i386 -z noexecstack --no-warn-rwx-segments -T tests/diff/guest.ld -o "$out/guest.elf" "$B/diff/guest.o" "$out/image.o" || exit 4

engine() { $ENGINE -kernel "$out/guest.elf" -m 128M -append "$WORDS $1"; }

"$B/diff/native" "$out/image" >"$out/native" || { echo "the native runner failed ($?)"; exit 4; }
engine "" </dev/null >"$out/engine" 2>"$out/engine.err"
if cmp -s "$out/native" "$out/engine"; then
	rm -rf "$out"
	exit 0
fi
line=$(cmp "$out/native" "$out/engine" 2>&1 | sed -n 's/.*line \([0-9]*\).*/\1/p')
[ -n "$line" ] || line=$(($(wc -l <"$out/engine") + 1))
block=$((line - 1))
echo "$(diff "$out/native" "$out/engine" | grep -c '^<') blocks differ, block $block first (seed $seed, $insns instructions, ${*:-all classes})"
tail -n 2 "$out/engine.err"
scripts_image() { # WORD OFFSET: a word of the image
	od -An -tu4 -j "$1" -N 4 "$out/image" | tr -d ' '
}
# layout.h: header 16 bytes, 64 states of 512, the arena, then blocks of 92 bytes.
at=$((16 + 64 * 512 + 0x4000 + 92 * block))
code=$(scripts_image $at)
next=$(scripts_image $((at + 92)))
[ "$next" -gt "$code" ] 2>/dev/null || next=$((code + 400))
objdump -D -b binary -m i386 -M intel --no-show-raw-insn --adjust-vma=0x2000000 --start-address=$code --stop-address=$next "$out/image" | sed 1,7d
"$B/diff/native" "$out/image" show=$block >"$out/native.state"
engine "show=$block" </dev/null >"$out/engine.state" 2>&1
echo "states (native | engine):"
diff -y -W 150 --suppress-common-lines "$out/native.state" "$out/engine.state" | head -n 40
echo "all of it is in $out"
exit 1
