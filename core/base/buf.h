/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growing buffer of bytes, always ended by a NUL that `len` does not
 * count.  Commands print into one; who shows it decides where it goes. */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include <stdarg.h>

#include "core/base/types.h"

struct buf {
	char *data; /* owned; NULL while nothing was added */
	size_t len, cap;
};

void buf_free(struct buf *b);
void buf_clear(struct buf *b);
/* Room for n more bytes and the NUL at data + len, for who writes them
 * itself. */
void buf_reserve(struct buf *b, size_t n);
void buf_append(struct buf *b, const void *bytes, size_t n);
void buf_byte(struct buf *b, char c);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same in the shape that the rooms' show functions take (bus_print);
 * `to` is a struct buf. */
void buf_print(void *to, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The text so far, "" when empty. */
const char *buf_text(const struct buf *b);

#endif
