/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that let the guest run.  Each shows what was printed so far,
 * hands the terminal to the guest, goes, takes it back and says where the
 * guest stands and why. */
#include "core/base/check.h"
#include "repl/repl_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int go_fn(struct debug *d, u64 n, struct err *e);

int console_end(struct console *c, int failed, bool tells)
{
	host_guest_runs(c->host, false);
	if (!failed && tells)
		console_stopped(c);
	return failed;
}

static int begin_and_end(struct console *c, int failed)
{
	return console_end(c, failed, true);
}

void console_begin(struct console *c)
{
	console_flush(c);
	pager_begin(&c->pager);
	c->ran = true;
	host_guest_runs(c->host, true);
}

static int go_count(struct console *c, char *args, go_fn *go, struct err *e)
{
	struct value v = expr_u32(1);

	if (*args && debug_eval(c->d, args, NULL, &v, e))
		return -1;
	console_begin(c);
	return begin_and_end(c, go(c->d, v.bits, e));
}

/* ---- after a stop ---- */

void console_show_source(struct console *c, gla_t pc)
{
	struct source_line l;
	char text[512];
	unsigned n = 0;
	FILE *in;

	if (!debug_line(c->d, pc, &l))
		return;
	in = fopen(l.file, "r");
	if (!in)
		return;
	while (n < l.line && fgets(text, sizeof(text), in))
		n++;
	fclose(in);
	if (n == l.line)
		buf_printf(c->to, "%u\t%s%s", n, text,
			   strchr(text, '\n') ? "" : "\n");
}

static struct actions *actions_of(struct console *c,
				  const struct breakpoint *hit)
{
	struct actions *a = hit ? c->actions : NULL;

	while (a && a->number != hit->number)
		a = a->next;
	return a;
}

/* `silent' as the first of a breakpoint's commands: the stop is not told. */
static bool is_silent(const struct actions *a)
{
	return a && !strncmp(buf_text(&a->lines), "silent\n", 7);
}

/* The lines of `commands N`, when breakpoint N has stopped the guest; a line
 * may delete them, so they are run from a copy. */
static void run_actions(struct console *c, const struct actions *a)
{
	char *lines, *line, *rest;
	struct err e;

	if (!a || !a->lines.len || ++c->depth > 16)
		return;
	lines = check_copy(buf_text(&a->lines));
	rest = lines + (is_silent(a) ? strlen("silent\n") : 0);
	while (rest && (line = strsep(&rest, "\n")) && !c->quit) {
		u64 before = vm_icount(debug_vm(c->d));

		if (console_execute(c, line, c->to == &c->out ? NULL : c->to,
				    &e)) {
			buf_printf(c->to, "%s\n", e.text);
			break;
		}
		if (vm_icount(debug_vm(c->d)) != before)
			break; /* it went on: the rest belongs to the past */
	}
	free(lines);
	c->depth--;
}

void console_stopped(struct console *c)
{
	struct actions *actions = actions_of(c, debug_hit(c->d));
	struct buf text = {0};

	c->user_stopped |=
		host_is_terminal(c->host) && debug_why(c->d) == STOP_INTERRUPT;
	debug_know_guest(c->d, c->to);
	vmi_name_stubs(c);
	debug_describe_stop(c->d, &text);
	log_line(&c->log, "%llu: %.*s",
		 (unsigned long long)vm_icount(debug_vm(c->d)),
		 (int)strcspn(buf_text(&text), "\n"), buf_text(&text));
	if (!is_silent(actions))
		buf_append(c->to, buf_text(&text), text.len);
	if (host_is_terminal(c->host) && host_has_picture(c->host) &&
	    debug_why(c->d) == STOP_INTERRUPT)
		buf_printf(c->to, "(The guest's program has painted the screen; "
				  "after `continue' Ctrl-L makes it paint "
				  "again.)\n");
	buf_free(&text);
	free(c->list_file); /* `list' and `x' begin where the guest stands */
	c->list_file = NULL;
	c->examined = false;
	if (debug_ended(c->d))
		return;
	if (!is_silent(actions)) {
		console_show_source(c, debug_pc(c->d));
		debug_show_insn(c->d, debug_pc(c->d), c->to);
		console_show_displays(c);
	}
	run_actions(c, actions);
}

