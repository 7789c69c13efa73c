/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sort [-r] [FILE]: the lines in order, or in reverse. */
#include "lantern.h"

enum { LINES = 4096 };

static char *sorted[LINES];
static struct lines input;

static char *keep(const char *line)
{
	u32 size = strlen(line) + 1;
	char *copy = sbrk((int)size);

	if (is_error(copy)) {
		print_to(STDERR, "sort: no memory\n");
		exit(1);
	}
	memcpy(copy, line, size);
	return copy;
}

/* Insertion sort, but finding the place by halving. */
static void insert(u32 count, char *line, int direction)
{
	u32 low = 0, high = count;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (strcmp(sorted[middle], line) * direction <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	memmove(&sorted[low + 1], &sorted[low], (count - low) * sizeof(char *));
	sorted[low] = line;
}

int main(int argc, char **argv)
{
	int direction = 1, next = 1;
	char line[512];
	u32 count = 0;

	if (argc > 1 && !strcmp(argv[1], "-r")) {
		direction = -1;
		next++;
	}
	input.fd = open_input("sort", argc > next ? argv[next] : NULL);
	while (count < LINES - 1 && next_line(&input, line, sizeof(line)))
		insert(count++, keep(line), direction);
	for (u32 i = 0; i < count; i++)
		print("%s\n", sorted[i]);
	return 0;
}
