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
/* Events that were not recorded since nobody took them. */
u64 trace_left_out(void);
/* trace_on is another now. */
void trace_changed(void);

#endif
