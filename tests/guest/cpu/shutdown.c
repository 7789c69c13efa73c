/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A double fault that is delivered, then one that cannot be: the processor
 * shuts down and the machine stops.  EXIT 3 */
#include "rt.h"

void test(void)
{
	rt_idt[13] = 0;
	TRY(3, "hlt");
	rt_idt[14] = 0;
	paging_on();
	*pte(0x1800000) = 0;
	TRY(3, "mov [0x1800000], eax");
	rt_idt[8] = gate(KCS, 0x1000, 0x0e);
	print("shutting down\n");
	TRY(3, "hlt");
	print("still here\n");
}
