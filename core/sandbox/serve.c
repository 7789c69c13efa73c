/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls of the locked machine that name something: the broker reads
 * the name once, asks the policy, and does the call itself; the machine gets
 * the file.  What the machine writes over the name meanwhile changes nothing.
 *
 * A path is resolved first (policy_resolve), judged, and then opened with no
 * link followed, so that what is opened is what was judged. */
#include "core/sandbox/sandbox_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1ul << 1)
#endif

/* What a call comes to: a value or -errno; or a file to hand over. */
struct outcome {
	s64 value;
	int fd; /* -1: none */
	bool closes_on_exec;
	bool goes_on; /* the kernel may do it */
};

static struct outcome failed(int error)
{
	return (struct outcome){.value = -error, .fd = -1};
}

static struct outcome result_of(int result)
{
	return failed(result < 0 ? errno : 0);
}

/* ---- the machine's memory and files ---- */

/* Up to size bytes; fewer where its memory ends. -1: none. */
static ssize_t peek(pid_t pid, u64 at, void *to, size_t size)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)at, size};

	return process_vm_readv(pid, &here, 1, &there, 1, 0);
}

bool broker_can_look(const struct broker *b, u64 at)
{
	char byte;

	return peek(b->machine, at, &byte, 1) == 1;
}

/* The string there, by pages, as one cannot say how far memory goes. */
static int peek_path(pid_t pid, u64 at, char path[PATH_MAX])
{
	size_t got = 0;

	while (got < PATH_MAX) {
		size_t n = 4096 - (at + got) % 4096;
		ssize_t read;

		if (n > PATH_MAX - got)
			n = PATH_MAX - got;
		read = peek(pid, at + got, path + got, n);
		if (read <= 0)
			return -EFAULT;
		if (memchr(path + got, 0, (size_t)read))
			return 0;
		got += (size_t)read;
	}
	return -ENAMETOOLONG;
}

static int copy_of(struct broker *b, int fd)
{
	int process = (int)syscall(SYS_pidfd_open, b->machine, 0);
	int copy = process < 0 ? -1
			       : (int)syscall(SYS_pidfd_getfd, process, fd, 0);

	if (process >= 0)
		close(process);
	return copy;
}

/* ---- files ---- */

