/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds, keeps and throws away translations.
 *
 * A block is found by physical address, linear address and mode, so that
 * processes which share a page share its translation.  Every physical page
 * lists the blocks made from it.  When its bytes are about to change, the
 * blocks touched die: their head is overwritten with a jump to the
 * dispatcher, which catches every link, jump-cache entry and return address
 * at once (I-bt-1).  Their memory comes back with the next whole flush. */
#include "core/bt/bt_priv.h"

#include <stdlib.h>

/* Blocks of one page are neighbours, in the order of their code, as they are
 * made and looked for together, and each place is a miss of the host's cache. */
enum { PAGE_PLACES = 256 };

static u64 hash_of(gla_t lin, gpa_t gpa, u32 mode)
{
	u64 key = lin >> 12 | (gpa >> 12) << 20;

	return (key ^ (u64)mode << 40) * 0x9e3779b97f4a7c15ull;
}

/* Of the page some bits of the hash, and where in the page. */
static u32 tag_of(u64 hash, gla_t lin)
{
	return (u32)(hash >> 8 & ~0xfffull) | (lin & 0xfff);
}

static u32 first_place(const struct bt *bt, u64 hash, gla_t lin)
{
	u32 in_page = (lin & 0xfff) / (GUEST_PAGE / PAGE_PLACES);

	return ((u32)(hash >> (64 - bt->index_bits)) + in_page) &
	       ((1u << bt->index_bits) - 1);
}

static u32 next_place(const struct bt *bt, u32 at)
{
	return (at + 1) & ((1u << bt->index_bits) - 1);
}

struct block *cache_look(const struct bt *bt, gla_t lin, gpa_t gpa, u32 mode)
{
	u64 hash = hash_of(lin, gpa, mode);
	u32 at = first_place(bt, hash, lin), tag = tag_of(hash, lin);

	for (; bt->index[at].number; at = next_place(bt, at)) {
		struct block *b;

		if (bt->index[at].tag != tag)
			continue;
		b = bt->order[bt->index[at].number - 1];
		if (b->lin == lin && b->gpa == gpa && b->mode == mode &&
		    !b->dead)
			return b;
	}
	return NULL;
}

struct block *cache_find(struct bt *bt, gla_t lin, gpa_t gpa, u32 mode)
{
	bt->stats.lookups++;
	return cache_look(bt, lin, gpa, mode);
}

/* The next link of `b` in the list of physical page `page`; and what leads to
 * b there. */
static struct block **next_in_page(struct block *b, gpa_t page)
{
	return b->gpa >> 12 == page ? &b->page_next : &b->page2_next;
}

struct block *cache_next_in_page(struct block *b, gpa_t page)
{
	return *next_in_page(b, page);
}

static struct block ***link_in_page(struct block *b, gpa_t page)
{
	return b->gpa >> 12 == page ? &b->page_link : &b->page2_link;
}

static void enlist(struct bt *bt, struct block *b, gpa_t gpa)
{
	gpa_t page = gpa >> 12;
	struct block **head = &bt->page_blocks[page];
	struct block **next = next_in_page(b, page);

	*next = *head;
	if (*next)
		*link_in_page(*next, page) = next;
	*head = b;
	*link_in_page(b, page) = head;
	mem_mark_code(bt->cpu, gpa, true);
}

static bool has_other_page(const struct block *b)
{
	return b->page2 != ~0ull && b->page2 >> 12 != b->gpa >> 12;
}

static void unlist(struct block *b, gpa_t gpa)
{
	gpa_t page = gpa >> 12;
	struct block *next = *next_in_page(b, page);
	struct block **link = *link_in_page(b, page);

	*link = next;
	if (next)
		*link_in_page(next, page) = link;
}

void cache_insert(struct bt *bt, struct block *b)
{
	u64 hash = hash_of(b->lin, b->gpa, b->mode);
	u32 at = first_place(bt, hash, b->lin), tag = tag_of(hash, b->lin);

	/* A dead block of the same hash gives its place, or code that is
	 * written again and again would make ever longer rows of them. */
	while (bt->index[at].number &&
	       (bt->index[at].tag != tag ||
		!bt->order[bt->index[at].number - 1]->dead))
		at = next_place(bt, at);
	bt->index[at] = (struct place){tag, bt->block_count + 1};
	enlist(bt, b, b->gpa);
	if (has_other_page(b))
		enlist(bt, b, b->page2);
	rebase_note(bt, b);
	b->order = bt->block_count;
	bt->order[bt->block_count++] = b;
	if (bt->on_block) {
		struct bt_block_view v = block_view(b);

		bt->on_block(bt->block_arg, &v);
	}
}

/* The block whose host code, or ways out, contain pc; both are in the order
 * of the blocks. */
struct block *cache_by_host(const struct bt *bt, const u8 *pc)
{
	bool ways = pc >= bt->ways_x;
	u32 low = 0, high = bt->block_count;
	struct block *b;

	if (pc >= bt->temp_x)
		return bt->temp;

