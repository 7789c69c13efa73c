/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Storing and loading x87 and SSE state, between guest memory and c->fxsave.
 *
 * c->fxsave is in FXSAVE's layout (SDM 2A table 3-53), the older FSTENV and
 * FSAVE images come in four layouts: 16 or 32 bits, protected or real (SDM 1
 * 8.1.10).  Real-address layouts, also used in virtual-8086 mode, hold linear
 * addresses instead of selector and offset.
 *
 * Two things differ between the worlds.  FXSAVE has one tag bit a register,
 * "not empty"; the old tag word has two, which say what kind of number it
 * holds and are computed when stored.  And both keep the registers in stack
 * order, ST(0) first, while tags go by physical register; so when FLDENV
 * changes TOP under the registers, their slots are rotated. */
#include "core/op/op_priv.h"

enum {
	FX_FCW = 0,
	FX_FSW = 2,
	FX_FTW = 4,
	FX_FOP = 6,
	FX_FIP = 8,
	FX_FCS = 12,
	FX_FDP = 16,
	FX_FDS = 20,
	FX_MXCSR = 24,
	FX_MXCSR_MASK = 28,
	FX_ST = 32,
	FX_XMM = 160,
	FX_X87_END = 160,
	FX_XMM_END = 288, /* eight XMM registers; the rest is reserved */
	FX_WRITTEN = 464,
	FX_SIZE = 512,

	ST_SIZE = 10,
	ST_BYTES = 8 * ST_SIZE,
	FCW_INIT = 0x37f,
	FCW_MASKS = 0x3f,
	FSW_ES = 0x80,
	FSW_B = 0x8000,
	MXCSR_VALID = 0xffff,
};

static u16 get16(const struct cpu *c, unsigned at)
{
	return c->fxsave[at] | c->fxsave[at + 1] << 8;
}
static u32 get32(const struct cpu *c, unsigned at)
{
	return get16(c, at) | (u32)get16(c, at + 2) << 16;
}
static void put16(struct cpu *c, unsigned at, u16 value)
{
	c->fxsave[at] = value;
	c->fxsave[at + 1] = value >> 8;
}
static void put32(struct cpu *c, unsigned at, u32 value)
{
	put16(c, at, value);
	put16(c, at + 2, value >> 16);
}

static unsigned top(const struct cpu *c)
{
	return get16(c, FX_FSW) >> 11 & 7;
}
static u8 *st_slot(struct cpu *c, unsigned st)
{
	return c->fxsave + FX_ST + 16 * st;
}

/* ES and B summarize the exceptions that are not masked. */
static void summarize(struct cpu *c)
{
	u16 fsw = get16(c, FX_FSW) & ~(FSW_ES | FSW_B);

	if (fsw & ~get16(c, FX_FCW) & FCW_MASKS)
		fsw |= FSW_ES | FSW_B;
	put16(c, FX_FSW, fsw);
}

static bool x87_allowed(struct cpu *c)
{
	return !(c->cr0 & (CR0_EM | CR0_TS)) || cpu_raise(c, EXC_NM, 0);
}

/* Waiting instructions report an exception that an earlier one left. */
static bool x87_waited(struct cpu *c)
{
	if (!x87_allowed(c))
		return false;
	return !(get16(c, FX_FSW) & FSW_ES) || cpu_raise_x87(c);
}

/* ---- tags ---- */

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static unsigned tag_of(const u8 *st)
{
	unsigned exponent = (st[8] | st[9] << 8) & 0x7fff;
	u8 any = 0;

	for (unsigned i = 0; i < 8; i++)
		any |= st[i];
	if (exponent == 0)
		return any ? TAG_SPECIAL : TAG_ZERO;
	if (exponent == 0x7fff || !(st[7] & 0x80))
		return TAG_SPECIAL;
	return TAG_VALID;
}

