/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integer instructions that neither jump nor touch the stack; one function a
 * family.  Each says what it writes (target, forget), which flags it leaves
 * undefined and, where operands would make the manual say "undefined", keeps
 * away from those. */
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

int wide_prefix(void)
{
	int size = one_in(4) ? 2 : 4;

	segment_prefix();
	if (size == 2)
		b1(0x66);
	return size;
}

void imm(int size, uint32_t v)
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

void pointer(void)
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

void integer(void)
{
	static void (*const families[])(void) = {
		alu,      alu,      alu,     test,         move,
		move,     pointer,  pointer, pointer,      unary,
		multiply, divide,   shift,   shift,        double_shift,
		bits,     scan,     bcd,     conditional,  conditional,
		extend,   exchange, flags,   table_look_up};

	families[rnd(sizeof families / sizeof *families)]();
}
