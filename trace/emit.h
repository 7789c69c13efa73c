/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this room share. */
#ifndef TRACE_EMIT_H
#define TRACE_EMIT_H

#include "trace/trace.h"

/* NULL until it is opened. */
extern const struct trace_provider *trace_provider;
extern u64 trace_ns_per_tick;
/* trace_on is another now. */
void trace_changed(void);

#endif