static u16 full_tags(struct cpu *c)
{
	unsigned first = top(c);
	u16 tags = 0;

	for (unsigned phys = 0; phys < 8; phys++) {
		unsigned tag = TAG_EMPTY;

		if (c->fxsave[FX_FTW] >> phys & 1)
			tag = tag_of(st_slot(c, (phys - first) & 7));
		tags |= tag << 2 * phys;
	}
	return tags;
}

static u8 short_tags(u16 tags)
{
	u8 bits = 0;

	for (unsigned phys = 0; phys < 8; phys++) {
		if ((tags >> 2 * phys & 3) != TAG_EMPTY)
			bits |= 1u << phys;
	}
	return bits;
}

/* Renames the slots for a new TOP: physical registers stay. */
static void rotate_slots(struct cpu *c, unsigned old_top, unsigned new_top)
{
	unsigned shift = (new_top - old_top) & 7;
	u8 copy[8 * 16];

	if (!shift)
		return;
	copy_bytes(copy, st_slot(c, 0), sizeof(copy));
	for (unsigned st = 0; st < 8; st++)
		copy_bytes(st_slot(c, st), copy + 16 * ((st + shift) & 7), 16);
}

/* ---- environments ---- */

struct env {
	u32 word[7]; /* control, status, tag, then two pointers in two words */
};

static unsigned env_size(const struct insn *in)
{
	return in->opsize == 4 ? 28 : 14;
}

static u32 linear(u32 selector, u32 offset)
{
	return (selector << 4) + offset;
}

static void env_from_state(struct cpu *c, bool wide, struct env *e)
{
	u32 fip = get32(c, FX_FIP), fcs = get16(c, FX_FCS);
	u32 fdp = get32(c, FX_FDP), fds = get16(c, FX_FDS);
	u32 fop = get16(c, FX_FOP) & 0x7ff;

	e->word[0] = get16(c, FX_FCW) | 0xffff0000u;
	e->word[1] = get16(c, FX_FSW) | 0xffff0000u;
	e->word[2] = full_tags(c) | 0xffff0000u;
	if (is_protected(c)) {
		e->word[3] = fip;
		e->word[4] = fcs | fop << 16;
		e->word[5] = fdp;
		e->word[6] = fds | 0xffff0000u;
		return;
	}
	fip = linear(fcs, fip);
	fdp = linear(fds, fdp);
	e->word[3] = (fip & 0xffff) | 0xffff0000u;
	e->word[5] = (fdp & 0xffff) | 0xffff0000u;
	if (wide) {
		e->word[4] = (fip >> 16) << 12 | fop;
		e->word[6] = (fdp >> 16) << 12;
	} else {
		e->word[4] = (fip >> 16 & 15) << 12 | fop;
		e->word[6] = (fdp >> 16 & 15) << 12;
	}
}

static void pointers_from_env(struct cpu *c, bool wide, const struct env *e)
{
	u32 high = wide ? 0xffff : 15;
	u32 fip = e->word[3], fdp = e->word[5];
	u32 fcs = e->word[4] & 0xffff, fds = e->word[6] & 0xffff;

	if (is_protected(c)) {
		if (wide)
			put16(c, FX_FOP, e->word[4] >> 16 & 0x7ff);
	} else {
		fip = (fip & 0xffff) | (e->word[4] >> 12 & high) << 16;
		fdp = (fdp & 0xffff) | (e->word[6] >> 12 & high) << 16;
		put16(c, FX_FOP, e->word[4] & 0x7ff);
		fcs = fds = 0;
	}
	put32(c, FX_FIP, fip);
	put16(c, FX_FCS, fcs);
	put32(c, FX_FDP, fdp);
	put16(c, FX_FDS, fds);
}

/* Leaves the slots alone: see rotate_slots. */
static void state_from_env(struct cpu *c, bool wide, const struct env *e)
{
	put16(c, FX_FCW, (e->word[0] & 0x1f3f) | 0x40);
	put16(c, FX_FSW, e->word[1]);
	c->fxsave[FX_FTW] = short_tags(e->word[2]);
	pointers_from_env(c, wide, e);
	summarize(c);
}

