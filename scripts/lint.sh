#!/bin/sh
# lint.sh - static analysis of the C sources by cppcheck and clang-tidy (.clang-tidy), both without a finding.
#
#   scripts/lint.sh [quick] [FILE...]
#
# quick: without clang's path-sensitive analyzer, which takes nearly all of the time. FILE: these alone, default all that
# runs on the host. What runs in a guest is left out: there is little C between its inline assembly. Also the LTTng
# provider, which is LTTng's macros. Status 1 if there is a finding; one that is false is silenced where it stands, with
# its reason, by NOLINT or cppcheck-suppress.
# environment: B where the build is (build), JOBS run at a time (one a processor)
cd "$(dirname "$0")/.." || exit 4
export JOBS="${JOBS:-$(nproc)}" FLAGS="-std=gnu11 -D_GNU_SOURCE -I. -I${B:-build}/gen"
checks=
if [ "${1-}" = quick ]; then
	checks=--checks=-clang-analyzer-*
	shift
fi
export checks

if [ $# = 0 ]; then
	set -- $(find core vmi gdbstub trace repl tests scripts -name '*.c' ! -name 'provider*' ! -path 'tests/guest/*' \
		! -path 'tests/diff/ring0/*' ! -path tests/diff/guest.c ! -path tests/bench/ring.c | sort)
fi

# ctuuninitvar is only looked for with one job, and does not know that recvmsg and process_vm_readv write.
# shellcheck disable=SC2086 # a list of words
cppcheck --std=c11 --enable=warning,portability,performance --inline-suppr -j "$JOBS" --quiet --error-exitcode=1 \
	--suppress=ctuuninitvar \
	${FLAGS#* } "$@" || bad=1

# clang says on standard error how many warnings of headers it has left out.
# shellcheck disable=SC2016 # for the shell that is called
printf '%s\0' "$@" | xargs -0 -P "$JOBS" -n 1 sh -c '
	case $1 in tests/diff/native.c | tests/bench/micro.c) FLAGS="$FLAGS -m32" ;; esac
	clang-tidy --quiet $checks "$1" -- $FLAGS 2>/dev/null' clang-tidy || bad=1
exit ${bad-0}
