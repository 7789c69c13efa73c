/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instructions that are the same on the host: copied, with the memory
 * operand replaced, esp renamed to r12, and REX added where that needs it.
 *
 * A REX prefix makes ah, ch, dh and bh unreachable.  When one of them meets
 * a REX, its value goes through r10b: swap the register's low bytes, copy,
 * swap back; none of that touches flags or can fault, and the guest state
 * is whole again before the access. */
#include "core/bt/bt_priv.h"

struct copy {
	unsigned rex, reg, rm;
	bool mem;
	struct addr a;
};

static void emit_prefixes(struct tr *t)
{
	const struct opcode *op = t->in->op;

	if (t->in->lock)
		e8(&t->e, 0xf0);
	if (op->prefix == P66 || ((op->form & F_V) && t->in->opsize == 2))
		e8(&t->e, 0x66);
	if (op->prefix == PF2)
		e8(&t->e, 0xf2);
	if (op->prefix == PF3)
		e8(&t->e, 0xf3);
}

static void emit_opcode(struct tr *t, unsigned opcode)
{
	static const u8 second[4] = { 0, 0, 0x38, 0x3a };

	if (t->in->map)
		e8(&t->e, 0x0f);
	if (t->in->map > 1)
		e8(&t->e, second[t->in->map]);
	e8(&t->e, opcode);
}

static void emit_immediate(struct tr *t)
{
	u32 form = t->in->op->form;

	if (form & (F_IMM8 | F_IMM8S))
		e8(&t->e, t->in->imm);
	else if ((form & F_IMMV) && t->in->opsize == 2)
		e16(&t->e, t->in->imm);
	else if (form & F_IMMV)
		e32(&t->e, t->in->imm);
}

/* xchg low byte, high byte of guest register eax..ebx */
static void swap_bytes(struct tr *t, unsigned reg)
{
	e8(&t->e, 0x86);
	e8(&t->e, 0xc0 | reg << 3 | (reg + 4));
}

/* r10b := the high byte of `reg` (0..3) */
static void fetch_high(struct tr *t, unsigned reg)
{
	swap_bytes(t, reg);
	e_mov_rr(&t->e, 0, R10, reg);
	swap_bytes(t, reg);
}

static void store_high(struct tr *t, unsigned reg)
{
	swap_bytes(t, reg);
	e_rex(&t->e, REX_R); /* mov reg8, r10b */
	e8(&t->e, 0x88);
	e8(&t->e, 0xc0 | (R10 & 7) << 3 | reg);
	swap_bytes(t, reg);
}

static void emit_operands(struct tr *t, const struct copy *k, unsigned opcode)
{
	if (k->mem)
		e_mem(&t->e, k->reg, k->a.base, k->a.index, k->a.scale,
		      k->a.disp);
	else
		e8(&t->e, 0xc0 | (k->reg & 7) << 3 | (k->rm & 7));
	(void)opcode;
	emit_immediate(t);
}

static void copy_modrm(struct tr *t)
{
	struct insn *in = t->in;
	u32 form = in->op->form;
	struct copy k = { .reg = in->reg, .rm = in->rm, .mem = in->mod != 3 };
	unsigned high_reg, high_rm, high;

	if ((form & F_REG) && !(form & F_REG8) && k.reg == ESP)
		k.reg = R12;
	if ((form & F_RM) && !(form & F_RM8) && k.rm == ESP)
		k.rm = R12;
	if (k.mem) {
		unsigned size = in->op->mem_size == SZ_V ? in->opsize
							 : in->op->mem_size;
		emit_fpu_check(t); /* #NM comes before #PF */
		k.a = address_of(t, in->seg, size, form);
		k.rex = rex_for(0, k.reg, k.a.index < 0 ? 0 : k.a.index,
				k.a.base < 0 ? 0 : k.a.base);
	} else {
		k.rex = rex_for(0, k.reg, 0, k.rm);
	}
	emit_fpu_check(t);
	high_reg = (form & F_REG8) && in->reg >= 4;
	high_rm = !k.mem && (form & F_RM8) && in->rm >= 4;
	high = k.rex && (high_reg || high_rm);
	if (high) {
		fetch_high(t, (high_reg ? in->reg : in->rm) - 4);
		if (high_reg)
			k.reg = R10;
		else
			k.rm = R10;
		k.rex |= high_reg ? REX_R : REX_B;
	}
	emit_prefixes(t);
	if (k.mem && k.a.user)
		e_from_gs(&t->e);
	e_rex(&t->e, k.rex);
	emit_opcode(t, in->opcode == 0x82 && !in->map ? 0x80 : in->opcode);
	emit_operands(t, &k, in->opcode);
	if (high && high_reg && !(in->map == 0 && (in->opcode == 0x88 ||
	    in->opcode == 0x84 || (in->opcode < 0x40 && !(in->opcode & 2)))))
		store_high(t, in->reg - 4);
	address_after_write(t);
}

