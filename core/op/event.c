/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Delivery of exceptions and interrupts (SDM 3A chapter 6, 2A INT n).
 *
 * Every event, whatever its origin, becomes one struct event and goes
 * through the same gate.  The origin shows in four places only: whether the
 * gate's DPL is checked (software), whether an error code is pushed, the RF
 * bit of the pushed EFLAGS, and the EXT bit of error codes that delivery
 * itself raises (everything but software interrupts).
 *
 * Delivery can fail like any instruction.  What an exception during the
 * delivery of another means is decided by their classes (SDM 3A tables 6-4
 * and 6-5): a contributory one after a contributory one, or a contributory
 * one or a page fault after a page fault, is a double fault; one of these
 * during a double fault shuts the processor down; all else is delivered in
 * turn.
 *
 * The frame is written last; registers change after it. */
#include "core/op/known.h"
#include "core/op/op_priv.h"
#include "trace/trace.h"

enum { ERR_EXT = 1, ERR_IDT = 2, DR7_GD = 1u << 13, DR6_BREAKPOINTS = 15 };

enum exc_class { BENIGN, CONTRIB, PFAULT };

static const u8 classes[32] = {
#define EXCEPTION(vec, name, class, err, text) [vec] = (class),
#include "core/cpu/exceptions.def"
};

static u32 gate_error(const struct event *e)
{
	return e->vector * 8u | ERR_IDT;
}

static bool deliver_real(struct cpu *c, const struct event *e)
{
	struct frame f = { .size = 2 };
	struct stack s;
	u16 vector[2];

	if (e->vector * 4u + 3 > c->idtr.limit)
		return cpu_raise(c, EXC_GP, 0);
	if (!mem_lin_read(c, c->idtr.base + e->vector * 4u, vector, 4,
			  MEM_SYSTEM))
		return false;
	frame_push(&f, e->eflags);
	frame_push(&f, c->seg[SEG_CS].sel);
	frame_push(&f, e->eip);
	stack_current(c, &s);
	if (!frame_write(c, &f, &s))
		return false;
	stack_switch(c, &s);
	cpu_set_eflags(c, cpu_eflags(c) &
			  ~(EFL_IF | EFL_TF | EFL_AC | EFL_RF));
	seg_load_real(c, SEG_CS, vector[1]);
	c->eip = vector[0];
	return true;
}

static bool read_gate(struct cpu *c, const struct event *e, struct desc *gate)
{
	u32 words[2];

	if (e->vector * 8u + 7 > c->idtr.limit)
		return cpu_raise(c, EXC_GP, gate_error(e));
	gate->lin = c->idtr.base + e->vector * 8u;
	if (!mem_lin_read(c, gate->lin, words, 8, MEM_SYSTEM))
		return false;
	gate->lo = words[0];
	gate->hi = words[1];
	switch (desc_is_segment(gate) ? 0 : desc_type(gate)) {
	case SYS_TASK_GATE:
	case SYS_INT16:
	case SYS_TRAP16:
	case SYS_INT32:
	case SYS_TRAP32:
		break;
	default:
		return cpu_raise(c, EXC_GP, gate_error(e));
	}
	if (e->kind == EVENT_SOFT && desc_dpl(gate) < c->cpl)
		return cpu_raise(c, EXC_GP, gate_error(e));
	if (!desc_is_present(gate))
		return cpu_raise(c, EXC_NP, gate_error(e));
	return true;
}

static bool deliver_task(struct cpu *c, const struct event *e,
			 const struct desc *gate)
{
	unsigned type;

	if (!task_gate(c, gate, TASK_CALL, e->eip, e->eflags))
		return false;
	type = c->tr.attr & SEG_TYPE;
	return !e->has_error ||
	       stack_push(c, e->error, type == SYS_TSS32_BUSY ? 4 : 2);
}

/* The code segment a gate leads to, checked, and the privilege it gets. */
static bool gate_code(struct cpu *c, const struct desc *gate, struct desc *d,
		      struct seg *cs)
{
	u16 sel = gate_selector(gate);
	unsigned level = c->cpl;

	if (selector_is_null(sel))
		return cpu_raise(c, EXC_GP, 0);
	if (!desc_read(c, sel, EXC_GP, d))
		return false;
	if (!desc_is_code(d) || desc_dpl(d) > c->cpl)
		return cpu_raise(c, EXC_GP, selector_error(sel));
	if (!desc_is_present(d))
		return cpu_raise(c, EXC_NP, selector_error(sel));
	if (!desc_is_conforming(d))
		level = desc_dpl(d);
	if (cpu_is_vm86(c) && level != 0)
		return cpu_raise(c, EXC_GP, selector_error(sel));
	desc_to_seg(d, (sel & ~3u) | level, cs);
	cs->attr |= SEG_A;
	return true;
}

