/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptor-table registers, selectors looked at without loading them, and
 * the rest of the privileged instructions (SDM 3A 2.8).
 *
 * LAR, LSL, VERR and VERW answer in ZF and never fault on a bad selector:
 * that is what they are for.  Reading the descriptor can still page-fault.
 *
 * SGDT and SIDT store all 32 bits of the base whatever the operand size;
 * LGDT and LIDT take 24 bits with a 16-bit one (SDM 2A LGDT). */
#include "core/op/op_priv.h"

/* ---- GDTR, IDTR ---- */

static enum op_result load_table(struct cpu *c, const struct insn *in,
				 struct dtable *t, enum op_table_name name)
{
	struct {
		u16 limit, base_low, base_high;
	} image;
	u32 base;

	if (!insn_has_mem(in))
		return op_fault(c, EXC_UD, 0);
	if (!need_cpl0(c) ||
	    !mem_read(c, in->seg, op_ea(c, in), &image, sizeof(image)))
		return OP_FAULT;
	base = image.base_low | (u32)image.base_high << 16;
	t->limit = image.limit;
	t->base = in->opsize == 2 ? base & 0xffffff : base;
	cpu_forget_descriptors(c);
	op_note(OP_NOTE_TABLE, name, t->base);
	return OP_NEXT;
}

static enum op_result store_table(struct cpu *c, const struct insn *in,
				  const struct dtable *t)
{
	u16 image[3] = { t->limit, t->base & 0xffff, t->base >> 16 };

	if (!insn_has_mem(in))
		return op_fault(c, EXC_UD, 0);
	return op_done(mem_write(c, in->seg, op_ea(c, in), image,
				 sizeof(image)));
}

enum op_result op_lgdt(struct cpu *c, const struct insn *in)
{
	return load_table(c, in, &c->gdtr, OP_GDT);
}
enum op_result op_lidt(struct cpu *c, const struct insn *in)
{
	return load_table(c, in, &c->idtr, OP_IDT);
}
enum op_result op_sgdt(struct cpu *c, const struct insn *in)
{
	return store_table(c, in, &c->gdtr);
}
enum op_result op_sidt(struct cpu *c, const struct insn *in)
{
	return store_table(c, in, &c->idtr);
}

/* ---- LDTR, TR ---- */

enum op_result op_lldt(struct cpu *c, const struct insn *in)
{
	u32 sel;

	if (!need_protected(c) || !need_cpl0(c) || !rm_read(c, in, 2, &sel) ||
	    !ldtr_load(c, sel, EXC_GP))
		return OP_FAULT;
	op_note(OP_NOTE_TABLE, OP_LDT, c->ldtr.base);
	return OP_NEXT;
}

