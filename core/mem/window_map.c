/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of what is mapped, and the calls that map it.
 *
 * Each function here changes a run of pages inside one slot: the host
 * mapping by one call, then each page's record, its chain, and the counts.
 *
 * The host allows a process some 65,000 mappings, so their number is kept,
 * exactly: the host merges neighbours that continue one another in guest RAM
 * with equal protection, hence a window has as many mappings as it has edges
 * between pages that do not, plus one.  A change of a run moves only edges
 * in it and at its ends.
 *
 * What the host refuses is made good by unmapping, which can only cost time.
 * Unmapping replaces by a reservation (I-win-3).  If even that is refused,
 * for a whole window, the process must end: a guest address could otherwise
 * reach whatever the host puts into the hole. */
#include "core/base/check.h"
#include "core/mem/window_priv.h"

#include <errno.h>
#include <sys/mman.h>

/* ---- slots ---- */

/* From mmap, not malloc, which may use vector registers. */
static bool slots_more(struct window_pool *p)
{
	struct slot_chunk *chunk;

	if (p->fail && p->fail--)
		return false;
	chunk = mmap(NULL, sizeof(*chunk), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (chunk == MAP_FAILED)
		return false;
	chunk->next = p->chunks;
	p->chunks = chunk;
	for (unsigned i = 0; i < CHUNK_SLOTS; i++) {
		chunk->slot[i].link = p->free;
		p->free = &chunk->slot[i];
	}
	return true;
}

struct slot *slot_new(struct window_pool *p, struct window *w, u32 index)
{
	struct slot *s;

	if (!p->free && !slots_more(p))
		return NULL;
	s = p->free;
	p->free = s->link;
	s->link = NULL;
	s->index = (u16)index;
	w->opened++;
	w->slot[index] = s;
	w->live[index / 64] |= 1ull << index % 64;
	return s;
}

void slot_settle(struct window_pool *p, struct window *w, struct slot *s)
{
	if (s->used)
		return;
	w->slot[s->index] = NULL;
	w->live[s->index / 64] &= ~(1ull << s->index % 64);
	s->pde = 0;
	s->table = NULL;
	s->clean = false;
	s->index = 0;
	s->link = p->free;
	p->free = s;
}

/* ---- records (I-win-2) ---- */

static struct slot *handle_slot(struct window_pool *p, u32 handle,
				struct window **w, u32 *page)
{
	*w = &p->win[(handle - 1) >> 20];
	*page = (handle - 1) & (WINDOW_PAGES - 1);
	return (*w)->slot[*page >> (*w)->shift];
}

static u32 *handle_prev(struct window_pool *p, u32 handle)
{
	struct window *w;
	u32 page;
	struct slot *s = handle_slot(p, handle, &w, &page);

	return &s->prev[page & (slot_pages(w) - 1)];
}

static u32 *handle_next(struct window_pool *p, u32 handle)
{
	struct window *w;
	u32 page;
	struct slot *s = handle_slot(p, handle, &w, &page);

	return &s->next[page & (slot_pages(w) - 1)];
}

static void chain_add(struct window_pool *p, struct window *w, struct slot *s,
		      u32 page)
{
	u32 i = page & (slot_pages(w) - 1);
	u32 handle = ((u32)(w - p->win) << 20 | page) + 1;
	u32 *head = &p->head[s->rec[i] >> 12];

	s->prev[i] = 0;
	s->next[i] = *head;
	if (*head)
		*handle_prev(p, *head) = handle;
	*head = handle;
}

static void chain_remove(struct window_pool *p, struct slot *s, u32 i)
{
	if (s->next[i])
		*handle_prev(p, s->next[i]) = s->prev[i];
	if (s->prev[i])
		*handle_next(p, s->prev[i]) = s->next[i];
	else
		p->head[s->rec[i] >> 12] = s->next[i];
	s->next[i] = s->prev[i] = 0;
}

static void count_record(struct window *w, struct slot *s, u32 i, int by)
{
	unsigned line = slot_line(w, i);

	s->used = (u16)(s->used + by);
	s->count[line] = (u8)(s->count[line] + by);
	if (!(s->rec[i] & REC_GLOBAL)) {
		s->local = (u16)(s->local + by);
		s->count_local[line] = (u8)(s->count_local[line] + by);
	}
	w->local[s->index / 64] &= ~(1ull << s->index % 64);
	w->local[s->index / 64] |= (u64)!!s->local << s->index % 64;
	s->lines &= ~(1ull << line);
	s->lines |= (u64)!!s->count[line] << line;
	s->lines_local &= ~(1ull << line);
	s->lines_local |= (u64)!!s->count_local[line] << line;
}

static void record(struct window_pool *p, struct window *w, struct slot *s,
		   u32 page, u32 rec)
{
	u32 i = page & (slot_pages(w) - 1);
	u32 old = s->rec[i];

	if (old == rec)
		return;
	if (old) {
		count_record(w, s, i, -1);
		if (!rec || (old ^ rec) & REC_FRAME)
			chain_remove(p, s, i);
	}
	s->rec[i] = rec;
	w->map[page] = !!rec_mapped(rec);
	w->map[WINDOW_MAP_WRITABLE + page] = !!(rec & REC_WRITE);
	if (rec) {
		count_record(w, s, i, 1);
		if (!old || (old ^ rec) & REC_FRAME)
			chain_add(p, w, s, page);
	}
}

/* ---- the number of host mappings ---- */

u32 page_record(const struct window *w, u32 page)
{
	const struct slot *s;

	if (page >= WINDOW_PAGES) /* -1 as well */
		return 0;
	s = w->slot[page >> w->shift];
	return s ? s->rec[page & (slot_pages(w) - 1)] : 0;
}

static u32 mapped_at(const struct window *w, u32 page)
{
	return rec_mapped(page_record(w, page));
}

bool window_holds(const struct mem *m, enum window_kind kind, gla_t lin,
		  gpa_t gpa)
{
	const struct window_pool *p = m->windows;
	u32 rec = page_record(&p->win[window_index(p, kind == WINDOW_USER)],
			    lin >> 12);

	return rec && (rec & REC_FRAME) == (gpa & ~0xfffull);
}

/* Does the host need two mappings for these neighbours? */
static bool is_edge(u32 a, u32 b)
{
	if (!a || !b)
		return a != b;
	return (a ^ b) & REC_WRITE ||
	       (b & REC_FRAME) != (a & REC_FRAME) + GUEST_PAGE;
}

static unsigned edges(const struct window *w, u32 page, u32 n)
{
	u32 a = mapped_at(w, page - 1);
	unsigned found = 0;

	for (u32 i = 0; i <= n; i++) {
		u32 b = mapped_at(w, page + i);

		found += is_edge(a, b);
		a = b;
	}
	return found;
}

static void edges_changed(struct window_pool *p, struct window *w, u32 page,
			  u32 n, unsigned before)
{
	unsigned now = edges(w, page, n);

	w->mappings += now - before;
	p->stats.mappings += now - before;
}

/* ---- host calls ---- */

static bool host_reserve(u8 *at, u64 len)
{
	return mmap(at, len, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0) != MAP_FAILED;
}

/* ---- hollow pages ---- */

static void hollow_add(struct window_pool *p, struct window *w, u32 page, u32 rec)
{
	w->hollow[w->hollows++] = (struct hollow){ page, rec & REC_FRAME };
	p->hollows++;
}

/* Pages that are about to be mapped, or reserved, are hollow no more. */
static void hollow_forget(struct window_pool *p, struct window *w, u32 page,
			  u32 n)
{
	for (unsigned i = 0; i < w->hollows;) {
		if (w->hollow[i].page - page >= n) {
			i++;
			continue;
		}
		w->hollow[i] = w->hollow[--w->hollows];
		p->hollows--;
	}
}

static bool hollow_has(const struct window *w, u32 page, u32 rec)
{
	for (unsigned i = 0; i < w->hollows; i++)
		if (w->hollow[i].page == page)
			return w->hollow[i].frame == (rec & REC_FRAME);
	return false;
}

/* Is there room for all that is mapped there? */
static bool hollow_room(const struct window_pool *p, const struct window *w,
			u32 page, u32 n)
{
	unsigned some = 0;

	for (u32 k = 0; k < n && some <= HOLLOW_RUN; k++)
		some += !!mapped_at(w, page + k);
	return some <= HOLLOW_RUN && w->hollows + some <= HOLLOW_MAX &&
	       p->hollows + some <= p->limit / 2;
}

/* Takes all rights from what is mapped there. */
static bool hollow_out(struct window_pool *p, struct window *w, u32 page, u32 n)
{
	if (w->broken || !hollow_room(p, w, page, n) ||
	    mprotect(w->base + (u64)page * GUEST_PAGE, (u64)n * GUEST_PAGE,
		     PROT_NONE) < 0)
		return false;
	for (u32 k = 0; k < n; k++)
		if (mapped_at(w, page + k))
			hollow_add(p, w, page + k, mapped_at(w, page + k));
	p->stats.unmaps++;
	TRACE(mmu_shadow_unmap, .window = window_word(w),
	      .address = page * GUEST_PAGE, .pages = n);
	return true;
}

/* Cannot fail: a refusal for a part, which may need one mapping more than
 * there was, is met by emptying the whole window, which frees many. */
static void host_unmap(struct window_pool *p, struct window *w, u32 page, u32 n)
{
	p->stats.unmaps++;
	TRACE(mmu_shadow_unmap, .window = window_word(w),
	      .address = page * GUEST_PAGE, .pages = n);
	hollow_forget(p, w, page, n);
	if (host_reserve(w->base + (u64)page * GUEST_PAGE, (u64)n * GUEST_PAGE))
		return;
	w->broken = true;
	hollow_forget(p, w, 0, WINDOW_PAGES);
	CHECK(host_reserve(w->base, 1ull << 32),
	      "the host refuses to keep a window reserved (errno %d)", errno);
}

static void tell(struct mem *m, struct window *w, u32 page, u32 n)
{
	if (!window_is_current(m->windows, w))
		w->lost = true; /* told when it becomes current */
	else if (m->hooks.unmapped)
		m->hooks.unmapped(m->hooks.arg, w->user,
				  page * GUEST_PAGE, n * GUEST_PAGE);
}

void window_tell_all(struct mem *m, bool user)
{
	if (m->hooks.unmapped)
		m->hooks.unmapped(m->hooks.arg, user, 0, 0);
}

/* Do all these pages only gain the right to write? */
static bool only_gains(const struct window *w, u32 page, u32 n, u32 rec)
{
	if (!(rec & REC_WRITE) || w->broken)
		return false;
	for (u32 k = 0; k < n; k++) {
		u32 old = mapped_at(w, page + k);

		if (!old || (old & REC_WRITE) ||
		    (old & REC_FRAME) != (rec & REC_FRAME) + k * GUEST_PAGE)
			return false;
	}
	return true;
}

/* mprotect costs a quarter of mmap. */
static bool host_map(struct mem *m, struct window *w, u32 page, u32 n, u32 rec)
{
	struct window_pool *p = m->windows;
	u8 *at = w->base + (u64)page * GUEST_PAGE;
	u64 len = (u64)n * GUEST_PAGE;
	int prot = PROT_READ | (rec & REC_WRITE ? PROT_WRITE : 0);
	bool is_back = n == 1 && hollow_has(w, page, rec);

	if (p->fail && p->fail--)
		return false;
	if (only_gains(w, page, n, rec) && !mprotect(at, len, prot)) {
		p->stats.protects++;
		return true;
	}
	hollow_forget(p, w, page, n);
	p->stats.maps++;
	TRACE(mmu_shadow_map, .window = window_word(w),
	      .address = page * GUEST_PAGE, .page = rec & REC_FRAME, .pages = n,
	      .writable = !!(rec & REC_WRITE));
	if (is_back && !mprotect(at, len, prot)) {
		p->stats.protects++;
		return true;
	}
	return mmap(at, len, prot, MAP_SHARED | MAP_FIXED, m->fd,
		    (off_t)(rec & REC_FRAME)) != MAP_FAILED;
}

/* No record of these pages, whose host mappings went. */
static void forget(struct mem *m, struct window *w, struct slot *s, u32 page,
		   u32 n)
{
	unsigned before = edges(w, page, n);

	for (u32 k = 0; k < n; k++)
		record(m->windows, w, s, page + k, 0);
	edges_changed(m->windows, w, page, n, before);
	tell(m, w, page, n);
}

bool pages_map(struct mem *m, struct window *w, struct slot *s, u32 page, u32 n,
	       u32 rec)
{
	struct window_pool *p = m->windows;
	unsigned before;

	if (!host_map(m, w, page, n, rec)) {
		host_unmap(p, w, page, n); /* there may be a hole */
		forget(m, w, s, page, n);
		return false;
	}
	before = edges(w, page, n);
	p->stats.pages += n;
	for (u32 k = 0; k < n; k++) {
		u32 old = page_record(w, page + k), new = rec + GUEST_PAGE *k;

		record(p, w, s, page + k, new);
		if (old && (old ^ new) & REC_FRAME)
			tell(m, w, page + k, 1);
	}
	edges_changed(p, w, page, n, before);
	return true;
}

void page_follow(struct mem *m, struct window *w, struct slot *s, u32 page,
		 u32 rec)
{
	u32 old = page_record(w, page);

	record(m->windows, w, s, page, (rec & ~REC_WRITE) | REC_FOLLOWED);
	if (old && (old ^ rec) & REC_FRAME)
		tell(m, w, page, 1);
}

static bool any_mapped(const struct window *w, u32 page, u32 n)
{
	for (u32 k = 0; k < n; k++)
		if (mapped_at(w, page + k))
			return true;
	return false;
}

void pages_unmap(struct mem *m, struct window *w, struct slot *s, u32 page,
		 u32 n)
{
	struct window_pool *p = m->windows;

	if (any_mapped(w, page, n) && !hollow_out(p, w, page, n))
		host_unmap(p, w, page, n);
	forget(m, w, s, page, n);
	if (!w->mappings && w->hollows > HOLLOW_MAX / 2)
		host_unmap(p, w, 0, WINDOW_PAGES); /* makes room */
}

void pages_protect(struct mem *m, struct window *w, struct slot *s, u32 page,
		   u32 n)
{
	struct window_pool *p = m->windows;
	unsigned before = edges(w, page, n);

	p->stats.protects++;
	if ((p->fail && p->fail--) || w->broken ||
	    mprotect(w->base + (u64)page * GUEST_PAGE, (u64)n * GUEST_PAGE,
		     PROT_READ) < 0) {
		pages_unmap(m, w, s, page, n);
		return;
	}
	for (u32 k = 0; k < n; k++)
		record(p, w, s, page + k, page_record(w, page + k) & ~REC_WRITE);
	edges_changed(p, w, page, n, before);
}

/* ---- slots and windows as a whole ---- */

static void slot_forget(struct window_pool *p, struct window *w, struct slot *s)
{
	u32 page = slot_first_page(w, s);

	for (u32 i = 0; i < slot_pages(w); i++)
		record(p, w, s, page + i, 0);
}

/* Most slots have a few pages, at one end: of a stack or of a program. */
void slot_drop(struct mem *m, struct window *w, struct slot *s)
{
	u32 per_line = slot_pages(w) / SLOT_LINES, first, end;

	if (s->used) {
		first = (u32)__builtin_ctzll(s->lines);
		end = SLOT_LINES - (u32)__builtin_clzll(s->lines);
		pages_unmap(m, w, s, slot_first_page(w, s) + first * per_line,
			    (end - first) * per_line);
	}
	slot_settle(m->windows, w, s);
}

void window_drop(struct mem *m, struct window *w)
{
	struct window_pool *p = m->windows;
	bool any = false;

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = w->slot[i];

		if (!s)
			continue;
		any = true;
		slot_forget(p, w, s);
		slot_settle(p, w, s);
	}
	w->loose = false;
	if (any || w->hollows)
		host_unmap(p, w, 0, WINDOW_PAGES);
	if (!any)
		return;
	w->broken = false;
	p->stats.mappings -= w->mappings;
	w->mappings = 0;
	if (window_is_current(p, w))
		window_tell_all(m, w->user);
	else
		w->lost = true;
}

/* ---- by physical page ---- */

void window_protect(struct cpu *c, gpa_t gpa)
{
	struct window_pool *p = c->mem->windows;
	struct window *w;
	struct slot *s;
	u32 h, next, page;

	if (!p || !p->enabled || gpa >= c->mem->ram_size)
		return;
	for (h = p->head[gpa >> 12]; h; h = next) {
		next = *handle_next(p, h);
		s = handle_slot(p, h, &w, &page);
		if (!(page_record(w, page) & REC_WRITE))
			continue;
		pages_protect(c->mem, w, s, page, 1);
		slot_settle(p, w, s); /* a refusal unmaps */
	}
}

/* ---- by linear page ---- */

void window_drop_page(struct mem *m, gla_t lin)
{
	struct window_pool *p = m->windows;
	u32 page = lin >> 12;

	if (!p || !p->enabled)
		return;
	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i)) {
		struct window *w = &p->win[i];
		struct slot *s = w->slot[page >> w->shift];

		if (!s || !page_record(w, page))
			continue;
		pages_unmap(m, w, s, page, 1);
		slot_settle(p, w, s);
	}
}
