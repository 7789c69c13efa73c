/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pool of windows: where they lie, which one is in use, which one goes.
 *
 * All windows are one reserved region of host addresses:
 *
 *	guard  supervisor  guard guard  user 1  guard  user 2  guard ...
 *
 * Only two windows are in use at a time, the supervisor's and one user's.
 * Users share the guard between them, since only one is in use; the
 * supervisor's has its own, so that an address in a guard always tells which
 * of the two was meant.
 *
 * A user window belongs to a value of CR3.  That is a guess, never relied on:
 * whatever a window holds when it becomes current is compared with the
 * tables then loaded (window_sync.c), so a CR3 used again for another
 * process, or a directory changed meanwhile, costs time and no more. */
#include "core/mem/window_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define WINDOW_SPAN   (1ull << 32)
#define HOST_LARGE    (2ull << 20)
#define WINDOW_STRIDE (WINDOW_SPAN + WINDOW_GUARD)

static u64 window_offset(unsigned i)
{
	return WINDOW_GUARD + i * WINDOW_STRIDE + (i ? WINDOW_GUARD : 0);
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
		p->region_len = window_offset(p->users + 1);
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

int window_init(struct mem *m, bool enabled, struct err *e)
{
	struct window_pool *p = zeroed(sizeof(*p));

	if (!p)
		return err_set(e, "windows: %s", strerror(errno));
	m->windows = p;
	p->enabled = enabled;
	p->users = enabled ? WINDOW_USERS : 1;
	p->limit = WINDOW_MAPPINGS;
	p->head = zeroed(heads_len(m));
	p->maps = zeroed((WINDOW_USERS + 1ull) * MAP_BYTES);
	if (!p->head || !p->maps || !reserve_region(p)) {
		err_set(e, "windows: %s", strerror(errno));
		window_free(m);
		return -1;
	}
	for (unsigned i = 0; i <= p->users; i++) {
		p->win[i].base = p->region + window_offset(i);
		p->win[i].map = p->maps + (u64)i * MAP_BYTES;
		p->win[i].user = i > 0;
		p->win[i].shift = 10;
		p->win[i].lost = true;
	}
	p->current = 1;
	p->stats.windows = 1;
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
		munmap(p->maps, (WINDOW_USERS + 1ull) * MAP_BYTES);
	munmap(p, sizeof(*p));
	m->windows = NULL;
}

void window_reset(struct cpu *c)
{
	struct window_pool *p = c->mem->windows;

	if (!p)
		return;
	for (unsigned i = 0; i <= p->users; i++) {
		window_drop(c->mem, &p->win[i]);
		p->win[i].format = 0;
		p->win[i].shift = 10;
		p->win[i].lost = true;
		p->win[i].last_used = p->win[i].generation = 0;
		p->key[i] = 0;
	}
	p->clock = p->generation = 0;
	p->current = 1;
	p->stats.windows = 1;
	window_tell_all(c->mem, false);
	window_tell_all(c->mem, true);
}

u8 *window_supervisor(struct mem *m)
{
	return m->windows ? m->windows->win[0].base : NULL;
}

u8 *window_user(struct mem *m)
{
	return m->windows ? m->windows->win[m->windows->current].base : NULL;
}

const u8 *window_map_supervisor(struct mem *m)
{
	return m->windows ? m->windows->win[0].map : NULL;
}

const u8 *window_map_user(struct mem *m)
{
	return m->windows ? m->windows->win[m->windows->current].map : NULL;
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
	if (in_window(&p->win[0], host, lin))
		return WINDOW_SUPERVISOR;
	if (in_window(&p->win[p->current], host, lin))
		return WINDOW_USER;
	for (unsigned i = 1; i <= p->users; i++)
		if (in_window(&p->win[i], host, lin))
			return WINDOW_USER;
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
	*s = (struct window_stats){ .windows = s->windows,
				    .mappings = s->mappings };
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
	out(to, "%u of %u windows, %u of %u host mappings\n",
	    p->stats.windows + 1, p->users + 1, p->stats.mappings, p->limit);
	out(to, "  who    CR3      paging    pages  tables  mappings\n");
	for (unsigned i = 0; i <= p->users; i++) {
		const struct window *w = &p->win[i];

		count_records(w, &slots, &pages);
		if (i && !p->key[i] && !pages)
			continue;
		out(to, "%c %-6s ", i == p->current ? '*' : ' ',
		    i ? "user" : "kernel");
		if (i && p->key[i])
			out(to, "%08x %-7s ", (u32)p->key[i],
			    format_text((u32)(p->key[i] >> 32)));
		else
			out(to, "%-8s %-7s ", i ? "none" : "any",
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

/* ---- which user window ---- */

static unsigned find_key(const struct window_pool *p, u64 key)
{
	for (unsigned i = 1; i <= p->users; i++)
		if (p->key[i] == key)
			return i;
	return 0;
}

/* An unused window if there is one, else the one used longest ago. */
static unsigned find_oldest(const struct window_pool *p)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i <= p->users; i++) {
		if (!p->key[i])
			return i;
		if (i != p->current &&
		    (!oldest || p->win[i].last_used < p->win[oldest].last_used))
			oldest = i;
	}
	return oldest ? oldest : p->current;
}

static unsigned recycle(struct mem *m, u64 key)
{
	struct window_pool *p = m->windows;
	unsigned i = find_oldest(p);

	if (p->key[i]) {
		p->stats.evictions++;
		window_drop(m, &p->win[i]);
	} else {
		p->stats.windows++;
	}
	p->key[i] = key;
	p->win[i].lost = true;
	return i;
}

/* With paging off a CR3 names nothing; the window in use stays.  Bits 3 and
 * 4 of CR3 are about caching. */
void window_choose(struct cpu *c)
{
	struct window_pool *p = c->mem->windows;
	u64 key = (u64)window_format(c) << 32 | (c->cr3 & ~0x18u);
	unsigned i;

	if (!(c->cr0 & CR0_PG) || p->key[p->current] == key)
		return;
	i = find_key(p, key);
	if (!i)
		i = recycle(c->mem, key);
	if (i != p->current) {
		p->stats.switches++;
		p->win[i].last_used = ++p->clock;
		/* Now the one left is the younger of the two. */
		p->win[p->current].last_used = p->clock;
		p->current = i;
	}
	if (p->win[i].lost) {
		p->win[i].lost = false;
		window_tell_all(c->mem, true);
	}
}

/* ---- room ---- */

static struct window *oldest_in_use(struct window_pool *p)
{
	struct window *oldest = NULL;

	for (unsigned i = 1; i <= p->users; i++) {
		struct window *w = &p->win[i];

		if (i != p->current && w->mappings &&
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
		window_drop(m, w);
	} while (all || p->stats.mappings > p->limit / 4 * 3);
	if (w && !all)
		return;
	if (all || p->stats.mappings > p->limit / 4 * 3) {
		p->stats.evictions += 2;
		window_drop(m, &p->win[0]);
		window_drop(m, &p->win[p->current]);
	}
}
