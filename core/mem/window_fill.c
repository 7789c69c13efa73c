/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A page is met for the first time: mapping it, and what lies around it.
 *
 * The walker checks rights, raises the fault, and sets the accessed and
 * dirty bits, as for any access.  What may then be mapped follows from the
 * entries alone: window_want() makes the record an entry deserves, here and
 * in every later comparison, so the two cannot disagree.
 *
 * A host call costs about as much for a run of pages as for one, so the
 * neighbours come along when their entries say they have been used: a page
 * may be mapped only with A set, writable only with D set, because once it is
 * mapped nobody would set them (SDM 3A 4.8).  A large page comes whole. */
#include "core/mem/window_priv.h"

enum {
	AHEAD = 16,    /* pages in the aligned block looked at */
	AHEAD_RUN = 2, /* a run apart from the page asked for is worth a
			* call from this length on */
};

#define PHYS_MASK ((1ull << 36) - 1) /* as the walker's */

static bool reserved_set(const struct window *w, u64 entry)
{
	if (!(w->format & FORMAT_PAE))
		return false;
	return entry & ~PHYS_MASK & ~(w->format & FORMAT_NXE ? PTE_NX : 0);
}

/*T:40 What an entry of the guest's tables allows a window to map. */
u32 window_want(const struct cpu *c, struct window *w, u64 pde, u32 page,
		u64 entry)
{
	u64 both = pde & entry;
	u32 rec = ((u32)entry & REC_FRAME) | REC_PRESENT;
	unsigned flags = page_flags(c->mem, entry & PHYS_MASK);

	if (!(entry & PTE_P) || !(entry & PTE_A) || reserved_set(w, entry))
		return 0;
	if (w->format && !!(both & PTE_US) != w->user)
		return 0;
	if (!(flags & PAGE_RAM) || c->mem->read_watched[page])
		return 0;
	if ((entry & PTE_G) && (c->cr4 & CR4_PGE))
		rec |= REC_GLOBAL;
	if (!(entry & PTE_D) || (flags & (PAGE_ROM | PAGE_CODE)) ||
	    c->mem->watched[page])
		return rec; /* I-mem-3 */
	if (both & PTE_RW)
		return rec | REC_WRITE;
	if (w->user || (c->cr0 & CR0_WP))
		return rec;
	w->loose = true;
	return rec | REC_WRITE;
}
/*T:*/

/* A large page's frame begins at bit 21 or 22; bit 12 is PAT. */
u64 slot_entry(const struct window *w, const struct slot *s, u32 i)
{
	if (s->table)
		return table_entry(w, s->table, i);
	return (s->pde & ~0x1000ull) + (u64)i * GUEST_PAGE;
}

/* ---- the slot ---- */

static bool slot_open(struct cpu *c, struct slot *s, u64 pde)
{
	gpa_t table = pde & PHYS_MASK & ~0xfffull;

	s->pde = pde;
	s->table = NULL;
	if (!(c->cr0 & CR0_PG) || pde_is_large(c, pde))
		return true;
	if (!(page_flags(c->mem, table) & PAGE_RAM))
		return false;
	s->table = c->mem->ram + table;
	return true;
}

/* With paging off: a large page onto itself, with every right. */
static u64 unpaged_pde(u32 index)
{
	return (u64)index << 22 | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D;
}

/* The slot of a page whose walk has just succeeded.  NULL with *soft when
 * its tables are no RAM, without when there is no memory. */
static struct slot *slot_get(struct cpu *c, struct window *w, u32 index,
			     bool *soft)
{
	struct slot *s = w->slot[index];
	gpa_t at;
	u64 pde;

	*soft = false;
	if (s && slot_sync_pde(c, w, s))
		return s;
	pde = c->cr0 & CR0_PG ? slot_read_pde(c, w, index, &at)
			      : unpaged_pde(index);
	s = slot_new(c->mem->windows, w, index);
	if (!s)
		return NULL;
	if (pde && slot_open(c, s, pde))
		return s;
	*soft = true;
	slot_settle(c->mem->windows, w, s);
	return NULL;
}

