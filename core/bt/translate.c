/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One block: decode, then make each instruction by its class.
 *
 * A block is a run of instructions in one page, up to a branch or another
 * end; an instruction that straddles two pages is a block of its own.  Its
 * head takes the run, up to the first branch in it, from the budget at once
 * and touches the budget's memory where it would be at the block's end: when
 * too little is left that load faults, before anything ran, so the head needs
 * neither a compare nor the flags.  Behind each branch the next run is taken.
 *
 * Code for the unlikely (edges not linked yet) is emitted elsewhere.  When a
 * block ends with a jump to what is not translated yet, that is made at once,
 * in the jump's place. */
#include "core/bt/bt_priv.h"

static const struct opcode row_invalid = {
	.class = C_OP, .form = F_END, .name = "(bad)", .operation = OPERATION_ud,
};
static const struct opcode row_gp = {
	.class = C_OP, .form = F_END, .name = "(limit)", .operation = OPERATION_limit,
};

/* ---- pieces that rules use ---- */

unsigned tr_unretired(const struct tr *t)
{
	return t->b->marks[t->index].paid;
}

/* reg := low | (instructions not retired, this one included) << shift */
void emit_count(struct tr *t, unsigned reg, u32 low, unsigned shift)
{
	e_mov_ri(&t->e, reg, low | tr_unretired(t) << shift);
}

/* ---- what outlives the translation ---- */

static void *alloc(struct tr *t, bool temporary, u64 size)
{
	if (!temporary)
		return meta_alloc(t->bt, size);
	size = (size + 15) & ~15ull;
	t->temp_used += size;
	return t->bt->temp_meta + t->temp_used - size;
}

static void *keep(struct tr *t, const void *what, u64 size)
{
	void *kept = alloc(t, t->b->temporary, size);

	__builtin_memcpy(kept, what, size);
	return kept;
}

/* Calls the current instruction's operation; goes on after it when that
 * says so. */
static const u8 *stub_of(const struct tr *t)
{
	const struct bt *bt = t->bt;

	if (paravirt_tells(t))
		return bt->stub_op;
	switch (t->in->op->operation) {
	case OPERATION_int_n:
		return bt->stub_int;
	case OPERATION_iret:
		return bt->stub_iret;
	case OPERATION_sysenter:
		return bt->stub_sysenter;
	case OPERATION_sysexit:
		return bt->stub_sysexit;
	case OPERATION_invlpg:
		return t->call[t->index] ? bt->stub_inval_page : bt->stub_op;
	default:
		return bt->stub_op;
	}
}

void emit_op(struct tr *t)
{
	e_store_rip_eip(&t->e, &t->bt->cpu->eip, t->eip);
	emit_op_at(t);
}

void emit_op_at(struct tr *t)
{
	t->op_made = true;
	paravirt_at_c(t);
	e_mov_ri64(&t->e, R8,
		   (u64)(uintptr_t)keep(t, t->in, sizeof(*t->in)));
	emit_count(t, R9, 0, 0);
	e_call(&t->e, stub_of(t));
	t->fpu_ready = 0;
}

static bool same_page(const struct tr *t, u32 target)
{
	u32 base = t->b->lin - t->b->eip;

	return (base + target) >> 12 == t->b->lin >> 12 && t->b->gpa2 == ~0ull;
}

static void add_cold(struct tr *t, u32 target)
{
	t->cold[t->cold_count].patch = t->e.at;
	t->cold[t->cold_count].ready = t->fpu_ready;
	t->cold[t->cold_count++].target = target;
	e_fixup(&t->e, FIXUP_WAYS);
	e32(&t->e, 0);
}

bool emit_linking(const struct tr *t)
{
	return t->bt->cfg.links && !t->b->temporary;
}

/* Jump (4) or call (2) through the space's link table; false, with the target
 * in r8d, when slots ran out. */
static bool through_slot(struct tr *t, struct emit *e, unsigned kind,
			 u32 target)
{
	int slot = link_slot(t->bt, target);

	if (slot < 0)
		e_mov_eip(e, R8, target);
	else
		e_through_slot(e, kind, slot);
	return slot >= 0;
}

