/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dispatcher: from eip to a block, into it, and what brought us back.
 *
 * Guest time is a count of instructions.  A run is given a limit; the budget
 * handed to translated code is what is left of it, and a block that is
 * longer than that is replaced by a temporary one that fits, so a run ends
 * at its limit exactly, whatever blocks, links or breakpoints there are. */
#include "core/bt/level.h"

#include "core/mem/window.h"

static const struct {
	const char *name, *text;
} exit_rows[] = {
#define EXIT(name, text) { #name, text },
#include "core/bt/exits.def"
};

const char *bt_exit_name(enum bt_exit exit)
{
	return exit_rows[exit].name;
}

const char *bt_exit_text(enum bt_exit exit)
{
	return exit_rows[exit].text;
}

u64 bt_icount(const struct bt *bt)
{
	if (!bt->in_code)
		return bt->cpu->icount;
	return bt->limit - (bt->live->budget -
			    (u64)(uintptr_t)bt->budget_base) -
	       bt->live->unretired;
}

void bt_set_skew(struct bt *bt, u64 skew)
{
	bt->tsc_counts = true;
	bt->skew = skew;
}

u64 bt_rep_allowance(const struct bt *bt)
{
	return 1 + (bt->live->budget - (u64)(uintptr_t)bt->budget_base);
}

bool bt_rep_must_end(const struct bt *bt)
{
	return bt->kick;
}

void bt_rep_done(struct bt *bt, u64 extra)
{
	bt->live->budget -= extra;
}

/* ---- mode and context ---- */

void run_made_room(struct bt *bt)
{
	if (bt->cpu->mode_changed)
		run_refresh_mode(bt);
	if (bt->stack_void)
		bt->live->guest_rsp = bt->live->stack_empty;
}

/* ---- finding a block ---- */

/* The block at cpu->eip with at most `most` instructions; NULL with an
 * exception pending. */
static struct block *find(struct bt *bt, u64 most)
{
	struct cpu *c = bt->cpu;
	gla_t lin = c->seg[SEG_CS].base + c->eip;
	struct block *b;
	gpa_t gpa, gpa2;

	if (!(bt->mode & MODE_CS_FLAT) &&
	    c->eip > c->seg[SEG_CS].limit) {
		cpu_raise(c, EXC_GP, 0);
		return NULL;
	}
	if (!mem_translate(c, lin, MEM_EXEC, &gpa))
		return NULL;
	b = cache_find(bt, lin, gpa, bt->mode);
	if (b && b->gpa2 != ~0ull) {
		if (!mem_translate(c, (lin | 0xfff) + 1, MEM_EXEC, &gpa2))
			return NULL;
		if (gpa2 != b->gpa2)
			cache_kill(bt, b, TRACE_invalidate_MAPPING), b = NULL;
	}
	if (b && b->insns <= most && !bt->alone)
		return b;
	fpu_out(bt);
	if (b || most < bt->cfg.max_insns)
		return translate(bt, lin, gpa,
				 most < bt->cfg.max_insns ? (unsigned)most
							  : bt->cfg.max_insns,
				 true);
	return translate(bt, lin, gpa, bt->cfg.max_insns, false);
}

/* ---- leaving ---- */

/* A block that straddles pages is only reached through the link table, which
 * hears of both: the edge's stub becomes a jump through its slot. */
static void link_straddling(struct bt *bt, const struct edge *edge)
{
	u8 *site = codemem_written(bt, edge->site);
	int slot = link_slot(bt, edge->target);
	struct emit e;
	s32 rel;

	if (slot < 0)
		return;
	__builtin_memcpy(&rel, site, 4);
	e = (struct emit){ .at = site + 4 + rel, .end = site + 4 + rel + WAY_LEN,
			   .delta = bt->code_x - bt->code_w };
	e_through_slot(&e, 4, slot);
	edge->from->moves = false; /* its fixups are not right any more */
}

void link_jump(struct bt *bt, struct edge *edge, struct block *to)
{
	codemem_patch_jump(bt, edge->site, block_entry(to, edge->ready));
	edge->to = to;
	bt->stats.links++;
	TRACE(bt_link, .target = to->eip, .how = TRACE_link_JUMP);
}

