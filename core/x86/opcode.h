/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a row of opcodes.def says of an instruction, as bits. */
#ifndef CORE_X86_OPCODE_H
#define CORE_X86_OPCODE_H

#include "core/base/types.h"
#include "core/x86/bits.h"

/* Which of 66h, F2h, F3h the row is for. */
enum { ANY, NP, P66, PF2, PF3 };
/* Which form of ModRM the row is for. */
enum { MEM_FORM = 1, REG_FORM = 2 };
enum { NO_EXT = 0xff };

/* Operand form. */
enum {
	F_MODRM = 1 << 0,
	F_REG = 1 << 1,	 /* ModRM.reg is a general register */
	F_RM = 1 << 2,	 /* ModRM.rm, when a register, is a general one */
	F_REG8 = 1 << 3, /* ... of 8 bits */
	F_RM8 = 1 << 4,
	F_OPREG = 1 << 5, /* general register in the opcode's low bits */
	F_OPREG8 = 1 << 6,
	F_V = 1 << 7, /* operand size matters: 66h is copied */
	F_IMM8 = 1 << 8,
	F_IMMV = 1 << 9, /* operand-size immediate */
	F_IMM16 = 1 << 10,
	F_IMM8S = 1 << 11, /* sign-extended byte */
	F_MOFFS = 1 << 12,
	F_FAR = 1 << 13, /* 16:16 or 16:32 pointer */
	F_R = 1 << 14,	 /* memory operand is read */
	F_W = 1 << 15,	 /* ... is written */
	F_LOCK = 1 << 16,
	F_X87 = 1 << 17, /* needs the x87 (#NM with CR0.TS or EM) */
	F_MMX = 1 << 18, /* #UD with EM, #NM with TS */
	F_SSE = 1 << 19, /* and #UD without CR4.OSFXSR */
	F_WAIT = 1 << 20, /* #NM with TS and MP only */
	F_END = 1 << 21,  /* the block ends here */
	F_SHIFT = 1 << 22, /* flags stay when the count is zero */
	F_UNALIGNED = 1 << 23, /* 16 bytes of SSE wherever they are */
	F_RW = F_R | F_W,
	F_FPU = F_X87 | F_MMX | F_SSE | F_WAIT,
};

/* How the translator makes it (core/bt). */
enum opcode_class {
	C_INVALID,
	C_COPY,
	C_NOP,
	C_OP, /* call op_xxx */
	C_INCDEC, /* 40..4F: REX prefixes in 64-bit mode */
	C_PUSH_REG,
	C_PUSH_IMM,
	C_PUSH_RM,
	C_POP_REG,
	C_POP_RM,
	C_MOFFS_LOAD,
	C_MOFFS_STORE,
	C_LEA,
	C_LEAVE,
	C_JCC,
	C_JMP_REL,
	C_JMP_RM,
	C_CALL_REL,
	C_CALL_RM,
	C_RET,
	C_LOOP, /* E0..E3 */
	C_SALC,
	C_SETDF, /* CLD, STD */
	C_STI,
	C_CLI,
	C_PUSHF,
	C_POPF,
	C_PUSH_SEG,
	C_POP_SEG,
	C_FROM_SEG, /* 8C */
	C_TO_SEG,   /* 8E */
	C_STRING,
	C_MOV_FROM_CR,
	C_RDTSC,
	C_BT_MEM, /* BT group with a register bit offset in memory */
	C_XCHG_EAX,
	/* of no opcode: what paravirtual calls need besides */
	C_GET_IF, /* eax := IF, at bit 9 */
	C_KERNEL_STACK, /* SS0:ESP0 of the TSS := ax:edx */
	C_CALL_LEAVES, /* IRET or STI, SYSEXIT as if at the place of the call */
	C_THUNK, /* a call of a function that only tells where it was called */
	C_CALL_IN_LINE, /* what is called follows, and its RET */
	C_RET_IN_LINE,
	C_ANNOUNCE, /* what is said of the page of number eax */
	C_LAZY_MODE, /* eax is noted */
	C_SET_LONG, /* edx:eax to (ecx), 4(esp) is noted */
	C_SET_IF, /* IF := bit 9 of eax, without STI's shadow */
};

/* Memory operand size: bytes, or by operand size. */
enum { SZ_V = 0x80 };

/* The operations of core/op, by number. */
enum operation {
	OPERATION_NONE,
#define OP(name, speed) OPERATION_##name,
#include "core/op/ops.def"
	OPERATION_COUNT
};

struct opcode {
	u8 map, byte, prefix, ext, modform;
	u8 mem_size;
	u8 class;
	u32 form;
	u16 flags_read, flags_killed; /* EFL_ bits, arithmetic ones only */
	const char *name;
	u8 operation; /* enum operation; 0: none */
	bool slow;    /* the operation may do anything */
};

extern const struct opcode opcodes[];
extern const unsigned opcode_count;

#endif
