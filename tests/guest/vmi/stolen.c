/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time that the monitor holds the guest is stolen: a debugger that stops in
 * held() for long makes no ticks that are then to be had all at once.  Nobody
 * does here; tests/repl/stolen.py does. */
#include "tests/guest/vmi/vmi.h"

enum { REAL, AVAILABLE, STOLEN, PERIODIC = 0x100, LVTT = 0x10000 };
enum { IRQ0 = 0x20, TICK = 0x50, EOI = 0xb0, SVR = 0xf0, LVTT_REG = 0x320 };
enum { MS = 1000000, PERIOD = 10 * MS };

static u32 idle;

void held(void);
__attribute__((noinline)) void held(void)
{
	asm volatile("" ::: "memory");
}

static u64 counter(u32 which)
{
	return vmi(GetCycleCounter, which, 0, 0);
}

/* Milliseconds without a division of 64 bits. */
static u32 ms(u64 ns)
{
	u32 n = 0;

	for (; ns >= MS; ns -= MS)
		n++;
	return n;
}

/* Interrupts that come until `ns` of that counter have passed. */
static u32 ticks(u32 which, u64 ns)
{
	u64 start = counter(which);
	u32 n = 0;

	while (counter(which) - start < ns) {
		struct state s = at(0, idle);

		run(&s);
		if (s.vec == IRQ0)
			out8(0x20, 0x20);
		if (s.vec == TICK)
			vmi(APICWrite, EOI, 0, 0);
		n += s.vec != END;
	}
	return n;
}

static void hold(const char *what, u32 which)
{
	u64 stolen, real, available;
	u32 before, after;

	before = ticks(which, 10 * PERIOD);
	stolen = counter(STOLEN);
	real = counter(REAL);
	available = counter(AVAILABLE);
	held();
	available = counter(AVAILABLE) - available;
	real = counter(REAL) - real;
	stolen = counter(STOLEN) - stolen;
	after = ticks(which, 10 * PERIOD);
	print("%s: ticks before %d, after %d; held for %d ms, stolen %d ms, available %d ms\n",
	      what, before, after, ms(real), ms(stolen), ms(available));
	print("the sum is right: %d\n", real - stolen - available + MS < 2 * MS);
}

static void alarm(u32 flags)
{
	u64 now = counter(flags & 0xff);

	vmi5(VMI_SetAlarm, flags | PERIODIC, (u32)now, (u32)(now >> 32), PERIOD, 0);
}

/* A processor that waits is not held, until it has something to do. */
static void wait(void)
{
	u64 real = counter(REAL), stolen = counter(STOLEN), due = real + 1000ull * MS;
	struct state s = at(0, idle);

	vmi5(VMI_SetAlarm, REAL, (u32)due, (u32)(due >> 32), 0, 0);
	print("waiting\n");
	run(&s);
	out8(0x20, 0x20);
	real = counter(REAL) - real;
	stolen = counter(STOLEN) - stolen;
	print("waited for %d ms, stolen %d ms\n", ms(real), ms(stolen));
}

void test(void)
{
	find_rom(true);
	idle = patch(FRAG("vmi Halt"));
	paging_on();
	out8(0x43, 0x3a); /* the interval timer is silent */
	out8(0x21, 0xfe);
	for (u32 which = REAL; which <= AVAILABLE; which++) {
		alarm(which);
		hold(which ? "available" : "real", which);
		vmi(CancelAlarm, which, 0, 0);
	}
	wait();
	wait();
	vmi(APICWrite, SVR, 0x1ff, 0);
	vmi(APICWrite, LVTT_REG, TICK, 0);
	alarm(REAL | LVTT);
	hold("by the local APIC", REAL);
	vmi(CancelAlarm, REAL, 0, 0);
	out8(0x43, 0x34); /* 100 Hz of the interval timer */
	out8(0x40, 0x9c);
	out8(0x40, 0x2e);
	hold("the interval timer", REAL);
}
