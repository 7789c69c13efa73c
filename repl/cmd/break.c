/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands about stopping: break, watch and what belongs to them. */
#include "repl/repl_priv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

/* "-icount N", or "-icount +N" from here on. */
static int add_time(struct console *c, char *args, const char *condition,
		    bool temporary, struct err *e)
{
	u64 now = vm_icount(debug_vm(c->d));
	bool from_here = *args == '+';
	struct breakpoint *b;
	struct value v;

	if (!*args)
		return err_set(e, "expected a count of instructions: break "
				  "-icount 1000000, or +1000 from here on");
	if (debug_eval(c->d, args + from_here, NULL, &v, e))
		return -1;
	if (from_here && v.bits > UINT64_MAX - now)
		return err_set(e, "%s: beyond all time", args);
	if (from_here)
		v.bits += now;
	if (!v.bits)
		return err_set(e, "expected a count of at least 1");
	b = debug_time_add(c->d, v.bits, condition, e);
	if (!b)
		return -1;
	b->temporary = temporary;
	buf_printf(c->to, "%s %d after %llu instructions%s\n",
		   temporary ? "Temporary breakpoint" : "Breakpoint",
		   b->number, (unsigned long long)v.bits,
		   v.bits > now ? "" : ", which have been done: met after `run'");
	return 0;
}

static int add_break(struct console *c, char *args, bool temporary,
		     struct err *e)
{
	char *condition = words_split_if(args);
	struct breakpoint *b;

	args = words_trim(args);
	if (!strncmp(args, "-icount", 7) && (!args[7] || args[7] == ' '))
		return add_time(c, words_trim(args + 7), condition, temporary,
				e);
	b = debug_break_at(c->d, args, condition, e);
	if (!b)
		return -1;
	b->temporary = temporary;
	buf_printf(c->to, "%s %d ",
		   temporary ? "Temporary breakpoint" : "Breakpoint",
		   b->number);
	if (b->pending) {
		buf_printf(c->to, "(%s) pending: set when the guest's own "
				  "symbols are known.\n", args);
		return 0;
	}
	buf_printf(c->to, "at ");
	debug_address(c->d, b->addr, c->to);
	buf_byte(c->to, '\n');
	return 0;
}

int cmd_break(struct console *c, char *args, struct err *e)
{
	return add_break(c, args, false, e);
}

int cmd_tbreak(struct console *c, char *args, struct err *e)
{
	return add_break(c, args, true, e);
}

static int add_watch(struct console *c, char *args, enum break_kind kind,
		     const char *title, struct err *e)
{
	char *condition = words_split_if(args);
	struct breakpoint *b;
	struct value v;
	unsigned len = 4;
	gla_t addr;

	args = words_trim(args);
	if (!*args)
		return err_set(e, "expected what to watch: a symbol, an "
				  "address, or *(char*)ADDR");
	if (debug_eval(c->d, args, NULL, &v, e))
		return -1;
	if (v.place == PLACE_REG)
		return err_set(e, "a register cannot be watched, only memory");
	addr = (gla_t)v.bits; /* an address: the word there */
	if (v.place == PLACE_MEM) {
		addr = v.addr;
		len = expr_size(v.type);
	}
	b = debug_break_add(c->d, kind, addr, len, args, condition, e);
	if (!b)
		return -1;
	buf_printf(c->to, "%s %d: %s, %u bytes at ", title, b->number, args,
		   len);
	debug_address(c->d, addr, c->to);
	buf_byte(c->to, '\n');
	return 0;
}

int cmd_watch(struct console *c, char *args, struct err *e)
{
	return add_watch(c, args, BREAK_WRITE, "Watchpoint", e);
}

int cmd_rwatch(struct console *c, char *args, struct err *e)
{
	return add_watch(c, args, BREAK_READ, "Read watchpoint", e);
}

int cmd_awatch(struct console *c, char *args, struct err *e)
{
	return add_watch(c, args, BREAK_ACCESS, "Access watchpoint", e);
}

/* ---- by number ---- */

static struct breakpoint *numbered(struct console *c, const char *word,
				   struct err *e)
{
	struct breakpoint *b = NULL;
	u64 n;

