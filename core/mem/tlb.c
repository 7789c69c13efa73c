/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear access by C code: a small software TLB in front of the walker.
 *
 * An entry says which host bytes a linear page is, separately for reading,
 * writing and executing, for supervisor and user.  Write tags obey I-mem-1,
 * so a hit needs no further thought; everything with a consequence (devices,
 * translated code, watched bytes) misses and takes the slow road.
 *
 * Guests flush often and use few pages in between.  So entries carry the
 * epoch they were made in, odd for global pages and even for others, and a
 * flush begins a new epoch; when the numbers are used up all are cleared. */
#include "core/mem/mem_priv.h"
#include "core/mem/window.h"
#include "trace/trace.h"

#include <string.h>

static struct tlb_entry *tlb_slot(struct mem *m, gla_t lin, bool user)
{
	return &m->tlb[user][(lin >> 12) % TLB_SIZE];
}

void tlb_init(struct mem *m)
{
	m->tlb_epoch = 2;
	m->tlb_global_epoch = 3;
	for (unsigned u = 0; u < 2; u++)
		for (unsigned i = 0; i < TLB_SIZE; i++) {
			struct tlb_entry *t = &m->tlb[u][i];

			t->read = t->write = t->exec = TLB_EMPTY;
		}
}

static void outdate(struct mem *m)
{
	m->reach_age += (1ull << 32) / MEM_LINE;
}

static void begin_epoch(struct mem *m, u32 *epoch)
{
	outdate(m);
	*epoch += 2;
	if (*epoch >= TLB_EPOCHS)
		tlb_init(m);
}

void tlb_flush_all(struct mem *m)
{
	memset(m->tlb_large, 0, sizeof(m->tlb_large));
	begin_epoch(m, &m->tlb_epoch);
	begin_epoch(m, &m->tlb_global_epoch);
}

static void tlb_fill(struct mem *m, gla_t lin, unsigned access, bool user,
		     const struct walk *w)
{
	unsigned flags = page_flags(m, w->gpa);
	struct tlb_entry *t = tlb_slot(m, lin, user);
	gla_t page = (lin & ~0xfffu) |
		     (w->global ? m->tlb_global_epoch : m->tlb_epoch);
	u8 *host = m->ram + (w->gpa & ~0xfffull);

	if (!(flags & PAGE_RAM))
		return;
	if (w->large)
		m->tlb_large[lin >> 28] |= 1ull << (lin >> 22 & 63);
	if (t->host != host ||
	    ((t->read & ~TLB_WATCHED) != page && t->exec != page))
		*t = (struct tlb_entry){ TLB_EMPTY, TLB_EMPTY, TLB_EMPTY, 0,
					 host };
	t->read = m->read_watched[lin >> 12] ? page | TLB_WATCHED : page;
	if (access & MEM_EXEC)
		t->exec = page;
	if ((access & MEM_WRITE) && w->dirty &&
	    !(flags & (PAGE_ROM | PAGE_CODE))) /* I-mem-1 */
		t->write = m->watched[lin >> 12] ? page | TLB_WATCHED : page;
}

/* Walks and fills; raises #PF. */
static bool translate(struct cpu *c, gla_t lin, unsigned access, gpa_t *gpa)
{
	struct walk w;
	u32 bad = walk_page(c, lin, access, &w);

	if (bad)
		return cpu_raise_pf(c, lin, bad & ~WALK_FAULT);
	tlb_fill(c->mem, lin, access, access_is_user(c, access), &w);
	*gpa = w.gpa;
	return true;
}

/* The host address of an access that lies in one page, if the tag for it names
 * that page in these days, and is marked so. */
static inline void *tlb_find(struct cpu *c, gla_t lin, unsigned len,
			     unsigned access, gla_t mark)
{
	struct mem *m = c->mem;
	struct tlb_entry *t = tlb_slot(m, lin, access_is_user(c, access));
	gla_t tag = access & MEM_WRITE  ? t->write
		    : access & MEM_EXEC ? t->exec
					: t->read;
	gla_t epoch = tag ^ (lin & ~0xfffu) ^ mark;

	if ((lin & 0xfff) + len > GUEST_PAGE)
		return NULL;
	if (epoch != m->tlb_epoch && epoch != m->tlb_global_epoch)
		return NULL;
	return t->host + (lin & 0xfff);
}

void *mem_host_ptr(struct cpu *c, gla_t lin, unsigned len, unsigned access)
{
	return tlb_find(c, lin, len, access, 0);
}

static void forget_quiet(struct mem *m)
{
	for (unsigned i = 0; i < QUIET_PAGES; i++)
		m->quiet[i] = (struct quiet){ 0, ~0u };
}

/* Does nobody watch anything in the lines that these bytes of a watched page
 * are in?  Asking costs more than the access, so what is known is kept. */
