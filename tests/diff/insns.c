/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chooses integer, stack, string and flow instructions; one function a
 * family.  Each says what it writes (target, forget), which flags it leaves
 * undefined and, where operands would make the manual say "undefined", keeps
 * away from those. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/diff/gen.h"

static int size_prefix(void) /* 1, 2 or 4; prints the prefix for 2 */
{
	int size = rnd(8);

	size = size < 2 ? 1 : size < 4 ? 2 : 4;
	segment_prefix();
	if (size == 2)
		b1(0x66);
	return size;
}

static int wide_prefix(void) /* 2 or 4 */
{
	int size = one_in(4) ? 2 : 4;

	segment_prefix();
	if (size == 2)
		b1(0x66);
	return size;
}

static void imm(int size, uint32_t v)
{
	if (size == 1)
		b1(v);
	else if (size == 2)
		b2(v);
	else
		b4(v);
}

/* The r/m operand: written or only read, register or memory. */
static void rm(int reg, int size, bool written)
{
	if (one_in(2))
		mem(reg, size, 1);
	else
		b1(0xc0 | reg << 3 | (written ? target(size) : (int)rnd(8)));
}

/* Loads a register, perhaps by an address that it holds itself. */
static void load(int to_size, int from_size)
{
	int r = pick(to_size);

	rm(r, from_size, false);
	forget(r, to_size);
}

static void alu(void)
{
	int op = rnd(8), form = rnd(7), size;
	bool writes = op != 7;

	if (op == 2 || op == 3)
		need_flags();
	if (form < 2 && writes && one_in(8)) /* lock: memory only */
		b1(0xf0), form = 7;
	size = size_prefix();
	int wide = size != 1;

	if (form == 7) {
		b1(op << 3 | wide);
		mem(rnd(8), size, 1);
	} else if (form < 2) {
		b1(op << 3 | wide);
		rm(rnd(8), size, writes);
	} else if (form < 4) {
		b1(op << 3 | 2 | wide);
		if (writes)
			load(size, size);
		else
			rm(rnd(8), size, false);
	} else if (form == 4 && may_write(EAX, 4)) {
		b1(op << 3 | 4 | wide);
		imm(size, value());
		forget(EAX, 4);
	} else if (form == 5 && wide) {
		b1(0x83);
		rm(op, size, writes);
		b1(value());
	} else {
		b1(wide ? 0x81 : one_in(4) ? 0x82 : 0x80);
		rm(op, size, writes);
		imm(size, value());
	}
	defined(ARITH);
	if (op == 1 || op == 4 || op == 6)
		undefined(AF);
}

static void test(void)
{
	int size = size_prefix(), wide = size != 1;

	switch (rnd(3)) {
	case 0:
		b1(0x84 | wide);
		rm(rnd(8), size, false);
		break;
	case 1:
		b1(0xa8 | wide);
		imm(size, value());
		break;
	default:
		b1(0xf6 | wide);
		rm(0, size, false);
		imm(size, value());
	}
	defined(ARITH);
	undefined(AF);
}

static void move(void)
{
	int size = size_prefix(), wide = size != 1, r;

	switch (rnd(7)) {
	case 0:
		b1(0x88 | wide);
		rm(rnd(8), size, true);
		break;
	case 1:
		b1(0x8a | wide);
		load(size, size);
		break;
	case 2:
		b1(0xc6 | wide);
		rm(0, size, true);
		imm(size, value());
		break;
	case 3:
		if (!may_write(EAX, 4)) {
			b1(0x90);
			break;
		}
		b1(0xa0 | wide);
		b4(ARENA + rnd(8000));
		forget(EAX, 4);
		break;
	case 4:
		b1(0xa2 | wide);
		b4(ARENA + rnd(8000));
		break;
	case 5:
		r = target(size);
		b1((wide ? 0xb8 : 0xb0) | r);
		imm(size, value());
		break;
	default:
		if (one_in(2)) {
			b1(0x0f);
			b1(0xc8 | target(4)); /* bswap; not of 16 bits */
			if (size == 2)
				p -= 3, b1(0x90), b1(0x90), b1(0x90);
		} else {
			b1(0x8d);
			mem(target(4), 1, 1); /* lea */
		}
	}
}

static void pointer(void) /* makes an interval known again */
{
	uint32_t v, mask;
	int r = target(4);

	switch (rnd(4)) {
	case 0:
	case 1:
		v = ARENA + 256 + rnd(8000);
		b1(0xb8 | r);
		b4(v);
		know(r, v, v);
		break;
	case 2:
		mask = (1u << rnd(10)) - 1;
		b1(0x81);
		b1(0xe0 | r);
		b4(mask);
		know(r, 0, mask);
		defined(ARITH);
		undefined(AF);
		break;
	default:
		b1(0x0f);
		b1(0xb6);
		b1(0xc0 | r << 3 | rnd(8));
		know(r, 0, 255);
	}
}

