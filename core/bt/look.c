/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names for what translated code refers to, so that people can read it. */
#include "core/bt/bt_priv.h"

#include <stddef.h>

#define IN_CPU(field) { offsetof(struct area, cpu.field), "cpu." #field }
#define IN_LIVE(field) { offsetof(struct area, live.field), "live." #field }
static const struct {
	u32 offset;
	const char *name;
} fields[] = {
	IN_CPU(eip),		 IN_CPU(iflag),	      IN_CPU(dflag),
	IN_CPU(sysflags),	 IN_CPU(tsc_offset),  IN_LIVE(exit),
	IN_LIVE(indirect),	 IN_LIVE(edge),	      IN_LIVE(irq_waiting),
	IN_LIVE(sti_eip),	 IN_LIVE(tsc_base),   IN_LIVE(fpu_blocked),
	IN_LIVE(sse_blocked),	 IN_LIVE(soft_post),  IN_LIVE(spill),
	IN_LIVE(user_window),	 IN_LIVE(window_map), IN_LIVE(user_window_map),
	IN_LIVE(seg_window[0]),	 IN_LIVE(seg_window[1]), IN_LIVE(call_made),
	IN_LIVE(call_timed), IN_LIVE(recent),     IN_LIVE(block),
	IN_CPU(entry_told),	 IN_CPU(sysenter_cs),
};

/* In the order of stubs_emit. */
#define STUB(name) { offsetof(struct bt, stub_##name), "stub_" #name }
static const struct {
	size_t offset;
	const char *name;
} stubs[] = {
	STUB(enter), STUB(resume), STUB(fault), STUB(exit_plain),
	STUB(exit_edge), STUB(dead), STUB(jump), STUB(slot),
	STUB(return), STUB(returned),
	STUB(op), STUB(int), STUB(iret), STUB(sysenter), STUB(sysexit),
	STUB(inval_page), STUB(soft), STUB(watched), STUB(pages[0]),
	STUB(cold[0]), STUB(cold_pages[0]), STUB(pages[1]), STUB(cold[1]),
	STUB(cold_pages[1]),
	STUB(post), STUB(fpu),
	STUB(fpu_ahead), STUB(tell),
};

static const u8 *stub_start(const struct bt *bt, unsigned i)
{
	const u8 *stub;

	__builtin_memcpy(&stub, (const u8 *)bt + stubs[i].offset, sizeof(stub));
	return stub;
}

static const char *name_of_stub(const struct bt *bt, u64 at)
{
	for (unsigned i = 0; i < ARRAY_LEN(stubs); i++)
		if (at == (u64)(uintptr_t)stub_start(bt, i))
			return stubs[i].name;
	return NULL;
}

bool bt_stub(const struct bt *bt, unsigned index, struct bt_stub_view *v)
{
	const u8 *end = bt->code_x + bt->stubs_size;

	if (index >= ARRAY_LEN(stubs))
		return false;
	if (index + 1 < ARRAY_LEN(stubs))
		end = stub_start(bt, index + 1);
	v->host = stub_start(bt, index);
	v->len = (u32)(end - v->host);
	v->name = stubs[index].name;
	return true;
}

void bt_on_block(struct bt *bt,
		 void (*fn)(void *arg, const struct bt_block_view *b),
		 void *arg)
{
	bt->on_block = fn;
	bt->block_arg = arg;
}

/* "block 12", for the head of one. */
static const char *name_of_block(const struct bt *bt, u64 at)
{
	static char name[24];

	for (u32 i = 0; i < bt->block_count; i++) {
		const struct block *b = bt->order[i];

		if ((u64)(uintptr_t)b->host != at)
			continue;
		__builtin_snprintf(name, sizeof(name), "block %u%s", i,
				   b->dead ? " (dead)" : "");
		return name;
	}
	return NULL;
}

const char *bt_host_name(const struct bt *bt, u64 at)
{
	u64 area = (u64)(uintptr_t)bt->area;
	u64 counts = (u64)(uintptr_t)bt->live->calls;

	for (unsigned i = 0; i < ARRAY_LEN(fields); i++)
		if (at - area == fields[i].offset)
			return fields[i].name;
	if (at - counts < sizeof(bt->live->calls))
		return "live.calls";
	if (at - (u64)(uintptr_t)bt->meta < bt->meta_size)
		return "the instruction, decoded";
	if (at - (u64)(uintptr_t)bt->code_x < bt->code_size &&
	    name_of_block(bt, at))
		return name_of_block(bt, at);
	return name_of_stub(bt, at);
}

struct bt_spot bt_spot(const struct bt *bt, const void *at)
{
	struct bt_spot spot = { BT_SPOT_NONE, 0, false };
	const u8 *pc = at;
	const struct block *b;

	if (pc < bt->code_x || pc >= bt->code_x + bt->code_size + SLOT_STUBS)
		return spot;
	spot.kind = pc == bt->stub_fault ? BT_SPOT_FAULT
		    : pc >= bt->stub_jump && pc < bt->stub_op
			    ? BT_SPOT_LOOKUP
			    : BT_SPOT_EXIT;
	if (pc < bt->code_x + bt->stubs_size ||
	    pc >= bt->code_x + bt->code_size)
		return spot;
	b = cache_by_host(bt, pc);
	if (!b)
		return spot;
	spot.kind = BT_SPOT_CODE;
	spot.lin = b->lin + b->marks[block_insn_at(b, pc)].guest;
	spot.user = b->mode & MODE_USER;
	return spot;
}
