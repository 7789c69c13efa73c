/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expressions as a person types them: "$esp+4", "*(char*)0xb8000",
 * "schedule+0x12", "$eax == 3 && *jiffies > 100".  A pure function of text
 * and four callbacks. */
#ifndef CORE_DEBUG_EXPR_H
#define CORE_DEBUG_EXPR_H

#include "core/base/err.h"
#include "core/base/types.h"

/* What a value is: an integer of `size` bytes, or, with depth > 0, a pointer
 * (4 bytes) through `depth` stars to such an integer; size 0 is void. */
struct type {
	u8 size; /* 0, 1, 2, 4, 8 */
	bool is_signed;
	u8 depth;
};

enum place { PLACE_NONE, PLACE_MEM, PLACE_REG };

struct value {
	u64 bits; /* cut to the type's size */
	struct type type;
	enum place place; /* what an assignment would change */
	u32 addr;         /* PLACE_MEM */
	char reg[24];     /* PLACE_REG: name without the $ */
};

/* What expressions can see.  Each callback gets `arg` first and may be NULL:
 * then that part of the world does not exist. */
struct expr_env {
	void *arg;
	/* $name; sets bits and type.  False: no such register. */
	bool (*reg)(void *arg, const char *name, struct value *v);
	/* A name that has a value where the guest stands; asked before
	 * symbols, as C asks for local names first.  False: none. */
	bool (*name)(void *arg, const char *name, struct value *v);
	/* Address of a symbol.  False: no such symbol. */
	bool (*symbol)(void *arg, const char *name, u32 *addr);
	/* Guest memory; the number of bytes moved. */
	unsigned (*read)(void *arg, u32 addr, void *buf, unsigned len);
	unsigned (*write)(void *arg, u32 addr, const void *buf, unsigned len);
	/* $name = bits; -1 with the reason. */
	int (*set_reg)(void *arg, const char *name, u64 bits, struct err *e);
};

/* Evaluates the expression at the start of `text`.  `end`, when given, gets
 * the place after it; when NULL anything left over is an error.  Returns -1
 * and one line in `e` when it cannot. */
int expr_eval(const struct expr_env *env, const char *text, const char **end,
	      struct value *v, struct err *e);

/* Size in bytes of a value of this type: 1, 2, 4 or 8. */
unsigned expr_size(struct type t);
/* The value as a signed 64-bit number, by its type. */
s64 expr_signed(const struct value *v);
/* An unsigned 32-bit value. */
struct value expr_u32(u32 bits);

#endif
