/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kill PID...: ends processes. */
#include "lantern.h"

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		if (kill((int)parse_number(argv[i])) < 0) {
			print_to(STDERR, "kill: no process %s\n", argv[i]);
			failed = 1;
		}
	return failed;
}
