/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chooses x87, MMX and SSE instructions, SSE4.2 included.  Left out are
 * those whose result says where code ran (the x87 pointers, blanked after
 * FNSTENV and FNSAVE) and those later CPUs added. */
#include "tests/diff/gen.h"

/* FXSAVE and FXRSTOR of the same, blanking what says where code ran. */
static void whole_state(void)
{
	uint32_t at = ARENA + 512 + rnd(500) * 16;

	b1(0x0f), b1(0xae), mem_abs(0, at);
	b1(0x0f), b1(0xae), mem_abs(1, at);
	b1(0x66), b1(0xc7), mem_abs(0, at + 6), b2(0);
	for (int i = 8; i < 32; i += i == 20 ? 8 : 4)
		b1(0xc7), mem_abs(0, at + i), b4(0);
}

/* ---- x87 ---- */

static const uint8_t sizes[8][8] = {
	/* bytes of memory by opcode and ModRM.reg; 0: not used here */
	{4, 4, 4, 4, 4, 4, 4, 4}, {4, 0, 4, 4, 0, 0, 0, 2},
	{4, 4, 4, 4, 4, 4, 4, 4}, {4, 4, 4, 4, 0, 10, 0, 10},
	{8, 8, 8, 8, 8, 8, 8, 8}, {8, 8, 8, 8, 0, 0, 0, 2},
	{2, 2, 2, 2, 2, 2, 2, 2}, {2, 2, 2, 2, 10, 8, 10, 8}};

static void x87_environment(void)
{
	uint32_t at = ARENA + 512 + rnd(8000), full = rnd(2);

	if (one_in(4)) {
		whole_state();
		return;
	}
	switch (rnd(3)) {
	case 0: /* fnstenv, fnsave, and blank the pointers */
		b1(full ? 0xdd : 0xd9), mem_abs(6, at);
		for (int i = 12; i < 28; i += 4)
			b1(0xc7), mem_abs(0, at + i), b4(0);
		break;
	case 1: /* fldcw of a sane word */
		b1(0xc7), mem_abs(0, at), b4(0x37f ^ (rnd(64) << 6 & 0xf00));
		b1(0xd9), mem_abs(5, at);
		break;
	default: /* fldenv, frstor: back what was just stored */
		b1(full ? 0xdd : 0xd9), mem_abs(6, at);
		b1(full ? 0xdd : 0xd9), mem_abs(4, at);
		for (int i = 12; i < 28; i += 4)
			b1(0xc7), mem_abs(0, at + i), b4(0);
	}
}

void x87(void)
{
	static const uint8_t d9[] = {0xd0, 0xe0, 0xe1, 0xe4, 0xe5, 0xe8,
				     0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee};
	static const uint8_t dd[] = {0xc0, 0xd0, 0xd8, 0xe0, 0xe8};
	int op, reg, n;

	if (one_in(24)) {
		x87_environment();
		return;
	}
	if (one_in(2)) {
		do {
			op = rnd(8);
			reg = rnd(8);
		} while (!sizes[op][reg]);
		segment_prefix();
		b1(0xd8 | op);
		mem(reg, sizes[op][reg], 1);
		return;
	}
	switch (rnd(10)) {
	case 0:
		b1(0xd8), b1(0xc0 | rnd(64));
		break;
	case 1:
		b1(0xd9), b1(0xc0 | rnd(16));
		break;
	case 2:
		b1(0xd9), b1(d9[rnd(sizeof d9)]);
		break;
	case 3:
		b1(0xd9), b1(0xf0 | rnd(16));
		break;
	case 4:
		n = rnd(33);
		need_flags(); /* fcmov */
		b1(0xda), b1(n == 32 ? 0xe9 : 0xc0 | n);
		break;
	case 5:
		n = rnd(8);
		need_flags();
		if (n < 4)
			b1(0xdb), b1(0xc0 | rnd(32));
		else if (n == 4)
			b1(0xdb), b1(0xe2 | one_in(4));
		else {
			b1(0xdb), b1(0xe8 | rnd(16)); /* fucomi, fcomi */
			defined(ARITH);
		}
		break;
	case 6:
		n = rnd(48);
		b1(0xdc), b1(n < 16 ? 0xc0 | n : 0xd0 + n);
		break;
	case 7:
		b1(0xdd), b1(dd[rnd(sizeof dd)] | rnd(8));
		break;
	case 8:
		n = rnd(49);
		b1(0xde), b1(n < 16 ? 0xc0 | n : n == 48 ? 0xd9 : 0xd0 + n);
		break;
	default:
		n = rnd(4);
		if (n == 0 && may_write(EAX, 4)) {
			b1(0xdf), b1(0xe0); /* fnstsw ax */
			forget(EAX, 4);
		} else if (n == 1)
			b1(0x9b);
		else {
			b1(0xdf), b1((n == 2 ? 0xe8 : 0xf0) | rnd(8));
			defined(ARITH);
		}
	}
}

