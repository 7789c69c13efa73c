/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fputest: four processes compute at once; their x87 registers must not mix. */
#include "lantern.h"

enum { CHILDREN = 4, STEPS = 3000000 };

/* Adds 1/seed so often that the sum should be STEPS; returns it in
 * thousandths.  The sum stays in a register while others are switched to. */
static int compute(int seed)
{
	double sum = 0.0, step = 1.0 / seed;

	for (int i = 0; i < STEPS; i++)
		sum += step;
	return (int)(sum * seed / (STEPS / 1000));
}

int main(void)
{
	int status, good = 0;

	for (int i = 0; i < CHILDREN; i++)
		if (fork() == 0) {
			int result = compute(i + 3);

			exit(result >= 999 && result <= 1001 ? 0 : 1);
		}
	for (int i = 0; i < CHILDREN; i++)
		if (wait(-1, &status, WAIT_BLOCK) > 0 && status == 0)
			good++;
	print("fputest: %d of %d children computed well\n", good, CHILDREN);
	return good != CHILDREN;
}
