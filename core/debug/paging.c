/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's page tables, read as the processor reads them and shown as a
 * teacher would: for one address every level with its entry and every bit
 * spelled out; for all addresses the runs that are mapped alike.
 *
 * Two shapes (SDM 3A 4.3 and 4.4): 32-bit paging, 10+10+12 bits, 4 MiB pages
 * when CR4.PSE; PAE, 2+9+9+12 bits, 2 MiB pages always.  Both are walked by
 * one function that is told the shape; it reads physical memory only and
 * changes nothing.  In PAE mode the processor walks from the four PDPTEs it
 * loaded with CR3, which may differ from those in memory: the loaded ones
 * are used and a difference is told.
 *
 * Beside the guest's tables stands what the windows hold (core/mem/window.h),
 * which are the translator's TLB: what they lack or still have, and why. */
#include "core/debug/debug_priv.h"

#include <string.h>

#include "core/mem/mem.h"
#include "core/mem/window.h"

struct level {
	const char *name;
	gpa_t at; /* where the entry lies */
	u64 entry;
	unsigned index;
	bool is_large; /* maps a page itself, though not the last level */
};

struct walk {
	struct level level[3];
	unsigned levels;
	bool mapped;
	u64 page; /* bytes */
	gpa_t gpa;
	u64 rights; /* RW and US: granted by all levels; NX: by any; G */
};

static u64 read_entry(struct debug *d, gpa_t at, unsigned size)
{
	u64 v = 0;

	mem_phys_read(vm_mem(d->vm), at, &v, size);
	return v;
}

static bool is_pae(const struct cpu *c)
{
	return c->cr4 & CR4_PAE;
}

static struct level *add_level(struct walk *w, const char *name, gpa_t at,
			       u64 entry, unsigned index)
{
	struct level *l = &w->level[w->levels++];

	*l = (struct level){name, at, entry, index, false};
	return l;
}

/* The last entry is found: rights from the levels that carry them. */
static void finish(struct walk *w, gla_t lin, u64 page, u64 frame)
{
	w->mapped = true;
	w->page = page;
	w->gpa = frame | (lin & (page - 1));
	w->rights = PTE_RW | PTE_US;
	for (unsigned i = 0; i < w->levels; i++) {
		u64 e = w->level[i].entry;

		if (w->level[i].name[1] == 'D' && w->level[i].name[2] == 'P')
			continue; /* PDPTEs have no rights */
		w->rights &= e | ~(u64)(PTE_RW | PTE_US);
		w->rights |= e & PTE_NX;
	}
	w->rights |= w->level[w->levels - 1].entry & PTE_G;
}

static void walk_32(struct debug *d, gla_t lin, struct walk *w)
{
	const struct cpu *c = debug_cpu(d);
	gpa_t at = (c->cr3 & 0xfffff000) + (lin >> 22) * 4;
	struct level *l =
		add_level(w, "PDE", at, read_entry(d, at, 4), lin >> 22);

	if (!(l->entry & PTE_P))
		return;
	if (l->entry & PTE_PS && c->cr4 & CR4_PSE) {
		l->is_large = true;
		/* PSE-36: bits 20:13 are address bits 39:32. */
		finish(w, lin, 4u << 20,
		       (l->entry & 0xffc00000) | (l->entry & 0x001fe000) << 19);
		return;
	}
	at = (l->entry & 0xfffff000) + (lin >> 12 & 0x3ff) * 4;
	l = add_level(w, "PTE", at, read_entry(d, at, 4), lin >> 12 & 0x3ff);
	if (l->entry & PTE_P)
		finish(w, lin, 4096, l->entry & 0xfffff000);
}