/* ---- MMX and SSE ---- */

enum { N = 1, P66 = 2, PF3 = 4, PF2 = 8 }; /* prefixes that exist */
enum {
	R = 1,       /* no memory form */
	M = 2,       /* no register form */
	IMM = 4,     /* a byte follows */
	REG_G = 8,   /* ModRM.reg names a general register, which is written */
	RM_G = 16,   /* ModRM.rm does, and is read */
	RM_GW = 32,  /* and is written */
	ANY = 64,    /* memory need not be aligned */
	FLAGS = 128, /* writes the arithmetic flags */
	ECX_W = 256, /* writes ecx */
	REG_S = 512  /* ModRM.reg names a general register, which is read */
};
/* Bytes of the memory operand; the letters choose by prefix. */
enum {
	I = 100, /* integer: 8 without prefix, else 16 */
	F = 101, /* float: 16, 16, 4 with F3, 8 with F2 */
	C = 102, /* converts to or from MMX: 8, and 16 with 66 */
	H = 103, /* half: 8, and 16 with F3 */
	D = 104  /* by the source: 8, 16, 4, 8 */
};

static const struct row {
	uint8_t map, first, last, prefixes, size;
	uint16_t how;
} rows[] = {
	{0x0f, 0x60, 0x6b, N | P66, I, 0},
	{0x0f, 0x6c, 0x6d, P66, 16, 0},
	{0x0f, 0x6e, 0x6e, N | P66, 4, RM_G},
	{0x0f, 0x6f, 0x6f, N | P66, I, 0},
	{0x0f, 0x6f, 0x6f, PF3, 16, ANY},
	{0x0f, 0x70, 0x70, N | P66 | PF3 | PF2, I, IMM},
	{0x0f, 0x74, 0x76, N | P66, I, 0},
	{0x0f, 0x7c, 0x7d, P66 | PF2, 16, 0},
	{0x0f, 0x7e, 0x7e, N | P66, 4, RM_GW},
	{0x0f, 0x7e, 0x7e, PF3, 8, 0},
	{0x0f, 0x7f, 0x7f, N | P66, I, 0},
	{0x0f, 0x7f, 0x7f, PF3, 16, ANY},
	{0x0f, 0xc3, 0xc3, N, 4, M | REG_S},
	{0x0f, 0xc4, 0xc4, N | P66, 2, RM_G | IMM},
	{0x0f, 0xc5, 0xc5, N | P66, 0, R | REG_G | IMM},
	{0x0f, 0xd0, 0xd0, P66 | PF2, 16, 0},
	{0x0f, 0xd1, 0xd5, N | P66, I, 0},
	{0x0f, 0xd6, 0xd6, P66, 8, 0},
	{0x0f, 0xd6, 0xd6, PF3 | PF2, 0, R},
	{0x0f, 0xd7, 0xd7, N | P66, 0, R | REG_G},
	{0x0f, 0xd8, 0xdf, N | P66, I, 0},
	{0x0f, 0xe0, 0xe5, N | P66, I, 0},
	{0x0f, 0xe6, 0xe6, P66 | PF2, 16, 0},
	{0x0f, 0xe6, 0xe6, PF3, 8, 0},
	{0x0f, 0xe7, 0xe7, N | P66, I, M},
	{0x0f, 0xe8, 0xef, N | P66, I, 0},
	{0x0f, 0xf0, 0xf0, PF2, 16, M | ANY},
	{0x0f, 0xf1, 0xf6, N | P66, I, 0},
	{0x0f, 0xf8, 0xfe, N | P66, I, 0},
	{0x0f, 0x10, 0x11, N | P66 | PF3 | PF2, F, ANY},
	{0x0f, 0x12, 0x12, N | PF3 | PF2, H, 0},
	{0x0f, 0x12, 0x13, P66, 8, M},
	{0x0f, 0x13, 0x13, N, 8, M},
	{0x0f, 0x14, 0x15, N | P66, 16, 0},
	{0x0f, 0x16, 0x16, N | PF3, H, 0},
	{0x0f, 0x16, 0x17, P66, 8, M},
	{0x0f, 0x17, 0x17, N, 8, M},
	{0x0f, 0x28, 0x29, N | P66, 16, 0},
	{0x0f, 0x2a, 0x2a, N | P66, 8, 0},
	{0x0f, 0x2a, 0x2a, PF3 | PF2, 4, RM_G},
	{0x0f, 0x2b, 0x2b, N | P66, 16, M},
	{0x0f, 0x2c, 0x2d, N | P66, C, 0},
	{0x0f, 0x2c, 0x2d, PF3 | PF2, F, REG_G},
	{0x0f, 0x2e, 0x2f, N, 4, FLAGS},
	{0x0f, 0x2e, 0x2f, P66, 8, FLAGS},
	{0x0f, 0x50, 0x50, N | P66, 0, R | REG_G},
	{0x0f, 0x51, 0x51, N | P66 | PF3 | PF2, F, 0},
	{0x0f, 0x52, 0x53, N | PF3, F, 0},
	{0x0f, 0x54, 0x57, N | P66, 16, 0},
	{0x0f, 0x58, 0x59, N | P66 | PF3 | PF2, F, 0},
	{0x0f, 0x5a, 0x5a, N | P66 | PF3 | PF2, D, 0},
	{0x0f, 0x5b, 0x5b, N | P66 | PF3, 16, 0},
	{0x0f, 0x5c, 0x5f, N | P66 | PF3 | PF2, F, 0},
	{0x0f, 0xc2, 0xc2, N | P66 | PF3 | PF2, F, IMM},
	{0x0f, 0xc6, 0xc6, N | P66, 16, IMM},
	{0x38, 0x00, 0x0b, N | P66, I, 0},
	{0x38, 0x1c, 0x1e, N | P66, I, 0},
	{0x38, 0x10, 0x10, P66, 16, 0},
	{0x38, 0x14, 0x15, P66, 16, 0},
	{0x38, 0x17, 0x17, P66, 16, FLAGS},
	{0x38, 0x20, 0x20, P66, 8, 0},
	{0x38, 0x21, 0x21, P66, 4, 0},
	{0x38, 0x22, 0x22, P66, 2, 0},
	{0x38, 0x23, 0x23, P66, 8, 0},
	{0x38, 0x24, 0x24, P66, 4, 0},
	{0x38, 0x25, 0x25, P66, 8, 0},
	{0x38, 0x28, 0x29, P66, 16, 0},
	{0x38, 0x2a, 0x2a, P66, 16, M},
	{0x38, 0x2b, 0x2b, P66, 16, 0},
	{0x38, 0x30, 0x30, P66, 8, 0},
	{0x38, 0x31, 0x31, P66, 4, 0},
	{0x38, 0x32, 0x32, P66, 2, 0},
	{0x38, 0x33, 0x33, P66, 8, 0},
	{0x38, 0x34, 0x34, P66, 4, 0},
	{0x38, 0x35, 0x35, P66, 8, 0},
	{0x38, 0x37, 0x41, P66, 16, 0},
	{0x38, 0xf0, 0xf0, PF2, 1, REG_G | RM_G},
	{0x38, 0xf1, 0xf1, PF2, 4, REG_G | RM_G},
	{0x3a, 0x08, 0x09, P66, 16, IMM},
	{0x3a, 0x0a, 0x0a, P66, 4, IMM},
	{0x3a, 0x0b, 0x0b, P66, 8, IMM},
	{0x3a, 0x0c, 0x0e, P66, 16, IMM},
	{0x3a, 0x0f, 0x0f, N | P66, I, IMM},
	{0x3a, 0x14, 0x14, P66, 1, RM_GW | IMM},
	{0x3a, 0x15, 0x15, P66, 2, RM_GW | IMM},
	{0x3a, 0x16, 0x17, P66, 4, RM_GW | IMM},
	{0x3a, 0x20, 0x20, P66, 1, RM_G | IMM},
	{0x3a, 0x21, 0x21, P66, 4, IMM},
	{0x3a, 0x22, 0x22, P66, 4, RM_G | IMM},
	{0x3a, 0x40, 0x42, P66, 16, IMM},
	{0x3a, 0x60, 0x63, P66, 16, ANY | IMM | FLAGS | ECX_W},
};

