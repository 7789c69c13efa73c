/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of text for a failure: formatted where it is known best. */
#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_ends(struct err *e, const char *line, size_t len)
{
	static const char gap[] = " ... ";
	size_t half = (sizeof(e->text) - sizeof(gap)) / 2;

	memcpy(e->text, line, half);
	memcpy(e->text + half, gap, sizeof(gap) - 1);
	memcpy(e->text + half + sizeof(gap) - 1, line + len - half, half + 1);
}

int (err_set)(struct err *e, const char *fmt, ...)
{
	va_list ap, again;
	char *line;
	int len;

	if (!e)
		return -1;
	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	if (len >= (int)sizeof(e->text) && vasprintf(&line, fmt, again) >= 0) {
		keep_ends(e, line, (size_t)len);
		free(line);
	}
	va_end(again);
	va_end(ap);
	return -1;
}
