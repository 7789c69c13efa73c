/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The heartbeat: channel 0 of the 8254 timer interrupts a hundred times a
 * second.
 *
 * Each beat is a "tick".  It wakes the sleepers to look at the clock, and every
 * SLICE_TICKS of them it asks for a switch.  That is all there is to
 * preemption: the switch itself happens on the way back to the program
 * (leave_kernel), if anybody else wants the processor.
 *
 * The time-stamp counter is finer but of unknown speed, so unless somebody
 * tells us we count how far it gets between ticks.
 */
#include "kernel.h"

enum { INPUT_HZ = 1193182, CHANNEL_0 = 0x40, COMMAND = 0x43,
       RATE_GENERATOR = 0x34 };
enum { NANOSECONDS_PER_TICK = 1000000000 / TICKS_PER_SECOND };

volatile u32 ticks;
static u32 cycles_per_tick;
static u32 slice_left = SLICE_TICKS;

void pit_start(u32 ticks_per_second)
{
	u32 divisor = INPUT_HZ / ticks_per_second;

	out8(COMMAND, RATE_GENERATOR);
	out8(CHANNEL_0, (u8)divisor);
	out8(CHANNEL_0, (u8)(divisor >> 8));
}

void timer_interrupt(void)
{
	ticks++;
	current->ticks++;
	wake((const void *)&ticks);
	if (--slice_left == 0) {
		slice_left = SLICE_TICKS;
		need_switch = true;
	}
}

static void wait_for_tick(void)
{
	u32 now = ticks;

	while (ticks == now)
		pv.halt();
}

/* Needs interrupts; returns with them off, as at boot. */
static void count_cycles(void)
{
	u64 start;

	wait_for_tick();
	start = pv.read_tsc();
	wait_for_tick();
	cycles_per_tick = (u32)(pv.read_tsc() - start);
	pv.cli();
}

void timer_init(void)
{
	u64 cycles = pv.cycles_per_second();

	pv.start_timer(TICKS_PER_SECOND);
	pic_unmask(0);
	if (!cpu.tsc)
		return;
	if (cycles)
		cycles_per_tick = (u32)divide_u64(cycles, TICKS_PER_SECOND,
						  NULL);
	else
		count_cycles();
	printk("lantern: %u ticks a second, %u cycles a tick\n",
	       TICKS_PER_SECOND, cycles_per_tick);
}

int sys_time(struct lantern_time *to)
{
	struct lantern_time time = {
		.cycles = cpu.tsc ? pv.read_tsc() : 0,
		.cycles_per_tick = cycles_per_tick,
		.ticks = ticks,
		.ticks_per_second = TICKS_PER_SECOND,
		.boot_seconds = boot_seconds,
	};

	return copy_to_user(to, &time, sizeof(time));
}

/* Rounds up, and adds the tick that has partly gone by already. */
int sys_nanosleep(u32 seconds, u32 nanoseconds)
{
	u32 end;

	if (nanoseconds >= 1000000000 || seconds > 1000000)
		return -E_INVAL;
	end = ticks + 1 + seconds * TICKS_PER_SECOND +
	      (nanoseconds + NANOSECONDS_PER_TICK - 1) / NANOSECONDS_PER_TICK;
	pv.cli();
	while ((int)(end - ticks) > 0 && !current->killed)
		sleep_on((const void *)&ticks);
	pv.sti();
	return current->killed ? -E_INTR : 0;
}
