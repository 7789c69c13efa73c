/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest time.
 *
 * Virtual: one instruction is one nanosecond, plus what was skipped while
 * the guest was halted; nothing of the host is in it, so it stands still at
 * a prompt and runs repeat.  Host: the host's clock is sampled whenever the
 * guest reads a clock and between two runs of translated code, so that a
 * loop which polls one timer and counts with another sees both go on alike.
 * From one sample to the next time goes on with instructions, slowly enough
 * (four to the nanosecond) that a sample hardly ever finds it ahead; it
 * never goes back.
 *
 * A sample that reaches a timer's time ends the run, so that the timer is
 * served.  Between two samples more of the host's time may have gone by than
 * the guest had use of: the process was held.  Were it given all at once,
 * the guest would miss ticks of its timers and find its clocks at odds; so it
 * is given what it can have used, and the rest bit by bit, up to twice as
 * fast as it goes by, and whenever the guest waits. */
#include "core/vm/vm_priv.h"

#include <time.h>

enum {
	HOST_IPNS = 4,
	SLOW_NS = 4,	   /* an instruction hardly takes longer */
	AT_ONCE = 500000, /* ns between samples that are nothing special */
};

static u64 host_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

void clock_reset(struct vm *vm)
{
	vm->clock = (struct clock){ .host = vm->cfg.clock_host,
				    .host_start = host_ns() };
}

/*T:130 What time is it? */
u64 clock_now(struct vm *vm, u64 icount)
{
	const struct clock *k = &vm->clock;

	if (!k->host)
		return icount + k->skew;
	return k->at_ns + (icount - k->at_icount) / HOST_IPNS;
}
/*T:*/

static u64 host_time(const struct vm *vm)
{
	return host_ns() - vm->clock.host_start;
}

static u64 least(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* What a running guest is given of the host's time up to `host`. */
static u64 give(const struct clock *k, u64 host, u64 insns)
{
	u64 can_use = insns * SLOW_NS + AT_ONCE;
	u64 given = least(host - k->seen_ns, can_use);
	u64 catch_up = least(given, AT_ONCE);

	return least(host, k->at_ns + given + catch_up);
}

static void set_time(struct vm *vm, u64 to, u64 host)
{
	struct clock *k = &vm->clock;
	u64 icount = bt_icount(vm->bt), now = clock_now(vm, icount);

	k->seen_ns = host;
	k->at_ns = to > now ? to : now;
	k->at_icount = icount;
	if (k->at_ns >= bus_next_deadline(vm->bus))
		bt_kick(vm->bt);
}

void clock_sample(struct vm *vm)
{
	const struct clock *k = &vm->clock;
	u64 host;

	if (!k->host)
		return;
	host = host_time(vm);
	set_time(vm, give(k, host, bt_icount(vm->bt) - k->at_icount), host);
}

void clock_waited(struct vm *vm, u64 until)
{
	u64 host;

	if (!vm->clock.host)
		return;
	host = host_time(vm);
	set_time(vm, least(host, until), host);
}

u64 clock_ahead(struct vm *vm)
{
	return vm->clock.host ? host_time(vm)
			      : clock_now(vm, vm->cpu->icount);
}

u64 clock_read(struct vm *vm)
{
	clock_sample(vm);
	return clock_now(vm, bt_icount(vm->bt));
}

/* When the guest, standing now, could have gone on: one that waits, when the
 * next timer was due. */
static u64 runnable_from(struct vm *vm)
{
	u64 now = clock_now(vm, vm->cpu->icount), due;

	if (!vm->cpu->halted || irq_waits(vm))
		return now;
	due = bus_next_deadline(vm->bus);
	return due > now ? due : now;
}

void clock_resume(struct vm *vm)
{
	u64 from = runnable_from(vm), now;

	clock_waited(vm, UINT64_MAX);
	now = clock_now(vm, vm->cpu->icount);
	if (now > from)
		vm->clock.stolen += now - from;
}

u64 clock_icount_until(struct vm *vm, u64 when)
{
	u64 now = clock_now(vm, vm->cpu->icount);

	if (when <= now)
		return 0;
	/* On the host's clock about as many: the caller looks again then. */
	return when - now;
}

struct vm_time clock_get(struct vm *vm)
{
	return (struct vm_time){clock_now(vm, vm->cpu->icount),
				vm->clock.stolen};
}

void clock_set(struct vm *vm, const struct vm_time *t)
{
	struct clock *k = &vm->clock;

	clock_reset(vm);
	k->stolen = t->stolen;
	k->skew = t->now - vm->cpu->icount;
	k->at_icount = vm->cpu->icount;
	k->at_ns = k->seen_ns = t->now;
	k->host_start -= t->now;
}

void clock_skip_to(struct vm *vm, u64 when)
{
	u64 now = clock_now(vm, vm->cpu->icount);

	if (when > now)
		vm->clock.skew += when - now;
}
