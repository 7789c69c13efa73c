/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console: a person's or a script's lines become commands on
 * core/debug. */
#ifndef REPL_REPL_H
#define REPL_REPL_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct console;
struct debug;
struct host;
struct vmi;

/* `guest` is the name that the prompt shows ("lantern"), `vmi` NULL when the
 * ROM is hidden.  All are borrowed. */
struct console *console_new(struct debug *d, struct host *h, const char *guest,
			    struct vmi *vmi);
void console_free(struct console *c);

/* Runs one command line; its text goes to `out`, or to standard output when
 * NULL.  -1 and one line when it failed.  gdb's `monitor` comes here. */
int console_execute(struct console *c, const char *line, struct buf *out,
		    struct err *e);
/* Runs a file's lines, up to the first that fails: -1, or SOURCE_UNREADABLE
 * when it was the file. */
enum { SOURCE_UNREADABLE = -2 };
int console_source(struct console *c, const char *path, struct err *e);

/* Has any command let the guest run?  Did one ask to quit? */
bool console_ran(const struct console *c);
bool console_quits(const struct console *c);

/* Functions of the guest by the host's time in them, at most so many. */
void console_show_timed(struct console *c, unsigned max, struct buf *to);
/* Records events from now on into a directory, NULL: one named by the time.
 * Says in one line what came of it. */
void console_trace(struct console *c, const char *dir);

/* Runs the user's own file of commands, ~/.config/vitrine/init, if there is
 * one; a mistake in it is told. */
void console_greet(struct console *c);

/* Lines from the terminal (readline) or standard input until quit or its
 * end; -1 when what comes is no text. */
int console_loop(struct console *c, struct err *e);

/* Somebody else lets the guest run, or has seen it stop: the terminal is the
 * guest's meanwhile. */
void console_lends(struct console *c, bool on);
/* Input that ends without a command is no reason to let the guest run. */
void console_stands(struct console *c);

/* Lets the guest run, without a console, until it ends. */
void console_run_to_end(struct console *c);

#endif
