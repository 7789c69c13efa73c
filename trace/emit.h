/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this room share. */
#ifndef TRACE_EMIT_H
#define TRACE_EMIT_H

#include "trace/trace.h"

/* NULL until it is opened. */
extern const struct trace_provider *trace_provider;
extern u64 trace_ns_per_tick;
/* ms that an event may wait for room, in sessions of our own. */
enum { TRACE_BLOCK_MS = 2000 };
/* A time, in s since 1970, before which the last n events were not; 0: any. */
u64 trace_time_of_last(u64 n);
/* Events that were not recorded since nobody took them. */
u64 trace_left_out(void);
/* trace_on is another now. */
void trace_changed(void);

#endif
