/* SPDX-License-Identifier: GPL-3.0-or-later */
/* String instructions, upward and in flat segments.
 *
 * Alone they are a move, and LEA for the registers, which change last so that
 * a fault finds them as they were.  Repeated they are the host's own, with
 * host addresses in rsi and rdi while they run; a fault in the middle finds
 * in rcx what is left (string_broken_off).  Each iteration counts, so what
 * may come of them is looked for in the budget first.
 *
 * The addresses are those in the window; at a site that meets pages which the
 * window does not hold, those where a stub finds first and last byte mapped.
 *
 * DF is looked at each time, without touching flags; everything else is left
 * to the operations (core/op/string.c), which work by whole pages. */
#include "core/bt/bt_priv.h"

enum way {
	BY_OPERATION,
	IN_WINDOW,
	WHERE_MAPPED, /* in either window, if it is */
};

static bool uses_source(u8 opcode)
{
	return (opcode & 0xfe) != 0xaa && (opcode & 0xfe) != 0xae; /* STOS, SCAS */
}

static bool uses_dest(u8 opcode)
{
	return (opcode & 0xfe) != 0xac; /* LODS */
}

static bool compares(u8 opcode)
{
	return (opcode & 0xfe) == 0xa6 || (opcode & 0xfe) == 0xae;
}

static bool writes(u8 opcode)
{
	return uses_dest(opcode) && !compares(opcode);
}

static enum way way_of(const struct tr *t)
{
	const struct insn *in = t->in;
	bool flat = (!uses_source(in->opcode) ||
		     (in->seg == SEG_DS && (t->mode & MODE_DS_FLAT))) &&
		    (!uses_dest(in->opcode) || (t->mode & MODE_ES_FLAT));
	bool repeats = in->rep;

	if (in->addrsize != 4 || !flat || !t->bt->cfg.windows ||
	    (t->mode & MODE_ALIGN) ||
	    (repeats && (!t->bt->has_shrx || !uses_dest(in->opcode))))
		return BY_OPERATION;
	switch (t->site) {
	case SITE_WINDOW:
		return IN_WINDOW;
	case SITE_USER:
	case SITE_COLD:
	case SITE_EITHER:
		return t->bt->has_shrx ? WHERE_MAPPED : BY_OPERATION;
	default:
		return BY_OPERATION;
	}
}

static unsigned element(const struct tr *t)
{
	return t->in->opcode & 1 ? t->in->opsize : 1;
}

/* The 32-bit op between host register and [a], of the element's size. */
static void access(struct tr *t, unsigned op, unsigned reg, struct addr a)
{
	unsigned size = element(t);

	if (size == 2)
		e8(&t->e, 0x66);
	e_addr(&t->e, 0, size == 1 ? op & ~1u : op, reg, a);
}

static void advance(struct tr *t, unsigned reg)
{
	e_lea(&t->e, 0, reg, (int)reg, -1, 0, (s32)element(t));
}

static void body(struct tr *t, struct addr from, struct addr to)
{
	u8 op = t->in->opcode;

	switch (op & 0xfe) {
	case 0xa4: /* MOVS */
		access(t, 0x8b, R9, from);
		access(t, 0x89, R9, to);
		break;
	case 0xa6: /* CMPS */
		access(t, 0x8b, R9, from);
		access(t, 0x3b, R9, to);
		break;
	case 0xaa: /* STOS */
		access(t, 0x89, RAX, to);
		break;
	case 0xac: /* LODS */
		access(t, 0x8b, RAX, from);
		break;
	default: /* SCAS */
		access(t, 0x3b, RAX, to);
	}
	if (uses_source(op))
		advance(t, RSI);
	if (uses_dest(op))
		advance(t, RDI);
}

/* ---- where it is mapped ---- */

/* r8 := the host address of guest register reg's r9 elements (one, if not
 * repeated); where they are not mapped it goes to `lost`. */
