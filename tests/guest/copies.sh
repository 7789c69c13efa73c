#!/bin/bash
# copies.sh - user code that runs at another linear address is copied, not translated again: a guest that runs two dozen
# fragments at four places each has fewer new translations than copies at the places that follow the first.
# environment: VITRINE B
stats=$(mktemp)
trap 'rm -f "$stats"' EXIT
"${VITRINE:-build/vitrine}" -batch -no-reboot -m 64M -stats "$stats" -kernel "${B:-build}/guest/cpu/moved.elf" >/dev/null 2>&1
copied=$(sed -n 's/.*"copied_blocks": *\([0-9]*\).*/\1/p' "$stats")
echo "$copied blocks copied"
[ "${copied:-0}" -ge 180 ] # 163 when a block in which nothing depends on its place, as one that falls, was not
