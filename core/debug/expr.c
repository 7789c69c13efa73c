/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The expression evaluator: precedence climbing straight to values, no tree.
 *
 * Text is hostile (a script, a gdb packet, a fuzzer), so three things always
 * hold: recursion is bounded by DEPTH_MAX, every byte read is before the NUL,
 * and the first error ends the evaluation (`p->failed`; all parsers return at
 * once after it, with whatever value they have).
 *
 * What is not evaluated must still be parsed: the right side of `0 && *p`.
 * `p->skip` counts the enclosing parts that do not count; while it is not 0
 * loads give 0, division by 0 is no error and assignments do nothing.
 *
 * Types follow C where a person would notice: `$eax > -1` compares signed,
 * `(char*)p + 1` is one byte on, `p[2]` loads.  Symbols are addresses: gdb
 * knows types from debug information, here `jiffies` is where it lies and
 * `*jiffies` is the word there. */
#include "core/debug/expr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/debug/value.h"

enum { DEPTH_MAX = 64, NAME_MAX_LEN = 255 };

struct parser {
	const struct expr_env *env;
	const char *at;
	struct err *err;
	bool failed;
	unsigned skip;
	unsigned depth;
};

static struct value parse_assign(struct parser *p);
static struct value parse_unary(struct parser *p);

#define FAIL(p, ...)                                    \
	do {                                            \
		if (!(p)->failed)                       \
			err_set((p)->err, __VA_ARGS__); \
		(p)->failed = true;                     \
	} while (0)

static void skip_space(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t')
		p->at++;
}

static bool accept(struct parser *p, const char *token)
{
	skip_space(p);
	if (strncmp(p->at, token, strlen(token)))
		return false;
	p->at += strlen(token);
	return true;
}

static void expect(struct parser *p, const char *token, const char *after)
{
	if (accept(p, token))
		return;
	if (*p->at)
		FAIL(p, "expected `%s' %s, found `%.20s'", token, after, p->at);
	else
		FAIL(p, "expected `%s' %s", token, after);
}

/* ---- types ---- */

static bool name_char(char c, bool first)
{
	if (isalpha((unsigned char)c) || c == '_')
		return true;
	return !first && (isdigit((unsigned char)c) || c == '.');
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (n < NAME_MAX_LEN && name_char(s[n], n == 0))
		n++;
	return n;
}

static const struct {
	const char *name;
	u8 size;
	bool is_signed;
} type_names[] = {
	{"char", 1, true},      {"short", 2, true},     {"int", 4, true},
	{"long", 4, true},      {"void", 0, false},     {"u8", 1, false},
	{"u16", 2, false},      {"u32", 4, false},      {"u64", 8, false},
	{"s8", 1, true},        {"s16", 2, true},       {"s32", 4, true},
	{"s64", 8, true},       {"uint8_t", 1, false},  {"uint16_t", 2, false},
	{"uint32_t", 4, false}, {"uint64_t", 8, false}, {"int8_t", 1, true},
	{"int16_t", 2, true},   {"int32_t", 4, true},   {"int64_t", 8, true},
	{"unsigned", 4, false}, {"signed", 4, true},    {"size_t", 4, false},
};

/* Takes a type's name and stars; false (and nothing taken) when the text
 * does not start with one. */
static bool parse_type(struct parser *p, struct type *t)
{
	bool any = false, made_unsigned = false, has_long = false;

	*t = type_int;
	for (;;) {
		size_t n, i;

		skip_space(p);
		n = name_length(p->at);
		for (i = 0; i < ARRAY_LEN(type_names); i++)
			if (strlen(type_names[i].name) == n &&
			    !strncmp(type_names[i].name, p->at, n))
				break;
		if (!n || i == ARRAY_LEN(type_names))
			break;
		if (!strncmp(p->at, "unsigned", n)) {
			made_unsigned = true;
		} else if (n == 4 && !strncmp(p->at, "long", n)) {
			t->size = has_long ? 8 : 4; /* long long */
			has_long = true;
		} else if (!(any && n == 3 && !strncmp(p->at, "int", n))) {
			t->size = type_names[i].size;
			t->is_signed = type_names[i].is_signed;
		}
		any = true;
		p->at += n;
	}
	if (!any)
		return false;
	if (made_unsigned)
		t->is_signed = false;
	while (t->depth < 8 && accept(p, "*"))
		t->depth++;
	return true;
}

