/* SPDX-License-Identifier: GPL-3.0-or-later */
/* String instructions without REP, upward, in flat segments and windows: a
 * move, and LEA for the registers, which change last so that a fault finds
 * them as they were.  DF is looked at each time, without touching flags;
 * everything else, and all of REP, is left to the operations, which work by
 * whole pages. */
#include "core/bt/bt_priv.h"

static bool plain(const struct tr *t)
{
	u8 op = t->in->opcode & 0xfe;
	bool source = op != 0xaa && op != 0xae; /* not STOS, SCAS */
	bool dest = op != 0xac;			/* not LODS */

	if (t->in->rep || t->in->addrsize != 4 || t->site != SITE_WINDOW ||
	    !t->bt->cfg.windows || (t->mode & MODE_ALIGN))
		return false;
	return (!source || (t->in->seg == SEG_DS && (t->mode & MODE_DS_FLAT))) &&
	       (!dest || (t->mode & MODE_ES_FLAT));
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

void rule_string(struct tr *t)
{
	struct emit *e = &t->e;
	u8 *up, *done;

	if (!plain(t)) {
		emit_op(t);
		return;
	}
	e_mov_rr(e, 1, R9, RCX);
	e_load_rip(e, 0, RCX, &t->bt->cpu->dflag);
	up = e_short(e, JECXZ);
	e_mov_rr(e, 1, RCX, R9);
	emit_op(t);
	done = e_short(e, JMP8);
	e_short_here(e, up);
	e_mov_rr(e, 1, RCX, R9);
	body(t);
	e_short_here(e, done);
}