void emit_jcc_to(struct tr *t, unsigned cc, u32 target)
{
	e8(&t->e, 0x0f);
	e8(&t->e, 0x80 | cc);
	add_cold(t, target);
}

void emit_jump_to(struct tr *t, u32 target)
{
	stack_settle(t);
	t->ended = true;
	if (emit_linking(t) && !same_page(t, target)) {
		if (!through_slot(t, &t->e, 4, target))
			e_jmp(&t->e, t->bt->stub_jump);
		return;
	}
	t->tail = t->e.at;
	e8(&t->e, 0xe9);
	add_cold(t, target);
}

void emit_indirect(struct tr *t)
{
	if (emit_linking(t)) {
		emit_lookup(t->bt, &t->e, 4);
	} else {
		e_store_rip(&t->e, 0, &t->bt->live->indirect, R8);
		e_store_rip_imm(&t->e, &t->bt->live->exit, BT_EXIT_LOOKUP);
		e_jmp(&t->e, t->bt->stub_exit_plain);
	}
	t->ended = true;
}

void emit_call_to(struct tr *t, u32 target)
{
	if (!emit_linking(t)) {
		emit_jump_to(t, target);
		return;
	}
	if (same_page(t, target)) {
		e8(&t->e, 0xe8);
		add_cold(t, target);
	} else if (!through_slot(t, &t->e, 2, target)) {
		e_call(&t->e, t->bt->stub_jump);
	}
	emit_continuation(t);
}

void emit_call_indirect(struct tr *t)
{
	if (!emit_linking(t)) {
		emit_indirect(t);
		return;
	}
	emit_lookup(t->bt, &t->e, 2);
	emit_continuation(t);
}

void emit_return(struct tr *t)
{
	if (!emit_linking(t)) {
		emit_indirect(t);
		return;
	}
	e8(&t->e, 0xc3);
	t->ended = true;
}

/* The block is left behind the current instruction. */
void emit_give_back(struct tr *t)
{
	if (tr_unretired(t) > 1)
		e_lea(&t->e, 1, R14, R14, -1, 0, (s32)tr_unretired(t) - 1);
}

void emit_exit(struct tr *t, enum bt_exit why)
{
	e_store_rip_eip(&t->e, &t->bt->live->indirect, t->next);
	e_store_rip_imm(&t->e, &t->bt->live->exit, why);
	e_jmp(&t->e, t->bt->stub_exit_plain);
}

static void emit_way(struct tr *t, unsigned i)
{
	struct bt *bt = t->bt;
	struct emit *e = &t->ways;
	u8 *patch = t->cold[i].patch;
	u32 target = t->cold[i].target, rel = (u32)(e->at - (patch + 4)), edge;
	bool near = same_page(t, target);

	__builtin_memcpy(patch, &rel, 4);
	if (!near && emit_linking(t)) {
		if (!through_slot(t, e, 4, target))
			e_jmp(e, bt->stub_jump);
		return;
	}
	edge = t->b->temporary ? i : bt->edge_count++;
	bt->edges[edge] = (struct edge){
		t->b, near && emit_linking(t) ? patch + e->delta : NULL, target,
		NULL, (u8)t->cold[i].ready,
	};
	emit_way_of_edge(bt, e, edge);
}

/* Leaves for the dispatcher, which is told by which edge. */
void emit_way_of_edge(const struct bt *bt, struct emit *e, u32 edge)
{
	e_rex(e, REX_B); /* mov r8d, edge */
	e8(e, 0xb8 | (R8 & 7));
	e_fixup(e, FIXUP_EDGE);
	e32(e, edge);
	e_jmp(e, bt->stub_exit_edge);
}

/* IF was set: if an interrupt waits, the dispatcher sees whether it can come. */
void emit_look(struct tr *t)
{
	struct emit *e = &t->e;
	u8 *none;

	e_mov_rr(e, 0, R8, RCX);
	e_load_rip(e, 0, RCX, &t->bt->live->irq_waiting);
	none = e_short(e, JECXZ);
	e_mov_rr(e, 0, RCX, R8);
	emit_give_back(t);
	emit_exit(t, BT_EXIT_SHADOW);
	e_short_here(e, none);
	e_mov_rr(e, 0, RCX, R8);
}

