# tour.awk - prints the passages marked /*T:120 why ... */ code /*T:*/ in the order of their numbers.
# Two passages with one number are a mistake, and so is one that does not end.

match($0, /\/\*T:[0-9]+/) {
	if (open) problem("passage " number " has no end")
	number = substr($0, RSTART + 4, RLENGTH - 4) + 0
	if (number in place) problem("passage " number " is also at " place[number])
	place[number] = FILENAME ":" FNR
	text[number] = ""
	order[++count] = number
	open = 1
	sub(/\/\*T:[0-9]+ */, "/* ")
}
open && /\/\*T:\*\// { open = 0; next }
open { text[number] = text[number] $0 "\n" }
function problem(what) { print FILENAME ":" FNR ": " what >"/dev/stderr"; bad = 1 }
END {
	for (i = 2; i <= count; i++) # few enough to insert
		for (k = i; k > 1 && order[k - 1] > order[k]; k--) {
			t = order[k]; order[k] = order[k - 1]; order[k - 1] = t
		}
	for (i = 1; i <= count; i++)
		printf "---- %d. %s\n%s\n", order[i], place[order[i]], text[order[i]]
	exit bad
}
