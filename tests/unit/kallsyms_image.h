/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables as Linux's scripts/kallsyms.c makes them, for tests. */
#ifndef TESTS_UNIT_KALLSYMS_IMAGE_H
#define TESTS_UNIT_KALLSYMS_IMAGE_H

#include "core/base/buf.h"

enum { MADE_SYMBOLS = 700 };

/* Symbol i is named made_i, or by a name of 200 letters if i is 300 and
 * long ones are there, and its address is base + 16 * i. */
struct kallsyms_form {
	bool relative, sequence, long_names;
	bool behind; /* addresses and sequence come last, as since 6.4 */
	u32 base;
};
void kallsyms_image(const struct kallsyms_form *f, struct buf *out);

#endif
