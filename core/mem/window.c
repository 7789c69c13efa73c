/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pool of windows: where they lie, which one is in use, which one goes.
 *
 * All windows are one reserved region of host addresses:
 *
 *	guard  supervisor  guard  supervisor  guard ...
 *	                                      guard  user  guard  user ...
 *
 * Only two windows are in use at a time, a supervisor's and a user's.  Those
 * of a kind share the guard between them; between the kinds there are two, so
 * that an address in a guard always tells which of the two was meant.
 *
 * Kernels mostly map the same in every address space, so a supervisor window
 * belongs to no CR3: at its loading, the window whose directory entries agree
 * best with the tables loaded is taken, an empty one if none does in most.  A
 * kernel that keeps itself out of the tables of its users (page-table
 * isolation) then has two.
 *
 * A user window belongs to a value of CR3.  That is a guess, never relied on:
 * whatever a window holds when it becomes current is compared with the
 * tables then loaded (window_sync.c), so a CR3 used again for another
 * process, or a directory changed meanwhile, costs time and no more. */
#include "core/mem/window_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WINDOW_SPAN   (1ull << 32)
#define HOST_LARGE    (2ull << 20)
#define WINDOW_STRIDE (WINDOW_SPAN + WINDOW_GUARD)

/* Of the n-th window that there is; supervisors come first. */
static u64 window_offset(const struct window_pool *p, unsigned n)
{
	return WINDOW_GUARD + n * WINDOW_STRIDE +
	       (n < p->supervisors ? 0 : WINDOW_GUARD);
}

static void *reserve(u64 len)
{
	void *at = mmap(NULL, len, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void *zeroed(u64 len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

enum { MAP_BYTES = 2 * WINDOW_MAP_WRITABLE };

static u64 heads_len(const struct mem *m)
{
	return (m->ram_size >> 12) * sizeof(u32);
}

/* Fewer windows where the host limits address space.  Aligned so that the
 * host can use large pages of its own for the guest's. */
static bool reserve_region(struct window_pool *p)
{
	u64 over;

	for (; p->users; p->users /= 2) {
		p->supervisors = 1 + p->users * (WINDOW_SUPERVISORS - 1) /
					     WINDOW_USERS;
		p->region_len = window_offset(p, p->supervisors + p->users);
		p->region = reserve(p->region_len + HOST_LARGE);
		if (!p->region)
			continue;
		over = -(u64)p->region % HOST_LARGE;
		if (over)
			munmap(p->region, over);
		p->region += over;
		munmap(p->region + p->region_len, HOST_LARGE - over);
		return true;
	}
	return false;
}

/* How many mappings the host allows a process.  Each of ours may cost two, its
 * own and what it parts from what was there: half of them, at most. */
static unsigned host_mappings(void)
{
	char text[24] = "";
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	unsigned long told = n > 0 ? strtoul(text, NULL, 10) : 0;

	if (fd >= 0)
		close(fd);
	return told >= 1024 && told < HOST_MAPPINGS ? (unsigned)told
						    : HOST_MAPPINGS;
}

int window_init(struct mem *m, bool enabled, struct err *e)
{
	struct window_pool *p = zeroed(sizeof(*p));
	unsigned n = 0;

	if (!p)
		return err_set(e, "windows: %s", strerror(errno));
	m->windows = p;
	p->enabled = enabled;
	p->users = enabled ? WINDOW_USERS : 1;
	p->limit = host_mappings() / 4;
	p->head = zeroed(heads_len(m));
	p->maps = zeroed((u64)WINDOWS * MAP_BYTES);
	if (!p->head || !p->maps || !reserve_region(p)) {
		err_set(e, "windows: %s", strerror(errno));
		window_free(m);
		return -1;
	}
	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i), n++) {
		p->win[i].base = p->region + window_offset(p, n);
		p->win[i].map = p->maps + (u64)i * MAP_BYTES;
		p->win[i].user = i >= WINDOW_SUPERVISORS;
		p->win[i].shift = 10;
		p->win[i].lost = i > 0;
	}
	p->user = WINDOW_SUPERVISORS;
	return 0;
}

void window_free(struct mem *m)
{
	struct window_pool *p = m->windows;
	struct slot_chunk *chunk;

	if (!p)
		return;
	while ((chunk = p->chunks)) {
		p->chunks = chunk->next;
		munmap(chunk, sizeof(*chunk));
	}
	if (p->region)
		munmap(p->region, p->region_len);
	if (p->head)
		munmap(p->head, heads_len(m));
	if (p->maps)
		munmap(p->maps, (u64)WINDOWS * MAP_BYTES);
	munmap(p, sizeof(*p));
	m->windows = NULL;
}

void window_reset(struct cpu *c)
{
	struct window_pool *p = c->mem->windows;

	if (!p)
		return;
	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i)) {
		window_drop(c->mem, &p->win[i]);
		p->win[i].format = 0;
		p->win[i].shift = 10;
		p->win[i].lost = i > 0;
		p->win[i].last_used = p->win[i].generation = 0;
		p->key[i] = 0;
	}
	for (unsigned i = 0; i < HOT_PAGES; i++)
		p->hot[i] = (struct hot_page){ 0 };
	c->entry_told = 0;
	p->clock = p->generation = 0;
	p->supervisor = 0;
	p->user = WINDOW_SUPERVISORS;
	window_tell_all(c->mem, false);
	window_tell_all(c->mem, true);
}

