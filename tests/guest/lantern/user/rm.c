/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rm FILE...: removes files. */
#include "lantern.h"

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		if (unlink(argv[i]) < 0) {
			print_to(STDERR, "rm: no file %s\n", argv[i]);
			failed = 1;
		}
	return failed;
}
