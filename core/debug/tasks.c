/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest kernel's tasks: an array or a ring of them, read as a layout says.
 *
 * Where one stands that does not run is found without unwinding, which would
 * need what kernels seldom have: from its saved stack pointer upwards, words
 * with a call of the scheduler in front of them, then with a call of the
 * function that the word before lies in, up to one outside of the scheduler.
 * So what is left on the stack from other calls is passed over. */
#include "core/base/check.h"
#include "core/debug/tasks.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/debug/debug_priv.h"

enum { TASKS_MAX = 4096, STACK_WORDS = 1024, LINKS_REACH = 256 };

static bool word_at(struct debug *d, u32 at, u32 *v)
{
	return debug_read(d, at, v, 4) == 4;
}

static u32 field(struct debug *d, u32 task, s32 offset)
{
	u32 v = 0;

	if (offset != TASK_NONE)
		word_at(d, task + (u32)offset, &v);
	return v;
}

/* ---- descriptions ---- */

static int take_expression(struct debug *d, const char *key, const char *value,
			   u32 *to, struct err *e)
{
	struct value v;
	struct err why;

	if (debug_eval(d, value, NULL, &v, &why))
		return err_set(e, "tasks: %s=%s: %s", key, value, why.text);
	*to = (u32)v.bits;
	return 0;
}

static int take_word(struct debug *d, struct task_layout *l, const char *key,
		     const char *value, struct err *e)
{
	const struct {
		const char *key;
		u32 *to;
	} numbers[] = {
		{"array", &l->first},        {"list", &l->first},
		{"stride", &l->stride},      {"count", &l->count},
		{"link", (u32 *)&l->link},   {"pid", (u32 *)&l->pid},
		{"name", (u32 *)&l->name},   {"state", (u32 *)&l->state},
		{"space", (u32 *)&l->space}, {"esp", (u32 *)&l->esp},
		{"top", (u32 *)&l->top},     {"stack", (u32 *)&l->stack},
		{"size", &l->stack_size},    {"length", &l->length},
		{"base", &l->base},          {"current", &l->current},
	};

	if (!strcmp(key, "states") || !strcmp(key, "skip")) {
		snprintf(*key == 's' && key[1] == 't' ? l->states : l->skip,
			 sizeof(l->skip), "%s", value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (!strcmp(key, numbers[i].key)) {
			l->is_array |= !strcmp(key, "array");
			return take_expression(d, key, value, numbers[i].to, e);
		}
	return err_set(e,
		       "tasks: no `%.20s='; there are array stride count list "
		       "link pid name length state states space base current "
		       "esp top stack size skip",
		       key);
}

static int parse(struct debug *d, const char *text, struct task_layout *l,
		 struct err *e)
{
	char *copy = check_copy(text), *rest = copy, *word;
	int failed = 0;

	*l = (struct task_layout){.link = TASK_NONE,
				  .pid = TASK_NONE,
				  .name = TASK_NONE,
				  .state = TASK_NONE,
				  .space = TASK_NONE,
				  .esp = TASK_NONE,
				  .top = TASK_NONE,
				  .stack = TASK_NONE,
				  .length = 16,
				  .leader = TASK_NONE,
				  .threads = TASK_NONE,
				  .page_tables = TASK_NONE};
	while (!failed && (word = strsep(&rest, " \t"))) {
		char *value = strchr(word, '=');

		if (!*word)
			continue;
		if (!value)
			failed = err_set(e,
					 "tasks: expected KEY=VALUE, found "
					 "`%.40s'",
					 word);
		else {
			*value = '\0';
			failed = take_word(d, l, word, value + 1, e);
		}
	}
	free(copy);
	if (failed)
		return -1;
	if (!l->first ||
	    (l->is_array ? !l->stride || !l->count : l->link == TASK_NONE))
		return err_set(e, "tasks: expected array=, stride= and count=, "
				  "or list= and link=");
	return 0;
}

static int find_layout(struct debug *d, const char *description,
		       struct task_layout *l, struct err *e)
{
	static const struct {
		const char *kernel, *symbol, *description;
	} known[] = {
#define TASKS(kernel, symbol, description) {kernel, symbol, description},
#include "core/debug/tasks.def"
	};
	u32 at;

	if (description)
		return parse(d, description, l, e);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (symbols_address(d->symbols, known[i].symbol, &at))
			return parse(d, known[i].description, l, e);
	return tasks_find_linux(d, l, e);
}

/* ---- one task ---- */

/* Is `name` one of the words between commas? */
static bool is_listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = list; (s = strstr(s, name)); s++)
		if ((s == list || s[-1] == ',') && (!s[n] || s[n] == ','))
			return true;
	return false;
}

