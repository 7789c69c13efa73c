/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of the road when our own code is wrong. */
#include "core/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void (*check_hook)(const char *text);

void check_failed(const char *file, int line, const char *cond,
		  const char *fmt, ...)
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
	if (check_hook) {
		void (*hook)(const char *) = check_hook;

		check_hook = NULL;
		hook(text);
	}
	abort();
}
