#!/bin/sh
# linux.sh - boots Debian's own i386 kernel to a shell.
#
#   scripts/linux.sh fetch               get the kernels and busybox, pack the initramfs; boot nothing
#   scripts/linux.sh boot [OPTION...]    fetch, then boot; OPTIONs go to the engine
#   scripts/linux.sh debug               get what gdb wants to know of it, into OUT/debug: vmlinux and modules with debug
#                                        information, Linux's own gdb scripts (900 MB to fetch, 5 GB on disk)
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

fetch() { # one at a time: tests that need it may begin together
	mkdir -p "$OUT"
	exec 9>"$OUT/lock"
	flock 9
	scripts/debian.sh "$OUT" i386 busybox-static \
		"linux-image-686=linux-image-[0-9].*-686" "linux-image-686-pae=linux-image-[0-9].*-686-pae"
	for flavour in 686 686-pae; do
		for file in vmlinuz System.map; do
			ln -sf "root/boot/$(basename "$(newest $file $flavour)")" "$OUT/$file-$flavour"
		done
	done
	[ "$OUT/initrd.gz" -nt tests/linux/init ] && [ "$OUT/initrd.gz" -nt "$OUT/root/bin/busybox" ] || pack
	exec 9>&-
}

pack() { # the same bytes each time: fixed owner, order and dates
	rm -rf "$OUT/initrd"
	mkdir -p "$OUT/initrd/bin"
	cp "$OUT/root/bin/busybox" "$OUT/initrd/bin/busybox"
	cp tests/linux/init "$OUT/initrd/init"
	find "$OUT/initrd" -exec touch -h -d @0 {} +
	(cd "$OUT/initrd" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) | gzip -9n >"$OUT/initrd.gz"
}

# The scripts are in the source package; the constants they need come from the headers that the kernel was made with.
debug() {
	fetch
	release=$(basename "$(readlink "$OUT/vmlinuz-$FLAVOUR")")
	release=${release#vmlinuz-}
	version=$(echo "$release" | sed 's/\.[0-9]*-.*//')
	common=$(echo "$release" | sed 's/-686.*/-common/')
	scripts/debian.sh "$OUT/debug" i386 "linux-image-$release-dbg" "linux-headers-$release" "linux-headers-$common" \
		"linux-source-$version"
	ln -f "$OUT/debug/root/usr/lib/debug/boot/vmlinux-$release" "$OUT/debug/vmlinux"
	ln -sfn "root/usr/lib/debug/lib/modules/$release" "$OUT/debug/modules"
	tree=linux-source-$version/scripts/gdb
	xz -dc "$OUT/debug/root/usr/src/linux-source-$version.tar.xz" |
		tar -x -C "$OUT/debug" --strip-components=1 "$tree"
	ln -f "$OUT/debug/scripts/gdb/vmlinux-gdb.py" "$OUT/debug/vmlinux-gdb.py"
	constants "$OUT/debug/root/usr/src/linux-headers-$common" "$OUT/debug/root/usr/src/linux-headers-$release"
}

constants() { # COMMON OWN: as scripts/gdb/linux/Makefile does
	${CC:-gcc} -m32 -E -P -x c -w -nostdinc -isystem "$(${CC:-gcc} -print-file-name=include)" -D__KERNEL__ \
		-I"$1/arch/x86/include" -I"$2/arch/x86/include/generated" -I"$1/include" -I"$2/include" \
		-I"$1/arch/x86/include/uapi" -I"$2/arch/x86/include/generated/uapi" -I"$1/include/uapi" -I"$2/include/generated/uapi" \
		-include "$1/include/linux/compiler-version.h" -include "$1/include/linux/kconfig.h" \
		-include "$1/include/linux/compiler_types.h" "$OUT/debug/scripts/gdb/linux/constants.py.in" |
		sed '1,/<!-- end-c-headers -->/d' >"$OUT/debug/scripts/gdb/linux/constants.py"
}

case ${1-} in
fetch) fetch ;;
debug) debug ;;
boot)
	shift
	fetch
	[ -e "$OUT/vmlinuz-$FLAVOUR" ] || { echo "linux.sh: no kernel of flavour $FLAVOUR (686 or 686-pae)" >&2; exit 2; }
	# shellcheck disable=SC2086 # ENGINE may be several words
	exec $ENGINE -kernel "$OUT/vmlinuz-$FLAVOUR" -initrd "$OUT/initrd.gz" -m 256M \
		-append "console=ttyS0 ${APPEND-}" "$@" ;;
*) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
