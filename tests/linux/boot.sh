#!/bin/bash
# boot.sh - boots Debian's kernel to the ready marker, runs commands in it, expects their output.
#
#   tests/linux/boot.sh FLAVOUR [OPTION...]       OPTIONs go to the engine
set -u
cd "$(dirname "$0")/../.." || exit 4
flavour=$1
shift
scripts/linux.sh fetch || { echo "Debian's i386 packages cannot be fetched"; exit 77; }

out=$(FLAVOUR=$flavour ENGINE="${ENGINE:-${VITRINE:-build/vitrine} -batch}" \
	APPEND='vitrine.run="uname -r; seq 1000 | sha256sum; for i in 1 2 3; do (echo child $i); done; false"' \
	scripts/linux.sh boot "$@" </dev/null)
status=$?
printf '%s\n' "$out"
[ $status = 0 ] || { echo "status $status, expected 0"; exit 1; }
expect() {
	printf '%s\n' "$out" | tr -d '\r' | grep -qx -- "$1" || { echo "no line is: $1"; exit 1; }
}
expect "vitrine: shell ready"
expect ".*-$flavour"
expect "$(seq 1000 | sha256sum)"
expect "child 3"
expect "vitrine: exit 1"
