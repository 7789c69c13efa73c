/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Breakpoints of a client: what gdb asks for with Z packets, in the same list
 * and with the same numbers as those of the console.
 *
 * gdb shows its user numbers of its own, takes everything out at each stop
 * and puts it back.  So a breakpoint that it removes is only parked.  It goes
 * for good when the guest goes on without it; a single step does not count,
 * because gdb makes one, with nothing inserted, to get off a breakpoint. */
#include "core/debug/debug_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/debug/regs.h"
#include "core/mem/mem.h"

void agents_free(struct agents *a)
{
	for (unsigned i = 0; i < a->count; i++)
		agent_free(a->list[i]);
	free(a->list);
	*a = (struct agents){0};
}

/* ---- what expressions reach ---- */

static bool read_register(void *arg, unsigned number, u64 *value)
{
	struct debug *d = arg;
	enum reg r = number == REG_eip ? REG_pc : (enum reg)number;

	if (number >= REG_COUNT || reg_is_wide((enum reg)number) ||
	    reg_group((enum reg)number) == REG_PART)
		return false;
	*value = reg_read(debug_cpu(d), r).bits;
	return true;
}

static unsigned read_memory(void *arg, u32 addr, void *buf, unsigned len)
{
	struct debug *d = arg;

	return mem_debug_read(debug_cpu(d), addr, buf, len);
}

static void print(void *arg, const char *text, size_t len)
{
	struct debug *d = arg;

	if (d->print)
		d->print(d->print_arg, text, len);
}

void debug_agent_env(struct debug *d, struct agent_env *env)
{
	*env = (struct agent_env){.arg = d,
				  .reg = read_register,
				  .read = read_memory,
				  .print = print};
}

void debug_on_print(struct debug *d,
		    void (*fn)(void *arg, const char *text, size_t len),
		    void *arg)
{
	d->print = fn;
	d->print_arg = arg;
}

/* ---- the breakpoints ---- */

static bool is_it(const struct breakpoint *b, enum break_kind kind, gla_t addr,
		  unsigned len, bool hardware)
{
	return b->client && b->kind == kind && b->addr == addr &&
	       (kind == BREAK_CODE ? b->hardware == hardware : b->len == len);
}

static struct breakpoint *find(struct debug *d, enum break_kind kind,
			       gla_t addr, unsigned len, bool hardware)
{
	bool code = kind == BREAK_CODE;
	struct breakpoint *b = code ? *debug_bucket(d, addr) : d->breaks;

	while (b && !is_it(b, kind, addr, len, hardware))
		b = code ? b->here : b->next;
	return b;
}

int debug_client_add(struct debug *d, const struct client_break *want,
		     struct err *e)
{
	struct breakpoint form = {.kind = want->kind,
				  .addr = want->addr,
				  .len = want->kind == BREAK_CODE ? 0
								  : want->len,
				  .client = true,
				  .hardware = want->hardware};
	struct agents conditions = want->conditions, commands = want->commands;
	struct breakpoint *b =
		find(d, want->kind, want->addr, want->len, want->hardware);
	char what[24];

	if (!b) {
		snprintf(what, sizeof(what), "*0x%x", want->addr);
		b = debug_break_append(d, &form, what, NULL, e);
		if (!b) {
			agents_free(&conditions);
			agents_free(&commands);
			return -1;
		}
	}
	agents_free(&b->conditions);
	agents_free(&b->commands);
	b->conditions = conditions;
	b->commands = commands;
	b->persistent = want->persistent;
	b->parked = false;
	return 0;
}

int debug_client_remove(struct debug *d, enum break_kind kind, gla_t addr,
			unsigned len, bool hardware)
{
	struct breakpoint *b = find(d, kind, addr, len, hardware);

	if (!b || b->parked)
		return -1;
	b->parked = true;
	return 0;
}

struct breakpoint *debug_probe_add(struct debug *d, gla_t addr,
				   bool (*fn)(void *arg), void *arg)
{
	struct breakpoint form = {.kind = BREAK_CODE,
				  .addr = addr,
				  .hidden = true,
				  .probe = fn,
				  .probe_arg = arg};
	struct breakpoint *b = debug_break_append(d, &form, NULL, NULL, NULL);

	if (b)
		d->next_number--;
	return b;
}

void debug_probe_steps(struct debug *d, u64 n, void (*after)(void *arg),
		       void *arg)
{
	d->probe_steps = n;
	d->probe_after = after;
	d->probe_arg = arg;
}

static void delete_those(struct debug *d, bool gone)
{
	struct breakpoint *next;

	for (struct breakpoint *b = d->breaks; b; b = next) {
		next = b->next;
		if (b->client && (b->parked || (gone && !b->persistent)))
			debug_break_delete(d, b);
	}
}

void debug_client_settle(struct debug *d)
{
	delete_those(d, false);
}

void debug_client_gone(struct debug *d)
{
	delete_those(d, true);
}

struct breakpoint *debug_client_hit(struct debug *d)
{
	return d->client_hit;
}

/* One that fails says yes: gdb looks at the condition again at a stop. */
static bool any_holds(struct debug *d, const struct agents *a)
{
	u64 v;

	for (unsigned i = 0; i < a->count; i++)
		if (agent_run(a->list[i], &d->env, &v, NULL) || v)
			return true;
	return !a->count;
}

bool debug_client_wants(struct debug *d, struct breakpoint *b)
{
	u64 v;

	if (!any_holds(d, &b->conditions))
		return false;
	for (unsigned i = 0; i < b->commands.count; i++)
		if (agent_run(b->commands.list[i], &d->env, &v, NULL))
			return true; /* what cannot be done is gdb's to do */
	b->hits += b->commands.count != 0;
	return !b->commands.count;
}
