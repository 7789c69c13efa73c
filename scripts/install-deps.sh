#!/bin/sh
# install-deps.sh - installs what is missing of the Debian packages that a make target needs.
#
#   scripts/install-deps.sh [run] [check] [test-faults] [bench] [bench-full] [bench-check] [bench-gdb] [bench-vmi] [bench-trace] [lint]
#
# Does nothing, and needs neither root nor network, when all of them are there. Says in one line what it installs.
set -eu

run="gcc libc6-dev gcc-multilib libreadline-dev binutils-dev liblttng-ust-dev libseccomp-dev"
test="clang libclang-rt-dev libcmocka-dev libzydis-dev qemu-system-x86 gdb lldb nasm cpio gzip xz-utils dpkg-dev python3 python3-pexpect
	lttng-tools babeltrace2 python3-bt2 tmux strace cppcheck clang-tidy"

want=$run
for goal; do
	case $goal in
	run) ;;
	check | test-faults | bench | bench-full | bench-check | bench-gdb | diff | bench-trace) want="$run $test" ;;
	lint) want="$run cppcheck clang-tidy" ;;
	bench-vmi) want="$run python3" ;;
	*) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
done

missing=
for package in $want; do
	dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing$missing"
root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "install-deps.sh: neither root nor sudo; install these yourself:$missing" >&2; exit 4; }
	root=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A mirror in the middle of an update is no reason to stop: what matters is whether the packages come.
$root apt-get update -q >"$log" 2>&1 || echo "install-deps.sh: package lists could not all be renewed, going on" >&2
# shellcheck disable=SC2086 # a list of words
$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >"$log" 2>&1 </dev/null || {
	tail -n 20 "$log" >&2
	echo "install-deps.sh: could not install$missing" >&2
	exit 4
}
