/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chooses what comes next: stack, string and flow instructions, exceptions,
 * or a family of another file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/diff/gen.h"

/* ---- stack ---- */

static void move_esp(int by)
{
	now.lo[ESP] += by;
	now.hi[ESP] += by;
}

static int depth(void)
{
	return STACK - now.lo[ESP];
}

static void push(void)
{
	int size, n = rnd(6);

	if (depth() > 0x180)
		return;
	if (n == 0)
		need_flags();
	size = wide_prefix();
	switch (n) {
	case 0:
		b1(0x9c);
		break;
	case 1:
		b1(0x68), imm(size, value());
		break;
	case 2:
		b1(0x6a), b1(value());
		break;
	case 3:
		b1(0xff), mem(6, size, 1);
		break;
	case 4:
		b1(0xff), b1(0xf0 | rnd(8));
		break;
	default:
		b1(0x50 | rnd(8));
	}
	move_esp(-size);
}

static void pop(void)
{
	int size;

	if (depth() < -0x80)
		return;
	size = wide_prefix();
	switch (rnd(3)) {
	case 0:
		b1(0x8f);
		move_esp(size);
		mem(0, size, 1);
		return;
	case 1:
		b1(0x8f), b1(0xc0 | target(size));
		break;
	default:
		b1(0x58 | target(size));
	}
	move_esp(size);
}

static void frame(void)
{
	uint32_t n = rnd(8), v;
	int size, level;

	if (now.pinned || depth() > 0x100 || depth() < -0x40)
		return;
	switch (n) {
	case 0:
		size = wide_prefix();
		b1(0x60), move_esp(-8 * size);
		break;
	case 1:
		size = wide_prefix();
		b1(0x61), move_esp(8 * size);
		for (int r = 0; r < 8; r++)
			if (r != ESP)
				forget(r, 4);
		break;
	case 2: /* enter */
		level = now.known[EBP] && now.lo[EBP] >= ARENA + 128 &&
					now.hi[EBP] < ARENA + ARENA_SIZE
				? rnd(4)
				: 0;
		v = rnd(64);
		b1(0xc8), b2(v), b1(level);
		move_esp(-4);
		know(EBP, now.lo[ESP], now.lo[ESP]);
		move_esp(-4 * level - (int)v);
		break;
	case 3: /* leave */
		if (one_in(2)) {
			v = STACK - rnd(64) * 4;
			b1(0xbd), b4(v);
		} else {
			b1(0x89), b1(0xe5);
			v = now.lo[ESP];
		}
		b1(0xc9);
		know(ESP, v + 4, v + 4);
		forget(EBP, 4);
		break;
	case 4:
		v = rnd(64) - 32;
		b1(0x83), b1(0xc4), b1(v); /* add esp */
		move_esp(v);
		defined(ARITH);
		break;
	case 5:
		v = rnd(64) - 32;
		b1(0x8d), b1(0x64), b1(0x24), b1(v); /* lea esp, [esp+v] */
		move_esp(v);
		break;
	case 6:
		v = STACK - rnd(64);
		b1(0x68), b4(v), b1(0x5c); /* push v; pop esp */
		know(ESP, v, v);
		break;
	default:
		size = wide_prefix();
		v = 2 | (value() & (ARITH | 0x400));
		b1(0x68), imm(size, v);
		if (size == 2)
			b1(0x66);
		b1(0x9d); /* popf */
		defined(ARITH);
	}
}

/* ---- strings ---- */

static void string(void)
{
	static const uint8_t ops[] = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
	int n = rnd(5), size, rep = rnd(3);
	uint32_t at[2], count = one_in(6) ? 0 : one_in(10) ? rnd(300) : rnd(20);

	if (now.pinned)
		return;
	for (int i = 0; i < 2; i++)
		at[i] = ARENA + 1300 + rnd(9000);
	if (one_in(3)) /* close enough to overlap */
		at[1] = at[0] + rnd(32) - 16;
	if (one_in(2))
		at[0] &= ~3u, at[1] &= ~3u;
	b1(0xbe), b4(at[0]);
	b1(0xbf), b4(at[1]);
	if (rep)
		b1(0xb9), b4(count);
	if (n == 4 && one_in(2)) /* what scas looks for is rarely random */
		b1(0xb8), b4(value());
	if (one_in(2))
		b1(0xfc | one_in(3));
	segment_prefix();
	if (rep)
		b1(rep == 1 ? 0xf3 : 0xf2);
	size = rnd(3);
	if (size == 1)
		b1(0x66);
	b1(ops[n] | (size != 0));
	if ((n == 1 || n == 4) && (!rep || count)) /* else flags unchanged */
		defined(ARITH);
	forget(ESI, 4), forget(EDI, 4), forget(ECX, 4), forget(EAX, 4);
}