static void unary(void)
{
	int op = rnd(4), size, r; /* inc dec not neg */

	if (one_in(6)) {
		b1(0xf0); /* lock */
		size = size_prefix();
		b1((op < 2 ? 0xfe : 0xf6) | (size != 1));
		mem(op, size, 1);
	} else {
		size = size_prefix();
		if (op < 2 && size != 1 && one_in(2)) {
			r = target(size);
			b1(0x40 | op << 3 | r);
		} else {
			b1((op < 2 ? 0xfe : 0xf6) | (size != 1));
			rm(op, size, true);
		}
	}
	if (op < 2)
		defined(ARITH & ~CF);
	else if (op == 3)
		defined(ARITH);
}

static void multiply(void)
{
	int size = size_prefix(), n = rnd(4);

	if (n < 2 && may_write(EAX, 4) && may_write(EDX, 4)) {
		b1(0xf6 | (size != 1));
		rm(4 + n, size, false);
		forget(EAX, 4);
		forget(EDX, 4);
	} else if (size == 1) {
		b1(0x90);
		return;
	} else if (n == 2) {
		b1(0x0f);
		b1(0xaf);
		load(size, size);
	} else {
		bool small = one_in(2);

		b1(small ? 0x6b : 0x69);
		load(size, size);
		imm(small ? 1 : size, value());
	}
	defined(ARITH);
	undefined(SF | ZF | AF | PF);
}

static void divide(void)
{
	static const int sizes[] = {1, 2, 4, 4};
	int size = sizes[rnd(4)], r = size == 1 || one_in(2) ? EBX : ESI;

	if (!may_write(EAX, 4) || !may_write(EDX, 4) || !may_write(r, 4))
		return;
	if (!(now.classes & FAULT) || !one_in(8)) {  /* the quotient fits */
		b1(0x31), b1(0xd2);                  /* xor edx, edx */
		b1(0x81), b1(0xc8 | r), b4(0x10101); /* or r, 10101h */
		b1(0x0f), b1(0xb6), b1(0xc0);        /* movzx eax, al */
		forget(r, 4);
		defined(ARITH);
	}
	if (size == 2)
		b1(0x66);
	b1(0xf6 | (size != 1));
	b1(0xc0 | (6 + rnd(2)) << 3 | r);
	forget(EAX, 4);
	forget(EDX, 4);
	undefined(ARITH);
}

static void shift(void)
{
	int op = rnd(8), kind = rnd(3), size, count = 0;

	if (op == 2 || op == 3)
		need_flags();
	size = size_prefix();
	b1((kind == 0 ? 0xc0 : kind == 1 ? 0xd0 : 0xd2) | (size != 1));
	rm(op, size, true);
	if (kind == 0)
		b1(count = value());
	else if (kind == 1)
		count = 1;
	if (kind == 1) {
		if (op >= 4) {
			defined(ARITH);
			undefined(AF);
		} else
			defined(CF | OF);
		return;
	}
	if (op >= 4)
		undefined(OF | AF);
	else
		undefined(OF);
	if (op >= 4 && op != 7 && size != 4)
		undefined(CF); /* when the count exceeds the size */
	(void)count;
}

static void double_shift(void)
{
	int size = wide_prefix();
	bool right = one_in(2), by_cl = size == 4 && one_in(2);

	b1(0x0f);
	b1((right ? 0xac : 0xa4) | by_cl);
	rm(rnd(8), size, true);
	if (!by_cl)
		b1(rnd(size == 2 ? 16 : 256));
	undefined(OF | AF);
}

static void bits(void)
{
	int op = rnd(4), r, size;

	if (one_in(8) && op)
		b1(0xf0), size = -1;
	else
		size = 0;
	if (size < 0 || one_in(3)) { /* bt* r/m, imm8; lock in memory only */
		bool lock = size < 0;

		size = wide_prefix();
		b1(0x0f), b1(0xba);
		if (lock)
			mem(4 + op, size, 1);
		else
			rm(4 + op, size, op != 0);
		b1(value());
	} else if (one_in(3)) { /* bit strings reach beyond their operand */
		uint32_t v = rnd(800) - 400;

		r = target(4);
		b1(0xb8 | r), b4(v);
		know(r, v, v);
		wide_prefix();
		b1(0x0f), b1(0xa3 | op << 3);
		mem_abs(r, ARENA + 64 + rnd(4000));
	} else {
		size = wide_prefix();
		b1(0x0f), b1(0xa3 | op << 3);
		r = rnd(8);
		b1(0xc0 | r << 3 | (op ? target(size) : (int)rnd(8)));
	}
	undefined(OF | SF | AF | PF);
	defined(CF);
}

