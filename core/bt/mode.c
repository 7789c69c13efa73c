/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mode key: what a translation depends on besides its bytes.
 *
 * Kept small on purpose.  FS and GS are not in it (their window pointer is
 * poisoned when they are not 4 GiB wide), nor is the FPU's availability (a
 * word tested where it matters), so that a kernel's code is translated once
 * whatever process it serves.  A code segment that is not flat is named by
 * an index, since its base and limit are part of every branch. */
#include "core/bt/level.h"

#include "core/mem/window.h"

/* Base 0, 4 GiB, and of a type that allows reading and writing. */
static bool flat(const struct cpu *c, const struct seg *s)
{
	if (s->base || s->limit != 0xffffffffu || cpu_is_vm86(c))
		return false;
	if (cpu_is_real(c))
		return true;
	return (s->attr & (SEG_P | SEG_CODE | SEG_RW | SEG_EC)) ==
	       (SEG_P | SEG_RW);
}

static u32 cs_form_index(struct bt *bt, const struct seg *cs)
{
	struct cs_form *f = bt->cs_forms;
	u32 i;

	for (i = 1; i < bt->cs_form_count; i++)
		if (f[i].base == cs->base && f[i].limit == cs->limit)
			return i;
	if (i >= CS_FORMS_MAX) {
		bt_flush(bt, "code segments");
		i = 1;
	}
	f[i].base = cs->base;
	f[i].limit = cs->limit;
	f[i].attr = cs->attr;
	bt->cs_form_count = i + 1;
	return i;
}

u32 mode_now(struct bt *bt)
{
	const struct cpu *c = bt->cpu;
	const struct seg *cs = &c->seg[SEG_CS];
	u32 m = 0;

	if (cs->attr & SEG_DB && !cpu_is_vm86(c))
		m |= MODE_CS32;
	if (cs->base == 0 && cs->limit == 0xffffffffu)
		m |= MODE_CS_FLAT;
	else
		m |= cs_form_index(bt, cs) << MODE_CS_SHIFT;
	if (flat(c, &c->seg[SEG_SS]) && (c->seg[SEG_SS].attr & SEG_DB))
		m |= MODE_SS_FLAT;
	if (flat(c, &c->seg[SEG_DS]))
		m |= MODE_DS_FLAT;
	if (flat(c, &c->seg[SEG_ES]))
		m |= MODE_ES_FLAT;
	if (c->cpl == 0 && !cpu_is_vm86(c))
		m |= MODE_CPL0;
	if (c->cpl == 3)
		m |= MODE_USER;
	if (cpu_is_vm86(c))
		m |= MODE_V86;
	if (c->cpl == 3 && (c->sysflags & EFL_AC) && (c->cr0 & CR0_AM))
		m |= MODE_ALIGN;
	if (c->cr0 & CR0_PG)
		m |= MODE_PAGED;
	return m;
}

/* ---- what follows from it ---- */

/* Does anybody want to hear of transfers, or of modes? */
static bool is_observed(const struct bt *bt)
{
	return bt->points_on || bt->wanted.exits || bt->wanted.events ||
	       bt->on_mode || op_hooks.interrupted || TRACING(cpu_mode) ||
	       TRACING(cpu_software_interrupt) || TRACING(cpu_iret);
}

static void keep_level(struct bt *bt)
{
	const u32 flat = MODE_CS32 | MODE_CS_FLAT | MODE_SS_FLAT;
	struct level *k = level_of(bt, bt->mode & MODE_USER);
	const struct live *l = bt->live;

	bt->observed = is_observed(bt);
	if (bt->observed) {
		mode_forget_levels(bt);
		return;
	}
	if ((bt->mode & flat) != flat || bt->mode & (MODE_V86 | MODE_ALIGN) ||
	    !(bt->mode & (MODE_CPL0 | MODE_USER)))
		return;
	k->mode = bt->mode;
	k->window = l->window;
	k->window_map = l->window_map;
	k->reach = l->reach;
	k->context = l->context;
	k->context_number = l->context_number;
	k->jumps = l->jumps;
}

static u64 segment_window(struct bt *bt, unsigned seg)
{
	const struct seg *s = &bt->cpu->seg[seg];
	bool wide = s->limit == 0xffffffffu &&
		    (s->attr & (SEG_P | SEG_CODE | SEG_RW | SEG_EC)) ==
		    (SEG_P | SEG_RW);

	return wide ? bt->live->window : (u64)(uintptr_t)bt->nowhere;
}

void mode_refresh_fs_gs(struct bt *bt)
{
	bt->cpu->fs_gs_changed = false;
	bt->live->seg_window[0] = segment_window(bt, SEG_FS);
	bt->live->seg_window[1] = segment_window(bt, SEG_GS);
}

void mode_point_gs(const struct bt *bt)
{
	if (bt->has_gs)
		__asm__ volatile("wrgsbase %0" : : "r"(bt->live->user_window));
}

void run_refresh_mode(struct bt *bt)
{
	struct cpu *c = bt->cpu;
	struct live *l = bt->live;

	u32 before = bt->mode;
	u64 user = (u64)(uintptr_t)window_user(c->mem);
	u64 supervisor = (u64)(uintptr_t)window_supervisor(c->mem);
	bool moved = user != l->user_window;

	c->mode_changed = c->level_changed = c->fs_gs_changed = false;
	if (moved || supervisor != bt->supervisor_window)
		mode_forget_levels(bt);
	paravirt_refresh(bt);
	bt->mode = mode_now(bt);
	if (TRACING(cpu_mode))
		record_mode_change(before, bt->mode);
	if (bt->on_mode)
		bt->on_mode(bt->mode_arg);
	l->user_window = user;
	if (moved)
		mode_point_gs(bt);
	bt->supervisor_window = supervisor;
	l->window = bt->mode & MODE_USER ? user : supervisor;
	l->user_window_map = (u64)(uintptr_t)window_map_user(c->mem);
	l->window_map =
		bt->mode & MODE_USER
			? l->user_window_map
			: (u64)(uintptr_t)window_map_supervisor(c->mem);
	l->reach = (u64)(uintptr_t)&bt->reach[!!(bt->mode & MODE_USER)];
	mode_refresh_fs_gs(bt);
	l->context = link_context(bt);
	l->context_number = link_number(bt, l->context);
	l->jumps = (u64)(uintptr_t)link_jumps(bt);
	in_line_context(bt);
	fpu_refresh(bt);
	debugreg_refresh(bt);
	keep_level(bt);
}
