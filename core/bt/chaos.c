/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the translator may do between two runs without a guest that notices,
 * made to happen at random: for tests. */
#include "core/bt/bt_priv.h"

#include "core/mem/window.h"

static struct block *some_block(const struct bt *bt, u64 dice)
{
	struct block *b;

	if (!bt->block_count)
		return NULL;
	b = bt->order[dice % bt->block_count];
	return b->dead ? NULL : b;
}

/* Blocks die as if their code had been written. */
static void kill_some(struct bt *bt, u64 dice)
{
	for (unsigned i = 0; i < 16;
	     i++, dice = dice * 0x9e3779b97f4a7c15ull + 1) {
		struct block *b = some_block(bt, dice >> 32);

		if (b)
			cache_kill(bt, b, TRACE_invalidate_WRITTEN);
	}
}

/* An instruction reaches memory in another way, were it a bad one. */
static void flip_some(struct bt *bt, u64 dice)
{
	static const u8 kernel[] = {SITE_WINDOW, SITE_USER, SITE_SOFT,
				    SITE_COLD, SITE_EITHER};
	static const u8 user[] = {SITE_WINDOW, SITE_SOFT, SITE_COLD};

	for (unsigned i = 0; i < 16;
	     i++, dice = dice * 0x9e3779b97f4a7c15ull + 1) {
		struct block *b = some_block(bt, dice >> 40);
		unsigned which = (unsigned)(dice >> 32) & 0xff;
		enum site s;

		if (!b)
			continue;
		s = b->mode & MODE_CPL0 ? kernel[which % ARRAY_LEN(kernel)]
					: user[which % ARRAY_LEN(user)];
		if (!bt->has_shrx && s >= SITE_COLD)
			s = SITE_SOFT;
		site_change(bt, b, which % b->insns, s, TRACE_adapt_RUNS_OFTEN);
	}
}

void bt_disturb(struct bt *bt, u64 dice)
{
	u64 more = dice >> 8;

	switch (dice % 8) {
	case 0:
		if (more % 8 == 0)
			bt_forget(bt);
		break;
	case 1:
		if (more % 8 == 0)
			bt_flush(bt, "chaos");
		break;
	case 2:
	case 3:
		kill_some(bt, more);
		break;
	case 4:
		flip_some(bt, more);
		break;
	case 5:
		link_forget_tables(bt);
		break;
	case 6:
		link_purge_jumps(bt);
		break;
	default: /* every exit from translated code ends the run, or none */
		bt->wanted.exits = more & 1 ? ~0u : 0;
		break;
	}
}
