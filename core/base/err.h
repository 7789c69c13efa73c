/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What went wrong on the host's or the user's side, as one line of text.
 * A function that can fail so takes a struct err last and returns -1. */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

struct err {
	char text[512];
};

/* Formats the line and returns -1, so `return err_set(e, ...)` reads well.
 * `e` may be NULL when the caller does not want the text.  A line too long
 * loses its middle: names come first and reasons last. */
int err_set(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Whoever compiles or analyses a caller sees what comes back. */
static inline int err_is_set(void)
{
	return -1;
}
#define err_set(...) (err_set(__VA_ARGS__), err_is_set())

#endif