static void gate_frame(const struct cpu *c, const struct event *e, bool inward,
		       struct frame *f)
{
	if (cpu_is_vm86(c)) {
		frame_push(f, c->seg[SEG_GS].sel);
		frame_push(f, c->seg[SEG_FS].sel);
		frame_push(f, c->seg[SEG_DS].sel);
		frame_push(f, c->seg[SEG_ES].sel);
	}
	if (inward) {
		frame_push(f, c->seg[SEG_SS].sel);
		frame_push(f, c->gpr[ESP]);
	}
	frame_push(f, e->eflags);
	frame_push(f, c->seg[SEG_CS].sel);
	frame_push(f, e->eip);
	if (e->has_error)
		frame_push(f, e->error);
}

static void drop_vm86_segments(struct cpu *c)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned i = 0; i < ARRAY_LEN(data); i++)
		c->seg[data[i]] = (struct seg){ .sel = 0 };
}

static bool deliver_gate(struct cpu *c, const struct event *e,
			 const struct desc *gate)
{
	bool wide = desc_type(gate) & 8, trap = desc_type(gate) & 1;
	struct frame f = { .size = wide ? 4 : 2 };
	u32 clear = EFL_TF | EFL_NT | EFL_RF | EFL_VM;
	u32 eip = gate_offset(gate);
	unsigned level;
	struct stack s;
	struct desc d;
	struct seg cs;
	bool inward;

	if (!gate_code(c, gate, &d, &cs))
		return false;
	level = cs.sel & 3;
	inward = level != c->cpl;
	if (!inward)
		stack_current(c, &s);
	else if (!gate_new_stack(c, level, &s))
		return false;
	gate_frame(c, e, inward, &f);
	if (!frame_fits(c, &f, &s) || !code_limit_ok(c, &cs, eip) ||
	    !desc_set_accessed(c, &d) || !frame_write(c, &f, &s))
		return false;
	if (cpu_is_vm86(c))
		drop_vm86_segments(c);
	cpu_set_eflags(c, cpu_eflags(c) & ~(trap ? clear : clear | EFL_IF));
	seg_set_cpl(c, level);
	stack_switch(c, &s);
	far_commit(c, &cs, eip);
	known_delivered(c, e, gate, inward);
	return true;
}

/*T:110 Interrupts and exceptions, all of them. */
static bool deliver(struct cpu *c, const struct event *e)
{
	struct desc gate;
	bool ok;

	if (known_deliver(c, e))
		ok = true;
	else if (cpu_is_real(c))
		ok = deliver_real(c, e);
	else if (!read_gate(c, e, &gate))
		ok = false;
	else if (desc_type(&gate) == SYS_TASK_GATE)
		ok = deliver_task(c, e, &gate);
	else
		ok = deliver_gate(c, e, &gate);
	if (ok)
		c->halted = false;
	else if (e->kind != EVENT_SOFT && classes[c->exc.vector & 31] == CONTRIB)
		c->exc.error |= c->exc.has_error ? ERR_EXT : 0;
	return ok;
}
/*T:*/

/* ---- exceptions ---- */

/* What `second`, raised while `first` was delivered, turns into: c->exc for
 * the next round, or false for a triple fault. */
static bool merge(struct cpu *c, u8 first)
{
	u8 a = classes[first & 31], b = classes[c->exc.vector & 31];

	if (first == EXC_DF && b != BENIGN)
		return false;
	if ((a == CONTRIB && b == CONTRIB) || (a == PFAULT && b != BENIGN)) {
		c->exc.pending = false;
		cpu_raise(c, EXC_DF, 0);
	}
	return true;
}

/* Effects on CR2 and the debug registers that come even when delivery then
 * fails. */
static void note_cause(struct cpu *c, const struct exception *x)
{
	if (x->vector == EXC_PF)
		c->cr2 = x->cr2;
	if (x->vector == EXC_DB) {
		c->dr[6] |= x->dr6;
		c->dr[7] &= ~DR7_GD;
	}
}

/* RF in the pushed image keeps an instruction breakpoint from hitting again
 * when the fault returns (SDM 3B 17.3.1.1).  Otherwise RF is pushed as it is:
 * set between the iterations of a repeated string instruction, and after an
 * IRET that set it. */
