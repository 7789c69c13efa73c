/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hello: proof of life. */
#include "lantern.h"

int main(void)
{
	print("Hello from process %d, in ring 3.\n", getpid());
	return 0;
}