static bool is_quiet(struct cpu *c, gla_t lin, unsigned len)
{
	gla_t page = lin >> 12;
	struct quiet *q = &c->mem->quiet[page % QUIET_PAGES];
	unsigned first = (lin & 0xfff) / MEM_LINE;
	unsigned last = ((lin & 0xfff) + len - 1) / MEM_LINE;

	if (q->page != page)
		*q = (struct quiet){ 0, page };
	for (unsigned i = first; i <= last; i++) {
		gla_t at = (page << 12) + i * MEM_LINE;

		if (q->lines >> i & 1)
			continue;
		if (mem_ask_watch(c, at, MEM_LINE, true, false) ||
		    mem_ask_watch(c, at, MEM_LINE, false, false))
			return false;
		q->lines |= 1ull << i;
	}
	return true;
}

void *mem_reach(struct cpu *c, gla_t lin, unsigned len, unsigned access)
{
	struct mem *m = c->mem;
	struct tlb_entry *t = tlb_slot(m, lin, access_is_user(c, access));
	gla_t tag = access & MEM_WRITE ? t->write : t->read;
	gla_t epoch = tag ^ (lin & ~0xfffu), watched = epoch & TLB_WATCHED;

	epoch ^= watched;
	if ((lin & 0xfff) + len > GUEST_PAGE ||
	    (epoch != m->tlb_epoch && epoch != m->tlb_global_epoch))
		return NULL;
	if (watched && !is_quiet(c, lin, len) &&
	    mem_ask_watch(c, lin, len, access & MEM_WRITE, false))
		return NULL;
	return t->host + (lin & 0xfff);
}

void *mem_reach_line(struct cpu *c, gla_t lin)
{
	lin &= ~(gla_t)(MEM_LINE - 1);
	if (!mem_reach(c, lin, MEM_LINE, MEM_READ))
		return NULL;
	return mem_reach(c, lin, MEM_LINE, MEM_WRITE);
}

const u64 *mem_reach_age(const struct mem *m)
{
	return &m->reach_age;
}

bool mem_is_watched(const struct mem *m, gla_t lin)
{
	return m->watched[lin >> 12];
}

bool mem_translate(struct cpu *c, gla_t lin, unsigned access, gpa_t *gpa)
{
	u8 *host = mem_host_ptr(c, lin, 1, access);

	if (!host && c->mem->watched[lin >> 12])
		host = tlb_find(c, lin, 1, access, TLB_WATCHED);
	if (host) {
		*gpa = (gpa_t)(host - c->mem->ram);
		return true;
	}
	return translate(c, lin, access, gpa);
}

bool mem_translate_range(struct cpu *c, gla_t lin, unsigned len,
			 unsigned access)
{
	gla_t last = lin + (len - 1);
	gpa_t unused;

	return mem_translate(c, lin, access, &unused) &&
	       (last >> 12 == lin >> 12 ||
		mem_translate(c, last & ~(gla_t)(GUEST_PAGE - 1), access,
			      &unused));
}

static unsigned first_part(gla_t lin, unsigned len)
{
	unsigned room = GUEST_PAGE - (lin & (GUEST_PAGE - 1));

	return len < room ? len : room;
}

bool mem_ask_watch(struct cpu *c, gla_t lin, unsigned len, bool write,
		   bool tell)
{
	struct mem *m = c->mem;

	if (!m->watched[lin >> 12] && !m->watched[(lin + len - 1) >> 12])
		return false;
	return m->hooks.watched &&
	       m->hooks.watched(m->hooks.arg, lin, len, write, tell);
}

bool mem_lin_read(struct cpu *c, gla_t lin, void *buf, unsigned len,
		  unsigned access)
{
	void *host = mem_reach(c, lin, len, access);
	gpa_t gpa;

	if (host) {
		copy_bytes(buf, host, len);
		return true;
	}
	/* Every page first, so that a fault leaves nothing half done. */
	for (unsigned done = 0; done < len; done += first_part(lin + done, len - done))
		if (!mem_translate(c, lin + done, access, &gpa))
			return false;
	while (len) {
		unsigned n = first_part(lin, len);

		if (!mem_translate(c, lin, access, &gpa))
			return false;
		mem_phys_read(c->mem, gpa, buf, n);
		mem_ask_watch(c, lin, n, false, true);
		buf = (u8 *)buf + n;
		lin += n;
		len -= n;
	}
	return true;
}

bool mem_lin_write(struct cpu *c, gla_t lin, const void *buf, unsigned len,
		   unsigned access)
{
	void *host = mem_reach(c, lin, len, access | MEM_WRITE);
	gpa_t gpa;

	access |= MEM_WRITE;
	if (host) {
		copy_bytes(host, buf, len);
		return true;
	}
	for (unsigned done = 0; done < len; done += first_part(lin + done, len - done))
		if (!mem_translate(c, lin + done, access, &gpa))
			return false;
	while (len) {
		unsigned n = first_part(lin, len);

		if (!mem_translate(c, lin, access, &gpa))
			return false;
		mem_phys_write(c->mem, gpa, buf, n);
		mem_ask_watch(c, lin, n, true, true);
		buf = (const u8 *)buf + n;
		lin += n;
		len -= n;
	}
	return true;
}