void console_run_to_end(struct console *c)
{
	struct err e;

	while (!debug_ended(c->d) && !c->quit && !host_must_end(c->host)) {
		console_begin(c);
		if (debug_continue(c->d, &e))
			break;
		host_guest_runs(c->host, false);
		if (debug_why(c->d) == STOP_INTERRUPT ||
		    debug_why(c->d) == STOP_UNIMPLEMENTED)
			break;
		if (!debug_ended(c->d))
			console_stopped(c);
		console_flush(c);
	}
	host_guest_runs(c->host, false);
}

/* ---- commands ---- */

int cmd_run(struct console *c, char *args, struct err *e)
{
	struct vm *vm = debug_vm(c->d);

	if (*args)
		return err_set(e, "run takes no arguments (the kernel's are "
				  "given with -append)");
	if ((vm_icount(vm) || debug_ended(c->d) ||
	     vm_will_show_vmi(vm) != vm_shows_vmi(vm)) &&
	    debug_reset(c->d, e))
		return -1;
	console_begin(c);
	return begin_and_end(c, debug_continue(c->d, e));
}

int cmd_reset(struct console *c, char *args, struct err *e)
{
	(void)args;
	if (debug_reset(c->d, e))
		return -1;
	console_stopped(c);
	return 0;
}

int cmd_continue(struct console *c, char *args, struct err *e)
{
	struct breakpoint *hit = debug_hit(c->d);
	struct value v = expr_u32(1);

	if (*args && debug_eval(c->d, args, NULL, &v, e))
		return -1;
	if (v.bits > 1 && !hit)
		return err_set(e, "continue N: the guest does not stand at a "
				  "breakpoint that could be passed again");
	if (v.bits > 1)
		hit->ignore = v.bits - 1;
	console_begin(c);
	return begin_and_end(c, debug_continue(c->d, e));
}

int cmd_stepi(struct console *c, char *args, struct err *e)
{
	return go_count(c, args, debug_stepi, e);
}

int cmd_nexti(struct console *c, char *args, struct err *e)
{
	return go_count(c, args, debug_nexti, e);
}

int cmd_step(struct console *c, char *args, struct err *e)
{
	return go_count(c, args, debug_step, e);
}

int cmd_next(struct console *c, char *args, struct err *e)
{
	return go_count(c, args, debug_next, e);
}

int cmd_finish(struct console *c, char *args, struct err *e)
{
	int failed;

	(void)args;
	console_begin(c);
	failed = begin_and_end(c, debug_finish(c->d, e));
	if (!failed && debug_why(c->d) == STOP_LIMIT) {
		struct err ignored;
		struct value v;

		if (!debug_eval(c->d, "$eax", NULL, &v, &ignored))
			buf_printf(c->to, "$eax is 0x%x\n", (u32)v.bits);
	}
	return failed;
}

int cmd_advance(struct console *c, char *args, struct err *e)
{
	gla_t addr;

	if (!*args)
		return err_set(e, "expected a place: symbol, address or "
				  "file:line");
	if (debug_location(c->d, args, &addr, e))
		return -1;
	console_begin(c);
	return begin_and_end(c, debug_advance(c->d, addr, e));
}

int cmd_until(struct console *c, char *args, struct err *e)
{
	if (!*args)
		return cmd_next(c, args, e);
	return cmd_advance(c, args, e);
}

int cmd_stop(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	console_stopped(c);
	return 0;
}

int cmd_quit(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	c->quit = true;
	return 0;
}
