/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tracepoints: at each hit what was asked for is put aside and the guest goes
 * on; gdb looks at the hits later (tfind), or saves them (tsave).
 *
 * A hit is a frame of the buffer, in the form that gdb reads as it is:
 *
 *	u16 tracepoint, u32 length, blocks:
 *	R all registers, as the g packet has them
 *	M u64 address, u16 length, bytes
 *	V u32 number, s64 value of a trace state variable
 *
 * While the client has chosen a frame (trace_look.c), registers and memory are
 * those of the frame, and what was not collected is not known.
 *
 * A tracepoint is a probe (core/debug): conditions and collecting happen where
 * the guest meets it, and nothing stops.  Markers of the VMI ROM, one a call,
 * are tracepoints whose addresses the stub tells. */
#include "gdbstub/trace_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/cpu/cpu.h"
#include "core/debug/regs.h"
#include "vmi/vmi.h"

struct trace *trace_get(struct gdbstub *g)
{
	if (!g->trace) {
		g->trace = calloc(1, sizeof(*g->trace));
		CHECK(g->trace, "no host memory to trace");
		g->trace->limit = BUFFER_USUAL;
		g->trace->shown = -1;
	}
	return g->trace;
}

static void free_point(struct point *p)
{
	if (p->probe)
		debug_break_delete(p->g->d, p->probe);
	for (unsigned i = 0; i < p->action_count; i++)
		agent_free(p->actions[i].agent);
	agent_free(p->condition);
	free(p->actions);
	free(p);
}

static void take_probes(struct trace *t)
{
	for (unsigned i = 0; i < t->point_count; i++) {
		if (t->points[i]->probe)
			debug_break_delete(t->points[i]->g->d,
					   t->points[i]->probe);
		t->points[i]->probe = NULL;
	}
}

void trace_forget(struct gdbstub *g)
{
	struct trace *t = g->trace;

	if (!t)
		return;
	debug_probe_steps(g->d, 0, NULL, NULL);
	take_probes(t);
	for (unsigned i = 0; i < t->point_count; i++)
		free_point(t->points[i]);
	buf_free(&t->frames);
	free(t->at);
	free(t);
	g->trace = NULL;
}

/* ---- collecting ---- */

static void end_tracing(struct trace *t, const char *why, unsigned number)
{
	t->on = false;
	t->why = why;
	t->why_number = number;
}

/* Drops the older half of what there is. */
static void make_room(struct trace *t)
{
	size_t half = t->count / 2, from = half ? t->at[half] : t->open;

	memmove(t->frames.data, t->frames.data + from, t->frames.len - from);
	t->frames.len -= from;
	t->open -= from;
	t->count -= half ? half : t->count;
	for (size_t i = 0; i < t->count; i++)
		t->at[i] = t->at[i + half] - from;
}

static void begin_frame(struct trace *t, const struct point *p)
{
	u16 number = (u16)p->number;
	u32 length = 0;

	t->open = t->frames.len;
	buf_append(&t->frames, &number, 2);
	buf_append(&t->frames, &length, 4);
}

static void end_frame(struct trace *t, struct point *p)
{
	u32 length = (u32)(t->frames.len - t->open - FRAME_HEAD);

	memcpy(t->frames.data + t->open + 2, &length, 4);
	if (t->frames.len > t->limit && t->circular)
		make_room(t);
	if (t->frames.len > t->limit) {
		t->frames.len = t->open;
		end_tracing(t, "tfull", 0);
		return;
	}
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->at = realloc(t->at, t->room * sizeof(*t->at));
		CHECK(t->at, "no host memory to trace");
	}
	t->at[t->count++] = t->open;
	t->created++;
	p->usage += length + FRAME_HEAD;
}

static void collect_memory(void *arg, u32 addr, u32 len)
{
	struct gdbstub *g = arg;
	struct trace *t = g->trace;
	u8 bytes[4096];
	u64 at = addr;

	while (len) {
		u32 want = len < sizeof(bytes) ? len : sizeof(bytes);
		u16 got = (u16)debug_read(g->d, (gla_t)at, bytes, want);

		if (got && t->frames.len < t->limit + BUFFER_USUAL) {
			buf_byte(&t->frames, 'M');
			buf_append(&t->frames, &at, 8);
			buf_append(&t->frames, &got, 2);
			buf_append(&t->frames, bytes, got);
		}
		if (got < want)
			return;
		at += got;
		len -= got;
	}
}

