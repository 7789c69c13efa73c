/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of `explain` share. */
#ifndef REPL_EXPLAIN_H
#define REPL_EXPLAIN_H

#include "core/bt/bt.h"
#include "repl/repl_priv.h"

/* Guest and host instructions side by side, with the reason for each if the
 * block is a live one. */
void explain_show_block(struct console *c, const struct bt_block_view *b,
			bool stories);
/* An exit, by enum bt_exit. */
void explain_way_out(struct console *c, unsigned exit);
int explain_address(struct console *c, gla_t at, struct err *e);

#endif
