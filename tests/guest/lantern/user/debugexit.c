/* SPDX-License-Identifier: GPL-3.0-or-later */
/* debugexit N: leaves the monitor with a status, through port F4h. */
#include "lantern.h"

int main(int argc, char **argv)
{
	return power(POWER_DEBUG_EXIT, argc > 1 ? parse_number(argv[1]) : 0);
}
