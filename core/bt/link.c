/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links between pages, and returns.
 *
 * Inside a page a branch is patched into a host jump.  A branch to another
 * page means, in each address space, whatever is mapped there; so it goes
 * through a slot of the space's link table (`jmp [r13+slot]`), shared by all
 * branches to the same address.  Tables begin as private copies of one whose
 * slots all lead to the dispatcher, each by code that says which it is.  A
 * table's place is never used twice before the jump cache is purged: an entry's
 * place there follows from it.
 *
 * A slot is filled only if a window records the target's page, because then
 * mem says when that page is mapped elsewhere (link_unmapped).
 *
 * Supervisor code sees the same pages in every space that has the same
 * supervisor window, so its table is shared by all of these, until code in
 * user pages is seen to run in supervisor mode.
 *
 * Guest calls are host calls: the host stack holds where returns will likely
 * go, checked on arrival (emit_continuation).  There is one for user and one
 * for supervisor mode, valid for the context it was filled in. */
#include "core/bt/level.h"
#include "core/base/check.h"

#include "core/mem/window.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TABLES_SPACE (16ull << 30)
#define NO_LINK      (~0u)

/* ---- tables ---- */

int link_init(struct bt *bt, struct err *e)
{
	const u8 **t;

	bt->template_fd = memfd_create("links", MFD_CLOEXEC);
	if (bt->template_fd < 0 || ftruncate(bt->template_fd, TABLE_BYTES) < 0)
		return err_set(e, "link tables: %s", strerror(errno));
	t = mmap(NULL, TABLE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		 bt->template_fd, 0);
	bt->tables = mmap(NULL, TABLES_SPACE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bt->links = mmap(NULL, LINKS_MAX * sizeof(*bt->links),
			 PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bt->link_free = NO_LINK;
	if (t == MAP_FAILED || bt->tables == MAP_FAILED ||
	    bt->links == MAP_FAILED)
		return err_set(e, "link tables: %s", strerror(errno));
	for (u32 i = 0; i < SLOTS_MAX; i++)
		t[i] = link_empty(bt, i);
	munmap(t, TABLE_BYTES);
	return 0;
}

static void give_back(struct bt *bt, u32 link)
{
	bt->links[link].next = bt->link_free;
	bt->link_free = link;
}

static void drop_context(struct bt *bt, u32 i)
{
	struct context *k = &bt->contexts[i];
	u32 next;

	for (u32 c = 0; c < LINK_CHAINS; c++)
		for (u32 l = k->links[c]; l != NO_LINK; l = next) {
			next = bt->links[l].next;
			give_back(bt, l);
		}
	if (mmap(k->table, TABLE_BYTES, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		for (u32 n = 0; n < bt->slot_count; n++)
			((const u8 **)k->table)[n] = link_empty(bt, n);
	*k = bt->contexts[--bt->context_count];
	mode_forget_levels(bt);
	bt->cpu->mode_changed = true;
}

static void drop_all_contexts(struct bt *bt)
{
	while (bt->context_count)
		drop_context(bt, bt->context_count - 1);
}

/* Nothing that names a table may be left when tables are used again. */
void link_forget_tables(struct bt *bt)
{
	drop_all_contexts(bt);
	link_purge_jumps(bt);
	for (u32 i = 0; i < ARRAY_LEN(bt->followed); i++)
		bt->followed[i].context = 0;
	bt->stack_void = true;
	bt->tables_used = 0;
}

static u8 *new_table(struct bt *bt)
{
	u8 *at;

	if (bt->tables_used + TABLE_BYTES > TABLES_SPACE)
		link_forget_tables(bt);
	at = bt->tables + bt->tables_used;
	bt->tables_used += TABLE_BYTES;
	at = mmap(at, TABLE_BYTES, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, bt->template_fd, 0);
	NEED_MEMORY(at != MAP_FAILED, "a link table: %s", strerror(errno));
	return at;
}

/* The link table of the current address space and mode. */
u64 link_context(struct bt *bt)
{
	bool user = bt->mode & MODE_USER;
	u64 user_window =
		user || bt->kernel_in_user ? bt->live->user_window : 0;
	u64 supervisor_window = user ? 0 : bt->live->window;
	struct context *k;
	u8 *table;

	for (u32 i = 0; i < bt->context_count; i++) {
		k = &bt->contexts[i];
		if (k->mode == bt->mode && k->user_window == user_window &&
		    k->supervisor_window == supervisor_window)
			return (u64)(uintptr_t)k->table;
	}
	if (bt->context_count == CONTEXTS_MAX)
		drop_context(bt, 0);
	table = new_table(bt); /* may forget all contexts */
	k = &bt->contexts[bt->context_count++];
	k->mode = bt->mode;
	k->user_window = user_window;
	k->supervisor_window = supervisor_window;
	k->table = table;
	for (u32 i = 0; i < LINK_CHAINS; i++)
		k->links[i] = NO_LINK;
	bt->cpu->mode_changed = false;
	return (u64)(uintptr_t)table;
}

u64 link_number(const struct bt *bt, u64 context)
{
	return (context - (u64)(uintptr_t)bt->tables) / TABLE_BYTES;
}

void link_reset(struct bt *bt)
{
	drop_all_contexts(bt);
	bt->stack_void = true;
	bt->slot_count = bt->link_count = 0;
	bt->link_free = NO_LINK;
	for (unsigned i = 0; i < 2 * SLOTS_MAX; i++)
		bt->slot_hash[i] = 0;
	for (unsigned i = 0; i < sizeof(bt->lin_has_code); i++)
		bt->lin_has_code[i] = 0;
	link_purge_jumps(bt);
}

/* ---- slots ---- */

static u32 hash_target(gla_t target)
{
	return (target * 2654435761u >> 12) % (2 * SLOTS_MAX);
}

static int find_slot(const struct bt *bt, gla_t target, u32 *free)
{
	u32 h = hash_target(target);

	for (; bt->slot_hash[h]; h = (h + 1) % (2 * SLOTS_MAX))
		if (bt->slot_target[bt->slot_hash[h] - 1] == target)
			return (int)bt->slot_hash[h] - 1;
	*free = h;
	return -1;
}

static u32 page_hash(gla_t lin)
{
	return (lin >> 12) % JUMP_PAGES;
}

/* The target in r8d, to who finds the slot empty. */
static void make_empty(struct bt *bt, u32 slot, gla_t target)
{
	u8 *at = codemem_written(bt, link_empty(bt, slot));
	struct emit e = {.at = at, .end = at + SLOT_STUB,
			 .delta = bt->code_x - bt->code_w};

	e_mov_ri(&e, R8, target);
	e_jmp(&e, bt->stub_slot);
}

/* The slot for branches to eip `target`. */
int link_slot(struct bt *bt, gla_t target)
{
	u32 h = 0;
	int slot = find_slot(bt, target, &h);

	if (slot >= 0)
		return slot;
	if (bt->slot_count + 1 >= SLOTS_MAX)
		return -1;
	slot = (int)bt->slot_count++;
	bt->slot_target[slot] = target;
	bt->slot_hash[h] = (u32)slot + 1;
	make_empty(bt, (u32)slot, target);
	return slot;
}

/* ---- the jump cache ---- */

/* Every context has another place, from which on 16 bits of the target count:
 * so one entry is never for the same target in two contexts. */
struct jump_entry *link_jumps(struct bt *bt)
{
	_Static_assert(TABLES_SPACE / TABLE_BYTES <= JUMP_PLACES, "see above");
	return bt->jump_cache + jump_place(bt->live->context_number);
}

/* In the first way. */
static u32 jump_index(struct bt *bt, u32 target)
{
	return (u32)(link_jumps(bt) - bt->jump_cache) + target % (1 << 16);
}

static void jump_forget(struct bt *bt, u32 i)
{
	u32 next = bt->jump_next[i], prev = bt->jump_prev[i];

	if (next)
		bt->jump_prev[next - 1] = prev;
	if (prev)
		bt->jump_next[prev - 1] = next;
	else
		bt->jump_pages[page_hash(bt->jump_target[i])] = next;
	bt->jump_cache[i].tag = 0;
}

static void jump_put(struct bt *bt, u32 i, u32 target, struct jump_entry entry)
{
	u32 *head = &bt->jump_pages[page_hash(target)];

	if (bt->jump_cache[i].tag)
		jump_forget(bt, i);
	bt->jump_cache[i] = entry;
	bt->jump_target[i] = target;
	bt->jump_prev[i] = 0;
	bt->jump_next[i] = *head;
	if (*head)
		bt->jump_prev[*head - 1] = i + 1;
	*head = i + 1;
}

/* What was in its place goes to the second way. */
static void jump_set(struct bt *bt, u32 target, const u8 *host)
{
	u32 i = jump_index(bt, target);
	struct jump_entry entry = { jump_tag(target),
				    (u64)(uintptr_t)host };
	struct jump_entry before = bt->jump_cache[i];

	if (before.tag && before.tag != entry.tag)
		jump_put(bt, i + JUMP_WAY, bt->jump_target[i], before);
	jump_put(bt, i, target, entry);
}

void link_purge_jumps(struct bt *bt)
{
	madvise(bt->jump_cache, JUMP_CACHE_SIZE * sizeof(*bt->jump_cache),
		MADV_DONTNEED); /* all zero */
	for (u32 i = 0; i < JUMP_PAGES; i++)
		bt->jump_pages[i] = 0;
}

/* ---- filling ---- */

bool link_holds(const struct bt *bt, gla_t lin, gpa_t gpa)
{
	const struct mem *m = bt->cpu->mem;

	return (!(bt->mode & MODE_USER) &&
		window_holds(m, WINDOW_SUPERVISOR, lin, gpa)) ||
	       ((bt->mode & MODE_USER || bt->kernel_in_user) &&
		window_holds(m, WINDOW_USER, lin, gpa));
}

static bool record_page(struct bt *bt, gla_t lin, gpa_t gpa)
{
	struct cpu *c = bt->cpu;
	enum window_fill f;

	if (!(bt->mode & MODE_PAGED) || link_holds(bt, lin, gpa))
		return true;
	if (c->cpl == 3) {
		window_follow(c, lin, WINDOW_USER);
	} else {
		f = window_follow(c, lin, WINDOW_SUPERVISOR);
		if (f == WINDOW_OTHER) {
			window_follow(c, lin, WINDOW_USER);
			if (!bt->kernel_in_user) {
				bt->kernel_in_user = true;
				mode_forget_levels(bt);
				c->mode_changed = true;
				return false;
			}
		}
	}
	c->exc.pending = false;
	return link_holds(bt, lin, gpa);
}

static struct followed *followed_at(struct bt *bt, u64 context_number,
				    gla_t lin)
{
	u32 n = (u32)context_number * 37 + (lin >> 12);

	return &bt->followed[n % ARRAY_LEN(bt->followed)];
}

/* Makes sure that a change of lin's mapping to gpa will be heard of. */
bool link_follow(struct bt *bt, gla_t lin, gpa_t gpa)
{
	struct followed *f = followed_at(bt, bt->live->context_number, lin);

	lin &= ~(GUEST_PAGE - 1);
	gpa &= ~(gpa_t)(GUEST_PAGE - 1);
	if (f->page == lin && f->gpa == gpa && f->context == bt->live->context)
		return true;
	if (!record_page(bt, lin, gpa))
		return false;
	*f = (struct followed){bt->live->context, gpa, lin};
	bt->lin_has_code[lin >> 15] |= (u8)(1u << ((lin >> 12) & 7));
	return true;
}

static u32 *link_chain(struct context *k, gla_t target)
{
	return &k->links[(target >> 12) % LINK_CHAINS];
}

/* One more link of the context, NULL: there is no room. */
static struct link *new_link(struct bt *bt, u32 *chain)
{
	u32 l = bt->link_free;

	if (l != NO_LINK)
		bt->link_free = bt->links[l].next;
	else if (bt->link_count < LINKS_MAX)
		l = bt->link_count++;
	else
		return NULL;
	bt->links[l].next = *chain;
	*chain = l;
	return &bt->links[l];
}

/* NULL: it has just been dropped. */
static struct context *context_now(struct bt *bt)
{
	for (u32 i = 0; i < bt->context_count; i++)
		if ((u64)(uintptr_t)bt->contexts[i].table == bt->live->context)
			return &bt->contexts[i];
	return NULL;
}

static void set_slot(struct bt *bt, u32 n, const struct block *to)
{
	struct context *k = context_now(bt);
	const u8 **table;
	struct link *link;

	if (!k)
		return;
	table = (const u8 **)k->table;
	if (table[n] == link_empty(bt, n)) {
		link = new_link(bt, link_chain(k, bt->slot_target[n]));
		if (!link) {
			link_forget_tables(bt);
			return;
		}
		link->slot = n;
	}
	table[n] = to->host;
	bt->stats.links++;
	TRACE(bt_link, .target = bt->slot_target[n], .how = TRACE_link_TABLE);
}

/*T:80 The next time the branch goes there by itself. */
void link_remember(struct bt *bt, u32 target, struct block *to, bool slot)
{
	u32 unused;
	int n;

	/* Slots and cache are searched by eip when a page goes (forget_page),
	 * so that must be the linear address. */
	if (to->temporary || !bt->cfg.links || !(bt->mode & MODE_CS_FLAT) ||
	    !link_follow(bt, to->lin, to->gpa))
		return;
	if (to->gpa2 != ~0ull &&
	    !link_follow(bt, (to->lin | 0xfff) + 1, to->gpa2))
		return;
	if (slot) {
		n = find_slot(bt, target, &unused);
		if (n >= 0)
			set_slot(bt, (u32)n, to);
		return;
	}
	jump_set(bt, target, to->host);
}
/*T:*/

/* ---- forgetting ---- */

/* The link tables that a change of a window's mappings reaches. */
struct reached {
	struct context *context[CONTEXTS_MAX];
	u32 count;
};

/* Of the windows in use, the one of that kind changed. */
static u64 changed_window(const struct bt *bt, bool user)
{
	struct mem *m = bt->cpu->mem;

	return (u64)(uintptr_t)(user ? window_user(m) : window_supervisor(m));
}

static bool reaches(const struct context *k, bool user, u64 window)
{
	return (user ? k->user_window : k->supervisor_window) == window;
}

static void find_reached(struct bt *bt, bool user, struct reached *r)
{
	u64 window = changed_window(bt, user);

	r->count = 0;
	for (u32 i = 0; i < bt->context_count; i++)
		if (reaches(&bt->contexts[i], user, window))
			r->context[r->count++] = &bt->contexts[i];
}

static void empty_slots(struct bt *bt, struct context *k, gla_t from, u32 len)
{
	u32 *at = link_chain(k, from), l;

	while ((l = *at) != NO_LINK) {
		u32 slot = bt->links[l].slot;

		if (bt->slot_target[slot] - from >= len) {
			at = &bt->links[l].next;
			continue;
		}
		((const u8 **)k->table)[slot] = link_empty(bt, slot);
		bt->stats.unlinks++;
		TRACE(bt_unlink, .target = bt->slot_target[slot]);
		*at = bt->links[l].next;
		give_back(bt, l);
	}
}

static void forget_slots(struct bt *bt, const struct reached *r, gla_t from,
			 u32 len)
{
	for (u32 i = 0; i < r->count; i++)
		empty_slots(bt, r->context[i], from, len);
}

static void forget_jumps(struct bt *bt, gla_t from, u32 len)
{
	u32 next;

	for (u32 i = bt->jump_pages[page_hash(from)]; i; i = next) {
		next = bt->jump_next[i - 1];
		if (bt->jump_target[i - 1] - from < len)
			jump_forget(bt, i - 1);
	}
}

static void forget_followed(struct bt *bt, gla_t page)
{
	for (u32 i = 0; i < bt->context_count; i++) {
		u64 table = (u64)(uintptr_t)bt->contexts[i].table;
		struct followed *f =
			followed_at(bt, link_number(bt, table), page);

		if (f->page == page)
			f->context = 0;
	}
}

static void forget_page(struct bt *bt, const struct reached *r, gla_t page)
{
	gla_t before = page - INSN_MAX; /* what straddles into the page */

	forget_slots(bt, r, page, GUEST_PAGE);
	forget_slots(bt, r, before, INSN_MAX);
	forget_jumps(bt, page, GUEST_PAGE);
	forget_jumps(bt, before, INSN_MAX);
	forget_followed(bt, page);
	bt->stack_void = true;
	bt->followed_entry = false;
	in_line_unmapped(bt, page);
}

/* mem's hook (mem.h). */
void link_unmapped(void *arg, bool user, gla_t lin, u32 len)
{
	struct bt *bt = arg;
	u32 page = lin >> 12, pages = len >> 12;
	struct reached r;

	if (!len) {
		u64 window = changed_window(bt, user);

		for (u32 i = bt->context_count; i-- > 0;)
			if (reaches(&bt->contexts[i], user, window))
				drop_context(bt, i);
		bt->stack_void = true;
		bt->followed_entry = false;
		in_line_doubt(bt);
		return;
	}
	find_reached(bt, user, &r);
	for (; pages; pages--, page++) {
		if (!(bt->lin_has_code[(page & 0xfffff) >> 3] &
		      (1u << (page & 7))))
			continue;
		forget_page(bt, &r, page << 12);
		bt->invalidated = true; /* the host stack may lead there */
	}
}