static struct window *in_use(struct mem *m, bool user)
{
	return &m->windows->win[window_index(m->windows, user)];
}

u8 *window_supervisor(struct mem *m)
{
	return m->windows ? in_use(m, false)->base : NULL;
}

u8 *window_user(struct mem *m)
{
	return m->windows ? in_use(m, true)->base : NULL;
}

const u8 *window_map_supervisor(struct mem *m)
{
	return m->windows ? in_use(m, false)->map : NULL;
}

const u8 *window_map_user(struct mem *m)
{
	return m->windows ? in_use(m, true)->map : NULL;
}

static bool in_window(const struct window *w, const u8 *host, gla_t *lin)
{
	if ((u64)(host - w->base) + WINDOW_GUARD >=
	    WINDOW_SPAN + 2 * WINDOW_GUARD)
		return false;
	*lin = (gla_t)(host - w->base);
	return true;
}

/* Called with a fault's address, so it may be any. */
enum window_kind window_find(struct mem *m, const void *host, gla_t *lin)
{
	const struct window_pool *p = m->windows;

	*lin = 0;
	if (!p || (u64)((const u8 *)host - p->region) >= p->region_len)
		return WINDOW_NONE;
	if (in_window(&p->win[p->supervisor], host, lin))
		return WINDOW_SUPERVISOR;
	if (in_window(&p->win[p->user], host, lin))
		return WINDOW_USER;
	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i))
		if (in_window(&p->win[i], host, lin))
			return p->win[i].user ? WINDOW_USER : WINDOW_SUPERVISOR;
	return WINDOW_NONE;
}

const struct window_stats *window_stats(const struct mem *m)
{
	static const struct window_stats none;

	return m->windows ? &m->windows->stats : &none;
}

void window_stats_reset(struct mem *m)
{
	struct window_stats *s;

	if (!m->windows)
		return;
	s = &m->windows->stats;
	*s = (struct window_stats){ .mappings = s->mappings };
}

static void count_records(const struct window *w, unsigned *slots,
			  unsigned *pages)
{
	*slots = *pages = 0;
	for (unsigned i = 0; i < SLOTS; i++)
		if (w->slot[i]) {
			++*slots;
			*pages += w->slot[i]->used;
		}
}

static bool is_empty(const struct window_pool *p, unsigned i)
{
	return p->win[i].user ? !p->key[i] : !p->win[i].mappings;
}

static unsigned count_windows(const struct window_pool *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i))
		n += window_is_current(p, &p->win[i]) || !is_empty(p, i);
	return n;
}

static const char *format_text(u32 format)
{
	if (!(format & FORMAT_PG))
		return "not yet";
	if (format & FORMAT_PAE)
		return format & FORMAT_NXE ? "PAE, NX" : "PAE";
	return format & FORMAT_PSE ? "4 MiB" : "4 KiB";
}

