/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Are the invariants of this room (bt.h, link.c) true?  For debug builds and
 * tests, between two runs: looks at everything, changes nothing that the
 * guest or the translator could notice, and ends the process where one is
 * not. */
#include "core/bt/level.h"

#include "core/mem/window.h"

/* ---- blocks ---- */

static u32 get32(const u8 *at)
{
	u32 v;

	__builtin_memcpy(&v, at, 4);
	return v;
}

/* Where the branch whose rel32 is at `site` leads. */
static const u8 *target_of(const u8 *site)
{
	return site + 4 + (s32)get32(site);
}

static bool is_head(const struct bt *bt, const u8 *host)
{
	const struct block *b =
		host < bt->temp_x ? cache_by_host(bt, host) : NULL;

	return b && b->host == host;
}

static bool is_led(const struct block *b, const struct block *dead)
{
	const struct block *at = b->dead ? NULL : b->led;

	while (at && at != dead)
		at = at->led;
	return at;
}

/* I-bt-1: to the dispatcher, or to a live successor, which knows. */
static void check_dead(const struct bt *bt, const struct block *b)
{
	const u8 *h = b->host;

	if (h[0] == 0xe9)
		CHECK(is_head(bt, target_of(h + 1)) &&
			      is_led(cache_by_host(bt, target_of(h + 1)), b),
		      "I-bt-1: dead block %u leads into another", b->order);
	else
		CHECK(h[0] == 0xc7 && get32(h + 6) == b->order &&
			      h[10] == 0xe9 &&
			      target_of(h + 11) == bt->stub_dead,
		      "I-bt-1: the head of dead block %u is alive", b->order);
}

static bool is_listed(const struct bt *bt, const struct block *b, gpa_t gpa)
{
	const struct block *at = bt->page_blocks[gpa >> 12];

	while (at && at != b)
		at = at->gpa >> 12 == gpa >> 12 ? at->page_next
						: at->page2_next;
	return at;
}

static void check_marks(const struct block *b)
{
	u32 guest = 0, host = 0;

	for (unsigned i = 0; i < b->insns; i++) {
		const struct insn_mark *m = &b->marks[i];

		/* The jump at the end of one that falls needs no code. */
		CHECK(m->host >= host && m->host < b->host_len + b->falls &&
			      (m->rom || m->guest >= guest) &&
			      m->site <= SITE_WATCHED,
		      "mark %u of block %u is not in order", i, b->order);
		host = m->host;
		guest = m->rom ? guest : m->guest;
	}
}

/* Behind one that falls stands what it falls into, or a jump. */
static void check_fall(const struct bt *bt, const struct block *b)
{
	const u8 *end = b->host + b->host_len;
	const struct block *to = b->order + 1 < bt->block_count
					 ? bt->order[b->order + 1]
					 : NULL;

	CHECK(to && to->host == end
		      ? to->eip == b->falls_to && to->mode == b->mode
		      : *end == 0xe9,
	      "block %u falls into nothing", b->order);
}

static void check_block(const struct bt *bt, u32 n)
{
	const struct block *b = bt->order[n];
	const u8 *end = n ? bt->order[n - 1]->host + bt->order[n - 1]->host_len
			  : bt->code_x + bt->stubs_size;

	CHECK(b->order == n && b->host >= end &&
		      b->host + b->host_len <= bt->ways_x &&
		      b->host_len >= HEAD_LEN && b->ways >= bt->ways_x &&
		      b->ways + b->ways_len <= bt->temp_x,
	      "block %u is not where it ought to be", n);
	if (b->falls)
		check_fall(bt, b);
	CHECK(b->insns && b->insns <= BLOCK_INSNS && !b->temporary,
	      "block %u has %u instructions", n, b->insns);
	if (b->dead) {
		check_dead(bt, b);
		return;
	}
	CHECK(cache_look(bt, b->lin, b->gpa, b->mode),
	      "block %u at %08x is not found", n, b->lin);
	CHECK(is_listed(bt, b, b->gpa) &&
		      (b->page2 == ~0ull || is_listed(bt, b, b->page2)),
	      "I-bt-3: block %u at %08x is not in its page's list", n, b->lin);
	CHECK(mem_holds_code(bt->cpu->mem, b->gpa) &&
		      (b->page2 == ~0ull ||
		       mem_holds_code(bt->cpu->mem, b->page2)),
	      "I-bt-3: the page of block %u at %08x is not marked", n, b->lin);
	check_marks(b);
}

static void check_edges(const struct bt *bt)
{
	for (u32 i = EDGES_TEMPORARY; i < bt->edge_count; i++) {
		const struct edge *e = &bt->edges[i];

		if (!e->to || e->from->dead)
			continue;
		CHECK(target_of(e->site) == block_entry(e->to, e->ready) &&
			      e->to->mode == e->from->mode &&
			      e->to->eip == e->target,
		      "the branch of block %u to %08x leads to block %u",
		      e->from->order, e->target, e->to->order);
	}
}

/* No block goes on over a place where the guest may have to stop. */
static void check_breaks(const struct bt *bt)
{
	if (!bt->break_count || bt->breaks_changed)
		return;
	for (u32 n = 0; n < bt->block_count; n++) {
		const struct block *b = bt->order[n];

		for (unsigned i = 1; !b->dead && i < b->insns; i++)
			CHECK(b->marks[i].rom ||
				      !break_at(bt, b->lin + b->marks[i].guest),
			      "block %u runs over the breakpoint at %08x", n,
			      b->lin + b->marks[i].guest);
	}
}

