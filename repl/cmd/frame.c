/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `frame', `up', `down': which of the callers is looked at. */
#include "repl/repl_priv.h"

#include <stdlib.h>

enum { LEVELS_MAX = 1000 };

/* `list' begins there, too. */
static int look_at(struct console *c, unsigned level, struct err *e)
{
	bool exact;
	gla_t pc;

	if (debug_frame_select(c->d, level, e))
		return -1;
	pc = debug_frame_pc(c->d, &exact);
	debug_frame_show(c->d, c->to);
	console_show_source(c, exact ? pc : pc - 1);
	free(c->list_file);
	c->list_file = NULL;
	return 0;
}

static int count(struct console *c, char *args, u64 *n, struct err *e)
{
	struct value v = expr_u32(1);

	if (*args && debug_eval(c->d, args, NULL, &v, e))
		return -1;
	if (v.bits > LEVELS_MAX)
		return err_set(e, "expected a number of frames, up to %d",
			       LEVELS_MAX);
	*n = v.bits;
	return 0;
}

int cmd_frame(struct console *c, char *args, struct err *e)
{
	u64 n = debug_frame_level(c->d);

	if (*args && count(c, args, &n, e))
		return -1;
	return look_at(c, (unsigned)n, e);
}

int cmd_up(struct console *c, char *args, struct err *e)
{
	u64 n;

	if (count(c, args, &n, e))
		return -1;
	return look_at(c, debug_frame_level(c->d) + (unsigned)n, e);
}

int cmd_down(struct console *c, char *args, struct err *e)
{
	unsigned level = debug_frame_level(c->d);
	u64 n;

	if (count(c, args, &n, e))
		return -1;
	if (!level)
		return err_set(e, "frame 0 is the innermost");
	return look_at(c, n > level ? 0 : level - (unsigned)n, e);
}

int info_frame(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	debug_frame_describe(c->d, c->to);
	return 0;
}