void window_show(const struct cpu *c, void (*out)(void *to, const char *fmt, ...),
		 void *to)
{
	const struct window_pool *p = c->mem->windows;
	unsigned slots, pages;

	if (!p || !p->enabled) {
		out(to, "windows are off: every access takes the soft way\n");
		return;
	}
	out(to, "%u of %u windows, %u of %u host mappings\n", count_windows(p),
	    p->supervisors + p->users, p->stats.mappings, p->limit);
	out(to, "  who    CR3      paging    pages  tables  mappings\n");
	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i)) {
		const struct window *w = &p->win[i];

		count_records(w, &slots, &pages);
		if (i && !p->key[i] && !pages)
			continue;
		out(to, "%c %-6s ", window_is_current(p, w) ? '*' : ' ',
		    w->user ? "user" : "kernel");
		if (p->key[i])
			out(to, "%08x %-7s ", (u32)p->key[i],
			    format_text((u32)(p->key[i] >> 32)));
		else
			out(to, "%-8s %-7s ", w->user ? "none" : "any",
			    format_text(w->format));
		out(to, "%7u %7u %9u\n", pages, slots, w->mappings);
	}
	out(to, "%llu filled, %llu unmapped, %llu compared, %llu switches, "
		"%llu evicted\n",
	    (unsigned long long)p->stats.pages,
	    (unsigned long long)p->stats.unmaps,
	    (unsigned long long)p->stats.compares,
	    (unsigned long long)p->stats.switches,
	    (unsigned long long)p->stats.evictions);
}

/* ---- paging modes ---- */

u32 window_format(const struct cpu *c)
{
	if (!(c->cr0 & CR0_PG))
		return 0;
	if (c->cr4 & CR4_PAE) /* large pages whatever CR4.PSE */
		return FORMAT_PG | FORMAT_PAE |
		       (c->efer & EFER_NXE ? FORMAT_NXE : 0);
	return FORMAT_PG | (c->cr4 & CR4_PSE ? FORMAT_PSE : 0);
}

void window_set_format(struct cpu *c, struct window *w)
{
	u32 format = window_format(c);

	if (w->format == format)
		return;
	window_drop(c->mem, w);
	w->format = format;
	w->shift = format & FORMAT_PAE ? 9 : 10;
}

/* ---- memory of the byte maps that is zero ---- */

/* Programs lie at random addresses, so over a day they touch ever more of the
 * maps' pages; each so many switches one window's that are of no slot are
 * given back. */
enum { SWITCHES_A_TIDYING = 4096, MAP_PAGE = 4096 };

static bool has_slots(const struct window *w, u32 map_page)
{
	unsigned n = MAP_PAGE >> w->shift, first = map_page * n; /* 4 or 8 */

	return w->live[first / 64] >> first % 64 & ((1u << n) - 1);
}

static void tidy(struct window *w)
{
	u32 from, to;

	for (from = 0; from < WINDOW_PAGES / MAP_PAGE; from = to + 1) {
		u64 at = (u64)from * MAP_PAGE, len;

		for (to = from;
		     to < WINDOW_PAGES / MAP_PAGE && !has_slots(w, to); to++)
			;
		len = (u64)(to - from) * MAP_PAGE;
		if (!len)
			continue;
		madvise(w->map + at, len, MADV_DONTNEED);
		madvise(w->map + WINDOW_MAP_WRITABLE + at, len, MADV_DONTNEED);
	}
}

static void tidy_one(struct window_pool *p)
{
	tidy(&p->win[p->tidied]);
	p->tidied = window_next(p, p->tidied) % WINDOWS;
}

/* ---- which windows ---- */

void window_make_current(struct mem *m, unsigned i)
{
	struct window_pool *p = m->windows;
	struct window *w = &p->win[i];
	unsigned *now = w->user ? &p->user : &p->supervisor;

	if (i != *now) {
		p->stats.switches++;
		w->last_used = ++p->clock;
		/* Now the one left is the younger of the two. */
		p->win[*now].last_used = p->clock;
		*now = i;
		if (!(p->clock % SWITCHES_A_TIDYING))
			tidy_one(p);
	}
	if (w->lost) {
		w->lost = false;
		window_tell_all(m, w->user);
	}
}

/* An unused window of the kind if there is one, else the one used longest
 * ago, emptied. */
