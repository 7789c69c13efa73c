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
 * are used and a difference is told. */
#include "core/debug/debug_priv.h"

#include <string.h>

#include "core/mem/mem.h"

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

static void spell(const struct level *l, bool is_last, struct buf *out)
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
		spell(l, w.mapped && i == w.levels - 1, out);
		buf_byte(out, '\n');
		if (!strcmp(l->name, "PDPTE") &&
		    read_entry(d, l->at, 8) != l->entry)
			buf_printf(out,
				   "      memory has 0x%llx there now: "
				   "CR3 was not loaded since\n",
				   (unsigned long long)read_entry(d, l->at, 8));
	}
	show_verdict(c, &w, at, out);
}

/* ---- all addresses ---- */

struct run {
	u64 start, end;
	gpa_t gpa;
	u64 rights, page;
};

static void show_run(const struct run *r, struct buf *out)
{
	if (r->end == r->start)
		return;
	buf_printf(out, "%08llx-%08llx %8lluK r%c%c %c%c -> %09llx\n",
		   (unsigned long long)r->start, (unsigned long long)r->end - 1,
		   (unsigned long long)(r->end - r->start) >> 10,
		   r->rights & PTE_RW ? 'w' : '-',
		   r->rights & PTE_NX ? '-' : 'x',
		   r->rights & PTE_US ? 'u' : 'k',
		   r->rights & PTE_G ? 'g' : '-', (unsigned long long)r->gpa);
}

void debug_show_maps(struct debug *d, struct buf *out)
{
	struct run r = {0};
	struct walk w;
	u64 at = 0;

	if (!(debug_cpu(d)->cr0 & CR0_PG)) {
		buf_printf(out, "paging is off: linear is physical\n");
		return;
	}
	while (at <= UINT32_MAX) {
		walk(d, (gla_t)at, &w);
		if (!w.mapped) {
			/* Past all that the missing level would cover. */
			u64 hole = w.levels == 1
					   ? (is_pae(debug_cpu(d)) ? 1u << 30
								   : 4u << 20)
				   : w.levels == 2 && is_pae(debug_cpu(d))
					   ? 2u << 20
					   : 4096;
			at = (at | (hole - 1)) + 1;
			continue;
		}
		if (at != r.end || w.gpa != r.gpa + (r.end - r.start) ||
		    w.rights != r.rights) {
			show_run(&r, out);
			r = (struct run){at, at, w.gpa, w.rights, w.page};
		}
		at += w.page;
		r.end = at;
	}
	show_run(&r, out);
}
