/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long output waits when the screen is full, as in gdb.  What a line takes is
 * counted as the terminal will show it: tabs, lines that wrap, characters of
 * several bytes.  The pager is for a person: it does nothing when no keys
 * can come. */
#include "repl/term/pager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "repl/host.h"

enum { TAB = 8, CTRL_C = 3, CTRL_D = 4, ESCAPE = 0x1b };

#define QUESTION "-- more: Enter or space; c: all of it; q: no more --"

void pager_begin(struct pager *p)
{
	p->shown = 0;
	p->quit = p->flows = false;
}

bool pager_is_dumb(void)
{
	const char *term = getenv("TERM");

	return !term || !*term || !strcmp(term, "dumb");
}

bool pager_colors(const struct pager *p, int fd)
{
	const char *no = getenv("NO_COLOR");

	if (p->color != COLOR_AUTO)
		return p->color == COLOR_ON;
	return isatty(fd) && !(no && *no) && !pager_is_dumb();
}

unsigned pager_rows(const char *line, size_t n, unsigned columns)
{
	unsigned width = 0;

	for (size_t i = 0; i < n; i++)
		if (line[i] == '\t')
			width = (width / TAB + 1) * TAB;
		else if ((line[i] & 0xc0) != 0x80) /* UTF-8 goes on */
			width++;
	return width && columns ? (width - 1) / columns + 1 : 1;
}

void pager_measure(unsigned *rows, unsigned *columns)
{
	struct winsize w;

	*rows = *columns = 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w)) {
		*rows = w.ws_row;
		*columns = w.ws_col;
	}
}

/* Waits for the person; false: no more. */
static bool turn(struct pager *p, struct host *h)
{
	int key;

	printf("%s", QUESTION);
	fflush(stdout);
	do
		key = host_read_key(h);
	while (key >= 0 && !strchr(" \n\rcq\003\004\033", key));
	printf("\r%*s\r", (int)strlen(QUESTION), "");
	p->shown = 0;
	p->flows = key == 'c';
	p->quit = key < 0 || key == 'q' || key == CTRL_C || key == CTRL_D ||
		  key == ESCAPE;
	return !p->quit;
}

static void show_line(struct pager *p, struct host *h, bool pages,
		      const char *text, size_t len)
{
	unsigned rows, columns, takes;
	struct buf line = {0};

	pager_measure(&rows, &columns);
	if (p->height != PAGER_AUTO)
		rows = p->height + 1;
	takes = pager_rows(text, len - (len && text[len - 1] == '\n'), columns);
	if (pages && !p->flows && rows > 1 && p->shown &&
	    p->shown + takes >= rows && !turn(p, h))
		return;
	p->shown += takes;
	if (pager_colors(p, STDOUT_FILENO))
		paint_line(text, len, &line);
	else
		buf_append(&line, text, len);
	fwrite(buf_text(&line), 1, line.len, stdout);
	buf_free(&line);
}

void pager_write(struct pager *p, struct host *h, bool pages, const char *text,
		 size_t n)
{
	struct buf fit = {0};
	unsigned rows, columns;

	pager_measure(&rows, &columns);
	for (size_t len; n; text += len, n -= len) {
		const char *end = memchr(text, '\n', n);

		len = end ? (size_t)(end - text) + 1 : n;
		wrap_line(text, len - !!end, pages ? columns : 0, &fit);
		if (end)
			buf_byte(&fit, '\n');
	}
	text = buf_text(&fit);
	n = fit.len;
	for (size_t len; n && !p->quit; text += len, n -= len) {
		const char *end = memchr(text, '\n', n);

		len = end ? (size_t)(end - text) + 1 : n;
		show_line(p, h, pages, text, len);
	}
	buf_free(&fit);
	fflush(stdout);
}
