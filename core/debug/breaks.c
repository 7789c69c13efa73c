/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Breakpoints and watchpoints: the list of what a person asked for, and
 * which of them the machine must know.
 *
 * The machine knows places, not breakpoints: one code place may serve three
 * breakpoints with three conditions, so it is told of a place when the first
 * enabled one wants it and when the last one leaves.  It breaks in the
 * translation; guest memory never changes.
 *
 * When the machine meets a place, every enabled breakpoint there is asked:
 * condition first (one that cannot be evaluated counts as true and says so,
 * as in gdb), then the ignore count.  If none wants to stop, the guest goes
 * on and nobody sees a thing.  `watch` wants to stop only when the value has
 * changed; `rwatch` and `awatch` always. */
#include "core/debug/debug_priv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

static char *copy(const char *text)
{
	char *s;

	if (!text || !*text)
		return NULL;
	s = check_copy(text);
	NEED_MEMORY(s, "a breakpoint");
	return s;
}

/* ---- which places the machine knows ---- */

static bool same_place(const struct breakpoint *a, const struct breakpoint *b)
{
	return a->kind == b->kind && a->addr == b->addr && a->len == b->len &&
	       a->event == b->event && a->event_number == b->event_number &&
	       a->icount == b->icount;
}

/* Does another enabled breakpoint hold the same place? */
static bool shared(struct debug *d, const struct breakpoint *b)
{
	bool code = b->kind == BREAK_CODE;
	struct breakpoint *o = code ? *debug_bucket(d, b->addr) : d->breaks;

	for (; o; o = code ? o->here : o->next)
		if (o != b && o->enabled && same_place(o, b))
			return true;
	return false;
}

struct breakpoint **debug_bucket(struct debug *d, gla_t addr)
{
	return &d->code[addr * 2654435761u >> 22];
}

/* Into the bucket of its address, or out of it. */
static void bucket(struct debug *d, struct breakpoint *b, bool in)
{
	struct breakpoint **at = debug_bucket(d, b->addr);

	if (b->kind != BREAK_CODE || b->pending)
		return;
	while (*at && *at != b)
		at = &(*at)->here;
	if (in)
		*at = b; /* at the end: the oldest are asked first */
	else
		*at = b->here;
}

static unsigned watch_access(enum break_kind kind)
{
	return kind == BREAK_WRITE  ? VM_WATCH_WRITE
	       : kind == BREAK_READ ? VM_WATCH_READ
				    : VM_WATCH_READ | VM_WATCH_WRITE;
}

static int insert(struct debug *d, struct breakpoint *b, struct err *e)
{
	if (b->pending || shared(d, b))
		return 0;
	switch (b->kind) {
	case BREAK_CODE:
		if (vm_break_add(d->vm, b->addr))
			return err_set(e, "no more breakpoints can be set");
		return 0;
	case BREAK_EVENT:
		if (vm_catch_add(d->vm, b->event, b->event_number))
			return err_set(e, "no more catchpoints can be set");
		return 0;
	case BREAK_TIME:
		return 0; /* debug_time_arm() tells of the next one */
	default:
		if (vm_watch_add(d->vm, b->addr, b->len, watch_access(b->kind)))
			return err_set(e,
				       "no more watchpoints can be set at "
				       "0x%x",
				       b->addr);
		return 0;
	}
}

static void take_out(struct debug *d, struct breakpoint *b)
{
	if (b->pending || shared(d, b))
		return;
	if (b->kind == BREAK_CODE)
		vm_break_remove(d->vm, b->addr);
	else if (b->kind == BREAK_EVENT)
		vm_catch_remove(d->vm, b->event, b->event_number);
	else if (b->kind != BREAK_TIME)
		vm_watch_remove(d->vm, b->addr, b->len, watch_access(b->kind));
}

static u64 watched(struct debug *d, const struct breakpoint *b)
{
	u64 v = 0;

	if (b->len)
		debug_read(d, b->addr, &v, b->len < 8 ? b->len : 8);
	return v;
}

static unsigned read_ones(void *arg, u32 addr, void *to, unsigned len)
{
	(void)arg;
	(void)addr;
	memset(to, 0xff, len);
	return len;
}

static bool is_call(const struct breakpoint *b)
{
	return b->kind == BREAK_EVENT && b->event == VM_EVENT_CALL;
}

