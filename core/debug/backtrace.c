/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who called whom, as text; unwind.c finds the frames.  Where there are none
 * but the first, the stack is searched for words that look like return
 * addresses, marked with `?`: candidates, not facts. */
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

static void scan(struct debug *d, struct buf *out)
{
	u32 esp = debug_cpu(d)->gpr[ESP] & ~3u, v;
	unsigned found = 0;

	for (unsigned i = 0; i < SCAN_WORDS && found < SCAN_FOUND; i++) {
		if (debug_read(d, esp + i * 4, &v, 4) != 4)
			break;
		if (debug_name(d, v, NULL) && unwind_follows_call(d, v))
			show_frame(d, ++found, v, false, "? ", out);
	}
	if (found)
		buf_printf(out, "(? no frame pointers: words on the stack that "
				"follow a call)\n");
}

void debug_backtrace(struct debug *d, unsigned limit, struct buf *out)
{
	struct unwind u;
	unsigned n = 0;

	unwind_begin(d, &u);
	do {
		if (u.event != UNWIND_NO_EVENT)
			buf_printf(out, "     <%s>\n",
				   u.event == UNWIND_FROM_USER
					   ? "entered from user mode"
					   : "interrupted");
		show_frame(d, n++, u.pc, u.exact, "", out);
	} while (n < limit && unwind_step(d, &u));
	if (n == 1 && limit > 1)
		scan(d, out);
}
