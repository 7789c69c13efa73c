#!/bin/bash
# forks.sh - many short processes in Debian's kernel: address spaces come, go and reuse the same pages.  Nearly all its
# accesses to memory are in windows: 2.5 million are not, 4.8 were when a table at a constant address in the upper half was not.
set -u
cd "$(dirname "$0")/../.." || exit 4
scripts/linux.sh fetch || { echo "Debian's i386 packages cannot be fetched"; exit 77; }
forks=1500 pipes=300
[ -z "${TRANSLATOR-}" ] || forks=150 pipes=30 # a tenth of the work, where all is translated over and over
stats=$(mktemp)
trap 'rm -f "$stats"' EXIT
out=$(FLAVOUR=$1 ENGINE="${ENGINE:-${VITRINE:-build/vitrine} -batch} -stats $stats" APPEND='quiet vitrine.run="i=0; while [ $i -lt '$forks' ]; do (exit 3); i=$((i+1)); done; echo forks $i; i=0; while [ $i -lt '$pipes' ]; do /bin/true; /bin/echo $i | cat >/tmp/x; i=$((i+1)); done; echo pipes $(cat /tmp/x)"' scripts/linux.sh boot </dev/null)
printf '%s\n' "$out"
for line in "forks $forks" "pipes $((pipes - 1))" "vitrine: exit 0"; do
	printf '%s\n' "$out" | tr -d '\r' | grep -qx "$line" || { echo "no line is: $line"; exit 1; }
done
[ -z "${TRANSLATOR-}" ] || exit 0 # any access may be made another way
soft=$(sed -n 's/.*"soft_accesses": *\([0-9]*\).*/\1/p' "$stats")
[ "${soft:-9999999}" -le 3500000 ] || { echo "$soft accesses to memory are not in windows"; exit 1; }
