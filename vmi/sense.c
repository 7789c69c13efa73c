/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments that mean nothing.  A call with such does nothing, as its
 * function sees to, and is counted apart. */
#include "vmi/vmi_priv.h"

enum { FLUSHES = 3, DEBUG_REGISTERS = 8, APIC_STEP = 16 };

bool makes_sense(u32 number, const struct cpu *c)
{
	u32 a = c->gpr[EAX];

	switch (number) {
	case VMI_SetDR:
	case VMI_GetDR:
		return a < DEBUG_REGISTERS;
	case VMI_FlushTLB:
		return a && a <= FLUSHES;
	case VMI_SetLinearMapping:
		return a < LINEAR_MAPPINGS;
	case VMI_SetInitialAPState:
		return c->gpr[EDX] < APS;
	case VMI_APICRead:
	case VMI_APICWrite:
		return a % APIC_STEP == 0;
	case VMI_GetCycleCounter:
		return a <= COUNTER_STOLEN;
	case VMI_SetAlarm:
	case VMI_CancelAlarm:
		return (a & 0xff) < ALARMS;
	case VMI_SetLazyMode:
		return a < LAZY_MODES;
	default:
		return true;
	}
}
