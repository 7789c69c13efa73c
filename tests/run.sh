#!/bin/bash
# run.sh - runs the suite, or the tests whose names hold one of the words given.
#
#   tests/run.sh [WORD...]
#
# Every folder of tests has a `list`: lines of NAME LIMIT COMMAND, as text or, if executable, printed by it. LIMIT is in
# seconds. Commands run from the top folder with standard input empty, two at a time; status 0 is passed, 77 skipped,
# anything else, also a time-out, failed. What a test prints is kept in build/log/NAME.log.
# environment: B where the build is (build), JOBS (2), REBASE=1 for tests that can accept their output,
# LOG where logs are kept (B/log), TRANSLATOR words of -translator for every run of the program, SLOW how many times
# longer each test may take (1), and what a test in Python waits for (tests/slow).
cd "$(dirname "$0")/.." || exit 4
export B=${B:-build} CC=${CC:-gcc} CLANG=${CLANG:-clang} CFLAGS=${CFLAGS:--std=gnu11 -D_GNU_SOURCE -I.}
export XDG_STATE_HOME=$PWD/$B/state XDG_CONFIG_HOME=$PWD/$B/config # not the developer's own
export LC_ALL=C NO_COLOR=1 VITRINE=${VITRINE:-$B/vitrine} LANTERN=${LANTERN:-$B/lantern.elf}
LOG=${LOG:-$B/log}
export LOG
[ "${SLOW:-1}" = 1 ] || export PYTHONPATH=$PWD/tests/slow

if [ "${1-}" = --one ]; then # NAME LIMIT COMMAND, called below
	name=$2 limit=$3 command=$4
	log=$LOG/${name//\//-}.log
	begin=$EPOCHREALTIME
	limit=$((limit * ${SLOW:-1}))
	timeout -k 5 "$limit" bash -c "$command" >"$log" 2>&1 </dev/null
	status=$?
	seconds=$(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $begin }")
	case $status in
	0) echo "ok    $name  (${seconds}s)" ;;
	77) echo "skip  $name: $(tail -n 1 "$log")" ;;
	124 | 137) echo "FAIL  $name: no end after ${limit}s ($log)" ;;
	*) echo "FAIL  $name: $(grep -av '^ *$' "$log" | tail -n 1 | cut -c 1-150) ($log)" ;;
	esac
	exit 0
fi

rm -rf "$LOG"
mkdir -p "$LOG"
if [ -n "${TRANSLATOR-}" ]; then
	printf '#!/bin/sh\nexec %q -translator %q "$@"\n' "$(realpath "$VITRINE")" "$TRANSLATOR" >"$LOG/vitrine"
	chmod +x "$LOG/vitrine"
	VITRINE=$LOG/vitrine
	# They count what the program asks of the host, or copy its file; this is a script.
	apart="bad/host faults/some trace/without trace/homeless"
	export STEPPED=step=on,check=100000 # a turn is an instruction there
fi
case $CFLAGS in
*-fsanitize=*) # what the sanitizers reserve and open is the host's as well, and there is no sandbox (docs/security.md)
	apart="bad/host faults/some sandbox/limits sandbox/all-other-calls sandbox/users trace/threads"
	export SANITIZED=1 LSAN_OPTIONS=suppressions=$PWD/tests/asan/leaks:print_suppressions=0
	;;
esac
for list in tests/*/list; do
	if [ -x "$list" ]; then "$list"; else cat "$list"; fi
done | while read -r name limit command; do
	case $name in '' | '#'*) continue ;; esac
	case " ${apart-} " in *" $name "*) continue ;; esac
	if [ $# -gt 0 ]; then
		chosen=
		for word; do case $name in *"$word"*) chosen=1 ;; esac; done
		[ "$chosen" ] || continue
	fi
	printf '%s\0%s\0%s\0' "$name" "$limit" "$command"
done | xargs -0 -r -n 3 -P "${JOBS:-2}" bash "$0" --one | tee "$LOG/summary"

passed=$(grep -c '^ok ' "$LOG/summary")
failed=$(grep -c '^FAIL ' "$LOG/summary")
skipped=$(grep -c '^skip ' "$LOG/summary")
[ "$skipped" = 0 ] && echo "$passed passed, $failed failed" || echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
