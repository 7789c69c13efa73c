/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of expressions and C's operators on them (expr.c's other half). */
#ifndef CORE_DEBUG_VALUE_H
#define CORE_DEBUG_VALUE_H

#include "core/debug/expr.h"

enum value_op {
	OP_OR_OR,
	OP_AND_AND,
	OP_OR,
	OP_XOR,
	OP_AND,
	OP_EQ,
	OP_NE,
	OP_LE,
	OP_GE,
	OP_SHL,
	OP_SHR,
	OP_LT,
	OP_GT,
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_MOD,
};

static const struct type type_int = {4, true, 0};
static const struct type type_u32 = {4, false, 0};
static const struct type type_address = {0, false, 1};

/* A value of that type; bits beyond its size are cut off. */
struct value value_make(u64 bits, struct type t);
u64 value_cut(u64 bits, struct type t);
/* What a pointer points to; void when it is none. */
struct type type_pointed_to(struct type t);
/* The type an operand has in arithmetic (C's integer promotion). */
struct type type_promoted(struct type t);
/* Two values by an operator; dividing by zero gives 0. */
struct value value_apply(enum value_op op, struct value a, struct value b);

#endif
