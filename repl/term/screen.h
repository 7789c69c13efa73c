/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guest has done to the terminal that it shares with the console. */
#ifndef REPL_TERM_SCREEN_H
#define REPL_TERM_SCREEN_H

#include "core/base/buf.h"
#include "core/base/types.h"

enum { SCREEN_PARAMETERS = 8 };

struct screen {
	u8 state; /* of the parser */
	bool is_private;
	unsigned count;
	u16 parameter[SCREEN_PARAMETERS];
	unsigned modes; /* bit i: row i of the table is not as it begins */
	bool has_keypad, has_colour, has_region, has_charset;
	bool is_painted; /* the cursor was put somewhere, not only moved on */
	bool is_mid_line;
};

/* A byte that the guest writes to the terminal. */
void screen_saw(struct screen *s, u8 byte);
/* Appends what makes the terminal fit for lines of text: out of the guest's
 * modes, at the beginning of a line, below what it painted. */
void screen_leave(struct screen *s, struct buf *out);
/* Does the guest show a screen of its own, whose picture goes with it? */
bool screen_is_alternate(const struct screen *s);
/* Appends what puts the guest's modes back. */
void screen_return(const struct screen *s, struct buf *out);

#endif