static void flushed(struct cpu *c)
{
	c->flushed = true;
	cpu_forget_descriptors(c);
}

void mem_flush_all(struct cpu *c)
{
	TRACE(mmu_flush_tlb, .what = TRACE_flush_ALL);
	flushed(c);
	tlb_flush_all(c->mem);
	window_flush(c, true);
}

void mem_reset(struct cpu *c)
{
	flushed(c);
	tlb_flush_all(c->mem);
	window_reset(c);
}

static bool flush_local(struct cpu *c, bool other)
{
	flushed(c);
	begin_epoch(c->mem, &c->mem->tlb_epoch);
	if (other && window_switch_told(c))
		return true;
	window_flush(c, false);
	return false;
}

void mem_flush_cr3(struct cpu *c)
{
	TRACE(mmu_flush_tlb, .what = TRACE_flush_NOT_GLOBAL);
	flush_local(c, false);
}

bool mem_switch_cr3(struct cpu *c)
{
	return flush_local(c, true);
}

void mem_flush_page(struct cpu *c, gla_t lin)
{
	TRACE(mmu_flush_tlb, .what = TRACE_flush_PAGE, .address = lin);
	flushed(c);
	outdate(c->mem);
	if (c->mem->tlb_large[lin >> 28] >> (lin >> 22 & 63) & 1)
		tlb_flush_all(c->mem);
	for (unsigned user = 0; user < 2; user++) {
		struct tlb_entry *t = tlb_slot(c->mem, lin, user);

		t->read = t->write = t->exec = TLB_EMPTY;
	}
	window_flush_page(c, lin);
}

void mem_entry_told(struct cpu *c)
{
	u32 told = c->entry_told;

	c->entry_told = 0;
	if (told & ENTRY_CURRENT)
		window_expect(c, told);
}

void mem_mark_code(struct cpu *c, gpa_t gpa, bool holds_code)
{
	struct mem *m = c->mem;
	u8 *flags;

	if (gpa >> 32)
		return;
	flags = &m->page_flags[gpa >> 12];
	if (!!(*flags & PAGE_CODE) == holds_code)
		return;
	*flags ^= PAGE_CODE;
	if (holds_code) {
		u8 *host = m->ram + (gpa & ~0xfffull);

		outdate(m);
		for (unsigned u = 0; u < 2; u++)
			for (unsigned i = 0; i < TLB_SIZE; i++)
				if (m->tlb[u][i].host == host)
					m->tlb[u][i].write = TLB_EMPTY;
		window_protect(c, gpa);
	}
}

void mem_watch(struct cpu *c, gla_t lin, unsigned len, bool reads, bool watch)
{
	u32 first = lin >> 12, last = (lin + len - 1) >> 12;
	struct mem *m = c->mem;

	for (u32 page = first;; page = (page + 1) & 0xfffff) {
		m->watched[page] = (u16)(m->watched[page] + (watch ? 1 : -1));
		if (reads)
			m->read_watched[page] = (u16)(m->read_watched[page] +
						      (watch ? 1 : -1));
		window_drop_page(m, page << 12);
		if (page == last)
			break;
	}
	cpu_forget_descriptors(c);
	forget_quiet(m);
	tlb_flush_all(m);
}

unsigned mem_debug_read(struct cpu *c, gla_t lin, void *buf, unsigned len)
{
	unsigned done = 0;

	while (done < len) {
		unsigned n = first_part(lin + done, len - done);
		gpa_t gpa;

		if (!mem_probe(c, lin + done, &gpa))
			break;
		if (!(page_flags(c->mem, gpa) & PAGE_RAM))
			break; /* nothing, or a device that reading may change */
		mem_phys_read(c->mem, gpa, (u8 *)buf + done, n);
		done += n;
	}
	return done;
}

unsigned mem_debug_write(struct cpu *c, gla_t lin, const void *buf,
			 unsigned len)
{
	unsigned done = 0;
	struct mem *m = c->mem;

	while (done < len) {
		unsigned n = first_part(lin + done, len - done);
		gpa_t gpa;

		if (!mem_probe(c, lin + done, &gpa) ||
		    !(page_flags(m, gpa) & PAGE_RAM))
			break;
		if (page_flags(m, gpa) & PAGE_CODE)
			m->hooks.code_written(m->hooks.arg, gpa, n);
		m->table_pokes += !!(page_flags(m, gpa) & PAGE_TABLE);
		copy_bytes(m->ram + gpa, (const u8 *)buf + done, n);
		done += n;
	}
	return done;
}
