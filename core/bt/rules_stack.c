/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PUSH, POP, LEAVE on a flat 32-bit stack: an access relative to r12, then
 * r12 moves with LEA, in the order that keeps a fault exact.  Any other
 * stack goes to the operations.
 *
 * Each of a row of pushes would wait for the LEA of the one before, where a
 * processor has hardware that knows what esp will be.  So the move is put off
 * as long as nothing needs r12: accesses relative to esp add what is due, and
 * an instruction's mark says how much that was, for a fault there. */
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

void stack_settle(struct tr *t)
{
	if (t->esp_due)
		e_lea(&t->e, 0, R12, R12, -1, 0, t->esp_due);
	t->esp_due = 0;
}

void stack_move(struct tr *t, s32 by)
{
	t->esp_due += by;
	if (!t->esp_waits)
		stack_settle(t);
}

/* Is no operand but an address esp? */
static bool esp_is_no_operand(const struct insn *in)
{
	u32 form = in->op->form;

	if ((form & F_REG) && !(form & F_REG8) && in->reg == ESP)
		return false;
	if ((form & F_RM) && !(form & F_RM8) && in->mod == 3 && in->rm == ESP)
		return false;
	return !(form & F_OPREG) || (form & F_OPREG8) ||
	       (in->opcode & 7) != ESP;
}

/* Does it neither call C nor name esp, but for addresses and its own pushes
 * and pops? */
bool stack_waits(const struct tr *t)
{
	const struct insn *in = t->in;
	bool memory = insn_has_mem(in);

	if (!(t->mode & MODE_CS_FLAT) || !(t->mode & MODE_SS_FLAT) ||
	    (memory && !address_is_window(t, in->seg)) || paravirt_tells(t))
		return false;
	switch (in->op->class) {
	case C_NOP:
	case C_GET_IF:
	case C_ANNOUNCE:
	case C_LAZY_MODE:
		return true;
	case C_CLI:
		return t->mode & MODE_CPL0;
	case C_CALL_LEAVES: /* settles when the return address is dropped */
		return true;
	case C_MOFFS_LOAD:
	case C_MOFFS_STORE:
		return address_is_window(t, in->seg);
	case C_INCDEC:
		return (in->opcode & 7) != ESP;
	case C_COPY:
	case C_XCHG_EAX:
		return esp_is_no_operand(in) &&
		       (!(in->op->form & F_FPU) ||
			t->fpu_ready & (in->op->form & F_SSE ? 2 : 1));
	case C_LEA:
		return in->opsize == 4 && in->addrsize == 4 && in->reg != ESP;
	case C_PUSH_REG:
	case C_POP_REG:
		return in->opsize == 4 && (in->opcode & 7) != ESP &&
		       address_is_window(t, SEG_SS);
	case C_PUSH_RM:
	case C_POP_RM:
		return in->opsize == 4 && (memory || in->rm != ESP) &&
		       address_is_window(t, SEG_SS);
	case C_PUSH_IMM:
	case C_LEAVE:
	case C_CALL_REL:
	case C_THUNK:
	case C_CALL_IN_LINE:
	case C_RET_IN_LINE:
	case C_RET:
		return in->opsize == 4 && address_is_window(t, SEG_SS);
	case C_CALL_RM:
		return in->opsize == 4 && (memory || in->rm != ESP) &&
		       address_is_window(t, SEG_SS);
	default:
		return false;
	}
}

static bool stores_at_esp(const struct insn *in, s32 disp)
{
	return !in->map && (in->opcode == 0x89 || in->opcode == 0xc7) &&
	       in->opsize == 4 && in->addrsize == 4 && in->mod != 3 &&
	       in->base == ESP && in->index == REG_NONE && in->disp == disp;
}

/* Did the block itself put there what is now on top of the stack?  Then it is
 * no return address of a call: a RET is a jump (PUSH and RET; the dynamic
 * linker, that goes to the function it has found). */
bool stack_top_is_own(const struct tr *t)
{
	s32 at = 0; /* the top of now, from esp at each instruction's end */

	for (unsigned i = t->index; i-- > 0;) {
		const struct insn *in = &t->insns[i];

		switch (in->op->class) {
		case C_PUSH_REG:
		case C_PUSH_IMM:
		case C_PUSH_RM:
			if (in->opsize != 4 || !at)
				return in->opsize == 4;
			at -= 4;
			break;
		case C_POP_REG:
			if (in->opsize != 4 || (in->opcode & 7) == ESP)
				return false;
			at += 4;
			break;
		case C_COPY:
			if (stores_at_esp(in, at))
				return true;
			if (!esp_is_no_operand(in))
				return false;
			break;
		default:
			return false;
		}
	}
	return false;
}

void emit_push(struct tr *t, unsigned reg)
{
	s32 size = t->in->opsize;
	struct addr a = address_stack(t, -size, (unsigned)size, F_W);

	prefix16(t);
	e_addr(&t->e, 0, 0x89, reg, a);
	stack_move(t, -size);
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
	stack_move(t, -size);
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
		stack_move(t, 2);
		e8(&t->e, 0x66);
		e_mov_rr(&t->e, 0, R12, R10);
		return;
	}
	prefix16(t);
	e_addr(&t->e, 0, 0x8b, reg, a);
	if (reg != R12)
		stack_move(t, size);
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
	stack_move(t, size);
	address_after_write(t);
}

static void leave(struct tr *t)
{
	struct addr a = address_frame(t, 4, F_R);

	e_addr(&t->e, 0, 0x8b, R10, a);
	e_lea(&t->e, 0, R12, RBP, -1, 0, 4);
	t->esp_due = 0;
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