/* The function that the call in front of `at` goes to, 0 when there is no
 * direct one. */
static u32 called_before(struct debug *d, u32 at)
{
	u8 call[5]; /* CALL rel32 */
	u32 offset;

	if (debug_read(d, at - 5, call, 5) != 5 || call[0] != 0xe8)
		return 0;
	memcpy(&offset, call + 1, 4);
	return at + offset;
}

static void stack_of(struct debug *d, const struct task_layout *l, u32 task,
		     u32 *from, u32 *to)
{
	*from = *to = 0;
	if (l->top != TASK_NONE) {
		*to = field(d, task, l->top);
		*from = *to - STACK_WORDS * 4;
	} else if (l->stack != TASK_NONE) {
		*from = field(d, task, l->stack);
		*to = *from + l->stack_size;
	}
}

static bool same_function(struct debug *d, u32 a, u32 b)
{
	u32 x, y;

	return symbols_name(d->symbols, a, &x) &&
	       symbols_name(d->symbols, b, &y) && a - x == b - y;
}

static bool is_scheduler(struct debug *d, const struct task_layout *l, u32 at)
{
	const char *name = symbols_name(d->symbols, at, NULL);

	return (at >= l->sched_from && at < l->sched_to) ||
	       (name && is_listed(l->skip, name));
}

/* Where it sleeps in the kernel; 0: not found. */
static u32 sleeps_at(struct debug *d, const struct task_layout *l, u32 task)
{
	u32 from, to, at = field(d, task, l->esp), inner = 0;

	stack_of(d, l, task, &from, &to);
	if (l->esp == TASK_NONE || at < from || at >= to)
		return 0;
	for (; at < to && at >= from; at += 4) {
		u32 v, callee;

		if (!word_at(d, at, &v))
			break;
		callee = called_before(d, v);
		if (!callee || (inner ? !same_function(d, callee, inner)
				      : !is_scheduler(d, l, callee)))
			continue; /* a number, or left from another call */
		if (!is_scheduler(d, l, v))
			return v;
		inner = v;
	}
	return inner;
}

static bool runs(struct debug *d, const struct task_layout *l, u32 task)
{
	const struct cpu *c = debug_cpu(d);
	u32 from, to, esp = c->gpr[ESP];

	if (l->current)
		return task == l->current;
	stack_of(d, l, task, &from, &to);
	if (c->cpl == 0)
		return esp - from < to - from;
	/* From user mode the processor would go to its kernel stack; Linux
	 * since 4.15 goes by way of another, and keeps its top in esp1. */
	for (unsigned at = 4; at <= 12; at += 8)
		if (word_at(d, c->tr.base + at, &esp) && esp > from &&
		    esp <= to)
			return true;
	return false;
}

/* From include/linux/sched.h: bits, the lowest that is set decides. */
static const char *linux_state(u32 state)
{
	if (!state)
		return "ready";
	if (state & 0x400)
		return "idle";
	if (state & 1)
		return "sleeping";
	if (state & 2)
		return "waiting"; /* not to be disturbed */
	if (state & 4)
		return "stopped";
	if (state & 8)
		return "traced";
	return state & 0x40 ? "parked" : "dead";
}

/* The name of a state; "-": there is no task. */
static const char *state_name(const struct task_layout *l, u32 state,
			      char room[32])
{
	const char *s = l->states;
	size_t n;

	if (l->is_linux)
		return linux_state(state);
	for (u32 i = 0; i < state && *s; i++) {
		s += strcspn(s, ",");
		s += *s == ',';
	}
	n = strcspn(s, ",");
	if (n)
		snprintf(room, 32, "%.*s", n < 31 ? (int)n : 31, s);
	else
		snprintf(room, 32, "%u", state);
	return room;
}

