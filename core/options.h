/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the command line says, as main.c does it. */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include "core/base/err.h"
#include "core/vm/vm.h"
#include "repl/host.h"

enum { OPTIONS_LIST_MAX = 64 };

/* A console command, file or symbol file of the command line, in order. */
struct todo {
	char kind; /* 'e', 'x' or 'y' */
	const char *text;
};

struct options {
	struct vm_config vm;
	char *modules[OPTIONS_LIST_MAX];
	const char *serial[HOST_PORTS];
	unsigned serials;
	struct todo todo[OPTIONS_LIST_MAX];
	unsigned todos;
	const char *stats; /* path */
	const char *saved; /* a machine to begin with; NULL: power-on */
	const char *makes; /* an option given that makes a machine */
	const char *gdb;   /* where the stub listens; NULL: there is none */
	const char *trace; /* directory */
	bool traces, samples, perf_map;
	bool batch, stand, has_clock, show_help, show_version;
	enum { SANDBOX_USUAL, SANDBOX_WANTED, SANDBOX_OFF } sandbox;
};

/* Takes the words, which stay the caller's and may be cut where commas part
 * them.  All is checked that can be without the machine. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);

/* What -help prints. */
void options_show(void);

#endif
