/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filter of system calls, made from calls.def, and what happens when a
 * call is not in it: one line that names it, and the end.
 *
 * libseccomp makes the program; it is put in place here, because the flags
 * that we want are newer than its interface: all threads at once (LTTng may
 * have two by now), a listener for the broker, calls that the broker has
 * taken up are not interrupted by signals (they would be done twice), and no
 * brake on speculation, which older kernels put on with a filter. */
#include "core/sandbox/sandbox_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)
#endif

enum { LIMITS_MAX = 3, PROGRAM_MAX = 4096 };

/* Stands in the table for the machine's process. */
#define SELF 0x5e1f0000005e1full

#define ALLOW  SCMP_ACT_ALLOW
#define BROKER SCMP_ACT_NOTIFY
#define REFUSE SCMP_ACT_ERRNO(EPERM)
#define ABSENT SCMP_ACT_ERRNO(ENOSYS)
#define ARG(n, value)                    \
	{                                \
		n, SCMP_CMP_EQ, value, 0 \
	}
#define NOT(n, value)                    \
	{                                \
		n, SCMP_CMP_NE, value, 0 \
	}
#define BELOW(n, value)                  \
	{                                \
		n, SCMP_CMP_LT, value, 0 \
	}
#define BITS(n, mask, value)                       \
	{                                          \
		n, SCMP_CMP_MASKED_EQ, mask, value \
	}

static const struct call {
	int number;
	u32 what;
	const char *name;
	struct scmp_arg_cmp limit[LIMITS_MAX]; /* ends with op 0 */
} calls[] = {
#define CALL(name, what, reason, ...) \
	{SCMP_SYS(name), what, #name, {__VA_ARGS__}},
#include "core/sandbox/calls.def"
};

static int add_call(scmp_filter_ctx ctx, const struct call *call)
{
	struct scmp_arg_cmp limit[LIMITS_MAX];
	unsigned n = 0;

	for (; n < LIMITS_MAX && call->limit[n].op; n++) {
		limit[n] = call->limit[n];
		if (limit[n].datum_a == SELF)
			limit[n].datum_a = (u64)getpid();
	}
	return seccomp_rule_add_array(ctx, call->what, call->number, n, limit);
}

/* The program, into memory of `bytes`; how many instructions, -1: errno. */
static int make_program(struct sock_filter *program, size_t bytes)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int fd = memfd_create("filter", MFD_CLOEXEC), bad = ctx ? 0 : -ENOMEM;
	ssize_t n = -1;

	if (!bad)
		bad = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
				       SCMP_ACT_KILL_PROCESS);
	if (!bad) /* a tree: no call waits behind a hundred others */
		bad = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; !bad && i < ARRAY_LEN(calls); i++)
		bad = add_call(ctx, &calls[i]);
	if (!bad)
		bad = seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	if (!bad)
		n = pread(fd, program, bytes, 0);
	if (fd >= 0)
		close(fd);
	if (bad)
		errno = -bad;
	return n < 0 ? -1 : (int)((size_t)n / sizeof(*program));
}

/* ---- a call that is not in the table ---- */

static void (*on_stopped)(const char *text);

static const char *const names[] = {
#include "syscalls.def" /* made by the Makefile */
};

/* signal-safe */
static void on_refused(int number, siginfo_t *si, void *context)
{
	const greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;
	char text[160];
	const char *name = NULL;
	int n;

	(void)number;
	if (si->si_code == 1 /* SYS_SECCOMP */ && si->si_syscall >= 0 &&
	    si->si_syscall < (int)ARRAY_LEN(names))
		name = names[si->si_syscall];
	if (on_stopped)
		on_stopped("the sandbox");
	n = snprintf(text, sizeof(text),
		     "vitrine: the sandbox has stopped the system call %s "
		     "(number %d, arguments %llx %llx %llx)\n",
		     name ? name : "without a name", si->si_syscall,
		     reg[REG_RDI], reg[REG_RSI], reg[REG_RDX]);
	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(SANDBOX_STATUS);
	_exit(SANDBOX_STATUS);
}

static int catch_refused(void (*stopped)(const char *text))
{
	struct sigaction act = {.sa_sigaction = on_refused,
				.sa_flags =
					SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	on_stopped = stopped;
	return sigaction(SIGSYS, &act, NULL);
}

/* ---- putting it in place ---- */

int filter_install(void (*stopped)(const char *text))
{
	static const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
					   SECCOMP_FILTER_FLAG_TSYNC |
					   SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
					   SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	static struct sock_filter code[PROGRAM_MAX];
	struct sock_fprog program = {.filter = code};
	int n = make_program(code, sizeof(code)), fd;

	if (n < 0)
		return -1;
	program.len = (unsigned short)n;
	if (catch_refused(stopped) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
			  &program);
	if (fd < 0 && errno == EINVAL) /* Linux before 5.19 */
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
				  &program);
	return fd;
}
