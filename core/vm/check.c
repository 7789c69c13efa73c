/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: are the invariants of all rooms true, and does the guest not
 * notice what it may not?
 *
 * Each room has a check of its own, which ends the process when something is
 * wrong; here they are called.  With chaos on, runs are short, of random
 * length, and between them the translator and the windows forget, unlink,
 * change their minds and run out of room at random.  The random numbers are
 * the seed's alone, so that what was found once is found again. */
#include "core/vm/vm_priv.h"

#include "core/base/check.h"
#include "core/mem/window.h"

/* Instructions of a run are at most 2 to this; and a hundred runs or so fit
 * into what was done so far, so that a long life takes no day. */
enum { CHAOS_BITS = 15, CHAOS_RUNS = 7 };

static unsigned bits_of_run(u64 icount)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(icount | 1);

	return bits < CHAOS_BITS + CHAOS_RUNS ? CHAOS_BITS : bits - CHAOS_RUNS;
}

void vm_check(struct vm *vm)
{
	struct err e;

	CHECK(!saved_state_check(vm, &e), "%s", e.text);
	CHECK(bt_icount(vm->bt) == vm->cpu->icount,
	      "the machine stands, and instructions are under way");
	bus_check(vm->bus);
	mem_check(vm->mem);
	bt_check(vm->bt);
}

/* Steele and Vigna's splitmix64. */
static u64 roll(struct vm *vm)
{
	u64 z = vm->chaos += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

u64 chaos_limit(struct vm *vm, u64 limit)
{
	u64 dice = roll(vm), now = vm->cpu->icount;
	u64 length = 1 + (dice >> 8) % (1ull << dice % bits_of_run(now));

	if (dice >> 60 < 8)
		bt_disturb(vm->bt, roll(vm));
	if (dice >> 60 & 1)
		window_disturb(vm->cpu, roll(vm));
	return limit > now + length ? now + length : limit;
}
