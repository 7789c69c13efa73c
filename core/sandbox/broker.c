/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The broker's life: it hears what may be used, then is told that the machine
 * is locked, and from then on believes nothing it says.
 *
 * One thread serves system calls (serve.c), the other runs errands, which can
 * take seconds and during which LTTng's threads of the machine make calls of
 * their own.  When the machine ends, however it ends, so does the broker.
 *
 * Keys and signals of the terminal are for the machine. */
#include "core/sandbox/sandbox_priv.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { WORDS_MAX = 64 };

static struct broker *self;

int sandbox_machine(void)
{
	return self ? self->machine : getpid();
}

/* The machine is gone. */
static _Noreturn void end(void)
{
	policy_clean_up();
	_exit(0);
}

/* ---- errands ---- */

/* The strings of a message; how many, -1: it does not end with one. */
static int words_of(struct message *m, char *word[WORDS_MAX])
{
	int n = 0;

	if (m->len && m->text[m->len - 1])
		return -1;
	for (u32 at = 0; at < m->len; at += (u32)strlen(m->text + at) + 1) {
		if (n == WORDS_MAX)
			return -1;
		word[n++] = m->text + at;
	}
	return n;
}

static int answer(const struct buf *out, int result, const struct err *e)
{
	static struct message m;
	size_t n;

	for (size_t at = 0; at < out->len; at += n) {
		n = out->len - at < MESSAGE_MAX ? out->len - at : MESSAGE_MAX;
		m = (struct message){.kind = MESSAGE_TEXT, .len = (u32)n};
		memcpy(m.text, out->data + at, n);
		if (channel_send(self->channel, &m, -1))
			return -1;
	}
	n = strlen(e->text) + 1;
	m = (struct message){
		.kind = MESSAGE_DONE, .what = (u32)result, .len = (u32)n};
	memcpy(m.text, e->text, n);
	return channel_send(self->channel, &m, -1);
}

static int errand(struct message *m)
{
	const struct sandbox_errand *of = self->errands;
	char *word[WORDS_MAX + 1] = {NULL};
	int n = words_of(m, word), result;
	struct err e = {""};
	struct buf out = {0};
	u32 count = 0;

	while (of[count].name)
		count++;
	if (n < 0 || m->what >= count)
		result = err_set(&e, "the sandbox's broker was asked for "
				     "something that there is not");
	else
		result = of[m->what].run((unsigned)n, word, &out, &e);
	n = answer(&out, result, &e);
	buf_free(&out);
	return n;
}

static void *run_errands(void *arg)
{
	static struct message m;

	/* A grant comes too late now. */
	while (!channel_receive(self->channel, &m, NULL))
		if (m.kind == MESSAGE_ERRAND && errand(&m))
			break;
	end();
	return arg;
}

/* ---- its life ---- */

/* Some systems do not let one process look into another, and then names could
 * not be read. */
static int look(struct broker *b, const struct message *m)
{
	static struct message answer = {.kind = MESSAGE_DONE};

	answer.what = m->len && !m->text[m->len - 1] &&
		      broker_can_look(b, strtoull(m->text, NULL, 16));
	return channel_send(b->channel, &answer, -1);
}

/* Before the lock an errand is as good as one of our own. */
static void listen_to_set_up(struct broker *b)
{
	static struct message m;
	int fd;

	while (b->listener < 0) {
		if (channel_receive(b->channel, &m, &fd))
			end();
		if (m.kind == MESSAGE_GRANT && m.len && !m.text[m.len - 1])
			policy_grant(m.what, m.text);
		else if (m.kind == MESSAGE_ERRAND && errand(&m))
			end();
		else if (m.kind == MESSAGE_LOOK && look(b, &m))
			end();
		else if (m.kind == MESSAGE_LOCK)
			b->listener = fd;
		else if (fd >= 0)
			close(fd);
	}
}

static void for_the_machine(int number)
{
	(void)number;
}

void broker_run(struct broker *b)
{
	static const int signals[] = {SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
				      SIGUSR1, SIGUSR2, SIGALRM, SIGIO};
	struct sigaction act = {.sa_handler = for_the_machine,
				.sa_flags = SA_RESTART};
	pthread_t runner;

	self = b;
	prctl(PR_SET_NAME, "vitrine-broker");
	/* Handlers, because what is ignored is so for programs run, too. */
	for (unsigned i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &act, NULL);
	policy_begin(b->asks);
	if (b->script >= 0 && hear_begin(b->script))
		_exit(SANDBOX_STATUS);
	listen_to_set_up(b);
	if (pthread_create(&runner, NULL, run_errands, NULL))
		_exit(SANDBOX_STATUS);
	for (;;) {
		struct pollfd p = {b->listener, POLLIN, 0};

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			end();
		if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
			end();
		if (p.revents & POLLIN)
			broker_serve(b);
	}
}