/* Environment words to and from their image; returns the image's length. */
static unsigned env_store(const struct env *e, unsigned size, u8 *image)
{
	unsigned each = size / 7;

	for (unsigned i = 0; i < 7; i++)
		copy_bytes(image + i * each, &e->word[i], each);
	return size;
}
static void env_fetch(struct env *e, unsigned size, const u8 *image)
{
	unsigned each = size / 7;

	for (unsigned i = 0; i < 7; i++) {
		e->word[i] = 0;
		copy_bytes(&e->word[i], image + i * each, each);
	}
}

enum op_result op_fnstenv(struct cpu *c, const struct insn *in)
{
	unsigned size = env_size(in);
	struct env e;
	u8 image[28];

	if (!x87_allowed(c))
		return OP_FAULT;
	env_from_state(c, in->opsize == 4, &e);
	env_store(&e, size, image);
	if (!mem_write(c, in->seg, op_ea(c, in), image, size))
		return OP_FAULT;
	put16(c, FX_FCW, get16(c, FX_FCW) | FCW_MASKS);
	summarize(c);
	return OP_NEXT;
}

enum op_result op_fldenv(struct cpu *c, const struct insn *in)
{
	unsigned size = env_size(in), old_top = top(c);
	struct env e;
	u8 image[28];

	if (!x87_waited(c) ||
	    !mem_read(c, in->seg, op_ea(c, in), image, size))
		return OP_FAULT;
	env_fetch(&e, size, image);
	state_from_env(c, in->opsize == 4, &e);
	rotate_slots(c, old_top, top(c));
	return OP_NEXT;
}

static void x87_init(struct cpu *c)
{
	unsigned old_top = top(c);

	fill_bytes(c->fxsave, 0, FX_MXCSR);
	put16(c, FX_FCW, FCW_INIT);
	rotate_slots(c, old_top, 0);
}

enum op_result op_fnsave(struct cpu *c, const struct insn *in)
{
	unsigned at = env_size(in);
	struct env e;
	u8 image[28 + ST_BYTES];

	if (!x87_allowed(c))
		return OP_FAULT;
	env_from_state(c, in->opsize == 4, &e);
	env_store(&e, at, image);
	for (unsigned st = 0; st < 8; st++)
		copy_bytes(image + at + ST_SIZE * st, st_slot(c, st), ST_SIZE);
	if (!mem_write(c, in->seg, op_ea(c, in), image, at + ST_BYTES))
		return OP_FAULT;
	x87_init(c);
	return OP_NEXT;
}

enum op_result op_frstor(struct cpu *c, const struct insn *in)
{
	unsigned at = env_size(in);
	struct env e;
	u8 image[28 + ST_BYTES];

	if (!x87_waited(c) ||
	    !mem_read(c, in->seg, op_ea(c, in), image, at + ST_BYTES))
		return OP_FAULT;
	env_fetch(&e, at, image);
	state_from_env(c, in->opsize == 4, &e);
	for (unsigned st = 0; st < 8; st++) {
		fill_bytes(st_slot(c, st), 0, 16);
		copy_bytes(st_slot(c, st), image + at + ST_SIZE * st, ST_SIZE);
	}
	return OP_NEXT;
}

/* ---- FXSAVE, FXRSTOR ---- */

/* Checks what comes before any byte moves: mode, limit, alignment. */
static bool fx_address(struct cpu *c, const struct insn *in, unsigned access,
		       gla_t *lin)
{
	if (!insn_has_mem(in))
		return cpu_raise(c, EXC_UD, 0);
	if (c->cr0 & (CR0_EM | CR0_TS))
		return cpu_raise(c, EXC_NM, 0);
	if (!mem_seg_check(c, in->seg, op_ea(c, in), FX_SIZE, access, lin))
		return false;
	return !(*lin & 15) || cpu_raise(c, EXC_GP, 0);
}

