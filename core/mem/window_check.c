/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Are the invariants of this room (mem_priv.h, window_priv.h) true?  For
 * debug builds and tests: looks at everything, changes nothing, and ends the
 * process where one is not.
 *
 * I-win-3 and the host's side of I-win-5 are asked of the host itself, whose
 * list of mappings must be the records' and nothing else; where that list
 * cannot be opened (a sandbox) the records alone are looked at. */
#include "core/base/check.h"
#include "core/mem/window_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- one slot ---- */

struct tally {
	unsigned used, local;
	u8 count[SLOT_LINES], count_local[SLOT_LINES];
};

static void tally_record(const struct window *w, u32 i, u32 rec,
			 struct tally *t)
{
	unsigned line = slot_line(w, i);

	t->used++;
	t->count[line]++;
	if (rec & REC_GLOBAL)
		return;
	t->local++;
	t->count_local[line]++;
}

/* I-win-1, and I-mem-3: what a record says is no more than what the entry it
 * was made from allows, and than the frame does. */
static void check_record(const struct mem *m, const struct window *w,
			 const struct slot *s, u32 i)
{
	u32 rec = s->rec[i], page = slot_first_page(w, s) + i;
	unsigned flags = page_flags(m, rec & REC_FRAME);
	u64 entry = s->table ? table_entry(w, s->copy, i) : s->pde;

	CHECK(rec & REC_PRESENT && flags & PAGE_RAM,
	      "I-win-2: page %05x is recorded as %08x", page, rec);
	CHECK(!rec_mapped(rec) || !m->read_watched[page],
	      "I-mem-3: page %05x is mapped, and reads of it are watched",
	      page);
	CHECK(!(rec & REC_WRITE) ||
		      (!(flags & (PAGE_ROM | PAGE_CODE)) && !m->watched[page]),
	      "I-mem-3: page %05x is writable, its frame is %02x", page, flags);
	CHECK(entry & PTE_P && entry & PTE_A,
	      "I-win-1: page %05x is recorded, its entry was %08" PRIx64, page,
	      entry);
	CHECK(!s->table || ((u32)entry & REC_FRAME) == (rec & REC_FRAME),
	      "I-win-1: page %05x leads to %08x, its entry was %08" PRIx64,
	      page, rec, entry);
	CHECK(!(rec & REC_WRITE) || entry & PTE_D,
	      "I-win-1: page %05x is writable, its entry was %08" PRIx64, page,
	      entry);
	CHECK(!(rec & REC_WRITE) || w->loose || (entry & s->pde & PTE_RW),
	      "I-win-1: page %05x is writable, its entries were %08" PRIx64
	      " and %08" PRIx64,
	      page, s->pde, entry);
	CHECK(!w->format || !!(entry & s->pde & PTE_US) == w->user,
	      "I-win-1: page %05x is in the other privilege's window", page);
}

static void check_slot(const struct mem *m, const struct window *w, u32 index)
{
	const struct slot *s = w->slot[index];
	struct tally t = {0};

	CHECK(!!s == (w->live[index / 64] >> index % 64 & 1),
	      "slot %u is not in the list of those there are", index);
	if (!s)
		return;
	CHECK(s->index == index && s->used,
	      "slot %u says %u, and has %u records", index, s->index, s->used);
	for (u32 i = 0; i < slot_pages(w); i++) {
		u32 page = slot_first_page(w, s) + i, rec = s->rec[i];

		CHECK(w->map[page] == !!rec_mapped(rec) &&
			      w->map[WINDOW_MAP_WRITABLE + page] ==
				      !!(rec & REC_WRITE),
		      "page %05x is recorded as %08x, the map says otherwise",
		      page, rec);
		if (!rec)
			continue;
		tally_record(w, i, rec, &t);
		check_record(m, w, s, i);
	}
	CHECK(t.used == s->used && t.local == s->local &&
		      !memcmp(t.count, s->count, sizeof(t.count)) &&
		      !memcmp(t.count_local, s->count_local,
			      sizeof(t.count_local)),
	      "slot %u: %u records are counted as %u", index, t.used, s->used);
	CHECK((w->local[index / 64] >> index % 64 & 1) == !!s->local,
	      "slot %u: local records are not known", index);
	for (unsigned i = 0; i < SLOT_LINES; i++)
		CHECK((s->lines >> i & 1) == !!s->count[i] &&
			      (s->lines_local >> i & 1) == !!s->count_local[i],
		      "slot %u: line %u is not known", index, i);
}

