/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Branches, calls and returns inside a code segment.
 *
 * Known targets become edges (linked inside the page, through the jump cache
 * outside); unknown ones go through the jump cache with the target in r8d.
 * Calls store the guest's return address first, then lower esp, so a fault
 * finds nothing changed.  What is rare, 16-bit operands and code segments
 * with a limit, is left to the operations, which check the target. */
#include "core/bt/bt_priv.h"

static u32 target_of(struct tr *t)
{
	u32 target = t->next + t->in->imm;

	if (t->in->opsize == 4)
		return target;
	t->stays = true; /* the target does not move with the code */
	return target & 0xffff;
}

static bool target_allowed(const struct tr *t, u32 target)
{
	return (t->mode & MODE_CS_FLAT) ||
	       target <= t->bt->cs_forms[t->mode >> MODE_CS_SHIFT].limit;
}

/* #GP(0) at this instruction when its branch is taken. */
static void raise_limit(struct tr *t)
{
	static const struct opcode row = {
		.class = C_OP, .operation = OPERATION_jmp_near, .form = F_END};

	t->in->op = &row; /* the operation finds the target out of limit */
	emit_op(t);
}

static void jcc(struct tr *t)
{
	u32 target = target_of(t);
	unsigned cc = t->in->opcode & 15;
	bool last = t->index == t->b->insns - 1u;
	u8 *taken;

	if (target_allowed(t, target)) {
		emit_jcc_to(t, cc, target);
		if (last)
			emit_jump_to(t, t->next);
		return;
	}
	taken = e_short(&t->e, 0x70 | cc);
	emit_jump_to(t, t->next);
	e_short_here(&t->e, taken);
	raise_limit(t);
}

/* LOOPcc and JCXZ on the host's ecx. */
static void loop32(struct tr *t, u32 target)
{
	u8 *taken, *skip;

	e8(&t->e, 0x67);
	taken = e_short(&t->e, t->in->opcode);
	skip = e_short(&t->e, JMP8);
	e_short_here(&t->e, taken);
	emit_jump_to(t, target);
	e_short_here(&t->e, skip);
	emit_jump_to(t, t->next);
}

/* The same on cx, which the host cannot test: by jrcxz on a copy. */
static void loop16(struct tr *t, u32 target)
{
	struct emit *e = &t->e;
	u8 *zero, *fall = NULL;

	if (t->in->opcode != 0xe3) { /* lea r8d, [rcx-1]; mov cx, r8w */
		e_lea(e, 0, R8, RCX, -1, 0, -1);
		e8(e, 0x66);
		e_rr(e, 0, 0x89, R8, RCX);
	}
	e_mov_rr(e, 0, R9, RCX);
	e_rr(e, 0, 0x0fb7, RCX, RCX);
	zero = e_short(e, JECXZ);
	e_mov_rr(e, 0, RCX, R9);
	if (t->in->opcode == 0xe3) {
		emit_jump_to(t, t->next);
		e_short_here(e, zero);
		e_mov_rr(e, 0, RCX, R9);
		emit_jump_to(t, target);
		return;
	}
	if (t->in->opcode == 0xe0)
		fall = e_short(e, 0x74); /* loopne: out when ZF */
	else if (t->in->opcode == 0xe1)
		fall = e_short(e, 0x75);
	emit_jump_to(t, target);
	e_short_here(e, zero);
	e_mov_rr(e, 0, RCX, R9);
	if (fall)
		e_short_here(e, fall);
	emit_jump_to(t, t->next);
}

static bool plain_near(const struct tr *t)
{
	return (t->mode & MODE_CS_FLAT) && t->in->opsize == 4;
}

/* r8d := the operand of JMP or CALL r/m. */
static void load_target(struct tr *t)
{
	if (t->in->mod == 3) {
		e_mov_rr(&t->e, 0, R8, t->in->rm == ESP ? R12 : t->in->rm);
		return;
	}
	e_addr(&t->e, 0, 0x8b, R8, address_of(t, t->in->seg, 4, F_R));
}

static void push_return(struct tr *t, const u32 *target)
{
	struct addr a = address_stack(t, -4, 4, F_W);

	e_addr(&t->e, 0, 0xc7, 0, a);
	e_eip(&t->e, t->next);
	stack_move(t, -4);
	stack_settle(t);
	address_after_push(t, target);
}

static void call_rm(struct tr *t)
{
	load_target(t);
	if (address_stack_is_window(t)) {
		push_return(t, NULL);
	} else {
		e_mov_rr(&t->e, 0, R10, R8);
		push_return(t, NULL);
		e_mov_rr(&t->e, 0, R8, R10);
	}
	emit_call_indirect(t);
}

static void ret(struct tr *t)
{
	bool own = stack_top_is_own(t);

	e_addr(&t->e, 0, 0x8b, R8, address_stack(t, 0, 4, F_R));
	stack_move(t, 4 + (s32)(t->in->opcode == 0xc2 ? t->in->imm : 0));
	stack_settle(t);
	if (own)
		emit_indirect(t);
	else
		emit_return(t);
}

void rule_control(struct tr *t)
{
	u32 target = target_of(t);
	bool stack = t->mode & MODE_SS_FLAT;

	switch (t->in->op->class) {
	case C_JCC:
		jcc(t);
		return;
	case C_LOOP:
		if (!target_allowed(t, target))
			break;
		if (t->in->addrsize == 4)
			loop32(t, target);
		else
			loop16(t, target);
		return;
	case C_JMP_REL:
		if (target_allowed(t, target))
			emit_jump_to(t, target);
		else
			raise_limit(t);
		return;
	case C_CALL_REL:
		if (stack && t->in->opsize == 4 && target_allowed(t, target)) {
			push_return(t, &target);
			emit_call_to(t, target);
			return;
		}
		break;
	case C_JMP_RM:
		if (plain_near(t)) {
			load_target(t);
			emit_indirect(t);
			return;
		}
		break;
	case C_CALL_RM:
		if (plain_near(t) && stack) {
			call_rm(t);
			return;
		}
		break;
	default:
		if (plain_near(t) && stack) {
			ret(t);
			return;
		}
	}
	emit_op(t);
}
