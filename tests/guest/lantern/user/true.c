/* SPDX-License-Identifier: GPL-3.0-or-later */
/* true: does nothing, well; bench runs it to measure exec. */
#include "lantern.h"

int main(void)
{
	return 0;
}
