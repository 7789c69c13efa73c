/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest flushes its TLB: what did it change?
 *
 * Until it flushes, a processor may go on using what it read from the tables
 * (SDM 3A 4.10.2, 4.10.4), so nothing is done when they are written.  At a
 * flush each slot's directory entry is compared with the one recorded, and
 * then the page table with its copy, in lines of 64 bytes and only those
 * that have mappings.  Entries that differ are judged by window_want():
 * gone, moved, or no longer accessed, the mapping goes; no longer writable
 * or dirty, it becomes read-only; all else costs nothing.
 *
 * Global pages outlive the loading of CR3 (4.10.2.4); a slot that has no
 * others is not looked at then.  For windows that are not current the
 * pool counts the flushes that reach global pages, and a window compares its
 * own when it becomes current having missed one. */
#include "core/mem/window_priv.h"

#define PHYS_MASK ((1ull << 36) - 1)
/* PWT, PCD and the three bits left to software. */
#define PDE_IGNORED   0xe18ull
#define TABLE_IGNORED (PDE_IGNORED | PTE_D | PTE_G)

bool pde_is_large(const struct cpu *c, u64 pde)
{
	return (pde & PTE_PS) && (c->cr4 & (CR4_PAE | CR4_PSE));
}

u64 slot_read_pde(const struct cpu *c, const struct window *w, u32 index,
		  gpa_t *at)
{
	const u8 *host;

	if (w->format & FORMAT_PAE) {
		u64 top = c->pdpte[index >> 9];

		if (!(top & PTE_P))
			return 0;
		*at = (top & PHYS_MASK & ~0xfffull) + (index & 511) * 8;
	} else {
		*at = (c->cr3 & ~0xfffu) + index * 4;
	}
	if (!(page_flags(c->mem, *at) & PAGE_RAM))
		return 0;
	host = c->mem->ram + *at;
	return w->format & FORMAT_PAE ? *(const u64 *)(const void *)host
				      : *(const u32 *)(const void *)host;
}

/* Takes the right to write from all records of a slot, run by run. */
static void slot_protect(struct mem *m, struct window *w, struct slot *s)
{
	u32 page = slot_first_page(w, s), end = slot_pages(w);

	for (u32 i = 0, n; i < end; i += n ? n : 1) {
		for (n = 0; i + n < end && (s->rec[i + n] & REC_WRITE); n++)
			;
		if (n)
			pages_protect(m, w, s, page + i, n);
	}
}

/* Does the entry lead where the recorded one led? */
static bool pde_alike(const struct slot *s, u64 now)
{
	u64 ignored = PTE_A | (s->table ? TABLE_IGNORED : PDE_IGNORED | PTE_D);

	return !((now ^ s->pde) & ~ignored);
}

bool slot_sync_pde(struct cpu *c, struct window *w, struct slot *s)
{
	u64 now;
	gpa_t at;

	if (!(c->cr0 & CR0_PG))
		return true;
	now = slot_read_pde(c, w, s->index, &at);
	if (now == s->pde)
		return true;
	TRACE(mmu_pt_change, .level = 2, .index = s->index,
	      .address = slot_first_page(w, s) * GUEST_PAGE, .old = s->pde,
	      .new = now, .learned = TRACE_learned_COMPARE);
	/* Not accessed any more, it must become so at the next use. */
	if (!pde_alike(s, now) || !(now & PTE_A)) {
		slot_drop(c->mem, w, s);
		return false;
	}
	s->pde = now;
	if (!s->table && !(now & PTE_D)) {
		s->clean = true;
		slot_protect(c->mem, w, s);
	}
	return true;
}

void window_compare(const struct cpu *c, const struct window *w,
		    unsigned *agree, unsigned *differ)
{
	gpa_t at;

	*agree = *differ = 0;
	for (unsigned k = 0; k < SLOTS / 64; k++)
		for (u64 some = w->local[k]; some; some &= some - 1) {
			u32 i = k * 64 + (unsigned)__builtin_ctzll(some);
			u64 now = slot_read_pde(c, w, i, &at);

			++*(pde_alike(w->slot[i], now) ? agree : differ);
		}
}

/* ---- page tables ---- */

/* Changes to the same effect for pages in a row are made together. */
enum change { KEEP, PROTECT, UNMAP };
struct pending {
	enum change what;
	u32 first, n; /* indices in the slot */
};

static void pending_do(struct mem *m, struct window *w, struct slot *s,
		       struct pending *run)
{
	u32 page = slot_first_page(w, s) + run->first;

	if (run->what == UNMAP)
		pages_unmap(m, w, s, page, run->n);
	else if (run->what == PROTECT)
		pages_protect(m, w, s, page, run->n);
	run->what = KEEP;
}

static void pending_add(struct mem *m, struct window *w, struct slot *s,
			struct pending *run, enum change what, u32 i)
{
	if (run->what == what && run->first + run->n == i) {
		run->n++;
		return;
	}
	pending_do(m, w, s, run);
	*run = (struct pending){what, i, 1};
}

