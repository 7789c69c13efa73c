/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why a block is as it is: what became of each instruction and for what
 * reason, what leads to the block and out of it, and what became of those that
 * were there before.  Only for people; nothing here runs unless one asks. */
#include "core/bt/level.h"

/* Why an instruction of that class is not the host's as it stands. */
static const char *const class_reasons[] = {
	[C_NOP] = "does nothing, and is left out",
	[C_OP] = "an operation in C: it is privileged, or tells or changes "
		 "what only the monitor has",
	[C_INCDEC] = "its one byte is a prefix in 64-bit mode: the longer form",
	[C_PUSH_REG] = "the stack is in a window: the store first, then esp, "
		       "which is r12",
	[C_PUSH_IMM] = "the stack is in a window: the store first, then esp, "
		       "which is r12",
	[C_PUSH_RM] = "the stack is in a window: read, store, then esp, which "
		      "is r12",
	[C_POP_REG] = "the stack is in a window: the load first, then esp, "
		      "which is r12",
	[C_POP_RM] = "the stack is in a window: both accesses, then esp",
	[C_MOFFS_LOAD] = "an address of 32 bits has no such form in 64-bit mode",
	[C_MOFFS_STORE] = "an address of 32 bits has no such form in 64-bit "
			  "mode",
	[C_LEA] = "an address is calculated, in 32 bits; esp is r12",
	[C_LEAVE] = "esp is r12, and its stack is in a window",
	[C_JCC] = "it leads to translated code, or out to the dispatcher",
	[C_JMP_REL] = "it leads to translated code, or out to the dispatcher",
	[C_JMP_RM] = "where it leads is looked up in the jump cache",
	[C_CALL_REL] = "the guest's return address is pushed; the host's call "
		       "predicts where its return will lead, and the load "
		       "behind it faults if that is elsewhere",
	[C_CALL_RM] = "the same as a call, to what the jump cache says",
	[C_RET] = "the host's return, to where the call came from if it is "
		  "that: checked on arrival; a jump if the block itself put "
		  "there where it goes",
	[C_LOOP] = "it has no form that leaves flags alone and reaches far "
		   "enough",
	[C_SALC] = "there is none in 64-bit mode",
	[C_SETDF] = "DF is kept in the CPU's state, as few instructions ask",
	[C_STI] = "IF is the guest's own; an interrupt may wait for it",
	[C_CLI] = "IF is the guest's own",
	[C_PUSHF] = "flags are put together from host and CPU state",
	[C_POPF] = "arithmetic flags go to the host's, the rest to the CPU's "
		   "state",
	[C_PUSH_SEG] = "segment registers are in the CPU's state",
	[C_POP_SEG] = "segment registers are in the CPU's state; the same "
		      "selector as before changes nothing",
	[C_FROM_SEG] = "segment registers are in the CPU's state",
	[C_TO_SEG] = "segment registers are in the CPU's state; the same "
		     "selector as before changes nothing",
	[C_STRING] = "esi and edi count from the window, DF is elsewhere, and each "
		     "iteration is paid for",
	[C_MOV_FROM_CR] = "control registers are in the CPU's state",
	[C_RDTSC] = "guest time is counted, not the host's",
	[C_BT_MEM] = "the bit's number may reach beyond the operand: its "
		     "address is calculated",
	[C_XCHG_EAX] = "its short form means another thing with r12",
	[C_GET_IF] = "a VMI call in line: IF is in the CPU's state",
	[C_KERNEL_STACK] = "a VMI call in line: two stores to the TSS",
	[C_CALL_LEAVES] = "a VMI call that returns elsewhere",
	[C_THUNK] = "a call that asks where it is: the answer is a constant",
	[C_CALL_IN_LINE] = "a call of VMI's ROM: its stub follows in line",
	[C_RET_IN_LINE] = "the return of a stub in line: nothing is left of it",
	[C_ANNOUNCE] = "a VMI call in line: a bit of the page's flags",
	[C_LAZY_MODE] = "a VMI call in line: the mode is noted",
	[C_SET_LONG] = "a VMI call in line: one store of 64 bits",
	[C_SET_IF] = "a VMI call in line: IF is in the CPU's state",
};

static const char *const site_texts[] = {
	[SITE_WINDOW] = "the window: one host access",
	[SITE_USER] = "the window of user pages",
	[SITE_SOFT] = "the soft way: a walk of the tables in C, or what is "
		      "remembered of one",
	[SITE_COLD] = "cold: the window where the page is mapped, else the "
		      "soft way",
	[SITE_EITHER] = "either: that of the two windows where the page is "
			"mapped, else the soft way",
	[SITE_WATCHED] = "the soft way, but for lines that nobody watches",
};

