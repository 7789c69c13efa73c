/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tracing's files share: the tracepoints, and the buffer of hits. */
#ifndef GDBSTUB_TRACE_PRIV_H
#define GDBSTUB_TRACE_PRIV_H

#include "gdbstub/stub_priv.h"

enum {
	POINTS_MAX = 1024,
	VARIABLES_MAX = 256,
	BUFFER_USUAL = 5 << 20,
	BUFFER_MAX = 1 << 30,
	FRAME_HEAD = 6,
};

struct point {
	struct gdbstub *g;
	unsigned number;
	gla_t addr;
	bool enabled;
	u64 steps, pass, hits, usage;
	struct agent *condition; /* owned; NULL: always */
	struct trace_action *actions;
	unsigned action_count;
	struct breakpoint *probe; /* while tracing */
};

struct trace {
	struct point *points[POINTS_MAX];
	unsigned point_count;
	struct {
		bool used;
		s64 value;
	} variable[VARIABLES_MAX];
	bool on, was_on, circular;
	const char *why; /* it ended: in gdb's words */
	unsigned why_number;
	size_t limit;
	struct buf frames;
	size_t *at; /* where each begins; grows */
	size_t count, room, created;
	size_t open; /* where the frame being made begins */
	struct point *stepping;
	long shown; /* -1: the guest as it is */
	struct {
		u32 from, to;
	} fixed[16];
	unsigned fixed_count;
};

/* The client's, made when it is first asked for. */
struct trace *trace_get(struct gdbstub *g);

#endif