static int bytes(const struct row *row, int prefix)
{
	switch (row->size) {
	case I:
		return prefix == N ? 8 : 16;
	case F:
		return prefix == PF3 ? 4 : prefix == PF2 ? 8 : 16;
	case C:
		return prefix == N ? 8 : 16;
	case H:
		return prefix == PF3 ? 16 : 8;
	case D:
		return prefix == PF3 ? 4 : prefix == P66 ? 16 : 8;
	default:
		return row->size;
	}
}

/* Does the row touch an MMX register in the form with this prefix? */
static bool is_mmx(const struct row *row, int prefix)
{
	if (row->map == 0x0f && (row->first == 0x2a || row->first == 0x2c))
		return prefix == N || prefix == P66;
	if (row->map == 0x0f && row->first == 0xd6)
		return prefix != P66;
	if (prefix != N)
		return false;
	return row->size == I || row->how & RM_G || row->how & RM_GW ||
	       row->first == 0xc5 || row->first == 0xd7;
}

static void rare(bool mmx)
{
	static const uint8_t shifts[] = {0xd0, 0xe0, 0xf0};
	uint32_t at = ARENA + rnd(8000), n = rnd(5);

	if (one_in(6)) {
		whole_state();
	} else if (mmx && n < 2) {
		b1(0x0f), b1(0x77); /* emms */
	} else if (n < 3) {         /* shifts by an immediate */
		bool quad = one_in(3), bytewise = quad && !mmx && one_in(2);

		if (!mmx)
			b1(0x66);
		b1(0x0f), b1(quad ? 0x73 : 0x71 + rnd(2));
		b1((quad ? bytewise     ? one_in(2) ? 0xd8 : 0xf8
			    : one_in(2) ? 0xd0
					: 0xf0
			 : shifts[rnd(3)]) |
		   rnd(8));
		b1(rnd(70));
	} else if (n == 3) { /* ldmxcsr of a sane word */
		b1(0xc7), mem_abs(0, at), b4(0x1f80 ^ (rnd(4) << 13));
		b1(0x0f), b1(0xae), mem_abs(2, at);
	} else if (one_in(2)) {
		b1(0x0f), b1(0xae), mem(3, 4, 1); /* stmxcsr */
	} else {
		b1(0x0f), b1(0xae), b1(0xe8 | rnd(3) << 3); /* fences */
	}
}