/* ---- runs ---- */

static bool continues(u32 a, u32 b)
{
	return b && (b & REC_FRAME) == (a & REC_FRAME) + GUEST_PAGE &&
	       !((a ^ b) & REC_WRITE);
}

/* What a block of pages should have; 0 where nothing is to be done. */
struct block {
	u32 first; /* index in the slot */
	u32 want[AHEAD];
	u64 entry[AHEAD];
};

/* A neighbour that has a record keeps it, were it stale, unless it only
 * gains the right to write. */
static void look_around(struct cpu *c, struct window *w, struct slot *s, u32 i,
			struct block *b)
{
	b->first = i & ~(AHEAD - 1u);
	for (u32 k = 0; k < AHEAD; k++) {
		u32 old = rec_mapped(s->rec[b->first + k]);
		u64 entry = slot_entry(w, s, b->first + k);
		u32 want = window_want(c, w, s->pde,
				       slot_first_page(w, s) + b->first + k,
				       entry);

		b->entry[k] = entry;
		b->want[k] = want;
		if (b->first + k == i)
			continue;
		if (old && (!(want & REC_WRITE) || (want & ~REC_WRITE) != old))
			b->want[k] = 0;
	}
}

/* Copies of entries: of those to be mapped, and of those without a record,
 * so that the next comparison finds the line unchanged. */
static void copy_block(const struct window *w, struct slot *s,
		       const struct block *b)
{
	if (!s->table)
		return;
	for (u32 k = 0; k < AHEAD; k++)
		if (b->want[k] || !s->rec[b->first + k])
			copy_entry(w, s, b->first + k, b->entry[k]);
}

static bool fill_block(struct cpu *c, struct window *w, struct slot *s, u32 i)
{
	struct block b;
	u32 page, k = 0;

	look_around(c, w, s, i, &b);
	copy_block(w, s, &b);
	page = slot_first_page(w, s) + b.first;
	while (k < AHEAD) {
		u32 n = 1;
		bool mine;

		while (k + n < AHEAD &&
		       continues(b.want[k + n - 1], b.want[k + n]))
			n++;
		mine = i - b.first - k < n;
		if (b.want[k] &&
		    (mine || (n >= AHEAD_RUN &&
			      !rec_mapped(s->rec[b.first + k]))) &&
		    !pages_map(c->mem, w, s, page + k, n, b.want[k]))
			return false;
		k += n;
	}
	return true;
}

/* Length of the run at i that one call can map, `want` being the first
 * page's; pages that have what they want are a run for themselves. */
static u32 large_run(struct cpu *c, struct window *w, struct slot *s, u32 i,
		     u32 want)
{
	bool have = s->rec[i] == want;
	u32 n = 1, next, page = slot_first_page(w, s);

	for (; i + n < slot_pages(w); n++, want = next) {
		next = window_want(c, w, s->pde, page + i + n,
				   slot_entry(w, s, i + n));
		if (!continues(want, next) || (s->rec[i + n] == next) != have)
			break;
	}
	return n;
}

/* All of a large page, in as few runs as translated code and the like in
 * it allow. */
static bool fill_large(struct cpu *c, struct window *w, struct slot *s)
{
	u32 page = slot_first_page(w, s), i, n;

	s->clean = !(s->pde & PTE_D);
	for (i = 0; i < slot_pages(w); i += n) {
		u32 want = window_want(c, w, s->pde, page + i,
				       slot_entry(w, s, i));

		n = large_run(c, w, s, i, want);
		if (want && want != s->rec[i] &&
		    !pages_map(c->mem, w, s, page + i, n, want))
			return false;
	}
	return true;
}

/* A read makes the host fill its own tables for the sixteen pages around in
 * one go, for writing too.  MAP_POPULATE would go page by page, as would
 * the guest's writes, at half a microsecond and more each. */
