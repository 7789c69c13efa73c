/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stack instructions and near transfers, in every operand size and both
 * stack widths.
 *
 * The translator makes host instructions of these where the stack is flat
 * and 32 bits wide; these functions are for everything else.  Two sizes must
 * be kept apart: the operand size says how much moves, SS.B says whether ESP
 * or SP counts (SDM 1 6.2.3).  Memory comes first and registers last, so a
 * fault leaves the instruction restartable.
 *
 * Branch targets are cut to 16 bits by a 16-bit operand size and checked
 * against the CS limit here: the fault belongs to the branch, not to its
 * target (SDM 2A JMP). */
#include "core/op/op_priv.h"

enum { PUSH_IMM8 = 0x6a, PUSH_IMM = 0x68, GROUP5 = 0xff, POP_RM = 0x8f };

bool code_limit_ok(struct cpu *c, const struct seg *cs, u32 off)
{
	return off <= cs->limit || cpu_raise(c, EXC_GP, 0);
}

enum op_result op_push(struct cpu *c, const struct insn *in)
{
	u32 value;

	if (in->opcode == PUSH_IMM8)
		value = (u32)(s32)(s8)in->imm;
	else if (in->opcode == PUSH_IMM)
		value = in->imm;
	else if (in->opcode == GROUP5) {
		if (!rm_read(c, in, in->opsize, &value))
			return OP_FAULT;
	} else
		value = c->gpr[in->opcode & 7];
	return op_done(stack_push(c, value, in->opsize));
}

/* POP [ESP+x] addresses with the ESP after the pop (SDM 2B POP), while a
 * fault must leave the ESP from before it. */
static enum op_result pop_memory(struct cpu *c, const struct insn *in, u32 value)
{
	u32 before = c->gpr[ESP];
	u32 ea;

	stack_add(c, in->opsize);
	ea = op_ea(c, in);
	if (mem_write(c, in->seg, ea, &value, in->opsize))
		return OP_NEXT;
	c->gpr[ESP] = before;
	return OP_FAULT;
}

enum op_result op_pop(struct cpu *c, const struct insn *in)
{
	unsigned reg = in->opcode & 7;
	u32 value;

	if (!stack_peek(c, 0, in->opsize, &value))
		return OP_FAULT;
	if (in->opcode == POP_RM) {
		if (insn_has_mem(in))
			return pop_memory(c, in, value);
		reg = in->rm;
	}
	stack_add(c, in->opsize);
	set_part(&c->gpr[reg], value, size_mask(in->opsize)); /* after: POP ESP */
	return OP_NEXT;
}

/* Target of a relative or indirect near branch, checked. */
static bool near_target(struct cpu *c, const struct insn *in, u32 *target)
{
	if (in->opcode == GROUP5) {
		if (!rm_read(c, in, in->opsize, target))
			return false;
	} else {
		*target = next_eip(c, in) + in->imm;
	}
	*target &= size_mask(in->opsize);
	return code_limit_ok(c, &c->seg[SEG_CS], *target);
}

enum op_result op_call_near(struct cpu *c, const struct insn *in)
{
	u32 target;

	if (!near_target(c, in, &target) ||
	    !stack_push(c, next_eip(c, in), in->opsize))
		return OP_FAULT;
	c->eip = target;
	return OP_JUMP;
}

enum op_result op_jmp_near(struct cpu *c, const struct insn *in)
{
	u32 target;

	if (!near_target(c, in, &target))
		return OP_FAULT;
	c->eip = target;
	return OP_JUMP;
}

enum op_result op_ret_near(struct cpu *c, const struct insn *in)
{
	u32 release = in->opcode == 0xc2 ? in->imm & 0xffff : 0;
	u32 target;

	if (!stack_peek(c, 0, in->opsize, &target) ||
	    !code_limit_ok(c, &c->seg[SEG_CS], target))
		return OP_FAULT;
	stack_add(c, in->opsize + release);
	c->eip = target;
	return OP_JUMP;
}

/* LOOPNE, LOOPE, LOOP, JCXZ: E0 to E3.  A target outside the segment is a
 * fault before the count changes. */
enum op_result op_loop(struct cpu *c, const struct insn *in)
{
	u32 mask = size_mask(in->addrsize), count = c->gpr[ECX] & mask, target;
	bool zf = c->arith & EFL_ZF, taken = count == 0;