static void link_edge(struct bt *bt, struct edge *edge, struct block *to)
{
	struct block *from = edge->from;

	if (!edge->site || from->dead || to->temporary ||
	    from->lin >> 12 != to->lin >> 12 || from->gpa >> 12 != to->gpa >> 12)
		return;
	if (to->gpa2 != ~0ull) {
		link_straddling(bt, edge);
		return;
	}
	link_jump(bt, edge, to);
}

u64 run_icount(const struct bt *bt)
{
	return bt->limit - (bt->live->budget - (u64)(uintptr_t)bt->budget_base);
}

void bt_where(const struct bt *bt, struct trace_head *head)
{
	const struct cpu *c = bt->cpu;
	unsigned index;
	struct block *b;

	head->icount = bt->running ? run_icount(bt) - bt->live->unretired
				   : c->icount;
	head->eip = c->eip;
	head->cr3 = c->cr3;
	head->cpl = c->cpl;
	if (!bt->eip_open)
		return;
	b = calling_block(bt, &index);
	head->eip = block_insn_eip(b, index);
}

void run_suspend_rf(struct bt *bt, u64 icount)
{
	bt->rf_icount = bt->cpu->sysflags & EFL_RF ? icount : ~0ull;
	bt->cpu->sysflags &= ~(u32)EFL_RF;
}

static void enter(struct bt *bt, const u8 *target)
{
	((void (*)(const u8 *))(uintptr_t)bt->stub_enter)(target);
}

/*T:70 In, and out again for a reason. */
/* Runs from `b` until translated code is left; retires into icount. */
static enum bt_exit run_block(struct bt *bt, const u8 *at, u64 most)
{
	struct live *l = bt->live;
	u64 base = (u64)(uintptr_t)bt->budget_base;
	u64 chunk = most < BUDGET_MAX ? most : BUDGET_MAX;
	enum bt_exit why;

	bt->limit = bt->cpu->icount + chunk;
	l->tsc_base = bt->limit + base + bt->skew;
	l->budget = base + chunk;
	if (bt->records)
		recent_enter(bt);
	link_stack_in(bt);
	bt->running = true;
	do {
		enter(bt, at);
		why = l->exit;
		bt->stats.exits[why]++;
		if (why == BT_EXIT_SIGNAL) {
			why = fault_serve(bt);
			at = (const u8 *)(uintptr_t)l->fault_pc;
			run_made_room(bt);
		}
		if (bt->profiles)
			profile_exit(bt, why);
	} while (why == BT_EXIT_SIGNAL);
	link_stack_out(bt);
	bt->cpu->icount = run_icount(bt);
	bt->running = bt->eip_open = false;
	return why;
}
/*T:*/

/* ---- the loop ---- */

static bool in_shadow(const struct bt *bt)
{
	return bt->cpu->eip == bt->live->sti_eip;
}

bool bt_can_interrupt(const struct bt *bt)
{
	return !in_shadow(bt);
}

/* What stands before the next instruction; BT_EXIT_COUNT: nothing. */
static enum bt_exit standing(struct bt *bt, u64 limit)
{
	struct cpu *c = bt->cpu;

	if (c->shutdown)
		return BT_EXIT_SHUTDOWN;
	if (c->exc.pending)
		bt->debug_trap = 0; /* the instruction is not done */
	else if (bt->debug_trap || bt->points_on)
		debugreg_before(bt);
	if (c->exc.pending)
		return BT_EXIT_EXCEPTION;
	if (bt->kick)
		return BT_EXIT_KICK;
	if (c->ferr) {
		bt->live->sti_eip = ~0u; /* the instruction has begun */
		return BT_EXIT_FERR;
	}
	if (c->halted)
		return BT_EXIT_HALT;
	if (c->icount >= limit)
		return BT_EXIT_LIMIT;
	if (nmi_deliverable(bt) && !in_shadow(bt))
		return BT_EXIT_NMI;
	if (irq_deliverable(bt) && !in_shadow(bt))
		return BT_EXIT_IRQ;
	if ((bt->break_count || bt->stops_at_calls) && break_stops(bt))
		return BT_EXIT_BREAK;
	return BT_EXIT_COUNT;
}

/* Translated code was left for that very reason; or it was not entered at all,
 * as the guest waits still. */
static bool was_counted(const struct bt *bt, enum bt_exit why,
			enum bt_exit stands)
{
	return why == BT_EXIT_COUNT
		       ? stands == BT_EXIT_HALT
		       : stands == why && bt->live->exit == why;
}

