/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers by name, and as text. */
#ifndef CORE_DEBUG_REGS_H
#define CORE_DEBUG_REGS_H

#include "core/base/buf.h"
#include "core/debug/expr.h"

struct cpu;

enum reg_group { REG_GENERAL, REG_SYSTEM, REG_PART };

enum reg {
#define REG(name, size, group, type, read, write) REG_##name,
#include "core/debug/regs.def"
	REG_COUNT
};

/* The register of that name (without $, any case); REG_COUNT: none. */
enum reg reg_find(const char *name);
const char *reg_name(enum reg r);
enum reg_group reg_group(enum reg r);
struct value reg_read(const struct cpu *c, enum reg r);
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
