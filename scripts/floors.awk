# floors.awk - checks that files include only downwards.  First argument: core/floors; then the sources.
# A room is the longest line of core/floors that begins the file's path.  Prints each include that goes up or
# sideways and ends with status 1 if there was one.

FILENAME == ARGV[1] {
	if ($0 !~ /^#/ && NF) {
		floor++
		for (i = 1; i <= NF; i++) level[$i] = floor
	}
	next
}
function room(path,   r, best) {
	for (r in level)
		if ((path == r || index(path, r "/") == 1) && length(r) > length(best)) best = r
	return best
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	to = part[2]
	if (to ~ /\.def$/) next
	mine = room(FILENAME)
	theirs = room(to)
	if (mine == "") wrong("is in no room of " ARGV[1])
	else if (theirs == "") wrong("includes " to ", which is in no room (write paths from the root)")
	else if (mine != theirs && level[theirs] >= level[mine])
		wrong("includes " to (level[theirs] == level[mine] ? ", a neighbour's" : ", which is above it"))
}
function wrong(text) { printf "%s:%d: %s %s\n", FILENAME, FNR, mine == "" ? FILENAME : mine, text; bad = 1 }
END { exit bad }