static void walk_pae(struct debug *d, gla_t lin, struct walk *w)
{
	const struct cpu *c = debug_cpu(d);
	const u64 frame = 0x000ffffffffff000;
	unsigned i = lin >> 30;
	gpa_t at = (c->cr3 & 0xffffffe0) + i * 8;
	struct level *l = add_level(w, "PDPTE", at, c->pdpte[i], i);

	if (!(l->entry & PTE_P))
		return;
	i = lin >> 21 & 0x1ff;
	at = (l->entry & frame) + i * 8;
	l = add_level(w, "PDE", at, read_entry(d, at, 8), i);
	if (!(l->entry & PTE_P))
		return;
	if (l->entry & PTE_PS) {
		l->is_large = true;
		finish(w, lin, 2u << 20, l->entry & frame & ~0x1fffffull);
		return;
	}
	i = lin >> 12 & 0x1ff;
	at = (l->entry & frame) + i * 8;
	l = add_level(w, "PTE", at, read_entry(d, at, 8), i);
	if (l->entry & PTE_P)
		finish(w, lin, 4096, l->entry & frame);
}

static void walk(struct debug *d, gla_t lin, struct walk *w)
{
	memset(w, 0, sizeof(*w));
	if (is_pae(debug_cpu(d)))
		walk_pae(d, lin, w);
	else
		walk_32(d, lin, w);
}

/* ---- one address ---- */

/* Bits that must be 0 (SDM 3A tables 4-4, 4-8 to 4-11). */
static u64 reserved_bits(const struct cpu *c, const struct level *l)
{
	u64 bits = ~((1ull << 36) - 1);

	if (!is_pae(c))
		return l->is_large ? 1u << 21 : 0;
	if (!strcmp(l->name, "PDPTE"))
		return bits | 0x1e6;
	if (l->is_large)
		bits |= 0x1fe000;
	return c->efer & EFER_NXE ? bits & ~PTE_NX : bits;
}

static void spell(const struct cpu *c, const struct level *l, bool is_last,
		  struct buf *out)
{
	u64 e = l->entry;

	if (!(e & PTE_P)) {
		buf_printf(out, "not present%s",
			   e ? " (the rest is the guest's own)" : "");
		return;
	}
	buf_printf(out, "present");
	if (strcmp(l->name, "PDPTE"))
		buf_printf(out, ", %s, %s, %s",
			   e & PTE_RW ? "writable" : "read-only",
			   e & PTE_US ? "user" : "supervisor",
			   e & PTE_A ? "accessed" : "not accessed");
	if (is_last)
		buf_printf(out, ", %s", e & PTE_D ? "dirty" : "clean");
	if (l->is_large)
		buf_printf(out, ", large page");
	if (is_last && e & PTE_G)
		buf_printf(out, ", global");
	if (e & PTE_PWT)
		buf_printf(out, ", write-through");
	if (e & PTE_PCD)
		buf_printf(out, ", cache disabled");
	if (e & PTE_NX)
		buf_printf(out, ", no execute");
	if (is_last && e & (l->is_large ? 1u << 12 : PTE_PS))
		buf_printf(out, ", PAT");
	if (e & reserved_bits(c, l))
		buf_printf(out, ", reserved bits set: an access is #PF");
	if (e & 0xe00)
		buf_printf(out, ", guest's own bits %llu",
			   (unsigned long long)(e >> 9 & 7));
}

static void show_verdict(const struct cpu *c, const struct walk *w, gla_t at,
			 struct buf *out)
{
	const struct level *last = &w->level[w->levels - 1];

	if (!w->mapped) {
		buf_printf(out, "0x%08x is not mapped: its %s is not present\n",
			   at, last->name);
		return;
	}
	buf_printf(out, "0x%08x is physical 0x%llx (%s page)\n", at,
		   (unsigned long long)w->gpa,
		   w->page == 4096         ? "4 KiB"
		   : w->page == (2u << 20) ? "2 MiB"
					   : "4 MiB");
	buf_printf(out, "user may %s; kernel may %s%s\n",
		   !(w->rights & PTE_US) ? "not touch it"
		   : w->rights & PTE_RW  ? "read and write"
					 : "read",
		   w->rights & PTE_RW || !(c->cr0 & CR0_WP) ? "read and write"
							    : "read",
		   !(w->rights & PTE_RW) && !(c->cr0 & CR0_WP)
			   ? " (CR0.WP is off)"
			   : "");
	if (w->rights & PTE_NX && c->efer & EFER_NXE)
		buf_printf(out, "nobody may execute it\n");
}

/* ---- and the windows ---- */

