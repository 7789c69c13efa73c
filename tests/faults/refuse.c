/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An allocator that refuses one request: the REFUSE-th after main() has begun,
 * which it takes from the first signal() call of this program.  With
 * REFUSE_COUNT=FILE it writes how many there were, and refuses none. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static long count, refuse;
static bool begun;
static pid_t process;

sighandler_t signal(int number, sighandler_t handler)
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART}, was;
	const char *text = getenv("REFUSE");

	if (!begun && number == SIGXFSZ) {
		begun = true;
		process = getpid();
		refuse = text ? atol(text) : 0;
	}
	return sigaction(number, &act, &was) ? SIG_ERR : was.sa_handler;
}

/* Does somebody ask who takes a refusal?  Not libbfd (it frees what it did
 * not get), nor readline, which ends the process in its own way. */
static bool is_asked_by_us(const void *caller)
{
	static const char *const others[] = {"libbfd", "libopcodes", "libreadline", "libtinfo", "libseccomp"};
	Dl_info of;

	if (!dladdr(caller, &of) || !of.dli_fname)
		return false;
	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strstr(of.dli_fname, others[i]))
			return false;
	return true;
}

/* The broker is another process; it is not this one's allocations. */
static bool refused(const void *caller)
{
	if (!begun || getpid() != process || !is_asked_by_us(caller) || ++count != refuse)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return refused(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return refused(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return refused(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

__attribute__((destructor)) static void tell(void)
{
	const char *name = getenv("REFUSE_COUNT");
	FILE *f = name && getpid() == process ? fopen(name, "w") : NULL;

	if (f) {
		fprintf(f, "%ld\n", count);
		fclose(f);
	}
}
