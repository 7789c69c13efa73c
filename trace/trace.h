/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace events, for LTTng: TRACE(bt_link, .target = x, ...) where one happens.
 *
 * What records them, LTTng's library and the provider made for it
 * (provider.h), is a shared object that is opened only when somebody may be
 * listening (load.c).  Until then, and while nobody records an event, its
 * TRACE is a load and a branch; what translated code would have to do is not
 * in it at all.
 *
 * Guest registers of x87 and SSE may be live where events happen: they are put
 * away while an event is recorded (emit.c). */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "trace/record.h"

/* Not 0: somebody records the event, as of the last trace_poll(). */
extern u8 trace_on[TRACE_EVENTS];

#define TRACING(name) __builtin_expect(trace_on[TRACE_##name], 0)
#define TRACE(name, ...)                                             \
	do {                                                         \
		if (TRACING(name)) {                                 \
			struct trace_##name record_ = {__VA_ARGS__}; \
			trace_emit(TRACE_##name, &record_.head);     \
		}                                                    \
	} while (0)

/* Records; the head is filled in. */
void trace_emit(enum trace_event event, struct trace_head *head);
/* Fills in a head: of what is told later, or is not sure yet. */
void trace_where(struct trace_head *head);
/* Records with a head that is filled in already. */
void trace_record(enum trace_event event, const struct trace_head *head);

/* Host nanoseconds that so many ticks of its time-stamp counter take. */
u64 trace_ns(u64 ticks);

/* Where the guest is: set once by the machine. */
struct trace_machine {
	void *arg;
	void (*where)(void *arg, struct trace_head *head);
	/* Are the guest's x87 and SSE registers in the host's? */
	const bool *fpu_live;
	/* trace_on has changed. */
	void (*changed)(void *arg);
};
void trace_set_machine(const struct trace_machine *m);

/* Looks whether somebody records now what he did not, or the other way
 * round; cheap enough for every few milliseconds. */
void trace_poll(void);
/* As the process starts. */
void trace_begin(void);
/* Before there is a machine: when a daemon is there, opens the provider, so that
 * sessions that are under way have every event once the machine runs. */
void trace_start_up(void);
/* Opens the provider now.  -1: cannot, with the reason. */
int trace_load(struct err *e);
/* The provider's file; false: there is none. */
enum { TRACE_PATH = 4096 + 64 };
bool trace_provider_path(char *path, size_t size);
/* Events recorded since the provider was opened (by any session). */
u64 trace_count(enum trace_event event);
bool trace_any(void);

/* ---- what there is ---- */
struct trace_row {
	const char *provider, *name, *group, *text;
};
/* Of any event below TRACE_EVENTS; a call that there is not has no name. */
const struct trace_row *trace_row(unsigned event);

/* ---- sessions of our own (session.c) ---- */

/* Records the events of a list such as "vmi,bt:translate,SetPxE" (groups,
 * events, calls; NULL or "all": all but stacks) into directory `dir`, NULL: one
 * named by the time. What a program that reads the trace needs besides is
 * written there, as `extras` does it. */
struct trace_extras {
	void *arg;
	void (*machine)(void *arg, struct buf *json);
	void (*symbols)(void *arg, struct buf *lines);
	void (*counters)(void *arg, struct buf *json);
};
int trace_session_start(const char *events, const char *dir,
			const struct trace_extras *extras, struct err *e);
bool trace_session_active(void);
/* Where the last one is recorded; "" if there was none. */
const char *trace_session_directory(void);
/* Ends it, and says in `out` what came of it.  -1: trouble, as in e. */
int trace_session_stop(struct buf *out, struct err *e);
void trace_session_status(struct buf *out);
/* The last n events, as text. */
int trace_session_view(unsigned n, struct buf *out, struct err *e);
/* At the end of the process. */
int trace_session_end(struct buf *out, struct err *e);

#endif