static void collect_variable(void *arg, unsigned number)
{
	struct gdbstub *g = arg;
	struct trace *t = g->trace;
	u32 n = number;

	if (number >= VARIABLES_MAX)
		return;
	buf_byte(&t->frames, 'V');
	buf_append(&t->frames, &n, 4);
	buf_append(&t->frames, &t->variable[number].value, 8);
}

static bool get_variable(void *arg, unsigned number, s64 *value)
{
	struct gdbstub *g = arg;

	if (number >= VARIABLES_MAX || !g->trace->variable[number].used)
		return false;
	*value = g->trace->variable[number].value;
	return true;
}

static bool set_variable(void *arg, unsigned number, s64 value)
{
	struct gdbstub *g = arg;

	if (number >= VARIABLES_MAX || !g->trace->variable[number].used)
		return false;
	g->trace->variable[number].value = value;
	return true;
}

static bool read_register(void *arg, unsigned number, u64 *value)
{
	struct gdbstub *g = arg;
	struct agent_env env;

	debug_agent_env(g->d, &env);
	return env.reg(env.arg, number, value);
}

static unsigned read_memory(void *arg, u32 addr, void *to, unsigned len)
{
	struct gdbstub *g = arg;

	return debug_read(g->d, addr, to, len);
}

static void print(void *arg, const char *text, size_t len)
{
	server_say(arg, text, len);
}

static u64 evaluate(struct gdbstub *g, const struct agent *a)
{
	struct agent_env env = {
		.arg = g,
		.reg = read_register,
		.read = read_memory,
		.get = get_variable,
		.set = set_variable,
		.trace = collect_memory,
		.trace_variable = collect_variable,
		.print = print,
	};
	u64 v = 0;

	return agent_run(a, &env, &v, NULL) ? 0 : v;
}

static void collect_registers(struct gdbstub *g)
{
	struct buf *to = &g->trace->frames;
	u8 bytes[16];

	buf_byte(to, 'R');
	for (enum reg r = 0; reg_group(r) != REG_PART; r++) {
		reg_read_bytes(vm_cpu(g->vm), r == REG_eip ? REG_pc : r, bytes);
		buf_append(to, bytes, reg_size(r));
	}
}

static void do_action(struct gdbstub *g, const struct trace_action *a)
{
	u64 base = 0;

	switch (a->kind) {
	case ACTION_REGISTERS:
		collect_registers(g);
		break;
	case ACTION_MEMORY:
		if (a->base >= 0)
			read_register(g, (unsigned)a->base, &base);
		collect_memory(g, (u32)base + a->offset, a->len);
		break;
	default:
		evaluate(g, a->agent);
	}
}

static void collect(struct point *p, bool stepping)
{
	struct trace *t = p->g->trace;

	if (!t->on)
		return;
	begin_frame(t, p);
	for (unsigned i = 0; i < p->action_count; i++)
		if (p->actions[i].when_stepping == stepping)
			do_action(p->g, &p->actions[i]);
	end_frame(t, p);
}

static void stepped(void *arg)
{
	collect(arg, true);
}

/* The guest has met it; it never stops for that. */
static bool met(void *arg)
{
	struct point *p = arg;
	struct trace *t = p->g->trace;

	if (!t->on || !p->enabled ||
	    (p->condition && !evaluate(p->g, p->condition)))
		return false;
	p->hits++;
	collect(p, false);
	if (p->steps && t->on)
		debug_probe_steps(p->g->d, p->steps, stepped, p);
	if (p->pass && p->hits >= p->pass)
		end_tracing(t, "tpasscount", p->number);
	return false;
}

static bool arm(struct point *p)
{
	if (!p->probe)
		p->probe = debug_probe_add(p->g->d, p->addr, met, p);
	return p->probe;
}

/* ---- defining ---- */

void packet_trace_init(struct gdbstub *g, struct args *a)
{
	(void)a;
	trace_forget(g);
	trace_get(g);
	reply_ok(g);
}