enum { READY_X87 = 1, READY_SSE = 2 };

/* r10 := the form, if the state is blocked.  Returns the jump if it is not, to
 * give to when_ready. */
static u8 *when_blocked(struct tr *t, u32 form)
{
	struct emit *e = &t->e;
	u8 *ready;

	t->fpu_ready |= form & F_SSE ? READY_SSE : READY_X87;
	e_mov_rr(e, 0, R10, RCX);
	e_load_rip(e, 0, RCX, form & F_SSE ? &t->bt->live->sse_blocked
					   : &t->bt->live->fpu_blocked);
	ready = e_short(e, JECXZ);
	e_mov_rr(e, 0, RCX, R10);
	e_mov_ri(e, R10, form);
	return ready;
}

static void when_ready(struct tr *t, u8 *ready)
{
	u8 *done = e_short(&t->e, JMP8);

	e_short_here(&t->e, ready);
	e_mov_rr(&t->e, 0, RCX, R10);
	e_short_here(&t->e, done);
}

/* x87 and SSE: the state may be elsewhere, or not allowed now.  Comes after
 * the operand's address is made (which may put the state elsewhere) and
 * leaves r8 and r9 alone. */
void emit_fpu_check(struct tr *t)
{
	struct emit *e = &t->e;
	u32 form = t->in->op->form;
	u8 *ready;
	unsigned kind = form & F_SSE ? READY_SSE : READY_X87;

	if (!(form & F_FPU) || (t->fpu_ready & kind))
		return;
	ready = when_blocked(t, form);
	emit_count(t, R11, 0, 0);
	e_call(e, t->bt->stub_fpu);
	when_ready(t, ready);
}

/* The state that the block surely needs, and nothing before changes whether it
 * may have it: the form of the first instruction that does; 0: none. */
static u32 surely_needs(const struct tr *t)
{
	if (!emit_linking(t) || t->bt->records || t->trial)
		return 0;
	for (unsigned i = 0; i < t->b->insns; i++) {
		const struct opcode *op = t->insns[i].op;

		if ((op->class < C_INCDEC || op->class > C_LEAVE) &&
		    op->class != C_COPY)
			return 0;
		if (op->form & F_FPU)
			return op->form & F_WAIT ? 0 : op->form;
	}
	return 0;
}

/* Asks at the block's very beginning, before anything is paid for.  So a loop,
 * and whoever else comes with the state ready, begins behind it. */
static void emit_fpu_ahead(struct tr *t)
{
	u32 form = surely_needs(t);
	u8 *ready;

	if (!form)
		return;
	ready = when_blocked(t, form);
	e_call(&t->e, t->bt->stub_fpu_ahead);
	when_ready(t, ready);
	t->b->needs = (u8)t->fpu_ready;
	t->b->ready_at = (u16)(t->e.at - t->e.start);
}

/* ---- one instruction ---- */

static void emit_insn(struct tr *t)
{
	switch (t->in->op->class) {
	case C_COPY:
	case C_XCHG_EAX:
	case C_BT_MEM:
		rule_copy(t);
		break;
	case C_NOP:
		break;
	case C_JCC:
	case C_JMP_REL:
	case C_JMP_RM:
	case C_CALL_REL:
	case C_CALL_RM:
	case C_RET:
	case C_LOOP:
		rule_control(t);
		break;
	case C_PUSH_REG:
	case C_PUSH_IMM:
	case C_PUSH_RM:
	case C_POP_REG:
	case C_POP_RM:
	case C_LEAVE:
		rule_stack(t);
		break;
	case C_KERNEL_STACK:
		rule_kernel_stack(t);
		break;
	case C_CALL_LEAVES:
		rule_call_leaves(t);
		break;
	case C_THUNK:
		rule_thunk(t);
		break;
	case C_CALL_IN_LINE:
	case C_RET_IN_LINE:
		rule_call_in_line(t);
		break;
	case C_PUSH_SEG:
	case C_POP_SEG:
	case C_FROM_SEG:
	case C_TO_SEG:
	case C_POPF:
		rule_system(t);
		break;
	case C_STRING:
		rule_string(t);
		break;
	case C_GET_IF:
		rule_get_if(t);
		break;
	case C_SET_IF:
		rule_set_if(t);
		break;
	case C_ANNOUNCE:
		rule_announce(t);
		break;
	case C_LAZY_MODE:
		rule_lazy_mode(t);
		break;
	case C_SET_LONG:
		rule_set_long(t);
		break;
	default:
		rule_odd(t);
		break;
	}
}