static void scan(void)
{
	int size = wide_prefix();

	if (one_in(3)) { /* popcnt */
		if (size == 2)
			p--;
		b1(0xf3);
		b1(0x0f), b1(0xb8);
		load(4, 4);
		defined(ARITH);
		return;
	}
	b1(0x0f), b1(0xbc | rnd(2));
	load(size, size);
	undefined(ARITH);
	defined(ZF);
}

static void bcd(void)
{
	static const uint8_t ops[] = {0x27, 0x2f, 0x37, 0x3f, 0xd4, 0xd5};
	int n = rnd(6);

	if (!may_write(EAX, 4))
		return;
	if (n < 4)
		need_flags();
	b1(ops[n]);
	if (n >= 4)
		b1(one_in(2) ? 10 : 1 + rnd(255));
	forget(EAX, 4);
	if (n < 2) {
		defined(ARITH);
		undefined(OF);
	} else if (n < 4) {
		defined(AF | CF);
		undefined(OF | SF | ZF | PF);
	} else {
		defined(SF | ZF | PF);
		undefined(OF | AF | CF);
	}
}

static void conditional(void)
{
	int size;

	need_flags();
	if (one_in(2)) {
		b1(0x0f), b1(0x90 | rnd(16));
		rm(rnd(8), 1, true);
	} else {
		size = wide_prefix();
		b1(0x0f), b1(0x40 | rnd(16));
		load(size, size);
	}
}

static void extend(void)
{
	int size, wide;

	if (one_in(3) && may_write(EAX, 4) && may_write(EDX, 4)) {
		wide_prefix();
		b1(0x98 | rnd(2)); /* cwde, cdq */
		forget(EAX, 4);
		forget(EDX, 4);
		return;
	}
	size = wide_prefix();
	wide = rnd(2);
	b1(0x0f), b1((one_in(2) ? 0xb6 : 0xbe) | wide);
	load(size, 1 + wide);
}

static void exchange(void)
{
	int size, r, n = rnd(4);
	bool lock = n && one_in(3);

	if (lock)
		b1(0xf0);
	if (n == 3) { /* cmpxchg8b */
		if (!may_write(EAX, 4) || !may_write(EDX, 4)) {
			p -= lock;
			return;
		}
		segment_prefix();
		b1(0x0f), b1(0xc7);
		mem(1, 8, 1);
		forget(EAX, 4);
		forget(EDX, 4);
		defined(ZF);
		return;
	}
	size = size_prefix();
	if (n == 0 && size != 1 && one_in(3) && may_write(EAX, 4)) {
		b1(0x90 | target(size));
		forget(EAX, 4);
	} else if (n == 0) {
		b1(0x86 | (size != 1));
		rm(target(size), size, true);
	} else {
		bool cmpxchg = n == 1 && may_write(EAX, 4);

		r = cmpxchg ? (int)rnd(8) : target(size);
		b1(0x0f), b1((cmpxchg ? 0xb0 : 0xc0) | (size != 1));
		if (lock)
			mem(r, size, 1);
		else
			rm(r, size, true);
		if (cmpxchg)
			forget(EAX, 4);
		defined(ARITH);
	}
}

static void flags(void)
{
	static const uint8_t ops[] = {0xf5, 0xf8, 0xf9, 0xfc, 0xfd};
	int n = rnd(8);

	if (n < 5) {
		if (n == 0)
			need_flags();
		b1(ops[n]);
		if (n < 3)
			defined(CF);
	} else if (n == 5 && may_write(EAX, 4)) {
		need_flags();
		b1(0x9f); /* lahf */
		forget(EAX, 4);
	} else if (n == 6) {
		b1(0x9e); /* sahf */
		defined(ARITH & ~OF);
	} else if (may_write(EAX, 4)) {
		need_flags();
		b1(0xd6); /* salc */
		forget(EAX, 4);
	}
}

static void table_look_up(void) /* xlat */
{
	if (!may_write(EAX, 4) || !may_write(EBX, 4))
		return;
	b1(0xbb), b4(ARENA + rnd(8000));
	segment_prefix();
	b1(0xd7);
	forget(EAX, 4);
	forget(EBX, 4);
}

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

static void integer(void)
{
	static void (*const families[])(void) = {
		alu,      alu,      alu,     test,         move,
		move,     pointer,  pointer, pointer,      unary,
		multiply, divide,   shift,   shift,        double_shift,
		bits,     scan,     bcd,     conditional,  conditional,
		extend,   exchange, flags,   table_look_up};

	families[rnd(sizeof families / sizeof *families)]();
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
