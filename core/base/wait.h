/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sleeping until a file has something or a signal comes, also one that came
 * just before. */
#ifndef CORE_BASE_WAIT_H
#define CORE_BASE_WAIT_H

#include <poll.h>

#include "core/base/types.h"

/* As poll(), but 0 at once if `is_over` says so.  Signals are held off from
 * before it is asked until the sleep begins, so that none falls in between. */
int wait_files(struct pollfd *fds, unsigned n, int timeout_ms,
	       bool (*is_over)(void *arg), void *arg);

#endif
