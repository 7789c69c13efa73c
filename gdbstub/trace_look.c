/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at what tracepoints have collected: a frame is chosen, and registers,
 * memory and variables are answered from it (trace.c says how it is kept). */
#include "gdbstub/trace_priv.h"

#include <string.h>

#include "core/debug/regs.h"

/* The frame's blocks of a kind, one after the other from *from on. */
static const u8 *next_block(const struct trace *t, size_t frame, char kind,
			    size_t registers, size_t *from)
{
	const u8 *data = (const u8 *)t->frames.data + t->at[frame];
	u32 length;
	size_t at = *from ? *from : FRAME_HEAD;

	memcpy(&length, data + 2, 4);
	while (at < length + FRAME_HEAD) {
		const u8 *block = data + at;
		u16 n = 0;

		if (*block == 'M')
			memcpy(&n, block + 9, 2);
		at += *block == 'R'   ? 1 + registers
		      : *block == 'V' ? 13
				      : 11u + n;
		if (*block == (u8)kind) {
			*from = at;
			return block;
		}
	}
	return NULL;
}

static size_t registers_size(void)
{
	size_t n = 0;

	for (enum reg r = 0; reg_group(r) != REG_PART; r++)
		n += reg_size(r);
	return n;
}

static const struct point *point_of(struct trace *t, size_t frame)
{
	u16 number;

	memcpy(&number, t->frames.data + t->at[frame], 2);
	for (unsigned i = 0; i < t->point_count; i++)
		if (t->points[i]->number == number)
			return t->points[i];
	return NULL;
}

/* Where in a frame's registers one begins; NULL: not collected. */
static const u8 *register_in(struct trace *t, size_t frame, enum reg wanted)
{
	size_t from = 0;
	const u8 *at = next_block(t, frame, 'R', registers_size(), &from);

	if (!at++)
		return NULL;
	for (enum reg r = 0; r < wanted; r++)
		at += reg_size(r);
	return at;
}

bool trace_is_shown(const struct gdbstub *g)
{
	return g->trace && g->trace->shown >= 0;
}

/* Where the hit was, is known in any case. */
static gla_t frame_pc(struct trace *t, size_t frame)
{
	const u8 *at = register_in(t, frame, REG_eip);
	const struct point *p = point_of(t, frame);
	gla_t pc = p ? p->addr : 0;

	if (at)
		memcpy(&pc, at, 4);
	return pc;
}

bool trace_register(struct gdbstub *g, unsigned number, u8 *bytes)
{
	struct trace *t = g->trace;
	const u8 *at = register_in(t, (size_t)t->shown, (enum reg)number);
	gla_t pc = frame_pc(t, (size_t)t->shown);

	if (at)
		memcpy(bytes, at, reg_size((enum reg)number));
	else if (number == REG_eip)
		memcpy(bytes, &pc, 4);
	else
		return false;
	return true;
}

static bool is_fixed(const struct trace *t, u32 addr, u32 len)
{
	for (unsigned i = 0; i < t->fixed_count; i++)
		if (addr >= t->fixed[i].from && addr < t->fixed[i].to &&
		    len <= t->fixed[i].to - addr)
			return true;
	return false;
}

u32 trace_memory(struct gdbstub *g, u32 addr, void *to, u32 len)
{
	struct trace *t = g->trace;
	size_t from = 0;
	const u8 *block;
	u64 at;
	u16 n;

	while ((block = next_block(t, (size_t)t->shown, 'M', registers_size(),
				   &from))) {
		memcpy(&at, block + 1, 8);
		memcpy(&n, block + 9, 2);
		if (addr < at || addr - at >= n)
			continue;
		n = (u16)(n - (addr - at));
		if (n > len)
			n = (u16)len;
		memcpy(to, block + 11 + (addr - at), n);
		return n;
	}
	return is_fixed(t, addr, len) ? debug_read(g->d, addr, to, len) : 0;
}