static struct point *find(struct gdbstub *g, u64 number, u64 addr)
{
	struct trace *t = trace_get(g);

	for (unsigned i = 0; i < t->point_count; i++)
		if (t->points[i]->number == number &&
		    t->points[i]->addr == addr)
			return t->points[i];
	return NULL;
}

/* "NUMBER:ADDR" */
static bool parse_which(struct args *a, u64 *number, u64 *addr)
{
	return args_hex(a, number) && args_char(a, ':') && args_hex(a, addr) &&
	       *number <= 0xffff && *addr <= UINT32_MAX;
}

/* ":X LEN,CODE", ":F LEN", ":S", in any order. */
static int parse_options(struct args *a, struct point *p, struct err *e)
{
	struct trace_action *list = NULL;
	unsigned count = 0;
	u64 ignored;
	int failed = 0;

	while (!failed && args_char(a, ':')) {
		if (args_char(a, 'F'))
			args_hex(a, &ignored);
		else if (!args_char(a, 'S')) {
			failed = trace_parse_actions(a, &list, &count, e);
			if (!failed && count == 1 && list->agent) {
				agent_free(p->condition);
				p->condition = list->agent;
				list->agent = NULL;
			}
			for (unsigned i = 0; i < count; i++)
				agent_free(list[i].agent);
			count = 0;
		}
	}
	free(list);
	return failed;
}

/* gdb defines all of them again when it has looked at libraries. */
static void forget(struct trace *t, struct point *again)
{
	for (unsigned i = 0; i < t->point_count; i++) {
		struct point *old = t->points[i];

		if (old->number != again->number || old->addr != again->addr)
			continue;
		again->hits = old->hits;
		again->usage = old->usage;
		free_point(old);
		t->points[i] = t->points[--t->point_count];
		return;
	}
}

/* "NUMBER:ADDR:E|D:STEPS:PASS..." */
static void define(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);
	struct point *p = calloc(1, sizeof(*p));
	u64 number, addr;
	struct err e;
	bool good;

	NEED_MEMORY(p, "a tracepoint");
	p->g = g;
	good = parse_which(a, &number, &addr) && args_char(a, ':');
	p->enabled = good && args_char(a, 'E');
	good = good && (p->enabled || args_char(a, 'D')) && args_char(a, ':') &&
	       args_hex(a, &p->steps) && args_char(a, ':') &&
	       args_hex(a, &p->pass) && t->point_count < POINTS_MAX;
	if (!good || parse_options(a, p, &e)) {
		free_point(p);
		good ? reply_error(g, "%s", e.text) : reply_errno(g, 1);
		return;
	}
	p->number = (unsigned)number;
	p->addr = (gla_t)addr;
	forget(t, p);
	t->points[t->point_count++] = p;
	if (t->on)
		arm(p);
	reply_ok(g);
}

void packet_trace_point(struct gdbstub *g, struct args *a)
{
	u64 number, addr;
	struct point *p;
	struct err e;

	if (!args_char(a, '-')) {
		define(g, a);
		return;
	}
	if (!parse_which(a, &number, &addr) || !args_char(a, ':') ||
	    !(p = find(g, number, addr)))
		reply_errno(g, 1);
	else if (trace_parse_actions(a, &p->actions, &p->action_count, &e))
		reply_error(g, "%s", e.text);
	else
		reply_ok(g);
}

void packet_trace_source(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply_ok(g);
}

void packet_trace_notes(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply_ok(g);
}

/* "NUMBER:VALUE:..." */
void packet_trace_variable(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);
	u64 number, value;

	if (!args_hex(a, &number) || !args_char(a, ':') ||
	    !args_hex(a, &value) || number >= VARIABLES_MAX) {
		reply_errno(g, 1);
		return;
	}
	t->variable[number].used = true;
	t->variable[number].value = (s64)value;
	reply_ok(g);
}

void packet_trace_read_only(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);
	u64 from, to;

	t->fixed_count = 0;
	while (args_hex(a, &from) && args_char(a, ',') && args_hex(a, &to)) {
		if (t->fixed_count < ARRAY_LEN(t->fixed)) {
			t->fixed[t->fixed_count].from = (u32)from;
			t->fixed[t->fixed_count++].to = (u32)to;
		}
		args_char(a, ':');
	}
	reply_ok(g);
}

