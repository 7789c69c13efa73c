/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Far jumps, calls and returns (SDM 2A CALL, JMP; 2B RET; 3A 5.8), and the
 * fast system calls SYSENTER and SYSEXIT.
 *
 * A far pointer's selector may name a code segment, and then the transfer is
 * direct at the same privilege; or a call gate, which may lead inward with a
 * stack switch; or a TSS or task gate (task.c).  In real and virtual-8086
 * mode it is a plain segment number.
 *
 * Order in every path: read and check descriptors, see that the stack has
 * room, check the target against the new limit, write the frame, then commit
 * CS, EIP, CPL and the stack.  The frame is the last thing that can fail. */
#include "core/op/known.h"
#include "core/op/op_priv.h"

/* One far transfer in progress. */
struct transfer {
	u16 sel;
	u32 off;
	unsigned size; /* operand size of the instruction or the gate */
	bool call;
	u32 next; /* return address */
};

/* What all transfers at the same privilege do but to load CS: checks the
 * target, and a call pushes its return address.  `d` may be NULL. */
static bool push_return(struct cpu *c, const struct transfer *t,
			const struct seg *cs, struct desc *d)
{
	struct frame f = { .size = t->size };
	struct stack s;

	stack_current(c, &s);
	frame_push(&f, c->seg[SEG_CS].sel);
	frame_push(&f, t->next);
	if (t->call && !frame_fits(c, &f, &s))
		return false;
	if (!code_limit_ok(c, cs, t->off) || (d && !desc_set_accessed(c, d)))
		return false;
	if (!t->call)
		return true;
	if (!frame_write(c, &f, &s))
		return false;
	stack_switch(c, &s);
	return true;
}

static bool far_plain(struct cpu *c, const struct transfer *t)
{
	if (!push_return(c, t, &c->seg[SEG_CS], NULL))
		return false;
	if (cpu_is_real(c))
		seg_load_real(c, SEG_CS, t->sel);
	else
		seg_load_vm86(c, SEG_CS, t->sel);
	c->eip = t->off;
	return true;
}

/* To code of the same privilege; `d` has passed the privilege checks. */
static bool far_same(struct cpu *c, const struct transfer *t, struct desc *d)
{
	struct seg cs;

	if (!desc_is_present(d))
		return cpu_raise(c, EXC_NP, selector_error(t->sel));
	desc_to_seg(d, (t->sel & ~3u) | c->cpl, &cs);
	cs.attr |= SEG_A;
	if (!push_return(c, t, &cs, d))
		return false;
	far_commit(c, &cs, t->off);
	return true;
}

static bool far_direct(struct cpu *c, const struct transfer *t, struct desc *d)
{
	bool ok = desc_is_conforming(d) ?
			  desc_dpl(d) <= c->cpl :
			  (t->sel & 3u) <= c->cpl && desc_dpl(d) == c->cpl;

	if (!ok)
		return cpu_raise(c, EXC_GP, selector_error(t->sel));
	return far_same(c, t, d);
}

/* The old SS:ESP, `count` parameters copied, and the return address. */
static bool gate_frame(struct cpu *c, const struct transfer *t, unsigned count,
		       struct frame *f)
{
	frame_push(f, c->seg[SEG_SS].sel);
	frame_push(f, c->gpr[ESP]);
	for (unsigned i = count; i-- > 0;) {
		u32 parameter;

		if (!stack_peek(c, i * t->size, t->size, &parameter))
			return false;
		frame_push(f, parameter);
	}
	frame_push(f, c->seg[SEG_CS].sel);
	frame_push(f, t->next);
	return true;
}

static bool gate_inward(struct cpu *c, const struct transfer *t, struct desc *d,
			unsigned count)
{
	struct frame f = { .size = t->size };
	unsigned level = desc_dpl(d);
	struct stack s;
	struct seg cs;

	if (!gate_new_stack(c, level, &s))
		return false;
	desc_to_seg(d, (t->sel & ~3u) | level, &cs);
	cs.attr |= SEG_A;
	if (!gate_frame(c, t, count, &f) || !frame_fits(c, &f, &s) ||
	    !code_limit_ok(c, &cs, t->off) || !desc_set_accessed(c, d) ||
	    !frame_write(c, &f, &s))
		return false;
	seg_set_cpl(c, level);
	stack_switch(c, &s);
	far_commit(c, &cs, t->off);
	return true;
}

