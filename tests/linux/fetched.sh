#!/bin/bash
# fetched.sh - several that want the kernel and its initramfs at once, as tests do in a fresh clone, all get them.
set -eu
cd "$(dirname "$0")/../.."
scripts/linux.sh fetch
place=$(mktemp -d build/fetched.XXXXXX)
trap 'rm -rf "$place"' EXIT
cp -al build/linux/root build/linux/debs "$place"
for turn in 1 2 3; do
	rm -f "$place/initrd.gz"
	pids=
	for i in 1 2 3 4; do
		OUT=$place scripts/linux.sh fetch &
		pids="$pids $!"
	done
	for pid in $pids; do wait "$pid"; done
	cmp "$place/initrd.gz" build/linux/initrd.gz
done
