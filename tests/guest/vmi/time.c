/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counters and alarms: once, again and again, in the past, never; through
 * the interrupt controllers of the PC and through the local APIC.
 *
 * No time is shown, since it is counted in instructions; only what is
 * before what, and how often. */
#include "tests/guest/vmi/vmi.h"

enum { REAL, AVAILABLE, STOLEN, PERIODIC = 0x100, LVTT = 0x10000 };
enum { IRQ0 = 0x20, TICK = 0x50, SPURIOUS = 0xff };
enum { LVTT_REG = 0x320, EOI = 0xb0, SVR = 0xf0, TPR = 0x80, TMICT = 0x380 };

static u64 counter(u32 which)
{
	return vmi(GetCycleCounter, which, 0, 0);
}

static void alarm(u32 flags, u64 expiry, u64 period)
{
	vmi5(VMI_SetAlarm, flags, (u32)expiry, (u32)(expiry >> 32), (u32)period,
	     (u32)(period >> 32));
}

/* Waits for at most `ns` with interrupts on; the vector that came, 0: none. */
static u32 wait(u32 ns)
{
	static u32 code;
	struct state s;

	if (!code)
		code = patch(FRAG("sti; 1: dec ecx; jnz 1b; cli"));
	s = at(0, code);
	s.ecx = ns / 2;
	run(&s);
	if (s.vec == IRQ0)
		out8(0x20, 0x20);
	if (s.vec == TICK)
		vmi(APICWrite, EOI, 0, 0);
	return s.vec == END ? 0 : s.vec;
}

/* Two waits, one after the other. */
static void waits(const char *what, u32 first, u32 second)
{
	print("%s: %b", what, wait(first));
	print(" %b\n", wait(second));
}

static u32 ticks(u32 n, u32 ns)
{
	u32 count = 0;

	while (n--)
		count += wait(ns) != 0;
	return count;
}

static void counters(void)
{
	u64 frequency = vmi(GetCycleFrequency, 0, 0, 0), real, later, wall;

	print("fits 32 bits when divided by 1000: %d\n",
	      frequency && frequency / 1000 < 1ull << 32);
	real = counter(REAL);
	later = counter(REAL);
	print("goes on: %d\n", later > real);
	print("nothing stolen yet: %x\n", (u32)counter(STOLEN));
	print("real is available and stolen: %d\n",
	      counter(REAL) - (counter(AVAILABLE) + counter(STOLEN)) + 1000 < 1000);
	print("no such counter: %x %x\n", (u32)counter(3), (u32)counter(0xffffffff));
	real = counter(REAL);
	later = vmi(RDTSC, 0, 0, 0);
	wait(1000000);
	real = counter(REAL) - real;
	later = vmi(RDTSC, 0, 0, 0) - later;
	print("as fast as the time-stamp counter: %d\n",
	      real - later + 200 < 400 && real >= 1000000);
	wall = vmi(GetWallclockTime, 0, 0, 0);
	wait(1000000);
	wall = vmi(GetWallclockTime, 0, 0, 0) - wall;
	print("the wall clock in nanoseconds: %d\n", wall - 1000000 < 1000);
	print("years since 1970 below 2400: %d, nobody set it: %x\n",
	      (u32)(vmi(GetWallclockTime, 0, 0, 0) >> 32) < 0xb8000000,
	      (u32)vmi(WallclockUpdated, 0, 0, 0));
}

static void once(u32 which)
{
	u64 start = counter(which);

	alarm(which, start + 100000, 0);
	print("too early: %b", wait(50000));
	print(", then %b", wait(100000));
	print(" after %d", counter(which) - start - 100000 < 1000);
	print(", then %b\n", wait(200000));
	alarm(which, counter(which) + 100000, 50000); /* not asked for */
	print("a period without the flag: %d\n", ticks(4, 200000));
	alarm(which | PERIODIC, counter(which) + 100000, 0);
	print("a period of 0: %d\n", ticks(4, 200000));
	alarm(which, counter(which) - 1, 0);
	waits("in the past", 1000, 1000);
	alarm(which, 0, 0);
	waits("at 0", 1000, 1000);
	alarm(which, ~0ull, 0);
	print("never: %b, cancelled %x", wait(1000000), (u32)vmi(CancelAlarm, which, 0, 0));
	print(" %x\n", (u32)vmi(CancelAlarm, which, 0, 0));
	alarm(which, counter(which) + 100000, 0);
	alarm(which, counter(which) + 300000, 0);
	waits("armed again", 200000, 200000);
	alarm(which, counter(which) + 100000, 0);
	print("cancelled: %x", (u32)vmi(CancelAlarm, which | PERIODIC | LVTT, 0, 0));
	print(" %x %b\n", (u32)vmi(CancelAlarm, which, 0, 0), wait(200000));
}

