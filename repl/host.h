/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outside of the machine: what its serial ports are connected to, the
 * keys of the terminal while it runs, and Ctrl-C. */
#ifndef REPL_HOST_H
#define REPL_HOST_H

#include "core/base/err.h"
#include "core/base/types.h"

struct host;
struct pollfd;
struct vm;

enum { HOST_PORTS = 2 };

/* `batch`: standard input is the guest's even when it is no terminal. */
struct host *host_new(bool batch);
/* Does Ctrl-C go to the guest as a key, not stop it? Ctrl-] always does. */
void host_set_ctrl_c(struct host *h, bool is_guest);
bool host_ctrl_c(const struct host *h);
/* Closes all, puts the terminal back. */
void host_free(struct host *h);

/* Is that something a port can be connected to? */
bool host_knows(const char *spec);
/* Connects port 0 or 1: stdio, null, file:PATH, pty, unix:PATH; spec is
 * borrowed. */
int host_connect(struct host *h, unsigned port, const char *spec,
		 struct err *e);
/* Has what the guest said been lost, to a full disk or a closed pipe? Then
 * the line to say is in e. */
bool host_trouble(const struct host *h, struct err *e);
/* Catches SIGINT and SIGTERM for the machine, which is borrowed. */
void host_attach(struct host *h, struct vm *vm);

/* Callbacks for struct vm_config; arg is the struct host. */
void host_serial_out(void *arg, unsigned port, u8 byte);
void host_poll(void *arg, int timeout_ms);

/* Somebody else who waits for files and is served while the guest runs and
 * while it stands: the gdb stub. */
enum { HOST_PEER_FDS = 8 };
struct host_peer {
	void *arg;
	unsigned (*fds)(void *arg, struct pollfd *fds); /* how many */
	void (*ready)(void *arg);
};
void host_set_peer(struct host *h, const struct host_peer *peer);
/* Somebody who has the terminal while the guest runs: its keys, and the guest
 * says nothing there until it is given back (NULL). */
struct host_watcher {
	void *arg;
	void (*look)(void *arg); /* at least every `every_ms` */
	/* False: not for the watcher any more, but for the prompt. */
	bool (*key)(void *arg, char key);
	int every_ms;
};
void host_set_watcher(struct host *h, const struct host_watcher *w);
/* At the prompt: waits for a key, and serves the peer meanwhile.  False when
 * something else came (a signal). */
bool host_wait_key(struct host *h);

/* One key, as it is pressed and not shown; the peer is served meanwhile. -1:
 * Ctrl-C, or there are no more. */
int host_read_key(struct host *h);

/* Before and after the guest runs: at a terminal keys go to it in between,
 * except Ctrl-] (back to the prompt) and Ctrl-C (stop). */
void host_guest_runs(struct host *h, bool on);

/* Gives the guest bytes as if typed at the port's other end; how many of
 * them fitted. */
size_t host_type(struct host *h, unsigned port, const char *bytes, size_t n);

/* Keys typed behind Ctrl-] before it was acted on, one a call. */
bool host_typed_ahead(struct host *h, char *key);
/* Ctrl-C came since the last call. */
bool host_interrupted(struct host *h);
/* The process was suspended (Ctrl-Z) and goes on, since the last call. */
bool host_resumed(struct host *h);
/* The number of SIGTERM or SIGHUP when it came: end soon; else 0. */
int host_must_end(const struct host *h);
/* Does the guest have a full-screen program's picture on the terminal? */
bool host_has_picture(const struct host *h);
bool host_is_terminal(const struct host *h);

#endif
