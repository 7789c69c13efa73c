/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the process gives up before the guest's first instruction.
 *
 * Two processes: the *machine*, which is everything else of this program, and
 * its *broker*, forked before the machine has anything of the guest's.  When
 * all is set up the machine locks itself: from then on only the system calls
 * of calls.def get through.  Those that name a file or a socket are put
 * before the broker, which obeys a policy that the machine cannot change any
 * more (policy.c) and does them in its place; and it runs programs (LTTng's,
 * `shell') when told to, which are its errands.  docs/security.md has it as a
 * promise. */
#ifndef CORE_SANDBOX_SANDBOX_H
#define CORE_SANDBOX_SANDBOX_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/types.h"

enum { SANDBOX_STATUS = 5 }; /* of a process that was stopped by it */

/* Something that the broker does for the machine.  It runs in the broker and
 * must trust nothing of what it is given. */
struct sandbox_errand {
	const char *name;
	int (*run)(unsigned argc, char **argv, struct buf *out, struct err *e);
};

/* ---- in the machine ---- */

/* False in builds with sanitizers, which make calls of their own. */
bool sandbox_is_built(void);

/* Where the user's commands come from. */
enum sandbox_user {
	SANDBOX_NOBODY,
	SANDBOX_SCRIPT, /* standard input, which the broker reads, too */
	SANDBOX_PERSON, /* at the terminal, asked what the policy leaves open */
};

/* Forks the broker; errands end with a row without a name. */
int sandbox_begin(const struct sandbox_errand *errands, enum sandbox_user user,
		  struct err *e);
bool sandbox_is_on(void);
/* The broker's process; -1: there is none. */
int sandbox_broker(void);

/* Before it is locked: what the user named, so that it may be used later. */
enum sandbox_right {
	SANDBOX_FILE,      /* a file, to read */
	SANDBOX_READ,      /* a file, and what is beside it */
	SANDBOX_OWN,       /* a file that we made */
	SANDBOX_LEAVES,    /* the same, but nothing that shall outlive us */
	SANDBOX_OWN_BELOW, /* a directory of ours, and all below */
	SANDBOX_CODE,      /* a library that may be loaded */
	SANDBOX_SAID,      /* a console command: the files in it */
};
void sandbox_grant(enum sandbox_right right, const char *text);
/* The same for each line of a file of console commands. */
void sandbox_grant_commands(const char *path);

/* From here on. `stopped` is called when a call is refused that nothing of
 * ours makes, before the process ends; signal-safe. */
int sandbox_lock(void (*stopped)(const char *text), struct err *e);

/* At the end of the process: the broker ends, and is gone from the list of
 * processes. */
void sandbox_end(void);

/* Has the broker do something; as it would be done here without one. */
int sandbox_errand(const char *name, unsigned argc, const char *const argv[],
		   struct buf *out, struct err *e);

/* ---- in the broker, for errands ---- */

/* The machine's process. */
int sandbox_machine(void);
/* Did the machine make that file or directory? */
bool sandbox_has_made(const char *path);
/* Is that one of the commands that the user gave beforehand? */
bool sandbox_was_said(const char *verb, const char *rest);
/* Asks the person at the terminal; false when there is none. */
bool sandbox_ask(const char *question);

#endif
