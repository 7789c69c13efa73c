/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `printf "FORMAT", EXPR...': for lines of commands that say what they see.
 * The format is ours to read, conversion by conversion; the host's printf only
 * gets one that is known to fit its argument. */
#include "repl/repl_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRING_MAX = 4096, WIDTH_MAX = 200 };

/* A conversion: "%-8.3x" is form "%-8.3", letter 'x'. */
struct conversion {
	char form[16];
	char letter;
};

/* Reads one behind its %; the place after it, NULL and the reason. */
static const char *read_conversion(const char *s, struct conversion *c,
				   struct err *e)
{
	size_t n = strspn(s, "-+ #0");
	size_t width = strspn(s + n, "0123456789"), point = 0;

	if (s[n + width] == '.')
		point = 1 + strspn(s + n + width + 1, "0123456789");
	width += point;
	if (n + width > sizeof(c->form) - 6 || atoi(s + n) > WIDTH_MAX) {
		err_set(e, "printf: a width of more than %d", WIDTH_MAX);
		return NULL;
	}
	snprintf(c->form, sizeof(c->form), "%%%.*s", (int)(n + width), s);
	s += n + width;
	s += strspn(s, "lhz"); /* the value knows its size */
	c->letter = *s;
	if (!*s || !strchr("diuxXocsp%", *s)) {
		err_set(e,
			"printf: expected d, u, x, o, c, s, p or %% behind "
			"%%, found `%.1s'",
			s);
		return NULL;
	}
	return s + 1;
}

/* The text at a guest address, up to its end or a page that is not there. */
static void read_string(struct console *c, u32 at, char text[STRING_MAX])
{
	unsigned n = 0;

	while (n < STRING_MAX - 1 &&
	       debug_read(c->d, at + n, text + n, 1) == 1 && text[n])
		n++;
	text[n] = '\0';
}

static void show(struct console *c, struct conversion *how,
		 const struct value *v)
{
	char text[STRING_MAX], room[STRING_MAX + WIDTH_MAX];
	size_t n = strlen(how->form);

	if (how->letter == 'p') {
		debug_address(c->d, (u32)v->bits, c->to);
		return;
	}
	if (how->letter == 's' || how->letter == 'c')
		snprintf(how->form + n, 2, "%c", how->letter);
	else
		snprintf(how->form + n, 4, "ll%c", how->letter);
	if (how->letter == 's') {
		read_string(c, (u32)v->bits, text);
		snprintf(room, sizeof(room), how->form, text);
	} else if (how->letter == 'c') {
		snprintf(room, sizeof(room), how->form, (int)(v->bits & 0xff));
	} else if (how->letter == 'd' || how->letter == 'i') {
		snprintf(room, sizeof(room), how->form,
			 (long long)expr_signed(v));
	} else {
		snprintf(room, sizeof(room), how->form,
			 (unsigned long long)v->bits);
	}
	buf_printf(c->to, "%s", room);
}

/* The next argument of those behind commas. */
static int argument(struct console *c, const char **args, struct value *v,
		    struct err *e)
{
	*args += strspn(*args, " \t");
	if (**args != ',')
		return err_set(e, "printf: there are fewer values than "
				  "conversions");
	++*args;
	*args += strspn(*args, " \t");
	return debug_eval(c->d, *args, args, v, e);
}

static int print(struct console *c, const char *form, const char *args,
		 struct err *e)
{
	while (*form) {
		size_t n = strcspn(form, "%");
		struct conversion how;
		struct value v;

		buf_append(c->to, form, n);
		form += n;
		if (!*form)
			break;
		form = read_conversion(form + 1, &how, e);
		if (!form)
			return -1;
		if (how.letter == '%') {
			buf_byte(c->to, '%');
			continue;
		}
		if (argument(c, &args, &v, e))
			return -1;
		show(c, &how, &v);
	}
	args += strspn(args, " \t");
	return *args ? err_set(e, "printf: more than the format takes: `%.40s'",
			       args)
		     : 0;
}

int cmd_printf(struct console *c, char *args, struct err *e)
{
	char *end = args + 1;

	if (*args != '"')
		return err_set(e, "expected a format: printf \"eax %%x\\n\", "
				  "$eax");
	while (*end && *end != '"')
		end += *end == '\\' && end[1] ? 2 : 1;
	if (!*end)
		return err_set(e, "printf: expected `\"' at the format's end");
	*end = '\0';
	words_unescape(args + 1);
	return print(c, args + 1, end + 1, e);
}
