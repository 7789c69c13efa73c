/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes an image of random instruction blocks (layout.h).
 *
 *   gen SEED INSNS OUT [CLASS...]
 *
 * The same seed gives the same bytes.  A block ends in a jump to the gate.
 * Everything it addresses lies in the arena, because the generator keeps an
 * interval for each register (what it must hold in every run) and builds
 * addresses from registers whose interval it knows; an instruction that
 * writes a register forgets its interval.  Flags are kept the same way: a
 * set of those undefined since the last instruction; a consumer of flags is
 * preceded by a CMP when the set is not empty, and the block's mask leaves
 * out what is undefined at its end. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/x86/decode.h"
#include "core/x86/opcode.h"
#include "tests/diff/gen.h"

enum { DATA_SIZE = ARENA_SIZE - 0x1000 };

static uint64_t seed;
struct context now;
uint8_t *p; /* where the next byte goes */
static uint8_t *base;

uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 32) * n >> 32);
}

bool one_in(uint32_t n)
{
	return rnd(n) == 0;
}

uint32_t value(void)
{
	static const uint32_t some[] = {
		0,          1,          2,          0x7f,       0x80,
		0xff,       0x100,      0x7fff,     0x8000,     0xffff,
		0x10000,    0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
		0x3f800000, 0x99999999, 0x55555555, 0xaaaaaaaa, 0x0123abcd};

	switch (rnd(4)) {
	case 0:
		return some[rnd(sizeof some / sizeof *some)];
	case 1:
		return rnd(256) - 128;
	default:
		return rnd(65536) << 16 | rnd(65536);
	}
}

void b1(uint32_t v)
{
	*p++ = v;
}

void b2(uint32_t v)
{
	b1(v);
	b1(v >> 8);
}

void b4(uint32_t v)
{
	b2(v);
	b2(v >> 16);
}

uint32_t here(void)
{
	return IMAGE + (uint32_t)(p - base);
}

/* ---- what is known of registers and flags ---- */

void know(int r, uint32_t lo, uint32_t hi)
{
	now.known[r] = true;
	now.lo[r] = lo;
	now.hi[r] = hi;
}

void forget(int r, int size)
{
	now.known[size == 1 ? r & 3 : r] = false;
}

bool may_write(int r, int size)
{
	int whole = size == 1 ? r & 3 : r;

	return whole != ESP && !(now.pinned >> whole & 1);
}

int pick(int size) /* a register that may be written */
{
	int r;

	do
		r = rnd(8);
	while (!may_write(r, size));
	return r;
}

int target(int size) /* the same, and what it held is forgotten */
{
	int r = pick(size);

	forget(r, size);
	return r;
}

void undefined(uint32_t flags)
{
	now.undefined |= flags;
}

void defined(uint32_t flags)
{
	now.undefined &= ~flags;
}

void need_flags(void)
{
	if (!now.undefined)
		return;
	b1(0x39); /* cmp */
	b1(0xc0 | rnd(64));
	defined(ARITH);
}

/* ---- operands ---- */

static uint32_t place(uint32_t span, uint32_t align)
{
	return ARENA + rnd(DATA_SIZE - span) / align * align;
}

void mem_abs(int reg, uint32_t at)
{
	b1(reg << 3 | 5);
	b4(at);
}

