/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How each memory instruction reaches memory, learned from what it meets.
 *
 * All begin with the window.  One that a window cannot serve goes the soft
 * way for good.  One that keeps meeting pages not mapped yet (a loop over
 * fresh memory, a stack after fork) would pay a host signal and a host
 * mapping for each; it turns cold: it looks in the window's map first, and
 * goes the soft way where nothing is mapped.  A page that cold sites reach
 * often that way is mapped after all.  And a cold site in a block that is
 * seen to run often is given the window again, and more patience.
 *
 * One that meets a page with watched bytes goes the soft way until nobody
 * watches anything any more.  Most of what it touches is not watched: a table
 * of lines, which the stub looks into without leaving translated code, says
 * where these are.
 *
 * Where a cold site finds nothing mapped there is a table of pages, too.
 *
 * Costs: signal and mapping 5 to 8 us, a soft access 15 to 100 ns, a look in
 * the map 1.5 ns, in the tables 3 to 6 ns. */
#include "core/bt/bt_priv.h"

#include "core/mem/window.h"

_Static_assert((int)SITE_WINDOW == (int)TRACE_site_WINDOW &&
		       (int)SITE_EITHER == (int)TRACE_site_EITHER,
	       "trace/lists.def names them");

enum {
	PATIENCE = 2,      /* the first time */
	PATIENCE_MAX = 128,
	SOFT_HITS = 64,    /* in C are worth a mapping, about; */
	PAGE_HITS = 16,   /* or so many in the table of pages: what is mapped serves all */
};

/* Instructions of one line of code are neighbours here, too: who translates
 * asks for each of them, and most have no entry. */
static u32 site_slot(const struct bt *bt, u32 gpa)
{
	u32 i = (((gpa >> 6) * 2654435761u >> 16) + (gpa >> 1) % 32) %
		SITES_SIZE;

	while (bt->sites[i].patience && bt->sites[i].gpa != gpa)
		i = (i + 1) % SITES_SIZE;
	return i;
}

/* Most code has none: whether its page does, or one that shares the bit, is
 * asked of a table that stays in the host's nearest cache. */
static u32 page_bit(gpa_t gpa)
{
	return (u32)(gpa >> 12) % SITE_PAGES;
}

static bool page_has_sites(const struct bt *bt, gpa_t gpa)
{
	return bt->site_pages[page_bit(gpa) / 64] >> page_bit(gpa) % 64 & 1;
}

const struct site_entry *site_entry(const struct bt *bt, gpa_t gpa)
{
	const struct site_entry *s;

	if (!page_has_sites(bt, gpa))
		return NULL;
	s = &bt->sites[site_slot(bt, (u32)gpa)];
	return s->patience ? s : NULL;
}

enum site site_get(const struct bt *bt, gpa_t gpa)
{
	const struct site_entry *s = site_entry(bt, gpa);

	return s ? (enum site)s->site : SITE_WINDOW;
}

void site_forget_all(struct bt *bt)
{
	for (u32 i = 0; i < SITES_SIZE; i++)
		bt->sites[i].patience = 0;
	__builtin_memset(bt->site_pages, 0, sizeof(bt->site_pages));
	bt->site_count = 0;
	for (u32 i = 0; i < COLD_PAGES; i++)
		bt->cold_pages[i] = (struct cold_page){ 0 };
}

static struct site_entry *site_make(struct bt *bt, gpa_t gpa)
{
	struct site_entry *s;

	if (bt->site_count > SITES_SIZE / 2)
		site_forget_all(bt);
	s = &bt->sites[site_slot(bt, (u32)gpa)];
	if (s->patience)
		return s;
	bt->site_count++;
	bt->site_pages[page_bit(gpa) / 64] |= 1ull << page_bit(gpa) % 64;
	*s = (struct site_entry){ (u32)gpa, SITE_WINDOW, PATIENCE, PATIENCE,
				  0 };
	return s;
}

void site_change(struct bt *bt, struct block *b, unsigned index, enum site s,
		 enum trace_word why)
{
	gpa_t gpa = block_insn_gpa(b, index);
	struct site_entry *entry = site_make(bt, gpa);

	TRACE(bt_adapt, .at = gpa, .from = entry->site, .to = (u8)s,
	      .why = (u8)why);
	entry->site = (u8)s;
	entry->why = (u8)(why + 1);
	bt->has_watched_sites |= s == SITE_WATCHED;
	bt->stats.adapted++;
	if (!b->temporary && !b->dead)
		cache_kill(bt, b, TRACE_invalidate_ADAPTED);
}

