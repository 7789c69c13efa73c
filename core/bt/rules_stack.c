/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PUSH, POP, LEAVE on a flat 32-bit stack: an access relative to r12, then
 * r12 moves with LEA, in the order that keeps a fault exact.  Any other
 * stack goes to the operations. */
#include "core/bt/bt_priv.h"

static unsigned host_gpr(unsigned reg)
{
	return reg == ESP ? R12 : reg;
}

static void prefix16(struct tr *t)
{
	if (t->in->opsize == 2)
		e8(&t->e, 0x66);
}

static void move_esp(struct tr *t, s32 by)
{
	e_lea(&t->e, 0, R12, R12, -1, 0, by);
}

void emit_push(struct tr *t, unsigned reg)
{
	s32 size = t->in->opsize;
	struct addr a = address_stack(t, -size, (unsigned)size, F_W);

	prefix16(t);
	e_addr(&t->e, 0, 0x89, reg, a);
	move_esp(t, -size);
	address_after_write(t);
}

static void push_imm(struct tr *t)
{
	s32 size = t->in->opsize;
	struct addr a = address_stack(t, -size, (unsigned)size, F_W);

	prefix16(t);
	e_addr(&t->e, 0, 0xc7, 0, a);
	if (size == 2)
		e16(&t->e, t->in->imm);
	else
		e32(&t->e, t->in->imm);
	move_esp(t, -size);
	address_after_write(t);
}

static void push_rm(struct tr *t)
{
	struct addr a;

	if (t->in->mod == 3) {
		emit_push(t, host_gpr(t->in->rm));
		return;
	}
	a = address_of(t, t->in->seg, t->in->opsize, F_R);
	prefix16(t);
	e_addr(&t->e, 0, 0x8b, R10, a);
	emit_push(t, R10);
}

/* reg (host) := top of the stack; esp itself is only loaded. */
static void pop_to(struct tr *t, unsigned reg)
{
	s32 size = t->in->opsize;
	struct addr a = address_stack(t, 0, (unsigned)size, F_R);

	if (size == 2 && reg == R12) { /* sp: the rest of esp moves on too */
		e8(&t->e, 0x66);
		e_addr(&t->e, 0, 0x8b, R10, a);
		move_esp(t, 2);
		e8(&t->e, 0x66);
		e_mov_rr(&t->e, 0, R12, R10);
		return;
	}
	prefix16(t);
	e_addr(&t->e, 0, 0x8b, reg, a);
	if (reg != R12)
		move_esp(t, size);
}

static void pop_rm(struct tr *t)
{
	s32 size = t->in->opsize;
	struct addr a;

	if (t->in->mod == 3) {
		pop_to(t, host_gpr(t->in->rm));
		return;
	}
	a = address_stack(t, 0, (unsigned)size, F_R);
	prefix16(t);
	e_addr(&t->e, 0, 0x8b, R10, a);
	if (t->in->base == ESP) /* the address uses esp after the pop */
		t->in->disp += size;
	a = address_of(t, t->in->seg, (unsigned)size, F_W);
	prefix16(t);
	e_addr(&t->e, 0, 0x89, R10, a);
	move_esp(t, size);
	address_after_write(t);
}

static void leave(struct tr *t)
{
	struct addr a = address_frame(t, 4, F_R);

	e_addr(&t->e, 0, 0x8b, R10, a);
	e_lea(&t->e, 0, R12, RBP, -1, 0, 4);
	e_mov_rr(&t->e, 0, RBP, R10);
}

void rule_stack(struct tr *t)
{
	if (!(t->mode & MODE_SS_FLAT)) {
		emit_op(t);
		return;
	}
	switch (t->in->op->class) {
	case C_PUSH_REG:
		emit_push(t, host_gpr(t->in->opcode & 7));
		break;
	case C_PUSH_IMM:
		push_imm(t);
		break;
	case C_PUSH_RM:
		push_rm(t);
		break;
	case C_POP_REG:
		pop_to(t, host_gpr(t->in->opcode & 7));
		break;
	case C_POP_RM:
		pop_rm(t);
		break;
	default:
		if (t->in->opsize == 4)
			leave(t);
		else
			emit_op(t);
	}
}