/* Arguments that the call it waits for will have. */
static bool argument_to_be(void *arg, const char *name, struct value *v)
{
	struct debug *d = arg;

	if (!d->calls.has || !d->calls.has(d->calls.arg, d->checked_call, name))
		return false;
	*v = expr_u32(~0u);
	return true;
}

/* ---- the list ---- */

/* A copy of `form` with the rest filled in, put at the list's end. */
struct breakpoint *debug_break_append(struct debug *d,
				      const struct breakpoint *form,
				      const char *what, const char *condition,
				      struct err *e)
{
	struct breakpoint *b, **end = &d->breaks;

	if (condition && !*condition) {
		err_set(e, "expected a condition after `if'");
		return NULL;
	}
	b = malloc(sizeof(*b));
	NEED_MEMORY(b, "a breakpoint");
	*b = *form;
	b->enabled = true;
	if (debug_break_condition(d, b, condition, e) || insert(d, b, e)) {
		free(b->condition);
		free(b);
		return NULL;
	}
	b->what = copy(what);
	b->old = b->before = watched(d, b);
	b->number = d->next_number++;
	while (*end)
		end = &(*end)->next;
	*end = b;
	bucket(d, b, true);
	d->call_catches += is_call(b);
	d->pending += b->pending;
	return b;
}

struct breakpoint *debug_break_add(struct debug *d, enum break_kind kind,
				   gla_t addr, unsigned len, const char *what,
				   const char *condition, struct err *e)
{
	struct breakpoint form = {.kind = kind,
				  .addr = addr,
				  .len = kind == BREAK_CODE ? 0 : len};

	return debug_break_append(d, &form, what, condition, e);
}

struct breakpoint *debug_catch_add(struct debug *d, enum vm_event event,
				   u32 number, const char *what,
				   const char *condition, struct err *e)
{
	struct breakpoint form = {
		.kind = BREAK_EVENT, .event = event, .event_number = number};

	return debug_break_append(d, &form, what, condition, e);
}

struct breakpoint *debug_time_add(struct debug *d, u64 icount,
				  const char *condition, struct err *e)
{
	struct breakpoint form = {.kind = BREAK_TIME, .icount = icount};

	return debug_break_append(d, &form, NULL, condition, e);
}

void debug_break_delete(struct debug *d, struct breakpoint *b)
{
	struct breakpoint **at = &d->breaks;

	if (b->enabled)
		take_out(d, b);
	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	bucket(d, b, false);
	d->call_catches -= is_call(b);
	d->pending -= b->pending;
	if (d->hit == b)
		d->hit = NULL;
	if (d->client_hit == b)
		d->client_hit = NULL;
	agents_free(&b->conditions);
	agents_free(&b->commands);
	free(b->condition);
	free(b->what);
	free(b);
}

void debug_break_move(struct debug *d, struct breakpoint *b, const gla_t *to)
{
	if (b->enabled)
		take_out(d, b);
	bucket(d, b, false);
	d->pending -= b->pending;
	b->pending = !to;
	d->pending += b->pending;
	b->addr = to ? *to : 0;
	bucket(d, b, true);
	if (b->enabled && insert(d, b, NULL))
		b->enabled = false;
}

int debug_break_enable(struct debug *d, struct breakpoint *b, bool on,
		       struct err *e)
{
	if (on == b->enabled)
		return 0;
	if (on && insert(d, b, e))
		return -1;
	if (!on)
		take_out(d, b);
	b->enabled = on;
	return 0;
}

int debug_break_condition(struct debug *d, struct breakpoint *b,
			  const char *condition, struct err *e)
{
	struct value v;
	struct expr_env env;

	if (condition && *condition && !b->pending) {
		/* Only its form is judged: what it reads may exist later.
		 * A condition that changes the guest is refused. */
		debug_env(d, &env);
		env.read = read_ones;
		env.write = NULL;
		env.set_reg = NULL;
		if (is_call(b)) {
			d->checked_call = b->event_number;
			env.name = argument_to_be;
		}
		if (expr_eval(&env, condition, NULL, &v, e))
			return -1;
	}
	free(b->condition);
	b->condition = copy(condition);
	return 0;
}

