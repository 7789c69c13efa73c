/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs trials in groups, and prints a number for each group, or with
 * show=FAMILY:GROUP all of one group.  Every group begins from the seed, its
 * family and its number only. */
#include "tests/diff/ring0/ring0.h"

enum { TRIALS = 64, MOST_RUNS = 40 };

struct trial now;
bool showing;
static u32 random_state, seed = 1, groups = 16;
static const char *show_group, *only;

static const struct family *const families[] = {
	&segments, &transfers, &tasks, &flags, &virtual86, &ports, &paging,
	&paging_pae,
};

/* ---- chance ---- */

u32 rnd(u32 n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return (u32)((u64)random_state * n >> 32);
}

bool one_in(u32 n)
{
	return rnd(n) == 0;
}

u32 word(void)
{
	u32 bits = 1u << rnd(32);

	switch (rnd(4)) {
	case 0: return bits;
	case 1: return bits - 1;
	case 2: return ~bits;
	default: return rnd(0xffffffffu);
	}
}

static u32 mix(u32 a, u32 b)
{
	a = (a ^ b) * 0x9e3779b1u;
	return a ^ a >> 15;
}

void fold(u32 v)
{
	now.hash = mix(now.hash, v);
}

void fold_named(const char *name, u32 v, u32 usual)
{
	fold(v);
	if (showing && v != usual)
		print(" %s=%x", name, v);
}

/* ---- one trial ---- */

static void fold_state(const struct state *s)
{
	static const char *const names[] = {
		"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip",
		"eflags", "cs", "ss", "ds", "es", "fs", "gs"};
	bool has_error = s->vec == 8 || s->vec == 17 ||
			 (s->vec >= 10 && s->vec <= 14);
	const u32 *was = &now.from.eax, *is = &s->eax;

	fold(s->vec);
	if (showing)
		print(s->vec == END ? "  end" : "  vector %b", s->vec);
	if (has_error)
		fold_named("error", s->err & 0xffff, ~0u);
	if (s->vec == 14)
		fold_named("cr2", s->cr2, ~0u);
	for (unsigned i = 0; i < 16; i++) {
		u32 mask = i == 9 ? rt_flag_mask : i > 9 ? 0xffff : ~0u;

		fold_named(names[i], is[i] & mask, was[i] & mask);
	}
}

static void fold_memory(u32 at, u32 size, u32 pattern)
{
	for (u32 i = 0; i < size; i += 4) {
		u32 v = peek(at + i);

		fold(v);
		if (showing && v != pattern + i)
			print(" [%x]=%x", at + i, v);
	}
}

static void fold_tables(void)
{
	for (u32 i = RANDOM / 8; i < RANDOM_END / 8; i++)
		fold((u32)(rt_gdt[i] >> 32));
	for (u32 i = 0; i < 16; i++)
		fold((u32)(ldt[i] >> 32));
}

/* The frame that run() came back by and what it pushed below, if that was on
 * the trial's own stack: all of it is in the state, but for RF.  TCG: a fault
 * pushes RF as it is, not set (SDM 3B 17.3.1.1). */
static void wipe_frame(const struct state *s)
{
	struct view v = view_of(descriptor((u16)s->ss));
	u32 top = v.base + (v.wide ? s->esp : s->esp & 0xffff);

	if (!(s->cs & 3) && !(s->eflags & VM) &&
	    top - STACKS - 64 < 4 * STACK_SIZE - 64)
		fill((void *)(top - 32), 0, 32);
}

static void show_code(void)
{
	print("  code at %x:", now.start);
	for (u8 *b = (u8 *)now.start; b < now.p; b++)
		print(" %b", *b);
	print("\n");
}

static void trial(const struct family *f, u32 number)
{
	u32 runs = 0;

	if (showing)
		print("trial %d\n", number);
	f->make();
	if (showing) {
		show_code();
		print("  level %d%s cs %w ss %w eflags %x\n", now.cpl,
		      now.small ? " 16-bit" : "", now.from.cs, now.from.ss,
		      now.from.eflags);
	}
	now.to = now.from;
	do {
		run(&now.to);
		wipe_frame(&now.to);
		if (f->normalize)
			f->normalize();
		fold_state(&now.to);
		fold_named("cr0", get_cr0(), ~0u);
		if (showing)
			print("\n");
	} while (f->stopped && ++runs < MOST_RUNS && f->stopped());
	if (showing)
		print("  memory");
	fold_memory(DATA, DATA_SIZE, DATA);
	for (u32 i = 0; i < 4; i++) {
		u32 used = STACKS + i * STACK_SIZE + STACK_TOP - STACK_USED;

		fold_memory(used, STACK_USED + STACK_ABOVE, used);
	}
	fold_tables();
	if (f->done)
		f->done();
	if (showing)
		print("\n  number %x\n", now.hash);
}

static void group(const struct family *f, u32 number, u32 family)
{
	random_state = mix(mix(mix(1, seed), family), number) | 1;
	now.hash = 0;
	world_clear();
	for (u32 i = 0; i < TRIALS; i++)
		trial(f, i);
	print("%s:%d %x\n", f->name, number, now.hash);
}

/* ---- the command line ---- */

static const char *after(const char *line, const char *name)
{
	for (; *line; line++) {
		const char *a = line, *b = name;

		while (*b && *a == *b)
			a++, b++;
		if (!*b)
			return a;
	}
	return 0;
}

static u32 number(const char *s, u32 usual)
{
	u32 v = 0;

	if (!s || *s < '0' || *s > '9')
		return usual;
	while (*s >= '0' && *s <= '9')
		v = v * 10 + (u32)(*s++ - '0');
	return v;
}

static bool same_word(const char *a, const char *b)
{
	while (*b && *a == *b)
		a++, b++;
	return !*b && (!*a || *a == ' ' || *a == ':');
}

void test(void)
{
	static char line[256]; /* where the loader put it is not mapped later */

	if (rt_multiboot[0] & 4)
		for (u32 i = 0; i < sizeof(line) - 1; i++)
			if (!(line[i] = ((char *)rt_multiboot[4])[i]))
				break;
	seed = number(after(line, " seed="), 1);
	groups = number(after(line, " groups="), groups);
	show_group = after(line, " show=");
	only = show_group ? show_group : after(line, " only=");
	world_prepare();
	for (u32 i = 0; i < sizeof(families) / sizeof(*families); i++) {
		const struct family *f = families[i];

		if (only && !same_word(only, f->name))
			continue;
		showing = show_group != 0;
		if (showing)
			group(f, number(after(show_group, ":"), 0), i);
		for (u32 g = 0; !showing && g < groups; g++)
			group(f, g, i);
	}
}