/* ---- links between pages ---- */

/* Is `host` the head of a block for that target?  And as long as it is not
 * dead, its page is recorded in a window, or a change would go unheard. */
static void check_link(const struct bt *bt, const struct context *k,
		       const u8 *host, u32 target)
{
	const struct mem *m = bt->cpu->mem;
	const struct block *b = cache_by_host(bt, host);

	CHECK(b && b->host == host && b->mode == k->mode && b->eip == target,
	      "a link to %08x leads elsewhere", target);
	if (!(k->mode & MODE_PAGED) || !(bt->cpu->cr0 & CR0_PG))
		return;
	CHECK((k->supervisor_window &&
	       window_holds(m, WINDOW_SUPERVISOR, b->lin, b->gpa)) ||
		      (k->user_window &&
		       window_holds(m, WINDOW_USER, b->lin, b->gpa)),
	      "a link to %08x leads to a page no window has", target);
}

static bool is_current(const struct bt *bt, const struct context *k)
{
	struct mem *m = bt->cpu->mem;

	return (!k->user_window ||
		k->user_window == (u64)(uintptr_t)window_user(m)) &&
	       (!k->supervisor_window ||
		k->supervisor_window == (u64)(uintptr_t)window_supervisor(m));
}

static u32 check_context(const struct bt *bt, const struct context *k)
{
	const u8 *const *table = (const u8 *const *)k->table;
	u32 filled = 0, listed = 0;

	for (u32 i = 0; i < bt->slot_count; i++)
		filled += table[i] != link_empty(bt, i);
	for (u32 c = 0; c < LINK_CHAINS; c++)
		for (u32 l = k->links[c]; l != ~0u; l = bt->links[l].next) {
			u32 slot = bt->links[l].slot;

			listed++;
			CHECK(slot < bt->slot_count && (bt->slot_target[slot] >>
							12) % LINK_CHAINS ==
							       c,
			      "a link is in the wrong chain");
			CHECK(table[slot] != link_empty(bt, slot),
			      "a link to %08x is listed and empty",
			      bt->slot_target[slot]);
			if (is_current(bt, k))
				check_link(bt, k, table[slot],
					   bt->slot_target[slot]);
		}
	CHECK(filled == listed, "%u links of a space are filled, %u listed",
	      filled, listed);
	return listed;
}

static void check_links(const struct bt *bt)
{
	u32 used = 0, unused = 0;

	for (u32 i = 0; i < bt->context_count; i++)
		used += check_context(bt, &bt->contexts[i]);
	for (u32 l = bt->link_free; l != ~0u; l = bt->links[l].next)
		unused++;
	CHECK(used + unused == bt->link_count,
	      "%u links are used and %u are not, of %u", used, unused,
	      bt->link_count);
}

/* Whose jumps begin at that place of the jump cache. */
static const struct context *context_at(const struct bt *bt, u32 place)
{
	for (u32 i = 0; i < bt->context_count; i++)
		if (jump_place(link_number(
			    bt, (u64)(uintptr_t)bt->contexts[i].table)) == place)
			return &bt->contexts[i];
	return NULL;
}

static void check_jump(const struct bt *bt, u32 i)
{
	const struct jump_entry *j = &bt->jump_cache[i];
	u32 target = bt->jump_target[i];
	const struct context *k = context_at(bt, (i % JUMP_WAY - (u16)target));

	CHECK(j->tag == jump_tag(target),
	      "a jump to %08x is listed and not there", target);
	if (k && is_current(bt, k))
		check_link(bt, k, (const u8 *)(uintptr_t)j->host, target);
}

static void check_jumps(const struct bt *bt)
{
	for (u32 page = 0; page < JUMP_PAGES; page++) {
		u32 before = 0;

		for (u32 i = bt->jump_pages[page]; i;
		     i = bt->jump_next[i - 1]) {
			CHECK(bt->jump_prev[i - 1] == before &&
				      (bt->jump_target[i - 1] >> 12) %
						      JUMP_PAGES ==
					      page,
			      "a jump to %08x is in the wrong list",
			      bt->jump_target[i - 1]);
			check_jump(bt, i - 1);
			before = i;
		}
	}
}

/* ---- what was learnt ---- */

static void check_sites(const struct bt *bt)
{
	u32 n = 0;

	for (u32 i = 0; i < SITES_SIZE; i++) {
		n += !!bt->sites[i].patience;
		CHECK(!bt->sites[i].patience ||
			      site_entry(bt, bt->sites[i].gpa),
		      "an instruction at %08x is not found",
		      bt->sites[i].gpa);
		CHECK(bt->sites[i].site <= SITE_WATCHED,
		      "an instruction reaches memory in way %u",
		      bt->sites[i].site);
	}
	CHECK(n == bt->site_count, "%u sites are counted as %u", n,
	      bt->site_count);
}

void bt_check(const struct bt *bt)
{
	for (u32 n = 0; n < bt->block_count; n++)
		check_block(bt, n);
	check_edges(bt);
	check_breaks(bt);
	check_links(bt);
	check_jumps(bt);
	check_sites(bt);
}
