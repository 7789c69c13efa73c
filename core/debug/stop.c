/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the reason of a stop to the words for it, once for both faces.  The
 * table core/cpu/stops.def has the sentences; breakpoints add their number
 * and watchpoints what changed. */
#include "core/debug/debug_priv.h"

#include <stdlib.h>

#include "core/base/check.h"

static const struct {
	int signal;
	const char *sentence;
} stops[] = {
#define STOP(name, signal, sentence) [STOP_##name] = {signal, sentence},
#include "core/cpu/stops.def"
};

const char *debug_stop_sentence(enum vm_stop why)
{
	return stops[why].sentence;
}

int debug_stop_signal(enum vm_stop why)
{
	return stops[why].signal;
}

enum vm_stop debug_why(const struct debug *d)
{
	return d->why;
}

struct breakpoint *debug_hit(struct debug *d)
{
	return d->hit && !d->hit->hidden ? d->hit : NULL;
}

bool debug_ended(const struct debug *d)
{
	return !stops[d->why].signal || d->why == STOP_TRIPLE_FAULT;
}

static void describe_watch(const struct breakpoint *b, struct buf *out)
{
	buf_printf(out, "%s %d: %s\n",
		   b->kind == BREAK_WRITE  ? "Watchpoint"
		   : b->kind == BREAK_READ ? "Read watchpoint"
					   : "Access watchpoint",
		   b->number, b->what ? b->what : "");
	if (b->before != b->old)
		buf_printf(out, "Old value = 0x%llx\nNew value = 0x%llx\n",
			   (unsigned long long)b->before,
			   (unsigned long long)b->old);
	else
		buf_printf(out, "Value = 0x%llx\n", (unsigned long long)b->old);
}

static void describe_catch(struct debug *d, struct buf *out)
{
	buf_printf(out, "Catchpoint %d, ", d->hit->number);
	if (d->hit->event == VM_EVENT_CALL && d->calls.describe)
		d->calls.describe(d->calls.arg, out);
	else
		buf_printf(out, "%s", vm_catch_text(d->vm));
	buf_byte(out, '\n');
}

static const char *break_title(const struct breakpoint *b)
{
	return b->temporary ? "Temporary breakpoint" : "Breakpoint";
}

void debug_describe_stop(struct debug *d, struct buf *out)
{
	struct source_line l;
	u32 pc = debug_pc(d);

	if (d->hit && d->hit->kind == BREAK_EVENT)
		describe_catch(d, out);
	else if (d->hit && d->hit->kind == BREAK_TIME)
		buf_printf(out, "%s %d, %llu instructions done, ",
			   break_title(d->hit), d->hit->number,
			   (unsigned long long)d->hit->icount);
	else if (d->hit && !d->hit->hidden && d->hit->kind != BREAK_CODE)
		describe_watch(d->hit, out);
	else if (d->hit && !d->hit->hidden)
		buf_printf(out, "%s %d, ", break_title(d->hit), d->hit->number);
	else if (d->why != STOP_LIMIT)
		buf_printf(out, "Stopped: %s.\n", vm_stop_text(d->vm));
	debug_address(d, pc, out);
	if (debug_line(d, pc, &l))
		buf_printf(out, " at %s:%u", l.file, l.line);
	buf_byte(out, '\n');
	if (d->hit && d->condition_failed)
		buf_printf(out, "Its condition `%s' failed: %s\n",
			   d->hit->condition, d->condition_error.text);
}

/* ---- life ---- */

struct debug *debug_new(struct vm *vm)
{
	struct debug *d = calloc(1, sizeof(*d));

	NEED_MEMORY(d, "the debugger");
	d->vm = vm;
	d->symbols = symbols_new();
	d->next_number = 1;
	d->why = STOP_LIMIT;
	d->stop_pc = debug_pc(d);
	debug_agent_env(d, &d->env);
	vm_on_break(vm, debug_at_break, d);
	return d;
}

void debug_free(struct debug *d)
{
	if (!d)
		return;
	vm_on_break(d->vm, NULL, NULL);
	while (d->breaks)
		debug_break_delete(d, d->breaks);
	symbols_free(d->symbols);
	buf_free(&d->untold);
	while (d->spaces) {
		struct space_symbols *s = d->spaces;

		d->spaces = s->next;
		symbols_free(s->symbols);
		free(s);
	}
	free(d);
}

struct vm *debug_vm(struct debug *d)
{
	return d->vm;
}

struct symbols *debug_symbols(struct debug *d)
{
	return d->symbols;
}