/* What an entry's new value means for its mapping; the copy follows. */
static enum change entry_sync(struct cpu *c, struct window *w, struct slot *s,
			      u32 i)
{
	u64 now = table_entry(w, s->table, i), old = table_entry(w, s->copy, i);
	u32 rec = s->rec[i], want;

	if (now == old)
		return KEEP;
	copy_entry(w, s, i, now);
	if (!rec)
		return KEEP;
	TRACE(mmu_pt_change, .level = 1, .index = (u16)i,
	      .address = (slot_first_page(w, s) + i) * GUEST_PAGE, .old = old,
	      .new = now, .learned = TRACE_learned_COMPARE);
	want = window_want(c, w, s->pde, slot_first_page(w, s) + i, now);
	if (!want || (rec ^ want) & REC_FRAME ||
	    ((rec & REC_GLOBAL) && !(now & PTE_G)))
		return UNMAP;
	if ((now ^ old) & PTE_NX)
		return UNMAP; /* no matter for data; who links code must know */
	return (rec & ~want) & REC_WRITE ? PROTECT : KEEP;
}

static bool line_equal(const u8 *a, const u8 *b)
{
	const u64 *x = (const void *)a, *y = (const void *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) |
		 (x[4] ^ y[4]) | (x[5] ^ y[5]) | (x[6] ^ y[6]) | (x[7] ^ y[7]));
}

static bool line_sync(struct cpu *c, struct window *w, struct slot *s,
		      unsigned line, struct pending *run)
{
	u32 per_line = slot_pages(w) / SLOT_LINES, i = line * per_line;

	if (line_equal(s->table + line * 64, s->copy + line * 64))
		return false;
	for (u32 end = i + per_line; i < end; i++) {
		enum change what = entry_sync(c, w, s, i);

		if (what != KEEP)
			pending_add(c->mem, w, s, run, what, i);
	}
	return true;
}

static void slot_sync(struct cpu *c, struct window *w, struct slot *s, bool all)
{
	struct window_stats *stats = &c->mem->windows->stats;
	struct pending run = {KEEP, 0, 0};
	bool differ = false;
	u64 lines;

	if (!slot_sync_pde(c, w, s) || !s->table)
		return;
	stats->compares++;
	for (lines = all ? s->lines : s->lines_local; lines; lines &= lines - 1)
		differ |= line_sync(c, w, s, (unsigned)__builtin_ctzll(lines),
				    &run);
	if (!differ)
		return;
	stats->compared_differ++;
	pending_do(c->mem, w, s, &run);
	slot_settle(c->mem->windows, w, s);
}

static void window_sync(struct cpu *c, struct window *w, bool all)
{
	window_set_format(c, w);
	if (w->loose && (c->cr0 & CR0_WP))
		window_drop(c->mem, w); /* writable by CR0.WP = 0 only */
	for (unsigned k = 0; k < SLOTS / 64; k++)
		for (u64 some = all ? w->live[k] : w->local[k]; some;
		     some &= some - 1)
			slot_sync(c, w,
				  w->slot[k * 64 +
					  (unsigned)__builtin_ctzll(some)],
				  all);
}

/*T:50 The guest flushes its TLB, so windows are compared with its tables. */
void window_flush(struct cpu *c, bool all)
{
	struct window_pool *p = c->mem->windows;
	unsigned now[2];

	if (!p || !p->enabled)
		return;
	if (all)
		p->generation++;
	/* Recorded as global they may be, but no more. */
	all |= !(c->cr4 & CR4_PGE);
	window_choose(c);
	now[0] = p->supervisor;
	now[1] = p->user;
	for (unsigned i = 0; i < ARRAY_LEN(now); i++) {
		struct window *w = &p->win[now[i]];

		window_sync(c, w, all || w->generation != p->generation);
		w->generation = p->generation;
	}
	window_compared(c);
}
/*T:*/

static void page_sync(struct cpu *c, struct window *w, u32 page)
{
	struct slot *s = w->slot[page >> w->shift];
	u32 i = page & (slot_pages(w) - 1);
	struct pending run = {KEEP, 0, 0};

	/* A large page is flushed as a whole, used here or not. */
	if (!s || (s->table && !s->rec[i]))
		return;
	if (!slot_sync_pde(c, w, s) || !s->table)
		return;
	run.what = entry_sync(c, w, s, i);
	run.first = i;
	run.n = 1;
	pending_do(c->mem, w, s, &run);
	slot_settle(c->mem->windows, w, s);
}

/* INVLPG takes global translations of the page as well, in every window
 * (SDM 3A 4.10.4.1). */
void window_flush_page(struct cpu *c, gla_t lin)
{
	struct window_pool *p = c->mem->windows;

	if (!p || !p->enabled)
		return;
	p->generation++;
	for (unsigned user = 0; user < 2; user++) {
		struct window *w = &p->win[window_index(p, user)];

		w->generation++;
		page_sync(c, w, lin >> 12);
	}
}
