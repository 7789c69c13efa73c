/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading segment registers (SDM 2B MOV, 3A 5.4 to 5.7), and the
 * instructions that do little else.
 *
 * Three ways, by mode.  Real mode changes the base only: limit and size stay
 * as protected mode left them, which boot loaders rely on ("unreal mode").
 * Virtual-8086 mode gives the full 64 KiB data segment with DPL 3.  In
 * protected mode the descriptor is read, checked for the register at hand,
 * marked accessed, and only then loaded.
 *
 * The checks take the exception to raise as an argument: MOV says #GP where
 * a task switch says #TS for the same mistake.  Not present is #NP, or #SS
 * for the stack, in both. */
#include "core/op/known.h"
#include "core/op/op_priv.h"

enum { REAL_DATA = SEG_P | SEG_S | SEG_RW | SEG_A, VM86_DATA = 0xf3 };

/* Most loads are of a flat segment over a flat one: the translator needs not
 * look (it goes by CPL, not DPL). */
void seg_set(struct cpu *c, unsigned seg, const struct seg *value)
{
	struct seg *s = &c->seg[seg];

	if (s->base != value->base || s->limit != value->limit ||
	    (s->attr ^ value->attr) & ~(SEG_DPL | SEG_A)) {
		if (seg == SEG_FS || seg == SEG_GS)
			c->fs_gs_changed = true;
		else
			c->mode_changed = true;
	}
	*s = *value;
}

void seg_set_cpl(struct cpu *c, unsigned cpl)
{
	c->cpl = cpl;
	c->mode_changed = true;
}

void seg_load_real(struct cpu *c, unsigned seg, u16 sel)
{
	struct seg *s = &c->seg[seg];

	if (!s->attr)
		s->limit = 0xffff;
	s->sel = sel;
	s->base = (u32)sel << 4;
	s->attr = (s->attr & (SEG_DB | SEG_G)) | REAL_DATA;
	s->memo = 0;
	c->mode_changed = true;
}

void seg_load_vm86(struct cpu *c, unsigned seg, u16 sel)
{
	struct seg s = { .sel = sel, .attr = VM86_DATA,
			 .base = (u32)sel << 4, .limit = 0xffff };

	seg_set(c, seg, &s);
}

bool seg_check_ss(struct cpu *c, u16 sel, unsigned cpl, enum exc vector,
		  struct seg *ss)
{
	struct desc d;

	if (selector_is_null(sel))
		return cpu_raise(c, vector, 0);
	if (!desc_read(c, sel, vector, &d))
		return false;
	if ((sel & 3) != cpl || !desc_is_writable(&d) || desc_dpl(&d) != cpl)
		return cpu_raise(c, vector, selector_error(sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, EXC_SS, selector_error(sel));
	if (!desc_set_accessed(c, &d))
		return false;
	desc_to_seg(&d, sel, ss);
	return true;
}

bool seg_check_data(struct cpu *c, u16 sel, enum exc vector, struct seg *s)
{
	struct desc d;

	if (selector_is_null(sel)) {
		*s = (struct seg){ .sel = sel };
		return true;
	}
	if (!desc_read(c, sel, vector, &d))
		return false;
	if (!desc_is_segment(&d) ||
	    (desc_is_code(&d) && !(desc_type(&d) & SEG_RW)))
		return cpu_raise(c, vector, selector_error(sel));
	if (!desc_is_conforming(&d) &&
	    ((sel & 3) > desc_dpl(&d) || c->cpl > desc_dpl(&d)))
		return cpu_raise(c, vector, selector_error(sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, EXC_NP, selector_error(sel));
	if (!desc_set_accessed(c, &d))
		return false;
	desc_to_seg(&d, sel, s);
	return true;
}

/* Where the descriptor is, if it can be looked at again without a word. */
static void remember(struct cpu *c, struct seg *s)
{
	static const u64 null_descriptor;
	const u64 *at = &null_descriptor;
	gla_t lin;

	if (!selector_is_null(s->sel))
		at = desc_find(c, s->sel, &lin)
			     ? mem_host_ptr(c, lin, 8, MEM_SYSTEM) : NULL;
	if (!at || (s->attr && !(*at >> 40 & SEG_A)))
		return;
	s->memo_at = at;
	s->memo_raw = -*at;
	s->memo = -(s->sel | (u32)SEG_MEMO);
}

bool seg_load(struct cpu *c, unsigned seg, u16 selector)
{
	struct seg s;

	if (cpu_is_real(c)) {
		seg_load_real(c, seg, selector);
		return true;
	}
	if (cpu_is_vm86(c)) {
		seg_load_vm86(c, seg, selector);
		return true;
	}
	if (seg != SEG_SS && known_load_data(c, seg, selector))
		return true;
	if (seg == SEG_SS ? !seg_check_ss(c, selector, c->cpl, EXC_GP, &s)
			  : !seg_check_data(c, selector, EXC_GP, &s))
		return false;
	remember(c, &s);
	seg_set(c, seg, &s);
	if (seg != SEG_SS && s.attr)
		known_loaded_data(c, &s);
	return true;
}

void seg_drop_privileged(struct cpu *c)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
		struct seg *s = &c->seg[data[i]];
		unsigned dpl = (s->attr & SEG_DPL) >> SEG_DPL_SHIFT;
		bool conforming = (s->attr & (SEG_CODE | SEG_EC)) ==
				  (SEG_CODE | SEG_EC);

		if (s->attr && dpl < c->cpl && !conforming)
			*s = (struct seg){ .sel = 0 };
	}
	c->mode_changed = true;
}

