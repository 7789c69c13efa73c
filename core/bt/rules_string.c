/* SPDX-License-Identifier: GPL-3.0-or-later */
/* String instructions, upward, in flat segments and windows.
 *
 * Alone they are a move, and LEA for the registers, which change last so that
 * a fault finds them as they were.  Repeated they are the host's own, with
 * host addresses in rsi and rdi while they run; a fault in the middle finds
 * in rcx what is left (string_broken_off).  Each iteration counts, so what
 * may come of them is looked for in the budget first.
 *
 * DF is looked at each time, without touching flags; everything else is left
 * to the operations (core/op/string.c), which work by whole pages. */
#include "core/bt/bt_priv.h"

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

static bool plain(const struct tr *t)
{
	u8 op = t->in->opcode;

	if (t->in->addrsize != 4 || t->site != SITE_WINDOW ||
	    !t->bt->cfg.windows || (t->mode & MODE_ALIGN))
		return false;
	return (!uses_source(op) ||
		(t->in->seg == SEG_DS && (t->mode & MODE_DS_FLAT))) &&
	       (!uses_dest(op) || (t->mode & MODE_ES_FLAT));
}

static unsigned element(const struct tr *t)
{
	return t->in->opcode & 1 ? t->in->opsize : 1;
}

/* op between host register and [window + index]; op is the 32-bit form. */
static void access(struct tr *t, unsigned op, unsigned reg, unsigned index)
{
	unsigned size = element(t);

	if (size == 2)
		e8(&t->e, 0x66);
	e_rm(&t->e, 0, size == 1 ? op & ~1u : op, reg, R15, (int)index, 0, 0);
}

static void advance(struct tr *t, unsigned reg)
{
	e_lea(&t->e, 0, reg, (int)reg, -1, 0, (s32)element(t));
}

static void body(struct tr *t)
{
	switch (t->in->opcode & 0xfe) {
	case 0xa4: /* MOVS */
		access(t, 0x8b, R8, RSI);
		access(t, 0x89, R8, RDI);
		advance(t, RSI);
		advance(t, RDI);
		break;
	case 0xa6: /* CMPS */
		access(t, 0x8b, R8, RSI);
		access(t, 0x3b, R8, RDI);
		advance(t, RSI);
		advance(t, RDI);
		break;
	case 0xaa: /* STOS */
		access(t, 0x89, RAX, RDI);
		advance(t, RDI);
		break;
	case 0xac: /* LODS */
		access(t, 0x8b, RAX, RSI);
		advance(t, RSI);
		break;
	default: /* SCAS */
		access(t, 0x3b, RAX, RDI);
		advance(t, RDI);
	}
}

/* ecx := as it was, 0 when DF is clear; r9 keeps rcx. */
static void look_at_df(struct tr *t)
{
	e_mov_rr(&t->e, 1, R9, RCX);
	e_load_rip(&t->e, 0, RCX, &t->bt->cpu->dflag);
}

static void once(struct tr *t)
{
	struct emit *e = &t->e;
	u8 *up, *done;

	look_at_df(t);
	up = e_short(e, JECXZ);
	e_mov_rr(e, 1, RCX, R9);
	emit_op(t);
	done = e_short(e, JMP8);
	e_short_here(e, up);
	e_mov_rr(e, 1, RCX, R9);
	body(t);
	e_short_here(e, done);
}

/* ---- repeated ---- */

/* to := a - b + disp, in 64 bits and without flags; b is lost. */
static void subtract(struct emit *e, unsigned to, unsigned a, unsigned b,
		     s32 disp)
{
	e_rr(e, 1, 0xf7, 2, b); /* not: -b - 1 */
	e_lea(e, 1, to, (int)a, (int)b, 0, disp + 1);
}

/* rcx := 0 when DF is clear and the budget, once it has paid for rcx
 * iterations, is not below its end; r9 keeps rcx, r8 is what it would be. */
