/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Serial ports, keys and signals.
 *
 * The machine calls host_poll now and then while it runs, and sleeps in it
 * while it idles; everything from outside comes in there, on the one thread.
 * A serial port that has no room keeps its byte waiting here and is not read
 * from until there is room, so nothing is lost and nothing grows.  The other
 * way a client that reads slowly is waited for; one that does not read at
 * all for a while loses what the guest says, as on a real line, until it
 * reads again.
 *
 * Standard input of a script is there before the guest has booted, and a
 * kernel that sets up its interrupt controller forgets what came before.  So
 * it is held back until the guest has interrupts on, or for PATIENCE polls if
 * it never has.
 *
 * The terminal is raw only while the guest runs (host_guest_runs), with two
 * ways out: Ctrl-C stays a signal, Ctrl-] is seen among the keys.  Guest
 * output is gathered and written at line ends and at every poll, so that a
 * chatty guest costs a system call a line.
 *
 * The signal handler reaches the machine through `current`, the one pointer
 * at file scope; it calls only vm_interrupt, which is signal-safe. */
#include "repl/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/listen.h"
#include "core/base/wait.h"
#include "core/cpu/cpu.h"
#include "core/vm/vm.h"
#include "repl/term/screen.h"

enum {
	KEY_BACK = 0x1d, /* Ctrl-] */
	WAITING_MAX = 512,
	PATIENCE = 64, /* polls */
	PATIENCE_MS = 1000,
	HELD = 64 << 10,
};

struct port {
	int in, out;   /* -1: nothing there */
	int listening; /* unix socket waiting for a client */
	bool is_stdio, owns_out;
	const char *spec;        /* borrowed; for errors */
	char *path;              /* owned; unix socket to unlink */
	struct buf text;         /* written soon */
	u8 waiting[WAITING_MAX]; /* read, but the guest had no room */
	size_t waiting_from, waiting_to;
	bool deaf; /* nobody read for PATIENCE_MS: not waited for any more */
};

struct host {
	struct vm *vm;
	struct port port[HOST_PORTS];
	bool batch, is_terminal, is_raw, runs;
	bool listens; /* the guest is far enough to be typed at */
	unsigned polls;
	char ahead[64]; /* typed behind Ctrl-]: the console's */
	size_t ahead_from, ahead_to;
	struct screen screen; /* what the guest has made of the terminal */
	bool has_screen;      /* standard output is one */
	struct err trouble;   /* what could not be written; empty: nothing */
	struct host_peer peer;
	struct host_watcher watcher; /* look NULL: none */
	struct termios saved;
	volatile sig_atomic_t interrupted, must_end, resumed;
	bool ctrl_c_is_guest; /* Ctrl-C is a key like others */
};

static struct host *current;

/* ---- signals ---- */

/* signal-safe */
static void on_signal(int number)
{
	struct host *h = current;

	if (!h)
		return;
	if (number == SIGINT)
		h->interrupted = 1;
	else
		h->must_end = number;
	if (h->runs)
		vm_interrupt(h->vm);
}

/* signal-safe; something has come for the peer. */
static void on_io(int number)
{
	(void)number;
	if (current && current->vm)
		vm_look(current->vm);
}

/* signal-safe; our own code is wrong and the process ends: at least the
 * terminal is left as it was, by readline too. */
static void on_check(const char *text)
{
	(void)text;
	if (current && current->is_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &current->saved);
}

/* signal-safe */
static void on_crash(int number)
{
	on_check(NULL);
	check_clean_up();
	signal(number, SIG_DFL);
	raise(number);
}

/* signal-safe; Ctrl-Z at the prompt: the shell gets the terminal as it was. */
static void on_suspend(int number)
{
	(void)number;
	on_check(NULL);
	raise(SIGSTOP);
}

/* signal-safe; the terminal is ours again. */
static void on_resume(int number)
{
	(void)number;
	if (!current)
		return;
	current->resumed = 1;
	if (current->vm && current->runs)
		vm_look(current->vm);
}

