#!/bin/bash
# options.sh - every option of the table is in the manual page and in the completion.
bad=0
for option in $(sed -n 's/^OPTION("\([^"]*\)".*/\1/p' core/options.def); do
	tr ' \t"()' '\n' <scripts/vitrine.bash | grep -qx -- "-$option" || { echo "no completion for -$option"; bad=1; }
	sed 's/\\-/-/g; s/\\f[A-Z]/ /g' docs/vitrine.1 | grep -q -- "[ \"]-$option\($\|[ \",]\)" || { echo "-$option is not in docs/vitrine.1"; bad=1; }
done
exit $bad
