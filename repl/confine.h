/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sandbox as this program uses it: its errands, and what the user is
 * known to want (core/sandbox has how it works). */
#ifndef REPL_CONFINE_H
#define REPL_CONFINE_H

#include "core/base/err.h"
#include "core/base/types.h"

/* Forks the broker. -1: not on this machine. */
int confine_begin(bool batch, struct err *e);
/* What readline and the console read and write by themselves. */
void confine_grant_console(void);
/* From here on. */
int confine_lock(struct err *e);

/* A command of the host, outside of the sandbox if there is one; its status as
 * of system(), -1: it was not run. */
int confine_shell(const char *command, struct err *e);

#endif
