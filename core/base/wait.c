/* SPDX-License-Identifier: GPL-3.0-or-later */
/* poll() that no signal is lost before. */
#include "core/base/wait.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

int wait_files(struct pollfd *fds, unsigned n, int timeout_ms,
	       bool (*is_over)(void *arg), void *arg)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGIO, SIGCONT};
	struct timespec t = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	sigset_t held, before;
	int result = 0, why;

	if (!timeout_ms) /* it does not sleep */
		return is_over(arg) ? 0 : poll(fds, n, 0);
	sigemptyset(&held);
	for (unsigned i = 0; i < ARRAY_LEN(wanted); i++)
		sigaddset(&held, wanted[i]);
	sigprocmask(SIG_BLOCK, &held, &before);
	if (!is_over(arg))
		result = ppoll(fds, n, timeout_ms < 0 ? NULL : &t, &before);
	why = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = why;
	return result;
}