static bool through_call_gate(struct cpu *c, struct transfer *t,
			      const struct desc *gate)
{
	unsigned count = gate->hi & 31;
	struct desc d;

	t->sel = gate_selector(gate);
	t->off = gate_offset(gate);
	t->size = desc_type(gate) == SYS_CALL32 ? 4 : 2;
	if (selector_is_null(t->sel))
		return cpu_raise(c, EXC_GP, 0);
	if (!desc_read(c, t->sel, EXC_GP, &d))
		return false;
	if (!desc_is_code(&d) || desc_dpl(&d) > c->cpl)
		return cpu_raise(c, EXC_GP, selector_error(t->sel));
	if (desc_is_conforming(&d) || desc_dpl(&d) == c->cpl)
		return far_same(c, t, &d);
	if (!t->call)
		return cpu_raise(c, EXC_GP, selector_error(t->sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, EXC_NP, selector_error(t->sel));
	return gate_inward(c, t, &d, count);
}

/* Gates and TSSs share their entry checks. */
static bool far_system(struct cpu *c, struct transfer *t, struct desc *d)
{
	enum task_source source = t->call ? TASK_CALL : TASK_JMP;
	unsigned type = desc_type(d);
	bool gate = type == SYS_CALL16 || type == SYS_CALL32 ||
		    type == SYS_TASK_GATE;
	bool tss = type == SYS_TSS16 || type == SYS_TSS32;

	if ((!gate && !tss) || desc_dpl(d) < c->cpl ||
	    desc_dpl(d) < (t->sel & 3u) || (tss && (t->sel & 4)))
		return cpu_raise(c, EXC_GP, selector_error(t->sel));
	if (!desc_is_present(d))
		return cpu_raise(c, EXC_NP, selector_error(t->sel));
	if (type == SYS_TASK_GATE)
		return task_gate(c, d, source, t->next,
				 cpu_eflags(c));
	if (tss)
		return task_switch(c, t->sel, d, source, t->next,
				   cpu_eflags(c));
	return through_call_gate(c, t, d);
}

static bool far_transfer(struct cpu *c, struct transfer *t)
{
	struct desc d;

	t->off &= size_mask(t->size);
	if (!is_protected(c))
		return far_plain(c, t);
	if (selector_is_null(t->sel))
		return cpu_raise(c, EXC_GP, 0);
	if (!desc_read(c, t->sel, EXC_GP, &d))
		return false;
	if (desc_is_code(&d))
		return far_direct(c, t, &d);
	if (desc_is_segment(&d))
		return cpu_raise(c, EXC_GP, selector_error(t->sel));
	return far_system(c, t, &d);
}

static enum op_result far_by_operand(struct cpu *c, const struct insn *in,
				     bool call)
{
	struct transfer t = { .size = in->opsize, .call = call,
			      .next = next_eip(c, in), .off = in->imm,
			      .sel = in->imm2 };
	u32 ea;

	if (in->opcode == 0xff) {
		if (!insn_has_mem(in))
			return op_fault(c, EXC_UD, 0);
		ea = op_ea(c, in);
		t.off = 0;
		if (!mem_read(c, in->seg, ea, &t.off, in->opsize) ||
		    !mem_read(c, in->seg,
			      (ea + in->opsize) & size_mask(in->addrsize),
			      &t.sel, 2))
			return OP_FAULT;
	}
	return op_jumped(far_transfer(c, &t));
}

enum op_result op_call_far(struct cpu *c, const struct insn *in)
{
	return far_by_operand(c, in, true);
}

enum op_result op_jmp_far(struct cpu *c, const struct insn *in)
{
	return far_by_operand(c, in, false);
}

/* ---- RET ---- */

static bool ret_plain(struct cpu *c, u16 sel, u32 off)
{
	if (!code_limit_ok(c, &c->seg[SEG_CS], off))
		return false;
	if (cpu_is_real(c))
		seg_load_real(c, SEG_CS, sel);
	else
		seg_load_vm86(c, SEG_CS, sel);
	c->eip = off;
	return true;
}

bool far_return_cs(struct cpu *c, u16 sel, struct seg *cs)
{
	unsigned rpl = sel & 3;
	struct desc d;

	if (selector_is_null(sel))
		return cpu_raise(c, EXC_GP, 0);
	if (!desc_read(c, sel, EXC_GP, &d))
		return false;
	if (!desc_is_code(&d) || rpl < c->cpl ||
	    (desc_is_conforming(&d) ? desc_dpl(&d) > rpl : desc_dpl(&d) != rpl))
		return cpu_raise(c, EXC_GP, selector_error(sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, EXC_NP, selector_error(sel));
	desc_to_seg(&d, sel, cs);
	return desc_set_accessed(c, &d);
}

bool far_return_same(struct cpu *c, const struct seg *cs, u32 eip, u32 release)
{
	if (!code_limit_ok(c, cs, eip))
		return false;
	stack_add(c, release);
	far_commit(c, cs, eip);
	return true;
}

bool far_return_outer(struct cpu *c, const struct seg *cs, u32 eip, u32 at,
		      unsigned size, u32 release)
{
	unsigned level = cs->sel & 3;
	struct stack s;
	u32 sel;

	if (!stack_peek(c, at, size, &s.esp) ||
	    !stack_peek(c, at + size, size, &sel) ||
	    !seg_check_ss(c, sel, level, EXC_GP, &s.ss) ||
	    !code_limit_ok(c, cs, eip))
		return false;
	s.esp += release;
	seg_set_cpl(c, level);
	stack_switch(c, &s);
	seg_drop_privileged(c);
	far_commit(c, cs, eip);
	return true;
}

enum op_result op_ret_far(struct cpu *c, const struct insn *in)
{
	u32 release = in->opcode == 0xca ? in->imm & 0xffff : 0;
	unsigned size = in->opsize;
	struct seg cs;
	u32 off, sel;

	if (!stack_peek(c, 0, size, &off) || !stack_peek(c, size, size, &sel))
		return OP_FAULT;
	if (!is_protected(c)) {
		if (!ret_plain(c, sel, off))
			return OP_FAULT;
		stack_add(c, 2 * size + release);
		return OP_JUMP;
	}
	if (!far_return_cs(c, sel, &cs))
		return OP_FAULT;
	if ((cs.sel & 3) > c->cpl)
		return op_jumped(far_return_outer(c, &cs, off,
						  2 * size + release, size,
						  release));
	return op_jumped(far_return_same(c, &cs, off, 2 * size + release));
}

/* ---- SYSENTER, SYSEXIT ---- */

enum op_result op_sysenter(struct cpu *c, const struct insn *in)
{
	(void)in;
	return known_sysenter(c) ? OP_JUMP : op_fault(c, EXC_GP, 0);
}

enum op_result op_sysexit(struct cpu *c, const struct insn *in)
{
	(void)in;
	return known_sysexit(c) ? OP_JUMP : op_fault(c, EXC_GP, 0);
}