	while (low < high) {
		u32 mid = (low + high) / 2;

		b = bt->order[mid];
		if ((ways ? b->ways : b->host) <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	b = bt->order[low - 1];
	return (ways ? pc - b->ways < b->ways_len : pc - b->host < b->host_len)
		       ? b
		       : NULL;
}

void *meta_alloc(struct bt *bt, u64 size)
{
	void *p = bt->meta + bt->meta_used;

	size = (size + 15) & ~15ull;
	if (bt->meta_used + size > bt->meta_size)
		return NULL;
	bt->meta_used += size;
	return p;
}

static struct emit head_of(const struct bt *bt, const u8 *host)
{
	u8 *at = codemem_written(bt, host);

	return (struct emit){
		.at = at, .end = at + 16, .delta = bt->code_x - bt->code_w};
}

/* Does the dead block's head lead to another? */
static bool leads_on(const struct block *dead)
{
	return *dead->host == 0xe9;
}

/* What leads to the dead block shall lead to `to`, its new translation, until
 * that dies. */
void cache_revive(struct bt *bt, struct block *dead, struct block *to)
{
	struct emit e = head_of(bt, dead->host);

	if (to->temporary || to->dead || to->lin != dead->lin ||
	    to->gpa != dead->gpa || to->gpa2 != ~0ull || dead->gpa2 != ~0ull ||
	    to->mode != dead->mode || leads_on(dead))
		return;
	e_jmp(&e, to->host);
	dead->led = to->led;
	to->led = dead;
	if (!dead->needs)
		return;
	e = head_of(bt, dead->host + dead->ready_at);
	e_jmp(&e, block_entry(to, dead->needs));
}

static void end_entry(struct bt *bt, const struct block *b, const u8 *entry)
{
	struct emit e = head_of(bt, entry);

	e_store_rip_imm(&e, &bt->live->edge, b->order);
	e_jmp(&e, bt->stub_dead);
}

static void end_head(struct bt *bt, const struct block *b)
{
	end_entry(bt, b, b->host);
	if (b->needs)
		end_entry(bt, b, b->host + b->ready_at);
}

/*T:100 Code that was changed: its translation dies at its head.  So do those
 * that led to it: heads that led from one dead block to the next would be a
 * way that gets longer each time the code is changed. */
void cache_kill(struct bt *bt, struct block *b, enum trace_word why)
{
	struct block *next;

	if (!b->dead && !b->temporary) {
		unlist(b, b->gpa);
		if (has_other_page(b))
			unlist(b, b->page2);
		for (struct block *d = b->led; d; d = next) {
			next = d->led;
			d->led = NULL;
			end_head(bt, d);
		}
		b->led = NULL;
	}
	if (!b->dead)
		end_head(bt, b);
	b->dead = true; /* which the index looks at */
	bt->stats.invalidated++;
	past_note(bt, b, why);
	TRACE(bt_invalidate, .pc = b->lin, .page = b->gpa & ~0xfffull,
	      .guest_bytes = b->guest_len, .why = (u8)why);
	bt->invalidated = true;
}
/*T:*/

static bool touches(const struct block *b, gpa_t gpa, u64 len)
{
	u64 first = b->guest_len, second = 0;

	if (b->gpa2 != ~0ull) {
		first = GUEST_PAGE - (b->gpa & (GUEST_PAGE - 1));
		second = b->guest_len - first;
		if (gpa < b->gpa2 + second && b->gpa2 < gpa + len)
			return true;
	} else if (b->page2 >> 12 == gpa >> 12) {
		return true;
	}
	return gpa < b->gpa + first && b->gpa < gpa + len;
}

/* The temporary block is in no list; while it runs, whatever writes to it must
 * leave it. */
static bool in_temporary(struct bt *bt, gpa_t gpa, u64 len)
{
	return bt->temp_runs && touches(bt->temp, gpa, len);
}

void cache_watch_temporary(struct bt *bt)
{
	bt->temp_runs = true;
	mem_mark_code(bt->cpu, bt->temp->gpa, true);
	if (bt->temp->gpa2 != ~0ull)
		mem_mark_code(bt->cpu, bt->temp->gpa2, true);
}

/* mem's hook: bytes [gpa, gpa+len), within one page, are about to change. */
void cache_code_written(void *arg, gpa_t gpa, u64 len)
{
	struct bt *bt = arg;
	struct block *b = bt->page_blocks[gpa >> 12], *next;

	for (; b; b = next) {
		next = *next_in_page(b, gpa >> 12);
		if (touches(b, gpa, len))
			cache_kill(bt, b, TRACE_invalidate_WRITTEN);
	}
	if (in_temporary(bt, gpa, len))
		bt->invalidated = true;
	if (!bt->page_blocks[gpa >> 12] &&
	    !in_temporary(bt, gpa & ~(gpa_t)(GUEST_PAGE - 1), GUEST_PAGE))
		mem_mark_code(bt->cpu, gpa, false);
}

/* Tables that nothing was put into are empty, and big: at the start of a
 * process touching them all would cost as much as the rest of it. */
static void forget_index(struct bt *bt)
{
	if (!bt->block_count)
		return;
	for (u32 i = 0; i < 1u << bt->index_bits; i++)
		bt->index[i].number = 0;
	for (unsigned i = 0; i < PLACES; i++)
		bt->places[i] = NULL;
}

/* Forgets everything: code, metadata, sites. */
void cache_reset(struct bt *bt)
{
	for (u32 i = 0; i < bt->block_count; i++) {
		struct block *b = bt->order[i];

		if (b->dead)
			continue;
		bt->page_blocks[b->gpa >> 12] = NULL;
		mem_mark_code(bt->cpu, b->gpa, false);
		if (b->page2 != ~0ull) {
			bt->page_blocks[b->page2 >> 12] = NULL;
			mem_mark_code(bt->cpu, b->page2, false);
		}
	}
	forget_index(bt);
	thunk_forget_all(bt);
	returns_forget(bt);
	bt->block_count = 0;
	bt->edge_count = EDGES_TEMPORARY;
	bt->meta_used = 0;
	bt->cs_form_count = 1;
	link_reset(bt);
	bt->callers = (struct callers){ .pages = 0 };
	bt->emit.at = bt->code_w + bt->stubs_size;
	bt->ways.at = codemem_written(bt, bt->ways_x);
	bt->emit.full = bt->ways.full = false;
	bt->invalidated = true;
}
