/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The socket and its client.
 *
 * Everything happens on the one thread there is.  While the guest stands, who
 * waits (the console's prompt, gdbstub_serve) polls our files and calls
 * gdbstub_ready, which serves packets; one that lets the guest run does so
 * inside its handler and answers when the guest has stopped.  While the guest
 * runs, the machine's looks at the host come here, too, and then:
 *
 *	who runs it	a client comes		the client's bytes
 *	the client	it is refused		Ctrl-C stops; the rest waits
 *	the console	the guest is stopped	the guest is stopped, then they
 *						are served
 *	nobody's left	the guest is stopped
 *
 * A client that vanishes takes its breakpoints along.  The guest then goes on
 * if it was running when the client came or has been let run by it. */
#include "core/base/listen.h"
#include "core/base/wait.h"
#include "gdbstub/stub_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/check.h"
#include "vmi/vmi.h"
#include "trace/trace.h"

enum {
	READ_MAX = 64 << 10,
	SEND_MS = 10000,
	BACKLOG = 128,
	SAY_MAX = 16 << 10, /* bytes of text in a packet */
	WAIT_US = 4000,     /* for the next packet of a train */
	TRAIN_MS = 20,      /* others are looked at as often */
};

/* ---- where ---- */

/* "[ADDR:]PORT" in two; false when it is not that. */
static bool split_tcp(const char *text, char *host, size_t size,
		      const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	char *end;
	long number;

	*port = colon ? colon + 1 : text;
	number = strtol(*port, &end, 10);
	if (**port < '0' || **port > '9' || *end || number > 65535)
		return false;
	if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= size)
		return false;
	memcpy(host, n ? text : "127.0.0.1", n ? n : 9);
	host[n ? n : 9] = '\0';
	return true;
}

bool gdbstub_knows(const char *where)
{
	char host[256];
	const char *port;

	if (!strncmp(where, "unix:", 5))
		return where[5];
	if (!strncmp(where, "tcp:", 4))
		where += 4;
	return split_tcp(where, host, sizeof(host), &port);
}

static int listen_path(struct gdbstub *g, const char *path, struct err *e)
{
	if (strlen(path) > LISTEN_PATH)
		return err_set(e,
			       "-gdb unix:%s: a path has at most %d "
			       "characters",
			       path, LISTEN_PATH);
	g->listening = listen_unix(path, BACKLOG, &g->unix_path);
	return g->listening < 0 ? err_set(e, "-gdb unix:%s: %s", path,
					  strerror(errno))
				: 0;
}

static int listen_tcp(struct gdbstub *g, const char *text, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICSERV},
			*list;
	char host[256];
	const char *port;
	int fd = -1, on = 1, why;

	CHECK(split_tcp(text, host, sizeof(host), &port), "address %s", text);
	why = getaddrinfo(host, port, &hints, &list);
	if (why)
		return err_set(e, "-gdb tcp:%s: %s", text, gai_strerror(why));
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) ||
	    listen(fd, BACKLOG)) {
		why = errno;
		freeaddrinfo(list);
		if (fd >= 0)
			close(fd);
		return err_set(e, "-gdb tcp:%s: %s", text, strerror(why));
	}
	freeaddrinfo(list);
	g->listening = fd;
	return 0;
}

/* SIGIO when something comes there; who has no use for it shall not be ended
 * by it. */
static void set_async(int fd, bool on)
{
	struct sigaction act;
	int flags = fcntl(fd, F_GETFL);

	if (!sigaction(SIGIO, NULL, &act) && act.sa_handler == SIG_DFL)
		signal(SIGIO, SIG_IGN);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC);
}

void server_async(struct gdbstub *g, bool on)
{
	if (g->client >= 0)
		set_async(g->client, on);
}

int gdbstub_listen(struct gdbstub *g, const char *where, struct err *e)
{
	int failed;

	if (!strncmp(where, "unix:", 5))
		failed = listen_path(g, where + 5, e);
	else
		failed = listen_tcp(
			g, strncmp(where, "tcp:", 4) ? where : where + 4, e);
	if (!failed)
		set_async(g->listening, true);
	return failed;
}

