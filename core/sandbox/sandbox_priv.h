/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the files of the sandbox. */
#ifndef CORE_SANDBOX_SANDBOX_PRIV_H
#define CORE_SANDBOX_SANDBOX_PRIV_H

#include <sys/types.h>

#include "core/sandbox/sandbox.h"

/* Puts the filter in place, in all threads; the listener's file, -1: errno. */
int filter_install(void (*stopped)(const char *text));

/* ---- the way between the two processes (channel.c) ---- */

enum { MESSAGE_MAX = 64 << 10 };

enum message_kind {
	MESSAGE_GRANT,
	MESSAGE_LOOK, /* can the broker read at the address that the text is? */
	MESSAGE_LOCK,
	MESSAGE_ERRAND,
	MESSAGE_TEXT, /* some of what an errand said */
	MESSAGE_DONE  /* its result, and what went wrong */
};

/* `what` is a right, the number of an errand, or its result; text are strings
 * with their NULs, or of MESSAGE_TEXT bytes. */
struct message {
	u32 kind, what, len;
	char text[MESSAGE_MAX];
};

/* -1: the other end is gone.  fd: a file that goes along, or -1. */
int channel_send(int channel, const struct message *m, int fd);
int channel_receive(int channel, struct message *m, int *fd);

/* ---- the broker ---- */

struct broker {
	int channel, listener;
	pid_t machine;
	bool asks;
	int script; /* where a script is handed on to, -1: there is none */
	const struct sandbox_errand *errands;
};

/* Does not return. */
_Noreturn void broker_run(struct broker *b);
/* Can the machine's memory be read at all? */
bool broker_can_look(const struct broker *b, u64 at);
/* Answers one call of the machine. */
void broker_serve(struct broker *b);

/* Hands standard input on to a pipe, in a thread (hear.c). */
int hear_begin(int fd);

/* One key at the terminal: was it yes? (ask.c) */
bool ask_person(const char *question);

/* ---- the policy ---- */

void policy_begin(bool asks);
void policy_grant(enum sandbox_right right, const char *text);
/* The name that a path has without links and dots, its last part perhaps not
 * there; NULL: its directory is not.  Owned by the caller. */
char *policy_resolve(const char *path);
bool policy_may_read(const char *resolved);
/* Did the user name it? */
bool policy_is_named(const char *resolved);
bool policy_may_list(const char *resolved);
/* `exists`: there is a file already. */
bool policy_may_write(const char *resolved, bool exists);
bool policy_may_replace(const char *from, const char *to);
bool policy_may_remove(const char *resolved);
/* A file that can be mapped as code, as it is open in fd. */
bool policy_may_run(int fd);
bool policy_may_connect(const char *path);
/* `temporary`: until it is moved to its place. */
void policy_made(const char *resolved, bool temporary);
void policy_gone(const char *resolved);
/* The machine has ended: what must not outlive it goes, whoever killed it. */
void policy_clean_up(void);
void policy_moved(const char *from, const char *to);

#endif
