/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields of descriptors, for those who show and those who check. */
#ifndef CORE_DEBUG_TABLES_PRIV_H
#define CORE_DEBUG_TABLES_PRIV_H

#include "core/debug/debug_priv.h"

static inline u32 tables_field(u64 d, unsigned from, unsigned bits)
{
	return (u32)(d >> from & ((1ull << bits) - 1));
}

static inline u32 tables_base(u64 d)
{
	return tables_field(d, 16, 24) | tables_field(d, 56, 8) << 24;
}

/* In bytes. */
static inline u32 tables_limit(u64 d)
{
	u32 limit = tables_field(d, 0, 16) | tables_field(d, 48, 4) << 16;

	return tables_field(d, 55, 1) ? limit << 12 | 0xfff : limit;
}

static inline u32 tables_gate_offset(u64 e)
{
	return tables_field(e, 0, 16) | tables_field(e, 48, 16) << 16;
}

bool tables_is_gate(unsigned type);

/* What is wrong with a descriptor that is present, NULL when nothing is. */
const char *tables_gate_flaw(struct debug *d, u64 e, bool in_idt);
const char *tables_segment_flaw(struct debug *d, u64 e, bool in_gdt);
/* Lines about the task state segment loaded, and the gates of exceptions that
 * every kernel needs. */
void tables_check_tss(struct debug *d, struct buf *out);
void tables_check_idt(const u64 *gates, unsigned count, struct buf *out);

#endif