static bool tr_load(struct cpu *c, u16 sel)
{
	struct desc d;
	unsigned type;

	if (selector_is_null(sel) || (sel & 4))
		return cpu_raise(c, EXC_GP, selector_error(sel));
	if (!desc_read(c, sel, EXC_GP, &d))
		return false;
	type = desc_type(&d);
	if (desc_is_segment(&d) || (type != SYS_TSS16 && type != SYS_TSS32))
		return cpu_raise(c, EXC_GP, selector_error(sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, EXC_NP, selector_error(sel));
	if (!desc_set_busy(c, &d, true))
		return false;
	desc_to_seg(&d, sel, &c->tr);
	cpu_forget_descriptors(c);
	c->mode_changed = true;
	return true;
}

enum op_result op_ltr(struct cpu *c, const struct insn *in)
{
	u32 sel;

	if (!need_protected(c) || !need_cpl0(c) || !rm_read(c, in, 2, &sel) ||
	    !tr_load(c, sel))
		return OP_FAULT;
	op_note(OP_NOTE_TABLE, OP_TR, c->tr.base);
	return OP_NEXT;
}

static enum op_result store_selector(struct cpu *c, const struct insn *in,
				     u16 sel)
{
	unsigned size = insn_has_mem(in) ? 2 : in->opsize;

	return op_done(need_protected(c) && rm_write(c, in, size, sel));
}

enum op_result op_sldt(struct cpu *c, const struct insn *in)
{
	return store_selector(c, in, c->ldtr.sel);
}
enum op_result op_str(struct cpu *c, const struct insn *in)
{
	return store_selector(c, in, c->tr.sel);
}

/* ---- looking at selectors ---- */

static void set_zf(struct cpu *c, bool zf)
{
	c->arith = (c->arith & ~EFL_ZF) | (zf ? EFL_ZF : 0);
}

/* Reads the operand's descriptor if there is one that CPL and RPL may see;
 * *visible says so.  False on a fault. */
static bool look(struct cpu *c, const struct insn *in, struct desc *d,
		 bool *visible)
{
	u32 sel, words[2];

	*visible = false;
	if (!need_protected(c) || !rm_read(c, in, 2, &sel))
		return false;
	if (selector_is_null(sel) || !desc_find(c, sel, &d->lin))
		return true;
	if (!mem_lin_read(c, d->lin, words, 8, MEM_SYSTEM))
		return false;
	d->lo = words[0];
	d->hi = words[1];
	*visible = desc_is_conforming(d) ||
		   (desc_dpl(d) >= c->cpl && desc_dpl(d) >= (sel & 3));
	return true;
}

static bool system_type_in(const struct desc *d, u32 types)
{
	return desc_is_segment(d) || (types >> desc_type(d) & 1);
}

enum op_result op_lar(struct cpu *c, const struct insn *in)
{
	static const u32 types = 1u << SYS_TSS16 | 1u << SYS_LDT |
				 1u << SYS_TSS16_BUSY | 1u << SYS_CALL16 |
				 1u << SYS_TASK_GATE | 1u << SYS_TSS32 |
				 1u << SYS_TSS32_BUSY | 1u << SYS_CALL32;
	struct desc d;
	bool ok;

	if (!look(c, in, &d, &ok))
		return OP_FAULT;
	ok = ok && system_type_in(&d, types);
	if (ok)
		set_part(&c->gpr[in->reg], d.hi & 0xffff00,
			 size_mask(in->opsize));
	set_zf(c, ok);
	return OP_NEXT;
}

enum op_result op_lsl(struct cpu *c, const struct insn *in)
{
	static const u32 types = 1u << SYS_TSS16 | 1u << SYS_LDT |
				 1u << SYS_TSS16_BUSY | 1u << SYS_TSS32 |
				 1u << SYS_TSS32_BUSY;
	struct desc d;
	struct seg s;
	bool ok;

	if (!look(c, in, &d, &ok))
		return OP_FAULT;
	ok = ok && system_type_in(&d, types);
	if (ok) {
		desc_to_seg(&d, 0, &s);
		set_part(&c->gpr[in->reg], s.limit, size_mask(in->opsize));
	}
	set_zf(c, ok);
	return OP_NEXT;
}

enum op_result op_verr(struct cpu *c, const struct insn *in)
{
	struct desc d;
	bool ok;

	if (!look(c, in, &d, &ok))
		return OP_FAULT;
	set_zf(c, ok && desc_is_segment(&d) &&
		  (!desc_is_code(&d) || (desc_type(&d) & SEG_RW)));
	return OP_NEXT;
}

enum op_result op_verw(struct cpu *c, const struct insn *in)
{
	struct desc d;
	bool ok;

	if (!look(c, in, &d, &ok))
		return OP_FAULT;
	set_zf(c, ok && desc_is_writable(&d));
	return OP_NEXT;
}

enum op_result op_arpl(struct cpu *c, const struct insn *in)
{
	unsigned rpl = c->gpr[in->reg] & 3;
	u32 sel;
	bool raise;

	if (!need_protected(c) || !rm_read(c, in, 2, &sel))
		return OP_FAULT;
	raise = (sel & 3) < rpl;
	if (raise && !rm_write(c, in, 2, (sel & ~3u) | rpl))
		return OP_FAULT;
	set_zf(c, raise);
	return OP_NEXT;
}

/* ---- caches, TLB, HLT ---- */

enum op_result op_invlpg(struct cpu *c, const struct insn *in)
{
	gla_t lin;

	if (!insn_has_mem(in))
		return op_fault(c, EXC_UD, 0);
	if (!need_cpl0(c))
		return OP_FAULT;
	lin = c->seg[in->seg].base + op_ea(c, in);
	mem_flush_page(c, lin);
	op_note(OP_NOTE_INVLPG, lin, 0);
	return OP_NEXT;
}

enum op_result op_invd(struct cpu *c, const struct insn *in)
{
	(void)in;
	return op_done(need_cpl0(c));
}

enum op_result op_wbinvd(struct cpu *c, const struct insn *in)
{
	(void)in;
	return op_done(need_cpl0(c));
}

enum op_result op_hlt(struct cpu *c, const struct insn *in)
{
	if (!need_cpl0(c))
		return OP_FAULT;
	c->eip = next_eip(c, in);
	c->halted = true;
	return OP_HALT;
}