void host_attach(struct host *h, struct vm *vm)
{
	/* Guest code may be deep in its stack of returns: not on that one. */
	struct sigaction act = {.sa_handler = on_signal,
				.sa_flags = SA_ONSTACK};
	struct sigaction io = {.sa_handler = on_io,
			       .sa_flags = SA_ONSTACK | SA_RESTART};

	struct sigaction crash = {.sa_handler = on_crash,
				  .sa_flags = SA_ONSTACK};
	struct sigaction suspend = {.sa_handler = on_suspend,
				    .sa_flags = SA_ONSTACK};
	struct sigaction resume = {.sa_handler = on_resume,
				   .sa_flags = SA_ONSTACK};

	h->vm = vm;
	current = h;
	check_hook = on_check;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	sigaction(SIGIO, &io, NULL);
	sigaction(SIGABRT, &crash, NULL);
	sigaction(SIGQUIT, &crash, NULL);
	if (!h->is_terminal)
		return;
	sigaction(SIGTSTP, &suspend, NULL);
	sigaction(SIGCONT, &resume, NULL);
}

bool host_interrupted(struct host *h)
{
	bool was = h->interrupted;

	h->interrupted = 0;
	return was;
}

bool host_resumed(struct host *h)
{
	bool was = h->resumed;

	h->resumed = 0;
	return was;
}

int host_must_end(const struct host *h)
{
	return h->must_end;
}

bool host_has_picture(const struct host *h)
{
	return h->has_screen && screen_is_alternate(&h->screen);
}

bool host_is_terminal(const struct host *h)
{
	return h->is_terminal;
}

/* ---- connecting ---- */

struct host *host_new(bool batch)
{
	struct host *h = calloc(1, sizeof(*h));

	NEED_MEMORY(h, "the outside of the machine");
	h->batch = batch;
	h->is_terminal =
		isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &h->saved);
	h->has_screen = isatty(STDOUT_FILENO);
	for (unsigned i = 0; i < HOST_PORTS; i++)
		h->port[i].in = h->port[i].out = h->port[i].listening = -1;
	return h;
}

static int connect_pty(struct port *p, unsigned number, struct err *e)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0 || grantpt(fd) || unlockpt(fd)) {
		if (fd >= 0)
			close(fd);
		return err_set(e, "-serial pty: %s", strerror(errno));
	}
	if (!tcgetattr(fd, &t)) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fprintf(stderr, "vitrine: COM%u is %s\n", number + 1, ptsname(fd));
	p->in = p->out = fd;
	p->owns_out = true;
	return 0;
}

static int connect_unix(struct port *p, const char *path, struct err *e)
{
	if (!*path || strlen(path) > LISTEN_PATH)
		return err_set(e,
			       "-serial unix:PATH: the path must have 1 to "
			       "%d characters",
			       LISTEN_PATH);
	p->listening = listen_unix(path, 1, &p->path);
	return p->listening < 0 ? err_set(e, "-serial unix:%s: %s", path,
					  strerror(errno))
				: 0;
}

bool host_knows(const char *spec)
{
	return !strcmp(spec, "null") || !strcmp(spec, "stdio") ||
	       !strcmp(spec, "pty") ||
	       (!strncmp(spec, "file:", 5) && spec[5]) ||
	       (!strncmp(spec, "unix:", 5) && spec[5]);
}