static void touch(const struct window *w, u32 page)
{
	if (!w->broken)
		(void)*(volatile u8 *)(w->base + (u64)page * GUEST_PAGE);
}

enum filled { FILLED, UNFIT, NO_ROOM };

static enum filled fill(struct cpu *c, struct window *w, u32 page, bool write)
{
	u32 i = page & (slot_pages(w) - 1);
	struct slot *s;
	bool soft, ok, known;

	s = slot_get(c, w, page >> w->shift, &soft);
	if (!s)
		return soft ? UNFIT : NO_ROOM;
	known = s->rec[i];
	if (!s->table && (!s->used || (s->clean && (s->pde & PTE_D))))
		ok = fill_large(c, w, s);
	else
		ok = fill_block(c, w, s, i);
	write = write && !(s->rec[i] & REC_WRITE);
	if (ok && rec_mapped(s->rec[i]) && !write) {
		if (!known && c->cr0 & CR0_PG)
			TRACE(mmu_pt_change, .level = s->table ? 1 : 2,
			      .index = (u16)(s->table ? i : s->index),
			      .address = page * GUEST_PAGE,
			      .new = s->table ? slot_entry(w, s, i) : s->pde,
			      .learned = TRACE_learned_FAULT);
		touch(w, page);
		return FILLED;
	}
	slot_settle(c->mem->windows, w, s);
	return ok ? UNFIT : NO_ROOM;
}

static enum filled follow(struct cpu *c, struct window *w, u32 page)
{
	u32 i = page & (slot_pages(w) - 1), want;
	struct block b;
	struct slot *s;
	bool soft;

	s = slot_get(c, w, page >> w->shift, &soft);
	if (!s)
		return soft ? UNFIT : NO_ROOM;
	if (!s->table || rec_mapped(s->rec[i]))
		return fill(c, w, page, false);
	look_around(c, w, s, i, &b);
	want = b.want[i - b.first];
	for (u32 k = 0; k < AHEAD; k++)
		if (b.first + k != i)
			b.want[k] = 0;
	copy_block(w, s, &b);
	if (want)
		page_follow(c->mem, w, s, page, want);
	slot_settle(c->mem->windows, w, s);
	return want ? FILLED : UNFIT;
}

/* Can a window serve this access at all? */
static enum window_fill suits(const struct cpu *c, const struct walk *w,
			      gla_t lin, bool write, enum window_kind kind)
{
	unsigned flags = page_flags(c->mem, w->gpa);
	bool paged = c->cr0 & CR0_PG;

	if (paged && w->user != (kind == WINDOW_USER))
		return WINDOW_OTHER;
	if (!(flags & PAGE_RAM) || c->mem->read_watched[lin >> 12])
		return WINDOW_SOFT;
	if (write && c->mem->watched[lin >> 12])
		return WINDOW_SOFT;
	if (write && (flags & (PAGE_ROM | PAGE_CODE)))
		return WINDOW_SOFT;
	if (write && paged && kind == WINDOW_USER && !w->page_rw)
		return WINDOW_SOFT; /* CR0.WP = 0; user code may not */
	return WINDOW_FILLED;
}

/* ---- before they are asked for ---- */

static struct hot_page *hot(struct window_pool *p, u32 page, bool gains)
{
	return &p->hot[(page ^ page >> 8 ^ (u32)gains << 7) % HOT_PAGES];
}

static bool is_known(struct window_pool *p, u32 page, bool gains)
{
	const struct hot_page *h = hot(p, page, gains);

	return h->page == page && h->gains == gains && h->left;
}

/* User code met the page, which had a mapping or not. */
static void heat(struct window_pool *p, u32 page, bool gains)
{
	struct hot_page *h = hot(p, page, gains);

	if (!is_known(p, page, gains))
		*h = (struct hot_page){ page, gains, 0, HOT_TIMES };
	h->score += HOT_USED;
	if (h->score > HOT_SCORE)
		h->score = HOT_SCORE;
}

