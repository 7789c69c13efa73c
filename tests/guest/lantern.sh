#!/bin/bash
# lantern.sh - lantern's self-tests, on VMI or without; also checks what lantern says that it runs on.
#
#   tests/guest/lantern.sh ENGINE [WAY]     ENGINE: bt, vmi, novmi (VMI is shown, the guest declines), qemu
#                                           WAY: soft, unlinked, short, stepped, small, chaos, called (no call in line)
engine=$1 way=$2 words=test
case $engine in
bt | qemu) on="native or binary translation" ;;
vmi) on="Vitrine Virtual Machine Interface, VMI 3.0" ;;
novmi) on="native or binary translation" engine=vmi words="test novmi" ;;
*) echo "engine $engine is not known" && exit 1 ;;
esac
set -- -engine "$engine"
case $way in
'') ;;
soft) set -- "$@" -translator windows=off ;;
unlinked) set -- "$@" -translator links=off,gs=off ;;
short) set -- "$@" -translator block=1 ;;
stepped) set -- "$@" -translator "${STEPPED:-step=on}" ;;
small) set -- "$@" -translator code=262144,returns=off ;;
least) set -- "$@" -translator code=65536 ;;
chaos) set -- "$@" -translator "chaos=${SEED:-1},check=${CHECK:-5000},code=262144" ;;
called) ;;
*) echo "way $way is not known" && exit 1 ;;
esac
got=$(mktemp)
trap 'rm -f "$got"' EXIT
image=${LANTERN:-build/lantern.elf} vitrine=${VITRINE:-build/vitrine}
if [ "$engine" = qemu ]; then
	command -v qemu-system-i386 >/dev/null || { echo "no qemu-system-i386"; exit 77; }
	qemu-system-i386 -kernel "$image" -nographic -no-reboot -device isa-debug-exit,iobase=0xf4 -append "$words" >"$got"
elif [ "$way" = called ]; then
	"$vitrine" "$@" -kernel "$image" -append "$words" -serial "file:$got" -e "set vmi-inline off" -e continue -e quit
else
	"$vitrine" "$@" -batch -kernel "$image" -append "$words" >"$got"
fi
grep -a "a teaching kernel\|FAIL\|panic" "$got"
grep -aq "a teaching kernel, on $on" "$got" && grep -aq "^ALL PASSED" "$got"
