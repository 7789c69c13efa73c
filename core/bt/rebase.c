/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same code at another linear address.
 *
 * Guests load programs and libraries at an address that is new each time, so
 * the pages of a program that runs again are those translated before, but no
 * translation fits.  A block of user code notes while it is made which of its
 * bytes depend on where it is (emit.h); one that is wanted for the same bytes
 * elsewhere is copied and these are changed, and so are those of its page
 * that it was linked to, which likely run next.
 *
 * Kernel code is not copied: it moves never, and what paravirt.c makes depends
 * on addresses in ways of its own. */
#include "core/bt/bt_priv.h"

enum {
	DEPTH = 24, /* blocks that one copy may bring with it, in a chain */
	AT = (1 << FIXUP_SHIFT) - 1,
	MOVES = MODE_USER | MODE_CS32 | MODE_CS_FLAT,
	STORE_EDGE = 6,  /* bytes of the instruction before an edge's number */
	SLOT_TARGET = 7, /* bytes from a slot's target to the slot */
};

/* One copy in the making. */
struct move {
	struct bt *bt;
	const struct block *from;
	struct block *to;
	u8 *at; /* where the copy is written */
	u32 by; /* guest bytes that it moves */
	unsigned depth;
	struct linked {
		struct edge *edge;
		struct block *old; /* where the original's branch leads */
	} linked[EDGES_TEMPORARY];
	unsigned count;
};

static struct block **place_of(struct bt *bt, gpa_t gpa, u32 mode)
{
	return &bt->places[((u32)gpa * 2654435761u ^ mode * 40503u) >> 16];
}

void rebase_note(struct bt *bt, struct block *b)
{
	if (b->fixup_count)
		*place_of(bt, b->gpa, b->mode) = b;
}

bool rebase_can(const struct tr *t)
{
	const struct block *b = t->b;

	return (b->mode & MOVES) == MOVES && b->gpa2 == ~0ull &&
	       !b->temporary && !t->stays && !t->bt->records && !t->bt->profiles &&
	       b->host_len <= AT && t->e.fixup_count <= t->e.fixup_room;
}

static bool fits(const struct block *b, gpa_t gpa, u32 mode)
{
	return b && !b->dead && b->fixup_count && b->gpa == gpa &&
	       b->mode == mode;
}

/* Where guest code stops, blocks end: not where these were. */
static bool stops_anywhere(const struct bt *bt)
{
	return bt->break_count || bt->stops_at_calls || bt->points_on ||
	       bt->records || bt->profiles;
}

static u32 get32(const u8 *at)
{
	u32 v;

	__builtin_memcpy(&v, at, 4);
	return v;
}

static void put32(u8 *at, u32 v)
{
	__builtin_memcpy(at, &v, 4);
}

static struct block *copy(struct bt *bt, struct block *from, u32 by,
			  unsigned depth);

/* The copy's branch leads, as the original's does to `old`, to a block of the
 * page. */
static void link_copy(struct move *m, struct edge *edge, struct block *old)
{
	gpa_t gpa = (m->from->gpa & ~0xfffull) | (edge->target & 0xfff);
	struct block *to = old->copy;

	/* One that was never copied has no other at the target, but for a rare
	 * one made apart; then there are two. */
	if (to && (to->dead || to->lin != edge->target))
		to = cache_look(m->bt, edge->target, gpa, old->mode);
	if (!to && m->depth < DEPTH && fits(old, gpa, old->mode))
		to = copy(m->bt, old, m->by, m->depth + 1);
	if (to && to->gpa2 == ~0ull)
		link_jump(m->bt, edge, to);
}

/* An edge of its own, at first not linked: the branch leads to the exit that
 * names the edge. */
static void copy_edge(struct move *m, u8 *number)
{
	struct bt *bt = m->bt;
	const struct edge *old = &bt->edges[get32(number)];
	struct edge *edge = &bt->edges[bt->edge_count];
	s64 shift = m->to->host - m->from->host;
	u32 exit = (u32)(number - STORE_EDGE - m->at);
	u8 *site;

	put32(number, bt->edge_count++);
	*edge = (struct edge){m->to, NULL, old->target + m->by, NULL};
	if (!old->site)
		return;
	edge->site = old->site + shift;
	site = m->at + (edge->site - m->to->host);
	put32(site, exit - (u32)(site + 4 - m->at));
	if (old->to)
		m->linked[m->count++] = (struct linked){edge, old->to};
}

static void fix(struct move *m, u8 *at, enum fixup kind, s64 shift)
{
	u32 v = get32(at);

	switch (kind) {
	case FIXUP_HOST:
		put32(at, v - (u32)shift);
		break;
	case FIXUP_EIP:
		put32(at, v + m->by);
		break;
	case FIXUP_MINUS_EIP:
		put32(at, v - m->by);
		break;
	default:
		put32(at, (u32)link_slot(m->bt, get32(at - SLOT_TARGET)) * 8);
		break;
	}
}

static struct block *copy(struct bt *bt, struct block *from, u32 by,
			  unsigned depth)
{
	struct move m;
	s64 shift;

	if (translate_out_of_room(bt))
		return NULL;
	m.bt = bt;
	m.from = from;
	m.at = bt->emit.at;
	m.by = by;
	m.depth = depth;
	m.count = 0;
	m.to = meta_alloc(bt, sizeof(*m.to));
	*m.to = *from;
	m.to->copy = NULL;
	m.to->eip += by;
	m.to->lin += by;
	m.to->rom_shift += by;
	m.to->host = emit_pc(&bt->emit);
	shift = m.to->host - from->host;
	__builtin_memcpy(m.at, codemem_written(bt, from->host), from->host_len);
	for (unsigned i = 0; i < from->fixup_count; i++) {
		u8 *at = m.at + (from->fixups[i] & AT);
		enum fixup kind = from->fixups[i] >> FIXUP_SHIFT;

		if (kind == FIXUP_EDGE)
			copy_edge(&m, at);
		else
			fix(&m, at, kind, shift);
	}
	bt->emit.at += from->host_len;
	cache_insert(bt, m.to);
	bt->stats.copied_blocks++;
	TRACE(bt_copy, .pc = m.to->lin, .page = m.to->gpa & ~0xfffull,
	      .from = from->lin, .host_bytes = m.to->host_len);
	from->copy = m.to;
	for (unsigned i = 0; i < m.count; i++)
		link_copy(&m, m.linked[i].edge, m.linked[i].old);
	return m.to;
}

struct block *rebase(struct bt *bt, gla_t lin, gpa_t gpa)
{
	struct block *from = *place_of(bt, gpa, bt->mode);

	if (!fits(from, gpa, bt->mode) || from->lin == lin ||
	    stops_anywhere(bt))
		return NULL;
	return copy(bt, from, lin - from->lin, 0);
}
