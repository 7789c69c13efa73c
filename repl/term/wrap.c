/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines that are longer than the terminal is wide go on below at a space, under
 * their own text: behind the first gap of two spaces or a tab, as tables and
 * lists of commands have it, else a little to the right of where they began.
 * A line with a string in it stays as it is: its spaces belong to somebody. */
#include "repl/term/pager.h"

#include <string.h>

enum { TAB = 8, FURTHER = 2 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What follows the character at `column`. */
static unsigned after(unsigned column, char c)
{
	if (c == '\t')
		return (column / TAB + 1) * TAB;
	return column + ((c & 0xc0) != 0x80); /* UTF-8 goes on */
}

/* The column under which the rest is to stand. */
static unsigned indent_of(const char *line, size_t n, unsigned columns)
{
	unsigned column = 0, begun = 0;
	bool text = false;

	for (size_t i = 0; i < n; i++) {
		bool gap = line[i] == '\t' ||
			   (line[i] == ' ' && i && line[i - 1] == ' ');

		column = after(column, line[i]);
		if (!is_blank(line[i]) && !text) {
			text = true;
			begun = column - 1;
		} else if (text && gap && i + 1 < n && !is_blank(line[i + 1])) {
			if (column <= columns * 2 / 3)
				return column;
			break;
		}
	}
	return begun + FURTHER < columns / 2 ? begun + FURTHER : 0;
}

/* How much of the line fits, up to a space; to the first one if it is
 * farther, all of it if there is none. */
static size_t that_fits(const char *line, size_t n, unsigned column,
			unsigned columns)
{
	size_t space = 0, i = 0;
	bool text = false;

	for (; i < n; i++) {
		if (is_blank(line[i]) && text && (column <= columns || !space))
			space = i;
		text |= !is_blank(line[i]);
		column = after(column, line[i]);
		if (column > columns && space)
			return space;
	}
	return n;
}

void wrap_line(const char *line, size_t n, unsigned columns, struct buf *out)
{
	unsigned indent = 0, column = 0;

	if (columns && pager_rows(line, n, columns) > 1 && !memchr(line, '"', n))
		indent = indent_of(line, n, columns);
	else
		columns = 0;
	while (columns) {
		size_t fits = that_fits(line, n, column, columns), end = fits;

		if (fits == n)
			break;
		while (end && is_blank(line[end - 1]))
			end--;
		buf_append(out, line, end);
		for (n -= fits, line += fits; n && is_blank(*line); n--)
			line++;
		if (!n)
			return;
		buf_printf(out, "\n%*s", (int)indent, "");
		column = indent;
	}
	buf_append(out, line, n);
}
