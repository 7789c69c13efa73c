/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sleep [SECONDS]: does nothing for so long. */
#include "lantern.h"

int main(int argc, char **argv)
{
	nanosleep(argc > 1 ? parse_number(argv[1]) : 1, 0);
	return 0;
}
