/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder.
 *
 * An IA-32 instruction is: prefixes in any order, one to three opcode bytes,
 * ModRM, SIB, displacement, immediates (SDM 2A chapter 2).  The decoder walks
 * them in that order with a cursor that notes when bytes run out, so that a
 * caller at the end of a page can fetch more and try again.  Which row of
 * opcodes.def it is depends on map, byte, the mandatory prefix, ModRM.reg for
 * groups, and whether ModRM names memory; rows of one byte stand together,
 * and index[][] finds the first.
 *
 * What the table does not hold is not an instruction: #UD. */
#include "core/x86/decode.h"

#include "core/x86/opcode.h"

enum {
#define OP(name, speed) SPEED_##name = (speed),
#include "core/op/ops.def"
};

const struct opcode opcodes[] = {
#define ROW(map, byte, pfx, ext, mf, name, form, size, cls, rd, wr) \
	{ map, byte, pfx, ext, mf, size, cls, form, rd, wr, name, 0, false },
#define OPR(map, byte, pfx, ext, mf, name, form, f) \
	{ map, byte, pfx, ext, mf, 0, C_OP, form, EFL_ARITH, 0, name, \
	  OPERATION_##f, SPEED_##f },
#define OPC(map, byte, pfx, ext, mf, name, form, cls, rd, f) \
	{ map, byte, pfx, ext, mf, 0, cls, form, rd, 0, name, OPERATION_##f, \
	  SPEED_##f },
#include "core/x86/opcodes.def"
};
const unsigned opcode_count = ARRAY_LEN(opcodes);

/* First row of each byte, plus one; 0 where there is none. */
static u16 first_row[4][256];

static void index_rows(void)
{
	for (unsigned i = opcode_count; i-- > 0;)
		first_row[opcodes[i].map][opcodes[i].byte] = (u16)(i + 1);
}

struct cursor {
	const u8 *bytes;
	size_t avail, pos;
	bool ran_out, too_long;
};

static u8 next8(struct cursor *k)
{
	if (k->pos >= INSN_MAX) {
		k->too_long = true;
		return 0;
	}
	if (k->pos >= k->avail) {
		k->ran_out = true;
		return 0;
	}
	return k->bytes[k->pos++];
}

static u32 next_value(struct cursor *k, unsigned size)
{
	u32 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u32)next8(k) << (8 * i);
	return v;
}

static u32 sign_extend(u32 v, unsigned size)
{
	return size == 1 ? (u32)(s8)v : size == 2 ? (u32)(s16)v : v;
}

/* Returns the first byte that is not a prefix. */
static u8 read_prefixes(struct cursor *k, bool code32, struct insn *in)
{
	bool addr = false;
	u8 b;

	for (;;) {
		b = next8(k);
		if (k->ran_out || k->too_long)
			break;
		switch (b) {
		case 0x26: in->seg = SEG_ES; in->seg_prefix = true; continue;
		case 0x2e: in->seg = SEG_CS; in->seg_prefix = true; continue;
		case 0x36: in->seg = SEG_SS; in->seg_prefix = true; continue;
		case 0x3e: in->seg = SEG_DS; in->seg_prefix = true; continue;
		case 0x64: in->seg = SEG_FS; in->seg_prefix = true; continue;
		case 0x65: in->seg = SEG_GS; in->seg_prefix = true; continue;
		case 0x66: in->opsize_prefix = true; continue;
		case 0x67: addr = true; continue;
		case 0xf0: in->lock = true; continue;
		case 0xf2:
		case 0xf3: in->rep = b; continue;
		default: break;
		}
		break;
	}
	in->opsize = code32 != in->opsize_prefix ? 4 : 2;
	in->addrsize = code32 != addr ? 4 : 2;
	return b;
}

static void read_opcode(struct cursor *k, u8 b, struct insn *in)
{
	in->map = 0;
	if (b == 0x0f) {
		b = next8(k);
		in->map = 1;
		if (b == 0x38 || b == 0x3a) {
			in->map = b == 0x38 ? 2 : 3;
			b = next8(k);
		}
	}
	in->opcode = b;
}

/* 16-bit forms: base and index of each rm (SDM 2A table 2-1). */
static const u8 base16[8] = { EBX, EBX, EBP, EBP, REG_NONE, REG_NONE, EBP, EBX };
static const u8 index16[8] = { ESI, EDI, ESI, EDI, ESI, EDI, REG_NONE, REG_NONE };

static void read_mem16(struct cursor *k, struct insn *in)
{
	in->base = base16[in->rm];
	in->index = index16[in->rm];
	in->disp_size = in->mod == 1 ? 1 : in->mod == 2 ? 2 : 0;
	if (in->mod == 0 && in->rm == 6) {
		in->base = REG_NONE;
		in->disp_size = 2;
	}
	in->disp = (s32)sign_extend(next_value(k, in->disp_size), in->disp_size);
}

static void read_mem32(struct cursor *k, struct insn *in)
{
	in->disp_size = in->mod == 1 ? 1 : in->mod == 2 ? 4 : 0;
	in->base = in->rm;
	if (in->rm == 4) {
		u8 sib = next8(k);

		in->scale = sib >> 6;
		in->index = (sib >> 3) & 7;
		in->base = sib & 7;
		if (in->index == 4)
			in->index = REG_NONE;
	}
	if (in->mod == 0 && in->base == EBP) {
		in->base = REG_NONE;
		in->disp_size = 4;
	}
	in->disp = (s32)sign_extend(next_value(k, in->disp_size), in->disp_size);
}

static void read_modrm(struct cursor *k, struct insn *in)
{
	in->has_modrm = true;
	in->modrm = next8(k);
	in->mod = in->modrm >> 6;
	in->reg = (in->modrm >> 3) & 7;
	in->rm = in->modrm & 7;
	/* MOV to and from CR and DR ignore mod: always registers. */
	if (in->map == 1 && in->opcode >= 0x20 && in->opcode <= 0x23)
		in->mod = 3;
	if (in->mod == 3)
		return;
	if (in->addrsize == 2)
		read_mem16(k, in);
	else
		read_mem32(k, in);
	if (!in->seg_prefix && (in->base == EBP || in->base == ESP))
		in->seg = SEG_SS;
}

static bool prefix_fits(const struct opcode *op, const struct insn *in)
{
	switch (op->prefix) {
	case ANY: return true;
	case PF2: return in->rep == 0xf2;
	case PF3: return in->rep == 0xf3;
	case P66: return !in->rep && in->opsize_prefix;
	default: return !in->rep && !in->opsize_prefix;
	}
}

static const struct opcode *find_row(const struct insn *in)
{
	unsigned i = first_row[in->map][in->opcode];

	if (!i)
		return NULL;
	for (i--; i < opcode_count && opcodes[i].map == in->map &&
		  opcodes[i].byte == in->opcode; i++) {
		const struct opcode *op = &opcodes[i];

		if (!prefix_fits(op, in))
			continue;
		if (op->ext != NO_EXT && op->ext != in->reg)
			continue;
		if (op->modform == MEM_FORM && in->mod == 3)
			continue;
		if (op->modform == REG_FORM && in->mod != 3)
			continue;
		return op;
	}
	return NULL;
}

static void read_immediates(struct cursor *k, u32 form, struct insn *in)
{
	if (form & F_MOFFS) {
		in->disp_size = in->addrsize;
		in->disp = (s32)next_value(k, in->addrsize);
		return;
	}
	if (form & F_FAR) {
		in->imm = next_value(k, in->opsize);
		in->imm2 = (u16)next_value(k, 2);
		return;
	}
	if (form & F_IMM16) {
		in->imm = next_value(k, 2);
		if (form & F_IMM8)
			in->imm2 = next8(k); /* ENTER */
		return;
	}
	if (form & F_IMMV)
		in->imm = sign_extend(next_value(k, in->opsize), in->opsize);
	else if (form & F_IMM8S)
		in->imm = sign_extend(next8(k), 1);
	else if (form & F_IMM8)
		in->imm = next8(k);
}

static bool lock_allowed(const struct insn *in)
{
	return !in->lock || ((in->op->form & F_LOCK) && insn_has_mem(in));
}

enum decode_result decode(const u8 *bytes, size_t avail, bool code32,
			  struct insn *in)
{
	struct cursor k = { bytes, avail, 0, false, false };
	bool has_modrm = false;

	if (!first_row[0][0])
		index_rows();
	*in = (struct insn){ .base = REG_NONE, .index = REG_NONE, .seg = SEG_DS };
	read_opcode(&k, read_prefixes(&k, code32, in), in);
	if (first_row[in->map][in->opcode])
		has_modrm = opcodes[first_row[in->map][in->opcode] - 1].form &
			    F_MODRM;
	if (has_modrm)
		read_modrm(&k, in);
	in->op = k.ran_out || k.too_long ? NULL : find_row(in);
	if (in->op)
		read_immediates(&k, in->op->form, in);
	in->len = (u8)k.pos;
	if (k.too_long)
		return DECODE_TOO_LONG;
	if (k.ran_out)
		return DECODE_MORE;
	if (!in->op || !lock_allowed(in))
		return DECODE_INVALID;
	return DECODE_OK;
}