int host_connect(struct host *h, unsigned port, const char *spec, struct err *e)
{
	struct port *p = &h->port[port];

	CHECK(host_knows(spec), "serial port %s", spec);
	p->spec = spec;
	if (!strcmp(spec, "null"))
		return 0;
	if (!strcmp(spec, "pty"))
		return connect_pty(p, port, e);
	if (!strncmp(spec, "unix:", 5))
		return connect_unix(p, spec + 5, e);
	if (!strcmp(spec, "stdio")) {
		p->is_stdio = true;
		p->out = STDOUT_FILENO;
		return 0;
	}
	p->out = open(spec + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	p->owns_out = true;
	if (p->out < 0)
		return err_set(e, "-serial %s: %s", spec, strerror(errno));
	return 0;
}

/* ---- output ---- */

static void hang_up(struct port *p)
{
	close(p->in);
	p->in = p->out = -1;
	p->owns_out = p->deaf = false;
}

/* Waits until the other end reads; false when it does not, or when the user
 * wants to stop. */
static bool has_room(struct host *h, struct port *p)
{
	struct pollfd out = {p->out, POLLOUT, 0};

	if (p->deaf || h->interrupted || h->must_end)
		return false;
	p->deaf = poll(&out, 1, PATIENCE_MS) == 0;
	return !p->deaf;
}

/* What the guest says has nowhere to go any more; without a person to see
 * that, going on is of no use. */
static void lost(struct host *h, struct port *p)
{
	if (p->path) {
		hang_up(p);
		return;
	}
	if (!*h->trouble.text)
		err_set(&h->trouble, "-serial %s: %s", p->spec,
			strerror(errno));
	if (p->owns_out)
		close(p->out);
	p->in = p->out = -1;
	p->owns_out = false;
	if (h->batch && h->vm)
		vm_interrupt(h->vm);
}

static void flush(struct host *h, struct port *p)
{
	size_t done = 0;

	while (p->out >= 0 && done < p->text.len) {
		ssize_t n =
			write(p->out, p->text.data + done, p->text.len - done);

		if (n > 0) {
			done += (size_t)n;
			p->deaf = false;
		} else if (errno == EAGAIN) {
			if (!has_room(h, p))
				break;
		} else if (errno != EINTR) {
			lost(h, p);
		} else if (h->interrupted || h->must_end) {
			break;
		}
	}
	buf_clear(&p->text);
}

bool host_trouble(const struct host *h, struct err *e)
{
	if (*h->trouble.text)
		*e = h->trouble;
	return *h->trouble.text;
}

void host_set_watcher(struct host *h, const struct host_watcher *w)
{
	h->watcher = w ? *w : (struct host_watcher){0};
}

/* What the terminal cannot show now is kept, the latest of it. */
static void held(struct port *p)
{
	if (p->text.len < 2 * HELD)
		return;
	p->text.len -= HELD;
	memmove(p->text.data, p->text.data + HELD, p->text.len);
}

void host_serial_out(void *arg, unsigned port, u8 byte)
{
	struct host *h = arg;
	struct port *p = &h->port[port];

	if (p->out < 0)
		return;
	if (p->is_stdio)
		screen_saw(&h->screen, byte);
	buf_byte(&p->text, (char)byte);
	if (h->watcher.look && p->is_stdio)
		return held(p);
	if (byte == '\n' || p->text.len >= 1024)
		flush(h, p);
}

/* ---- input ---- */

static void deliver(struct host *h, unsigned number)
{
	struct port *p = &h->port[number];

	while (p->waiting_from < p->waiting_to &&
	       bus_serial_in(vm_bus(h->vm), number,
			     p->waiting[p->waiting_from]))
		p->waiting_from++;
	if (p->waiting_from == p->waiting_to)
		p->waiting_from = p->waiting_to = 0;
}

size_t host_type(struct host *h, unsigned port, const char *bytes, size_t n)
{
	struct port *p = &h->port[port];
	size_t room = WAITING_MAX - p->waiting_to;

	if (n > room)
		n = room;
	memcpy(p->waiting + p->waiting_to, bytes, n);
	p->waiting_to += n;
	deliver(h, port);
	return n;
}

static bool wants_input(const struct port *p)
{
	return p->waiting_to == 0;
}

/* For the prompt that comes next; what does not fit is lost. */
static void keep_ahead(struct host *h, const char *keys, size_t n)
{
	if (h->ahead_from == h->ahead_to)
		h->ahead_from = h->ahead_to = 0;
	if (n > sizeof(h->ahead) - h->ahead_to)
		n = sizeof(h->ahead) - h->ahead_to;
	memcpy(h->ahead + h->ahead_to, keys, n);
	h->ahead_to += n;
}

/* Keys of the terminal, or standard input in batch: to every stdio port. */
static void read_keys(struct host *h)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n <= 0) {
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (h->is_terminal) { /* it is gone */
			h->must_end = SIGHUP;
			vm_interrupt(h->vm);
		}
		h->batch = h->is_terminal = false; /* end of input */
		return;
	}
	if (h->is_terminal) {
		char *back = memchr(keys, KEY_BACK, (size_t)n);

		if (back) {
			keep_ahead(h, back + 1, (size_t)(keys + n - back - 1));
			n = back - keys;
			vm_interrupt(h->vm);
		}
	}
	for (ssize_t i = 0; h->watcher.key && i < n; i++)
		if (!h->watcher.key(h->watcher.arg, keys[i]))
			keep_ahead(h, &keys[i], 1);
	for (unsigned i = 0; i < HOST_PORTS && !h->watcher.key; i++)
		if (h->port[i].is_stdio)
			host_type(h, i, keys, (size_t)n);
}