/* Why a window does not have what the guest's tables allow. */
static const char *why_not_mapped(const struct window_view *v, u64 entry,
				  enum window_page kind)
{
	if (kind == WINDOW_PAGE_DEVICE)
		return "a device: each access is a call";
	if (kind == WINDOW_PAGE_NOTHING)
		return "no memory there: each access is a call";
	if (v->is_read_watched)
		return "watched for reading: each access is a call";
	if (!(entry & PTE_A))
		return "A is clear: the first access has to set it";
	return v->is_recorded
		       ? "code was run there, but no data access has come"
		       : "no access has come since the last flush";
}

static const char *why_read_only(const struct window_view *v, u64 entry,
				 enum window_page kind)
{
	if (kind == WINDOW_PAGE_CODE)
		return "translated code was made from it: a write must be seen";
	if (kind == WINDOW_PAGE_ROM)
		return "it is ROM";
	if (v->is_watched)
		return "watched: writes must be seen";
	if (!(entry & PTE_D))
		return "D is clear: the first write has to set it";
	return "no write has come since the last flush";
}

/* The entry differs from the one a window was filled by, but for A and D. */
static bool is_stale(const struct window_view *v, u64 entry)
{
	return v->has_entry && (v->entry ^ entry) & ~(u64)(PTE_A | PTE_D);
}

static void show_window(struct debug *d, const struct walk *w, gla_t at,
			bool user, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	struct window_view v = window_look(c, at, user);
	u64 entry = w->levels ? w->level[w->levels - 1].entry : 0;
	bool may_write = w->rights & PTE_RW || (!user && !(c->cr0 & CR0_WP));
	enum window_page kind = window_page_kind(vm_mem(d->vm), w->gpa);

	buf_printf(out, "%s window: ", user ? "user" : "kernel");
	if (!v.is_mapped && !w->mapped)
		buf_printf(out, "not mapped either\n");
	else if (!v.is_mapped)
		buf_printf(out, "not mapped (%s)\n",
			   why_not_mapped(&v, entry, kind));
	else
		buf_printf(out, "mapped to physical 0x%llx, %s",
			   (unsigned long long)(v.frame | (at & 0xfff)),
			   v.is_writable ? "writable" : "read-only");
	if (v.is_mapped && w->mapped && may_write && !v.is_writable)
		buf_printf(out, " (%s)", why_read_only(&v, entry, kind));
	if (v.is_mapped)
		buf_byte(out, '\n');
	if (v.is_recorded && is_stale(&v, entry))
		buf_printf(
			out,
			"  it was filled when the entry was 0x%llx: the guest "
			"has changed it\n  and not flushed, so the old one "
			"holds, as in a processor's TLB\n",
			(unsigned long long)v.entry);
}

/* Which window an access would use follows from U/S; a page whose rights have
 * changed may still be in the other one. */
static void show_windows(struct debug *d, const struct walk *w, gla_t at,
			 struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	bool user = w->mapped && w->rights & PTE_US && c->cr0 & CR0_PG;

	if (!window_look(c, at, user).is_on) {
		buf_printf(out, "windows are off: every access is a call\n");
		return;
	}
	if (w->mapped || !window_look(c, at, true).is_recorded)
		show_window(d, w, at, user, out);
	if (window_look(c, at, !user).is_recorded)
		show_window(d, w, at, !user, out);
}

