/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes to struct insn: prefixes, opcode, ModRM, SIB, displacement and
 * immediates of one IA-32 instruction, and the row of the opcode table that
 * says what it is.  A pure function of its bytes. */
#ifndef CORE_X86_DECODE_H
#define CORE_X86_DECODE_H

#include "core/base/types.h"

enum { INSN_MAX = 15, REG_NONE = 0xff };

struct opcode; /* a row of opcodes.def; see opcode.h */

struct insn {
	const struct opcode *op;
	u8 len;	   /* bytes, 1..15 */
	u8 map;	   /* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A */
	u8 opcode; /* last opcode byte */
	u8 rep;	   /* 0, F2h or F3h; the last one given counts */
	bool lock;
	bool opsize_prefix; /* 66h given (selects SSE forms) */
	u8 opsize;	    /* 2 or 4 bytes: operand-size attribute */
	u8 addrsize;	    /* 2 or 4 bytes: address-size attribute */
	bool seg_prefix;    /* segment override given */
	u8 seg;		    /* SEG_xx of the memory operand, default or overridden */
	bool has_modrm;
	u8 modrm, mod, reg, rm; /* fields of ModRM; mod==3: rm is a register */
	u8 base, index;		/* REG_NONE when absent; EAX.. numbers */
	u8 scale;		/* shift count 0..3 for index */
	u8 disp_size;		/* bytes of displacement in the encoding */
	s32 disp;		/* sign-extended; moffs too */
	u32 imm;  /* immediate, relative displacement (sign-extended) or far offset */
	u16 imm2; /* far selector; ENTER's nesting level */
};

enum decode_result {
	DECODE_OK,
	DECODE_MORE,	/* more bytes are needed */
	DECODE_INVALID, /* not an instruction: #UD */
	DECODE_TOO_LONG /* more than 15 bytes: #GP(0) */
};

/* Decodes the instruction at `bytes` (`avail` of them readable), with the
 * code segment's default size `code32`.  `in->len` is valid also for
 * DECODE_INVALID (bytes looked at). */
enum decode_result decode(const u8 *bytes, size_t avail, bool code32,
			  struct insn *in);

/* Is the memory form used (mod != 3, or a moffs or string operand)? */
static inline bool insn_has_mem(const struct insn *in)
{
	return in->has_modrm && in->mod != 3;
}

#endif
