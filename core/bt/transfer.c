/* SPDX-License-Identifier: GPL-3.0-or-later */
/* INT n, IRET, SYSENTER and SYSEXIT where nothing is unusual: into the kernel
 * and out again in one go.
 *
 * It is what bt_call_op and go_to_eip do (helpers.c), less all that need not
 * be asked: there is nobody to tell, nothing but the level changes, and the
 * transfer is one that was checked before (core/op/known.h).  If one of these
 * is not so, nothing has been done, and they do it. */
#include "core/bt/level.h"
#include "core/op/known.h"

/* Is there anything that somebody must see to, or hear of, other than what
 * the transfer itself brings about? */
static inline bool unusual(const struct bt *bt, u32 unretired)
{
	const struct cpu *c = bt->cpu;
	const struct live *l = bt->live;

	return (unretired - 1) | (u32)bt->kick | bt->debug_trap |
	       bt->observed | l->call_timed |
	       c->nmi_pending | c->mode_changed;
}

/*T:75 A system call, and back. */
static inline __attribute__((always_inline)) u64 go_on(struct bt *bt)
{
	struct cpu *c = bt->cpu;
	struct live *l = bt->live;

	bt->eip_open = false;
	bt->stats.op_calls++;
	l->unretired = 0;
	level_refresh(bt);
	if (c->mode_changed || irq_deliverable(bt) || l->sti_eip == c->eip ||
	    (l->rom_doubt && !in_line_settled(bt)) || !link_straight(bt)) {
		l->exit = BT_EXIT_OPERATION;
		return CALL_LEAVE;
	}
	if (c->sysflags & EFL_RF)
		run_suspend_rf(bt, run_icount(bt));
	return CALL_STRAIGHT;
}

u64 bt_int(struct bt *bt, const struct insn *in, u32 unretired)
{
	struct cpu *c = bt->cpu;
	struct event e = { .vector = in->imm & 0xff, .kind = EVENT_SOFT,
			   .eip = c->eip + in->len,
			   .eflags = cpu_eflags(c) & ~EFL_RF };

	if (unusual(bt, unretired) || !known_deliver(c, &e))
		return bt_call_op(bt, in, unretired);
	return go_on(bt);
}

u64 bt_iret(struct bt *bt, const struct insn *in, u32 unretired)
{
	if (unusual(bt, unretired) || in->opsize != 4 || !known_iret(bt->cpu))
		return bt_call_op(bt, in, unretired);
	count_call(bt->live);
	entry_told(bt->cpu);
	return go_on(bt);
}

u64 bt_sysenter(struct bt *bt, const struct insn *in, u32 unretired)
{
	if (unusual(bt, unretired) || !known_sysenter(bt->cpu))
		return bt_call_op(bt, in, unretired);
	return go_on(bt);
}

u64 bt_sysexit(struct bt *bt, const struct insn *in, u32 unretired)
{
	if (unusual(bt, unretired) || !known_sysexit(bt->cpu))
		return bt_call_op(bt, in, unretired);
	count_call(bt->live);
	entry_told(bt->cpu);
	return go_on(bt);
}
/*T:*/