/* ---- sending ---- */

/* It does not take what it is sent.  While the guest runs this may be in the
 * middle of a look at its breakpoints, so they go when its end is read. */
static void hang_up(struct gdbstub *g)
{
	if (!debug_running(g->d)) {
		server_drop(g);
		return;
	}
	shutdown(g->client, SHUT_RDWR);
	g->hung_up = true;
	vm_look(g->vm);
}

/* Sends all of it; a client that does not read for long is dropped. */
static void flush(struct gdbstub *g)
{
	size_t done = 0;

	while (g->client >= 0 && !g->hung_up && done < g->out.len) {
		ssize_t n =
			send(g->client, g->out.data + done, g->out.len - done,
			     MSG_NOSIGNAL | MSG_DONTWAIT);
		struct pollfd room = {g->client, POLLOUT, 0};

		if (n > 0)
			done += (size_t)n;
		else if (errno == EINTR)
			continue;
		else if (errno != EAGAIN || poll(&room, 1, SEND_MS) == 0)
			hang_up(g);
	}
	buf_clear(&g->out);
}

/* Of a packet, for an event. */
static const char *beginning(const char *text)
{
	static char part[64];

	snprintf(part, sizeof(part), "%s", text);
	return part;
}

void server_send(struct gdbstub *g)
{
	if (g->client >= 0) {
		TRACE(dbg_packet, .sent = 1, .length = (u32)g->reply.len,
		      .text = beginning(buf_text(&g->reply)));
		frame_pack(&g->out, buf_text(&g->reply), g->reply.len);
	}
	buf_clear(&g->reply);
	flush(g);
}

void server_say(struct gdbstub *g, const char *text, size_t len)
{
	struct buf packet = {0};

	while (g->client >= 0 && len) {
		size_t n = len < SAY_MAX ? len : SAY_MAX;

		buf_clear(&packet);
		buf_byte(&packet, 'O');
		hex_encode(&packet, text, n);
		frame_pack(&g->out, packet.data, packet.len);
		text += n;
		len -= n;
	}
	buf_free(&packet);
	flush(g);
}

/* ---- clients ---- */

void server_drop(struct gdbstub *g)
{
	if (g->client < 0)
		return;
	close(g->client);
	g->client = -1;
	frame_free(&g->in);
	buf_clear(&g->out);
	file_close_all(g);
	trace_forget(g);
	btrace_forget(g);
	vm_stop_at_double_fault(g->vm, false);
	debug_client_gone(g->d);
	g->wants_run = g->was_running;
	g->wants_end |= g->ends_with_client;
	g->hung_up = false;
	g->no_ack = g->extended = g->physical = g->killed = g->detached = false;
	g->knows_swbreak = g->knows_hwbreak = g->libraries_told = false;
	g->took_kernel = g->has_kernel = g->late_kernel = false;
}

/* One that cannot be served: it will be told so when it has said something. */
static void refuse(struct gdbstub *g, int fd)
{
	for (unsigned i = 0; i < REFUSED_MAX; i++)
		if (g->refused[i] < 0) {
			g->refused[i] = fd;
			return;
		}
	close(fd);
}

static void tell_refused(struct gdbstub *g, unsigned i)
{
	static const char why[] = "E.another debugger is connected to this "
				  "machine";
	char said[4096];
	struct buf out = {0};

	if (recv(g->refused[i], said, sizeof(said), MSG_DONTWAIT) > 0) {
		buf_byte(&out, '+');
		frame_pack(&out, why, sizeof(why) - 1);
		send(g->refused[i], out.data, out.len,
		     MSG_NOSIGNAL | MSG_DONTWAIT);
		buf_free(&out);
	}
	close(g->refused[i]);
	g->refused[i] = -1;
}