static u32 pushed_flags(const struct cpu *c, const struct exception *x)
{
	bool breakpoint = x->vector == EXC_DB && (x->dr6 & DR6_BREAKPOINTS);
	bool sets_rf = x->kind == EVENT_FAULT && !breakpoint;

	return cpu_eflags(c) | (sets_rf ? EFL_RF : 0);
}

static struct event_chain chain;

const struct event_chain *event_chain(void)
{
	return &chain;
}

static u8 deliver_exceptions(struct cpu *c, int interrupt)
{
	u8 last = c->exc.vector;
	unsigned failures = 0;

	while (c->exc.pending) {
		struct exception x = c->exc;
		struct event e = { .vector = x.vector, .kind = x.kind,
				   .has_error = x.has_error, .error = x.error,
				   .eip = c->eip,
				   .eflags = pushed_flags(c, &x) };

		last = x.vector;
		c->exc.pending = false;
		note_cause(c, &x);
		if (deliver(c, &e))
			break;
		if (failures < CHAIN_MAX) {
			chain.part[failures].tried = x;
			chain.part[failures].raised = c->exc;
			chain.count = ++failures;
			chain.interrupt = interrupt;
		}
		if (!merge(c, x.vector)) {
			c->exc.pending = false;
			c->shutdown = true;
		}
	}
	return last;
}

u8 event_deliver_exception(struct cpu *c)
{
	return deliver_exceptions(c, -1);
}

void event_deliver_interrupt(struct cpu *c, u8 vector)
{
	struct event e = { .vector = vector, .kind = EVENT_EXTERNAL,
			   .eip = c->eip, .eflags = cpu_eflags(c) };

	if (!deliver(c, &e))
		deliver_exceptions(c, vector);
}

static __attribute__((noinline)) bool
deliver_and_record(struct cpu *c, const struct event *e)
{
	struct trace_cpu_software_interrupt t = { .vector = e->vector,
						  .eax = c->gpr[EAX] };

	trace_where(&t.head);
	if (!deliver(c, e))
		return false;
	t.handler = c->eip;
	trace_record(TRACE_cpu_software_interrupt, &t.head);
	return true;
}

enum op_result event_software(struct cpu *c, u8 vector, u32 next)
{
	struct event e = { .vector = vector, .kind = EVENT_SOFT, .eip = next,
			   .eflags = cpu_eflags(c) & ~EFL_RF };

	if (!(TRACING(cpu_software_interrupt) ? deliver_and_record(c, &e)
					      : deliver(c, &e)))
		return OP_FAULT;
	if (op_hooks.interrupted)
		op_hooks.interrupted(op_hooks.catch_arg, vector);
	return OP_JUMP;
}

/* ---- instructions ---- */

enum op_result op_int_n(struct cpu *c, const struct insn *in)
{
	if (!need_vm86_iopl(c))
		return OP_FAULT;
	return event_software(c, in->imm & 0xff, next_eip(c, in));
}

enum op_result op_int3(struct cpu *c, const struct insn *in)
{
	return event_software(c, EXC_BP, next_eip(c, in));
}

enum op_result op_into(struct cpu *c, const struct insn *in)
{
	if (!(c->arith & EFL_OF))
		return OP_NEXT;
	return event_software(c, EXC_OF, next_eip(c, in));
}

/* INT1 is #DB to its handler, with the address after it; but a delivery that
 * fails is a fault of this instruction. */
enum op_result op_int1(struct cpu *c, const struct insn *in)
{
	struct event e = { .vector = EXC_DB, .kind = EVENT_TRAP,
			   .eip = next_eip(c, in), .eflags = cpu_eflags(c) };

	if (!deliver(c, &e))
		return OP_FAULT;
	c->dr[7] &= ~DR7_GD;
	return OP_JUMP;
}

enum op_result op_ud(struct cpu *c, const struct insn *in)
{
	(void)in;
	return op_fault(c, EXC_UD, 0);
}

/* With an absolute operand it may be a paravirtual call (op.h). */
enum op_result op_ud1(struct cpu *c, const struct insn *in)
{
	bool absolute = in->mod == 0 && in->base == REG_NONE &&
			in->index == REG_NONE && in->addrsize == 4;

	if (!op_hooks.paravirt || !absolute)
		return op_ud(c, in);
	return op_hooks.paravirt(op_hooks.paravirt_arg, c, in);
}
