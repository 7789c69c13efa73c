/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reboot takes away what calls had set: alarms, the ROM's state.  Time goes
 * on, which is how the second life knows itself; -no-reboot (as here) ends
 * it after the first, tests/repl/vmi_reboot.py does not.  EXIT 0 */
#include "tests/guest/vmi/vmi.h"

enum { REAL, AVAILABLE, PERIODIC = 0x100, SECOND = 1000000000 };

static u64 counter(u32 which)
{
	return vmi(GetCycleCounter, which, 0, 0);
}

static u32 ticks(u32 instructions)
{
	struct state s = at(0, FRAG("sti; 1: dec ecx; jnz 1b; cli"));

	s.ecx = instructions / 2;
	run(&s);
	out8(0x20, 0x20);
	return s.vec == 0x20;
}

static void alarms(void)
{
	for (u32 which = REAL; which <= AVAILABLE; which++) {
		u64 now = counter(which);

		vmi5(VMI_SetAlarm, which | PERIODIC, (u32)now, (u32)(now >> 32), 100000, 0);
	}
}

void test(void)
{
	struct state halt;

	find_rom(true);
	paging_on();
	out8(0x43, 0x3a);
	out8(0x21, 0xfe);
	print("alarms from before: %d\n", ticks(1000000));
	alarms();
	vmi(SetLazyMode, 1, 0, 0);
	print("alarms: %d\n", ticks(1000000));
	if (counter(REAL) >= SECOND) {
		print("both are armed: %x %x\n",
		      (u32)vmi(CancelAlarm, REAL, 0, 0), (u32)vmi(CancelAlarm, AVAILABLE, 0, 0));
		print("time went on\n");
		return;
	}
	print("again\n");
	vmi(CancelAlarm, AVAILABLE, 0, 0);
	vmi5(VMI_SetAlarm, REAL, SECOND, 0, 0, 0);
	halt = at(0, patch(FRAG("vmi Halt")));
	run(&halt);
	out8(0x20, 0x20);
	alarms();
	vmi(Reboot, 1, 0, 0);
}
