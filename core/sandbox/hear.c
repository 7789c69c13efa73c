/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A script of commands on standard input: the broker reads it, remembers what
 * the user wants, and hands it on, so that a `save FILE' in it needs no
 * question that nobody could answer. */
#include "core/sandbox/sandbox_priv.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"

static int to;

static void hand_on(const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(to, bytes, n);

		if (done < 0 && errno != EINTR)
			return;
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
}

/* A line is known before the machine can act on it; one that is too long for
 * the console is of no use. */
static void *hear(void *arg)
{
	char bytes[4096];
	struct buf line = {0};
	ssize_t n;

	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n') {
				policy_grant(SANDBOX_SAID, buf_text(&line));
				buf_clear(&line);
			} else if (line.len < sizeof(bytes)) {
				buf_byte(&line, bytes[i]);
			}
		}
		if (n > 0)
			hand_on(bytes, (size_t)n);
	}
	policy_grant(SANDBOX_SAID, buf_text(&line)); /* it has no newline */
	buf_free(&line);
	close(to);
	return arg;
}

int hear_begin(int fd)
{
	pthread_t thread;

	to = fd;
	return pthread_create(&thread, NULL, hear, NULL);
}
