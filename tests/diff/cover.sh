#!/bin/bash
# cover.sh - which rows of the instruction table were run by tests/diff/run.sh, in which form, with operands where.
#
#   tests/diff/cover.sh [DIR]     DIR: build/diff/cover of runs before; without, two small ones are generated to be looked at
#
# A row that has a reason not to be run is not counted as run, though its bytes may have been.
# Status 1 if a row was not run and nothing else is said to test it.
cd "$(dirname "$0")/../.." || exit 4
B=${B:-build} dir=${1-}
if [ -z "$dir" ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	tests/diff/run.sh 1 1000 >/dev/null || exit 1 # builds the generator
	for classes in "" rows; do
		# shellcheck disable=SC2086
		COVER=$dir/c$classes "$B/diff/gen" 1 60000 "$dir/image" $classes >/dev/null || exit 4
	done
	rm "$dir/image"
fi
cat "$dir"/* | awk -F '\t' '
	{ key = $1; name[key] = $2; why[key] = $15 }
	!(key in seen) { seen[key] = ++rows; order[rows] = key }
	{ reg[key] += $3; mem[key] += $4; wide[key] += $5; other[key] += $6; n += $3 + $4
	  for (k = 0; k < 8; k++) place[key, k] += $(7 + k) }
	END {
		split("plain|over a page|up to special|over its edge|in special|page with code|over a device page edge|in a device page", where, "|")
		for (i = 1; i <= rows; i++) {
			key = order[i]
			if (why[key] == "" && reg[key] + mem[key]) {
				run++
				both += reg[key] && mem[key]
				prefixed += wide[key] || other[key]
				for (k = 0; k < 8; k++) at[k] += place[key, k] > 0
			} else if (why[key] != "") {
				left++
				lines = lines sprintf("%-14s %-12s not run: %s\n", key, name[key], why[key])
			} else {
				missing++
				lines = lines sprintf("%-14s %-12s NOT RUN\n", key, name[key])
			}
		}
		printf "%s%d instructions; of %d rows %d were run, %d with register and memory operands, %d with prefixes\n", lines, n, rows, run, both, prefixed
		for (k = 0; k < 8; k++) printf "%d rows with an operand %s\n", at[k], where[k + 1]
		printf "%d are tested elsewhere, %d nowhere\n", left, missing
		exit missing > 0
	}'
