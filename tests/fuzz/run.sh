#!/bin/bash
# run.sh - runs fuzzers that are built, each for some seconds, and says what each has done.
#
#   tests/fuzz/run.sh SECONDS [TARGET...]         TARGET: decode, guest, ... (default all)
#
# Inputs are tests/fuzz/TARGET.seeds (kept) and build/fuzz/TARGET.corpus (found here). What fails is build/fuzz/TARGET-crash-*;
# `build/fuzz/TARGET_fuzz FILE` runs it again. Status 1 if one failed.
# environment: JOBS (2) run at a time; KEEP=1 reduces both sets of inputs of each target to the few that reach as much, in .seeds
cd "$(dirname "$0")/../.." || exit 4
if [ "${1-}" = --one ]; then # SECONDS TARGET, called below
	name=$3 run=build/fuzz/$3_fuzz log=build/fuzz/$3.log
	corpus=build/fuzz/$name.corpus seeds=tests/fuzz/$name.seeds
	[ -d "$seeds" ] || seeds=tests/fuzz/${name%%_*}.seeds
	[ -d "$seeds" ] || seeds=
	mkdir -p "$corpus"
	if [ "${KEEP-}" ]; then
		rm -rf "$corpus.kept" && mkdir "$corpus.kept"
		"$run" -merge=1 "$corpus.kept" ${seeds:+"$seeds"} "$corpus" >"$log" 2>&1 || exit 1
		mkdir -p "tests/fuzz/$name.seeds"
		# the shortest first: a corpus is kept to be read by machines, not to be big
		find "$corpus.kept" -type f -size -9k -printf '%s %p\n' | sort -n | head -n 300 | cut -d ' ' -f 2 |
			xargs -r cp -t "tests/fuzz/$name.seeds"
		echo "$name: $(ls "$corpus.kept" | wc -l) inputs reach as much as $(ls "$corpus" | wc -l)"
		exit
	fi
	ASAN_OPTIONS=detect_leaks=0:allow_user_segv_handler=1 "$run" -max_total_time="$2" -print_final_stats=1 -rss_limit_mb=6000 \
		-artifact_prefix="build/fuzz/$name-" "$corpus" ${seeds:+"$seeds"} >"$log" 2>&1
	status=$?
	awk -v name="$name" -v status=$status '
		/^INFO: Loaded.*counters/ { match($0, /\([0-9]+ inline/); edges = substr($0, RSTART + 1) + 0 }
		/ cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "corp:") corp = $(i + 1) } }
		/number_of_executed_units/ { runs = $2 }
		END { sub(/\/.*/, "", corp)
		      printf "%-18s %10d %7d %7d %6.1f%% %6d  %s\n", name, runs, cov, edges, edges ? 100 * cov / edges : 0, corp,
			     status ? "FAILED, see build/fuzz/" name ".log" : "" }' "$log"
	[ $status = 0 ] || tail -n 25 "$log" >&2
	exit $status
fi
seconds=${1:-60}
shift
[ $# -gt 0 ] || set -- $(ls build/fuzz/*_fuzz | sed 's,.*/,,; s,_fuzz$,,')
printf '%-18s %10s %7s %7s %7s %6s\n' target executions reached edges "" inputs
printf '%s\0' "$@" | xargs -0 -n 1 -P "${JOBS:-2}" bash "$0" --one "$seconds"
