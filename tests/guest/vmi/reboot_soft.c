/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A soft Reboot, too, comes into force at once: nothing is run behind it.  EXIT 0 */
#include "tests/guest/vmi/vmi.h"

void test(void)
{
	find_rom(true);
	paging_on();
	print("rebooting\n");
	vmi(Reboot, 0, 0, 0);
	print("still here\n");
}
