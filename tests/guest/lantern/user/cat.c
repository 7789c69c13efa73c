/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cat [FILE...]: copies files, or its input, to its output. */
#include "lantern.h"

static void copy(int fd)
{
	char buffer[1024];
	int got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		if (!write_all(STDOUT, buffer, (u32)got))
			exit(1);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		copy(STDIN);
	for (int i = 1; i < argc; i++) {
		int fd = open_input("cat", argv[i]);

		copy(fd);
		close(fd);
	}
	return 0;
}
