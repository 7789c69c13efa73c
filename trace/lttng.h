/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LTTng's own programs, run for us (lttng.c). */
#ifndef TRACE_LTTNG_H
#define TRACE_LTTNG_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* Runs a program (argv ends with NULL) with standard input empty, and gathers
 * what it says in `out`, if that is not NULL.  Its exit status; -1: it could not be run, or gave
 * no answer in a good while, as in e. */
int lttng_run(const char *const argv[], struct buf *out, struct err *e);
/* The same for a program that reads a trace, which may take long. */
int lttng_read(const char *const argv[], struct buf *out, struct err *e);
/* The same for `lttng`: -1 also when it did not succeed, with its words. */
int lttng_command(const char *const argv[], struct buf *out, struct err *e);

/* A session daemon answers; one is started as this user if need be.  Until
 * lttng_daemon_needed() it is not ended by others of us. */
int lttng_daemon_need(struct err *e);
void lttng_daemon_needed(void);
/* Ends it, if a program like this one has started it and no session is left. */
void lttng_daemon_done(void);

#endif