	if (!word)
		err_set(e, "expected a breakpoint's number");
	else if (!words_number(word, &n))
		err_set(e, "expected a breakpoint's number, found `%.40s'",
			word);
	else if (!(b = debug_break_find(c->d, n < INT32_MAX ? (int)n : -1)))
		err_set(e, "no breakpoint number %.20s", word);
	return b;
}

static struct actions *actions_of(struct console *c, int number)
{
	struct actions *a = c->actions;

	while (a && a->number != number)
		a = a->next;
	return a;
}

static void delete_one(struct console *c, struct breakpoint *b)
{
	struct actions *a = actions_of(c, b->number);

	if (a)
		console_actions_free(c, a);
	debug_break_delete(c->d, b);
}

int cmd_delete(struct console *c, char *args, struct err *e)
{
	struct breakpoint *b, *next;
	char *word;

	if (!strncmp(args, "display", 7))
		return cmd_undisplay(c, words_trim(args + 7), e);
	if (!*args)
		for (b = debug_breaks(c->d); b; b = next) {
			next = debug_break_next(b);
			delete_one(c, b);
		}
	while ((word = words_next(&args))) {
		b = numbered(c, word, e);
		if (!b)
			return -1;
		delete_one(c, b);
	}
	return 0;
}

static int switch_breaks(struct console *c, char *args, bool on, struct err *e)
{
	struct breakpoint *b;
	char *word;

	if (!*args)
		for (b = debug_breaks(c->d); b; b = debug_break_next(b))
			if (debug_break_enable(c->d, b, on, e))
				return -1;
	while ((word = words_next(&args))) {
		b = numbered(c, word, e);
		if (!b || debug_break_enable(c->d, b, on, e))
			return -1;
	}
	return 0;
}

int cmd_enable(struct console *c, char *args, struct err *e)
{
	return switch_breaks(c, args, true, e);
}

int cmd_disable(struct console *c, char *args, struct err *e)
{
	return switch_breaks(c, args, false, e);
}

int cmd_ignore(struct console *c, char *args, struct err *e)
{
	struct breakpoint *b = numbered(c, words_next(&args), e);
	struct value v;

	if (!b)
		return -1;
	if (!*args)
		return err_set(e, "expected how often: ignore N COUNT");
	if (debug_eval(c->d, args, NULL, &v, e))
		return -1;
	b->ignore = v.bits;
	buf_printf(c->to, "Will pass breakpoint %d the next %llu time%s.\n",
		   b->number, (unsigned long long)v.bits,
		   v.bits == 1 ? "" : "s");
	return 0;
}

int cmd_condition(struct console *c, char *args, struct err *e)
{
	struct breakpoint *b = numbered(c, words_next(&args), e);

	if (!b || debug_break_condition(c->d, b, args, e))
		return -1;
	if (!*args)
		buf_printf(c->to, "Breakpoint %d stops always now.\n",
			   b->number);
	return 0;
}

int cmd_commands(struct console *c, char *args, struct err *e)
{
	struct breakpoint *b = NULL, *last = debug_breaks(c->d);
	char *word = words_next(&args);
	struct actions *a;

	if (word) {
		b = numbered(c, word, e);
		if (!b)
			return -1;
	} else {
		for (; last; last = debug_break_next(last))
			b = last;
		if (!b)
			return err_set(e, "there is no breakpoint to give "
					  "commands to");
	}
	a = actions_of(c, b->number);
	if (!a) {
		a = calloc(1, sizeof(*a));
		NEED_MEMORY(a, "commands");
		a->number = b->number;
		a->next = c->actions;
		c->actions = a;
	}
	buf_clear(&a->lines);
	c->filling = &a->lines;
	if (c->interactive)
		buf_printf(c->to,
			   "Type commands for breakpoint %d, one a "
			   "line, then `end'.\n",
			   b->number);
	return 0;
}

int info_breakpoints(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	debug_break_show(c->d, c->to);
	for (struct actions *a = c->actions; a; a = a->next)
		if (a->lines.len)
			buf_printf(c->to, "Commands of breakpoint %d:\n%s",
				   a->number, buf_text(&a->lines));
	return 0;
}