/* ---- memory ---- */

static struct value load(struct parser *p, u32 addr, struct type t)
{
	struct value v;
	unsigned size;
	u64 bits = 0;

	if (!t.depth && !t.size)
		t = type_int; /* *p of a plain address: a word */
	v = value_make(0, t);
	size = expr_size(t);
	if (!p->skip && !p->failed) {
		if (!p->env->read)
			FAIL(p, "memory cannot be read here");
		else if (p->env->read(p->env->arg, addr, &bits, size) != size)
			FAIL(p, "cannot read memory at 0x%x", addr);
	}
	v.bits = value_cut(bits, t);
	v.place = PLACE_MEM;
	v.addr = addr;
	return v;
}

static void assign(struct parser *p, struct value *to, u64 bits)
{
	const struct expr_env *env = p->env;
	unsigned size = expr_size(to->type);

	if (p->skip || p->failed)
		return;
	to->bits = value_cut(bits, to->type);
	if (to->place == PLACE_MEM) {
		if (!env->write)
			FAIL(p, "memory cannot be changed here");
		else if (env->write(env->arg, to->addr, &to->bits, size) !=
			 size)
			FAIL(p, "cannot write memory at 0x%x", to->addr);
	} else if (to->place == PLACE_REG) {
		if (!env->set_reg)
			FAIL(p, "registers cannot be changed here");
		else if (env->set_reg(env->arg, to->reg, to->bits, p->err))
			p->failed = true;
	} else {
		FAIL(p, "the left side of `=' must be a register or memory");
	}
}

/* ---- primaries ---- */

static struct value parse_number(struct parser *p)
{
	const char *s = p->at;
	unsigned base = 10;
	u64 n = 0;

	if (s[0] == '0' && (s[1] | 32) == 'x') {
		base = 16;
		s += 2;
		if (!isxdigit((unsigned char)*s))
			FAIL(p, "expected hexadecimal digits after `0x'");
	} else if (s[0] == '0') {
		base = 8;
	}
	for (; isxdigit((unsigned char)*s); s++) {
		unsigned digit = isdigit((unsigned char)*s)
					 ? (unsigned)(*s - '0')
					 : (unsigned)((*s | 32) - 'a' + 10);

		if (digit >= base)
			break;
		if (n > (UINT64_MAX - digit) / base)
			FAIL(p, "the number is wider than 64 bits");
		n = n * base + digit;
	}
	while ((*s | 32) == 'u' || (*s | 32) == 'l')
		s++;
	if (name_char(*s, false) && *s != '.')
		FAIL(p, "bad number: `%.20s'", p->at);
	p->at = s;
	if (n <= INT32_MAX)
		return value_make(n, type_int);
	if (n <= UINT32_MAX)
		return value_make(n, type_u32);
	return value_make(n, (struct type){8, n <= INT64_MAX, 0});
}

static struct value parse_char(struct parser *p)
{
	static const char escapes[] = "n\nr\rt\t0\0";
	struct value v = value_make(0, (struct type){1, true, 0});

	p->at++;
	if (*p->at == '\\' && p->at[1]) {
		p->at++;
		v.bits = (u8)*p->at;
		for (size_t i = 0; i < sizeof(escapes) - 1; i += 2)
			if (escapes[i] == *p->at)
				v.bits = (u8)escapes[i + 1];
	} else {
		v.bits = (u8)*p->at;
	}
	if (*p->at)
		p->at++;
	if (*p->at == '\'')
		p->at++;
	else
		FAIL(p, "expected one character between single quotes");
	return v;
}

static struct value parse_register(struct parser *p)
{
	struct value v = value_make(0, type_int);
	char name[sizeof(v.reg)];
	size_t n = 0;