static void look_at_budget(struct tr *t)
{
	struct emit *e = &t->e;

	e_mov_rr(e, 1, R9, RCX);
	e_mov_rr(e, 1, R8, RCX);
	subtract(e, R8, R14, R8, 1);
	e_mov_ri64(e, RCX, 0 - (u64)(uintptr_t)t->bt->budget_base);
	e_lea(e, 1, RCX, RCX, R8, 0, 0);
	e_rorx32(e, RCX, RCX); /* less than 4 GiB, or negative */
	e_mov_rr(e, 0, RCX, RCX);
	e_load_rip(e, 0, R10, &t->bt->cpu->dflag);
	e_lea(e, 1, RCX, RCX, R10, 0, 0);
}

/* The register moves by r9 elements from what it was. */
static void advance_by(struct tr *t, unsigned reg, unsigned was)
{
	e_lea(&t->e, 0, reg, (int)was, R9, (unsigned)__builtin_ctz(element(t)), 0);
}

/* The host's own, in windows. */
static void repeat_here(struct tr *t)
{
	struct emit *e = &t->e;
	u8 op = t->in->opcode;

	if (uses_source(op)) {
		e_mov_rr(e, 0, R10, RSI);
		e_lea(e, 1, RSI, R15, RSI, 0, 0);
	}
	e_mov_rr(e, 0, R11, RDI);
	e_lea(e, 1, RDI, R15, RDI, 0, 0);
	if (element(t) == 2)
		e8(e, 0x66);
	e8(e, t->in->rep);
	e8(e, op);
	if (compares(op)) { /* it may have ended before */
		e_mov_rr(e, 1, R8, RCX);
		subtract(e, R9, R9, R8, 0);
		e_mov_rr(e, 1, R8, R9);
		subtract(e, R8, R14, R8, 1);
	}
	e_mov_rr(e, 1, R14, R8);
	if (uses_source(op))
		advance_by(t, RSI, R10);
	advance_by(t, RDI, R11);
}

/*T:40 A repeated one is the host's, when the budget has that much left. */
static void repeated(struct tr *t)
{
	struct emit *e = &t->e;
	struct insn_mark *m = &t->b->marks[t->index];
	unsigned begins = (unsigned)(emit_pc(e) - t->b->host) - m->host;
	u8 *none, *here, *done;

	CHECK(begins < 1 << 6, "%u bytes before an instruction", begins);
	m->repeats = uses_source(t->in->opcode) ? REPEATS_BOTH : REPEATS_DEST;
	m->begins = begins & 63;
	look_at_budget(t);
	here = e_short(e, JECXZ);
	e_mov_rr(e, 1, RCX, R9);
	emit_op(t);
	done = e_short(e, JMP8);
	e_short_here(e, here);
	e_mov_rr(e, 1, RCX, R9);
	none = e_short(e, JECXZ);
	repeat_here(t);
	e_short_here(e, none);
	e_short_here(e, done);
}
/*T:*/

/* The registers get what the guest would see, the budget what is done. */
void string_broken_off(struct bt *bt, const struct block *b, unsigned index)
{
	struct cpu *c = bt->cpu;
	u32 window = (u32)bt->live->window;

	if (b->marks[index].repeats == REPEATS_BOTH)
		c->gpr[ESI] -= window;
	c->gpr[EDI] -= window;
	bt->live->budget -= bt->live->r[1] - c->gpr[ECX]; /* r9: of so many */
}

/* It begins again, with what is left. */
void string_goes_on(struct bt *bt, const struct block *b, unsigned index)
{
	const struct insn_mark *m = &b->marks[index];

	bt->live->fault_pc = (u64)(uintptr_t)b->host + m->host + m->begins;
}

void rule_string(struct tr *t)
{
	if (!plain(t))
		emit_op(t);
	else if (!t->in->rep)
		once(t);
	else if (t->bt->has_shrx && uses_dest(t->in->opcode))
		repeated(t);
	else
		emit_op(t);
}