/*T:15 The head counts, and faults when too little is left for the whole block.
 * Behind a branch that may leave the block what comes is paid for, too. */
static void emit_pay(struct tr *t, unsigned index)
{
	e_lea(&t->e, 1, R14, R14, -1, 0, -(s32)t->b->marks[index].paid);
	if (t->bt->cfg.counts_twice) /* to measure what counting costs */
		e_lea(&t->e, 1, R14, R14, -1, 0, 0);
}

static void emit_head(struct tr *t)
{
	s32 later = (s32)t->b->insns - t->b->marks[0].paid;

	emit_pay(t, 0);
	e_rm(&t->e, 0, 0x8b, R8, R14, -1, 0, -later);
	if (t->bt->cfg.counts_twice)
		e_rm(&t->e, 0, 0x8b, R8, R14, -1, 0, -later);
}
/*T:*/

/* Must the dispatcher look at the instruction `at` bytes from the block? */
static bool stops_at(const struct tr *t, s32 at)
{
	const struct bt *bt = t->bt;
	gla_t lin = t->b->lin + (u32)at;

	if (t->trial)
		return false;
	return break_at(bt, lin) ||
	       (bt->stops_at_calls && paravirt_stops(bt, t->b->gpa + (gpa_t)at)) ||
	       (bt->points_on && debugreg_at(bt, lin));
}

enum { INT3_OPCODE = 0xcc };

static bool out_of_room(const struct bt *bt, unsigned blocks)
{
	return bt->emit.at + blocks * BLOCK_ROOM > bt->emit.end ||
	       bt->ways.at + blocks * WAYS_ROOM > bt->ways.end ||
	       bt->meta_used + blocks * (64 << 10) > bt->meta_size ||
	       bt->block_count + blocks >= bt->block_max ||
	       bt->edge_count + blocks * EDGES_TEMPORARY >= EDGES_MAX ||
	       bt->slot_count + blocks * EDGES_TEMPORARY >= SLOTS_MAX;
}

bool translate_out_of_room(const struct bt *bt)
{
	return out_of_room(bt, 1);
}

/* Is the block's end a jump to what can be made next, in the jump's place? */
static bool falls(const struct tr *t)
{
	const struct block *b = t->b;
	u32 target;
	s32 away;
	gpa_t gpa;

	if (!t->tail || t->e.at != t->tail + 5 || t->trial ||
	    !emit_linking(t) || !(t->mode & MODE_CS_FLAT) ||
	    t->falls == (t->mode & MODE_USER ? FALLS_MAX_USER : FALLS_MAX))
		return false;
	target = t->cold[t->cold_count - 1].target;
	away = (s32)(target - b->eip);
	gpa = b->gpa + (gpa_t)away;
	return away && same_page(t, target) &&
	       (gpa & (GUEST_PAGE - 1)) <= GUEST_PAGE - INSN_MAX &&
	       !stops_at(t, away) && !out_of_room(t->bt, 3) &&
	       !cache_look(t->bt, b->lin + (u32)away, gpa, t->mode);
}

static void emit_end(struct tr *t)
{
	struct block *b = t->b;

	if (falls(t)) {
		b->falls = true;
		b->falls_to = t->cold[--t->cold_count].target;
		t->e.at = t->tail;
		t->e.fixup_count--;
	}
	while (t->e.at - t->e.start < b->ready_at + HEAD_LEN)
		e8(&t->e, 0x90);
	b->host_len = (u32)(emit_pc(&t->e) - b->host);
	for (unsigned i = 0; i < t->cold_count && !t->ways.full; i++)
		emit_way(t, i);
	b->ways_len = (u32)(emit_pc(&t->ways) - b->ways);
}

