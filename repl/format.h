/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gdb's formats: `/8xw`, `p/t`, `x/5i`. */
#ifndef REPL_FORMAT_H
#define REPL_FORMAT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/debug/debug.h"

struct format {
	unsigned count;
	char letter; /* x d u o t a c f s i z; 0: by type */
	char size;   /* b h w g; 0: by type */
};

/* Reads "/8xw" at *text, if it is there, over what `f` holds. */
int format_parse(const char **text, struct format *f, struct err *e);
unsigned format_size(const struct format *f);

/* One value; `fixed` pads to the size, as x does. */
void format_value(struct debug *d, const struct format *f, unsigned size,
		  const struct value *v, bool fixed, struct buf *out);

/* The memory dump of `x`; *at moves behind what was shown. */
int format_memory(struct debug *d, const struct format *f, u32 *at,
		  struct buf *out, struct err *e);

#endif