static int open_resolved(const char *path, int flags, mode_t mode)
{
	struct open_how how = {.flags =
				       (u64)(flags & ~(O_NOFOLLOW | O_NOCTTY)) |
				       O_CLOEXEC | O_NOCTTY,
			       .mode = flags & O_CREAT ? mode & 0666 : 0,
			       .resolve = RESOLVE_NO_SYMLINKS};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* What a process sees of itself there is not the broker. */
static bool of_the_machine(struct broker *b, const char *path, char *to,
			   size_t size)
{
	static const char *const names[] = {"cmdline", "maps", "stat",
					    "status"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(to, size, "/proc/self/%s", names[i]);
		if (!strcmp(path, to)) {
			snprintf(to, size, "/proc/%d/%s", (int)b->machine,
				 names[i]);
			return true;
		}
	}
	return false;
}

/* One that is open there already, by its number. */
static int number_of(const char *path)
{
	int n, end = 0;

	if (!strcmp(path, "/dev/stdin"))
		return STDIN_FILENO;
	if ((sscanf(path, "/dev/fd/%9d%n", &n, &end) == 1 ||
	     sscanf(path, "/proc/self/fd/%9d%n", &n, &end) == 1) &&
	    !path[end])
		return n;
	return -1;
}

static bool may_open(const char *path, int flags)
{
	struct stat st;
	bool exists = !stat(path, &st);

	if (flags & O_PATH || (flags & O_TMPFILE) == O_TMPFILE)
		return false;
	if (!strcmp(path, "/dev/null"))
		return true;
	if (exists && S_ISDIR(st.st_mode))
		return (flags & O_ACCMODE) == O_RDONLY && policy_may_list(path);
	if (exists && !S_ISREG(st.st_mode))
		return (flags & O_ACCMODE) == O_RDONLY && policy_is_named(path);
	if ((flags & O_ACCMODE) == O_RDONLY && !(flags & (O_CREAT | O_TRUNC)))
		return !exists || policy_may_read(path);
	return policy_may_write(path, exists);
}

static struct outcome open_file(struct broker *b, const char *path, int flags,
				mode_t mode)
{
	struct outcome o = {.fd = -1, .closes_on_exec = flags & O_CLOEXEC};
	char own[PATH_MAX], *resolved;
	struct stat st;
	bool is_new;

	if (number_of(path) >= 0) {
		o.fd = copy_of(b, number_of(path));
		return o.fd < 0 ? failed(ENOENT) : o;
	}
	if (of_the_machine(b, path, own, sizeof(own))) {
		o.fd = open(own, O_RDONLY | O_CLOEXEC);
		return o.fd < 0 ? failed(errno) : o;
	}
	resolved = policy_resolve(path);
	if (!resolved)
		return failed(errno);
	is_new = lstat(resolved, &st) != 0;
	if (flags & O_NOFOLLOW && !lstat(path, &st) && S_ISLNK(st.st_mode))
		o = failed(ELOOP);
	else if (!may_open(resolved, flags))
		o = failed(EACCES);
	else if ((o.fd = open_resolved(resolved, flags, mode)) < 0)
		o = failed(errno);
	else if (is_new)
		policy_made(resolved, flags & O_EXCL);
	free(resolved);
	return o;
}

static struct outcome make_directory(const char *path, mode_t mode)
{
	char *resolved = policy_resolve(path);
	struct outcome o;
	struct stat st;

	if (!resolved)
		return failed(errno);
	if (!lstat(resolved, &st))
		o = failed(EEXIST);
	else if (!policy_may_write(resolved, false))
		o = failed(EACCES);
	else
		o = result_of(mkdir(resolved, mode & 0777));
	if (!o.value)
		policy_made(resolved, false);
	free(resolved);
	return o;
}

static struct outcome remove_file(const char *path, bool directory)
{
	char *resolved = policy_resolve(path);
	struct outcome o;
	struct stat st;

	if (!resolved)
		return failed(errno);
	if (lstat(resolved, &st))
		o = failed(errno);
	else if (directory ? !policy_may_write(resolved, true) /* a trace's */
			   : !policy_may_remove(resolved))
		o = failed(EACCES);
	else
		o = result_of(directory ? rmdir(resolved) : unlink(resolved));
	if (!o.value)
		policy_gone(resolved);
	free(resolved);
	return o;
}

static struct outcome move_file(const char *from, const char *to)
{
	char *a = policy_resolve(from), *b = a ? policy_resolve(to) : NULL;
	struct outcome o;

	if (!a || !b)
		o = failed(errno);
	else if (!policy_may_replace(a, b))
		o = failed(EACCES);
	else
		o = result_of(rename(a, b));
	if (!o.value)
		policy_moved(a, b);
	free(a);
	free(b);
	return o;
}

/* ---- the rest ---- */

static struct outcome map_code(struct broker *b, const u64 *arg)
{
	int copy = arg[3] & MAP_ANONYMOUS || !(arg[3] & MAP_PRIVATE)
			   ? -1
			   : copy_of(b, (int)arg[4]);
	struct outcome o = failed(EACCES);

	if (copy >= 0 && policy_may_run(copy))
		o.goes_on = true;
	if (copy >= 0)
		close(copy);
	return o;
}

static struct outcome connect_to(struct broker *b, pid_t pid, const u64 *arg)
{
	struct sockaddr_un to = {.sun_family = AF_UNSPEC};
	struct outcome o = failed(EACCES);
	size_t len = arg[2] <= sizeof(to) ? (size_t)arg[2] : 0;
	int copy;

	if (!len || peek(pid, arg[1], &to, len) != (ssize_t)len)
		return failed(EFAULT);
	to.sun_path[sizeof(to.sun_path) - 1] = '\0';
	if (to.sun_family != AF_UNIX || !policy_may_connect(to.sun_path))
		return o;
	copy = copy_of(b, (int)arg[0]);
	if (copy < 0)
		return failed(EBADF);
	o = result_of(connect(copy, (struct sockaddr *)&to, sizeof(to)));
	close(copy);
	return o;
}

/* By the registers alone; a name is read here, once. */
static struct outcome judge(struct broker *b, const struct seccomp_notif *n)
{
	const u64 *arg = (const u64 *)n->data.args;
	char path[PATH_MAX], other[PATH_MAX];
	unsigned at = n->data.nr == __NR_openat; /* argument with the path */
	int bad;

	if (n->data.nr == __NR_mmap)
		return map_code(b, arg);
	if (n->data.nr == __NR_connect)
		return connect_to(b, (pid_t)n->pid, arg);
	bad = peek_path((pid_t)n->pid, arg[at], path);
	if (!bad && n->data.nr == __NR_rename)
		bad = peek_path((pid_t)n->pid, arg[1], other);
	if (bad)
		return failed(-bad);
	if (!*path)
		return failed(ENOENT);
	if (at && *path != '/' && (int)arg[0] != AT_FDCWD)
		return failed(EACCES);
	switch (n->data.nr) {
	case __NR_open:
	case __NR_openat:
		return open_file(b, path, (int)arg[at + 1],
				 (mode_t)arg[at + 2]);
	case __NR_mkdir:
		return make_directory(path, (mode_t)arg[1]);
	case __NR_rmdir:
	case __NR_unlink:
		return remove_file(path, n->data.nr == __NR_rmdir);
	case __NR_rename:
		return move_file(path, other);
	default:
		return failed(EPERM);
	}
}

/* The file becomes the machine's, and its number there the call's value. */
static bool hand_over(struct broker *b, u64 id, struct outcome *o)
{
	struct seccomp_notif_addfd add = {
		.id = id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (u32)o->fd,
		.newfd_flags = o->closes_on_exec ? O_CLOEXEC : 0};
	int fd = ioctl(b->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	bool done = fd >= 0;

	if (fd < 0 && errno == EINVAL) { /* Linux before 5.14 */
		add.flags = 0;
		fd = ioctl(b->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	}
	close(o->fd);
	o->value = fd < 0 ? -EMFILE : fd;
	return done;
}

void broker_serve(struct broker *b)
{
	struct seccomp_notif n = {0};
	struct seccomp_notif_resp r = {0};
	struct outcome o;

	if (ioctl(b->listener, SECCOMP_IOCTL_NOTIF_RECV, &n))
		return; /* it has gone meanwhile */
	o = judge(b, &n);
	if (o.fd >= 0 && hand_over(b, n.id, &o))
		return;
	r.id = n.id;
	if (o.goes_on)
		r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (o.value < 0)
		r.error = (s32)o.value;
	else
		r.val = o.value;
	ioctl(b->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}
