/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes host instructions: bytes at a cursor, and the few forms of operand
 * the translator uses.  Code is written through one mapping and runs from
 * another, `delta` bytes away, so no page is ever both (core/bt/codemem.c). */
#ifndef CORE_BT_EMIT_H
#define CORE_BT_EMIT_H

#include "core/base/types.h"

enum host_reg {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
};

/* What changes in the 4 bytes at a place when a block is copied to where its
 * guest code has another linear address (rebase.c). */
enum fixup {
	FIXUP_HOST,      /* relative to the host address of what stays */
	FIXUP_EIP,       /* a guest address that moves with the code */
	FIXUP_MINUS_EIP, /* the same, negated */
	FIXUP_SLOT,      /* in a link table, of the address 7 bytes before */
	FIXUP_EDGE,      /* the number of an edge */
	FIXUP_WAYS,      /* in the block, relative to its ways out */
	FIXUP_CHECK,     /* of a return: as FIXUP_HOST, if it is a call's */
	FIXUP_SHIFT = 13,
};

struct emit {
	u8 *at; /* where the next byte is written */
	u8 *end;
	s64 delta; /* running address - written address */
	bool full;
	/* The places that depend on where host and guest code are: kind <<
	 * FIXUP_SHIFT | offset from `start`.  One that finds no room is counted
	 * nevertheless. */
	const u8 *start;
	u16 *fixups;
	u32 fixup_count, fixup_room;
};

static inline void e_fixup(struct emit *e, enum fixup kind)
{
	if (e->fixup_count < e->fixup_room)
		e->fixups[e->fixup_count] =
			(u16)((e->at - e->start) | kind << FIXUP_SHIFT);
	e->fixup_count++;
}

static inline u8 *emit_pc(const struct emit *e)
{
	return e->at + e->delta;
}

static inline void e8(struct emit *e, unsigned v)
{
	if (e->at < e->end) /* both NULL before there is a buffer */
		*e->at++ = (u8)v; /* NOLINT(clang-analyzer-core.NullDereference) */
	else
		e->full = true;
}

static inline void e16(struct emit *e, unsigned v)
{
	e8(e, v);
	e8(e, v >> 8);
}

static inline void e32(struct emit *e, u32 v)
{
	e16(e, v);
	e16(e, v >> 16);
}

static inline void e64(struct emit *e, u64 v)
{
	e32(e, (u32)v);
	e32(e, (u32)(v >> 32));
}

enum { REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };

static inline unsigned rex_for(unsigned w, unsigned reg, unsigned index,
			       unsigned base)
{
	return (w ? REX_W : 0) | (reg >= 8 ? REX_R : 0) |
	       (index >= 8 ? REX_X : 0) | (base >= 8 ? REX_B : 0);
}

static inline void e_rex(struct emit *e, unsigned rex)
{
	if (rex)
		e8(e, 0x40 | rex);
}

/* op reg, rm (both registers); op may be 2 bytes: 0x0fXX. */
static inline void e_op(struct emit *e, unsigned op)
{
	if (op > 0xff)
		e8(e, op >> 8);
	e8(e, op);
}

