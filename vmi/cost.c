/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What calls cost: how often they came and how many guest instructions they
 * were, which is exact and the same in every run; and, while somebody wants
 * it, the host's time, which is neither. */
#include "vmi/vmi_priv.h"

#include "core/vm/vm.h"

#include <string.h>
#include <time.h>

enum { CLOCK_TRIES = 1000 };

static u64 host_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* The least that two readings of the host's counter lie apart. */
static u64 clock_cost(void)
{
	u64 least = ~0ull;

	for (unsigned i = 0; i < CLOCK_TRIES; i++) {
		u64 start = __builtin_ia32_rdtsc();
		u64 took = __builtin_ia32_rdtsc() - start;

		if (took < least)
			least = took;
	}
	return least;
}

void cost_gather(struct vmi *v)
{
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		v->count[i] += v->in_code[i];
		v->in_code[i] = 0;
	}
	mmu_gathered(v);
}

void cost_begin_timing(struct vmi *v)
{
	cost_gather(v);
	memset(v->time.ticks, 0, sizeof(v->time.ticks));
	memcpy(v->time.before, v->count, sizeof(v->count));
	v->time.cost = clock_cost();
	v->time.from_tick = __builtin_ia32_rdtsc();
	v->time.from_ns = host_ns();
}

void cost_reset(void *arg)
{
	struct vmi *v = arg;

	cost_gather(v);
	memcpy(v->count_from, v->count, sizeof(v->count));
	memset(v->repeats, 0, sizeof(v->repeats));
	memset(v->faults, 0, sizeof(v->faults));
	memset(v->senseless, 0, sizeof(v->senseless));
	v->strangers = 0;
	v->since = vm_now(v->vm);
	cost_begin_timing(v);
}

static u64 to_ns(const struct vmi *v, u64 ticks)
{
	u64 passed = __builtin_ia32_rdtsc() - v->time.from_tick;
	u64 ns = host_ns() - v->time.from_ns;

	return passed ? (u64)((unsigned __int128)ticks * ns / passed) : 0;
}

static u64 calls(const struct vmi *v, unsigned number)
{
	return vmi_count(v, number) - v->count_from[number];
}

u64 vmi_stub_insns(unsigned number)
{
	return number == VMI_IRET || number == VMI_SYSEXIT ? 1 : 2;
}

struct vmi_cost vmi_cost(const struct vmi *v, unsigned number)
{
	struct vmi_cost c = { .count = calls(v, number),
			      .faults = v->faults[number],
			      .senseless = v->senseless[number] };
	u64 ticks = v->time.ticks[number], clock;

	c.insns = c.count * vmi_stub_insns(number) + v->repeats[number];
	if (v->timing)
		c.timed = vmi_count(v, number) - v->time.before[number];
	clock = c.timed * v->time.cost;
	c.host_ns = to_ns(v, ticks > clock ? ticks - clock : 0);
	return c;
}

static u64 all_calls(const struct vmi *v)
{
	u64 all = 0;

	for (unsigned i = 0; i < VMI_CALLS; i++)
		all += calls(v, i);
	return all;
}

static u64 sum(const u64 counts[VMI_CALLS])
{
	u64 all = 0;

	for (unsigned i = 0; i < VMI_CALLS; i++)
		all += counts[i];
	return all;
}

void cost_json(void *arg, bus_print *out, void *to)
{
	struct vmi *v = arg;

	if (!vm_shows_vmi(v->vm))
		return;
	out(to, ",\n  \"vmi_calls\": %llu,\n  \"vmi_faulted\": %llu",
	    (unsigned long long)all_calls(v), (unsigned long long)sum(v->faults));
	out(to, ",\n  \"vmi_senseless\": %llu,\n  \"vmi_strangers\": %llu",
	    (unsigned long long)sum(v->senseless),
	    (unsigned long long)v->strangers);
	for (unsigned i = 0; i < VMI_CALLS; i++)
		if (calls(v, i))
			out(to, ",\n  \"vmi_%s\": %llu", vmi_row(i)->name,
			    (unsigned long long)calls(v, i));
}

/* ---- the table of `info vmi' ---- */

static u64 a_second(const struct vmi *v, u64 count)
{
	u64 ns = vm_now(v->vm) - v->since;

	return (u64)((unsigned __int128)count * 1000000000 / (ns ? ns : 1));
}

static void show_row(const struct vmi *v, unsigned i, bus_print *out, void *to)
{
	struct vmi_cost c = vmi_cost(v, i);

	out(to, "%-18s %12llu %12llu %12llu ", vmi_row(i)->name,
	    (unsigned long long)c.count, (unsigned long long)a_second(v, c.count),
	    (unsigned long long)c.insns);
	if (v->timing)
		out(to, "%8llu ",
		    (unsigned long long)(c.timed ? c.host_ns / c.timed : 0));
	out(to, "%-7s %s\n", vmi_in_line(v, i) ? "yes" : "",
	    vmi_row(i)->meaning);
}

/* "3 calls faulted: SetPxE 2, IRET 1" */
static void show_odd(const u64 counts[VMI_CALLS], const char *what,
		     bus_print *out, void *to)
{
	const char *before = ": ";

	if (!sum(counts))
		return;
	out(to, "%llu %s", (unsigned long long)sum(counts), what);
	for (unsigned i = 0; i < VMI_CALLS; i++) {
		if (!counts[i])
			continue;
		out(to, "%s%s %llu", before, vmi_row(i)->name,
		    (unsigned long long)counts[i]);
		before = ", ";
	}
	out(to, "\n");
}

void vmi_show(const struct vmi *v, bus_print *out, void *to)
{
	u64 all = all_calls(v);

	out(to, "VMI is %s; %llu calls\n",
	    v->active ? "active" : "not active: the guest has not called vmi_init",
	    (unsigned long long)all);
	show_odd(v->faults, "faulted, and are not counted", out, to);
	show_odd(v->senseless, "meant nothing", out, to);
	if (v->strangers)
		out(to, "%llu were none: not at level 0, or not in the ROM\n",
		    (unsigned long long)v->strangers);
	if (!all)
		return;
	out(to, "%-18s %12s %12s %12s %s%s\n", "call", "count", "per second",
	    "instructions", v->timing ? " host ns " : "", "in line");
	for (unsigned i = 0; i < VMI_CALLS; i++)
		if (calls(v, i))
			show_row(v, i, out, to);
}