/* What is needed to copy it. */
static void keep_fixups(struct tr *t)
{
	struct block *b = t->b;
	u32 n = t->e.fixup_count, ways = t->ways.fixup_count;
	u16 *kept;

	if (!rebase_can(t))
		return;
	kept = alloc(t, false, (n + ways) * sizeof(*kept));
	__builtin_memcpy(kept, t->e.fixups, n * sizeof(*kept));
	__builtin_memcpy(kept + n, t->ways.fixups, ways * sizeof(*kept));
	b->fixups = kept;
	b->fixup_count = (u16)n;
	b->ways_fixup_count = (u16)ways;
	b->moves = true;
}

/* A branch that the block goes on behind ends what is paid for at once. */
static bool pays_up_to(const struct insn *in)
{
	return in->op->class == C_JCC;
}

static void pay(struct tr *t)
{
	struct insn_mark *marks = t->b->marks;
	unsigned n = 0;

	for (unsigned i = t->b->insns; i-- > 0;) {
		n = pays_up_to(&t->insns[i]) ? 1 : n + 1;
		marks[i].paid = (u8)n;
	}
}

/*T:10 A block is made: its head, then each instruction by its class. */
static void emit_block(struct tr *t)
{
	struct block *b = t->b;

	pay(t);
	b->marks = keep(t, b->marks, (b->insns + 1u) * sizeof(*b->marks));
	if (t->bt->records && !t->trial)
		recent_emit(t);
	emit_fpu_ahead(t);
	emit_head(t);
	if (t->bt->profiles && !t->trial)
		profile_emit(t);
	for (t->index = 0; t->index < b->insns; t->index++) {
		t->in = &t->insns[t->index];
		t->eip = b->eip + b->marks[t->index].guest;
		t->next = t->eip + t->in->len;
		t->site = site_get(t->bt, block_insn_gpa(b, t->index));
		b->marks[t->index].site = t->site;
		b->marks[t->index].host = (u16)(emit_pc(&t->e) - b->host);
		t->esp_waits = stack_waits(t);
		if (!t->esp_waits)
			stack_settle(t);
		b->marks[t->index].esp_due = (s16)t->esp_due;
		if (t->index && pays_up_to(&t->insns[t->index - 1]))
			emit_pay(t, t->index);
		paravirt_before(t);
		emit_insn(t);
		paravirt_after(t);
		if (t->record)
			record_insn(t);
	}
	b->marks[b->insns].host = (u16)(emit_pc(&t->e) - b->host);
	if (!t->ended) /* t->next may be what is behind a callee in line */
		emit_jump_to(t, b->eip + b->guest_len);
	emit_end(t);
	keep_fixups(t);
}
/*T:*/

/* ---- decoding the run ---- */

static void check_limit(const struct tr *t, struct insn *in, u32 eip)
{
	const struct cs_form *f = &t->bt->cs_forms[t->mode >> MODE_CS_SHIFT];

	if (!(t->mode & MODE_CS_FLAT) &&
	    (eip > f->limit || in->len - 1u > f->limit - eip))
		in->op = &row_gp;
}

/* Decodes at offset `at` of the page; false when it needs the next page. */
static bool decode_one(struct tr *t, unsigned at, unsigned avail,
		       struct insn *in)
{
	switch (decode(t->code + at, avail, t->mode & MODE_CS32, in)) {
	case DECODE_OK:
		return true;
	case DECODE_MORE:
		return false;
	case DECODE_TOO_LONG:
		in->op = &row_gp;
		return true;
	default:
		in->op = &row_invalid;
		return true;
	}
}

/* A conditional branch forward is mostly not taken, and what might change the
 * mode mostly does not: the block goes on. */
static bool ends_block(const struct tr *t, const struct insn *in)
{
	if (!(in->op->form & F_END))
		return false;
	if (in->op->class == C_JCC)
		return (s32)in->imm < 0 || !(t->mode & MODE_CS_FLAT);
	return !rule_system_goes_on(t, in);
}

/* Iterations count, and a short block that has paid for what is behind them
 * may not have enough for all: there they are paid for alone. */
static bool stands_alone(const struct tr *t, const struct insn *in)
{
	return t->b->temporary && in->rep &&
	       (in->op->class == C_STRING || (in->opcode & ~3) == 0x6c);
}