struct breakpoint *debug_break_find(struct debug *d, int number)
{
	for (struct breakpoint *b = d->breaks; b; b = b->next)
		if (b->number == number && !b->hidden)
			return b;
	return NULL;
}

static struct breakpoint *visible(struct breakpoint *b)
{
	while (b && b->hidden)
		b = b->next;
	return b;
}

struct breakpoint *debug_breaks(struct debug *d)
{
	return visible(d->breaks);
}

struct breakpoint *debug_break_next(struct breakpoint *b)
{
	return visible(b->next);
}

/* ---- at a stop ---- */

/* An argument of this call; or one that only other calls have, which the
 * condition is about then. */
static bool argument_or_none(void *arg, const char *name, struct value *v)
{
	struct debug *d = arg;

	if (d->calls.value && d->calls.value(d->calls.arg, name, v))
		return true;
	if (!argument_to_be(d, name, v))
		return false;
	return d->other_call = true;
}

/* Of a step: is this the frame that it waits for? */
static bool is_its_frame(const struct cpu *c, const struct breakpoint *b)
{
	if (b->frame == FRAME_ABOVE)
		return c->gpr[ESP] >= b->frame_esp;
	return c->gpr[ESP] == b->frame_esp && c->cpl == b->frame_cpl &&
	       (c->cpl < 3 || c->cr3 == b->frame_cr3);
}

static bool condition_holds(struct debug *d, struct breakpoint *b)
{
	struct expr_env env;
	struct value v;

	if (b->probe)
		return b->probe(b->probe_arg);
	if (b->frame)
		return is_its_frame(debug_cpu(d), b);
	if (b->client)
		return debug_client_wants(d, b);
	if (!b->condition)
		return true;
	debug_env(d, &env);
	d->other_call = false;
	if (is_call(b)) {
		d->checked_call = b->event_number;
		env.name = argument_or_none;
	}
	if (!expr_eval(&env, b->condition, NULL, &v, &d->condition_error))
		return v.bits && !d->other_call;
	d->condition_failed = true;
	return true;
}

static bool touched(struct debug *d, struct breakpoint *b, enum vm_stop why)
{
	u64 now;

	if (b->kind == BREAK_CODE)
		return false; /* asked on the spot, debug_at_break */
	if (b->kind == BREAK_EVENT)
		return why == STOP_CATCH && !is_call(b) &&
		       vm_catch_hit(d->vm, b->event, b->event_number);
	if (b->kind == BREAK_TIME)
		return why == STOP_CATCH && vm_icount(d->vm) == b->icount;
	if (why != STOP_WATCHPOINT || !vm_watch_hit(d->vm, b->addr, b->len))
		return false;
	now = watched(d, b);
	b->before = b->old;
	b->old = now;
	return b->kind != BREAK_WRITE || now != b->before || b->len > 8;
}

/* The guest has met it: if it wants to stop, it is counted and noted. */
static void meet(struct debug *d, struct breakpoint *b)
{
	u64 now = vm_icount(d->vm);

	if (b->parked)
		return;
	b->since = b->met++ ? now - b->met_at : ~0ull;
	b->met_at = now;
	d->asked = b;
	if (!condition_holds(d, b)) {
		d->asked = NULL;
		return;
	}
	d->asked = NULL;
	b->hits++;
	if (b->ignore) {
		b->ignore--;
		return;
	}
	if (b->client && !d->client_hit)
		d->client_hit = b;
	if (!d->hit || d->hit->hidden)
		d->hit = b;
}

static void nothing_met(struct debug *d)
{
	d->hit = d->client_hit = NULL;
	d->condition_failed = false;
}

bool debug_at_break(void *arg, gla_t lin)
{
	struct debug *d = arg;

	nothing_met(d);
	for (struct breakpoint *b = *debug_bucket(d, lin); b; b = b->here) {
		if (b->addr == lin && b->alone)
			meet(d, b);
		if (d->hit)
			return true;
	}
	for (struct breakpoint *b = *debug_bucket(d, lin); b; b = b->here)
		if (b->addr == lin && b->enabled && !b->alone)
			meet(d, b);
	if (d->probe_steps)
		return true;
	for (struct breakpoint *b = d->call_catches ? d->breaks : NULL; b;
	     b = b->next)
		if (is_call(b) && b->enabled &&
		    vm_catch_hit(d->vm, b->event, b->event_number))
			meet(d, b);
	return d->hit;
}