static u32 cr3_of(struct debug *d, const struct task_layout *l, u32 task)
{
	u32 space = field(d, task, l->space), tables = space;

	if (!space)
		return 0;
	if (l->is_linux) {
		if (l->page_tables == TASK_NONE)
			return 0;
		tables = field(d, space, l->page_tables);
	}
	return tables - l->base;
}

static void read_name(struct debug *d, const struct task_layout *l, u32 task,
		      char name[TASK_NAME_MAX])
{
	u32 n = l->length < TASK_NAME_MAX ? l->length : TASK_NAME_MAX - 1;

	memset(name, 0, TASK_NAME_MAX);
	if (l->name != TASK_NONE)
		debug_read(d, task + (u32)l->name, name, n);
	for (unsigned i = 0; name[i]; i++)
		if (!isprint((unsigned char)name[i]))
			name[i] = '?';
}

static void show_task(struct debug *d, const struct task_layout *l, u32 task,
		      bool is_thread, struct buf *out)
{
	char room[32], name[TASK_NAME_MAX];
	bool is_current = runs(d, l, task);
	const char *state =
		l->state == TASK_NONE
			? ""
			: state_name(l, field(d, task, l->state), room);
	u32 cr3 = cr3_of(d, l, task);
	u32 at = is_current ? debug_pc(d) : sleeps_at(d, l, task);

	if (!strcmp(state, "-"))
		return;
	read_name(d, l, task, name);
	buf_printf(out, "%c ", is_current ? '*' : ' ');
	if (l->pid != TASK_NONE)
		buf_printf(out, "%5u  ", field(d, task, l->pid));
	else
		buf_printf(out, "%5s  ", "");
	buf_printf(out, "%-9s ", is_current ? "running" : state);
	if (cr3)
		buf_printf(out, "%08x  ", cr3);
	else
		buf_printf(out, "%-8s  ", "");
	buf_printf(out, is_thread ? "- %-14s " : "%-16s ", name);
	if (at)
		debug_address(d, at, out);
	buf_byte(out, '\n');
}

/* Members of the ring through `task' at `links' that have its leader; 0: it is
 * no such ring.  It may lead through one head that is no task. */
static unsigned count_threads(struct debug *d, const struct task_layout *l,
			      u32 task, s32 links)
{
	u32 at = task + (u32)links, next, leader = field(d, task, l->leader);
	unsigned found = 0, others = 0;

	for (unsigned n = 0; n < TASKS_MAX && others < 2; n++, at = next) {
		u32 back;

		if (!word_at(d, at, &next) || !word_at(d, next + 4, &back) ||
		    back != at)
			return 0;
		if (next == task + (u32)links)
			return found;
		if (field(d, next - (u32)links, l->leader) == leader)
			found++;
		else
			others++;
	}
	return 0;
}

/* Where the links of threads are is known from the first task that has some. */
static void show_threads(struct debug *d, struct task_layout *l, u32 task,
			 struct buf *out)
{
	u32 at = task, leader = field(d, task, l->leader);
	s32 links = l->leader;
	unsigned left;

	if (l->leader == TASK_NONE)
		return;
	while (l->threads == TASK_NONE && (links += 4) < l->leader + LINKS_REACH)
		if (count_threads(d, l, task, links))
			l->threads = links;
	left = l->threads == TASK_NONE
		       ? 0
		       : count_threads(d, l, task, l->threads);
	while (left) {
		at = field(d, at, l->threads) - (u32)l->threads;
		if (field(d, at, l->leader) != leader)
			continue;
		show_task(d, l, at, true, out);
		left--;
	}
}

int debug_show_tasks(struct debug *d, const char *description, struct buf *out,
		     struct err *e)
{
	struct task_layout l;
	u32 task;

	if (find_layout(d, description, &l, e))
		return -1;
	buf_printf(out,
		   "    pid  state     CR3       name             where\n");
	task = l.first;
	for (u32 i = 0; i < TASKS_MAX; i++) {
		if (!word_at(d, task, &(u32){0}))
			return err_set(e, "tasks: 0x%x is not mapped", task);
		show_task(d, &l, task, false, out);
		show_threads(d, &l, task, out);
		task = l.is_array ? task + l.stride
				  : field(d, task, l.link) - (u32)l.link;
		if (l.is_array ? i + 1 >= l.count : task == l.first)
			return 0;
	}
	return err_set(e, "tasks: no end of them after %d", TASKS_MAX);
}