static void decode_run(struct tr *t, unsigned room, unsigned max)
{
	struct block *b = t->b;
	unsigned at = 0, n = 0, called;

	while (n < max) {
		struct insn *in = &t->insns[n];

		if (n && stops_at(t, (s32)at))
			break;
		if (!decode_one(t, at, room - at, in) ||
		    (n && stands_alone(t, in)))
			break;
		b->marks[n] = (struct insn_mark){ .guest = at };
		paravirt_decoded(t, n, in);
		check_limit(t, in, b->eip + at);
		at += in->len;
		n++;
		called = at < room ? in_line_called(t, n - 1, at, max) : 0;
		if (!called && at < room)
			called = thunk_called(t, n - 1, at, max);
		n += called;
		if (at >= room || called == 1 || stands_alone(t, in) ||
		    (!called && ends_block(t, in)))
			break;
	}
	b->marks[n] = (struct insn_mark){ .guest = at };
	b->insns = (u16)n;
	b->guest_len = (u16)at;
}

/* The first instruction runs into the next page. */
static bool decode_straddle(struct tr *t, u8 *bytes, unsigned room)
{
	struct block *b = t->b;
	struct cpu *c = t->bt->cpu;
	gla_t next = (b->lin | (GUEST_PAGE - 1)) + 1;

	if (!mem_translate(c, next, MEM_EXEC, &b->gpa2))
		return false;
	b->page2 = b->gpa2;
	mem_phys_read(c->mem, b->gpa, bytes, room);
	mem_phys_read(c->mem, b->gpa2, bytes + room, INSN_MAX);
	t->code = bytes;
	decode_run(t, room + INSN_MAX, 1);
	return true;
}

static void begin_code(struct emit *e, u16 *fixups)
{
	e->start = e->at;
	e->fixup_count = 0;
	e->fixups = fixups;
	e->fixup_room = FIXUPS_MAX;
}

static void new_block(struct tr *t, u32 eip, gla_t lin, gpa_t gpa,
		      bool temporary)
{
	struct bt *bt = t->bt;
	struct block *b = alloc(t, temporary, sizeof(*b));

	*b = (struct block){ .eip = eip, .lin = lin, .gpa = gpa,
			     .gpa2 = ~0ull, .page2 = ~0ull, .mode = bt->mode,
			     .temporary = temporary };
	b->marks = bt->decoded_marks;
	t->insns = bt->decoded;
	t->b = b;
	t->e = bt->emit;
	t->ways = bt->ways;
	if (temporary) {
		t->e.at = codemem_written(bt, bt->temp_x);
		t->e.end = t->e.at + BLOCK_ROOM;
		t->ways.at = t->e.end;
		t->ways.end = t->ways.at + WAYS_ROOM;
		bt->temp = b;
	}
	begin_code(&t->e, bt->fixups);
	begin_code(&t->ways, bt->ways_fixups);
	b->host = emit_pc(&t->e);
	b->ways = emit_pc(&t->ways);
}

/* Decodes at lin; false with an exception pending. */
static bool decode_block(struct tr *t, unsigned max, u8 *bytes)
{
	unsigned room = GUEST_PAGE - (t->b->lin & (GUEST_PAGE - 1));
	unsigned few = room < INSN_MAX ? room : INSN_MAX;

	if (t->code) {
		decode_run(t, room, max);
	} else { /* code in a device or nowhere */
		mem_phys_read(t->bt->cpu->mem, t->b->gpa, bytes, few);
		t->code = bytes;
		decode_run(t, few, 1);
	}
	return t->b->insns || decode_straddle(t, bytes, room);
}

