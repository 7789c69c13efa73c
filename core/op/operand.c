/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operands of instructions, and the privilege questions that many of them
 * ask first.
 *
 * An effective address is an offset within its segment: base, index and
 * displacement added and cut to the address size (SDM 1 3.7.5).  Addresses
 * of 16 bits use the same fields of struct insn, the decoder having put BX,
 * BP, SI and DI where base and index are.
 *
 * The privilege helpers raise and return false, so an operation starts with
 * `if (!need_cpl0(c)) return OP_FAULT;`. */
#include "core/op/op_priv.h"

struct op_hooks op_hooks;

u32 op_ea(const struct cpu *c, const struct insn *in)
{
	u32 ea = (u32)in->disp;

	if (in->base != REG_NONE)
		ea += c->gpr[in->base];
	if (in->index != REG_NONE)
		ea += c->gpr[in->index] << in->scale;
	return ea & size_mask(in->addrsize);
}

bool rm_read(struct cpu *c, const struct insn *in, unsigned size, u32 *value)
{
	*value = 0;
	if (insn_has_mem(in))
		return mem_read(c, in->seg, op_ea(c, in), value, size);
	*value = c->gpr[in->rm] & size_mask(size);
	return true;
}

bool rm_write(struct cpu *c, const struct insn *in, unsigned size, u32 value)
{
	if (insn_has_mem(in))
		return mem_write(c, in->seg, op_ea(c, in), &value, size);
	set_part(&c->gpr[in->rm], value, size_mask(size));
	return true;
}

bool need_cpl0(struct cpu *c)
{
	return c->cpl == 0 || cpu_raise(c, EXC_GP, 0);
}

bool need_protected(struct cpu *c)
{
	return is_protected(c) || cpu_raise(c, EXC_UD, 0);
}

bool need_iopl(struct cpu *c)
{
	if (cpu_is_real(c) || c->cpl <= cpu_iopl(c))
		return true;
	return cpu_raise(c, EXC_GP, 0);
}

bool need_vm86_iopl(struct cpu *c)
{
	if (!cpu_is_vm86(c) || cpu_iopl(c) == 3)
		return true;
	return cpu_raise(c, EXC_GP, 0);
}