/* ---- the records of all ---- */

static u32 record_at(const struct window *w, u32 page)
{
	const struct slot *s = w->slot[page >> w->shift];

	return s ? s->rec[page & (slot_pages(w) - 1)] : 0;
}

static bool is_edge(u32 a, u32 b)
{
	if (!a || !b)
		return a != b;
	return (a ^ b) & REC_WRITE ||
	       (b & REC_FRAME) != (a & REC_FRAME) + GUEST_PAGE;
}

static unsigned count_edges(const struct window *w)
{
	unsigned n = 0;
	u32 before = 0;

	for (u32 page = 0; page <= WINDOW_PAGES; page++) {
		u32 now = page < WINDOW_PAGES ? rec_mapped(record_at(w, page))
					      : 0;

		n += is_edge(before, now);
		before = now;
		if (page < WINDOW_PAGES && !w->slot[page >> w->shift])
			page |= slot_pages(w) - 1; /* all of it is 0 */
	}
	return n;
}

/* I-win-2: the chains hold every record, once, by its frame. */
static unsigned check_chains(const struct mem *m)
{
	const struct window_pool *p = m->windows;
	unsigned n = 0;

	for (u32 frame = 0; frame < m->ram_size >> 12; frame++) {
		u32 before = 0;

		for (u32 h = p->head[frame]; h; n++) {
			const struct window *w = &p->win[(h - 1) >> 20];
			u32 page = (h - 1) & (WINDOW_PAGES - 1);
			u32 i = page & (slot_pages(w) - 1);
			const struct slot *s = w->slot[page >> w->shift];

			CHECK(s && s->rec[i] >> 12 == frame &&
				      s->prev[i] == before,
			      "I-win-2: page %05x is in the chain of frame "
			      "%05x",
			      page, frame);
			before = h;
			h = s->next[i];
		}
	}
	return n;
}

/* I-win-4. */
static void check_free(const struct window_pool *p)
{
	static const struct slot zero;
	const size_t link = offsetof(struct slot, link);
	const size_t after = link + sizeof(struct slot *);

	for (const struct slot *s = p->free; s; s = s->link) {
		const u8 *b = (const u8 *)s, *z = (const u8 *)&zero;

		CHECK(!memcmp(b, z, link) &&
			      !memcmp(b + after, z,
				      offsetof(struct slot, copy) - after),
		      "I-win-4: a free slot is not empty");
	}
}

/* ---- the host's mappings ---- */

struct seen {
	const struct mem *m;
	u64 next; /* offset in the region of what must come now */
};

/* Pages [from, to) of the region, all protected and placed like this. */
static void check_mapping(struct seen *seen, u64 from, u64 to, const char *prot,
			  u64 offset)
{
	const struct window_pool *p = seen->m->windows;
	bool mapped = prot[0] == 'r';

	CHECK(from == seen->next, "I-win-3: a hole at %" PRIx64 " of windows",
	      seen->next);
	seen->next = to;
	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i)) {
		const struct window *w = &p->win[i];
		u64 base = (u64)(w->base - p->region);
		u64 a = from > base ? from : base;
		u64 b = to < base + (1ull << 32) ? to : base + (1ull << 32);

		for (; a < b; a += GUEST_PAGE) {
			u32 page = (u32)((a - base) >> 12);
			u32 rec = rec_mapped(record_at(w, page));

			if (!rec && !mapped && !w->slot[page >> w->shift]) {
				a |= ((u64)slot_pages(w) << 12) - GUEST_PAGE;
				continue;
			}
			CHECK(mapped == !!rec || (w->broken && !mapped),
			      "I-win-5: page %05x of window %u is %s, "
			      "recorded as %08x",
			      page, i, prot, rec);
			CHECK(!mapped || ((prot[1] == 'w') ==
						  !!(rec & REC_WRITE) &&
					  (rec & REC_FRAME) ==
						  offset + (a - from)),
			      "I-win-1: page %05x of window %u is %s of "
			      "%" PRIx64 ", recorded as %08x",
			      page, i, prot, offset + (a - from), rec);
		}
	}
}

