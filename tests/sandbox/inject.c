/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a system call in another process, as if a guest had got hold of it:
 *
 *   inject PID NUMBER [ARGUMENT...]
 *
 * NUMBER is of a call of 64 bits, or 32:NUMBER, one made with INT 80h.
 * An argument is a number, s:TEXT (a string), u:PATH or i:PORT (the address of
 * a socket), pid (the process's own).  Prints what it returned, or how the
 * process ended, with its status. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCRATCH = 16384 };

static pid_t pid;
static unsigned long long scratch; /* free memory there, upwards */

static void die(const char *what)
{
	perror(what);
	exit(4);
}

static unsigned long long put(const void *bytes, size_t n)
{
	struct iovec here = {(void *)bytes, n}, there = {(void *)scratch, n};
	unsigned long long at = scratch;

	if (process_vm_writev(pid, &here, 1, &there, 1, 0) != (ssize_t)n)
		die("process_vm_writev");
	scratch += (n + 15) & ~15ull;
	return at;
}

static unsigned long long argument(const char *text)
{
	if (!strncmp(text, "s:", 2))
		return put(text + 2, strlen(text) - 1);
	if (!strncmp(text, "u:", 2)) {
		struct sockaddr_un to = {.sun_family = AF_UNIX};

		strncpy(to.sun_path, text + 2, sizeof(to.sun_path) - 1);
		return put(&to, sizeof(to));
	}
	if (!strncmp(text, "i:", 2)) {
		struct sockaddr_in to = {.sin_family = AF_INET,
					 .sin_port = htons((unsigned short)atoi(text + 2)),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

		return put(&to, sizeof(to));
	}
	if (!strcmp(text, "pid"))
		return (unsigned long long)pid;
	return strtoull(text, NULL, 0);
}

/* A SYSCALL instruction, or INT 80h, in its C library: as bytes of another
 * instruction if need be. */
static unsigned long long find_in_library(const char *wanted)
{
	static unsigned char bytes[2 << 20];
	char name[64], line[512];
	unsigned long long from, to;
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	maps = fopen(name, "r");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, " r-xp ") && strstr(line, "/libc.so") &&
		    sscanf(line, "%llx-%llx", &from, &to) == 2) {
			struct iovec here = {bytes, sizeof(bytes)}, there = {(void *)from, to - from};
			ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);
			unsigned char *at = n > 1 ? memmem(bytes, (size_t)n, wanted, 2) : NULL;

			fclose(maps);
			if (at)
				return from + (unsigned long long)(at - bytes);
			break;
		}
	fprintf(stderr, "no such instruction found\n");
	exit(4);
}

static int ended(int status)
{
	if (WIFEXITED(status))
		printf("ended with status %d\n", WEXITSTATUS(status));
	else
		printf("killed by signal %d\n", WTERMSIG(status));
	return 0;
}

int main(int argc, char **argv)
{
	struct user_regs_struct was, regs;
	bool is_32;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: inject PID NUMBER [ARGUMENT...]\n");
		return 2;
	}
	pid = atoi(argv[1]);
	if (ptrace(PTRACE_ATTACH, pid, 0, 0))
		die("attach");
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		die("wait");
	if (ptrace(PTRACE_GETREGS, pid, 0, &was))
		die("registers");
	regs = was;
	scratch = (was.rsp - SCRATCH) & ~15ull;
	is_32 = !strncmp(argv[2], "32:", 3);
	regs.rip = find_in_library(is_32 ? "\xcd\x80" : "\x0f\x05");
	regs.rax = strtoull(argv[2] + (is_32 ? 3 : 0), NULL, 0);
	regs.orig_rax = ~0ull; /* it is in no call that would go on */
	regs.rdi = argc > 3 ? argument(argv[3]) : 0;
	regs.rsi = argc > 4 ? argument(argv[4]) : 0;
	regs.rdx = argc > 5 ? argument(argv[5]) : 0;
	regs.r10 = argc > 6 ? argument(argv[6]) : 0;
	regs.r8 = argc > 7 ? argument(argv[7]) : 0;
	regs.r9 = argc > 8 ? argument(argv[8]) : 0;
	if (ptrace(PTRACE_SETREGS, pid, 0, &regs) ||
	    ptrace(PTRACE_SINGLESTEP, pid, 0, 0))
		die("step");
	for (bool refused = false;;) {
		int number;

		if (waitpid(pid, &status, __WALL) != pid)
			die("wait");
		if (!WIFSTOPPED(status))
			return ended(status);
		number = WSTOPSIG(status);
		refused |= number == SIGSYS;
		if (number == SIGTRAP && !refused)
			break;
		if (ptrace(refused ? PTRACE_CONT : PTRACE_SINGLESTEP, pid, 0,
			   number == SIGTRAP ? 0 : number))
			die("signal");
	}
	if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
		die("registers");
	if ((long long)regs.rax < 0 && (long long)regs.rax > -4096)
		printf("%s\n", strerrorname_np((int)-(long long)regs.rax));
	else
		printf("%lld\n", (long long)regs.rax);
	ptrace(PTRACE_SETREGS, pid, 0, &was);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}
