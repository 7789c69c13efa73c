/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Code breakpoints, by linear address and without limit in number.
 *
 * A block ends in front of a breakpoint, and nothing is linked to a block
 * that begins at one: so the dispatcher sees every arrival, and code that
 * has none nearby runs as if there were none anywhere.  There, whoever set
 * them is asked whether to stop (bt_on_break); when not, the block at the
 * address, translated once and kept, goes on.
 *
 * Calls of the paravirtual ROM that somebody catches (bt_stop_at_calls) are
 * such places, too, by their physical address.
 *
 * Debuggers take all breakpoints away at each stop and put them back when
 * they go on.  So a change is only noted; blocks are looked through once,
 * when the guest runs on (breaks_apply), for those that really changed. */
#include "core/bt/bt_priv.h"

#include <stdlib.h>

struct bt_break {
	gla_t lin;
	u32 wanted;   /* by so many */
	bool applied; /* blocks are as if it is wanted */
	bool used;    /* the place in the table, by anything */
};

enum { BREAKS_FIRST = 64 };

static struct bt_break *place(struct bt_break *table, u32 size, gla_t lin)
{
	u32 i = (lin * 2654435761u) & (size - 1);

	while (table[i].used && table[i].lin != lin)
		i = (i + 1) & (size - 1);
	return &table[i];
}

bool break_at(const struct bt *bt, gla_t lin)
{
	return bt->break_count &&
	       place(bt->breaks, bt->break_room, lin)->wanted;
}

bool break_between(const struct bt *bt, gla_t from, u32 len)
{
	if (bt->points_on)
		return true;
	for (u32 i = 0; bt->break_count && i < len; i++)
		if (break_at(bt, from + i))
			return true;
	return false;
}

bool break_begins(const struct bt *bt, const struct block *b)
{
	return break_at(bt, b->lin) ||
	       (bt->stops_at_calls && paravirt_stops(bt, b->gpa));
}

/* A table of `size` with what still matters. */
static int rebuild(struct bt *bt, u32 size)
{
	struct bt_break *old = bt->breaks, *now = calloc(size, sizeof(*now));
	u32 *changed = malloc(size * sizeof(*changed));

	if (!now || !changed) {
		free(now);
		free(changed);
		return -1;
	}
	bt->break_used = 0;
	for (u32 i = 0; i < bt->break_room; i++)
		if (old[i].wanted || old[i].applied) {
			*place(now, size, old[i].lin) = old[i];
			bt->break_used++;
		}
	free(old);
	free(bt->break_changes);
	bt->breaks = now;
	bt->break_changes = changed;
	bt->break_room = size;
	return 0;
}

int bt_break_add(struct bt *bt, gla_t lin)
{
	u32 size = bt->break_room ? bt->break_room : BREAKS_FIRST;
	struct bt_break *b;

	if (!bt->break_room || bt->break_used > bt->break_room / 2)
		if (rebuild(bt, bt->break_count > size / 4 ? 2 * size : size))
			return -1;
	b = place(bt->breaks, bt->break_room, lin);
	if (!b->used) {
		*b = (struct bt_break){.lin = lin, .used = true};
		bt->break_used++;
	}
	if (!b->wanted++)
		bt->break_count++;
	bt->breaks_changed = true;
	return 0;
}

void bt_break_remove(struct bt *bt, gla_t lin)
{
	struct bt_break *b;

	if (!bt->break_room)
		return;
	b = place(bt->breaks, bt->break_room, lin);
	if (!b->wanted)
		return;
	if (!--b->wanted)
		bt->break_count--;
	bt->breaks_changed = true;
}

void breaks_free(struct bt *bt)
{
	free(bt->breaks);
	free(bt->break_changes);
}

static int by_address(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Has the block a byte at one of those addresses? */
static bool holds_one(const struct block *b, const u32 *at, u32 n)
{
	u32 low = 0, high = n;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (at[mid] < b->lin)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && at[low] - b->lin < b->guest_len;
}

/* The guest goes on: blocks become what the changes since want them to be. */
void breaks_apply(struct bt *bt)
{
	u32 n = 0;

	bt->breaks_changed = false;
	for (u32 i = 0; i < bt->break_room; i++) {
		struct bt_break *b = &bt->breaks[i];

		if (b->applied == !!b->wanted)
			continue;
		b->applied = b->wanted;
		bt->break_changes[n++] = b->lin;
		in_line_forget_at(bt, b->lin);
	}
	if (!n)
		return;
	qsort(bt->break_changes, n, sizeof(u32), by_address);
	for (u32 i = 0; i < bt->block_count; i++) {
		struct block *b = bt->order[i];

		if (!b->dead && holds_one(b, bt->break_changes, n))
			cache_kill(bt, b, TRACE_invalidate_BREAKPOINT);
	}
}

void bt_on_break(struct bt *bt, bool (*fn)(void *arg, gla_t lin), void *arg)
{
	bt->on_break = fn;
	bt->break_arg = arg;
}

void bt_pass_break(struct bt *bt, bool pass)
{
	const struct cpu *c = bt->cpu;

	bt->pass =
		(struct pass){pass, c->seg[SEG_CS].base + c->eip, c->gpr[ESP]};
}

/* Does the guest stop in front of the instruction at eip? */
bool break_stops(struct bt *bt)
{
	const struct cpu *c = bt->cpu;
	gla_t lin = c->seg[SEG_CS].base + c->eip;

	if (!break_at(bt, lin) &&
	    !(bt->stops_at_calls && paravirt_stops_here(bt)))
		return false;
	if (bt->pass.on && bt->pass.lin == lin && bt->pass.esp == c->gpr[ESP])
		return false;
	fpu_out(bt);
	if (!bt->on_break || bt->on_break(bt->break_arg, lin))
		return true;
	bt_pass_break(bt, true);
	return false;
}

/* Instructions have run, from `from` on: the one that was passed is done,
 * unless it is a string instruction in the middle of its repetitions. */
void break_passed(struct bt *bt, gla_t from)
{
	const struct cpu *c = bt->cpu;

	if (bt->pass.lin == from &&
	    !((c->sysflags & EFL_RF) && c->seg[SEG_CS].base + c->eip == from))
		bt->pass.on = false;
}
