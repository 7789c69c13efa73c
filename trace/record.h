/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The records that events are handed over in, made from events.def: what the
 * program and the provider, a shared object, must agree upon. */
#ifndef TRACE_RECORD_H
#define TRACE_RECORD_H

#include "core/base/types.h"

struct trace_head {
	u64 icount;
	u32 eip, cr3;
	u8 cpl;
};

#define X32(name, text) u32 name;
#define X64(name, text) u64 name;
#define U8(name, text) u8 name;
#define U16(name, text) u16 name;
#define U32(name, text) u32 name;
#define U64(name, text) u64 name;
#define LIST(list, name, text) u8 name;
#define STR(name, text) const char *name;
#define WORDS(name, n, text) u8 name##_count; u32 name[n];
#define HIDDEN(name) u32 name;
#define EVENT(provider, name, group, fields, text) \
	struct trace_##provider##_##name {         \
		struct trace_head head;            \
		fields                             \
	};
#include "trace/events.def"
#undef X32
#undef X64
#undef U8
#undef U16
#undef U32
#undef U64
#undef LIST
#undef STR
#undef WORDS
#undef HIDDEN

/* Calls have events of their own, from TRACE_CALL on, by their numbers. */
enum trace_event {
#define EVENT(provider, name, group, fields, text) TRACE_##provider##_##name,
#include "trace/events.def"
	TRACE_CALL,
	TRACE_CALLS_MAX = 128,
	TRACE_EVENTS = TRACE_CALL + TRACE_CALLS_MAX
};

/* The words of LIST fields (lists.def): TRACE_window_USER. */
enum trace_word {
#define WORD(list, name, value) TRACE_##list##_##name = value,
#include "trace/lists.def"
};

/* What the shared object gives: for each event how to record it and whether
 * somebody does.  NULL: there is no such event. */
enum {
	TRACE_VERSION = 1,
	TRACE_LAYOUT = 0
#define EVENT(provider, name, group, fields, text) \
	+ (TRACE_##provider##_##name + 1) * sizeof(struct trace_##provider##_##name)
#include "trace/events.def"
};
struct trace_provider {
	u32 version, events, layout;
	struct trace_tracepoint {
		void (*record)(const struct trace_head *head);
		bool (*on)(void);
	} of[TRACE_EVENTS];
};

#endif