	p->at++;
	if (*p->at == '$') { /* $$, $$3: results before the last */
		for (n = 1; isdigit((unsigned char)p->at[n]); n++)
			;
	} else {
		while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_')
			n++;
	}
	if (n >= sizeof(name)) {
		FAIL(p, "the name after `$' is longer than %zu characters",
		     sizeof(name) - 1);
		return v;
	}
	memcpy(name, p->at, n);
	name[n] = '\0';
	p->at += n;
	if (!p->env->reg || !p->env->reg(p->env->arg, name, &v)) {
		if (isdigit((unsigned char)*name) || *name == '$' || !*name)
			FAIL(p, "no result `$%s' yet: `print' numbers them "
				"from $1 on", name);
		else
			FAIL(p, "no register or variable `$%s'", name);
		return v;
	}
	v.bits = value_cut(v.bits, v.type);
	v.place = PLACE_REG;
	memcpy(v.reg, name, sizeof(name));
	return v;
}

static struct value parse_symbol(struct parser *p)
{
	size_t n = name_length(p->at);
	char name[NAME_MAX_LEN + 1];
	struct value v;
	u32 addr = 0;

	memcpy(name, p->at, n);
	name[n] = '\0';
	p->at += n;
	if (p->env->name && p->env->name(p->env->arg, name, &v))
		return v;
	if (!p->env->symbol || !p->env->symbol(p->env->arg, name, &addr))
		FAIL(p, "no symbol `%s'", name);
	return value_make(addr, type_address);
}

static struct value parse_primary(struct parser *p)
{
	struct value v = value_make(0, type_int);

	skip_space(p);
	if (isdigit((unsigned char)*p->at))
		return parse_number(p);
	if (*p->at == '\'')
		return parse_char(p);
	if (*p->at == '$')
		return parse_register(p);
	if (name_char(*p->at, true))
		return parse_symbol(p);
	if (accept(p, "(")) {
		v = parse_assign(p);
		expect(p, ")", "to close `('");
		return v;
	}
	if (*p->at)
		FAIL(p, "expected a number, $register or symbol, found `%.20s'",
		     p->at);
	else
		FAIL(p, "expected a number, $register or symbol at the end");
	return v;
}

static struct value parse_postfix(struct parser *p)
{
	struct value v = parse_primary(p);

	while (!p->failed && accept(p, "[")) {
		struct type t = type_pointed_to(v.type);
		struct value i = parse_assign(p);

		expect(p, "]", "to close `['");
		v = load(p, (u32)(v.bits + (u64)expr_signed(&i) * expr_size(t)),
			 t);
	}
	return v;
}

/* ---- operators ---- */

/* `(type)x` or `(x)`; only the first is taken here. */
static bool parse_cast(struct parser *p, struct value *v)
{
	const char *start = p->at;
	struct type t;

	if (accept(p, "(") && parse_type(p, &t)) {
		expect(p, ")", "after the type");
		*v = parse_unary(p);
		*v = value_make((u64)expr_signed(v), t);
		return true;
	}
	p->at = start;
	return false;
}

static struct value parse_address_of(struct parser *p)
{
	struct value v = parse_unary(p);

	if (v.place == PLACE_MEM)
		return value_make(v.addr,
				  (struct type){v.type.size, v.type.is_signed,
						(u8)(v.type.depth + 1)});
	if (v.place == PLACE_REG)
		FAIL(p, "a register has no address");
	return v; /* &symbol is the symbol */
}

static struct value parse_braces(struct parser *p)
{
	struct value v;
	struct type t;

	if (!parse_type(p, &t)) {
		FAIL(p, "expected a type after `{', e.g. {int}0x1000");
		return value_make(0, type_int);
	}
	expect(p, "}", "after the type");
	v = parse_unary(p);
	return load(p, (u32)v.bits, t);
}

static struct value parse_unary_inner(struct parser *p)
{
	struct value v;

	skip_space(p);
	switch (*p->at) {
	case '-':
		p->at++;
		v = parse_unary(p);
		return value_make(0 - (u64)expr_signed(&v),
				  type_promoted(v.type));
	case '+':
		p->at++;
		v = parse_unary(p);
		return value_make((u64)expr_signed(&v), type_promoted(v.type));
	case '~':
		p->at++;
		v = parse_unary(p);
		return value_make(~(u64)expr_signed(&v), type_promoted(v.type));
	case '!':
		p->at++;
		v = parse_unary(p);
		return value_make(!v.bits, type_int);
	case '*':
		p->at++;
		v = parse_unary(p);
		return load(p, (u32)v.bits, type_pointed_to(v.type));
	case '&':
		p->at++;
		return parse_address_of(p);
	case '{':
		p->at++;
		return parse_braces(p);
	default:
		if (parse_cast(p, &v))
			return v;
		return parse_postfix(p);
	}
}

