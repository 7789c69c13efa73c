/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine's side: the broker is begun, told what the user named, and sent
 * on errands.
 *
 * While an errand runs the machine waits, as it would for the program itself;
 * its other threads are served meanwhile by the broker's other thread. */
#include "core/sandbox/sandbox_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int channel = -1;
static const struct sandbox_errand *errands;
static pid_t broker = -1;

#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

bool sandbox_is_built(void)
{
	return !SANITIZED;
}

int sandbox_begin(const struct sandbox_errand *list, enum sandbox_user user,
		  struct err *e)
{
	struct broker b = {.listener = -1,
			   .machine = getpid(),
			   .asks = user == SANDBOX_PERSON,
			   .errands = list};
	int ends[2] = {-1, -1}, script[2] = {-1, -1};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) ||
	    (user == SANDBOX_SCRIPT && pipe2(script, O_CLOEXEC)))
		broker = -1;
	else
		broker = fork();
	if (!broker) {
		close(ends[0]);
		if (script[0] >= 0)
			close(script[0]);
		b.channel = ends[1];
		b.script = script[1];
		broker_run(&b);
	}
	if (broker < 0)
		return err_set(e, "sandbox: %s (-sandbox off does without)",
			       strerror(errno));
	close(ends[1]);
	if (script[0] >= 0) {
		dup2(script[0], STDIN_FILENO);
		close(script[0]);
		close(script[1]);
	}
	errands = list;
	channel = ends[0];
	return 0;
}

bool sandbox_is_on(void)
{
	return channel >= 0;
}

int sandbox_broker(void)
{
	return channel >= 0 ? broker : -1;
}

static int tell(enum message_kind kind, u32 what, const char *text, int fd)
{
	struct message m = {.kind = kind, .what = what};
	size_t n = text ? strlen(text) + 1 : 0;

	if (n > sizeof(m.text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(m.text, text ? text : "", n);
	m.len = (u32)n;
	return channel_send(channel, &m, fd);
}

/* What cannot be told is not granted. */
void sandbox_grant(enum sandbox_right right, const char *text)
{
	if (channel >= 0)
		tell(MESSAGE_GRANT, right, text, -1);
}

void sandbox_grant_commands(const char *path)
{
	struct stat st;
	FILE *in;
	char *line = NULL;
	size_t size = 0;

	if (channel < 0 || stat(path, &st))
		return;
	sandbox_grant(S_ISREG(st.st_mode) ? SANDBOX_READ : SANDBOX_FILE, path);
	if (!S_ISREG(st.st_mode)) /* a pipe could be read only once */
		return;
	in = fopen(path, "re");
	while (in && getline(&line, &size, in) > 0)
		sandbox_grant(SANDBOX_SAID, line);
	free(line);
	if (in)
		fclose(in);
}

static bool broker_can_read_us(void)
{
	struct message m;
	char at[32];

	snprintf(at, sizeof(at), "%llx", (unsigned long long)(uintptr_t)at);
	errno = EPERM;
	return !tell(MESSAGE_LOOK, 0, at, -1) &&
	       !channel_receive(channel, &m, NULL) && m.what;
}

int sandbox_lock(void (*stopped)(const char *text), struct err *e)
{
	int listener;

	if (channel < 0)
		return 0;
#ifdef PR_SET_PTRACER /* where only parents may look into a process */
	prctl(PR_SET_PTRACER, broker, 0, 0, 0);
#endif
	listener = broker_can_read_us() ? filter_install(stopped) : -1;
	if (listener < 0 || tell(MESSAGE_LOCK, 0, NULL, listener)) {
		err_set(e, "no sandbox on this machine: %s", strerror(errno));
		close(channel);
		channel = -1;
		waitpid(broker, NULL, 0);
		return -1;
	}
	close(listener);
	return 0;
}

void sandbox_end(void)
{
	if (channel < 0)
		return;
	close(channel);
	channel = -1;
	while (waitpid(broker, NULL, 0) < 0 && errno == EINTR)
		;
}

static int find_errand(const char *name)
{
	for (int i = 0; errands[i].name; i++)
		if (!strcmp(errands[i].name, name))
			return i;
	return -1;
}

static int gone(struct err *e)
{
	return err_set(e,
		       "the sandbox's broker is gone: files and programs are "
		       "out of reach");
}

int sandbox_errand(const char *name, unsigned argc, const char *const argv[],
		   struct buf *out, struct err *e)
{
	struct message m = {.kind = MESSAGE_ERRAND,
			    .what = (u32)find_errand(name)};
	struct err why;

	for (unsigned i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]) + 1;

		if (n > sizeof(m.text) - m.len)
			return err_set(e, "%s: too much to ask for", name);
		memcpy(m.text + m.len, argv[i], n);
		m.len += (u32)n;
	}
	if (channel_send(channel, &m, -1))
		return gone(e);
	for (;;) {
		if (channel_receive(channel, &m, NULL))
			return gone(e);
		if (m.kind == MESSAGE_DONE)
			break;
		if (out)
			buf_append(out, m.text, m.len);
	}
	snprintf(why.text, sizeof(why.text), "%.*s", (int)m.len, m.text);
	if (e && *why.text)
		*e = why;
	return (int)m.what;
}