static void periodic(u32 which)
{
	u64 start = counter(which);
	u32 n;

	alarm(which | PERIODIC, start, 100000); /* as Linux arms it */
	n = ticks(10, 200000);
	print("ten in nine periods: %d %d\n", n,
	      counter(which) - start - 900000 < 10000);
	start = counter(which);
	while (counter(which) - start < 1000000) /* interrupts off */
		;
	print("missed ones are one: %b", wait(1000));
	print(" %b, in step:", wait(1000));
	print(" %b\n", wait(100000));
	vmi(CancelAlarm, which | PERIODIC, 0, 0);
	print("cancelled: %b\n", wait(300000));
	alarm(which | PERIODIC, counter(which), ~0ull);
	waits("a period of 2^64-1", 1000, 1000000);
	alarm(which | PERIODIC, counter(which), 1ull << 63);
	waits("of 2^63", 1000, 1000000);
	alarm(which | PERIODIC, counter(which), 1);
	waits("of 1", 1000, 1000);
	vmi(CancelAlarm, which, 0, 0);
	wait(1000); /* what was pending */
	print("then none: %b\n", wait(10000));
}

static void both(void)
{
	alarm(REAL, counter(REAL) + 100000, 0);
	alarm(AVAILABLE, counter(AVAILABLE) + 200000, 0);
	print("one of each: %d\n", ticks(3, 300000));
	alarm(STOLEN | PERIODIC, 0, 1000);
	alarm(3 | PERIODIC, 0, 1000);
	alarm(0xff | PERIODIC, 0, 1000);
	print("others: %d, cancelled %x\n", ticks(3, 10000),
	      (u32)vmi(CancelAlarm, STOLEN, 0, 0));
	VMI(0, "mov esp, 0x2000000; vmi SetAlarm");
}

static void masked(void)
{
	out8(0x21, 0xff);
	alarm(REAL, counter(REAL) + 1000, 0);
	print("masked: %b", wait(10000));
	out8(0x21, 0xfe);
	waits(", unmasked", 10000, 10000);
}

static void halted(void)
{
	u64 start = counter(REAL);

	alarm(REAL, start + 100000000, 0);
	VMI(0, "vmi Halt");
	print("in time: %d\n", counter(REAL) - start - 100000000 < 10000);
	out8(0x20, 0x20);
}

/* An interrupt that waits already comes with the flag; STI's shadow is one
 * instruction, here a return, long. */
static void pending(void)
{
	u32 way[] = {FRAG("mov ebx, offset 1f; call ebx; nop; nop; 1: sti; ret"),
		     patch(FRAG("vmi EnableInterrupts; nop; nop")),
		     patch(FRAG("mov eax, 0x200; vmi SetInterruptMask; nop; nop")),
		     FRAG("sti; nop; nop; nop")};

	for (u32 i = 0; i < sizeof(way) / 4; i++) {
		alarm(REAL, counter(REAL), 0);
		for (u32 k = 0; k < 100; k++)
			counter(REAL);
		go("pending", at(0, way[i]));
		out8(0x20, 0x20);
	}
}

static void lvtt(void)
{
	print("before the APIC is on:");
	alarm(REAL | LVTT, counter(REAL), 0);
	print(" %b\n", wait(10000));
	vmi(APICWrite, SVR, 0x100 | SPURIOUS, 0);
	vmi(APICWrite, TPR, 0, 0);
	vmi(APICWrite, LVTT_REG, 0x10000 | TICK, 0);
	alarm(REAL | LVTT, counter(REAL), 0);
	print("masked: %b\n", wait(10000));
	vmi(APICWrite, LVTT_REG, TICK, 0);
	print("unmasked later: %b\n", wait(10000));
	alarm(REAL | LVTT, counter(REAL) + 1000, 0);
	print("the vector of LVTT: %b", wait(10000));
	print(" %b\n", wait(10000));
	alarm(AVAILABLE | LVTT | PERIODIC, counter(AVAILABLE), 10000);
	print("periodic: %d", ticks(10, 100000));
	print(", TMICT %x\n", (u32)vmi(APICRead, TMICT, 0, 0));
	vmi(CancelAlarm, AVAILABLE | LVTT | PERIODIC, 0, 0);
	print("cancelled: %b\n", wait(100000));
	alarm(REAL | LVTT, counter(REAL) + 100000000, 0);
	VMI(0, "vmi Halt");
	vmi(APICWrite, EOI, 0, 0);
	vmi(APICWrite, TPR, 0xf0, 0);
	alarm(REAL | LVTT, counter(REAL), 0);
	print("below the task's priority: %b", wait(10000));
	vmi(APICWrite, TPR, 0, 0);
	print(", above %b\n", wait(10000));
}

void test(void)
{
	find_rom(true);
	paging_on();
	out8(0x43, 0x3a); /* the interval timer is silent */
	out8(0x21, 0xfe);
	print("counters\n");
	counters();
	for (u32 which = REAL; which <= AVAILABLE; which++) {
		print(which ? "available\n" : "real\n");
		once(which);
		periodic(which);
	}
	print("both\n");
	both();
	print("interrupts\n");
	masked();
	halted();
	pending();
	print("local APIC\n");
	lvtt();
}