enum op_result op_fxsave(struct cpu *c, const struct insn *in)
{
	unsigned len = c->cr4 & CR4_OSFXSR ? FX_XMM_END : FX_X87_END;
	gla_t lin;

	if (!fx_address(c, in, MEM_WRITE, &lin))
		return OP_FAULT;
	put32(c, FX_MXCSR_MASK, MXCSR_VALID);
	return op_done(mem_lin_write(c, lin, c->fxsave, len, 0));
}

enum op_result op_fxrstor(struct cpu *c, const struct insn *in)
{
	bool sse = c->cr4 & CR4_OSFXSR;
	u8 image[FX_SIZE];
	u32 mxcsr;
	gla_t lin;

	if (!fx_address(c, in, MEM_READ, &lin) ||
	    !mem_lin_read(c, lin, image, FX_SIZE, MEM_READ))
		return OP_FAULT;
	copy_bytes(&mxcsr, image + FX_MXCSR, 4);
	if (sse && (mxcsr & ~MXCSR_VALID))
		return op_fault(c, EXC_GP, 0);
	copy_bytes(c->fxsave, image, FX_MXCSR);
	copy_bytes(c->fxsave + FX_ST, image + FX_ST, 8 * 16);
	put16(c, FX_FCW, (get16(c, FX_FCW) & 0x1f3f) | 0x40);
	c->fxsave[FX_FTW + 1] = 0;
	summarize(c);
	if (sse) {
		put32(c, FX_MXCSR, mxcsr);
		copy_bytes(c->fxsave + FX_XMM, image + FX_XMM,
			   FX_XMM_END - FX_XMM);
	}
	return OP_NEXT;
}

/* ---- MASKMOVQ, MASKMOVDQU ---- */

void fpu_clear_top(struct cpu *c)
{
	rotate_slots(c, top(c), 0);
	put16(c, FX_FSW, get16(c, FX_FSW) & ~(7u << 11));
}

/* Using an MMX register sets TOP to 0 and makes all registers valid (SDM 1
 * 9.5.1). */
static void enter_mmx(struct cpu *c)
{
	fpu_clear_top(c);
	c->fxsave[FX_FTW] = 0xff;
}

static bool maskmov_allowed(struct cpu *c, bool xmm)
{
	if ((c->cr0 & CR0_EM) || (xmm && !(c->cr4 & CR4_OSFXSR)))
		return cpu_raise(c, EXC_UD, 0);
	if (c->cr0 & CR0_TS)
		return cpu_raise(c, EXC_NM, 0);
	return xmm || x87_waited(c);
}

static const u8 *media_register(struct cpu *c, bool xmm, unsigned n)
{
	return xmm ? c->fxsave + FX_XMM + 16 * n :
		     st_slot(c, (n - top(c)) & 7);
}

enum op_result op_maskmov(struct cpu *c, const struct insn *in)
{
	bool xmm = in->opsize_prefix;
	unsigned len = xmm ? 16 : 8;
	const u8 *data, *mask;
	u32 at = c->gpr[EDI], wrap = size_mask(in->addrsize);

	if (insn_has_mem(in))
		return op_fault(c, EXC_UD, 0);
	if (!maskmov_allowed(c, xmm))
		return OP_FAULT;
	data = media_register(c, xmm, in->reg);
	mask = media_register(c, xmm, in->rm);
	for (unsigned i = 0; i < len; i++) {
		if ((mask[i] & 0x80) &&
		    !mem_check_write(c, in->seg, (at + i) & wrap, 1))
			return OP_FAULT;
	}
	for (unsigned i = 0; i < len; i++) {
		if ((mask[i] & 0x80) &&
		    !mem_write(c, in->seg, (at + i) & wrap, &data[i], 1))
			return OP_FAULT;
	}
	if (!xmm)
		enter_mmx(c);
	return OP_NEXT;
}
