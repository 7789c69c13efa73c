/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest time.
 *
 * Virtual: one instruction is one nanosecond, plus what was skipped while
 * the guest was halted; nothing of the host is in it, so it stands still at
 * a prompt and runs repeat.  Host: between samples taken of the host's clock
 * time goes on with instructions, slowly enough (four to the nanosecond)
 * that a sample hardly ever finds it ahead; it never goes back. */
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

u64 clock_now(struct vm *vm, u64 icount)
{
	const struct clock *k = &vm->clock;

	if (!k->host)
		return icount + k->skew;
	return k->at_ns + (icount - k->at_icount) / HOST_IPNS;
}

void clock_sample(struct vm *vm)
{
	struct clock *k = &vm->clock;
	u64 now, icount = vm->cpu->icount;

	if (!k->host)
		return;
	now = clock_now(vm, icount);
	k->at_ns = host_ns() - k->host_start;
	if (k->at_ns < now)
		k->at_ns = now;
	k->at_icount = icount;
}

void clock_resume(struct vm *vm)
{
	u64 before = clock_now(vm, vm->cpu->icount);

	clock_sample(vm);
	vm->clock.stolen += clock_now(vm, vm->cpu->icount) - before;
}

u64 clock_icount_until(struct vm *vm, u64 when)
{
	u64 now = clock_now(vm, vm->cpu->icount), left;

	if (when <= now)
		return 0;
	left = when - now;
	if (vm->clock.host)
		return left > UINT64_MAX / HOST_IPNS ? left : left * HOST_IPNS;
	return left;
}

void clock_skip_to(struct vm *vm, u64 when)
{
	u64 now = clock_now(vm, vm->cpu->icount);

	if (when > now)
		vm->clock.skew += when - now;
}
