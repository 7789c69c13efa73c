/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LTTng's own programs, run for us (lttng.c). */
#ifndef TRACE_LTTNG_H
#define TRACE_LTTNG_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* Runs `lttng` (argv ends with NULL) with standard input empty, and gathers
 * what it says in `out`, if that is not NULL.  -1: it could not be run, gave no
 * answer in a good while, or did not succeed, as in e. */
int lttng_command(const char *const argv[], struct buf *out, struct err *e);

/* The last n events of a trace, as text: the status of the program that reads
 * it, -1: it takes too long. */
int lttng_view(const char *dir, const char *n, struct buf *out, struct err *e);
/* Makes a trace in directory `to` of the end of one: the last n events at
 * least (tail.c). */
int lttng_tail(const char *dir, u64 n, const char *to);

/* A session daemon answers; one is started as this user if need be.  Until
 * lttng_daemon_needed() it is not ended by others of us. */
int lttng_daemon_need(struct err *e);
void lttng_daemon_needed(void);
/* Ends it, if a program like this one has started it and no session is left. */
void lttng_daemon_done(void);

/* The same done by the sandbox's broker: struct sandbox_errand. */
int lttng_errand(unsigned argc, char **argv, struct buf *out, struct err *e);
int lttng_view_errand(unsigned argc, char **argv, struct buf *out,
		      struct err *e);
int lttng_daemon_errand(unsigned argc, char **argv, struct buf *out,
			struct err *e);
int lttng_daemon_needed_errand(unsigned argc, char **argv, struct buf *out,
			       struct err *e);
int lttng_daemon_done_errand(unsigned argc, char **argv, struct buf *out,
			     struct err *e);

#endif
