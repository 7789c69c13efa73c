/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cycle counters and alarms.
 *
 * A cycle is a nanosecond of guest time, as in the time-stamp counter: Linux
 * takes the frequency for the processor's.  Real is available plus stolen,
 * always.  An alarm that has passed fires as soon as it can; of a periodic
 * one, periods that were missed are dropped. */
#include "vmi/vmi_priv.h"

#include "core/mem/mem.h"
#include "core/vm/vm.h"

#define FREQUENCY 1000000000ull

enum { ALARM_COUNTER = 0xff, ALARM_PERIODIC = 0x100, ALARM_LVTT = 0x10000 };

static enum op_result answer(struct cpu *c, u64 value)
{
	c->gpr[EAX] = (u32)value;
	c->gpr[EDX] = (u32)(value >> 32);
	return OP_NEXT;
}

enum op_result vmi_get_cycle_frequency(struct vmi *v, struct cpu *c)
{
	(void)v;
	return answer(c, FREQUENCY);
}

static u64 counter(const struct vmi *v, u32 which)
{
	u64 stolen = vm_stolen(v->vm), real = vm_now(v->vm);

	switch (which) {
	case COUNTER_REAL:
		return real;
	case COUNTER_AVAILABLE:
		return real - stolen;
	case COUNTER_STOLEN:
		return stolen;
	default:
		return 0;
	}
}

enum op_result vmi_get_cycle_counter(struct vmi *v, struct cpu *c)
{
	return answer(c, counter(v, c->gpr[EAX]));
}

/* ---- alarms ---- */

/* By how much the bus, which counts real time, is ahead of its counter. */
static u64 ahead(const struct alarm *a)
{
	return a == &a->v->alarm[COUNTER_AVAILABLE] ? vm_stolen(a->v->vm) : 0;
}

static void arm(struct alarm *a)
{
	u64 by = ahead(a), last = UINT64_MAX - by;

	bus_timer_arm(vm_bus(a->v->vm), &a->timer,
		      a->expiry > last ? UINT64_MAX : a->expiry + by);
}

static void fires(void *dev, u64 now)
{
	struct alarm *a = dev;
	struct bus *b = vm_bus(a->v->vm);

	now -= ahead(a);
	if (now < a->expiry) { /* time was stolen since it was armed */
		arm(a);
		return;
	}
	if (a->lvtt) {
		bus_apic_timer_event(b);
	} else {
		/* An edge, whatever the interval timer made of the line; it
		 * stays high, or an 8259 would forget it (data sheet, "edge
		 * triggered mode"). */
		bus_irq(b, 0, false);
		bus_irq(b, 0, true);
	}
	if (!a->period)
		return;
	a->expiry += ((now - a->expiry) / a->period + 1) * a->period;
	if (a->expiry > now) /* else it is beyond 64 bits */
		arm(a);
}

void alarms_init(struct vmi *v)
{
	static const char *const names[ALARMS] = { "VMI alarm, real",
						   "VMI alarm, available" };

	for (unsigned i = 0; i < ALARMS; i++) {
		v->alarm[i].v = v;
		bus_timer_init(vm_bus(v->vm), &v->alarm[i].timer, names[i],
			       fires, &v->alarm[i]);
	}
}

void alarms_reset(struct vmi *v)
{
	for (unsigned i = 0; i < ALARMS; i++)
		bus_timer_disarm(vm_bus(v->vm), &v->alarm[i].timer);
}

enum op_result vmi_set_alarm(struct vmi *v, struct cpu *c)
{
	u32 flags = c->gpr[EAX], which = flags & ALARM_COUNTER, period[2];
	struct alarm *a;

	if (!mem_read(c, SEG_SS, c->gpr[ESP] + 4, period, 8))
		return OP_FAULT;
	if (which >= ALARMS)
		return OP_NEXT;
	a = &v->alarm[which];
	bus_timer_disarm(vm_bus(v->vm), &a->timer);
	a->period = flags & ALARM_PERIODIC ? (u64)period[1] << 32 | period[0]
					   : 0;
	a->expiry = (u64)c->gpr[ECX] << 32 | c->gpr[EDX];
	a->lvtt = flags & ALARM_LVTT;
	arm(a);
	return OP_NEXT;
}

enum op_result vmi_cancel_alarm(struct vmi *v, struct cpu *c)
{
	u32 which = c->gpr[EAX] & ALARM_COUNTER;
	bool armed = which < ALARMS && v->alarm[which].timer.armed;

	if (armed)
		bus_timer_disarm(vm_bus(v->vm), &v->alarm[which].timer);
	c->gpr[EAX] = armed;
	return OP_NEXT;
}

/* ---- the wall clock ---- */

enum op_result vmi_get_wallclock_time(struct vmi *v, struct cpu *c)
{
	return answer(c, vm_start_time(v->vm) * 1000000000ull + vm_now(v->vm));
}

/* Nobody sets it but the guest. */
enum op_result vmi_wallclock_updated(struct vmi *v, struct cpu *c)
{
	(void)v;
	c->gpr[EAX] = 0;
	return OP_NEXT;
}