static inline void e_rr(struct emit *e, unsigned w, unsigned op, unsigned reg,
			unsigned rm)
{
	e_rex(e, rex_for(w, reg, 0, rm));
	e_op(e, op);
	e8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* ModRM, SIB and displacement for [base + index*2^scale + disp]; base or
 * index may be absent (-1). */
static inline void e_mem(struct emit *e, unsigned reg, int base, int index,
			 unsigned scale, s32 disp)
{
	unsigned r = (reg & 7) << 3;
	bool sib = index >= 0 || base < 0 || (base & 7) == 4;
	unsigned mod;

	if (base < 0) {
		e8(e, r | 4);
		e8(e, scale << 6 | (index < 0 ? 4 : index & 7) << 3 | 5);
		e32(e, (u32)disp);
		return;
	}
	mod = disp == 0 && (base & 7) != 5 ? 0 : disp == (s8)disp ? 1 : 2;
	e8(e, mod << 6 | r | (sib ? 4 : base & 7));
	if (sib)
		e8(e,
		   scale << 6 | (index < 0 ? 4 : index & 7) << 3 | (base & 7));
	if (mod == 1)
		e8(e, (u8)disp);
	else if (mod == 2)
		e32(e, (u32)disp);
}

/* The operand of the instruction that comes is at GS base + its address in 32
 * bits, which wraps. */
static inline void e_from_gs(struct emit *e)
{
	e8(e, 0x65);
	e8(e, 0x67);
}

static inline void e_rm(struct emit *e, unsigned w, unsigned op, unsigned reg,
			int base, int index, unsigned scale, s32 disp)
{
	e_rex(e, rex_for(w, reg, index < 0 ? 0 : index, base < 0 ? 0 : base));
	e_op(e, op);
	e_mem(e, reg, base, index, scale, disp);
}

/* op with a RIP-relative operand; `tail` immediate bytes follow. */
static inline void e_rip(struct emit *e, unsigned w, unsigned op, unsigned reg,
			 const void *target, unsigned tail)
{
	e_rex(e, rex_for(w, reg, 0, 0));
	e_op(e, op);
	e8(e, (reg & 7) << 3 | 5);
	e_fixup(e, FIXUP_HOST);
	e32(e, (u32)((const u8 *)target - (emit_pc(e) + 4 + tail)));
}

static inline void e_mov_ri(struct emit *e, unsigned reg, u32 v)
{
	e_rex(e, rex_for(0, 0, 0, reg));
	e8(e, 0xb8 | (reg & 7));
	e32(e, v);
}

static inline void e_mov_ri64(struct emit *e, unsigned reg, u64 v)
{
	e_rex(e, rex_for(1, 0, 0, reg));
	e8(e, 0xb8 | (reg & 7));
	e64(e, v);
}

/* mov r32/r64 <- reg */
static inline void e_mov_rr(struct emit *e, unsigned w, unsigned to,
			    unsigned from)
{
	e_rr(e, w, 0x89, from, to);
}

static inline void e_load_rip(struct emit *e, unsigned w, unsigned reg,
			      const void *from)
{
	e_rip(e, w, 0x8b, reg, from, 0);
}

static inline void e_store_rip(struct emit *e, unsigned w, const void *to,
			       unsigned reg)
{
	e_rip(e, w, 0x89, reg, to, 0);
}

/* A BMI2 instruction of map 0F38, 32 bits: no flags.  pp: 2 is F3h, 3 F2h;
 * `v` is the operand in VEX.vvvv. */
static inline void e_bmi(struct emit *e, unsigned op, unsigned pp, unsigned reg,
			 unsigned v, unsigned rm)
{
	e8(e, 0xc4);
	e8(e, (reg < 8) << 7 | 1 << 6 | (rm < 8) << 5 | 2);
	e8(e, (~v & 15) << 3 | pp);
	e8(e, op);
	e8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void e_shrx(struct emit *e, unsigned reg, unsigned rm,
			  unsigned count)
{
	e_bmi(e, 0xf7, 3, reg, count, rm);
}

/* rorx reg, rm, count, of 64 bits or 32: no flags (BMI2). */
static inline void e_rorx(struct emit *e, unsigned w, unsigned reg, unsigned rm,
			  unsigned count)
{
	e8(e, 0xc4);
	e8(e, (reg < 8) << 7 | 1 << 6 | (rm < 8) << 5 | 3);
	e8(e, w << 7 | 0x7b); /* vvvv unused, F2h */
	e8(e, 0xf0);
	e8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
	e8(e, count);
}

static inline void e_pext(struct emit *e, unsigned reg, unsigned from,
			  unsigned mask)
{
	e_bmi(e, 0xf5, 2, reg, from, mask);
}

static inline void e_pdep(struct emit *e, unsigned reg, unsigned from,
			  unsigned mask)
{
	e_bmi(e, 0xf5, 3, reg, from, mask);
}

/* mov dword [rip+to], imm */
static inline void e_store_rip_imm(struct emit *e, const void *to, u32 v)
{
	e_rip(e, 0, 0xc7, 0, to, 4);
	e32(e, v);
}

/* ---- guest addresses that move with the guest's code ---- */

static inline void e_eip(struct emit *e, u32 eip)
{
	e_fixup(e, FIXUP_EIP);
	e32(e, eip);
}

static inline void e_mov_eip(struct emit *e, unsigned reg, u32 eip)
{
	e_rex(e, rex_for(0, 0, 0, reg));
	e8(e, 0xb8 | (reg & 7));
	e_eip(e, eip);
}

static inline void e_store_rip_eip(struct emit *e, const void *to, u32 eip)
{
	e_rip(e, 0, 0xc7, 0, to, 4);
	e_eip(e, eip);
}

/* lea r9d, [r8 - eip] */
static inline void e_lea_r9_r8_less(struct emit *e, u32 eip)
{
	e8(e, 0x45);
	e8(e, 0x8d);
	e8(e, 0x88);
	e_fixup(e, FIXUP_MINUS_EIP);
	e32(e, 0 - eip);
}

/* jump (4) or call (2) [r13 + slot * 8] */
static inline void e_through_slot(struct emit *e, unsigned kind, int slot)
{
	e8(e, 0x41);
	e8(e, 0xff);
	e8(e, 0x80 | kind << 3 | 5);
	e_fixup(e, FIXUP_SLOT);
	e32(e, (u32)slot * 8);
}

/* mov r8, [r13 + slot * 8] */
static inline void e_load_slot(struct emit *e, int slot)
{
	e8(e, 0x4d);
	e8(e, 0x8b);
	e8(e, 0x85);
	e_fixup(e, FIXUP_SLOT);
	e32(e, (u32)slot * 8);
}

static inline void e_lea(struct emit *e, unsigned w, unsigned reg, int base,
			 int index, unsigned scale, s32 disp)
{
	e_rm(e, w, 0x8d, reg, base, index, scale, disp);
}

/* Jumps to a running address, 32-bit displacement. */
static inline void e_jmp(struct emit *e, const u8 *target)
{
	e8(e, 0xe9);
	e_fixup(e, FIXUP_HOST);
	e32(e, (u32)(target - (emit_pc(e) + 4)));
}

enum { CALL_OPCODE = 0xe8 };

static inline void e_call(struct emit *e, const u8 *target)
{
	e8(e, CALL_OPCODE);
	e_fixup(e, FIXUP_HOST);
	e32(e, (u32)(target - (emit_pc(e) + 4)));
}

static inline void e_jcc(struct emit *e, unsigned cc, const u8 *target)
{
	e8(e, 0x0f);
	e8(e, 0x80 | cc);
	e_fixup(e, FIXUP_HOST);
	e32(e, (u32)(target - (emit_pc(e) + 4)));
}

/* Short forward jumps: returns the place of the displacement byte. */
static inline u8 *e_short(struct emit *e, unsigned op)
{
	e8(e, op);
	e8(e, 0);
	return e->at - 1;
}

static inline void e_short_here(struct emit *e, u8 *place)
{
	if (e->at - (place + 1) > 127)
		e->full = true; /* a rule is too long: found at once */
	else if (!e->full)
		*place = (u8)(e->at - (place + 1));
}

/* A short jump back to written address `to`. */
static inline void e_short_back(struct emit *e, unsigned op, const u8 *to)
{
	e8(e, op);
	if (e->at + 1 - to > 128)
		e->full = true;
	e8(e, (unsigned)(to - (e->at + 1)));
}

/* jmp, forward by more than e_short can. */
static inline u8 *e_near(struct emit *e)
{
	e8(e, 0xe9);
	e32(e, 0);
	return e->at - 4;
}

static inline void e_near_here(struct emit *e, u8 *place)
{
	u32 distance = (u32)(e->at - (place + 4));

	if (!e->full)
		__builtin_memcpy(place, &distance, 4);
}

static inline void e_bytes(struct emit *e, const u8 *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		e8(e, bytes[i]);
}

/* Flags := those that LAHF and SETO AL have put into ax.  POPF would be
 * microcode.  SAHF gives all but OF; adding 127 to a byte that holds OF gives
 * that. */
static inline void e_flags_ax(struct emit *e)
{
	static const u8 code[] = { 0x04, 0x7f, /* add al, 127 */
				   0x9e };     /* sahf */

	e_bytes(e, code, sizeof(code));
}

/* Flags := the image that is both in eax and in ecx, which are lost. */
static inline void e_flags_image(struct emit *e)
{
	static const u8 code[] = { 0xc1, 0xe9, 11,   /* shr ecx, 11 */
				   0x83, 0xe1, 1,    /* and ecx, 1 */
				   0x88, 0xc4,	     /* mov ah, al */
				   0x88, 0xc8 };     /* mov al, cl */

	e_bytes(e, code, sizeof(code));
	e_flags_ax(e);
}

enum { CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, JECXZ = 0xe3, JMP8 = 0xeb };

#endif
