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

/* The same and OF, when `old` plus or minus `by` gave `value`. */
static u32 flags_of_sum(u8 old, u8 by, u8 value, bool subtract)
{
	u8 differ = old ^ by;
	u8 overflow = (old ^ value) & (subtract ? differ : (u8)~differ);

	return flags_of(value) | (overflow & 0x80 ? EFL_OF : 0);
}

/* AAA and AAS: AX plus or minus 0106h, of which AL keeps the lower half; the
 * flags are those of the 16-bit sum. */
static void adjust_unpacked(struct cpu *c, bool subtract)
{
	u16 old = c->gpr[EAX];
	bool adjust = (old & 15) > 9 || (c->arith & EFL_AF);
	u16 by = adjust ? 0x106 : 0;
	u16 ax = subtract ? old - by : old + by;
	u16 overflow = (old ^ ax) & (subtract ? old ^ by : ~(old ^ by));

	set_part(&c->gpr[EAX], ax & 0xff0f, 0xffff);
	c->arith = (flags_of(ax) & EFL_PF) | (ax ? 0 : EFL_ZF) |
		   (ax & 0x8000 ? EFL_SF : 0) |
		   (overflow & 0x8000 ? EFL_OF : 0) |
		   (adjust ? EFL_AF | EFL_CF : 0);
}

enum op_result op_aaa(struct cpu *c, const struct insn *in)
{
	(void)in;
	adjust_unpacked(c, false);
	return OP_NEXT;
}

enum op_result op_aas(struct cpu *c, const struct insn *in)
{
	(void)in;
	adjust_unpacked(c, true);
	return OP_NEXT;
}

/* DAA and DAS differ in the direction, and in that a borrow of DAS's first
 * half stays in CF. */
static void adjust_packed(struct cpu *c, bool subtract)
{
	u8 old = get_al(c), by = 0, al;
	bool low = (old & 15) > 9 || (c->arith & EFL_AF);
	bool high = old > 0x99 || (c->arith & EFL_CF);
	bool carry = high || (subtract && low && old < 6);

	by = (low ? 6 : 0) + (high ? 0x60 : 0);
	al = subtract ? old - by : old + by;
	set_al(c, al);
	c->arith = flags_of_sum(old, by, al, subtract) |
		   (carry ? EFL_CF : 0) | (low ? EFL_AF : 0);
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

/* AAD's flags are those of ADD AL, AH * base. */
enum op_result op_aad(struct cpu *c, const struct insn *in)
{
	u8 old = get_al(c), by = get_ah(c) * (u8)in->imm, al = old + by;

	set_ax(c, 0, al);
	c->arith = flags_of_sum(old, by, al, false) | (al < old ? EFL_CF : 0) |
		   ((old ^ by ^ al) & EFL_AF);
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