void media(bool mmx)
{
	static const uint8_t bytes_of[] = {
		[P66] = 0x66, [PF3] = 0xf3, [PF2] = 0xf2};
	const struct row *row;
	int prefix, size, reg, align;

	if (one_in(20)) {
		rare(mmx);
		return;
	}
	do {
		row = &rows[rnd(sizeof rows / sizeof *rows)];
		prefix = 1 << rnd(4);
	} while (!(row->prefixes & prefix) || is_mmx(row, prefix) != mmx ||
		 (row->how & ECX_W && !may_write(ECX, 4)));
	size = bytes(row, prefix);
	segment_prefix();
	if (prefix != N)
		b1(bytes_of[prefix]);
	b1(0x0f);
	if (row->map != 0x0f)
		b1(row->map);
	b1(row->first + rnd(row->last - row->first + 1));
	reg = row->how & REG_G ? pick(4) : (int)rnd(8);
	align = size == 16 && !(row->how & ANY) && !one_in(100) ? 16 : 1;
	if (row->how & M || (!(row->how & R) && one_in(2)))
		mem(reg, size, align);
	else
		b1(0xc0 | reg << 3 |
		   (row->how & RM_GW ? target(4) : (int)rnd(8)));
	if (row->how & REG_G)
		forget(reg, 4);
	if (row->how & IMM)
		b1(value());
	if (row->how & FLAGS)
		defined(ARITH);
	if (row->how & ECX_W)
		forget(ECX, 4);
}
