/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How often each block runs, and by which exits translated code is left from
 * it, for those who ask.
 *
 * While it is on, each block counts itself behind its head, where it is sure to
 * run, and notes its number; what is behind a call in it notes the number
 * again.  So whoever comes to the dispatcher knows which block he left.  Off, no
 * block has code for it.  Temporary blocks, which run once, share the last
 * place. */
#include "core/bt/bt_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int bt_profile(struct bt *bt, bool on, struct err *e)
{
	void *at;

	if (on == bt->profiles)
		return 0;
	if (on && !bt->profile) {
		at = mmap(NULL, (bt->block_max + 1ull) * sizeof(*bt->profile),
			  PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (at == MAP_FAILED)
			return err_set(e, "profile: %s", strerror(errno));
		bt->profile = at;
	}
	bt->profiles = on;
	bt_flush(bt, "profiling changed");
	return 0;
}

bool bt_profiling(const struct bt *bt)
{
	return bt->profiles;
}

void profile_free(struct bt *bt)
{
	if (bt->profile)
		munmap(bt->profile,
		       (bt->block_max + 1ull) * sizeof(*bt->profile));
}

static u32 place_of(const struct bt *bt, const struct block *b, u32 number)
{
	return b->temporary ? bt->block_max : number;
}

/* The block has begun. */
void profile_emit(struct tr *t)
{
	struct bt *bt = t->bt;
	struct bt_profile *p =
		&bt->profile[place_of(bt, t->b, bt->block_count)];
	struct emit *e = &t->e;

	memset(p, 0, sizeof(*p));
	e_mov_ri64(e, R9, (u64)(uintptr_t)&p->runs);
	e_rm(e, 1, 0x8b, R8, R9, -1, 0, 0);
	e_lea(e, 1, R8, R8, -1, 0, 1);
	e_rm(e, 1, 0x89, R8, R9, -1, 0, 0);
	profile_emit_here(t);
}

/* It goes on, perhaps behind others. */
void profile_emit_here(struct tr *t)
{
	e_store_rip_imm(&t->e, &t->bt->live->block,
			place_of(t->bt, t->b, t->bt->block_count));
}

/* Translated code was left.  A block whose head met the end of the budget has
 * not noted itself. */
void profile_exit(struct bt *bt, enum bt_exit why)
{
	const struct live *l = bt->live;
	u32 at = l->block;

	if (l->exit == BT_EXIT_SIGNAL) {
		const struct block *b =
			cache_by_host(bt, (const u8 *)(uintptr_t)l->fault_pc);

		at = place_of(bt, b, b->order);
	}
	bt->profile[at].exits[why]++;
}

const struct bt_profile *bt_block_profile(const struct bt *bt, u64 number)
{
	return bt->profiles && number < bt->block_count ? &bt->profile[number]
							: NULL;
}

u64 bt_host_bytes_run(const struct bt *bt)
{
	u64 sum = 0;

	for (u32 i = 0; bt->profiles && i < bt->block_count; i++)
		sum += bt->profile[i].runs * bt->order[i]->host_len;
	return sum;
}