/* NULL with an exception pending. */
static struct block *make(struct bt *bt, u32 eip, gla_t lin, gpa_t gpa,
			  unsigned max, bool temporary, unsigned falls)
{
	u8 bytes[2 * INSN_MAX + 2];
	struct tr t = { .bt = bt, .mode = bt->mode, .falls = falls };
	struct trace_bt_translate record;
	u64 meta_before = bt->meta_used, start = 0;

	if (TRACING(bt_translate)) {
		record = (struct trace_bt_translate){ 0 };
		t.record = &record;
		start = __builtin_ia32_rdtsc();
	}
	t.code = mem_phys_ptr(bt->cpu->mem, gpa, 1);
	new_block(&t, eip, lin, gpa, temporary || !t.code);
	if (!decode_block(&t, max, bytes)) {
		bt->meta_used = meta_before;
		return NULL;
	}
	thunk_head(&t);
	emit_block(&t);
	CHECK(!t.e.full && !t.ways.full,
	      "block of %u instructions at %08x needs more room", t.b->insns,
	      t.b->eip);
	bt->stats.insns += t.b->insns;
	bt->stats.blocks++;
	bt->stats.guest_bytes += t.b->guest_len;
	bt->stats.host_bytes += t.b->host_len + t.b->ways_len;
	if (t.record)
		record_block(&t, __builtin_ia32_rdtsc() - start);
	if (t.b->temporary) {
		bt->stats.partial_blocks++;
		if (mem_phys_ptr(bt->cpu->mem, gpa, 1))
			cache_watch_temporary(bt);
		return t.b;
	}
	bt->emit.at = t.e.at;
	bt->ways.at = t.ways.at;
	cache_insert(bt, t.b);
	return t.b;
}

/* Blocks that run on into one another begin at a line of the host's cache: so
 * they take as long wherever that is. */
void begin_row(struct bt *bt, unsigned align)
{
	while ((u64)(uintptr_t)emit_pc(&bt->emit) % align)
		e8(&bt->emit, INT3_OPCODE);
}

struct block *translate(struct bt *bt, gla_t lin, gpa_t gpa, unsigned max,
			bool temporary)
{
	struct block *first = NULL, *b;

	if (out_of_room(bt, 1)) {
		bt->stats.code_full++;
		TRACE(bt_cache_full,
		      .bytes = (u64)(bt->emit.at - bt->code_w + bt->ways.at -
				     codemem_written(bt, bt->ways_x)),
		      .blocks = bt->block_count);
		bt_flush(bt, "code memory full");
	}
	if (max > bt->cfg.max_insns)
		max = bt->cfg.max_insns;
	if (!temporary)
		first = rebase(bt, lin, gpa, true);
	if (first)
		return first;
	if (!temporary)
		begin_row(bt, ROW_ALIGN);
	first = b = make(bt, bt->cpu->eip, lin, gpa, max, temporary, 0);
	for (unsigned n = 1; b && b->falls; n++) {
		const u8 *end = b->host + b->host_len;
		s32 away = (s32)(b->falls_to - b->eip);

		lin = b->lin + (u32)away;
		gpa = b->gpa + (gpa_t)away;
		b = rebase(bt, lin, gpa, false); /* and what that falls into */
		if (b)
			break;
		b = make(bt, first->eip + (lin - first->lin), lin, gpa, max,
			 false, n);
		CHECK(b && b->host == end, "a block falls into nothing");
	}
	return first;
}

enum { MODE_KERNEL = MODE_CS32 | MODE_CS_FLAT | MODE_SS_FLAT | MODE_DS_FLAT |
		     MODE_ES_FLAT | MODE_CPL0 | MODE_PAGED };

/* As translate(), in the room that the next block would get. */
bool bt_try(struct bt *bt, gla_t lin, gpa_t gpa, unsigned insns,
	    struct bt_block_view *view)
{
	struct tr t = { .bt = bt, .mode = MODE_KERNEL, .trial = true };
	u64 meta_before = bt->meta_used;
	u32 edges_before = bt->edge_count, mode = bt->mode;

	t.code = mem_phys_ptr(bt->cpu->mem, gpa, 1);
	if (!t.code || out_of_room(bt, 1))
		return false;
	bt->mode = MODE_KERNEL;
	new_block(&t, lin, lin, gpa, false);
	decode_run(&t, GUEST_PAGE - (lin & (GUEST_PAGE - 1)),
		   insns < BLOCK_INSNS ? insns : BLOCK_INSNS);
	if (t.b->insns)
		emit_block(&t);
	*view = block_view(t.b);
	bt->mode = mode;
	bt->edge_count = edges_before;
	bt->meta_used = meta_before;
	return view->insns;
}
