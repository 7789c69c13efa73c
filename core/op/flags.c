/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PUSHF, POPF, CLI, STI: the flags that need permission (SDM 2B POPF table
 * 4-16, 3A 2.3).
 *
 * Who may change what: everybody the arithmetic flags, TF, DF, NT, AC and
 * ID; IF by CPL <= IOPL; IOPL by CPL 0 only.  VM never changes here, RF is
 * cleared.  An attempt without permission is silently without effect, which
 * is the best-known hole in the architecture's virtualizability and the
 * reason why these instructions are operations. */
#include "core/op/op_priv.h"

u32 flags_changeable(const struct cpu *c, unsigned opsize)
{
	u32 mask = EFL_ARITH | EFL_TF | EFL_DF | EFL_NT;

	if (opsize == 4)
		mask |= EFL_AC | EFL_ID | EFL_RF;
	if (cpu_is_real(c))
		mask |= EFL_IF | EFL_IOPL;
	else if (cpu_is_vm86(c))
		mask |= EFL_IF; /* the caller has checked IOPL */
	else {
		if (c->cpl <= cpu_iopl(c))
			mask |= EFL_IF;
		if (c->cpl == 0)
			mask |= EFL_IOPL;
	}
	return mask;
}

enum op_result op_pushf(struct cpu *c, const struct insn *in)
{
	if (!need_vm86_iopl(c))
		return OP_FAULT;
	return op_done(stack_push(c, cpu_eflags(c) & ~(EFL_VM | EFL_RF),
				  in->opsize));
}

enum op_result op_popf(struct cpu *c, const struct insn *in)
{
	u32 value, mask, old = cpu_eflags(c);

	if (!need_vm86_iopl(c) || !stack_peek(c, 0, in->opsize, &value))
		return OP_FAULT;
	mask = flags_changeable(c, in->opsize);
	value = (old & ~mask) | (value & mask);
	cpu_set_eflags(c, value & ~EFL_RF);
	stack_add(c, in->opsize);
	return OP_NEXT;
}

enum op_result op_cli(struct cpu *c, const struct insn *in)
{
	(void)in;
	if (!need_iopl(c))
		return OP_FAULT;
	c->iflag = 0;
	return OP_NEXT;
}

enum op_result op_sti(struct cpu *c, const struct insn *in)
{
	(void)in;
	if (!need_iopl(c))
		return OP_FAULT;
	if (!c->iflag)
		c->shadow = SHADOW_STI;
	c->iflag = EFL_IF;
	return OP_NEXT;
}
