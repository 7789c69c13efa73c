/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small workloads, one per thing that a virtual machine makes dearer:
 *
 *   micro NAME COUNT
 *
 * Prints one number that depends on all the work, so that runs can be
 * compared and nothing is optimized away. Built -m32 -static. */
#define _GNU_SOURCE
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned sieve(unsigned count)
{
	enum { SIZE = 1 << 16 };
	static unsigned char composite[SIZE];
	unsigned primes = 0;

	while (count--) {
		memset(composite, 0, SIZE);
		for (unsigned i = 2; i < SIZE; i++) {
			if (composite[i])
				continue;
			primes++;
			for (unsigned k = 2 * i; k < SIZE; k += i)
				composite[k] = 1;
		}
	}
	return primes;
}

static __attribute__((noipa)) unsigned fib_of(unsigned n)
{
	return n < 2 ? n : fib_of(n - 1) + fib_of(n - 2);
}

static unsigned fib(unsigned count)
{
	unsigned sum = 0;

	while (count--)
		sum += fib_of(27);
	return sum;
}

struct shape {
	unsigned (*area)(unsigned);
};

static unsigned square(unsigned x)
{
	return x * x;
}

static unsigned triangle(unsigned x)
{
	return x * (x + 1) / 2;
}

static unsigned strip(unsigned x)
{
	return x + 3;
}

static unsigned indirect(unsigned count) /* calls through pointers */
{
	static const struct shape shapes[] = {{square}, {triangle}, {strip}};
	unsigned sum = 0, r = 1;

	for (count *= 100000; count--;) {
		r = r * 1103515245 + 12345;
		sum += shapes[(r >> 16) % 3].area(sum);
	}
	return sum;
}

static unsigned x87(unsigned count)
{
	long double sum = 0;

	for (unsigned i = 1; i <= count * 10000; i++)
		sum += sqrtl(i) * 1.5L / (i + 0.25L) + sinl(i);
	return (unsigned)fmodl(fabsl(sum), 1e6L);
}

static unsigned matrix(unsigned count)
{
	enum { N = 96 };
	static double a[N][N], b[N][N], c[N][N];

	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			a[i][k] = i + k, b[i][k] = i - k;
	while (count--)
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				double sum = c[i][j] / 2;

				for (int k = 0; k < N; k++)
					sum += a[i][k] * b[k][j];
				c[i][j] = sum;
			}
	return (unsigned)fabs(c[3][5]);
}

static unsigned copy(unsigned count)
{
	enum { SIZE = 1 << 18 };
	static char a[SIZE], b[SIZE];

	for (unsigned i = 0; i < count; i++) {
		memcpy(a, b, SIZE);
		memset(b, i, SIZE / 2);
	}
	return a[7] + b[9];
}

static unsigned nothing(unsigned count) /* system calls */
{
	unsigned sum = 0;

	while (count--)
		sum += syscall(SYS_getppid) != 0;
	return 1;
}

static unsigned forks(unsigned count)
{
	unsigned sum = 0;

	while (count--) {
		int status;
		pid_t pid = fork();

		if (!pid)
			_exit(3);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 0;
		sum += WEXITSTATUS(status);
	}
	return sum;
}

static unsigned execs(unsigned count)
{
	unsigned sum = 0;

	while (count--) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			execl("/bench/micro", "micro", "exit", "4", NULL);
			_exit(1);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 0;
		sum += WEXITSTATUS(status);
	}
	return sum;
}

static unsigned faults(unsigned count)
{
	enum { SIZE = 1 << 20 };
	unsigned sum = 0;

	while (count--) {
		char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 0;
		for (int i = 0; i < SIZE; i += 4096)
			p[i] = 1;
		sum += p[SIZE / 2];
		munmap(p, SIZE);
	}
	return sum;
}

static unsigned pipes(unsigned count) /* a byte back and forth */
{
	int to[2], from[2];
	char c = 'a';
	unsigned sum = 0;

	if (pipe(to) || pipe(from))
		return 0;
	if (!fork()) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1 && write(from[1], &c, 1) == 1)
			;
		_exit(0);
	}
	while (count--) {
		if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1)
			return 0;
		sum += c;
	}
	close(to[1]);
	wait(NULL);
	return sum;
}

static unsigned stream(unsigned count) /* much through a pipe */
{
	static char buf[65536];
	int p[2];
	unsigned sum = 0;

	if (pipe(p))
		return 0;
	if (!fork()) {
		close(p[0]);
		while (count-- && write(p[1], buf, sizeof buf) > 0)
			;
		_exit(0);
	}
	close(p[1]);
	for (ssize_t n; (n = read(p[0], buf, sizeof buf)) > 0;)
		sum += n;
	wait(NULL);
	return sum;
}

static unsigned mmaps(unsigned count) /* mapped, touched, unmapped */
{
	enum { LEN = 1 << 16 };
	unsigned sum = 0;

	while (count--) {
		char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 0;
		for (unsigned i = 0; i < LEN; i += 4096)
			sum += ++p[i];
		munmap(p, LEN);
	}
	return sum;
}

/* Pages with holes between them, each touched by an instruction of its own. */
static unsigned scatter(unsigned count)
{
	char *p = mmap(NULL, count * 8192ul, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned char *code = mmap(NULL, count * 6ul + 1,
				   PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned sum = 0;

	if (p == MAP_FAILED || code == (void *)MAP_FAILED)
		return 0;
	for (unsigned i = 0; i < count; i++) {
		char *page = p + i * 8192ul;

		memcpy(code + i * 6ul, "\xfe\x05", 2); /* incb page */
		memcpy(code + i * 6ul + 2, &page, 4);
	}
	code[count * 6ul] = 0xc3;
	for (unsigned round = 0; round < 5; round++)
		((void (*)(void))code)();
	for (unsigned i = 0; i < count; i++)
		sum += p[i * 8192ul];
	return sum;
}

static unsigned leave(unsigned count)
{
	_exit(count);
}

static const struct {
	const char *name;
	unsigned (*run)(unsigned);
} all[] = {{"sieve", sieve},     {"fib", fib},       {"indirect", indirect},
	   {"x87", x87},         {"matrix", matrix}, {"copy", copy},
	   {"syscall", nothing}, {"fork", forks},    {"exec", execs},
	   {"fault", faults},    {"pipe", pipes}, {"mmap", mmaps}, {"scatter", scatter},    {"stream", stream},
	   {"exit", leave}};

int main(int argc, char **argv)
{
	for (unsigned i = 0; argc == 3 && i < sizeof all / sizeof *all; i++)
		if (!strcmp(argv[1], all[i].name)) {
			printf("%u\n", all[i].run(atoi(argv[2])));
			return 0;
		}
	return 2;
}