/* Register named in the opcode, or none at all. */
static void copy_plain(struct tr *t)
{
	unsigned opcode = t->in->opcode;
	bool esp = (t->in->op->form & F_OPREG) &&
		   !(t->in->op->form & F_OPREG8) && (opcode & 7) == ESP;

	emit_fpu_check(t);
	emit_prefixes(t);
	e_rex(&t->e, esp ? REX_B : 0);
	emit_opcode(t, opcode);
	emit_immediate(t);
}

/* BT with a register offset, the soft way: the word is at the operand plus
 * the offset's upper bits.  Flags other than CF stay, so they are saved. */
static void bit_string_soft(struct tr *t)
{
	struct emit *e = &t->e;
	struct insn *in = t->in;
	unsigned reg = in->reg == ESP ? R12 : in->reg;
	unsigned shift = in->opsize == 4 ? 5 : 4;
	struct addr a;
	static const u8 save[] = { 0x9f, 0x0f, 0x90, 0xc0 }; /* lahf; seto al */
	static const u8 restore[] = { 0x04, 0x7f, 0x9e };    /* add al,127; sahf */

	/* Offset register as the guest has it, before eax is used for flags:
	 * r11 := sign-extended bit offset. */
	if (in->opsize == 4)
		e_rr(e, 1, 0x63, R11, reg); /* movsxd */
	else
		e_rr(e, 1, 0x0fbf, R11, reg); /* movsx r11, reg16 */
	emit_ea(t, R8);
	e_mov_rr(e, 0, R10, RAX);
	for (unsigned i = 0; i < sizeof(save); i++)
		e8(e, save[i]);
	e_mov_rr(e, 1, R9, R11);
	e_rex(e, REX_W | REX_B); /* sar r9, shift */
	e8(e, 0xc1);
	e8(e, 0xf9);
	e8(e, shift);
	e_lea(e, 0, R8, R8, R9, in->opsize == 4 ? 2 : 1, 0);
	e_rex(e, REX_B); /* and r11d, mask */
	e8(e, 0x83);
	e8(e, 0xe3);
	e8(e, in->opsize == 4 ? 31 : 15);
	for (unsigned i = 0; i < sizeof(restore); i++)
		e8(e, restore[i]);
	e_mov_rr(e, 0, RAX, R10);
	if (in->addrsize == 2)
		e_rr(e, 0, 0x0fb7, R8, R8);
	a = address_given(t, in->seg, in->opsize, in->op->form);
	emit_prefixes(t);
	e_rex(e, rex_for(0, R11, a.index < 0 ? 0 : a.index, a.base));
	emit_opcode(t, in->opcode);
	e_mem(e, R11, a.base, a.index, a.scale, a.disp);
	address_after_write(t);
}

void rule_copy(struct tr *t)
{
	struct insn *in = t->in;

	if (in->op->class == C_BT_MEM && in->mod != 3 &&
	    !address_is_window(t, in->seg))
		bit_string_soft(t);
	else if (in->op->form & F_MODRM)
		copy_modrm(t);
	else
		copy_plain(t);
}