bool debug_break_asked(struct debug *d)
{
	gla_t pc = debug_pc(d);

	for (struct breakpoint *b = *debug_bucket(d, pc); b; b = b->here)
		if (b->addr == pc && b->met && b->met_at == vm_icount(d->vm))
			return true;
	return false;
}

bool debug_break_wanted(struct debug *d, enum vm_stop why)
{
	nothing_met(d);
	for (struct breakpoint *b = d->breaks; b; b = b->next)
		if (b->enabled && touched(d, b, why))
			meet(d, b);
	return d->hit;
}

void debug_break_spent(struct debug *d)
{
	struct breakpoint *b = d->hit;

	if (!b || !b->temporary)
		return;
	if (b->enabled)
		take_out(d, b);
	b->enabled = false;
}

/* Temporary ones that were hit are kept, disabled, until the guest goes on:
 * the stop's text still names them. */
void debug_watch_arm(struct debug *d)
{
	struct breakpoint *next;

	for (struct breakpoint *b = d->breaks; b; b = next) {
		next = b->next;
		if (b->temporary && !b->enabled && b->hits)
			debug_break_delete(d, b);
		else
			b->old = watched(d, b);
	}
}

void debug_time_arm(struct debug *d)
{
	u64 now = vm_icount(d->vm), next = 0;

	for (struct breakpoint *b = d->breaks; b; b = b->next)
		if (b->kind == BREAK_TIME && b->enabled && b->icount > now &&
		    (!next || b->icount < next))
			next = b->icount;
	vm_stop_at(d->vm, next);
}

static void show_place(struct debug *d, const struct breakpoint *b,
		       struct buf *out)
{
	struct source_line line;
	const char *name;
	u32 offset;

	if (b->kind == BREAK_EVENT) {
		buf_printf(out, "%10s %s", "", b->what);
		return;
	}
	if (b->kind == BREAK_TIME) {
		buf_printf(out, "%10s after %llu instructions", "",
			   (unsigned long long)b->icount);
		return;
	}
	if (b->pending) {
		buf_printf(out, "%-10s %s", "<PENDING>", b->what);
		return;
	}
	buf_printf(out, "0x%08x", b->addr);
	if (b->kind != BREAK_CODE) {
		buf_printf(out, " %s (%u bytes)", b->what, b->len);
		return;
	}
	name = debug_name(d, b->addr, &offset);
	if (name)
		buf_printf(out, " <%s+%u>", name, offset);
	if (debug_line(d, b->addr, &line))
		buf_printf(out, " at %s:%u", line.file, line.line);
}

void debug_break_show(struct debug *d, struct buf *out)
{
	static const char *const kinds[] = {"breakpoint", "watch", "rwatch",
					    "awatch", "catch", "icount"};
	bool any = false;

	for (struct breakpoint *b = d->breaks; b; b = b->next) {
		if (b->hidden || (b->temporary && !b->enabled && b->hits))
			continue;
		if (!any)
			buf_printf(out, "Num  Type        Disp Enb Address    "
					"What\n");
		any = true;
		buf_printf(out, "%-4d %-11s %-4s %-3s ", b->number,
			   kinds[b->kind], b->temporary ? "del" : "keep",
			   b->enabled ? "y" : "n");
		show_place(d, b, out);
		if (b->client)
			buf_printf(out, " (gdb's)");
		buf_byte(out, '\n');
		if (b->conditions.count)
			buf_printf(out,
				   "\tstop only if gdb's condition holds\n");
		if (b->commands.count)
			buf_printf(out, "\tprint, and go on\n");
		if (b->condition)
			buf_printf(out, "\tstop only if %s\n", b->condition);
		if (b->hits)
			buf_printf(out, "\thit %llu time%s\n",
				   (unsigned long long)b->hits,
				   b->hits == 1 ? "" : "s");
		if (b->ignore)
			buf_printf(out, "\tignore next %llu hit%s\n",
				   (unsigned long long)b->ignore,
				   b->ignore == 1 ? "" : "s");
	}
	if (!any)
		buf_printf(out, "No breakpoints or watchpoints.\n");
}