static void enable(struct gdbstub *g, struct args *a, bool on)
{
	u64 number, addr;
	struct point *p;

	if (!parse_which(a, &number, &addr) || !(p = find(g, number, addr))) {
		reply_errno(g, 1);
		return;
	}
	p->enabled = on;
	reply_ok(g);
}

void packet_trace_enable(struct gdbstub *g, struct args *a)
{
	enable(g, a, true);
}

void packet_trace_disable(struct gdbstub *g, struct args *a)
{
	enable(g, a, false);
}

/* "circular:0|1" or "size:BYTES", -1: as usual */
void packet_trace_buffer(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);
	u64 v;

	if (args_word(a, "circular:") && args_hex(a, &v)) {
		t->circular = v;
	} else if (args_word(a, "size:") &&
		   (args_word(a, "-1") ? (v = BUFFER_USUAL, true)
				       : args_hex(a, &v)) &&
		   v <= BUFFER_MAX) {
		t->limit = v;
	} else {
		reply_errno(g, 1);
		return;
	}
	reply_ok(g);
}

/* ---- running ---- */

void packet_trace_start(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);

	(void)a;
	buf_clear(&t->frames);
	t->count = t->created = 0;
	t->shown = -1;
	t->on = t->was_on = true;
	for (unsigned i = 0; i < t->point_count; i++) {
		t->points[i]->hits = t->points[i]->usage = 0;
		if (!arm(t->points[i])) {
			reply_error(g, "no host memory for a tracepoint");
			return;
		}
	}
	reply_ok(g);
}

void packet_trace_stop(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);

	(void)a;
	if (t->on)
		end_tracing(t, "tstop:", 0);
	take_probes(t);
	reply_ok(g);
}

void packet_trace_status(struct gdbstub *g, struct args *a)
{
	struct trace *t = trace_get(g);
	size_t left = t->limit > t->frames.len ? t->limit - t->frames.len : 0;

	(void)a;
	reply(g, "T%d;", t->on);
	if (t->on || !t->was_on)
		reply(g, "tnotrun:0;");
	else
		reply(g, "%s:%x;", t->why, t->why_number);
	reply(g,
	      "tframes:%zx;tcreated:%zx;tfree:%zx;tsize:%zx;circular:%d;"
	      "disconn:0",
	      t->count, t->created, left, t->limit, t->circular);
}

void packet_trace_hits(struct gdbstub *g, struct args *a)
{
	u64 number, addr;
	struct point *p;

	if (!parse_which(a, &number, &addr) || !(p = find(g, number, addr)))
		reply_errno(g, 1);
	else
		reply(g, "V%llx:%llx", (unsigned long long)p->hits,
		      (unsigned long long)p->usage);
}

void packet_trace_none(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "l");
}

void packet_trace_min_length(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "1");
}

/* ---- markers ---- */

/* "ADDR:ID:TEXT", the latter two in hexadecimal */
static void marker(struct gdbstub *g, unsigned call)
{
	char id[64];
	const struct vmi_row *row = vmi_row(call);

	snprintf(id, sizeof(id), "vmi/%s", row->name);
	reply(g, "%x:", vmi_stub_linear(g->cfg.vmi, call));
	hex_encode(&g->reply, id, strlen(id));
	reply(g, ":");
	hex_encode(&g->reply, row->meaning, strlen(row->meaning));
}

void packet_trace_markers(struct gdbstub *g, struct args *a)
{
	(void)a;
	for (unsigned i = 0; vm_shows_vmi(g->vm) && i < VMI_CALLS; i++) {
		reply(g, i ? "," : "m");
		marker(g, i);
	}
	if (!g->reply.len)
		reply(g, "l");
}

void packet_trace_no_markers(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "l");
}

/* gdb 13 writes a marker's name into a tracepoint that it has not constructed
 * yet, and dies of that most of the time; so it learns of none at an address,
 * and makes the tracepoint there all the same. */
void packet_trace_markers_at(struct gdbstub *g, struct args *a)
{
	u64 addr;

	if (args_hex(a, &addr))
		reply(g, "l");
	else
		reply_errno(g, 1);
}