static unsigned recycle(struct mem *m, bool user)
{
	struct window_pool *p = m->windows;
	unsigned first = user ? WINDOW_SUPERVISORS : 0, oldest = WINDOWS;
	unsigned end = first + (user ? p->users : p->supervisors);

	for (unsigned i = first; i < end; i++) {
		if (is_empty(p, i))
			return i;
		if (i != window_index(p, user) &&
		    (oldest == WINDOWS ||
		     p->win[i].last_used < p->win[oldest].last_used))
			oldest = i;
	}
	if (oldest == WINDOWS)
		oldest = window_index(p, user);
	p->stats.evictions++;
	TRACE(mmu_window_evict, .window = window_word(&p->win[oldest]),
	      .mappings = p->win[oldest].mappings);
	window_drop(m, &p->win[oldest]);
	return oldest;
}

static unsigned find_key(const struct window_pool *p, u64 key)
{
	for (unsigned i = WINDOW_SUPERVISORS; i < WINDOW_SUPERVISORS + p->users;
	     i++)
		if (p->key[i] == key)
			return i;
	return 0;
}

/* Bits 3 and 4 of CR3 are about caching. */
static u64 key_of(const struct cpu *c)
{
	return (u64)window_format(c) << 32 | (c->cr3 & ~0x18u);
}

unsigned window_of_cr3(const struct cpu *c)
{
	return find_key(c->mem->windows, key_of(c));
}

static void choose_user(struct cpu *c)
{
	struct window_pool *p = c->mem->windows;
	u64 key = key_of(c);
	unsigned i;

	if (p->key[p->user] == key)
		return;
	i = find_key(p, key);
	if (!i) {
		i = recycle(c->mem, true);
		p->key[i] = key;
		p->partner[i] = p->supervisor;
		p->win[i].lost = true;
		p->win[i].trust.known = false;
	}
	window_make_current(c->mem, i);
}

/* How many slots agree with the tables loaded, and how many do not. */
struct likeness {
	unsigned agree, differ;
};

static struct likeness compare(const struct cpu *c, unsigned i)
{
	const struct window *w = &c->mem->windows->win[i];
	struct likeness l = {0, 0};

	if (w->format == window_format(c))
		window_compare(c, w, &l.agree, &l.differ);
	return l;
}

/* A kernel may change a few entries of a directory at a time, so a window
 * that differs in some is still the right one; one that agrees in all may be
 * a small part of the right one. */
static unsigned find_like(const struct cpu *c)
{
	const struct window_pool *p = c->mem->windows;
	unsigned best = p->supervisor;
	struct likeness most = compare(c, best), l;

	for (unsigned i = 0; i < p->supervisors; i++) {
		if (i == p->supervisor || is_empty(p, i))
			continue;
		l = compare(c, i);
		if (l.agree + most.differ > most.agree + l.differ) {
			best = i;
			most = l;
		}
	}
	return most.agree >= most.differ ? best : WINDOWS;
}

/* The one that served this CR3 last, if all of it still does. */
static void choose_supervisor(struct cpu *c)
{
	struct window_pool *p = c->mem->windows;
	unsigned i = p->partner[p->user];
	struct likeness l = compare(c, i);

	if (!l.agree || l.differ) {
		i = find_like(c);
		if (i == WINDOWS)
			i = recycle(c->mem, false);
		p->partner[p->user] = i;
	}
	window_make_current(c->mem, i);
}

/* With paging off a CR3 names nothing; the windows in use stay. */
void window_choose(struct cpu *c)
{
	if (!(c->cr0 & CR0_PG))
		return;
	choose_user(c);
	choose_supervisor(c);
}

/* ---- room ---- */

static struct window *oldest_in_use(struct window_pool *p)
{
	struct window *oldest = NULL;

	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i)) {
		struct window *w = &p->win[i];

		if (!window_is_current(p, w) && w->mappings &&
		    (!oldest || w->last_used < oldest->last_used))
			oldest = w;
	}
	return oldest;
}

/* Goes well below the limit, so that it is not soon called again. */
void window_evict(struct mem *m, bool all)
{
	struct window_pool *p = m->windows;
	struct window *w;

	do {
		w = oldest_in_use(p);
		if (!w)
			break;
		p->stats.evictions++;
		TRACE(mmu_window_evict, .window = window_word(w),
		      .mappings = w->mappings);
		window_drop(m, w);
	} while (all || p->stats.mappings > p->limit / 4 * 3);
	if (w && !all)
		return;
	if (all || p->stats.mappings > p->limit / 4 * 3) {
		p->stats.evictions += 2;
		window_drop(m, in_use(m, false));
		window_drop(m, in_use(m, true));
	}
}
