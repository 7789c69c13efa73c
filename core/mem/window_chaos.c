/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may happen to windows and to the software TLB at any time, made to
 * happen at random.  A processor may forget a translation whenever it likes,
 * and the host may refuse a mapping; no guest may notice either. */
#include "core/mem/window_priv.h"

static struct window *some_window(struct window_pool *p, u64 dice)
{
	u32 n = (u32)dice % (p->supervisors + p->users), i = 0;

	while (n--)
		i = window_next(p, i);
	return &p->win[i];
}

/* A page with a record, near where the dice fell. */
static void drop_some_page(struct mem *m, struct window *w, u64 dice)
{
	u32 first = (u32)dice % SLOTS, page;

	for (u32 k = 0; k < SLOTS; k++) {
		struct slot *s = w->slot[(first + k) % SLOTS];

		if (!s)
			continue;
		page = (u32)(dice >> 16) % slot_pages(w);
		while (!s->rec[page])
			page = (page + 1) % slot_pages(w);
		window_drop_page(m,
				 (slot_first_page(w, s) + page) * GUEST_PAGE);
		return;
	}
}

/* As after a write to a page of code, though there may be none. */
static void protect_some_frame(struct cpu *c, u64 dice)
{
	window_protect(c, (dice >> 8) % c->mem->ram_size);
}

void window_disturb(struct cpu *c, u64 dice)
{
	struct mem *m = c->mem;
	struct window_pool *p = m->windows;
	u64 more = dice >> 8;

	if (!p || !p->enabled || dice % 8 == 0) {
		tlb_flush_all(m);
		return;
	}
	switch (dice % 8) {
	case 1:
		window_drop(m, some_window(p, more));
		break;
	case 2:
		drop_some_page(m, some_window(p, more), more >> 8);
		break;
	case 3:
		drop_some_page(m, &p->win[window_index(p, more & 1)],
			       more >> 1);
		break;
	case 4:
		protect_some_frame(c, dice);
		break;
	case 5:
		p->fail = (unsigned)(1 + more % 3);
		break;
	case 6:
		p->limit = (unsigned)(16 + more % 500);
		break;
	default:
		window_evict(m, more & 1);
		break;
	}
}
