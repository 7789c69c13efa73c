/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colors.  Commands write plain text, for pipes, gdb's `monitor` and tests
 * alike; what is an address, a name or a place is seen from its form here, at
 * the last moment before a terminal:
 *
 *   0xc0103050 <sys_fork+0>      an address, followed by its name
 *   ... at process.c:98          a place in a source
 *   =>                           where the guest stands */
#include "repl/term/pager.h"

#include <ctype.h>
#include <string.h>

#define ADDRESS "\033[36m"
#define NAME    "\033[33m"
#define PLACE   "\033[32m"
#define HERE    "\033[1;32m"
#define PLAIN   "\033[m"

static void colored(struct buf *out, const char *color, const char *text,
		    size_t n)
{
	buf_printf(out, "%s%.*s" PLAIN, color, (int)n, text);
}

static size_t hex_length(const char *s, size_t n)
{
	size_t i = 2;

	if (n < 3 || s[0] != '0' || s[1] != 'x')
		return 0;
	while (i < n && isxdigit((unsigned char)s[i]))
		i++;
	return i > 2 ? i : 0;
}

/* " <name+offset>": the length with the brackets. */
static size_t name_length(const char *s, size_t n)
{
	const char *end;

	if (n < 4 || s[0] != ' ' || s[1] != '<')
		return 0;
	end = memchr(s, '>', n);
	return end && !memchr(s + 1, ' ', (size_t)(end - s - 1))
		       ? (size_t)(end - s + 1)
		       : 0;
}

/* "process.c:98" */
static size_t place_length(const char *s, size_t n)
{
	size_t i = 0, colon;

	while (i < n &&
	       (isalnum((unsigned char)s[i]) || strchr("._/-+", s[i])) && s[i])
		i++;
	if (!i || i == n || s[i] != ':' || !memchr(s, '.', i))
		return 0;
	for (colon = i++; i < n && isdigit((unsigned char)s[i]);)
		i++;
	return i > colon + 1 ? i : 0;
}

/* Paints what begins at s; its length, 0 when it is nothing known. */
static size_t paint_one(const char *line, const char *s, size_t n,
			struct buf *out)
{
	bool is_first = s == line || isspace((unsigned char)s[-1]);
	size_t hex = hex_length(s, n), name, place;

	if (s == line && n > 2 && !memcmp(s, "=> ", 3)) {
		colored(out, HERE, s, 2);
		return 2;
	}
	if (hex && is_first) {
		name = name_length(s + hex, n - hex);
		if (!name)
			return 0;
		colored(out, ADDRESS, s, hex);
		buf_append(out, " <", 2);
		colored(out, NAME, s + hex + 2, name - 3);
		buf_byte(out, '>');
		return hex + name;
	}
	if (is_first && s >= line + 3 && !memcmp(s - 3, "at ", 3)) {
		place = place_length(s, n);
		if (place)
			colored(out, PLACE, s, place);
		return place;
	}
	return 0;
}

void paint_line(const char *line, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n;) {
		size_t done = paint_one(line, line + i, n - i, out);

		if (!done)
			buf_byte(out, line[i]);
		i += done ? done : 1;
	}
}
