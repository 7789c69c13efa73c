/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the event of a translation tells of a block. */
#include "core/bt/bt_priv.h"

static bool is_stack(enum opcode_class class)
{
	return class == C_PUSH_REG || class == C_PUSH_IMM ||
	       class == C_PUSH_RM || class == C_POP_REG || class == C_POP_RM ||
	       class == C_LEAVE;
}

static bool is_control(enum opcode_class class)
{
	return class == C_JCC || class == C_JMP_REL || class == C_JMP_RM ||
	       class == C_CALL_REL || class == C_CALL_RM || class == C_RET ||
	       class == C_LOOP || class == C_THUNK || class == C_CALL_IN_LINE ||
	       class == C_RET_IN_LINE;
}

/* The current instruction has been made: as what? */
void record_insn(struct tr *t)
{
	struct trace_bt_translate *r = t->record;
	const struct insn *in = t->in;

	if (t->op_made)
		r->operations++;
	else if (is_control(in->op->class))
		r->control++;
	else if (is_stack(in->op->class))
		r->stack++;
	else if (in->op->class != C_COPY && in->op->class != C_NOP)
		r->rewritten++;
	else if (insn_has_mem(in))
		r->operand++;
	else
		r->copied++;
}

static enum trace_word privilege(u32 mode)
{
	return mode & MODE_V86    ? TRACE_mode_V86
	       : mode & MODE_USER ? TRACE_mode_USER
	       : mode & MODE_CPL0 ? TRACE_mode_KERNEL
				  : TRACE_mode_MIDDLE;
}

void record_mode_change(u32 from, u32 to)
{
	if (from && privilege(from) != privilege(to))
		TRACE(cpu_mode, .from = (u8)privilege(from),
		      .to = (u8)privilege(to), .paged = !!(to & MODE_PAGED));
}

void record_block(struct tr *t, u64 ticks)
{
	struct trace_bt_translate *r = t->record;
	const struct block *b = t->b;

	r->pc = b->lin;
	r->page = b->gpa & ~(u64)(GUEST_PAGE - 1);
	r->mode = (u8)privilege(b->mode);
	r->key = b->mode;
	r->guest_bytes = b->guest_len;
	r->insns = b->insns;
	r->host_bytes = b->host_len + b->ways_len;
	r->temporary = b->temporary;
	r->ns = (u32)trace_ns(ticks);
	trace_emit(TRACE_bt_translate, &r->head);
}
