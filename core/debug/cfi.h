/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DWARF's call frame information: how, at an instruction, the caller's
 * registers are found.  A pure function of a section's bytes. */
#ifndef CORE_DEBUG_CFI_H
#define CORE_DEBUG_CFI_H

#include "core/base/types.h"

/* .debug_frame, or .eh_frame, which lies at `vma` in memory. */
struct cfi_section {
	const u8 *bytes;
	size_t len;
	u32 vma;
	bool is_eh;
};

/* DWARF's numbers: eax ecx edx ebx esp ebp esi edi eip. */
enum { CFI_ESP = 4, CFI_EIP = 8, CFI_REGS = 9 };

struct cfi_rule {
	enum {
		CFI_SAME,
		CFI_UNDEFINED,
		CFI_AT,	   /* at CFA + value */
		CFI_IS,	   /* CFA + value */
		CFI_IN,    /* in register `value` */
		CFI_OTHER, /* an expression: not known here */
	} how;
	s32 value;
};

/* CFA is register `cfa` plus `offset`. */
struct cfi_row {
	unsigned cfa;
	s32 offset;
	struct cfi_rule reg[CFI_REGS];
	bool is_signal; /* the caller was interrupted, not calling */
	unsigned eip; /* register that holds the return address */
};

/* The row for `pc`; false: the section says nothing of it, or nothing that can
 * be used here. */
bool cfi_find(const struct cfi_section *s, u32 pc, struct cfi_row *row);

#endif
