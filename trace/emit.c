/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the place where an event happens to the provider, with the guest's x87
 * and SSE registers put away: this file is compiled without them. */
#include "trace/emit.h"

u8 trace_on[TRACE_EVENTS];
const struct trace_provider *trace_provider;

static struct trace_machine machine;
static u64 counts[TRACE_EVENTS];

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

void trace_record(enum trace_event event, const struct trace_head *head)
{
	u8 image[512] __attribute__((aligned(16)));
	bool live = machine.fpu_live && *machine.fpu_live;

	counts[event]++;
	if (live)
		away(image);
	trace_provider->of[event].record(head);
	if (live)
		__asm__ volatile("fxrstor64 (%0)" : : "r"(image) : "memory");
}

/* ---- the host's time-stamp counter ---- */

u64 trace_ns_per_tick; /* 32 bits of fraction */

u64 trace_ns(u64 ticks)
{
	return (u64)((unsigned __int128)ticks * trace_ns_per_tick >> 32);
}

void trace_emit(enum trace_event event, struct trace_head *head)
{
	if (machine.where)
		machine.where(machine.arg, head);
	trace_record(event, head);
}
