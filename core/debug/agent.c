/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Agent expressions.
 *
 * Code comes from a client and is not trusted.  It is read once: each
 * operation is looked up, its operand taken, each jump turned into an index,
 * and the depth of the stack followed along every path, so that running it
 * needs no check but that of its length (a loop ends after STEPS_MAX).
 *
 * Values are 64 bits wide.  gdb is not strict about what lies above the 32 of
 * an address, so addresses are cut.  gdb bug 18617: for some expressions gdb
 * names the wrong width for an extension.  What was just loaded from memory is
 * never narrower than the width given, so the one harmful form is a signed
 * extension wider than the load in front of it: whether that load meant a
 * signed value cannot be told, and where it matters the expression fails,
 * which makes a breakpoint stop and leaves the decision to gdb. */
#include "core/debug/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_MAX = 100, CODE_MAX = 4096, STEPS_MAX = 100000, TEXT_MAX = 4096 };

enum agent_op {
#define AGENT(code, name, operand, pops, pushes) OP_##name = (code),
#include "core/debug/agent_ops.def"
	OP_COUNT
};

static const struct {
	const char *name;
	u8 operand, pops, pushes;
} ops[OP_COUNT] = {
#define AGENT(code, name, operand, pops, pushes) \
	[code] = {#name, operand, pops, pushes},
#include "core/debug/agent_ops.def"
};

struct agent_insn {
	u8 op;
	u8 loaded;   /* EXT: bits that the load just before it left; 0: none */
	u64 operand; /* jumps: index of the instruction */
};

struct agent {
	unsigned count;
	char *text; /* owned; the code, for PRINTF's formats */
	struct agent_insn insn[];
};

/* ---- reading ---- */

static bool is_supported(u8 op)
{
	switch (op) {
	case OP_FLOAT:
	case OP_REF_FLOAT:
	case OP_REF_DOUBLE:
	case OP_REF_LONG_DOUBLE:
	case OP_L_TO_D:
	case OP_D_TO_L:
		return false; /* nor does gdb make them */
	default:
		return op < OP_COUNT && ops[op].name;
	}
}

static u64 operand_of(const u8 *code, unsigned bytes)
{
	u64 v = 0;

	while (bytes--)
		v = v << 8 | *code++;
	return v;
}

/* PRINTF: arguments in bits 16-23, offset of the format from bit 32 on. */
static int read_format(const u8 *code, size_t len, size_t at, u64 *operand,
		       size_t *next, struct err *e)
{
	size_t size = *operand & 0xffff;

	if (!size || size > len - *next || code[*next + size - 1])
		return err_set(e, "printf at %zu has no format", at);
	*operand = (*operand & 0xff0000) | (u64)*next << 32;
	*next += size;
	return 0;
}

/* Bytes to instructions; index[offset] is 1 + the one that begins there. */
static int decode(struct agent *a, const u8 *code, size_t len, u16 *index,
		  struct err *e)
{
	size_t at = 0, next;

	for (; at < len; at = next) {
		struct agent_insn *in = &a->insn[a->count];
		u8 op = code[at];

		if (!is_supported(op))
			return err_set(e,
				       "operation %02x at %zu is not "
				       "supported",
				       op, at);
		next = at + 1 + ops[op].operand;
		if (next > len)
			return err_set(e, "the code ends in %s", ops[op].name);
		*in = (struct agent_insn){
			op, 0, operand_of(code + at + 1, ops[op].operand)};
		if (op == OP_PRINTF &&
		    read_format(code, len, at, &in->operand, &next, e))
			return -1;
		if ((op == OP_EXT || op == OP_ZERO_EXT) && !in->operand)
			return err_set(e, "extension from no bits at %zu", at);
		if (op == OP_EXT && a->count && in[-1].op >= OP_REF8 &&
		    in[-1].op <= OP_REF64)
			in->loaded = (u8)(8 << (in[-1].op - OP_REF8));
		index[at] = (u16)++a->count;
	}
	return 0;
}

static int resolve(struct agent *a, size_t len, const u16 *index, struct err *e)
{
	for (unsigned i = 0; i < a->count; i++) {
		struct agent_insn *in = &a->insn[i];

		if (in->op != OP_GOTO && in->op != OP_IF_GOTO)
			continue;
		if (in->operand >= len || !index[in->operand])
			return err_set(e, "a jump to %u, where nothing begins",
				       (unsigned)in->operand);
		in->operand = index[in->operand] - 1u;
		/* An extension that is jumped to follows no load. */
		a->insn[in->operand].loaded = 0;
	}
	return 0;
}

/* Depth after the instruction, -1: the stack runs over or under. */
static int depth_after(const struct agent_insn *in, int depth)
{
	int pops = ops[in->op].pops, pushes = ops[in->op].pushes;

	if (in->op == OP_PICK && depth <= (int)in->operand)
		return -1;
	if (in->op == OP_PRINTF)
		pops += (int)(in->operand >> 16 & 0xff);
	if (depth < pops || depth - pops + pushes > STACK_MAX)
		return -1;
	return depth - pops + pushes;
}

/* Follows the stack's depth along all paths; depth[i] is 1 + that before
 * instruction i.  Every path must arrive with the same. */
static int follow(const struct agent *a, struct err *e)
{
	u8 depth[CODE_MAX] = {1};
	bool again = true;

	while (again) {
		again = false;
		for (unsigned i = 0; i < a->count; i++) {
			const struct agent_insn *in = &a->insn[i];
			unsigned to[2] = {i + 1, (unsigned)in->operand};
			bool jumps = in->op == OP_GOTO || in->op == OP_IF_GOTO;
			int after;

			if (!depth[i] || in->op == OP_END)
				continue;
			after = depth_after(in, depth[i] - 1);
			if (after < 0)
				return err_set(e,
					       "%s: the stack does not "
					       "suffice",
					       ops[in->op].name);
			for (unsigned k = in->op == OP_GOTO; k <= jumps; k++) {
				if (to[k] >= a->count)
					return err_set(e, "the code does not "
							  "end with END");
				if (depth[to[k]] == after + 1)
					continue;
				if (depth[to[k]])
					return err_set(e, "paths meet with "
							  "different stacks");
				depth[to[k]] = (u8)(after + 1);
				again = true;
			}
		}
	}
	return 0;
}

struct agent *agent_new(const u8 *code, size_t len, struct err *e)
{
	u16 index[CODE_MAX] = {0};
	struct agent *a;

	if (!len || len > CODE_MAX) {
		err_set(e, "an expression has 1 to %d bytes", CODE_MAX);
		return NULL;
	}
	a = calloc(1, sizeof(*a) + len * sizeof(a->insn[0]));
	if (a)
		a->text = malloc(len);
	if (!a || !a->text) {
		agent_free(a);
		err_set(e, "no host memory");
		return NULL;
	}
	memcpy(a->text, code, len);
	if (decode(a, code, len, index, e) || resolve(a, len, index, e) ||
	    follow(a, e)) {
		agent_free(a);
		return NULL;
	}
	return a;
}

void agent_free(struct agent *a)
{
	if (a)
		free(a->text);
	free(a);
}

/* ---- printf ---- */

/* One conversion of a format, its length in *len. */
static void print_one(const char *at, size_t len, u64 value,
		      const struct agent_env *env, struct buf *out)
{
	char spec[24], kind = at[len - 1], text[256];
	size_t n = 0, k = 0;

	if (kind == 's') {
		while (n < sizeof(text) - 1 && env->read &&
		       env->read(env->arg, (u32)(value + n), text + n, 1) ==
			       1 &&
		       text[n])
			n++;
		buf_append(out, text, n);
		return;
	}
	/* Flags, width and precision as given; the length is always ours. */
	for (size_t i = 0; i < len - 1 && k < 12; i++)
		if (strchr("%-+ #0123456789.", at[i]))
			spec[k++] = at[i];
	spec[k] = '\0';
	if (kind == 'c')
		value = (u8)value;
	else if (!memchr(at, 'l', len) && kind != 'p')
		value = kind == 'd' || kind == 'i' ? (u64)(s64)(s32)value
						   : (u32)value;
	else if (len < 3 || at[len - 3] != 'l') /* %ld: 32 bits in the guest */
		value = kind == 'd' || kind == 'i' ? (u64)(s64)(s32)value
						   : (u32)value;
	if (kind == 'p')
		buf_printf(out, "0x%x", (u32)value);
	else if (kind == 'c')
		buf_byte(out, (char)value);
	else if (strchr("diouxX", kind)) {
		strcat(spec, "ll");
		spec[k + 2] = kind;
		spec[k + 3] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), spec, (unsigned long long)value);
#pragma GCC diagnostic pop
		buf_append(out, text, strlen(text));
	}
}

