#!/bin/sh
# linux.sh - boots Debian's own i386 kernel to a shell.
#
#   scripts/linux.sh fetch               get the kernels and busybox, pack the initramfs; boot nothing
#   scripts/linux.sh boot [OPTION...]    fetch, then boot; OPTIONs go to the engine
#
# environment: FLAVOUR  686 (default) or 686-pae
#              ENGINE   the command that boots (default build/vitrine; qemu-system-i386 takes the same options)
#              APPEND   more words for the kernel command line, such as vitrine.run="uname -a"
#              OUT      where everything is kept (default build/linux)
set -eu
cd "$(dirname "$0")/.."

FLAVOUR=${FLAVOUR:-686}
ENGINE=${ENGINE:-build/vitrine}
OUT=${OUT:-build/linux}

newest() { ls "$OUT"/root/boot/"$1"-[0-9]*-"$2" | grep -x ".*[0-9]-$2" | sort -V | tail -n 1; }

fetch() {
	scripts/debian.sh "$OUT" i386 busybox-static \
		"linux-image-686=linux-image-[0-9].*-686" "linux-image-686-pae=linux-image-[0-9].*-686-pae"
	for flavour in 686 686-pae; do
		for file in vmlinuz System.map; do
			ln -sf "root/boot/$(basename "$(newest $file $flavour)")" "$OUT/$file-$flavour"
		done
	done
	[ "$OUT/initrd.gz" -nt tests/linux/init ] && [ "$OUT/initrd.gz" -nt "$OUT/root/bin/busybox" ] || pack
}

pack() { # the same bytes each time: fixed owner, order and dates
	rm -rf "$OUT/initrd"
	mkdir -p "$OUT/initrd/bin"
	cp "$OUT/root/bin/busybox" "$OUT/initrd/bin/busybox"
	cp tests/linux/init "$OUT/initrd/init"
	find "$OUT/initrd" -exec touch -h -d @0 {} +
	(cd "$OUT/initrd" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) | gzip -9n >"$OUT/initrd.gz"
}

case ${1-} in
fetch) fetch ;;
boot)
	shift
	fetch
	[ -e "$OUT/vmlinuz-$FLAVOUR" ] || { echo "linux.sh: no kernel of flavour $FLAVOUR (686 or 686-pae)" >&2; exit 2; }
	# shellcheck disable=SC2086 # ENGINE may be several words
	exec $ENGINE -kernel "$OUT/vmlinuz-$FLAVOUR" -initrd "$OUT/initrd.gz" -m 256M \
		-append "console=ttyS0 ${APPEND-}" "$@" ;;
*) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
