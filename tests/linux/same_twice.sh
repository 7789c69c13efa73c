#!/bin/bash
# same_twice.sh - two runs with the same inputs print the same and count the same instructions.
#
#   tests/linux/same_twice.sh COMMAND...          a command of the program, in batch
set -u
cd "$(dirname "$0")/../.." || exit 4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for run in 1 2; do
	"$@" -stats "$dir/stats$run" >"$dir/out$run" 2>"$dir/err$run" </dev/null
	echo $? >>"$dir/err$run"
	# what is measured on the host is not part of the run
	grep -v '_ns"\|host\|seconds' "$dir/stats$run" >"$dir/counted$run"
done
diff -a "$dir/out1" "$dir/out2" >"$dir/diff" || { head -n 20 "$dir/diff"; echo "output differs"; exit 1; }
diff "$dir/err1" "$dir/err2" || { echo "status or messages differ"; exit 1; }
diff "$dir/counted1" "$dir/counted2" || { echo "counters differ"; exit 1; }
[ -s "$dir/out1" ] || { echo "nothing was printed"; exit 1; }
