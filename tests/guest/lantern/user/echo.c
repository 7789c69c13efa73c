/* SPDX-License-Identifier: GPL-3.0-or-later */
/* echo WORDS...: prints them. */
#include "lantern.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		print("%s%s", argv[i], i + 1 < argc ? " " : "");
	print("\n");
	return 0;
}
