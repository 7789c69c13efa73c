/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who called whom, as text; unwind.c finds the frames.  Where it knows of no
 * more than the caller of a function at its first instruction or its last, as
 * in kernels without frame pointers, the rest of the stack is searched for words
 * that look like return addresses, marked with `?`: candidates, not facts. */
#include "core/debug/debug_priv.h"
#include "core/debug/unwind.h"

enum { SCAN_WORDS = 512, SCAN_FOUND = 12 };

/* The call, not what follows it, which may be another line. */
static void show_frame(struct debug *d, unsigned n, u32 pc, bool exact,
		       const char *mark, struct buf *out)
{
	struct source_line l;

	buf_printf(out, "#%-3u %s", n, mark);
	debug_address(d, pc, out);
	if (debug_line(d, exact ? pc : pc - 1, &l))
		buf_printf(out, " at %s:%u", l.file, l.line);
	buf_byte(out, '\n');
}

/* The stack from there to there; how many were shown. */
static unsigned scan(struct debug *d, u32 esp, u32 end, unsigned n,
		     struct buf *out)
{
	unsigned found = 0;
	u32 v;

	esp &= ~3u;
	for (unsigned i = 0; i < SCAN_WORDS && found < SCAN_FOUND; i++) {
		u32 at = esp + i * 4;

		if (at >= end || debug_read(d, at, &v, 4) != 4)
			break;
		if (debug_name(d, v, NULL) && unwind_follows_call(d, v))
			show_frame(d, n + found++, v, false, "? ", out);
	}
	return found;
}

void debug_backtrace(struct debug *d, unsigned limit, struct buf *out)
{
	struct unwind u;
	unsigned n = 0, found, guessed = 0;
	bool blind = true; /* nothing has led from frame to frame yet */

	unwind_begin(d, &u);
	for (;;) {
		u32 esp = u.regs[ESP], end = unwind_stack_end(&u);
		bool here = !n, user = u.user, more;

		show_frame(d, n++, u.pc, u.exact, "", out);
		if (n >= limit)
			break;
		more = unwind_step(d, &u);
		if (more && u.event == UNWIND_NO_EVENT) {
			blind = blind && u.way == UNWIND_AT_EDGE;
			continue;
		}
		if (more)
			end = u.event_at;
		if (blind && (!user || here) &&
		    !(more && u.way == UNWIND_SURE)) {
			found = scan(d, esp, end, n, out);
			n += found;
			guessed += found;
		}
		if (!more)
			break;
		blind = true;
		buf_printf(out, "     <%s>\n",
			   u.event == UNWIND_FROM_USER ? "entered from user mode"
						       : "interrupted");
	}
	if (guessed)
		buf_printf(out, "(? no frame pointers: words on the stack that "
				"follow a call)\n");
}
