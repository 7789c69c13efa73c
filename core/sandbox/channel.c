/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages between the machine and its broker, and a file along with them. */
#include "core/sandbox/sandbox_priv.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int channel_send(int channel, const struct message *m, int fd)
{
	struct iovec iov = {(void *)m, offsetof(struct message, text) + m->len};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} extra = {.bytes = {0}};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		extra.head.cmsg_level = SOL_SOCKET;
		extra.head.cmsg_type = SCM_RIGHTS;
		extra.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&extra.head), &fd, sizeof(fd));
		msg.msg_control = &extra;
		msg.msg_controllen = sizeof(extra);
	}
	do
		n = sendmsg(channel, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* One whole message is there or none: the socket keeps them apart. */
int channel_receive(int channel, struct message *m, int *fd)
{
	struct iovec iov = {m, sizeof(*m)};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} extra;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &extra,
			     .msg_controllen = sizeof(extra)};
	const struct cmsghdr *head;
	ssize_t n;

	do
		n = recvmsg(channel, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)offsetof(struct message, text) ||
	    msg.msg_flags & MSG_TRUNC)
		return -1;
	if (m->len != (size_t)n - offsetof(struct message, text))
		return -1;
	head = CMSG_FIRSTHDR(&msg);
	if (fd) {
		*fd = -1;
		if (head && head->cmsg_type == SCM_RIGHTS &&
		    head->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	}
	return 0;
}
