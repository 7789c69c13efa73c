/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes small ELF files with symbols, and DWARF for functions whose
 * arguments have names.  Values in, bytes out. */
#ifndef GDBSTUB_ELF_H
#define GDBSTUB_ELF_H

#include "core/base/buf.h"
#include "core/base/types.h"

enum { FUNCTION_MAX = 0xffff }; /* bytes of one whose code is looked at */

struct elf_function {
	char name[64];
	u32 addr, len;
	/* As in vmi/calls.def: "eax:hex:value +4:va:at"; NULL: not known. */
	const char *args, *result;
};

struct elf_image {
	const char *name; /* of the compilation unit */
	u32 base, len;    /* of the code */
	const u8 *code;   /* or NULL: it is in memory only */
	bool is_shared;   /* can be moved */
	bool has_debug;   /* arguments and call frames */
	const struct elf_function *functions;
	size_t count;
	const struct buf *frames; /* .debug_frame without has_debug; or NULL */
};

void elf_make(const struct elf_image *im, struct buf *out);

/* Of a .debug_frame: what holds at each function's start; and an entry for
 * one, whose instructions follow: its place in `out`. */
void frames_begin(struct buf *out);
size_t frames_begin_entry(u32 addr, u32 len, struct buf *out);
void frames_end_entry(size_t entry, struct buf *out);

#endif
