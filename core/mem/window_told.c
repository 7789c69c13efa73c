/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A kernel that announces its page tables, and each change of them, saves the
 * comparison when it goes from one address space to another.
 *
 * An address space is trusted if all tables that its windows are compared with
 * were announced when that was last done.  As long as nothing more is said,
 * no slot opened in its windows and no page flushed, there is nothing to
 * compare.  A kernel that goes to the space it is in means a flush, so this
 * is compared, and so are explicit flushes: what it changed without a word
 * comes to light there. */
#include "core/mem/window_priv.h"

/* What the kernel said, and changes that it does not know of. */
static u64 said(const struct mem *m)
{
	return m->said(m->said_arg) + m->table_pokes;
}

static bool announced(const struct mem *m, gpa_t gpa)
{
	return page_flags(m, gpa) & PAGE_TABLE;
}

static bool directories_announced(const struct cpu *c)
{
	if (!(c->cr4 & CR4_PAE))
		return announced(c->mem, c->cr3);
	for (unsigned i = 0; i < 4; i++)
		if (c->pdpte[i] & PTE_P &&
		    !announced(c->mem, c->pdpte[i] & 0xffffff000ull))
			return false;
	return true;
}

static bool tables_announced(const struct cpu *c, const struct window *w)
{
	const u64 *slots = c->cr4 & CR4_PGE ? w->local : w->live;

	for (unsigned k = 0; k < SLOTS / 64; k++)
		for (u64 some = slots[k]; some; some &= some - 1) {
			const struct slot *s =
				w->slot[k * 64 +
					(unsigned)__builtin_ctzll(some)];

			if (s->table &&
			    !announced(c->mem,
				       (gpa_t)(s->table - c->mem->ram)))
				return false;
		}
	return true;
}

void window_compared(struct cpu *c)
{
	struct mem *m = c->mem;
	struct window_pool *p = m->windows;
	struct window *u = &p->win[p->user];

	if (!m->said)
		return;
	u->trust.known = c->cr0 & CR0_PG;
	u->trust.asked = false;
	u->trust.said = said(m);
	u->trust.opened[0] = p->win[p->supervisor].opened;
	u->trust.opened[1] = u->opened;
	for (unsigned i = 0; c->cr4 & CR4_PAE && i < 4; i++)
		u->trust.pdpte[i] = c->pdpte[i];
}

static bool stands(const struct cpu *c, const struct window *s,
		   const struct window *u)
{
	const struct trust *t = &u->trust;
	u64 generation = c->mem->windows->generation;
	bool same = true;

	for (unsigned i = 0; c->cr4 & CR4_PAE && i < 4; i++)
		same &= t->pdpte[i] == c->pdpte[i];
	return same && t->known && t->said == said(c->mem) &&
	       t->opened[0] == s->opened && t->opened[1] == u->opened &&
	       s->generation == generation && u->generation == generation &&
	       !s->loose && !u->loose;
}

/* Nothing was said since, so it may be asked now as well as then. */
static bool all_announced(const struct cpu *c, const struct window *s,
			  struct window *u)
{
	if (!u->trust.asked)
		u->trust.announced = directories_announced(c) &&
				     tables_announced(c, s) &&
				     tables_announced(c, u);
	u->trust.asked = true;
	return u->trust.announced;
}

bool window_switch_told(struct cpu *c)
{
	struct mem *m = c->mem;
	struct window_pool *p = m->windows;
	struct window *s, *u;
	unsigned user;

	if (!m->said || !p || !p->enabled || !(c->cr0 & CR0_PG))
		return false;
	user = window_of_cr3(c);
	if (!user)
		return false;
	u = &p->win[user];
	s = &p->win[p->partner[user]];
	if (!stands(c, s, u) || !all_announced(c, s, u))
		return false;
	window_make_current(m, user);
	window_make_current(m, p->partner[user]);
	return true;
}
