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
 * never goes back. */
#include "core/vm/vm_priv.h"

#include <time.h>

enum { HOST_IPNS = 4 };

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

void clock_sample(struct vm *vm)
{
	struct clock *k = &vm->clock;
	u64 now, icount = bt_icount(vm->bt);

	if (!k->host)
		return;
	now = clock_now(vm, icount);
	k->at_ns = host_ns() - k->host_start;
	if (k->at_ns < now)
		k->at_ns = now;
	k->at_icount = icount;
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

	if (!vm->cpu->halted || bus_intr_pending(vm->bus))
		return now;
	due = bus_next_deadline(vm->bus);
	return due > now ? due : now;
}

void clock_resume(struct vm *vm)
{
	u64 from = runnable_from(vm), now = clock_read(vm);

	if (now > from)
		vm->clock.stolen += now - from;
}

u64 clock_icount_until(struct vm *vm, u64 when)
{
	u64 now = clock_now(vm, vm->cpu->icount), left;

	if (when <= now)
		return 0;
	left = when - now;
	/* On the host's clock about as many: the caller looks again then. */
	return left;
}

void clock_skip_to(struct vm *vm, u64 when)
{
	u64 now = clock_now(vm, vm->cpu->icount);

	if (when > now)
		vm->clock.skew += when - now;
}