/* Where the dispatcher goes on after `why`; and what is learnt on the way. */
static void settle(struct bt *bt, enum bt_exit why)
{
	struct cpu *c = bt->cpu;

	switch (why) {
	case BT_EXIT_LINK:
		c->eip = bt->edges[bt->live->edge].target;
		break;
	case BT_EXIT_LOOKUP:
	case BT_EXIT_SLOT:
	case BT_EXIT_SHADOW:
		c->eip = bt->live->indirect;
		if (why == BT_EXIT_LOOKUP)
			TRACE(bt_lookup_miss, .target = c->eip);
		break;
	case BT_EXIT_DEAD:
		if (bt->live->exit == BT_EXIT_DEAD) /* ran into a dead head */
			c->eip = bt->order[bt->live->edge]->eip;
		break;
	default:
		break; /* eip is set */
	}
}

enum bt_exit bt_run(struct bt *bt, u64 limit)
{
	struct cpu *c = bt->cpu;
	enum bt_exit why = BT_EXIT_COUNT, stands;

	bt->kick = 0;
	fault_set_current(bt);
	/* One instruction needs no block that ends before a breakpoint. */
	if (bt->breaks_changed && limit - c->icount > 1)
		breaks_apply(bt);
	run_refresh_mode(bt);
	mode_point_gs(bt);
	for (;;) {
		u64 most = limit - c->icount;
		struct block *b, *dead;
		u64 generation, before;
		u32 eip = c->eip;
		bool stepping, shadowed;
		gla_t from;

		if (c->mode_changed | c->level_changed | c->fs_gs_changed)
			run_refresh_mode(bt);
		stands = standing(bt, limit);
		if (stands != BT_EXIT_COUNT) {
			bt->stats.exits[stands] += !was_counted(bt, why, stands);
			if (catch_any(bt))
				catch_note(bt);
			fpu_out(bt);
			return stands;
		}
		shadowed = in_shadow(bt) &&
			   (irq_deliverable(bt) || nmi_deliverable(bt));
		stepping = c->sysflags & EFL_TF;
		if (shadowed || stepping || bt->debug_trap || bt->alone)
			most = 1;
		if (bt->live->rom_doubt)
			in_line_settle(bt);
		if (c->mode_changed)
			continue; /* room was made for that */
		generation = bt->stats.flushes;
		dead = why == BT_EXIT_DEAD && bt->live->exit == BT_EXIT_DEAD
			       ? bt->order[bt->live->edge] : NULL;
		b = find(bt, most);
		if (!b)
			continue; /* the exception stands */
		if (generation == bt->stats.flushes && !break_begins(bt, b)) {
			if (why == BT_EXIT_LINK)
				link_edge(bt, &bt->edges[bt->live->edge], b);
			else if (dead)
				cache_revive(bt, dead, b);
			else if (why == BT_EXIT_LOOKUP || why == BT_EXIT_SLOT)
				link_remember(bt, bt->live->indirect, b,
					      why == BT_EXIT_SLOT);
			else if (why == BT_EXIT_OPERATION || why == BT_EXIT_AFTER)
				link_remember(bt, c->eip, b, false);
		}
		bt->followed_entry = link_follow(bt, b->lin, b->gpa);
		why = BT_EXIT_COUNT;
		if (c->mode_changed)
			continue; /* room was made: contexts are new */
		bt->alone = false;
		run_suspend_rf(bt, c->icount);
		from = b->lin;
		before = c->icount;
		why = run_block(bt, b->host, most);
		bt->temp_runs = false;
		/* One that has not run yet is in the shadow still; one that
		 * has may cast its own. */
		if (shadowed && c->icount != before && bt->live->sti_eip == eip)
			bt->live->sti_eip = ~0u;
		if (!bt->followed_entry)
			bt->stack_void = true;
		settle(bt, why);
		if (bt->pass.on && c->icount != before)
			break_passed(bt, from);
		if (c->icount == bt->rf_icount)
			c->sysflags |= EFL_RF;
		if (catch_any(bt))
			catch_note(bt);
		if (stepping && c->icount != before)
			debugreg_stepped(bt, from);
	}
}

void bt_kick(struct bt *bt)
{
	bt->kick = 1;
}

void bt_set_irq(struct bt *bt, bool waiting)
{
	bt->live->irq_waiting = waiting;
}
