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
	LOAD_EDGE = 2,	 /* bytes of the instruction before an edge's number */
};

/* One copy in the making. */
struct move {
	struct bt *bt;
	const struct block *from;
	struct block *to;
	u8 *at, *ways; /* where the copy is written, and its ways out */
	s64 shift, ways_shift; /* from the original's to these */
	u32 by; /* guest bytes that it moves */
	unsigned depth;
	struct linked {
		struct edge *edge;
		struct block *old; /* where the original's branch leads */
	} linked[EDGES_TEMPORARY];
	unsigned count;
};

/* Blocks of one line of code are neighbours: they are looked for together. */
static struct block **place_of(struct bt *bt, gpa_t gpa, u32 mode)
{
	u32 line = ((u32)(gpa >> 6) * 2654435761u ^ mode * 40503u) >> 14;

	return &bt->places[(line + (gpa >> 1) % 32) % PLACES];
}

/* The youngest: what was learnt since about its accesses is in it (site.c). */
void rebase_note(struct bt *bt, struct block *b)
{
	if (b->moves)
		*place_of(bt, b->gpa, b->mode) = b;
}

bool rebase_can(const struct tr *t)
{
	const struct block *b = t->b;

	return (b->mode & MOVES) == MOVES && b->gpa2 == ~0ull &&
	       !b->temporary && !t->stays && !t->bt->records && !t->bt->profiles &&
	       b->host_len <= AT && t->e.fixup_count <= t->e.fixup_room &&
	       t->ways.fixup_count <= t->ways.fixup_room;
}

static bool fits(const struct block *b, gpa_t gpa, u32 mode)
{
	return b && !b->dead && b->moves && b->gpa == gpa &&
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

/* The copy, at linear address `lin`, of `old`, which the original leads to.
 * NULL: there is none, and none may be made.  One that was never copied has no
 * other there, but for a rare one made apart; then there are two. */
static struct block *copy_of(const struct move *m, struct block *old, gla_t lin)
{
	gpa_t gpa = (m->from->gpa & ~0xfffull) | (lin & 0xfff);
	struct block *to = old->copy;

	if (to && (to->dead || to->lin != lin))
		to = cache_look(m->bt, lin, gpa, old->mode);
	if (!to && m->depth < DEPTH && fits(old, gpa, old->mode))
		to = copy(m->bt, old, m->by, m->depth + 1);
	return to;
}

static void link_copy(struct move *m, struct edge *edge, struct block *old)
{
	struct block *to;

	begin_row(m->bt, ROW_ALIGN_COPY);
	to = copy_of(m, old, edge->target);
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
	bool near = old->site && (u64)(old->site - m->from->host) <
					 m->from->host_len;
	u8 *site;

	put32(number, bt->edge_count++);
	*edge = (struct edge){ m->to, NULL, old->target + m->by, NULL,
			       old->ready };
	if (!old->site)
		return;
	edge->site = old->site + (near ? m->shift : m->ways_shift);
	site = codemem_written(bt, edge->site);
	put32(site, (u32)(number - LOAD_EDGE - (site + 4)));
	if (old->to)
		m->linked[m->count++] = (struct linked){edge, old->to};
}

static void fix(struct move *m, u8 *at, enum fixup kind, s64 shift)
{
	u32 v = get32(at);

	switch (kind) {
	case FIXUP_EDGE:
		copy_edge(m, at);
		break;
	case FIXUP_WAYS:
		put32(at, v + (u32)(m->ways_shift - shift));
		break;
	case FIXUP_CHECK:
		if (at[-1] != CALL_OPCODE)
			break;
		/* fall through */
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
		put32(at, (u32)link_slot(m->bt, m->bt->slot_target[v / 8] +
						      m->by) * 8);
		break;
	}
}

static void copy_code(struct move *m, u8 *to, const u8 *from, u32 len,
		      const u16 *fixups, u32 count, s64 shift)
{
	__builtin_memcpy(to, codemem_written(m->bt, from), len);
	for (u32 i = 0; i < count; i++)
		fix(m, to + (fixups[i] & AT), fixups[i] >> FIXUP_SHIFT, shift);
}

/* The block into which another's code runs on; NULL: a jump is there. */
static struct block *behind(const struct bt *bt, const struct block *b)
{
	struct block *next = b->order + 1 < bt->block_count
				     ? bt->order[b->order + 1]
				     : NULL;

	return next && next->host == b->host + b->host_len ? next : NULL;
}

/* The original's code runs on into another block's.  So does the copy's into
 * that one's, if it is made now; else there is a jump. */
static void copy_fall(struct move *m)
{
	struct bt *bt = m->bt;
	struct block *old = behind(bt, m->from), *to = NULL;
	const u8 *end = emit_pc(&bt->emit);
	struct edge *edge;

	if (old && !old->dead)
		to = copy_of(m, old, m->to->falls_to);
	if (to && to->host == end)
		return;
	edge = &bt->edges[bt->edge_count];
	e_jmp(&bt->emit, emit_pc(&bt->ways));
	*edge = (struct edge){ m->to, emit_pc(&bt->emit) - 4, m->to->falls_to,
			       NULL, 0 };
	emit_way_of_edge(bt, &bt->ways, bt->edge_count++);
	if (to && to->gpa2 == ~0ull)
		link_jump(bt, edge, to);
}

static struct block *copy(struct bt *bt, struct block *from, u32 by,
			  unsigned depth)
{
	struct block *to;
	struct move m;

	if (translate_out_of_room(bt))
		return NULL;
	to = meta_alloc(bt, sizeof(*to));
	*to = *from;
	to->copy = to->led = NULL;
	to->eip += by;
	to->lin += by;
	to->falls_to += by;
	to->rom_shift += by;
	to->host = emit_pc(&bt->emit);
	to->ways = emit_pc(&bt->ways);
	m.bt = bt;
	m.from = from;
	m.to = to;
	m.at = bt->emit.at;
	m.ways = bt->ways.at;
	m.shift = to->host - from->host;
	m.ways_shift = to->ways - from->ways;
	m.by = by;
	m.depth = depth;
	m.count = 0;
	copy_code(&m, m.at, from->host, from->host_len, from->fixups,
		  from->fixup_count, m.shift);
	copy_code(&m, m.ways, from->ways, from->ways_len,
		  from->fixups + from->fixup_count, from->ways_fixup_count,
		  m.ways_shift);
	bt->emit.at += from->host_len;
	bt->ways.at += from->ways_len;
	cache_insert(bt, to);
	bt->stats.copied_blocks++;
	TRACE(bt_copy, .pc = to->lin, .page = to->gpa & ~0xfffull,
	      .from = from->lin, .host_bytes = to->host_len + to->ways_len);
	from->copy = to;
	if (from->falls)
		copy_fall(&m);
	for (unsigned i = 0; i < m.count; i++)
		link_copy(&m, m.linked[i].edge, m.linked[i].old);
	return to;
}

struct block *rebase(struct bt *bt, gla_t lin, gpa_t gpa, bool begins)
{
	struct block *from = *place_of(bt, gpa, bt->mode);

	if (!fits(from, gpa, bt->mode) || from->lin == lin ||
	    stops_anywhere(bt))
		return NULL;
	if (begins)
		begin_row(bt, ROW_ALIGN_COPY);
	return copy(bt, from, lin - from->lin, 0);
}
