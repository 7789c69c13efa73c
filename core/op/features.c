/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of CPUID features and its run-time mask.
 *
 * A row is offered when it is ours to do, or when the host has it: SSE
 * instructions are copied to the host, so those beyond SSE2 (which every
 * x86-64 has) depend on it.  The host is asked once.  The user takes features
 * away, or gives back what was taken, by name; CR4's writable bits and the
 * MSRs that belong to a feature follow (control.c, msr.c).
 *
 * The names are those that CPU flags have in /proc/cpuinfo. */
#include "core/op/features.h"

#include "core/base/err.h"
#include "core/op/op.h"

#include <cpuid.h>

enum { OURS, HOST };

struct row {
	const char *name;
	u32 leaf;
	u8 reg, bit, host;
};

static const struct row rows[FEATURE_COUNT] = {
#define FEATURE(name, NAME, leaf, reg, bit, host) \
	{ #name, leaf, reg, bit, host },
#include "core/op/features.def"
};

static bool ready;
static u32 possible, on; /* bit per row */
_Static_assert(FEATURE_COUNT <= 32, "one mask word");

static bool host_has(const struct row *r)
{
	u32 out[4] = { 0 };

	if (!__get_cpuid(r->leaf, &out[EAX], &out[EBX], &out[ECX], &out[EDX]))
		return false;
	return out[r->reg] >> r->bit & 1;
}

static void prepare(void)
{
	if (ready)
		return;
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		if (rows[i].host == OURS || host_has(&rows[i]))
			possible |= 1u << i;
	}
	on = possible;
	ready = true;
}

bool feature_on(enum feature f)
{
	prepare();
	return on >> f & 1;
}

u32 feature_bits(u32 leaf, unsigned reg)
{
	u32 bits = 0;

	prepare();
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		if (rows[i].leaf == leaf && rows[i].reg == reg)
			bits |= (on >> i & 1) << rows[i].bit;
	}
	return bits;
}

const char *cpuid_feature_name(unsigned i)
{
	return i < FEATURE_COUNT ? rows[i].name : NULL;
}

bool cpuid_feature_on(unsigned i)
{
	return i < FEATURE_COUNT && feature_on(i);
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

int cpuid_set_feature(const char *name, bool enable, struct err *e)
{
	prepare();
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		u32 bit = 1u << i;

		if (!same(rows[i].name, name))
			continue;
		if (enable && !(possible & bit))
			return err_set(e, "the host has no %s", name);
		on = enable ? on | bit : on & ~bit;
		return 0;
	}
	return err_set(e, "no CPU feature is called \"%s\"", name);
}