static void welcome(struct gdbstub *g, int fd)
{
	struct timeval wait = {0, WAIT_US};
	int on = 1;

	g->client = fd;
	g->session++;
	g->heard = false;
	g->told_moved = false;
	/* The one before may have left just now. */
	g->was_running = debug_running(g->d) || g->wants_run;
	g->wants_run = false;
	vm_stop_at_double_fault(g->vm, true);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (debug_running(g->d))
		vm_interrupt_for(g->vm, "a debugger has connected");
}

/* ---- receiving ---- */

/* A page from anywhere can have the user's browser post to this port, packets
 * in what is posted.  It begins with POST; a debugger with a packet, an
 * acknowledgement or Ctrl-C. */
static bool begins_as_debugger(char first)
{
	return first == '$' || first == '+' || first == '-' ||
	       first == FRAME_BREAK;
}

/* Reads what there is, with `flags' 0 what comes within WAIT_US; false when
 * that is nothing or the client has gone. */
static bool receive(struct gdbstub *g, int flags)
{
	static char bytes[READ_MAX];
	ssize_t n = recv(g->client, bytes, sizeof(bytes), flags);

	if (n > 0 && !g->heard && !begins_as_debugger(bytes[0])) {
		server_drop(g);
		return false;
	}
	g->heard |= n > 0;
	if (n > 0)
		frame_feed(&g->in, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		server_drop(g);
	return n > 0;
}

static void accept_clients(struct gdbstub *g)
{
	int fd;

	while ((fd = accept4(g->listening, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		/* The old one may have gone, unnoticed yet. */
		while (g->client >= 0 && receive(g, MSG_DONTWAIT))
			;
		if (g->client < 0)
			welcome(g, fd);
		else
			refuse(g, fd);
	}
}

/* One packet: acknowledged, served, answered. */
static void serve_packet(struct gdbstub *g, char *data, size_t len)
{
	u64 session = g->session;

	if (!g->no_ack)
		buf_byte(&g->out, '+');
	g->busy = true;
	TRACE(dbg_packet, .length = (u32)len, .text = beginning(data));
	packet_serve(g, data, len);
	g->busy = false;
	/* The guest may have run meanwhile, and clients come and gone. */
	if (session == g->session && g->client >= 0 && !g->given_up)
		server_send(g);
	g->given_up = false;
}

/* All complete packets; stops when the client goes. */
static void serve_all(struct gdbstub *g)
{
	char *data;
	size_t len;

	while (g->client >= 0) {
		switch (frame_next(&g->in, &data, &len)) {
		case FRAME_PACKET:
			serve_packet(g, data, len);
			break;
		case FRAME_BAD:
			if (!g->no_ack)
				buf_byte(&g->out, '-');
			flush(g);
			break;
		case FRAME_TOO_LONG:
			server_drop(g);
			return;
		case FRAME_NONE:
			return;
		default: /* acknowledgements; Ctrl-C to a guest that stands */
			break;
		}
	}
}

/* A guest that the client has left to itself runs on, whatever was asked. */
static void serve_packets(struct gdbstub *g)
{
	serve_all(g);
	g->wants_run |= g->asked && g->detached && !debug_ended(g->d);
	g->asked = false;
}

/* While the guest runs: for the client, or for somebody else. */
static void look_in(struct gdbstub *g)
{
	if (frame_take_break(&g->in)) {
		vm_interrupt_for(g->vm, "stopped by the debugger");
	} else if (!g->busy && g->in.at < g->in.bytes.len) {
		vm_interrupt_for(g->vm, "the debugger asks");
		g->asked = true;
	} else if (g->monitors && frame_has_packet(&g->in)) {
		/* Ctrl-C to `monitor continue': gdb tells nobody, and asks for
		 * something else. */
		vm_interrupt_for(g->vm, "the debugger asks");
		g->given_up = true;
	}
}

static u64 host_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* Serves what came, and what the client says on hearing the answer: packets
 * come in trains.  Waiting is one system call, and asleep: what costs most is
 * waking the other side, and the kernel wakes one that sleeps on this
 * processor in half the time that it takes to wake another processor. */
static void serve_train(struct gdbstub *g)
{
	u64 end = host_ms() + TRAIN_MS;

	do
		serve_packets(g);
	while (g->client >= 0 && !g->wants_run && !g->wants_end &&
	       host_ms() < end && receive(g, 0));
}

void gdbstub_ready(struct gdbstub *g)
{
	if (g->listening >= 0)
		accept_clients(g);
	for (unsigned i = 0; i < REFUSED_MAX; i++) {
		struct pollfd p = {g->refused[i], POLLIN, 0};

		if (p.fd >= 0 && poll(&p, 1, 0) > 0)
			tell_refused(g, i);
	}
	if (g->client >= 0)
		receive(g, MSG_DONTWAIT);
	if (debug_running(g->d))
		look_in(g);
	else if (!g->busy)
		serve_train(g);
}

unsigned gdbstub_fds(struct gdbstub *g, struct pollfd *fds)
{
	unsigned n = 0;

	if (g->listening >= 0)
		fds[n++] = (struct pollfd){g->listening, POLLIN, 0};
	if (g->client >= 0)
		fds[n++] = (struct pollfd){g->client, POLLIN, 0};
	for (unsigned i = 0; i < REFUSED_MAX; i++)
		if (g->refused[i] >= 0)
			fds[n++] = (struct pollfd){g->refused[i], POLLIN, 0};
	return n;
}

void gdbstub_serve(struct gdbstub *g)
{
	struct pollfd fds[GDBSTUB_FDS];

	while (!g->wants_run && !g->wants_end &&
	       (g->client >= 0 || !debug_ended(g->d)) &&
	       !g->cfg.owner.must_end(g->cfg.owner.arg)) {
		if (g->client >= 0 && g->in.at < g->in.bytes.len &&
		    !debug_running(g->d))
			serve_packets(g); /* came while the guest ran */
		if (g->wants_run || g->wants_end)
			break;
		if (wait_files(fds, gdbstub_fds(g, fds), -1,
			       g->cfg.owner.must_end, g->cfg.owner.arg) > 0)
			gdbstub_ready(g);
	}
}

bool gdbstub_has_client(const struct gdbstub *g)
{
	return g->client >= 0;
}

bool gdbstub_wants_run(struct gdbstub *g)
{
	bool wants = g->wants_run;

	g->wants_run = false;
	return wants;
}

bool gdbstub_wants_end(const struct gdbstub *g)
{
	return g->wants_end;
}

/* ---- life ---- */

/* The VMI ROM is somewhere else now: a client that has let the guest run is to
 * hear of it before it is called there. */
static void rom_moved(void *arg)
{
	struct gdbstub *g = arg;

	if (g->client >= 0 && g->goes && library_moved(g))
		vm_interrupt(g->vm);
}

static void say(void *arg, const char *text, size_t len)
{
	server_say(arg, text, len);
}

struct gdbstub *gdbstub_new(const struct gdbstub_config *c)
{
	struct gdbstub *g = calloc(1, sizeof(*g));

	NEED_MEMORY(g, "the gdb stub");
	g->cfg = *c;
	g->d = c->d;
	g->vm = debug_vm(c->d);
	g->listening = g->client = -1;
	for (unsigned i = 0; i < REFUSED_MAX; i++)
		g->refused[i] = -1;
	debug_on_print(g->d, say, g);
	if (c->vmi)
		vmi_on_move(c->vmi, rom_moved, g);
	return g;
}

void gdbstub_free(struct gdbstub *g)
{
	if (!g)
		return;
	g->was_running = false;
	server_drop(g);
	for (unsigned i = 0; i < REFUSED_MAX; i++)
		if (g->refused[i] >= 0)
			close(g->refused[i]);
	if (g->listening >= 0)
		close(g->listening);
	listen_end(g->unix_path);
	debug_on_print(g->d, NULL, NULL);
	if (g->cfg.vmi)
		vmi_on_move(g->cfg.vmi, NULL, NULL);
	buf_free(&g->out);
	buf_free(&g->reply);
	buf_free(&g->document);
	free(g);
}
