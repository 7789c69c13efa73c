#!/bin/bash
# costs.sh - what an operation of lantern's benchmark may cost in events that are dear, under either engine.
#
# Events are counted, so the answer is the same on any machine.  A row: the operation, how often it is done, the counter
# of -stats, how many of them are allowed for a hundred operations, and the engines.  Boot and warming fall out, since it is the
# difference of a short and a long run that is judged.
# environment: VITRINE LANTERN
image=${LANTERN:-build/lantern.elf} vitrine=${VITRINE:-build/vitrine}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0

counted() { # ENGINE OPERATION TIMES COUNTER
	"$vitrine" -batch -clock virtual -engine "$1" -kernel "$image" -append "run=bench $2 $3" -stats "$tmp/stats.json" \
		</dev/null >"$tmp/out" 2>&1 || { tail -n 3 "$tmp/out" >&2; exit 1; }
	sed -n "s/.*\"$4\": *\([0-9]*\).*/\1/p" "$tmp/stats.json" | head -n 1
}

while read -r operation times counter most engines; do
	for engine in $engines; do
		few=$(counted "$engine" "$operation" "$times" "$counter") || exit 1
		many=$(counted "$engine" "$operation" $((times * 3)) "$counter") || exit 1
		each=$(((many - few) * 100 / (times * 2)))
		echo "$engine: 100 of $operation make $each $counter, at most $most"
		[ "$each" -le "$most" ] || status=1
	done
done <<'ROWS'
mmap     2000  window_faults  10        bt vmi
fork     300   window_faults  20        bt vmi
exec     200   window_faults  30        bt vmi
fault    2000  window_faults  10        bt vmi
sysenter 4000  lookups        1         bt vmi
int80    4000  lookups        1         bt vmi
cr3      4000  lookups        1         bt vmi
pte      4000  lookups        1         bt vmi
switch   1000  lookups        10        bt vmi
mmap     2000  lookups        10        bt vmi
switch   1000  window_compares 10       vmi
pipe     1000  window_compares 10       vmi
ROWS
exit $status
