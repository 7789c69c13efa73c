/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine's counters, for people and for programs. */
#include "core/vm/vm_priv.h"

#include "core/mem/window.h"

void vm_show_exits(struct vm *vm, bus_print *out, void *to)
{
	bt_show_exits(vm->bt, out, to);
	for (unsigned i = 0; i < ARRAY_LEN(vm->exceptions); i++)
		if (vm->exceptions[i])
			out(to, "%-10s %12llu  exceptions delivered\n",
			    cpu_exception_name(i),
			    (unsigned long long)vm->exceptions[i]);
	for (unsigned i = 0; i < ARRAY_LEN(vm->interrupts); i++)
		if (vm->interrupts[i])
			out(to, "int %02xh    %12llu  interrupts delivered\n", i,
			    (unsigned long long)vm->interrupts[i]);
}

void vm_stats_reset(struct vm *vm)
{
	bt_stats_reset(vm->bt);
	window_stats_reset(vm->mem);
	for (unsigned i = 0; i < ARRAY_LEN(vm->exceptions); i++)
		vm->exceptions[i] = 0;
	for (unsigned i = 0; i < ARRAY_LEN(vm->interrupts); i++)
		vm->interrupts[i] = 0;
	vm->idle_ns = 0;
	if (vm->part.stats_reset)
		vm->part.stats_reset(vm->part.arg);
}

static void member(bus_print *out, void *to, const char *name, u64 value)
{
	out(to, ",\n  \"%s\": %llu", name, (unsigned long long)value);
}

void vm_stats_json(struct vm *vm, bus_print *out, void *to)
{
	const struct bt_stats *s = bt_stats(vm->bt);
	const struct window_stats *w = window_stats(vm->mem);

	out(to, "{\n  \"icount\": %llu", (unsigned long long)vm->cpu->icount);
	member(out, to, "guest_ns", vm_now(vm));
	member(out, to, "idle_ns", vm->idle_ns);
	member(out, to, "blocks", s->blocks);
	member(out, to, "translated_insns", s->insns);
	member(out, to, "guest_bytes", s->guest_bytes);
	member(out, to, "host_bytes", s->host_bytes);
	member(out, to, "lookups", s->lookups);
	member(out, to, "links", s->links);
	member(out, to, "flushes", s->flushes);
	member(out, to, "invalidated", s->invalidated);
	member(out, to, "adapted", s->adapted);
	member(out, to, "window_faults", s->window_faults);
	member(out, to, "operations", s->op_calls);
	member(out, to, "soft_accesses", s->soft_calls);
	member(out, to, "partial_blocks", s->partial_blocks);
	member(out, to, "window_maps", w->maps);
	member(out, to, "window_pages", w->pages);
	member(out, to, "window_unmaps", w->unmaps);
	member(out, to, "window_switches", w->switches);
	member(out, to, "window_compares", w->compares);
	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		out(to, ",\n  \"exit_%s\": %llu",
		    bt_exit_name((enum bt_exit)i),
		    (unsigned long long)s->exits[i]);
	for (unsigned i = 0; i < ARRAY_LEN(vm->exceptions); i++)
		if (vm->exceptions[i])
			out(to, ",\n  \"exception_%u\": %llu", i,
			    (unsigned long long)vm->exceptions[i]);
	for (unsigned i = 0; i < ARRAY_LEN(vm->interrupts); i++)
		if (vm->interrupts[i])
			out(to, ",\n  \"interrupt_%u\": %llu", i,
			    (unsigned long long)vm->interrupts[i]);
	if (vm->part.stats_json)
		vm->part.stats_json(vm->part.arg, out, to);
	out(to, "\n}\n");
}
