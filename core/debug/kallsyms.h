/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The symbols that a 32-bit Linux carries in its own memory. */
#ifndef CORE_DEBUG_KALLSYMS_H
#define CORE_DEBUG_KALLSYMS_H

#include "core/base/types.h"

/* Where the tables are, all within the bytes that were searched. */
struct kallsyms {
	const u8 *names, *token_table, *token_index;
	const u8 *addresses;
	u32 count;
	bool relative; /* addresses are offsets from base */
	u32 base;
};

/* Looks for the tables in `len` bytes; from *at on, which moves behind where
 * it looked.  False: there are none any more. */
bool kallsyms_find(const u8 *bytes, size_t len, size_t *at,
		   struct kallsyms *found);
/* Calls fn for each symbol, in order of address, with its type as nm has it. */
void kallsyms_each(const struct kallsyms *k,
		   void (*fn)(void *arg, const char *name, u32 addr, char type),
		   void *arg);

#endif
