/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaving.
 *
 * Real machines power off through ACPI, whose tables say which port to write;
 * the virtual ones that we are meant for agree on 604h.  A batch test wants to
 * report more than "over", and uses the isa-debug-exit device at F4h: the
 * monitor ends with status (value << 1) | 1.
 */
#include "kernel.h"

void power_off(void)
{
	printk("lantern: power off\n");
	pv.out16(0x2000, 0x604);
	pv.shutdown();
	__builtin_unreachable();
}

void debug_exit(u8 value)
{
	out8(0xF4, value);
	power_off();		/* there is no such device here */
}

int sys_power(u32 how, u32 value)
{
	switch (how) {
	case POWER_OFF:
		power_off();
	case POWER_REBOOT:
		printk("lantern: reboot\n");
		pv.reboot(1);
		return 0;
	case POWER_DEBUG_EXIT:
		debug_exit((u8)value);
	}
	return -E_INVAL;
}