/* ModRM, SIB and displacement of a memory operand of `size` bytes. */
void mem(int reg, int size, int align)
{
	int b = rnd(9) - 1, i = rnd(12) - 1, scale = rnd(4);
	uint32_t span = size, at, lo = 0, disp;
	bool short_form = false;

	if (b >= 0 && !now.known[b])
		b = -1;
	if (i == ESP || i > 7 || (i >= 0 && !now.known[i]))
		i = -1;
	if (i >= 0 && (uint64_t)(now.hi[i] - now.lo[i]) << scale > 2000)
		i = -1;
	if (b >= 0 && now.hi[b] - now.lo[b] > 4000)
		b = -1;
	if (align > 1 && b >= 0 && now.lo[b] != now.hi[b])
		b = -1;
	if (align > 1 && i >= 0 && now.lo[i] != now.hi[i])
		i = -1;
	if (b >= 0) {
		span += now.hi[b] - now.lo[b];
		lo += now.lo[b];
	}
	if (i >= 0) {
		span += (now.hi[i] - now.lo[i]) << scale;
		lo += now.lo[i] << scale;
	}
	at = place(span, align);
	if (b == ESP && i < 0 && !now.in_call && align == 1)
		at = now.lo[ESP] - 64 + rnd(128);
	else if (lo - ARENA < DATA_SIZE && one_in(2)) {
		uint32_t near = (lo + rnd(256) - 128) / align * align;

		if (near - ARENA < DATA_SIZE && near + span - ARENA < DATA_SIZE)
			at = near;
	}
	disp = at - lo;
	short_form = (int32_t)disp >= -128 && (int32_t)disp < 128 && !one_in(8);
	if (b < 0 && i < 0) {
		mem_abs(reg, at);
		return;
	}
	if (b < 0) { /* index alone always has a long displacement */
		b1(reg << 3 | 4);
		b1(scale << 6 | i << 3 | 5);
		b4(disp);
		return;
	}
	int mod = !disp && b != EBP && one_in(2) ? 0 : short_form ? 1 : 2;

	b1(mod << 6 | reg << 3 | (i >= 0 || b == ESP || one_in(16) ? 4 : b));
	if (i >= 0 || (p[-1] & 7) == 4)
		b1(scale << 6 | (i >= 0 ? i : 4) << 3 | b);
	if (mod == 1)
		b1(disp);
	else if (mod == 2)
		b4(disp);
}

void segment_prefix(void)
{
	static const uint8_t prefixes[] = {0x26, 0x36, 0x3e};

	if (one_in(40))
		b1(prefixes[rnd(3)]);
}

/* ---- blocks ---- */

static void start_states(struct block *b)
{
	memset(&now, 0, sizeof now);
	for (int r = 0; r < 8; r++) {
		uint32_t lo = ARENA + 256 + rnd(DATA_SIZE - 1024);
		uint32_t how = rnd(5), v[RUNS];

		for (int run = 0; run < RUNS; run++) {
			v[run] = how < 2    ? lo + rnd(16) * 4
				 : how == 2 ? rnd(256)
					    : value();
			if (r == ESP)
				v[run] = STACK;
			b->start[run].regs[r] = v[run];
		}
		if (r == ESP || how < 3)
			know(r, v[0] < v[1] ? v[0] : v[1],
			     v[0] > v[1] ? v[0] : v[1]);
	}
	for (int run = 0; run < RUNS; run++) {
		b->start[run].eflags = 2 | (rnd(0x1000) & (ARITH | 0x400));
		b->fx[run] = rnd(FX_POOL);
	}
}

static void random_fx(uint8_t *fx, int n)
{
	static const uint16_t exponents[] = {0,      0x8000, 0x7fff, 0xffff,
					     0x3fff, 0xbfff, 0x4000, 0x0001,
					     0x7ffe, 0x400e, 0xc01e, 0x3fc0};

	memset(fx, 0, 512);
	*(uint16_t *)fx = 0x37f;
	if (n % 4 == 1)
		*(uint16_t *)fx = (0x7f | rnd(4) << 8 | rnd(4) << 10);
	if (n % 16 == 3)
		*(uint16_t *)fx = 0x340 | rnd(64);
	*(uint16_t *)(fx + 2) = rnd(8) << 11 | (rnd(8) << 8);
	fx[4] = n % 4 ? (1u << rnd(8)) - 1 : rnd(256);
	*(uint32_t *)(fx + 24) = 0x1f80;
	if (n % 4 == 2)
		*(uint32_t *)(fx + 24) |=
			rnd(4) << 13 | rnd(2) << 15 | rnd(2) << 6;
	if (n % 16 == 5)
		*(uint32_t *)(fx + 24) &= ~(rnd(64) << 7);
	for (int st = 0; st < 8; st++) {
		uint8_t *at = fx + 32 + 16 * st;
		uint16_t exponent = exponents[rnd(12)];

		for (int i = 0; i < 8; i++)
			at[i] = one_in(3) ? rnd(256) : 0;
		if (exponent & 0x7fff)
			at[7] |= 0x80; /* few invalid encodings */
		if (one_in(3))
			exponent = 0x3ff0 + rnd(32);
		*(uint16_t *)(at + 8) = exponent;
	}
	for (int i = 160; i < 288; i += 4) {
		uint32_t v = value();

		if (one_in(2))
			v = (0x3f + rnd(3)) << 24 | (rnd(1 << 24));
		*(uint32_t *)(fx + i) = v;
	}
}

