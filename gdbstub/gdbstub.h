/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gdb stub: one client at a time, over TCP or a unix socket, becomes a
 * front end of core/debug beside the console. */
#ifndef GDBSTUB_GDBSTUB_H
#define GDBSTUB_GDBSTUB_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct debug;
struct gdbstub;
struct pollfd;
struct vmi;

/* What the stub asks of who owns the process. */
struct gdbstub_owner {
	void *arg;
	/* A console command and its text. */
	int (*monitor)(void *arg, const char *line, struct buf *out,
		       struct err *e);
	/* The guest runs from now on, on the client's behalf, or has stopped.
	 */
	void (*runs)(void *arg, bool on);
	/* Must the wait for packets end (a signal, `quit')? */
	bool (*must_end)(void *arg);
};

struct gdbstub_config {
	struct debug *d;
	struct vmi *vmi;     /* asked only if its ROM is shown */
	const char *kernel;  /* path of the guest's kernel */
	char **symbol_files; /* -symbols, "FILE[@ADDR]" */
	unsigned symbol_file_count;
	struct gdbstub_owner owner;
};

/* All in `c` is borrowed.  Never fails. */
struct gdbstub *gdbstub_new(const struct gdbstub_config *c);
void gdbstub_free(struct gdbstub *g);

/* Is it "tcp:[ADDR:]PORT" or "unix:PATH"? */
bool gdbstub_knows(const char *where);
/* Waits for clients there; 127.0.0.1 when no address is given. */
int gdbstub_listen(struct gdbstub *g, const char *where, struct err *e);

/* Whom to poll; at most GDBSTUB_FDS. */
enum { GDBSTUB_FDS = 8 };
unsigned gdbstub_fds(struct gdbstub *g, struct pollfd *fds);
/* Serves what has come, also while the guest runs. */
void gdbstub_ready(struct gdbstub *g);

bool gdbstub_has_client(const struct gdbstub *g);
/* The client has left a guest that it wants to go on, or has ended it; asked
 * once. */
bool gdbstub_wants_run(struct gdbstub *g);
bool gdbstub_wants_end(const struct gdbstub *g);
/* Serves packets until the client has gone, the owner must end, or the guest
 * is to run without it. */
void gdbstub_serve(struct gdbstub *g);

#endif
