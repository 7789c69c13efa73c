/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values and memory as gdb shows them, because people's fingers and eyes
 * know that: x pads to the size and starts each row with the address, print
 * does neither.  `s` and `i` have a length of their own; `x` of memory that
 * is not there shows the rows before it and then fails with the address. */
#include "repl/format.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 65536, STRING_MAX = 200 };

int format_parse(const char **text, struct format *f, struct err *e)
{
	const char *s = *text;

	f->count = 1;
	if (*s != '/')
		return 0;
	s++;
	if (isdigit((unsigned char)*s)) {
		unsigned long n = strtoul(s, (char **)&s, 10);

		if (n > COUNT_MAX)
			return err_set(e, "at most %d units can be shown",
				       COUNT_MAX);
		f->count = (unsigned)n;
	}
	for (; *s && *s != ' ' && *s != '\t'; s++) {
		if (strchr("bhwg", *s)) {
			f->size = *s;
		} else if (strchr("xduotacfsiz", *s)) {
			f->letter = *s;
			if (*s == 'a')
				f->size = 'w';
		} else {
			return err_set(e,
				       "format letter `%c': expected one of "
				       "xduotacfsiz and bhwg",
				       *s);
		}
	}
	*text = s;
	return 0;
}

unsigned format_size(const struct format *f)
{
	switch (f->size) {
	case 'b':
		return 1;
	case 'h':
		return 2;
	case 'g':
		return 8;
	default:
		return 4;
	}
}

static void show_binary(u64 bits, unsigned width, bool fixed, struct buf *out)
{
	bool any = fixed;

	for (int i = (int)width - 1; i >= 0; i--) {
		any |= bits >> i & 1;
		if (any || !i)
			buf_byte(out, bits >> i & 1 ? '1' : '0');
	}
}

static void show_char(u8 c, struct buf *out)
{
	if (isprint(c))
		buf_printf(out, "%d '%s%c'", (s8)c,
			   c == '\'' || c == '\\' ? "\\" : "", c);
	else
		buf_printf(out, "%d '\\%03o'", (s8)c, c);
}

static void show_float(u64 bits, unsigned size, struct buf *out)
{
	u32 low = (u32)bits;
	double wide;
	float narrow;

	if (size == 8) {
		memcpy(&wide, &bits, 8);
		buf_printf(out, "%.17g", wide);
	} else {
		memcpy(&narrow, &low, 4);
		buf_printf(out, "%.9g", (double)narrow);
	}
}

static void by_type(struct debug *d, const struct value *v, struct buf *out)
{
	if (v->type.depth)
		debug_address(d, (u32)v->bits, out);
	else if (v->type.size == 1 && v->type.is_signed)
		show_char((u8)v->bits, out);
	else if (v->type.is_signed)
		buf_printf(out, "%lld", (long long)expr_signed(v));
	else
		buf_printf(out, "%llu", (unsigned long long)v->bits);
}

void format_value(struct debug *d, const struct format *f, unsigned size,
		  const struct value *v, bool fixed, struct buf *out)
{
	unsigned long long bits = v->bits;
	struct value sized = *v;

	sized.type = (struct type){(u8)size, true, 0};
	switch (f->letter) {
	case 'x':
	case 'z':
		buf_printf(out, "0x%0*llx",
			   fixed || f->letter == 'z' ? (int)size * 2 : 1, bits);
		break;
	case 'd':
		buf_printf(out, "%lld", (long long)expr_signed(&sized));
		break;
	case 'u':
		buf_printf(out, "%llu", bits);
		break;
	case 'o':
		buf_printf(out, bits ? "0%0*llo" : "0",
			   fixed ? (int)(size * 8 + 2) / 3 : 1, bits);
		break;
	case 't':
		show_binary(bits, size * 8, fixed, out);
		break;
	case 'a':
		debug_address(d, (u32)bits, out);
		break;
	case 'c':
		show_char((u8)bits, out);
		break;
	case 'f':
		show_float(bits, size, out);
		break;
	default:
		by_type(d, v, out);
	}
}

/* ---- memory ---- */

static int no_memory(u32 at, struct err *e)
{
	return err_set(e, "cannot read memory at 0x%x", at);
}

static int show_strings(struct debug *d, const struct format *f, u32 *at,
			struct buf *out, struct err *e)
{
	for (unsigned i = 0; i < f->count; i++) {
		unsigned n = 0;
		u8 c = 1;

		if (!debug_read(d, *at, &c, 1))
			return no_memory(*at, e);
		debug_address(d, *at, out);
		buf_printf(out, ":\t\"");
		while (n < STRING_MAX && debug_read(d, *at, &c, 1) && c) {
			(*at)++;
			n++;
			if (c == '\n')
				buf_printf(out, "\\n");
			else if (c == '"' || c == '\\')
				buf_printf(out, "\\%c", c);
			else if (isprint(c))
				buf_byte(out, (char)c);
			else
				buf_printf(out, "\\%03o", c);
		}
		if (n == STRING_MAX)
			buf_printf(out, "\"...\n");
		else
			buf_printf(out, "\"\n");
		if (n < STRING_MAX)
			(*at)++; /* the NUL */
	}
	return 0;
}

static int show_instructions(struct debug *d, const struct format *f, u32 *at,
			     struct buf *out, struct err *e)
{
	for (unsigned i = 0; i < f->count; i++) {
		u8 c;
		unsigned n;

		if (!debug_read(d, *at, &c, 1))
			return no_memory(*at, e);
		n = debug_show_insn(d, *at, out);
		if (!n)
			return 0; /* its line says so */
		*at += n;
	}
	return 0;
}

static unsigned units_a_row(const struct format *f, unsigned size)
{
	if (f->letter == 't')
		return size == 1 ? 8 : size == 2 ? 4 : size == 4 ? 2 : 1;
	if (f->letter == 'a' || f->letter == 'f')
		return size == 8 ? 2 : 4;
	return size <= 2 ? 8 : size == 4 ? 4 : 2;
}

int format_memory(struct debug *d, const struct format *f, u32 *at,
		  struct buf *out, struct err *e)
{
	unsigned size = f->letter == 'c' && !f->size ? 1 : format_size(f);
	unsigned row = units_a_row(f, size);

	if (f->letter == 's')
		return show_strings(d, f, at, out, e);
	if (f->letter == 'i')
		return show_instructions(d, f, at, out, e);
	for (unsigned i = 0; i < f->count; i++) {
		struct value v = {.type = {(u8)size, f->letter == 'd', 0}};

		if (debug_read(d, *at, &v.bits, size) != size) {
			if (i % row)
				buf_byte(out, '\n');
			return no_memory(*at, e);
		}
		if (i % row == 0) {
			debug_address(d, *at, out);
			buf_byte(out, ':');
		}
		buf_byte(out, '\t');
		format_value(d, f, size, &v, true, out);
		if (i % row == row - 1 || i + 1 == f->count)
			buf_byte(out, '\n');
		*at += size;
	}
	return 0;
}
