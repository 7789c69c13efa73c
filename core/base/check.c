/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of the road when our own code is wrong. */
#include "core/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void (*check_hook)(const char *text);

enum { LEFT_MAX = 8, HOST_STATUS = 4 };

static const char *volatile left[LEFT_MAX];

void check_leaves(const char *path)
{
	for (int i = 0; i < LEFT_MAX; i++)
		if (!left[i]) {
			left[i] = path;
			return;
		}
}

void check_keeps(const char *path)
{
	for (int i = 0; i < LEFT_MAX; i++)
		if (left[i] == path)
			left[i] = NULL;
}

void check_clean_up(void)
{
	for (int i = 0; i < LEFT_MAX; i++)
		if (left[i])
			unlink(left[i]);
}

/* The terminal is given back, and nothing is left. */
static void end_badly(const char *text)
{
	void (*hook)(const char *) = check_hook;

	check_hook = NULL;
	if (hook)
		hook(text);
	check_clean_up();
}

void check_no_memory(const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	fprintf(stderr, "vitrine: no host memory for %s\n", what);
	end_badly(what);
	_exit(HOST_STATUS);
}

char *check_copy(const char *text)
{
	char *copy = strdup(text);

	NEED_MEMORY(copy, "%zu bytes of text", strlen(text) + 1);
	return copy;
}

void check_failed(const char *file, int line, const char *cond, const char *fmt,
		  ...)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "vitrine: %s:%d: %s: ", file, line,
			 cond);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(text))
		vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s\n", text);
	end_badly(text);
	abort();
}
