/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blocks that ran last, for those who ask how the guest got here.
 *
 * While it is on, each block begins by noting its address and the budget in a
 * ring; off, no block has code for it.  Budget and a number that the dispatcher
 * notes at each entry give the instruction count, so that it is known how much
 * of a block was executed, also where it was left in the middle.
 *
 * The ring is 64 KiB at a multiple of that: an LEA of 16 bits wraps around it
 * without touching a flag. */
#include "core/bt/bt_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { RING = 64 << 10, ENTRIES = RING / 16 };

/* Of a block `place` is its address, sign-extended; of an entry of the
 * dispatcher MARK, and then count is what r14 is subtracted from. */
struct recent_entry {
	u64 place, count;
};

#define MARK (1ull << 32)

int bt_record(struct bt *bt, bool on, struct err *e)
{
	u8 *at;

	if (on == bt->records)
		return 0;
	if (on && !bt->ring_map) {
		at = mmap(NULL, 2 * RING, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			return err_set(e, "record: %s", strerror(errno));
		bt->ring_map = at;
		bt->ring = (struct recent_entry *)(((uintptr_t)at + RING - 1) &
						   ~(uintptr_t)(RING - 1));
	}
	if (on) {
		memset(bt->ring, 0, RING);
		bt->live->recent = (u64)(uintptr_t)bt->ring;
	}
	bt->records = on;
	bt_flush(bt, "recording changed");
	return 0;
}

bool bt_recording(const struct bt *bt)
{
	return bt->records;
}

void recent_free(struct bt *bt)
{
	if (bt->ring_map)
		munmap(bt->ring_map, 2 * RING);
}

/* The block notes itself. */
void recent_emit(struct tr *t)
{
	struct emit *e = &t->e;

	e_load_rip(e, 1, R8, &t->bt->live->recent);
	e8(e, 0x49); /* mov qword [r8], lin */
	e8(e, 0xc7);
	e8(e, 0x00);
	e32(e, t->b->lin);
	e_rm(e, 1, 0x89, R14, R8, -1, 0, 8);
	e8(e, 0x66); /* lea r8w, [r8 + 16] */
	e8(e, 0x45);
	e8(e, 0x8d);
	e8(e, 0x40);
	e8(e, 16);
	e_store_rip(e, 1, &t->bt->live->recent, R8);
}

/* The dispatcher enters with this limit. */
void recent_enter(struct bt *bt)
{
	struct live *l = bt->live;
	struct recent_entry *at = (void *)(uintptr_t)l->recent;

	*at = (struct recent_entry){
		MARK, bt->limit + (u64)(uintptr_t)bt->budget_base};
	l->recent = (l->recent & ~(u64)(RING - 1)) |
		    ((l->recent + sizeof(*at)) & (RING - 1));
}

unsigned bt_recent(const struct bt *bt, struct bt_recent *list, unsigned max)
{
	const struct recent_entry *now = (void *)(uintptr_t)bt->live->recent;
	u64 begun[ENTRIES], end = bt->cpu->icount;
	unsigned first, n = 0;
	u64 mark = 0;

	if (!bt->records)
		return 0;
	first = (unsigned)(now - bt->ring);
	for (unsigned i = 0; i < ENTRIES; i++) { /* the oldest first */
		const struct recent_entry *r = &bt->ring[(first + i) % ENTRIES];

		if (r->place == MARK)
			mark = r->count;
		begun[(first + i) % ENTRIES] =
			mark && r->count && r->place != MARK ? mark - r->count
							     : ~0ull;
	}
	for (unsigned i = 1; i <= ENTRIES && n < max; i++) {
		unsigned k = (first + ENTRIES - i) % ENTRIES;

		if (begun[k] == ~0ull || begun[k] >= end)
			continue; /* no block, or not begun after all */
		list[n++] = (struct bt_recent){(gla_t)bt->ring[k].place,
					       (unsigned)(end - begun[k])};
		end = begun[k];
	}
	return n;
}
