/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a kernel does at each entry and exit: moving segment registers and
 * POPF, for CPL 0 in protected mode.
 *
 * A segment register is mostly loaded with the selector it has, and what is
 * in the descriptor table has not changed; struct seg remembers where it was
 * loaded from (cpu.h), so this can be seen from two comparisons, and then
 * there is nothing to do.  POPF mostly changes the arithmetic flags, IF and
 * DF, which are stored.  All else is left to the operations.
 *
 * No host flag may change, hence LEA to subtract and JRCXZ to ask; until POPF
 * is sure to set them all. */
#include "core/bt/bt_priv.h"

static unsigned seg_of(const struct insn *in)
{
	bool by_modrm = in->op->class == C_FROM_SEG || in->op->class == C_TO_SEG;

	return by_modrm ? in->reg : in->opcode >> 3 & 7;
}

/* SS casts a shadow on the next instruction, and is the stack's own mode. */
static bool can_load(const struct tr *t, const struct insn *in)
{
	unsigned seg = seg_of(in);

	return t->mode & MODE_CPL0 && seg < SEG_COUNT && seg != SEG_SS &&
	       seg != SEG_CS;
}

static bool can_popf(const struct tr *t, const struct insn *in)
{
	return t->mode & MODE_CPL0 && in->opsize == 4 && t->bt->has_shrx;
}

/* An operation would read the operand again, which devices would notice. */
static bool reads_window(const struct tr *t)
{
	const struct insn *in = t->in;

	if (in->op->class == C_TO_SEG)
		return !insn_has_mem(in) || address_is_window(t, in->seg);
	return t->mode & MODE_SS_FLAT && address_is_window(t, SEG_SS);
}

bool rule_system_goes_on(const struct tr *t, const struct insn *in)
{
	switch (in->op->class) {
	case C_POP_SEG:
	case C_TO_SEG:
		return can_load(t, in);
	case C_POPF:
		return can_popf(t, in);
	default:
		return false;
	}
}

/* ---- segment registers ---- */

static void read_selector(struct tr *t, unsigned reg)
{
	const u16 *sel = &t->bt->cpu->seg[seg_of(t->in)].sel;

	e_rip(&t->e, 0, 0x0fb7, reg, sel, 0); /* movzx */
}

static void from_seg(struct tr *t)
{
	struct emit *e = &t->e;
	struct addr a;

	if (t->in->reg >= SEG_COUNT) {
		emit_op(t);
		return;
	}
	if (insn_has_mem(t->in)) {
		a = address_of(t, t->in->seg, 2, F_W);
		read_selector(t, R10);
		e8(e, 0x66);
		e_addr(e, 0, 0x89, R10, a);
		address_after_write(t);
		return;
	}
	read_selector(t, R10);
	if (t->in->opsize == 2)
		e8(e, 0x66);
	e_mov_rr(e, 0, t->in->rm == ESP ? R12 : t->in->rm, R10);
}

static void push_seg(struct tr *t)
{
	if (!(t->mode & MODE_SS_FLAT)) {
		emit_op(t);
		return;
	}
	read_selector(t, R10);
	emit_push(t, R10);
}

/* r10 := the selector to load */
static void new_selector(struct tr *t)
{
	struct emit *e = &t->e;
	const struct insn *in = t->in;
	struct addr a;

	if (in->op->class == C_TO_SEG && !insn_has_mem(in)) {
		e_rr(e, 0, 0x0fb7, R10, in->rm == ESP ? R12 : in->rm);
		return;
	}
	a = in->op->class == C_TO_SEG ? address_of(t, in->seg, 2, F_R)
				      : address_stack(t, 0, in->opsize, F_R);
	e_addr(e, 0, 0x0fb7, R10, a);
}

static void load_seg(struct tr *t)
{
	struct emit *e = &t->e;
	u8 *same_selector, *other, *same, *done;
	const struct seg *s;

	if (!can_load(t, t->in) || !reads_window(t)) {
		emit_op(t);
		return;
	}
	s = &t->bt->cpu->seg[seg_of(t->in)];
	new_selector(t);
	e_mov_rr(e, 1, R11, RCX);
	e_load_rip(e, 0, RCX, &s->memo);
	e_lea(e, 0, RCX, RCX, R10, 0, SEG_MEMO);
	same_selector = e_short(e, JECXZ);
	other = e_short(e, JMP8);
	e_short_here(e, same_selector);
	e_load_rip(e, 1, R8, &s->memo_at);
	e_load_rip(e, 1, R9, &s->memo_raw);
	e_rm(e, 1, 0x8b, RCX, R8, -1, 0, 0);
	e_lea(e, 1, RCX, RCX, R9, 0, 0);
	same = e_short(e, JECXZ);
	e_short_here(e, other);
	e_mov_rr(e, 1, RCX, R11);
	emit_op(t);
	done = e_short(e, JMP8);
	e_short_here(e, same);
	e_mov_rr(e, 1, RCX, R11);
	if (t->in->op->class == C_POP_SEG)
		e_lea(e, 0, R12, R12, -1, 0, t->in->opsize);
	e_short_here(e, done);
}

/* ---- POPF ---- */

/* That one of r10d's, which host flags need not survive. */
static void store_flag(struct emit *e, u32 *to, u32 flag)
{
	e_mov_rr(e, 0, R9, R10);
	e_rr(e, 0, 0x81, 4, R9); /* and r9d, flag */
	e32(e, flag);
	e_store_rip(e, 0, to, R9);
}

/* The image has the system flags that are set already (VM and RF it does not
 * change): the others are stored, and if now an interrupt waits that can come,
 * the dispatcher sees to it. */
static void popf(struct tr *t)
{
	u32 system = EFL_ALL & ~(EFL_ARITH | EFL_IF | EFL_DF | EFL_VM | EFL_RF);
	struct cpu *c = t->bt->cpu;
	struct emit *e = &t->e;
	u8 *same, *done;
	struct addr a;

	if (!can_popf(t, t->in) || !reads_window(t)) {
		emit_op(t);
		return;
	}
	a = address_stack(t, 0, 4, F_R);
	e_addr(e, 0, 0x8b, R10, a);
	e_mov_rr(e, 1, R11, RCX);
	e_mov_ri(e, R8, system);
	e_load_rip(e, 0, R9, &c->sysflags);
	e_pext(e, R9, R9, R8);
	e_pext(e, R8, R10, R8);
	e_rr(e, 0, 0xf7, 2, R9); /* not: -r9 - 1 */
	e_lea(e, 0, RCX, R8, R9, 0, 1);
	same = e_short(e, JECXZ);
	e_mov_rr(e, 1, RCX, R11);
	emit_op(t);
	done = e_short(e, JMP8);
	e_short_here(e, same);
	e_lea(e, 0, R12, R12, -1, 0, 4);
	store_flag(e, &c->dflag, EFL_DF);
	store_flag(e, &c->iflag, EFL_IF);
	e_mov_rr(e, 1, R9, RAX);
	e_mov_rr(e, 0, RAX, R10);
	e_mov_rr(e, 0, RCX, R10);
	e_flags_image(e);
	e_mov_rr(e, 1, RAX, R9);
	e_mov_rr(e, 1, RCX, R11);
	emit_look(t);
	e_short_here(e, done);
}

void rule_system(struct tr *t)
{
	switch (t->in->op->class) {
	case C_PUSH_SEG:
		push_seg(t);
		break;
	case C_FROM_SEG:
		from_seg(t);
		break;
	case C_POPF:
		popf(t);
		break;
	default:
		load_seg(t);
	}
}
