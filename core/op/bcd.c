/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decimal arithmetic, BOUND and XLAT.
 *
 * The decimal adjustments do not exist in 64-bit mode and have no quick
 * equivalent.  Their algorithms are those of SDM 2A.  Where it leaves flags
 * undefined, these follow what processors were seen to do (the test compares
 * them with the host, all inputs): the flags are those of the last addition
 * or subtraction done to AL. */
#include "core/op/op_priv.h"

static u8 get_al(const struct cpu *c)
{
	return c->gpr[EAX];
}
static u8 get_ah(const struct cpu *c)
{
	return c->gpr[EAX] >> 8;
}
static void set_al(struct cpu *c, u8 al)
{
	set_part(&c->gpr[EAX], al, 0xff);
}
static void set_ax(struct cpu *c, u8 ah, u8 al)
{
	set_part(&c->gpr[EAX], (u32)ah << 8 | al, 0xffff);
}

/* SF, ZF and PF of a byte. */
static u32 flags_of(u8 value)
{
	u8 p = value ^ value >> 4;

	p ^= p >> 2;
	p ^= p >> 1;
	return (value & 0x80 ? EFL_SF : 0) | (value ? 0 : EFL_ZF) |
	       (p & 1 ? 0 : EFL_PF);
}

enum op_result op_aaa(struct cpu *c, const struct insn *in)
{
	u8 al = get_al(c);
	bool adjust = (al & 15) > 9 || (c->arith & EFL_AF);

	(void)in;
	if (adjust)
		set_part(&c->gpr[EAX], c->gpr[EAX] + 0x106, 0xffff);
	al = get_al(c);
	set_al(c, al & 15);
	c->arith = flags_of(al & 15) | (adjust ? EFL_AF | EFL_CF : 0);
	return OP_NEXT;
}

enum op_result op_aas(struct cpu *c, const struct insn *in)
{
	u8 al = get_al(c);
	bool adjust = (al & 15) > 9 || (c->arith & EFL_AF);

	(void)in;
	if (adjust)
		set_part(&c->gpr[EAX], c->gpr[EAX] - 0x106, 0xffff);
	al = get_al(c);
	set_al(c, al & 15);
	c->arith = flags_of(al & 15) | (adjust ? EFL_AF | EFL_CF : 0);
	return OP_NEXT;
}

/* DAA and DAS differ in the direction only. */
static void adjust_packed(struct cpu *c, bool subtract)
{
	u8 old = get_al(c), al = old;
	bool carry = c->arith & EFL_CF, aux = false, high;

	high = old > 0x99 || carry;
	if ((old & 15) > 9 || (c->arith & EFL_AF)) {
		aux = true;
		if (subtract)
			carry |= al < 6;
		al += subtract ? -6 : 6;
	} 
	if (high) {
		al += subtract ? -0x60 : 0x60;
		carry = true;
	} else if (!subtract)
		carry = false;
	set_al(c, al);
	c->arith = flags_of(al) | (carry ? EFL_CF : 0) | (aux ? EFL_AF : 0);
}

enum op_result op_daa(struct cpu *c, const struct insn *in)
{
	(void)in;
	adjust_packed(c, false);
	return OP_NEXT;
}

enum op_result op_das(struct cpu *c, const struct insn *in)
{
	(void)in;
	adjust_packed(c, true);
	return OP_NEXT;
}

enum op_result op_aam(struct cpu *c, const struct insn *in)
{
	u8 base = in->imm, al = get_al(c);

	if (!base)
		return op_fault(c, EXC_DE, 0);
	set_ax(c, al / base, al % base);
	c->arith = flags_of(al % base);
	return OP_NEXT;
}

enum op_result op_aad(struct cpu *c, const struct insn *in)
{
	u8 base = in->imm, al = get_al(c) + get_ah(c) * base;

	set_ax(c, 0, al);
	c->arith = flags_of(al);
	return OP_NEXT;
}

enum op_result op_bound(struct cpu *c, const struct insn *in)
{
	u32 ea = op_ea(c, in), low = 0, high = 0;
	s32 index, min, max;

	if (!insn_has_mem(in))
		return op_fault(c, EXC_UD, 0);
	if (!mem_read(c, in->seg, ea, &low, in->opsize) ||
	    !mem_read(c, in->seg,
		      (ea + in->opsize) & size_mask(in->addrsize), &high,
		      in->opsize))
		return OP_FAULT;
	index = in->opsize == 4 ? (s32)c->gpr[in->reg] : (s16)c->gpr[in->reg];
	min = in->opsize == 4 ? (s32)low : (s16)low;
	max = in->opsize == 4 ? (s32)high : (s16)high;
	if (index < min || index > max)
		return op_fault(c, EXC_BR, 0);
	return OP_NEXT;
}

enum op_result op_xlat(struct cpu *c, const struct insn *in)
{
	u32 off = (c->gpr[EBX] + get_al(c)) & size_mask(in->addrsize);
	u8 al;

	if (!mem_read(c, in->seg, off, &al, 1))
		return OP_FAULT;
	set_al(c, al);
	return OP_NEXT;
}