/* It is told of: is it worth a mapping, by what was seen of it? */
static bool is_hot(struct window_pool *p, u32 page, bool gains)
{
	struct hot_page *h = hot(p, page, gains);

	if (!is_known(p, page, gains))
		return false;
	if (h->score < HOT_SCORE) {
		h->score -= h->score < HOT_TOLD ? h->score : HOT_TOLD;
		h->left = h->score ? HOT_TIMES : 0; /* not known any more */
		return false;
	}
	if (!--h->left) {
		h->left = HOT_TIMES;
		h->score = HOT_SCORE - 1;
	}
	return true;
}

/* follow_only: for reading, by link_follow */
static enum window_fill meet(struct cpu *c, gla_t lin, bool write,
			     enum window_kind kind, bool follow_only)
{
	struct window_pool *p = c->mem->windows;
	enum window_fill answer;
	enum filled done;
	struct window *win;
	struct walk w;
	u32 rec, bad = walk_page(c, lin, write ? MEM_WRITE : MEM_READ, &w);

	if (bad) {
		cpu_raise_pf(c, lin, bad & ~WALK_FAULT);
		return WINDOW_FAULT;
	}
	if (!p || !p->enabled || kind == WINDOW_NONE)
		return WINDOW_SOFT;
	p->stats.misses++;
	answer = suits(c, &w, lin, write, kind);
	if (answer != WINDOW_FILLED)
		return answer;
	win = &p->win[window_index(p, kind == WINDOW_USER)];
	window_set_format(c, win);
	if (p->stats.mappings >= p->limit)
		window_evict(c->mem, false);
	rec = rec_mapped(page_record(win, lin >> 12));
	done = follow_only ? follow(c, win, lin >> 12)
			   : fill(c, win, lin >> 12, write);
	for (int hard = 0; done == NO_ROOM && hard < 2; hard++) {
		window_evict(c->mem, hard);
		done = fill(c, win, lin >> 12, write);
	}
	if (kind == WINDOW_USER && !follow_only)
		heat(p, lin >> 12, rec);
	return done == FILLED ? WINDOW_FILLED : WINDOW_SOFT;
}

/* The record that its entries allow, without using them; 0: none. */
static u32 allowed(struct cpu *c, struct window *w, u32 page)
{
	gpa_t at, table;
	u64 pde = slot_read_pde(c, w, page >> w->shift, &at);

	if (!(pde & PTE_P) || !(pde & PTE_A) || pde_is_large(c, pde))
		return 0;
	table = pde & PHYS_MASK & ~0xfffull;
	if (!(page_flags(c->mem, table) & PAGE_RAM))
		return 0;
	return window_want(c, w, pde, page,
			   table_entry(w, c->mem->ram + table,
				       page & (slot_pages(w) - 1)));
}

void window_expect(struct cpu *c, gla_t lin)
{
	struct window_pool *p = c->mem->windows;
	struct window *w;
	u32 page = lin >> 12, want, rec;

	if (!p || (!is_known(p, page, false) && !is_known(p, page, true)))
		return; /* mostly */
	w = &p->win[p->user];
	if (!p->enabled || !(c->cr0 & CR0_PG) || w->format != window_format(c) ||
	    p->stats.mappings >= p->limit)
		return;
	rec = rec_mapped(page_record(w, page));
	want = allowed(c, w, page);
	if (want && want != rec && is_hot(p, page, rec))
		fill(c, w, page, want & REC_WRITE);
}

enum window_fill window_miss(struct cpu *c, gla_t lin, bool write,
			     enum window_kind kind)
{
	return meet(c, lin, write, kind, false);
}

enum window_fill window_follow(struct cpu *c, gla_t lin, enum window_kind kind)
{
	return meet(c, lin, false, kind, true);
}