static void find(struct tr *t, unsigned reg, bool write, const u8 *lost)
{
	struct emit *e = &t->e;
	unsigned size = element(t);

	e_mov_rr(e, 0, R8, reg);
	if (t->in->rep)
		e_lea(e, 0, R11, -1, R9, (unsigned)__builtin_ctz(size), -1);
	else
		e_mov_ri(e, R11, size - 1);
	e_call(e, t->bt->stub_mapped[write]);
	e_mov_rr(e, 1, RCX, R8);
	e_short_back(e, JECXZ, lost);
}

/* r8 := the host address of the one operand or of the destination, r10 := that
 * of the source of two.  rcx, which is in the spill and in r9, is lost. */
static void find_all(struct tr *t, const u8 *lost)
{
	struct emit *e = &t->e;
	struct live *l = t->bt->live;
	u8 op = t->in->opcode;
	bool source = uses_source(op);

	find(t, source ? RSI : RDI, !source && writes(op), lost);
	if (!source || !uses_dest(op))
		return;
	e_store_rip(e, 1, &l->string_source, R8);
	if (t->in->rep)
		e_load_rip(e, 1, R9, &l->spill);
	find(t, RDI, writes(op), lost);
	e_load_rip(e, 1, R10, &l->string_source);
}

/* rcx := as it was before what asked about it. */
static void restore_count(struct tr *t, enum way way)
{
	if (way == WHERE_MAPPED)
		e_load_rip(&t->e, 1, RCX, &t->bt->live->spill);
	else
		e_mov_rr(&t->e, 1, RCX, R9);
}

/* Unless rcx is 0, the operation, and then a jump over the rest (returned).
 * Whoever jumps to *lost gets it, too. */
static u8 *operation_unless(struct tr *t, enum way way, const u8 **lost)
{
	u8 *ours = e_short(&t->e, JECXZ), *done;

	*lost = t->e.at;
	restore_count(t, way);
	emit_op(t);
	done = e_near(&t->e);
	e_short_here(&t->e, ours);
	return done;
}

/* ---- alone ---- */

static void look_at_df(struct tr *t)
{
	e_mov_rr(&t->e, 1, R9, RCX);
	e_load_rip(&t->e, 0, RCX, &t->bt->cpu->dflag);
}

static void once(struct tr *t, enum way way)
{
	struct addr from = { R15, RSI, 0, 0, false },
		    to = { R15, RDI, 0, 0, false };
	const u8 *lost;
	u8 *done;

	if (way == WHERE_MAPPED)
		e_store_rip(&t->e, 1, &t->bt->live->spill, RCX);
	look_at_df(t);
	done = operation_unless(t, way, &lost);
	if (way == WHERE_MAPPED) {
		find_all(t, lost);
		from = (struct addr){ uses_dest(t->in->opcode) ? R10 : R8, -1, 0,
				       0, false };
		to = (struct addr){ R8, -1, 0, 0, false };
	}
	restore_count(t, way);
	body(t, from, to);
	e_near_here(&t->e, done);
}

/* ---- repeated ---- */

/* to := a - b + disp, in 64 bits and without flags; b is lost. */
static void subtract(struct emit *e, unsigned to, unsigned a, unsigned b,
		     s32 disp)
{
	e_rr(e, 1, 0xf7, 2, b); /* not: -b - 1 */
	e_lea(e, 1, to, (int)a, (int)b, 0, disp + 1);
}

/* rcx := 0 when DF is clear and the budget has enough for rcx iterations and
 * a block; r9 keeps rcx. */
static void look_at_budget(struct tr *t)
{
	struct emit *e = &t->e;

	e_mov_rr(e, 1, R9, RCX);
	e_mov_rr(e, 1, R8, RCX);
	subtract(e, R8, R14, R8, -BLOCK_INSNS);
	e_mov_ri64(e, RCX, 0 - (u64)(uintptr_t)t->bt->budget_base);
	e_lea(e, 1, RCX, RCX, R8, 0, 0);
	e_rorx(e, 1, RCX, RCX, 32); /* less than 4 GiB, or negative */
	e_mov_rr(e, 0, RCX, RCX);
	e_load_rip(e, 0, R10, &t->bt->cpu->dflag);
	e_lea(e, 1, RCX, RCX, R10, 0, 0);
}