void debug_show_paging(struct debug *d, gla_t at, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	unsigned bytes = is_pae(c) ? 16 : 8;
	struct walk w;

	if (!(c->cr0 & CR0_PG)) {
		buf_printf(out,
			   "paging is off (CR0.PG = 0): 0x%08x is "
			   "physical 0x%08x\n",
			   at, at);
		w = (struct walk){.mapped = true,
				  .gpa = at,
				  .rights = PTE_RW | PTE_US,
				  .levels = 1};
		w.level[0].entry = PTE_P | PTE_A | PTE_D;
		show_windows(d, &w, at, out);
		return;
	}
	buf_printf(out, "%s%s, CR3 = 0x%08x\n",
		   is_pae(c) ? "PAE paging" : "32-bit paging",
		   is_pae(c)          ? (c->efer & EFER_NXE ? " with NX" : "")
		   : c->cr4 & CR4_PSE ? " with 4 MiB pages"
				      : "",
		   c->cr3);
	walk(d, at, &w);
	for (unsigned i = 0; i < w.levels; i++) {
		const struct level *l = &w.level[i];

		buf_printf(out, "%-5s[%3u] at 0x%08llx = 0x%0*llx  ", l->name,
			   l->index, (unsigned long long)l->at, (int)bytes,
			   (unsigned long long)l->entry);
		spell(c, l, w.mapped && i == w.levels - 1, out);
		buf_byte(out, '\n');
		if (!strcmp(l->name, "PDPTE") &&
		    read_entry(d, l->at, 8) != l->entry)
			buf_printf(out,
				   "      memory has 0x%llx there now: "
				   "CR3 was not loaded since\n",
				   (unsigned long long)read_entry(d, l->at, 8));
	}
	show_verdict(c, &w, at, out);
	show_windows(d, &w, at, out);
}

/* ---- all addresses ---- */

/* Pages side by side with the same rights; their frames may lie anywhere. */
struct run {
	u64 start, end;
	gpa_t gpa;       /* of the first page */
	unsigned pieces; /* of frames side by side */
	u64 rights;
	gpa_t next; /* frame that would go on */
};

/* As QEMU's `info mem'; programs read it. */
static void show_run_as_qemu(const struct run *r, struct buf *out)
{
	buf_printf(out, "%016llx-%016llx %016llx %cr%c\n",
		   (unsigned long long)r->start, (unsigned long long)r->end,
		   (unsigned long long)(r->end - r->start),
		   r->rights & PTE_US ? 'u' : '-',
		   r->rights & PTE_RW ? 'w' : '-');
}

static void show_run(const struct run *r, enum debug_maps how, struct buf *out)
{
	if (r->end == r->start)
		return;
	if (how == MAPS_AS_QEMU) {
		show_run_as_qemu(r, out);
		return;
	}
	buf_printf(
		out, "%08llx-%08llx %8lluK r%c%c %c%c -> ",
		(unsigned long long)r->start, (unsigned long long)r->end - 1,
		(unsigned long long)(r->end - r->start) >> 10,
		r->rights & PTE_RW ? 'w' : '-', r->rights & PTE_NX ? '-' : 'x',
		r->rights & PTE_US ? 'u' : 'k', r->rights & PTE_G ? 'g' : '-');
	if (r->pieces == 1)
		buf_printf(out, "%09llx\n", (unsigned long long)r->gpa);
	else
		buf_printf(out, "%u places\n", r->pieces);
}

/* What the level that is not present would cover. */
static u64 hole(const struct debug *d, const struct walk *w)
{
	bool pae = is_pae(debug_cpu(d));

	if (w->levels == 1)
		return pae ? 1u << 30 : 4u << 20;
	return w->levels == 2 && pae ? 2u << 20 : 4096;
}

void debug_show_maps(struct debug *d, enum debug_maps how, struct buf *out)
{
	struct run r = {0};
	struct walk w;
	u64 at = 0;

	if (!(debug_cpu(d)->cr0 & CR0_PG)) {
		buf_printf(out,
			   how == MAPS_AS_QEMU
				   ? "PG disabled\n"
				   : "paging is off: linear is physical\n");
		return;
	}
	while (at <= UINT32_MAX) {
		bool goes_on;

		walk(d, (gla_t)at, &w);
		if (!w.mapped) {
			at = (at | (hole(d, &w) - 1)) + 1;
			continue;
		}
		if (how == MAPS_AS_QEMU)
			w.rights &= PTE_US | PTE_RW;
		goes_on = w.gpa == r.next;
		if (at != r.end || w.rights != r.rights ||
		    (how == MAPS_BY_FRAME && !goes_on)) {
			show_run(&r, how, out);
			r = (struct run){.start = at,
					 .gpa = w.gpa,
					 .rights = w.rights,
					 .pieces = 1};
		} else if (!goes_on) {
			r.pieces++;
		}
		at += w.page;
		r.end = at;
		r.next = w.gpa + w.page;
	}
	show_run(&r, how, out);
}