bool make_traceframe_info(struct gdbstub *g, const char *annex, struct buf *out)
{
	struct trace *t = g->trace;
	size_t from = 0;
	const u8 *block;
	u64 at;
	u32 number;
	u16 n;

	if (*annex || !trace_is_shown(g))
		return false;
	buf_printf(out, "<traceframe-info>\n");
	while ((block = next_block(t, (size_t)t->shown, 'M', registers_size(),
				   &from))) {
		memcpy(&at, block + 1, 8);
		memcpy(&n, block + 9, 2);
		buf_printf(out, "<memory start=\"0x%llx\" length=\"0x%x\"/>\n",
			   (unsigned long long)at, n);
	}
	from = 0;
	while ((block = next_block(t, (size_t)t->shown, 'V', registers_size(),
				   &from))) {
		memcpy(&number, block + 1, 4);
		buf_printf(out, "<tvar id=\"0x%x\"/>\n", number);
	}
	buf_printf(out, "</traceframe-info>\n");
	return true;
}

void packet_trace_value(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);
	size_t from = 0;
	const u8 *block;
	u32 found;
	u64 number;
	s64 v;

	if (!args_hex(a, &number) || number >= VARIABLES_MAX ||
	    !t->variable[number].used) {
		reply(g, "U");
		return;
	}
	v = t->variable[number].value;
	while (t->shown >= 0 && (block = next_block(t, (size_t)t->shown, 'V',
						    registers_size(), &from))) {
		memcpy(&found, block + 1, 4);
		if (found == number)
			memcpy(&v, block + 5, 8);
	}
	reply(g, "V%llx", (unsigned long long)v);
}

static bool number_fits(struct trace *t, size_t frame, u64 wanted, u64 unused)
{
	const struct point *p = point_of(t, frame);

	(void)unused;
	return p && p->number == wanted;
}

static bool pc_is(struct trace *t, size_t frame, u64 wanted, u64 unused)
{
	(void)unused;
	return frame_pc(t, frame) == wanted;
}

static bool pc_within(struct trace *t, size_t frame, u64 from, u64 to)
{
	return frame_pc(t, frame) >= from && frame_pc(t, frame) <= to;
}

static bool pc_outside(struct trace *t, size_t frame, u64 from, u64 to)
{
	return !pc_within(t, frame, from, to);
}

/* The next frame that fits. */
static void choose(struct gdbstub *g, struct args *a,
		   bool (*fits)(struct trace *t, size_t frame, u64 x, u64 y))
{
	struct trace *t = trace_get(g);
	u64 x, y = 0;

	if (!args_hex(a, &x) || (args_char(a, ':') && !args_hex(a, &y))) {
		reply_errno(g, 1);
		return;
	}
	for (size_t i = (size_t)(t->shown + 1); i < t->count; i++)
		if (fits(t, i, x, y)) {
			const struct point *p = point_of(t, i);

			t->shown = (long)i;
			reply(g, "F%zxT%x", i, p ? p->number : 0);
			return;
		}
	reply(g, "F-1");
}

void packet_trace_frame(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);
	const struct point *p;
	u64 n = ~0ull;

	if (args_word(a, "pc:")) {
		choose(g, a, pc_is);
	} else if (args_word(a, "tdp:")) {
		choose(g, a, number_fits);
	} else if (args_word(a, "range:")) {
		choose(g, a, pc_within);
	} else if (args_word(a, "outside:")) {
		choose(g, a, pc_outside);
	} else if (!args_word(a, "-1") && (!args_hex(a, &n) || a->len)) {
		reply_errno(g, 1);
	} else if (n < t->count) {
		t->shown = (long)n;
		p = point_of(t, n);
		reply(g, "F%llxT%x", (unsigned long long)n, p ? p->number : 0);
	} else {
		t->shown = n == ~0ull || n == UINT32_MAX ? -1 : t->shown;
		reply(g, "F-1");
	}
}

void packet_trace_raw(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);
	u64 from, len;

	if (!args_hex(a, &from) || !args_char(a, ',') || !args_hex(a, &len)) {
		reply_errno(g, 1);
		return;
	}
	if (from >= t->frames.len) {
		reply(g, "l");
		return;
	}
	if (len > t->frames.len - from)
		len = t->frames.len - from;
	if (len > PACKET_SIZE / 2)
		len = PACKET_SIZE / 2;
	hex_encode(&g->reply, t->frames.data + from, len);
}