/* The register moves by r9 elements from what it was. */
static void advance_by(struct tr *t, unsigned reg, unsigned was)
{
	e_lea(&t->e, 0, reg, (int)was, R9, (unsigned)__builtin_ctz(element(t)), 0);
}

/* rsi and rdi := host addresses, r10d and r11d what they were. */
static void to_host(struct tr *t, enum way way)
{
	struct emit *e = &t->e;
	bool both = uses_source(t->in->opcode);

	e_mov_rr(e, 0, R11, RDI);
	if (way == WHERE_MAPPED) {
		if (both)
			e_rr(e, 1, 0x87, R10, RSI); /* xchg */
		e_mov_rr(e, 1, RDI, R8);
		return;
	}
	if (both) {
		e_mov_rr(e, 0, R10, RSI);
		e_lea(e, 1, RSI, R15, RSI, 0, 0);
	}
	e_lea(e, 1, RDI, R15, RDI, 0, 0);
}

/* rcx elements, as r9, by the host's own. */
static void repeat_here(struct tr *t, enum way way)
{
	struct emit *e = &t->e;
	u8 op = t->in->opcode;

	to_host(t, way);
	if (element(t) == 2)
		e8(e, 0x66);
	e8(e, t->in->rep);
	e8(e, op);
	if (compares(op)) { /* it may have ended before */
		e_mov_rr(e, 1, R8, RCX);
		subtract(e, R9, R9, R8, 0);
	}
	e_mov_rr(e, 1, R8, R9);
	subtract(e, R14, R14, R8, 1);
	if (uses_source(op))
		advance_by(t, RSI, R10);
	advance_by(t, RDI, R11);
}

/* So that a fault in the middle is understood. */
static void mark(struct tr *t)
{
	struct insn_mark *m = &t->b->marks[t->index];
	unsigned begins = (unsigned)(emit_pc(&t->e) - t->b->host) - m->host;

	CHECK(begins < 1 << 6, "%u bytes before an instruction", begins);
	m->repeats = uses_source(t->in->opcode) ? REPEATS_BOTH : REPEATS_DEST;
	m->shift = __builtin_ctz(element(t)) & 3;
	m->begins = begins & 63;
}

/*T:25 A repeated one is the host's, when the budget has that much left. */
static void repeated(struct tr *t, enum way way)
{
	struct emit *e = &t->e;
	const u8 *lost;
	u8 *none, *done;

	mark(t);
	if (way == WHERE_MAPPED)
		e_store_rip(e, 1, &t->bt->live->spill, RCX);
	look_at_budget(t);
	done = operation_unless(t, way, &lost);
	if (way == WHERE_MAPPED)
		find_all(t, lost);
	restore_count(t, way);
	none = e_short(e, JECXZ);
	e_mov_rr(e, 1, R9, RCX);
	repeat_here(t, way);
	e_short_here(e, none);
	e_near_here(e, done);
}
/*T:*/

/* The registers get what the guest would see, the budget what is done: of as
 * many as r9 says, from r10d and r11d on, to where ecx says. */
void string_broken_off(struct bt *bt, const struct block *b, unsigned index)
{
	const struct insn_mark *m = &b->marks[index];
	struct cpu *c = bt->cpu;
	u32 done = (u32)bt->live->r[1] - c->gpr[ECX];

	if (m->repeats == REPEATS_BOTH)
		c->gpr[ESI] = (u32)bt->live->r[2] + (done << m->shift);
	c->gpr[EDI] = (u32)bt->live->r[3] + (done << m->shift);
	bt->live->budget -= done;
}

/* It begins again, with what is left. */
void string_goes_on(struct bt *bt, const struct block *b, unsigned index)
{
	const struct insn_mark *m = &b->marks[index];

	bt->live->fault_pc = (u64)(uintptr_t)b->host + m->host + m->begins;
}

void rule_string(struct tr *t)
{
	enum way way = way_of(t);

	if (way == BY_OPERATION)
		emit_op(t);
	else if (t->in->rep)
		repeated(t, way);
	else
		once(t, way);
}