/* What stands behind a backslash, as in C; gdb sends formats as typed. */
static const char *print_escape(const char *at, struct buf *out)
{
	static const char names[] = "abefnrtv", codes[] = "\a\b\033\f\n\r\t\v";
	const char *known = *at ? strchr(names, *at) : NULL;
	unsigned code = 0, digits = 0;

	while (digits < 3 && at[digits] >= '0' && at[digits] <= '7')
		code = code * 8 + (unsigned)(at[digits++] - '0');
	if (digits) {
		buf_byte(out, (char)code);
		return at + digits;
	}
	if (!*at)
		return at;
	buf_byte(out, known ? codes[known - names] : *at);
	return at + 1;
}

/* args[0] belongs to the first conversion. */
static void print(const char *format, const u64 *args, unsigned count,
		  const struct agent_env *env)
{
	struct buf out = {0};
	unsigned used = 0;

	while (*format && out.len < TEXT_MAX) {
		size_t len;

		if (*format == '\\') {
			format = print_escape(format + 1, &out);
			continue;
		}
		if (*format != '%') {
			buf_byte(&out, *format++);
			continue;
		}
		len = 1 + strspn(format + 1, "-+ #0123456789.hlqjzt");
		if (!format[len])
			break;
		len++;
		if (format[len - 1] == '%')
			buf_byte(&out, '%');
		else if (used < count)
			print_one(format, len, args[used++], env, &out);
		format += len;
	}
	if (env->print)
		env->print(env->arg, buf_text(&out), out.len);
	buf_free(&out);
}