	if (in->opcode != 0xe3) {
		count = (count - 1) & mask;
		taken = count && (in->opcode == 0xe2 || zf == (in->opcode & 1));
	}
	if (taken && !near_target(c, in, &target))
		return OP_FAULT;
	set_part(&c->gpr[ECX], count, mask);
	if (!taken)
		return OP_NEXT;
	c->eip = target;
	return OP_JUMP;
}

enum op_result op_pusha(struct cpu *c, const struct insn *in)
{
	struct frame f = { .size = in->opsize };
	struct stack s;

	stack_current(c, &s);
	for (unsigned reg = EAX; reg <= EDI; reg++)
		frame_push(&f, c->gpr[reg]);
	if (!frame_write(c, &f, &s))
		return OP_FAULT;
	set_part(&c->gpr[ESP], s.esp, stack_mask(&c->seg[SEG_SS]));
	return OP_NEXT;
}

enum op_result op_popa(struct cpu *c, const struct insn *in)
{
	u32 value[8];

	for (unsigned i = 0; i < 8; i++) {
		if (!stack_peek(c, i * in->opsize, in->opsize, &value[7 - i]))
			return OP_FAULT;
	}
	for (unsigned reg = EAX; reg <= EDI; reg++) {
		if (reg != ESP) /* its image is thrown away */
			set_part(&c->gpr[reg], value[reg], size_mask(in->opsize));
	}
	stack_add(c, 8 * in->opsize);
	return OP_NEXT;
}

/* The value read at `at` may overlap words of the frame that the processor
 * has pushed by now and we have not: take those bytes from the frame. */
static u32 see_pushed(const struct cpu *c, const struct frame *f, u32 at,
		      u32 value, u32 mask)
{
	for (unsigned i = 0; i < f->size; i++) {
		u32 below = (c->gpr[ESP] - (at + i)) & mask; /* 1: first byte */
		unsigned word, byte;

		if (!below || below > f->count * f->size)
			continue;
		word = (below - 1) / f->size;
		byte = f->size - 1 - (below - 1) % f->size;
		value &= ~(0xffu << 8 * i);
		value |= (f->word[word] >> 8 * byte & 0xff) << 8 * i;
	}
	return value;
}

/* ENTER (SDM 2A): EBP, then level - 1 saved frame pointers of the outer
 * procedures, then the new one. */
static bool enter_frame(struct cpu *c, const struct insn *in, struct frame *f,
			u32 frame_pointer)
{
	u32 mask = stack_mask(&c->seg[SEG_SS]);
	unsigned level = in->imm2 & 31;

	frame_push(f, c->gpr[EBP]);
	for (unsigned i = 1; i < level; i++) {
		u32 outer = 0, at = (c->gpr[EBP] - i * in->opsize) & mask;

		if (!mem_read(c, SEG_SS, at, &outer, in->opsize))
			return false;
		frame_push(f, see_pushed(c, f, at, outer, mask));
	}
	if (level)
		frame_push(f, frame_pointer);
	return true;
}

enum op_result op_enter(struct cpu *c, const struct insn *in)
{
	u32 mask = stack_mask(&c->seg[SEG_SS]);
	struct frame f = { .size = in->opsize };
	u32 frame_pointer = c->gpr[ESP], esp;
	struct stack s;

	set_part(&frame_pointer, frame_pointer - in->opsize, mask);
	stack_current(c, &s);
	/* the push of EBP comes before the reads of outer frames */
	if (!mem_check_write(c, SEG_SS, frame_pointer & mask, in->opsize) ||
	    !enter_frame(c, in, &f, frame_pointer) || !frame_write(c, &f, &s))
		return OP_FAULT;
	esp = s.esp - (in->imm & 0xffff);
	/* "a write using the final value of the stack pointer" must succeed */
	if (!mem_check_write(c, SEG_SS, esp & mask, in->opsize))
		return OP_FAULT;
	set_part(&c->gpr[EBP], frame_pointer, size_mask(in->opsize));
	set_part(&c->gpr[ESP], esp, mask);
	return OP_NEXT;
}

enum op_result op_leave(struct cpu *c, const struct insn *in)
{
	u32 mask = stack_mask(&c->seg[SEG_SS]);
	u32 ebp = c->gpr[EBP], value = 0;

	if (!mem_read(c, SEG_SS, ebp & mask, &value, in->opsize))
		return OP_FAULT;
	set_part(&c->gpr[ESP], ebp + in->opsize, mask);
	set_part(&c->gpr[EBP], value, size_mask(in->opsize));
	return OP_NEXT;
}
