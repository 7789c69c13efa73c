/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs blocks and folds what each did into a number, or prints all of it.
 * Both runners include this, so that what is compared is decided once; what
 * is declared here and not defined is the runner's. */
#ifndef TESTS_DIFF_JUDGE_H
#define TESTS_DIFF_JUDGE_H

#include "tests/diff/layout.h"

static void put(char c);
static void copy(void *to, const void *from, uint32_t n); /* whole words */
static void protect(uint32_t special); /* the page behind the arena */
void enter_block(const struct state *s, uint32_t code, const void *fx);

static void put_text(const char *s)
{
	while (*s)
		put(*s++);
}

static void put_hex(uint32_t v)
{
	for (int i = 28; i >= 0; i -= 4)
		put("0123456789abcdef"[v >> i & 15]);
}

static uint32_t fold(uint32_t h, const void *at, uint32_t words)
{
	const uint32_t *p = at;

	while (words--)
		h = ((h << 5 | h >> 27) ^ *p++) * 0x9e3779b1u;
	return h;
}

/* The bytes of the instruction at eip behind its prefixes; NULL: it has one
 * that makes another instruction of it. */
static const uint8_t *opcode_at(uint32_t eip)
{
	const uint8_t *at = (const uint8_t *)eip;

	for (;; at++)
		switch (*at) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0x67:
			break;
		case 0x66:
		case 0xf0:
		case 0xf2:
		case 0xf3:
			return 0;
		default:
			return at;
		}
}

/* Blanks what a processor may do before it faults, where this host's is not
 * like the guest's (host.c): an MMX store has made TOP 0, which moves the
 * registers in the image; the first eight of ten bytes are stored. */
static void choices(struct result *r, const struct image *im)
{
	const uint8_t *at = opcode_at(r->eip);
	uint32_t top = r->fx[3] >> 3 & 7, was[32], edge = r->address;
	uint32_t *st = (uint32_t *)(r->fx + 32);

	if (!at)
		return;
	if (at[0] == 0x0f && (at[1] == 0x7e || at[1] == 0x7f || at[1] == 0xe7)) {
		for (int i = 0; i < 32; i++)
			was[i] = st[i];
		for (uint32_t i = 0; i < 32; i++)
			st[i] = was[(i - 4 * top) & 31];
		r->fx[3] &= ~0x38;
	}
	if ((at[0] == 0xdb && (at[1] & 0x38) == 0x38) ||
	    (at[0] == 0xdf && (at[1] & 0x38) == 0x30))
		for (uint32_t i = edge - 9; i < edge; i++)
			if (!(edge & 0xfff) && i - ARENA < ARENA_SIZE)
				*(uint8_t *)i = im->arena[i - ARENA];
}

/* Blanks what is undefined, or says where the code ran rather than what it
 * did: RF and reserved flags, x87 pointers and opcode, reserved bytes. */
static void normalize(struct result *r, const struct block *b,
		      const struct image *im)
{
	uint32_t defined = r->vector == NO_FAULT ? b->flags_mask : 0;

	if (im->unlike && (r->vector == 13 || r->vector == 14))
		choices(r, im);

	/* A process has no supervisor's pages: there they are missing. */
	if (r->vector == 14)
		r->error &= ~1u;
	else
		r->address = 0;

	r->s.eflags &= defined | 0x400; /* DF is always defined */
	*(uint16_t *)(r->fx + 6) = 0;
	for (int i = 8; i < 24; i += 4)
		*(uint32_t *)(r->fx + i) = 0;
	*(uint32_t *)(r->fx + 28) = 0; /* MXCSR_MASK */
	r->fx[5] = 0;
	for (int st = 0; st < 8; st++) {
		*(uint16_t *)(r->fx + 32 + 16 * st + 10) = 0;
		*(uint32_t *)(r->fx + 32 + 16 * st + 12) = 0;
	}
	r->arena = fold(1, (void *)ARENA, ARENA_SIZE / 4);
	if (b->special == DEVICE)
		r->arena = fold(r->arena, (void *)(ARENA + ARENA_SIZE),
				DEVICE_USED / 4);
}

static uint32_t hash(const struct result *r, uint32_t h)
{
	h = fold(h, &r->s, sizeof r->s / 4);
	h = fold(h, &r->vector, 5);
	return fold(h, r->fx, 288 / 4);
}

static void show(const struct result *r, int run)
{
	static const char names[] = "eaxecxedxebxespebpesiedi";

	put_text("run ");
	put('0' + run);
	for (int i = 0; i < 8; i++) {
		put(i & 3 ? ' ' : '\n');
		for (int k = 0; k < 3; k++)
			put(names[3 * i + k]);
		put(' ');
		put_hex(r->s.regs[i]);
	}
	put_text("\neflags ");
	put_hex(r->s.eflags);
	put_text(" vector ");
	put_hex(r->vector);
	put_text(" error ");
	put_hex(r->error);
	put_text(" eip ");
	put_hex(r->eip);
	put_text(" address ");
	put_hex(r->address);
	put_text(" arena ");
	put_hex(r->arena);
	put_text("\nfcw,fsw ");
	put_hex(*(const uint32_t *)r->fx);
	put_text(" ftw ");
	put_hex(*(const uint32_t *)(r->fx + 4));
	put_text(" mxcsr ");
	put_hex(*(const uint32_t *)(r->fx + 24));
	for (int i = 0; i < 16; i++) {
		put_text(i < 8 ? "\nst  " : "\nxmm ");
		for (int k = 3; k >= 0; k--)
			put_hex(*(const uint32_t *)(r->fx + 32 + 16 * i +
						    4 * k));
	}
	for (int i = 0; i < ARENA_SIZE / 4; i++) {
		uint32_t was =
			((const uint32_t *)((struct image *)IMAGE)->arena)[i];
		uint32_t is = ((const uint32_t *)ARENA)[i];

		if (was == is)
			continue;
		put_text("\narena+");
		put_hex(4 * i);
		put(' ');
		put_hex(is);
	}
	put('\n');
}

/* Runs every block, or shows what the one numbered `only` does.  The runner
 * has made GATE, where results are left. */
static void judge(const struct image *im, uint32_t only)
{
	struct result *r = (struct result *)GATE;
	uint32_t special = ~0u;

	for (uint32_t n = 0; n < im->count; n++) {
		const struct block *b = &im->blocks[n];
		uint32_t h = 1;

		if (b->special != special)
			protect(special = b->special);
		for (int run = 0; run < RUNS; run++) {
			copy((void *)ARENA, im->arena, ARENA_SIZE);
			if (b->special == DEVICE)
				copy((void *)(ARENA + ARENA_SIZE), im->arena,
				     DEVICE_USED);
			r->vector = NO_FAULT;
			r->error = r->eip = r->address = 0;
			enter_block(&b->start[run], b->code,
				    im->fx[b->fx[run]]);
			normalize(r, b, im);
			h = hash(r, h);
			if (n == only)
				show(r, run);
		}
		if (only == ~0u) {
			put_hex(h);
			put('\n');
		}
	}
	if (only == ~0u)
		put_text("done\n");
}

#endif