/* ---- running ---- */

static u64 sign_extended(u64 v, u64 bits)
{
	return bits >= 64 ? v : (u64)((s64)(v << (64 - bits)) >> (64 - bits));
}

static u64 zero_extended(u64 v, u64 bits)
{
	return bits >= 64 ? v : v & ((1ull << bits) - 1);
}

static int fails(struct err *e, const char *why, u64 at)
{
	return err_set(e, "%s 0x%llx", why, (unsigned long long)at);
}

static int divide(u8 op, u64 *a, u64 b, struct err *e)
{
	bool is_signed = op == OP_DIV_SIGNED || op == OP_REM_SIGNED;

	if (!b)
		return err_set(e, "division by zero");
	if (is_signed && b == ~0ull) { /* the quotient may not fit */
		*a = op == OP_DIV_SIGNED ? 0 - *a : 0;
		return 0;
	}
	switch (op) {
	case OP_DIV_SIGNED:
		*a = (u64)((s64)*a / (s64)b);
		break;
	case OP_DIV_UNSIGNED:
		*a /= b;
		break;
	case OP_REM_SIGNED:
		*a = (u64)((s64)*a % (s64)b);
		break;
	default:
		*a %= b;
	}
	return 0;
}

static int load(const struct agent_env *env, unsigned bytes, u64 *v,
		struct err *e)
{
	u64 got = 0;

	if (!env->read || env->read(env->arg, (u32)*v, &got, bytes) != bytes)
		return fails(e, "no memory at", (u32)*v);
	*v = got;
	return 0;
}

static int extend(const struct agent_insn *in, u64 *v, struct err *e)
{
	if (in->loaded && in->loaded < in->operand &&
	    *v >> (in->loaded - 1)) /* bug 18617 */
		return err_set(e, "the sign of a value is not known");
	*v = sign_extended(*v, in->operand);
	return 0;
}

static u64 two(u8 op, u64 a, u64 b)
{
	switch (op) {
	case OP_ADD:
		return a + b;
	case OP_SUB:
		return a - b;
	case OP_MUL:
		return a * b;
	case OP_LSH:
		return b > 63 ? 0 : a << b;
	case OP_RSH_SIGNED:
		return (u64)((s64)a >> (b > 63 ? 63 : b));
	case OP_RSH_UNSIGNED:
		return b > 63 ? 0 : a >> b;
	case OP_BIT_AND:
		return a & b;
	case OP_BIT_OR:
		return a | b;
	case OP_BIT_XOR:
		return a ^ b;
	case OP_EQUAL:
		return a == b;
	case OP_LESS_SIGNED:
		return (s64)a < (s64)b;
	default: /* LESS_UNSIGNED */
		return a < b;
	}
}

static void trace(const struct agent_env *env, u64 addr, u64 len)
{
	if (env->trace)
		env->trace(env->arg, (u32)addr, (u32)len);
}

