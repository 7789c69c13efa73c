/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log keeps the last lines and forgets the rest: it can be written to
 * from anywhere, for ever, and costs the same.  It never goes to standard
 * error by itself; what a person must see at once is printed by whoever
 * answers that person. */
#include "core/base/log.h"

#include <stdio.h>

void log_line(struct log *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->line[l->count++ % LOG_LINES], LOG_WIDTH, fmt, ap);
	va_end(ap);
}

void log_show(const struct log *l, unsigned n, struct buf *out)
{
	u64 from = l->count > LOG_LINES ? l->count - LOG_LINES : 0;

	if (n < l->count - from)
		from = l->count - n;
	for (u64 i = from; i < l->count; i++)
		buf_printf(out, "%s\n", l->line[i % LOG_LINES]);
}
