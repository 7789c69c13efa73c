/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grep TEXT [FILE]: the lines that contain the text. */
#include "lantern.h"

int main(int argc, char **argv)
{
	static struct lines lines;
	char line[512];
	int status = 1;

	if (argc < 2) {
		print_to(STDERR, "grep: which text?\n");
		return 2;
	}
	lines.fd = open_input("grep", argc > 2 ? argv[2] : NULL);
	while (next_line(&lines, line, sizeof(line)))
		if (find_text(line, argv[1])) {
			print("%s\n", line);
			status = 0;
		}
	return status;
}