bool host_typed_ahead(struct host *h, char *key)
{
	if (h->ahead_from == h->ahead_to)
		return false;
	*key = h->ahead[h->ahead_from++];
	return true;
}

static void read_port(struct host *h, unsigned number)
{
	struct port *p = &h->port[number];
	char bytes[64];
	ssize_t n = read(p->in, bytes, sizeof(bytes));

	if (n > 0)
		host_type(h, number, bytes, (size_t)n);
	else if (p->path && (n == 0 || (errno != EAGAIN && errno != EINTR)))
		hang_up(p);
}

static void accept_client(struct port *p)
{
	int fd =
		accept4(p->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (p->in >= 0) {
		close(fd); /* one client at a time */
		return;
	}
	p->in = p->out = fd;
	p->owns_out = true;
}

static bool keys_wanted(const struct host *h)
{
	if (h->is_terminal && !h->batch)
		return true; /* for Ctrl-], whatever is connected */
	if (!h->batch || !h->listens)
		return false;
	for (unsigned i = 0; i < HOST_PORTS; i++)
		if (h->port[i].is_stdio && wants_input(&h->port[i]))
			return true;
	return false;
}

void host_set_peer(struct host *h, const struct host_peer *peer)
{
	h->peer = *peer;
}

static unsigned peer_fds(struct host *h, struct pollfd *fds)
{
	return h->peer.fds ? h->peer.fds(h->peer.arg, fds) : 0;
}

/* Serves the peer if any of its files has something. */
static void serve_peer(struct host *h, const struct pollfd *fds, unsigned n)
{
	bool any = false;

	for (unsigned i = 0; i < n; i++)
		any |= fds[i].revents != 0;
	if (any)
		h->peer.ready(h->peer.arg);
}

/* Keys one by one, unseen and unchanged, or as the user has them. */
static void set_raw(struct host *h, bool on)
{
	struct termios t = h->saved;

	if (on) {
		t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON);
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
		t.c_cc[VQUIT] = t.c_cc[VSUSP] = _POSIX_VDISABLE;
		if (h->ctrl_c_is_guest)
			t.c_cc[VINTR] = _POSIX_VDISABLE;
		t.c_cc[VMIN] = 1;
		t.c_cc[VTIME] = 0;
	}
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
	h->is_raw = on;
}

/* Has a signal come that nobody has looked at yet? */
static bool has_news(void *arg)
{
	const struct host *h = arg;

	return h->interrupted || h->must_end || h->resumed;
}

bool host_wait_key(struct host *h)
{
	struct pollfd fds[1 + HOST_PEER_FDS] = {{STDIN_FILENO, POLLIN, 0}};
	unsigned n = peer_fds(h, fds + 1);

	if (wait_files(fds, 1 + n, -1, has_news, h) <= 0)
		return false;
	serve_peer(h, fds + 1, n);
	return fds[0].revents;
}

int host_read_key(struct host *h)
{
	char key;
	ssize_t n = -1;

	if (host_typed_ahead(h, &key))
		return (u8)key;
	set_raw(h, true);
	while (!h->interrupted && !h->must_end)
		if (host_wait_key(h)) {
			n = read(STDIN_FILENO, &key, 1);
			if (n >= 0 || errno != EINTR)
				break;
		}
	set_raw(h, false);
	h->interrupted = 0;
	return n == 1 ? (u8)key : -1;
}