static const char *const adapt_texts[] = {
	[TRACE_adapt_OTHER_WINDOW] = "it met a page of the other privilege",
	[TRACE_adapt_NO_WINDOW] = "it met what no window holds: a device, ROM, "
				  "or a page with translated code or watches",
	[TRACE_adapt_FRESH_PAGES] = "it kept meeting pages not mapped yet, a "
				    "host signal and a mapping each",
	[TRACE_adapt_RUNS_OFTEN] = "its block runs often",
	[TRACE_adapt_WATCHED] = "some bytes of its page are watched",
};

static const char *const death_texts[] = {
	[TRACE_invalidate_WRITTEN] = "its code was written",
	[TRACE_invalidate_ADAPTED] = "its memory is reached another way",
	[TRACE_invalidate_BREAKPOINT] = "a breakpoint in it was set or removed",
	[TRACE_invalidate_MAPPING] = "its second page is another",
};

static bool uses_stack(const struct insn *in)
{
	enum opcode_class c = in->op->class;

	return (c >= C_PUSH_REG && c <= C_POP_RM) || c == C_LEAVE ||
	       c == C_CALL_REL || c == C_CALL_RM || c == C_RET ||
	       c == C_PUSHF || c == C_POPF;
}

static bool reaches_memory(const struct insn *in)
{
	enum opcode_class c = in->op->class;

	if (c == C_LEA || c == C_NOP)
		return false;
	return insn_has_mem(in) || uses_stack(in) || c == C_MOFFS_LOAD ||
	       c == C_MOFFS_STORE || c == C_STRING;
}

static const char *reason(const struct insn *in)
{
	if (in->op->class != C_COPY)
		return class_reasons[in->op->class];
	if (insn_has_mem(in))
		return "but for its memory operand, which is in a window "
		       "(r15 or GS), it is the host's";
	if (in->has_modrm && (in->rm == ESP || in->reg == ESP))
		return "but for esp, which is r12, it is the host's";
	return "what it needs is looked at first";
}

/* What the block's index-th instruction was, decoded. */
static bool insn_of(const struct bt *bt, const struct block *b, unsigned index,
		    const u8 **bytes, struct insn *in)
{
	gpa_t gpa = block_insn_gpa(b, index);
	u64 len = GUEST_PAGE - (gpa & (GUEST_PAGE - 1));

	*bytes = mem_phys_ptr(bt->cpu->mem, gpa, 1);
	return *bytes && decode(*bytes, len < INSN_MAX ? len : INSN_MAX,
				b->mode & MODE_CS32, in) == DECODE_OK;
}

/* Why it reaches memory as it does; NULL: as all do at first. */
static const char *memory_reason(const struct bt *bt, gpa_t gpa, u8 site)
{
	const struct site_entry *s = site_entry(bt, gpa);

	return s && s->site == site && s->why ? adapt_texts[s->why - 1] : NULL;
}

bool bt_story(const struct bt *bt, const struct bt_block_view *v,
	      unsigned index, struct bt_story *story)
{
	const struct block *b = bt->order[v->number];
	const struct insn_mark *m = &b->marks[index];
	unsigned host_len = m[1].host - m->host;
	const u8 *bytes;
	struct insn in;

	*story = (struct bt_story){ .not_copied = "it lies in two pages" };
	if (!insn_of(bt, b, index, &bytes, &in))
		return false;
	story->not_copied = reason(&in);
	if (host_len == in.len &&
	    !__builtin_memcmp(bytes, b->host + m->host, in.len))
		story->not_copied = NULL;
	if (!reaches_memory(&in) || in.op->class == C_OP)
		return true;
	story->memory = site_texts[m->site];
	story->memory_why = memory_reason(bt, block_insn_gpa(b, index), m->site);
	return true;
}

/* ---- links ---- */

static bool leads_into(const struct bt *bt, const struct edge *edge,
		       const struct block *to)
{
	s32 rel;

	(void)bt;
	if (!edge->site || !to)
		return false;
	__builtin_memcpy(&rel, edge->site, 4);
	return edge->site + 4 + rel == to->host;
}

/* No jump is needed. */
static bool falls_into(const struct block *from, const struct block *to)
{
	return from->falls && to && from->host + from->host_len == to->host;
}

static const struct block *live_at(const struct bt *bt, gla_t eip, u32 mode)
{
	for (u32 i = bt->block_count; i-- > 0;)
		if (!bt->order[i]->dead && bt->order[i]->eip == eip &&
		    bt->order[i]->mode == mode)
			return bt->order[i];
	return NULL;
}

