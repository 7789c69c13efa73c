/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exits and events that a person wants to stop at.  The dispatcher compares
 * counters after each exit, and only while somebody wants to know; a caught
 * exit is a kick like others, so the guest stops between two blocks. */
#include "core/bt/bt_priv.h"

static const struct {
	const char *name, *text;
} rows[] = {
#define BT_EVENT(name, counter, text) { #name, text },
#include "core/bt/events.def"
};

static u32 exits_since(const struct bt_stats *now, const struct bt_stats *before)
{
	u32 bits = 0;

	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		bits |= (u32)(now->exits[i] != before->exits[i]) << i;
	return bits;
}

static u32 events_since(const struct bt_stats *now,
			const struct bt_stats *before)
{
	u32 bits = 0;

#define BT_EVENT(name, counter, text)     \
	if (now->counter != before->counter) \
		bits |= 1u << BT_EVENT_##name;
#include "core/bt/events.def"
	return bits;
}

const char *bt_event_name(enum bt_event event)
{
	return rows[event].name;
}

const char *bt_event_text(enum bt_event event)
{
	return rows[event].text;
}

void catch_note(struct bt *bt)
{
	bt->caught.exits |= bt->wanted.exits &
			    exits_since(&bt->stats, &bt->seen);
	bt->caught.events |= bt->wanted.events &
			     events_since(&bt->stats, &bt->seen);
	bt->seen = bt->stats;
	if (bt->caught.exits | bt->caught.events)
		bt->kick = 1;
}

void bt_catch(struct bt *bt, u32 exits, u32 events)
{
	bt->wanted = (struct bt_caught){ exits, events };
	bt->caught = (struct bt_caught){ 0, 0 };
	bt->seen = bt->stats;
}

void bt_on_mode(struct bt *bt, void (*fn)(void *arg), void *arg)
{
	bt->on_mode = fn;
	bt->mode_arg = arg;
}

struct bt_caught bt_caught(struct bt *bt)
{
	struct bt_caught got = bt->caught;

	bt->caught = (struct bt_caught){ 0, 0 };
	return got;
}
