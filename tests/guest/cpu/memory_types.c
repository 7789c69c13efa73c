/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory types that a kernel finds when it begins, by the MTRRs (SDM 3A
 * 11.11.4): RAM is write-back, ROM write-protected, devices are uncached. */
#include "rt.h"

static u64 msr(u32 number)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
	return (u64)high << 32 | low;
}

/* In the first MiB. */
static u32 fixed(u32 a)
{
	u32 number = 0x268 + (a - 0xc0000) / 0x8000, unit = 0x1000;

	if (a < 0x80000) {
		number = 0x250;
		unit = 0x10000;
	} else if (a < 0xc0000) {
		number = 0x258 + (a - 0x80000) / 0x20000;
		unit = 0x4000;
	}
	return (u32)(msr(number) >> (a / unit % 8 * 8)) & 0xff;
}

static u32 type_of(u32 a)
{
	u32 def = (u32)msr(0x2ff), count = (u32)msr(0xfe) & 0xff;

	if (!(def & 0x800))
		return 0;
	if (a < 0x100000 && def & 0x400)
		return fixed(a);
	for (u32 i = 0; i < count; i++) {
		u64 base = msr(0x200 + 2 * i), mask = msr(0x201 + 2 * i);

		if ((mask & 0x800) && (((u32)base ^ a) & (u32)mask & ~0xfffu) == 0)
			return (u32)base & 0xff;
	}
	return def & 0xff;
}

void test(void)
{
	static const u32 places[] = {0, 0x7ffff, 0x80000, 0x9f000, 0xa0000, 0xb8000, 0xc8000, 0xf0000, 0xfffff,
				     0x100000, 0x3ff0000, 0xfec00000, 0xfee00000, 0xfff00000};

	for (u32 i = 0; i < sizeof(places) / sizeof(*places); i++)
		print("%x: %d\n", places[i], type_of(places[i]));
}
