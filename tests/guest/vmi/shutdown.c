/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shutdown is the end, whatever interrupt is due.  EXIT 0 */
#include "tests/guest/vmi/vmi.h"

void test(void)
{
	u64 now;

	find_rom(true);
	paging_on();
	out8(0x21, 0xfe);
	now = vmi(GetCycleCounter, 0, 0, 0);
	vmi5(VMI_SetAlarm, 0, (u32)now, (u32)(now >> 32), 0, 0);
	print("shutting down\n");
	vmi(Shutdown, 0, 0, 0);
	print("still here\n");
}
