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
			out(to, "int %02xh    %12llu  interrupts delivered\n",
			    i, (unsigned long long)vm->interrupts[i]);
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
	vm_sampled_reset(vm);
	if (vm->part.stats_reset)
		vm->part.stats_reset(vm->part.arg);
}

/* What is counted: the JSON member's name, the words for people, how often. */
struct counter {
	const char *name, *words;
	u64 value;
};

static u64 sum(const u64 *list, unsigned n)
{
	u64 all = 0;

	while (n--)
		all += list[n];
	return all;
}

struct vm_counts vm_counts(struct vm *vm)
{
	return (struct vm_counts){
		.icount = vm->cpu->icount,
		.idle_ns = vm->idle_ns,
		.exceptions = sum(vm->exceptions, ARRAY_LEN(vm->exceptions)),
		.interrupts = sum(vm->interrupts, ARRAY_LEN(vm->interrupts)),
	};
}

enum { COUNTERS_MAX = 32 };

static unsigned counters(struct vm *vm, struct counter list[COUNTERS_MAX])
{
	const struct bt_stats *s = bt_stats(vm->bt);
	const struct window_stats *w = window_stats(vm->mem);
	const struct counter rows[] = {
		{"icount", "guest instructions", vm->cpu->icount},
		{"guest_ns", "ns of guest time", vm_now(vm)},
		{"idle_ns", "of them, ns in which the guest waited",
		 vm->idle_ns},
		{"blocks", "blocks translated", s->blocks},
		{"translated_insns", "guest instructions in them", s->insns},
		{"guest_bytes", "guest bytes in them", s->guest_bytes},
		{"host_bytes", "host bytes made of these", s->host_bytes},
		{"lookups", "blocks looked up", s->lookups},
		{"links", "branches linked", s->links},
		{"flushes", "times all blocks were forgotten", s->flushes},
		{"invalidated", "blocks died, their code was written",
		 s->invalidated},
		{"adapted", "instructions now reach memory another way",
		 s->adapted},
		{"window_faults", "accesses that missed a window",
		 s->window_faults},
		{"returns_missed", "returns that faulted, and are compared from then on",
		 s->returns_missed},
		{"operations", "operations called", s->op_calls},
		{"soft_accesses", "accesses made by calls", s->soft_calls},
		{"copied_blocks", "blocks copied from elsewhere",
		 s->copied_blocks},
		{"partial_blocks", "blocks made to end at a time",
		 s->partial_blocks},
		{"window_maps", "host mappings made", w->maps},
		{"window_pages", "pages mapped by them", w->pages},
		{"window_unmaps", "mappings dropped", w->unmaps},
		{"window_switches", "address spaces switched to", w->switches},
		{"window_compares", "page tables compared", w->compares},
	};

	_Static_assert(ARRAY_LEN(rows) <= COUNTERS_MAX, "room for all");
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		list[i] = rows[i];
	return ARRAY_LEN(rows);
}

void vm_show_stats(struct vm *vm, bus_print *out, void *to)
{
	struct counter list[COUNTERS_MAX];
	unsigned n = counters(vm, list);

	for (unsigned i = 0; i < n; i++)
		if (list[i].value)
			out(to, "%16llu  %s\n",
			    (unsigned long long)list[i].value, list[i].words);
}

/* The tenths of percents shown add up to 100, too: each is what its end in
 * the row of all is rounded to, less what its beginning is. */
void vm_show_sampled(struct vm *vm, bool more, bus_print *out, void *to)
{
	struct vm_sampled p = vm_sampled(vm);
	u64 all = p.all_ns ? p.all_ns : 1, seen = 0;

	if (!vm_samples(vm))
		return;
	out(to,
	    "%12llu.%03llu  s of the host's processor, by %llu samples; "
	    "%llu%% in its kernel\n",
	    (unsigned long long)(p.all_ns / 1000000000),
	    (unsigned long long)(p.all_ns / 1000000 % 1000),
	    (unsigned long long)p.samples,
	    (unsigned long long)(p.kernel_ns * 100 / all));
	for (unsigned i = 0; i < VM_ACTIVITIES; i++) {
		u64 from = (seen * 1000 + all / 2) / all, share;

		seen += p.ns[i];
		share = (seen * 1000 + all / 2) / all - from;
		if (!p.ns[i])
			continue;
		out(to, "%13llu.%llu%%  %s\n", (unsigned long long)share / 10,
		    (unsigned long long)share % 10,
		    vm_activity_text((enum vm_activity)i));
		if (more)
			out(to, "                  %s\n",
			    vm_activity_more((enum vm_activity)i));
	}
}

static void sampled_json(struct vm *vm, bus_print *out, void *to)
{
	struct vm_sampled p = vm_sampled(vm);

	out(to,
	    ",\n  \"host_ns\": %llu,\n  \"host_kernel_ns\": %llu,\n  "
	    "\"host_samples\": %llu",
	    (unsigned long long)p.all_ns, (unsigned long long)p.kernel_ns,
	    (unsigned long long)p.samples);
	for (unsigned i = 0; i < VM_ACTIVITIES; i++)
		out(to, ",\n  \"host_ns_%s\": %llu",
		    vm_activity_name((enum vm_activity)i),
		    (unsigned long long)p.ns[i]);
}

void vm_stats_json(struct vm *vm, bus_print *out, void *to)
{
	const struct bt_stats *s = bt_stats(vm->bt);
	struct counter list[COUNTERS_MAX];
	unsigned n = counters(vm, list);

	for (unsigned i = 0; i < n; i++)
		out(to, "%s\n  \"%s\": %llu", i ? "," : "{", list[i].name,
		    (unsigned long long)list[i].value);
	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		out(to, ",\n  \"exit_%s\": %llu", bt_exit_name((enum bt_exit)i),
		    (unsigned long long)s->exits[i]);
	for (unsigned i = 0; i < ARRAY_LEN(vm->exceptions); i++)
		if (vm->exceptions[i])
			out(to, ",\n  \"exception_%u\": %llu", i,
			    (unsigned long long)vm->exceptions[i]);
	for (unsigned i = 0; i < ARRAY_LEN(vm->interrupts); i++)
		if (vm->interrupts[i])
			out(to, ",\n  \"interrupt_%u\": %llu", i,
			    (unsigned long long)vm->interrupts[i]);
	if (bt_profiling(vm->bt))
		out(to, ",\n  \"host_bytes_run\": %llu",
		    (unsigned long long)bt_host_bytes_run(vm->bt));
	if (vm_samples(vm))
		sampled_json(vm, out, to);
	if (vm->part.stats_json)
		vm->part.stats_json(vm->part.arg, out, to);
	out(to, "\n}\n");
}