/* ---- which rows of the instruction table are in it ---- */

enum { ROWS_MAX = 1024 };
static unsigned cover_place[ROW_PLACES][ROWS_MAX], cover_form[4][ROWS_MAX];

static void cover(const uint8_t *at, const uint8_t *end)
{
	struct insn in;

	while (at < end && decode(at, end - at, true, &in) == DECODE_OK) {
		unsigned row = in.op - opcodes;

		cover_form[insn_has_mem(&in)][row]++;
		cover_form[2][row] += in.opsize == 2;
		cover_form[3][row] += in.lock || in.rep || in.seg_prefix;
		at += in.len;
	}
}

/* A line a row: opcode, name, then how often there was a register, a memory
 * operand, 66h, another prefix, each place; what else tests it. */
static void print_cover(const char *path)
{
	FILE *f = fopen(path, "w");

	for (unsigned i = 0; f && i < opcode_count; i++) {
		const struct opcode *o = &opcodes[i];
		const char *why = row_elsewhere(o);
		char ext[8] = "";

		if (o->ext != NO_EXT)
			snprintf(ext, sizeof ext, "/%u", o->ext);
		fprintf(f, "%u:%02x%s.%u.%u\t%s", o->map, o->byte, ext,
			o->prefix, o->modform, o->name);
		for (int k = 0; k < 4; k++)
			fprintf(f, "\t%u", cover_form[k][i]);
		for (int k = 0; k < ROW_PLACES; k++)
			fprintf(f, "\t%u", cover_place[k][i]);
		fprintf(f, "\t%s\n", why ? why : "");
	}
	if (!f || fclose(f)) {
		perror(path);
		exit(4);
	}
}

int main(int argc, char **argv)
{
	uint32_t insns = argc > 2 ? strtoul(argv[2], NULL, 0) : 0, most;
	uint32_t classes = 0, count = 0, made = 0;
	bool unlike = host_is_unlike();
	struct image *im;
	FILE *f;

	if (argc < 4) {
		fprintf(stderr, "usage: gen SEED INSNS OUT [CLASS...]\n");
		return 2;
	}
	for (int i = 4; i < argc; i++)
		classes |= class_named(argv[i]);
	seed = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 20; i++)
		rnd(1);
	row_next = rnd(4096);
	most = classes & ROWS ? insns : insns / 8 + 16;
	im = calloc(1, sizeof *im + most * sizeof *im->blocks + insns * (classes & ROWS ? 64 : 24) +
			       (1 << 20));
	base = (uint8_t *)im;
	p = (uint8_t *)(im->blocks + most);
	for (int i = 0; i < FX_POOL; i++)
		random_fx(im->fx[i], i);
	for (int i = 0; i < ARENA_SIZE; i += 4)
		*(uint32_t *)(im->arena + i) = value();

	while (made < insns && count < most) {
		struct block *b = &im->blocks[count++];
		uint32_t length = 1 + rnd(20);

		start_states(b);
		b->code = here();
		if (classes & ROWS) {
			b->special = row(rnd(SPECIAL_KINDS));
			for (int run = 0; unlike && run < RUNS; run++)
				while (row_may_store_nothing() &&
				       ~*im->fx[b->fx[run]] & 0x19) /* FCW */
					b->fx[run] = rnd(FX_POOL);
			cover_place[row_place][row_made]++;
			made++;
		} else {
			b->special = rnd(DEVICE);
			now.classes = class_mix(classes);
			for (uint32_t i = 0; i < length; i++)
				made += instruction();
		}
		b1(0xe9);
		b4(GATE_CODE - (here() + 4));
		if (getenv("COVER"))
			cover(base + b->code - IMAGE, p);
		b->flags_mask = ARITH & ~now.undefined;
		p += rnd(4);
	}
	im->magic = MAGIC;
	im->count = count;
	im->insns = made;
	im->unlike = unlike;
	f = fopen(argv[3], "wb");
	if (!f || fwrite(im, p - base, 1, f) != 1 || fclose(f)) {
		perror(argv[3]);
		return 4;
	}
	if (getenv("COVER"))
		print_cover(getenv("COVER"));
	printf("%u blocks, %u instructions, each run %d times\n", count, made,
	       RUNS);
	return 0;
}
