/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic as C does it, on values that know their type.
 *
 * A value keeps its bits cut to its size; expr_signed gives them their sign
 * back.  Operands are first brought to a common type, as C's usual arithmetic
 * conversions do for the sizes there are (4 and 8 bytes), so `$eax < 0`
 * compares signed and `$eax == 0xfffffffe` does not care.  Pointers count in
 * units of what they point to, plain addresses (void) in bytes. */
#include "core/debug/value.h"

unsigned expr_size(struct type t)
{
	return t.depth || !t.size ? 4 : t.size;
}

u64 value_cut(u64 bits, struct type t)
{
	unsigned size = expr_size(t);

	return size == 8 ? bits : bits & ((1ull << (size * 8)) - 1);
}

s64 expr_signed(const struct value *v)
{
	unsigned shift = 64 - 8 * expr_size(v->type);

	if (v->type.depth || !v->type.is_signed)
		return (s64)v->bits;
	return (s64)(v->bits << shift) >> shift;
}

struct value value_make(u64 bits, struct type t)
{
	return (struct value){.bits = value_cut(bits, t), .type = t};
}

struct value expr_u32(u32 bits)
{
	return value_make(bits, type_u32);
}

struct type type_pointed_to(struct type t)
{
	if (t.depth)
		t.depth--;
	else
		t = (struct type){0};
	return t;
}

struct type type_promoted(struct type t)
{
	if (t.depth)
		return type_u32;
	return expr_size(t) < 4 ? type_int : t;
}

/* C's usual arithmetic conversions, for the sizes there are. */
static struct type common(struct type a, struct type b)
{
	a = type_promoted(a);
	b = type_promoted(b);
	if (a.size == b.size)
		return (struct type){a.size, a.is_signed && b.is_signed, 0};
	return a.size > b.size ? a : b;
}

static struct value add(struct value a, struct value b, bool minus)
{
	u64 y = (u64)expr_signed(&b), unit = 1;

	if (!a.type.depth && b.type.depth && !minus)
		return add(b, a, false);
	if (a.type.depth && b.type.depth && minus)
		return value_make(a.bits - b.bits, type_int);
	if (a.type.depth) {
		struct type t = type_pointed_to(a.type);

		unit = t.depth || t.size ? expr_size(t) : 1;
		return value_make(minus ? a.bits - y * unit : a.bits + y * unit,
				  a.type);
	}
	y = minus ? (u64)expr_signed(&a) - y : (u64)expr_signed(&a) + y;
	return value_make(y, common(a.type, b.type));
}

static struct value divide(s64 x, s64 y, struct type t, bool modulo)
{
	if (!y)
		return value_make(0, t);
	if (!t.is_signed)
		return value_make(modulo ? (u64)x % (u64)y : (u64)x / (u64)y,
				  t);
	if (y == -1) /* the smallest number has no positive twin */
		return value_make(modulo ? 0 : 0 - (u64)x, t);
	return value_make((u64)(modulo ? x % y : x / y), t);
}

static struct value shift(struct value a, struct value b, bool left)
{
	struct type t = type_promoted(a.type);
	u64 n = b.bits;
	s64 x = expr_signed(&a);

	if (n >= expr_size(t) * 8ull)
		return value_make(!left && x < 0 ? UINT64_MAX : 0, t);
	return value_make(left ? (u64)x << n : (u64)(x >> n), t);
}

static struct value compare(enum value_op op, s64 x, s64 y, bool is_signed)
{
	bool less = is_signed ? x < y : (u64)x < (u64)y, same = x == y, r;

	switch (op) {
	case OP_EQ:
		r = same;
		break;
	case OP_NE:
		r = !same;
		break;
	case OP_LT:
		r = less;
		break;
	case OP_LE:
		r = less || same;
		break;
	case OP_GT:
		r = !less && !same;
		break;
	default:
		r = !less;
		break;
	}
	return value_make(r, type_int);
}

struct value value_apply(enum value_op op, struct value a, struct value b)
{
	struct type t = common(a.type, b.type);
	struct value x = value_make((u64)expr_signed(&a), t);
	struct value y = value_make((u64)expr_signed(&b), t);

	switch (op) {
	case OP_OR_OR:
		return value_make(a.bits || b.bits, type_int);
	case OP_AND_AND:
		return value_make(a.bits && b.bits, type_int);
	case OP_OR:
		return value_make(x.bits | y.bits, t);
	case OP_XOR:
		return value_make(x.bits ^ y.bits, t);
	case OP_AND:
		return value_make(x.bits & y.bits, t);
	case OP_ADD:
		return add(a, b, false);
	case OP_SUB:
		return add(a, b, true);
	case OP_MUL:
		return value_make(x.bits * y.bits, t);
	case OP_DIV:
	case OP_MOD:
		return divide(expr_signed(&x), expr_signed(&y), t,
			      op == OP_MOD);
	case OP_SHL:
	case OP_SHR:
		return shift(a, b, op == OP_SHL);
	default:
		return compare(op, expr_signed(&x), expr_signed(&y),
			       t.is_signed);
	}
}
