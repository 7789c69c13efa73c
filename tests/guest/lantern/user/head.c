/* SPDX-License-Identifier: GPL-3.0-or-later */
/* head [-N]: the first N lines (10) of its input. */
#include "lantern.h"

int main(int argc, char **argv)
{
	static struct lines lines = { .fd = STDIN };
	u32 count = argc > 1 ? parse_number(argv[1] + 1) : 10;
	char line[512];

	while (count-- && next_line(&lines, line, sizeof(line)))
		print("%s\n", line);
	return 0;
}