static struct value parse_unary(struct parser *p)
{
	struct value v = value_make(0, type_int);

	if (p->failed)
		return v;
	if (++p->depth > DEPTH_MAX)
		FAIL(p, "the expression is nested too deeply");
	else
		v = parse_unary_inner(p);
	p->depth--;
	return v;
}

/* Longer tokens first, so that `<=` is not taken for `<`. */
static const struct {
	const char *token;
	u8 precedence;
	enum value_op op;
} operators[] = {
	{"||", 1, OP_OR_OR}, {"&&", 2, OP_AND_AND}, {"==", 6, OP_EQ},
	{"!=", 6, OP_NE},    {"<=", 7, OP_LE},      {">=", 7, OP_GE},
	{"<<", 8, OP_SHL},   {">>", 8, OP_SHR},     {"|", 3, OP_OR},
	{"^", 4, OP_XOR},    {"&", 5, OP_AND},      {"<", 7, OP_LT},
	{">", 7, OP_GT},     {"+", 9, OP_ADD},      {"-", 9, OP_SUB},
	{"*", 10, OP_MUL},   {"/", 10, OP_DIV},     {"%", 10, OP_MOD},
};

static bool is_division(enum value_op op)
{
	return op == OP_DIV || op == OP_MOD;
}

static struct value parse_binary(struct parser *p, unsigned lowest)
{
	struct value a = parse_unary(p);

	while (!p->failed) {
		bool decided;
		struct value b;
		size_t i;

		skip_space(p);
		for (i = 0; i < ARRAY_LEN(operators); i++)
			if (!strncmp(p->at, operators[i].token,
				     strlen(operators[i].token)))
				break;
		if (i == ARRAY_LEN(operators) ||
		    operators[i].precedence < lowest)
			break;
		p->at += strlen(operators[i].token);
		decided = (operators[i].op == OP_OR_OR && a.bits) ||
			  (operators[i].op == OP_AND_AND && !a.bits);
		p->skip += decided;
		b = parse_binary(p, operators[i].precedence + 1u);
		p->skip -= decided;
		if (is_division(operators[i].op) && !b.bits && !p->skip)
			FAIL(p, "division by zero");
		a = value_apply(operators[i].op, a, b);
	}
	return a;
}

static struct value parse_choice(struct parser *p)
{
	struct value v = parse_binary(p, 1), yes, no;
	bool is_true = v.bits;

	if (p->failed || !accept(p, "?"))
		return v;
	p->skip += !is_true;
	yes = parse_assign(p);
	p->skip -= !is_true;
	expect(p, ":", "after `?'");
	p->skip += is_true;
	no = parse_assign(p);
	p->skip -= is_true;
	return is_true ? yes : no;
}

static struct value parse_assign(struct parser *p)
{
	struct value v = value_make(0, type_int), right;

	if (p->failed)
		return v;
	if (++p->depth > DEPTH_MAX) {
		FAIL(p, "the expression is nested too deeply");
	} else {
		v = parse_choice(p);
		skip_space(p);
		if (!p->failed && p->at[0] == '=' && p->at[1] != '=') {
			p->at++;
			right = parse_assign(p);
			assign(p, &v, (u64)expr_signed(&right));
		}
	}
	p->depth--;
	return v;
}

int expr_eval(const struct expr_env *env, const char *text, const char **end,
	      struct value *v, struct err *e)
{
	struct parser p = {.env = env, .at = text, .err = e};

	*v = parse_assign(&p);
	skip_space(&p);
	if (!p.failed && !end && *p.at)
		FAIL(&p, "unexpected `%.40s' after the expression", p.at);
	if (end)
		*end = p.at;
	return p.failed ? -1 : 0;
}
