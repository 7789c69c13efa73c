/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers by name, and as text. */
#ifndef CORE_DEBUG_REGS_H
#define CORE_DEBUG_REGS_H

#include "core/base/buf.h"
#include "core/debug/expr.h"

struct cpu;

enum reg_group {
	REG_GENERAL,
	REG_FPU,
	REG_SSE,
	REG_SYSTEM,
	REG_BITS,
	REG_PART,
};

enum reg {
#define REG(name, size, group, type, read, write) REG_##name,
#define WIDE(name, size, group, type, at) REG_##name,
#include "core/debug/regs.def"
	REG_COUNT
};

/* The register of that name (without $, any case); REG_COUNT: none. */
enum reg reg_find(const char *name);
const char *reg_name(enum reg r);
enum reg_group reg_group(enum reg r);
unsigned reg_size(enum reg r);
/* The type's name in regs.def, and whether it is no number. */
const char *reg_type(enum reg r);
bool reg_is_wide(enum reg r);
struct value reg_read(const struct cpu *c, enum reg r);
/* The bytes of any register, least significant first; reg_size of them. */
void reg_read_bytes(const struct cpu *c, enum reg r, u8 *bytes);
int reg_write_bytes(struct cpu *c, enum reg r, const u8 *bytes, struct err *e);
/* Names of a FLAGS register's bits, up to one whose name is NULL; NULL: they
 * have none. */
struct bit_name {
	u32 bit; /* the value of the bit */
	const char *name;
};
const struct bit_name *reg_bits(enum reg r);
/* Writes with the processor's checks; -1 and the reason when it refuses. */
int reg_write(struct cpu *c, enum reg r, u64 bits, struct err *e);

/* One register as gdb prints it: name, hexadecimal, natural form. */
void reg_show(const struct cpu *c, enum reg r, struct buf *out);
/* Segment registers with their hidden parts; GDTR, IDTR, LDTR, TR. */
void reg_show_segments(const struct cpu *c, struct buf *out);
/* x87 and SSE from the FXSAVE image. */
void reg_show_fpu(const struct cpu *c, struct buf *out);
/* "[ ZF PF ]" for EFLAGS, CR0, CR4: names of the bits that are set. */
void reg_show_bits(enum reg r, u32 bits, struct buf *out);

#endif
