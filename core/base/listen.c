/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets with a name, which goes with us however we end. */
#include "core/base/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/types.h"

int listen_unix(const char *path, int backlog, char **own)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char *copy = check_copy(path);
	bool bound = false;
	int fd, why;

	_Static_assert(LISTEN_PATH == sizeof(to.sun_path) - 1, "its NUL");
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		bound = !bind(fd, (struct sockaddr *)&to, sizeof(to));
	if (bound && !listen(fd, backlog)) {
		check_leaves(copy);
		*own = copy;
		return fd;
	}
	why = errno;
	if (bound) /* else it is another's */
		unlink(path);
	if (fd >= 0)
		close(fd);
	free(copy);
	errno = why;
	return -1;
}

void listen_end(char *own)
{
	if (!own)
		return;
	unlink(own);
	check_keeps(own);
	free(own);
}
