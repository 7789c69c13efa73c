/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the place where an event happens to the provider, with the guest's x87
 * and SSE registers put away: this file is compiled without them.
 *
 * In sessions of our own an event waits when buffers are full (session.c), a
 * while at most.  When that was in vain nobody takes events any more, be it
 * that the disk is full or the consumer hangs; then none is recorded for some
 * time, so that the guest goes on, and those left out are counted. */
#include "trace/emit.h"

#include <time.h>

enum { STALL_MS = TRACE_BLOCK_MS - 100, PAUSE_MS = 10000 };

u8 trace_on[TRACE_EVENTS];
const struct trace_provider *trace_provider;

static struct trace_machine machine;
static u64 counts[TRACE_EVENTS];
static u64 left_out;
static u64 pause_until; /* ms; 0: all is well */

void trace_set_machine(const struct trace_machine *m)
{
	machine = *m;
}

void trace_changed(void)
{
	if (machine.changed)
		machine.changed(machine.arg);
}

u64 trace_count(enum trace_event event)
{
	return counts[event];
}

static void away(u8 *image)
{
	static const u32 default_mxcsr = 0x1f80;

	__asm__ volatile("fxsave64 (%0)" : : "r"(image) : "memory");
	/* C code must not meet the guest's unmasked exceptions. */
	__asm__ volatile("fninit; ldmxcsr %0" : : "m"(default_mxcsr));
}

/* Of a few ms, and cheap. */
static u64 coarse_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

u64 trace_left_out(void)
{
	return left_out;
}

static void record_or_not(enum trace_event event, const struct trace_head *head)
{
	u64 before = coarse_ms(), after;

	if (before < pause_until) {
		left_out++;
		return;
	}
	trace_provider->of[event].record(head);
	after = coarse_ms();
	pause_until = after - before < STALL_MS ? 0 : after + PAUSE_MS;
}

void trace_record(enum trace_event event, const struct trace_head *head)
{
	u8 image[512] __attribute__((aligned(16)));
	bool live = machine.fpu_live && *machine.fpu_live;

	counts[event]++;
	if (live)
		away(image);
	record_or_not(event, head);
	if (live)
		__asm__ volatile("fxrstor64 (%0)" : : "r"(image) : "memory");
}

/* ---- the host's time-stamp counter ---- */

u64 trace_ns_per_tick; /* 32 bits of fraction */

u64 trace_ns(u64 ticks)
{
	return (u64)((unsigned __int128)ticks * trace_ns_per_tick >> 32);
}

void trace_where(struct trace_head *head)
{
	if (machine.where)
		machine.where(machine.arg, head);
}

void trace_emit(enum trace_event event, struct trace_head *head)
{
	trace_where(head);
	trace_record(event, head);
}
