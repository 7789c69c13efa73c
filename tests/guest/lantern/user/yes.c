/* SPDX-License-Identifier: GPL-3.0-or-later */
/* yes [TEXT]: prints it for ever. */
#include "lantern.h"

int main(int argc, char **argv)
{
	for (;;)
		print("%s\n", argc > 1 ? argv[1] : "y");
}