/* Bytes up to and with the first zero. */
static void trace_string(const struct agent_env *env, u64 addr, u64 limit)
{
	u32 n = 0;
	u8 byte = 1;

	while (n < limit && byte && env->read &&
	       env->read(env->arg, (u32)addr + n, &byte, 1) == 1)
		n++;
	if (n)
		trace(env, addr, n);
}

/* What reaches outside; sp points above the stack's top. */
static int reach(const struct agent *a, const struct agent_insn *in, u64 **spp,
		 const struct agent_env *env, struct err *e)
{
	u64 *sp = *spp, args[256];
	unsigned number = (unsigned)in->operand, n;
	s64 v = 0;

	switch (in->op) {
	case OP_REG:
		if (!env->reg || !env->reg(env->arg, number, sp))
			return fails(e, "no register", number);
		sp++;
		break;
	case OP_GETV:
		if (!env->get || !env->get(env->arg, number, &v))
			return fails(e, "no variable", number);
		*sp++ = (u64)v;
		break;
	case OP_SETV:
		if (!env->set || !env->set(env->arg, number, (s64)sp[-1]))
			return fails(e, "no variable", number);
		break;
	case OP_TRACEV:
		if (env->trace_variable)
			env->trace_variable(env->arg, number);
		break;
	case OP_TRACE:
		trace(env, sp[-2], sp[-1]);
		sp -= 2;
		break;
	case OP_TRACENZ:
		trace_string(env, sp[-2], sp[-1]);
		sp -= 2;
		break;
	case OP_TRACE_QUICK:
	case OP_TRACE16:
		trace(env, sp[-1], in->operand);
		break;
	default: /* PRINTF: function and channel lie on top */
		sp -= 2;
		n = in->operand >> 16 & 0xff;
		for (unsigned i = 0; i < n; i++)
			args[i] = *--sp;
		print(a->text + (in->operand >> 32), args, n, env);
	}
	*spp = sp;
	return 0;
}

int agent_run(const struct agent *a, const struct agent_env *env, u64 *result,
	      struct err *e)
{
	u64 stack[STACK_MAX + 2] = {0}, *sp = stack + 1, keep;
	unsigned pc = 0;

	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		const struct agent_insn *in = &a->insn[pc++];

		switch (in->op) {
		case OP_END:
			*result = sp[-1];
			return 0;
		case OP_CONST8:
		case OP_CONST16:
		case OP_CONST32:
		case OP_CONST64:
			*sp++ = in->operand;
			break;
		case OP_REF8:
		case OP_REF16:
		case OP_REF32:
		case OP_REF64:
			if (load(env, 1u << (in->op - OP_REF8), &sp[-1], e))
				return -1;
			break;
		case OP_EXT:
			if (extend(in, &sp[-1], e))
				return -1;
			break;
		case OP_ZERO_EXT:
			sp[-1] = zero_extended(sp[-1], in->operand);
			break;
		case OP_LOG_NOT:
			sp[-1] = !sp[-1];
			break;
		case OP_BIT_NOT:
			sp[-1] = ~sp[-1];
			break;
		case OP_DIV_SIGNED:
		case OP_DIV_UNSIGNED:
		case OP_REM_SIGNED:
		case OP_REM_UNSIGNED:
			sp--;
			if (divide(in->op, &sp[-1], *sp, e))
				return -1;
			break;
		case OP_IF_GOTO:
			if (*--sp)
				pc = (unsigned)in->operand;
			break;
		case OP_GOTO:
			pc = (unsigned)in->operand;
			break;
		case OP_DUP:
			sp[0] = sp[-1];
			sp++;
			break;
		case OP_POP:
			sp--;
			break;
		case OP_SWAP:
			keep = sp[-1];
			sp[-1] = sp[-2];
			sp[-2] = keep;
			break;
		case OP_PICK:
			sp[0] = sp[-1 - (int)in->operand];
			sp++;
			break;
		case OP_ROT: /* a b c: c a b */
			keep = sp[-1];
			sp[-1] = sp[-2];
			sp[-2] = sp[-3];
			sp[-3] = keep;
			break;
		case OP_REG:
		case OP_GETV:
		case OP_SETV:
		case OP_TRACEV:
		case OP_TRACE:
		case OP_TRACENZ:
		case OP_TRACE_QUICK:
		case OP_TRACE16:
		case OP_PRINTF:
			if (reach(a, in, &sp, env, e))
				return -1;
			break;
		default:
			sp--;
			sp[-1] = two(in->op, sp[-1], *sp);
		}
	}
	return err_set(e, "no end after %d steps", STEPS_MAX);
}