void host_poll(void *arg, int timeout_ms)
{
	struct host *h = arg;
	struct pollfd fds[1 + 2 * HOST_PORTS + HOST_PEER_FDS];
	int what[ARRAY_LEN(
		fds)]; /* -1: keys; port; port + HOST_PORTS: listen */
	unsigned n = 0, all;

	if (host_resumed(h) && h->is_raw)
		set_raw(h, true);
	h->listens = h->listens || timeout_ms || ++h->polls > PATIENCE ||
		     vm_cpu(h->vm)->iflag;
	for (int i = 0; i < HOST_PORTS; i++) {
		struct port *p = &h->port[i];

		if (!h->watcher.look || !p->is_stdio)
			flush(h, p);
		deliver(h, (unsigned)i);
		if (p->in >= 0 && wants_input(p)) {
			what[n] = i;
			fds[n++] = (struct pollfd){p->in, POLLIN, 0};
		}
		if (p->listening >= 0) {
			what[n] = i + HOST_PORTS;
			fds[n++] = (struct pollfd){p->listening, POLLIN, 0};
		}
	}
	if (keys_wanted(h)) {
		what[n] = -1;
		fds[n++] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
	}
	all = n + peer_fds(h, fds + n);
	if (h->watcher.look) {
		h->watcher.look(h->watcher.arg);
		if (timeout_ms < 0 || timeout_ms > h->watcher.every_ms)
			timeout_ms = h->watcher.every_ms;
	}
	/* The handler's word may have been forgotten as the guest began. */
	if (h->runs && (h->interrupted || h->must_end))
		vm_interrupt(h->vm);
	if (h->interrupted || (!all && !timeout_ms) ||
	    wait_files(fds, all, timeout_ms, has_news, h) <= 0)
		return;
	serve_peer(h, fds + n, all - n);
	for (unsigned i = 0; i < n; i++) {
		if (!(fds[i].revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		if (what[i] < 0)
			read_keys(h);
		else if (what[i] < HOST_PORTS)
			read_port(h, (unsigned)what[i]);
		else
			accept_client(&h->port[what[i] - HOST_PORTS]);
	}
}

/* ---- the terminal ---- */

/* From the guest's picture to our lines of text, and back. */
static void change_screen(struct host *h, bool guest)
{
	struct buf codes = {0};

	if (guest && h->has_screen)
		screen_return(&h->screen, &codes);
	else if (!guest && h->has_screen)
		screen_leave(&h->screen, &codes);
	else if (!guest && h->screen.is_mid_line && !h->batch)
		buf_byte(&codes, '\n');
	h->screen.is_mid_line = false;
	fwrite(buf_text(&codes), 1, codes.len, stdout);
	buf_free(&codes);
}

void host_guest_runs(struct host *h, bool on)
{
	for (unsigned i = 0; i < HOST_PORTS; i++)
		flush(h, &h->port[i]);
	if (h->runs != on)
		change_screen(h, on);
	fflush(stdout);
	h->interrupted = 0;
	h->runs = on;
	if (h->is_raw == on || !h->is_terminal)
		return;
	set_raw(h, on);
}

void host_set_ctrl_c(struct host *h, bool is_guest)
{
	h->ctrl_c_is_guest = is_guest;
}

bool host_ctrl_c(const struct host *h)
{
	return h->ctrl_c_is_guest;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	if (h->runs)
		change_screen(h, false);
	fflush(stdout);
	if (h->is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &h->saved);
	if (current == h)
		current = NULL;
	for (unsigned i = 0; i < HOST_PORTS; i++) {
		struct port *p = &h->port[i];

		flush(h, p);
		buf_free(&p->text);
		if (p->owns_out && p->out >= 0)
			close(p->out);
		if (p->listening >= 0)
			close(p->listening);
		listen_end(p->path);
	}
	free(h);
}
