/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text on its way to the terminal: colored, and held where it would scroll
 * away. */
#ifndef REPL_TERM_PAGER_H
#define REPL_TERM_PAGER_H

#include "core/base/buf.h"
#include "core/base/types.h"

struct host;

enum { PAGER_AUTO = 0, PAGER_OFF = 1 << 20 };

struct pager {
	unsigned height; /* lines a page; PAGER_AUTO, PAGER_OFF */
	enum { COLOR_AUTO, COLOR_ON, COLOR_OFF } color;
	unsigned shown; /* rows since the last prompt or page */
	bool quit;      /* the rest is not wanted */
	bool flows;     /* no more pages until the next prompt */
};

/* A new prompt, or the guest has run: pages begin anew. */
void pager_begin(struct pager *p);
/* Shows the text on standard output; the host's keys turn the pages when
 * `pages`. */
void pager_write(struct pager *p, struct host *h, bool pages, const char *text,
		 size_t n);
/* Are colors wanted there (a file's number)? */
bool pager_colors(const struct pager *p, int fd);

/* Does TERM say that nothing can be painted? */
bool pager_is_dumb(void);

/* The terminal's size; 0 when it has none. */
void pager_measure(unsigned *rows, unsigned *columns);

/* Appends one line of console text with its addresses, names and places in
 * colors.  A pure function. */
void paint_line(const char *line, size_t n, struct buf *out);
/* Appends a line, without its end, broken at spaces to fit so many columns; 0:
 * as it is.  A pure function. */
void wrap_line(const char *line, size_t n, unsigned columns, struct buf *out);
/* Rows that a line takes on a terminal of so many columns. */
unsigned pager_rows(const char *line, size_t n, unsigned columns);

#endif