bool site_is_stale(struct bt *bt, const struct block *b, unsigned index)
{
	return b->marks[index].site != site_get(bt, block_insn_gpa(b, index));
}

bool site_missed(struct bt *bt, struct block *b, unsigned index)
{
	struct site_entry *s = site_make(bt, block_insn_gpa(b, index));

	if (s->site > SITE_USER || !bt->has_shrx || --s->left)
		return false;
	if (s->patience < PATIENCE_MAX)
		s->patience *= 2;
	s->left = s->patience;
	site_change(bt, b, index,
		    s->site == SITE_USER ? SITE_EITHER : SITE_COLD,
		    TRACE_adapt_FRESH_PAGES);
	return true;
}

void site_heat(struct bt *bt, struct block *b)
{
	for (unsigned i = 0; i < b->insns; i++)
		if (site_get(bt, block_insn_gpa(b, i)) == SITE_COLD)
			site_change(bt, b, i, SITE_WINDOW,
				    TRACE_adapt_RUNS_OFTEN);
}

static struct reached_page *page_of(const struct bt *bt, gla_t lin)
{
	struct reach_tables *r = (struct reach_tables *)bt->live->reach;

	return &r->pages[(lin >> 12) % REACHED_PAGES];
}

/* The page's entry in the table, for the next time.  True if its hits there
 * are used up. */
static bool page_reached(struct bt *bt, gla_t lin)
{
	struct reached_page *p = page_of(bt, lin);
	u64 tag = -(*mem_reach_age(bt->cpu->mem) + (lin >> 12));
	bool known = p->tag[0] == tag || p->tag[1] == tag;
	gla_t page = lin & ~(GUEST_PAGE - 1);
	u8 *host = mem_host_ptr(bt->cpu, page, 1, MEM_READ);
	bool writes = mem_host_ptr(bt->cpu, page, 1, MEM_WRITE);

	if (!host)
		return false;
	if (known && p->left <= 1) {
		p->tag[0] = p->tag[1] = 0;
		return true;
	}
	if (!known)
		p->left = PAGE_HITS;
	p->tag[0] = tag;
	p->tag[1] = writes ? tag : 0;
	p->host = (u64)(uintptr_t)host - page;
	return false;
}

bool site_soft_hit(struct bt *bt, gla_t lin, bool write)
{
	struct cold_page *p = &bt->cold_pages[(lin >> 12) % COLD_PAGES];
	bool user = bt->mode & MODE_USER;
	enum window_fill f;

	if (p->page != lin >> 12 || p->context != bt->live->context) {
		p->page = lin >> 12;
		p->context = bt->live->context;
		p->count = 0;
	}
	if (++p->count < SOFT_HITS && !page_reached(bt, lin))
		return true;
	p->count = 0;
	f = window_miss(bt->cpu, lin, write,
			user ? WINDOW_USER : WINDOW_SUPERVISOR);
	if (f == WINDOW_OTHER && !user)
		window_miss(bt->cpu, lin, write, WINDOW_USER);
	/* Whatever the answer, the access itself has been served. */
	bt->cpu->exc.pending = false;
	return f != WINDOW_OTHER;
}

void site_reached(struct bt *bt, gla_t lin)
{
	u8 *host = mem_reach_line(bt->cpu, lin);
	struct reached_line *l = ((struct reach_tables *)bt->live->reach)->lines;
	u64 line = lin / MEM_LINE;

	if (host)
		l[line % REACHED_LINES] = (struct reached_line){
			-(*mem_reach_age(bt->cpu->mem) + line),
			(u64)(uintptr_t)host - line * MEM_LINE };
}

void bt_unwatched(struct bt *bt)
{
	if (!bt->has_watched_sites)
		return;
	bt->has_watched_sites = false;
	for (u32 i = 0; i < SITES_SIZE; i++)
		if (bt->sites[i].site == SITE_WATCHED)
			bt->sites[i].site = SITE_WINDOW;
	for (u32 n = 0; n < bt->block_count; n++) {
		struct block *b = bt->order[n];
		unsigned i = 0;

		while (i < b->insns && b->marks[i].site != SITE_WATCHED)
			i++;
		if (i < b->insns && !b->dead && !b->temporary)
			cache_kill(bt, b, TRACE_invalidate_ADAPTED);
	}
}