/* ---- flow ---- */

static int body(int most)
{
	int made = 0;

	for (int n = 1 + rnd(most); n; n--)
		made += instruction();
	return made;
}

static void patch1(uint8_t *at)
{
	at[-1] = p - at;
}

static void patch4(uint8_t *at)
{
	uint32_t v = p - at;

	memcpy(at - 4, &v, 4);
}

static int skip(void) /* jcc over a few */
{
	struct context before;
	bool near = one_in(3);
	uint8_t *at;
	int made;

	if (one_in(6))
		b1(0xe3), near = false; /* jecxz */
	else {
		need_flags();
		if (near)
			b1(0x0f), b1(0x80 | rnd(16));
		else
			b1(0x70 | rnd(16));
	}
	if (near)
		b4(0);
	else
		b1(0);
	at = p;
	before = now;
	now.no_stack = true;
	made = body(2);
	now.no_stack = before.no_stack;
	now.undefined |= before.undefined;
	for (int r = 0; r < 8; r++)
		if (!before.known[r] || !now.known[r])
			now.known[r] = false;
		else {
			if (before.lo[r] < now.lo[r])
				now.lo[r] = before.lo[r];
			if (before.hi[r] > now.hi[r])
				now.hi[r] = before.hi[r];
		}
	if (near)
		patch4(at);
	else if (p - at < 128)
		patch1(at);
	else
		at[-1] = 0;
	return made + 1;
}

static int loop(void)
{
	struct context before = now;
	int r = rnd(8), made;
	uint8_t *top;

	if (now.pinned)
		return 0;
	b1(0xb9), b4(1 + rnd(5));
	for (int i = 0; i < 8; i++)
		if (i != r && i != ESP)
			now.known[i] = false;
	now.known[ECX] = false;
	now.pinned = 1 << ECX | (now.known[r] ? 1 << r : 0);
	now.no_stack = true;
	now.undefined = ARITH;
	top = p;
	made = body(3);
	now.pinned = before.pinned;
	now.no_stack = before.no_stack;
	if (one_in(2)) {
		b1(0x49); /* dec ecx */
		defined(ARITH & ~CF);
		if (p - top < 120)
			b1(0x75), b1(top - p - 1);
		else
			b1(0x0f), b1(0x85), b4(top - p - 4);
	} else if (p - top < 90) {
		uint32_t kind = rnd(3);

		if (kind < 2)
			need_flags();
		b1(0xe0 | kind), b1(top - p - 1);
	}
	forget(ECX, 4);
	return made + 2;
}

static int call(void) /* calls a body that lies behind a jump over it */
{
	struct context before = now;
	uint32_t kind = rnd(5), bytes = 0;
	uint8_t *over, *to = NULL;
	int r, made;

	if (now.in_call || now.no_stack || depth() > 0x180)
		return 0;
	if (one_in(4)) { /* arguments, which the callee removes */
		b1(0x6a), b1(value());
		bytes = 4;
	}
	switch (kind) {
	case 0: /* call r */
		r = target(4);
		b1(0xb8 | r), b4(0), to = p;
		b1(0xff), b1(0xd0 | r);
		break;
	case 1: /* call [memory] */
		b1(0xc7), mem_abs(0, ARENA + 16), b4(0), to = p;
		b1(0xff), mem_abs(2, ARENA + 16);
		break;
	case 2: /* push where to return; jmp: a return without a call */
		b1(0x68), b4(here() + 4 + 5);
		b1(0xe9), b4(5);
		break;
	default:
		b1(0xe8), b4(5);
	}
	b1(0xe9), b4(0), over = p;
	if (to) {
		uint32_t at = here();

		memcpy(to - 4, &at, 4);
	}
	now.in_call = now.no_stack = true;
	move_esp(-(int)bytes - 4);
	made = body(3);
	if (bytes)
		b1(0xc2), b2(bytes);
	else if (one_in(8))
		b1(0xf3), b1(0xc3);
	else
		b1(0xc3);
	now.in_call = before.in_call;
	now.no_stack = before.no_stack;
	move_esp(bytes + 4);
	patch4(over);
	return made + 3;
}

