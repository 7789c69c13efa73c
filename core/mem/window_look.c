/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a window holds for one page, for those who look; nothing changes. */
#include "core/mem/window_priv.h"

/* The guest's entry that the page's record was made from. */
static bool recorded_entry(const struct window *w, const struct slot *s, u32 i,
			   u64 *entry)
{
	if (!s->table) {
		*entry = s->pde;
		return true;
	}
	if (!(s->lines >> slot_line(w, i) & 1))
		return false;
	*entry = table_entry(w, s->copy, i);
	return true;
}

struct window_view window_look(const struct cpu *c, gla_t lin, bool user)
{
	const struct mem *m = c->mem;
	const struct window_pool *p = m->windows;
	struct window_view v = {.is_on = p && p->enabled};
	u32 page = lin >> 12, i;
	const struct window *w;
	const struct slot *s;

	v.is_watched = m->watched[page];
	v.is_read_watched = m->read_watched[page];
	if (!v.is_on)
		return v;
	w = &p->win[window_index(p, user)];
	s = w->format == window_format(c) ? w->slot[page >> w->shift] : NULL;
	i = page & (slot_pages(w) - 1);
	if (!s || !s->rec[i])
		return v;
	v.is_recorded = true;
	v.is_mapped = rec_mapped(s->rec[i]);
	v.is_writable = s->rec[i] & REC_WRITE;
	v.is_global = s->rec[i] & REC_GLOBAL;
	v.frame = s->rec[i] & REC_FRAME;
	v.has_entry = recorded_entry(w, s, i, &v.entry);
	return v;
}

enum window_page window_page_kind(const struct mem *m, gpa_t gpa)
{
	unsigned flags = page_flags(m, gpa);

	if (!(flags & PAGE_RAM))
		return flags & PAGE_MMIO ? WINDOW_PAGE_DEVICE
					 : WINDOW_PAGE_NOTHING;
	if (flags & PAGE_ROM)
		return WINDOW_PAGE_ROM;
	return flags & PAGE_CODE ? WINDOW_PAGE_CODE : WINDOW_PAGE_RAM;
}