bool ldtr_load(struct cpu *c, u16 sel, enum exc vector)
{
	struct desc d;

	cpu_forget_descriptors(c);
	if (selector_is_null(sel)) {
		c->ldtr = (struct seg){ .sel = sel };
		return true;
	}
	if (sel & 4)
		return cpu_raise(c, vector, selector_error(sel));
	if (!desc_read(c, sel, vector, &d))
		return false;
	if (desc_is_segment(&d) || desc_type(&d) != SYS_LDT)
		return cpu_raise(c, vector, selector_error(sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, vector == EXC_TS ? EXC_TS : EXC_NP,
				 selector_error(sel));
	desc_to_seg(&d, sel, &c->ldtr);
	return true;
}

/* ---- instructions ---- */

/* Which register PUSH, POP and LES.. mean, by opcode. */
static unsigned seg_of_opcode(const struct insn *in)
{
	if (in->map == 0 && in->opcode < 0x20)
		return in->opcode >> 3;
	switch (in->opcode) {
	case 0xc4:
		return SEG_ES;
	case 0xc5:
		return SEG_DS;
	case 0xb2:
		return SEG_SS;
	case 0xa0:
	case 0xa1:
	case 0xb4:
		return SEG_FS;
	default:
		return SEG_GS;
	}
}

/* A new SS casts a shadow on the next instruction, which loads ESP. */
static bool load_with_shadow(struct cpu *c, unsigned seg, u16 sel)
{
	if (!seg_load(c, seg, sel))
		return false;
	if (seg == SEG_SS)
		c->shadow = SHADOW_SS;
	return true;
}

enum op_result op_push_seg(struct cpu *c, const struct insn *in)
{
	return op_done(stack_push(c, c->seg[seg_of_opcode(in)].sel, in->opsize));
}

enum op_result op_pop_seg(struct cpu *c, const struct insn *in)
{
	u32 mask = stack_mask(&c->seg[SEG_SS]);
	u32 sel;

	if (!stack_peek(c, 0, in->opsize, &sel) ||
	    !load_with_shadow(c, seg_of_opcode(in), sel))
		return OP_FAULT;
	/* by the width of the stack it was popped from, should it be SS */
	set_part(&c->gpr[ESP], c->gpr[ESP] + in->opsize, mask);
	return OP_NEXT;
}

enum op_result op_mov_from_seg(struct cpu *c, const struct insn *in)
{
	if (in->reg >= SEG_COUNT)
		return op_fault(c, EXC_UD, 0);
	return op_done(rm_write(c, in, insn_has_mem(in) ? 2 : in->opsize,
				c->seg[in->reg].sel));
}

enum op_result op_mov_to_seg(struct cpu *c, const struct insn *in)
{
	u32 sel;

	if (in->reg >= SEG_COUNT || in->reg == SEG_CS)
		return op_fault(c, EXC_UD, 0);
	return op_done(rm_read(c, in, 2, &sel) &&
		       load_with_shadow(c, in->reg, sel));
}

enum op_result op_load_far_pointer(struct cpu *c, const struct insn *in)
{
	u32 mask = size_mask(in->addrsize), ea, off = 0;
	u16 sel;

	if (!insn_has_mem(in))
		return op_fault(c, EXC_UD, 0);
	ea = op_ea(c, in);
	if (!mem_read(c, in->seg, ea, &off, in->opsize) ||
	    !mem_read(c, in->seg, (ea + in->opsize) & mask, &sel, 2) ||
	    !seg_load(c, seg_of_opcode(in), sel))
		return OP_FAULT;
	set_part(&c->gpr[in->reg], off, size_mask(in->opsize));
	return OP_NEXT;
}
