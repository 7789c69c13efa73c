/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From one privilege level to another and on to the block there, inline: a
 * system call is two of these, and little more. */
#ifndef CORE_BT_LEVEL_H
#define CORE_BT_LEVEL_H

#include "core/bt/bt_priv.h"

/* ---- the mode and what follows from it ---- */

/* What run_refresh_mode does, when c->level_changed is set or more.  Nothing
 * but CPL, CS and SS changed, which are flat now; so if the level was in such a
 * mode last, with data segments like these, it is in the same again. */
static inline void level_refresh(struct bt *bt)
{
	struct cpu *c = bt->cpu;
	const struct level *k = level_of(bt, c->cpl);
	struct live *l = bt->live;
	u64 nowhere = (u64)(uintptr_t)bt->nowhere;

	if ((bt->mode ^ k->mode) & LEVEL_SAME || c->mode_changed ||
	    c->sysflags & EFL_AC) {
		run_refresh_mode(bt);
		return;
	}
	c->level_changed = false;
	bt->mode = k->mode;
	if (l->seg_window[0] != nowhere)
		l->seg_window[0] = k->window;
	if (l->seg_window[1] != nowhere)
		l->seg_window[1] = k->window;
	l->window = k->window;
	l->window_map = k->window_map;
	l->reach = k->reach;
	l->context = k->context;
	l->context_number = k->context_number;
	l->jumps = k->jumps;
	in_line_context(bt);
}

/* Back in user code, what the kernel did for it is about to be used. */
static inline void entry_told(struct cpu *c)
{
	if (c->entry_told && c->cpl == 3)
		mem_entry_told(c);
}

/* It was a paravirtual call's (of which nobody is told, see stub_of). */
static inline void count_call(struct live *l)
{
	if (l->call_made)
		l->calls[l->call_made - 1]++;
	l->call_made = 0;
}

/* ---- the jump cache ---- */

/* Another for each context: the factor is odd, and the numbers are less than
 * the modulus. */
static inline u32 jump_place(u64 context_number)
{
	return (u32)(context_number * 40503 % JUMP_PLACES);
}

/* Not 0, and what find_jump (stubs.c) adds up to 0.  The context is in the
 * entry's place (link_jumps). */
static inline u64 jump_tag(u32 target)
{
	return ~(u64)target;
}

/* NULL: there is none. */
static inline const struct jump_entry *jump_get(const struct bt *bt, u32 target)
{
	const struct jump_entry *jumps =
		(const struct jump_entry *)(uintptr_t)bt->live->jumps;
	const struct jump_entry *j = jumps + (u16)target;
	u64 tag = jump_tag(target);

	return j->tag == tag		? j
	       : j[JUMP_WAY].tag == tag ? j + JUMP_WAY
					: NULL;
}

/* ---- slots ---- */

/* What a slot holds that leads to no block. */
static inline const u8 *link_empty(const struct bt *bt, u32 slot)
{
	return bt->code_x + bt->code_size + slot * SLOT_STUB;
}

/* ---- the host stack ---- */

/* Takes up the return predictions of this context if they still hold. */
static inline void link_stack_in(struct bt *bt)
{
	struct live *l = bt->live;
	struct level *k = level_of(bt, bt->mode & MODE_USER);

	if (bt->stack_void) {
		bt->level[0].stack_owner = bt->level[1].stack_owner = 0;
		bt->stack_void = false;
	}
	bt->entered = k;
	l->stack_empty = k->stack_empty;
	l->guest_rsp = k->stack_owner == l->context ? k->stack_rsp
						    : k->stack_empty;
	k->stack_owner = l->context;
}

static inline void link_stack_out(struct bt *bt)
{
	bt->entered->stack_rsp = bt->live->guest_rsp;
}

/* ---- on ---- */

/* From a call out of translated code: goes on at cpu->eip, whatever mode that
 * is in by now, if the jump cache knows a block there.  Then resume_pc is set
 * and the stub goes there without the dispatcher. */
static inline bool link_straight(struct bt *bt)
{
	const struct jump_entry *j = jump_get(bt, bt->cpu->eip);

	/* A page that is not followed may have gone unheard. */
	if (!j || !bt->followed_entry)
		return false;
	link_stack_out(bt);
	link_stack_in(bt);
	bt->live->resume_pc = j->host;
	return true;
}

#endif
