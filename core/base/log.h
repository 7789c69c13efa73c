/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happened lately: a ring of lines that the console's `log` shows. */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include "core/base/buf.h"
#include "core/base/types.h"

enum { LOG_LINES = 256, LOG_WIDTH = 160 };

/* All zero is an empty log. */
struct log {
	char line[LOG_LINES][LOG_WIDTH];
	u64 count; /* lines ever written; the next goes to count % LOG_LINES */
};

/* Adds one line (no newline), cut at LOG_WIDTH. */
void log_line(struct log *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints the last `n` lines, oldest first. */
void log_show(const struct log *l, unsigned n, struct buf *out);

#endif