static int jump(void)
{
	uint8_t *to;
	uint32_t at;
	int r, skipped = rnd(8);

	switch (rnd(3)) {
	case 0:
		r = target(4);
		b1(0xb8 | r), b4(0), to = p;
		b1(0xff), b1(0xe0 | r);
		break;
	case 1:
		b1(0xc7), mem_abs(0, ARENA + 16), b4(0), to = p;
		b1(0xff), mem_abs(4, ARENA + 16);
		break;
	default:
		b1(0xeb), b1(skipped);
		while (skipped--)
			b1(0x0f);
		return 1;
	}
	while (skipped--)
		b1(0x0f);
	at = here();
	memcpy(to - 4, &at, 4);
	return 2;
}

/* ---- exceptions ---- */

static void fault(void)
{
	static const char *const ops[] = {
		"\x0f\x0b", "\xf4",         "\xfa",     "\xec",
		"\x0f\x06", "\x0f\x30",     "\x0f\x09", "\x0f\x20\xc0",
		"\xcd\x20", "\x0f\x22\xd8", "\xfb",     "\x64\xa1",
		"\xee",     "\x6c",         "\x0f\x08", "\xf1\x90" + 1};
	int n = rnd(16);

	switch (rnd(3)) {
	case 0:
		for (const char *s = ops[n]; *s; s++)
			b1((uint8_t)*s);
		if (n == 11)
			b4(ARENA);
		break;
	case 1:
		need_flags();
		b1(0xce); /* into */
		break;
	default:
		b1(0x62), mem(rnd(8), 8, 1); /* bound */
	}
}

/* ---- the choice ---- */

static const struct {
	const char *name;
	uint32_t class;
} names[] = {{"int", INT},   {"stack", STACK_OPS}, {"string", STRING},
	     {"flow", FLOW}, {"x87", X87},         {"mmx", MMX},
	     {"sse", SSE},   {"fault", FAULT},
	     {"rows", ROWS}};

uint32_t class_named(const char *name)
{
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i].name))
			return names[i].class;
	fprintf(stderr,
		"gen: no class %s (int stack string flow x87 mmx sse "
		"fault)\n",
		name);
	exit(2);
}

/* A block has a flavour, or x87 and MMX would spoil each other's stack. */
uint32_t class_mix(uint32_t allowed)
{
	uint32_t mix = INT | FAULT;

	if (!allowed)
		allowed = ALL;
	switch (rnd(8)) {
	case 0:
	case 1:
		mix |= X87;
		break;
	case 2:
		mix |= MMX;
		break;
	case 3:
	case 4:
		mix |= SSE;
		break;
	case 5:
		mix |= X87 | MMX | SSE;
	}
	if (!one_in(3))
		mix |= STACK_OPS;
	if (one_in(3))
		mix |= STRING;
	if (!one_in(3))
		mix |= FLOW;
	mix &= allowed;
	return mix ? mix : allowed;
}

int instruction(void)
{
	const uint8_t *before = p;
	int made = 1;

	switch (rnd(16)) {
	case 0:
	case 1:
		if ((now.classes & STACK_OPS) && !now.no_stack)
			one_in(3) ? frame() : one_in(2) ? push() : pop();
		break;
	case 2:
		if (now.classes & STRING)
			string();
		break;
	case 3:
		if ((now.classes & FLOW) && !now.no_stack)
			made = one_in(2)   ? skip()
			       : one_in(2) ? call()
			       : one_in(2) ? loop()
					   : jump();
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		if (now.classes & X87 && (!(now.classes & MMX) || one_in(2)))
			x87();
		else if (now.classes & MMX &&
			 (!(now.classes & SSE) || one_in(2)))
			media(true);
		else if (now.classes & SSE)
			media(false);
		break;
	case 9:
		if (now.classes & FAULT && one_in(24))
			fault();
	}
	if (p == before && (now.classes & INT))
		integer();
	else if (p == before)
		pointer();
	return made;
}