static void check_host(const struct mem *m)
{
	const struct window_pool *p = m->windows;
	u64 start = (u64)(uintptr_t)p->region, end = start + p->region_len;
	struct seen seen = {m, 0};
	u64 from, to, offset;
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512], prot[8];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64, &from,
			   &to, prot, &offset) != 4 ||
		    to <= start || from >= end)
			continue;
		if (from < start)
			from = start; /* joined with a neighbour */
		if (to > end)
			to = end;
		check_mapping(&seen, from - start, to - start, prot, offset);
	}
	fclose(f);
	CHECK(seen.next == p->region_len,
	      "I-win-3: a hole at the end of windows");
}

/* I-win-6; what the host has is seen by check_host. */
static unsigned check_hollows(const struct window *w, unsigned number)
{
	for (unsigned i = 0; i < w->hollows; i++) {
		u32 page = w->hollow[i].page;

		CHECK(!w->broken && !rec_mapped(record_at(w, page)),
		      "I-win-6: page %05x of window %u is mapped and hollow",
		      page, number);
		for (unsigned k = 0; k < i; k++)
			CHECK(w->hollow[k].page != page,
			      "I-win-6: page %05x of window %u is hollow twice",
			      page, number);
	}
	return w->hollows;
}

static void check_windows(const struct mem *m)
{
	const struct window_pool *p = m->windows;
	unsigned records = 0, mappings = 0, hollows = 0;

	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i)) {
		const struct window *w = &p->win[i];
		unsigned n = count_edges(w);

		for (u32 k = 0; k < SLOTS; k++) {
			check_slot(m, w, k);
			records += w->slot[k] ? w->slot[k]->used : 0;
		}
		CHECK(n == w->mappings,
		      "window %u has %u host mappings, counted as %u", i, n,
		      w->mappings);
		mappings += n;
		hollows += check_hollows(w, i);
	}
	CHECK(mappings == p->stats.mappings,
	      "%u host mappings are counted as %u", mappings,
	      p->stats.mappings);
	CHECK(hollows == p->hollows, "%u hollow pages are counted as %u",
	      hollows, p->hollows);
	CHECK(check_chains(m) == records, "I-win-2: a record in no chain");
	check_free(p);
	check_host(m);
}

/* ---- the software TLB ---- */

static bool is_now(const struct mem *m, gla_t tag)
{
	u32 epoch = tag & (TLB_EPOCHS - 1);

	return epoch == m->tlb_epoch || epoch == m->tlb_global_epoch;
}

/* I-mem-1. */
static void check_tlb(const struct mem *m, const struct tlb_entry *t)
{
	gpa_t gpa = (gpa_t)(t->host - m->ram);
	bool any =
		is_now(m, t->read) || is_now(m, t->write) || is_now(m, t->exec);

	CHECK(!any || (gpa < m->ram_size && !(gpa & 0xfff)),
	      "a TLB entry of page %05x leads out of memory", t->read >> 12);
	if (!is_now(m, t->write))
		return;
	CHECK((page_flags(m, gpa) & (PAGE_RAM | PAGE_ROM | PAGE_CODE)) ==
		      PAGE_RAM,
	      "I-mem-1: page %05x is writable, its frame is %02x",
	      t->write >> 12, page_flags(m, gpa));
	CHECK(t->write & TLB_WATCHED || !m->watched[t->write >> 12],
	      "I-mem-1: page %05x is watched, and writable", t->write >> 12);
}

void mem_check(const struct mem *m)
{
	for (unsigned user = 0; user < 2; user++)
		for (unsigned i = 0; i < TLB_SIZE; i++)
			check_tlb(m, &m->tlb[user][i]);
	if (m->windows && m->windows->enabled)
		check_windows(m);
}

bool mem_holds_code(const struct mem *m, gpa_t gpa)
{
	return page_flags(m, gpa) & PAGE_CODE;
}