unsigned bt_links_in(const struct bt *bt, u64 number, struct bt_link *list,
		     unsigned max)
{
	const struct block *b = bt->order[number];
	const struct block *before = number ? bt->order[number - 1] : NULL;
	unsigned n = 0;

	if (before && !before->dead && falls_into(before, b) && max)
		list[n++] = (struct bt_link){ before->lin, number - 1, true };
	for (u32 i = EDGES_TEMPORARY; i < bt->edge_count && n < max; i++) {
		const struct edge *e = &bt->edges[i];

		if (e->from && !e->from->dead && !e->from->temporary &&
		    leads_into(bt, e, b))
			list[n++] = (struct bt_link){ e->from->lin,
						      e->from->order, true };
	}
	return n;
}

/* Is the slot of the link table for `target` filled, in a space in which the
 * block may run? */
static bool slot_filled(const struct bt *bt, gla_t target, u32 mode)
{
	u32 slot = 0;

	while (slot < bt->slot_count && bt->slot_target[slot] != target)
		slot++;
	for (u32 k = 0; slot < bt->slot_count && k < bt->context_count; k++) {
		const u64 *table = (const void *)bt->contexts[k].table;

		if (bt->contexts[k].mode == mode &&
		    table[slot] != (u64)(uintptr_t)link_empty(bt, slot))
			return true;
	}
	return false;
}

/* Does a branch of b to that place lead to a block? */
static struct bt_link link_to(const struct bt *bt, const struct block *b,
			      u32 target)
{
	const struct block *to = live_at(bt, target, b->mode);
	bool linked = slot_filled(bt, target, b->mode) || falls_into(b, to);

	for (u32 k = EDGES_TEMPORARY; k < bt->edge_count; k++)
		if (bt->edges[k].from == b && bt->edges[k].target == target)
			linked |= leads_into(bt, &bt->edges[k], to);
	return (struct bt_link){ target, to ? to->order : ~0ull, linked };
}

/* Does the block go on behind it, or come back there? */
static bool goes_on_behind(const struct insn *in)
{
	enum opcode_class c = in->op->class;

	return !(in->op->form & F_END) || c == C_JCC || c == C_LOOP ||
	       c == C_CALL_REL || c == C_CALL_RM;
}

unsigned bt_links_out(const struct bt *bt, u64 number, struct bt_link *list,
		      unsigned max)
{
	const struct block *b = bt->order[number];
	const u8 *bytes;
	unsigned n = 0;
	struct insn in;

	for (unsigned i = 0; i < b->insns && n < max; i++) {
		if (b->marks[i].rom || !insn_of(bt, b, i, &bytes, &in))
			continue;
		if (in.op->class == C_JCC || in.op->class == C_JMP_REL ||
		    in.op->class == C_CALL_REL || in.op->class == C_LOOP)
			list[n++] = link_to(bt, b,
					    block_insn_eip(b, i) + in.len +
						    in.imm);
		if (i == b->insns - 1u && n < max && goes_on_behind(&in))
			list[n++] = link_to(bt, b, b->eip + b->guest_len);
	}
	return n;
}

struct bt_tables bt_tables_to(const struct bt *bt, u64 number)
{
	const u8 *host = bt->order[number]->host;
	struct bt_tables found = { 0, 0 };

	for (u32 i = 0; i < JUMP_CACHE_SIZE; i++)
		found.jumps += bt->jump_cache[i].tag &&
			       bt->jump_cache[i].host == (u64)(uintptr_t)host;
	for (u32 k = 0; k < bt->context_count; k++) {
		const u64 *table = (const void *)bt->contexts[k].table;

		for (u32 i = 0; i < bt->slot_count; i++)
			found.slots += table[i] == (u64)(uintptr_t)host;
	}
	return found;
}

/* ---- what was there before ---- */

void past_note(struct bt *bt, const struct block *b, enum trace_word why)
{
	bt->past[bt->past_count++ % PAST_MAX] =
		(struct past){ bt_icount(bt), b->gpa, b->lin, (u8)why };
}

unsigned bt_past(const struct bt *bt, gpa_t gpa, gla_t lin,
		 struct bt_past_view *list, unsigned max)
{
	u64 kept = bt->past_count < PAST_MAX ? bt->past_count : PAST_MAX;
	unsigned n = 0;

	for (u64 i = 0; i < kept && n < max; i++) {
		const struct past *p =
			&bt->past[(bt->past_count - 1 - i) % PAST_MAX];

		if (p->gpa == gpa && p->lin == lin)
			list[n++] = (struct bt_past_view){
				p->icount, death_texts[p->why] };
	}
	return n;
}
