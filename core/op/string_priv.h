/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The REP driver that string (string.c) and port string (io.c) instructions
 * share: see string.c. */
#ifndef CORE_OP_STRING_PRIV_H
#define CORE_OP_STRING_PRIV_H

#include "core/op/op_priv.h"

struct string_op {
	const struct insn *in;
	unsigned size; /* of an element: 1, 2 or 4 */
	u32 mask;      /* of addresses and the count */
	s32 step;      /* +size or -size, by DF */
};

/* Does at least one and at most `count` iterations, moves ESI and EDI, and
 * returns how many; fewer than one means that c->exc is pending.  Sets
 * *stop when REPE or REPNE ends here. */
typedef u32 string_batch(struct cpu *c, const struct string_op *s, u32 count,
			 bool *stop);

enum op_result string_repeat(struct cpu *c, const struct insn *in,
			     string_batch *batch);

/* How many of `count` elements from `off` on lie in one page and inside the
 * segment, and where the first is; 0 when that one faults. */
u32 string_span(struct cpu *c, const struct string_op *s, unsigned seg,
		u32 off, u32 count, unsigned access, gla_t *lin);

/* Plain memory behind [lin, lin+len), which lies in one page; NULL where
 * someone must be told of each access, and on a fault (c->exc pending).
 * Only to be read through. */
const void *string_host(struct cpu *c, gla_t lin, unsigned len, unsigned access);

/* One element of 1, 2 or 4 bytes in host memory. */
static inline u32 element(const void *from, unsigned size)
{
	u16 half;
	u32 full;

	if (size == 1)
		return *(const u8 *)from;
	if (size == 2) {
		__builtin_memcpy(&half, from, 2);
		return half;
	}
	__builtin_memcpy(&full, from, 4);
	return full;
}
static inline void element_store(void *to, u32 value, unsigned size)
{
	if (size == 1)
		*(u8 *)to = value;
	else if (size == 2)
		__builtin_memcpy(to, &value, 2);
	else
		__builtin_memcpy(to, &value, 4);
}

static inline u32 string_src(const struct cpu *c, const struct string_op *s)
{
	return c->gpr[ESI] & s->mask;
}
static inline u32 string_dst(const struct cpu *c, const struct string_op *s)
{
	return c->gpr[EDI] & s->mask;
}
static inline void string_advance(struct cpu *c, const struct string_op *s,
				  unsigned reg, u32 count)
{
	set_part(&c->gpr[reg], c->gpr[reg] + count * (u32)s->step, s->mask);
}

#endif
