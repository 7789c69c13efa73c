/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spin [SECONDS]: keeps the processor busy; for ever without a number. */
#include "lantern.h"

int main(int argc, char **argv)
{
	u32 seconds = argc > 1 ? parse_number(argv[1]) : 0;
	struct lantern_time start, now;

	get_time(&start);
	do {
		for (volatile u32 i = 0; i < 100000; i++)
			;
		get_time(&now);
	} while (!seconds ||
		 now.ticks - start.ticks < seconds * now.ticks_per_second);
	return 0;
}
