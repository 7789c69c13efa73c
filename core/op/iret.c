/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IRET (SDM 2A): the return from interrupts, in all its forms.
 *
 *   real mode          IP, CS, FLAGS
 *   virtual-8086       the same, if IOPL is 3; IOPL itself stays
 *   NT set             back to the task in the back link (task.c)
 *   same privilege     EIP, CS, EFLAGS
 *   outer privilege    and ESP, SS; data segments too privileged are dropped
 *   to virtual-8086    and ES, DS, FS, GS; only from CPL 0
 *
 * NMIs are unblocked first, even if the IRET faults (SDM 3A 6.7.1).  Which
 * flags change is decided with the CPL from before the return. */
#include "core/op/known.h"
#include "core/op/op_priv.h"
#include "trace/trace.h"

struct iret_frame {
	u32 eip, cs, eflags;
};

static void set_flags(struct cpu *c, u32 value, u32 mask)
{
	cpu_set_eflags(c, (cpu_eflags(c) & ~mask) | (value & mask));
}

static bool iret_plain(struct cpu *c, const struct iret_frame *f, unsigned size)
{
	u32 mask = flags_changeable(c, size);

	if (!need_vm86_iopl(c) || !code_limit_ok(c, &c->seg[SEG_CS], f->eip))
		return false;
	if (cpu_is_real(c))
		seg_load_real(c, SEG_CS, f->cs);
	else
		seg_load_vm86(c, SEG_CS, f->cs);
	stack_add(c, 3 * size);
	set_flags(c, f->eflags, mask);
	c->eip = f->eip;
	return true;
}

static bool iret_to_vm86(struct cpu *c, const struct iret_frame *f)
{
	/* the order on the stack, above EFLAGS and ESP */
	static const u8 order[] = { SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	u32 sel[ARRAY_LEN(order)], esp;

	if (!stack_peek(c, 12, 4, &esp))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
		if (!stack_peek(c, 16 + 4 * i, 4, &sel[i]))
			return false;
	}
	if (f->eip > 0xffff)
		return cpu_raise(c, EXC_GP, 0);
	cpu_set_eflags(c, f->eflags);
	for (unsigned i = 0; i < ARRAY_LEN(order); i++)
		seg_load_vm86(c, order[i], sel[i]);
	seg_load_vm86(c, SEG_CS, f->cs);
	seg_set_cpl(c, 3);
	c->gpr[ESP] = esp;
	c->eip = f->eip;
	return true;
}

static bool iret_protected(struct cpu *c, const struct iret_frame *f,
			   unsigned size)
{
	u32 mask = flags_changeable(c, size);
	struct seg cs;
	bool outward;

	if (size == 4 && (f->eflags & EFL_VM) && c->cpl == 0)
		return iret_to_vm86(c, f);
	if (!far_return_cs(c, f->cs, &cs))
		return false;
	outward = (cs.sel & 3) > c->cpl;
	if (outward ? !far_return_outer(c, &cs, f->eip, 3 * size, size, 0)
		    : !far_return_same(c, &cs, f->eip, 3 * size))
		return false;
	set_flags(c, f->eflags, mask);
	known_returned(c, outward);
	return true;
}

static enum op_result do_iret(struct cpu *c, const struct insn *in)
{
	unsigned size = in->opsize;
	struct iret_frame f;

	c->nmi_blocked = false;
	if (size == 4 && known_iret(c))
		return OP_JUMP;
	if (!need_vm86_iopl(c))
		return OP_FAULT;
	if (is_protected(c) && (c->sysflags & EFL_NT))
		return op_jumped(task_return(c, next_eip(c, in)));
	if (!stack_peek(c, 0, size, &f.eip) ||
	    !stack_peek(c, size, size, &f.cs) ||
	    !stack_peek(c, 2 * size, size, &f.eflags))
		return OP_FAULT;
	if (!is_protected(c))
		return op_jumped(iret_plain(c, &f, size));
	return op_jumped(iret_protected(c, &f, size));
}

static __attribute__((noinline)) enum op_result
iret_and_record(struct cpu *c, const struct insn *in)
{
	struct trace_cpu_iret e;
	enum op_result r;

	trace_where(&e.head);
	r = do_iret(c, in);
	e.to = c->eip;
	e.to_cpl = c->cpl;
	if (r == OP_JUMP)
		trace_record(TRACE_cpu_iret, &e.head);
	return r;
}

enum op_result op_iret(struct cpu *c, const struct insn *in)
{
	return TRACING(cpu_iret) ? iret_and_record(c, in) : do_iret(c, in);
}
