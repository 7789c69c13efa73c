/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a function's frame to its caller's, through interrupts, exceptions and
 * system calls, down to user space. */
#ifndef CORE_DEBUG_UNWIND_H
#define CORE_DEBUG_UNWIND_H

#include "core/debug/debug.h"

struct unwind {
	u32 pc, regs[8]; /* by the processor's numbers, which are DWARF's */
	bool exact; /* pc is the next instruction, not behind a call */
	bool user;
	/* What lies between this frame and the one before it. */
	enum {
		UNWIND_NO_EVENT,
		UNWIND_FROM_USER,
		UNWIND_FROM_KERNEL,
	} event;
	/* How this frame was found: for certain or by frame pointers; with the
	 * one before it at its first or last instruction; or what the processor
	 * pushed was sought on the stack, and found at event_at. */
	enum {
		UNWIND_SURE,
		UNWIND_AT_EDGE,
		UNWIND_SOUGHT,
	} way;
	u32 event_at;
};

void unwind_begin(struct debug *d, struct unwind *u);
/* False: the caller is not known, or there is none; u is as it was. */
bool unwind_step(struct debug *d, struct unwind *u);
/* Where the stack ends at the latest. */
u32 unwind_stack_end(const struct unwind *u);
/* Does the address follow a call instruction? */
bool unwind_follows_call(struct debug *d, u32 pc);

#endif
