/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clocks go on alike: a millisecond of the 8254 is as long by the time
 * stamp counter and by the ACPI timer.  Kernels calibrate by such loops.  On
 * the host's clock the host may do something else meanwhile, so only the
 * shortest of some runs counts, and it may be somewhat long. */
#include "rt.h"

enum { PIT_HZ = 1193182, PM_KHZ = 3580, TSC_KHZ = 1000000, MS = 1, RUNS = 10,
       LONG = 20 * MS };

static u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static u32 pm_timer(void)
{
	u32 v;

	asm volatile("inl %1, %0" : "=a"(v) : "d"((u16)0x608));
	return v;
}

static void start_8254(void)
{
	u32 count = PIT_HZ * MS / 1000;

	out8(0x61, (in8(0x61) & ~2) | 1);
	out8(0x43, 0xb0); /* channel 2, mode 0 */
	out8(0x42, (u8)count);
	out8(0x42, (u8)(count >> 8));
}

static void judge(const char *name, u32 ticks, u32 khz)
{
	int agrees = ticks > khz * MS / 20 * 19 && ticks < khz * LONG;

	print("%s %s\n", name, agrees ? "agrees" : "differs");
}

void test(void)
{
	u32 tsc = ~0u, pm = ~0u;

	for (int i = 0; i < RUNS; i++) {
		u64 tsc_from = rdtsc();
		u32 pm_from = pm_timer(), tsc_took, pm_took;

		start_8254();
		while (!(in8(0x61) & 0x20))
			;
		tsc_took = (u32)(rdtsc() - tsc_from);
		pm_took = (pm_timer() - pm_from) & 0xffffff;
		if (tsc_took < tsc)
			tsc = tsc_took;
		if (pm_took < pm)
			pm = pm_took;
	}
	judge("time stamp counter", tsc, TSC_KHZ);
	judge("ACPI timer", pm, PM_KHZ);
}
