/* SPDX-License-Identifier: GPL-3.0-or-later */
/* forktest [N]: makes N children at once, and checks how each one ended. */
#include "lantern.h"

int main(int argc, char **argv)
{
	u32 count = argc > 1 ? parse_number(argv[1]) : 20, good = 0;
	int status;

	for (u32 i = 0; i < count; i++) {
		int pid = fork();

		if (pid == 0)
			exit((int)(i % 100));
		if (pid < 0) {
			print("forktest: the table is full after %u\n", i);
			count = i;
		}
	}
	for (u32 i = 0; i < count; i++)
		if (wait(-1, &status, WAIT_BLOCK) > 0 && status < 100)
			good++;
	print("forktest: %u of %u children ended well\n", good, count);
	return good != count;
}
