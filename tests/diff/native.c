/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs an image of blocks on this host's CPU, in a 32-bit process.
 *
 *   native IMAGE [show=N]
 *
 * Prints one number per block, or all that block N left behind. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "tests/diff/judge.h"

static void put(char c)
{
	putchar_unlocked(c);
}

extern char leave_block[], leave_block_end[], after_block[];

/* enter_block loads everything and jumps; the gate's code stores everything
 * and jumps back to after_block, where an exception's handler leads too. */
__asm__(".text\n"
	"enter_block:\n"
	"	pushal\n"
	"	pushfl\n"
	"	movl %esp, own_esp\n"
	"	movl 40(%esp), %eax\n"
	"	movl 44(%esp), %ebx\n"
	"	movl 48(%esp), %ecx\n"
	"	movl %ebx, target\n"
	"	fxrstor (%ecx)\n"
	"	pushl 32(%eax)\n"
	"	popfl\n"
	"	movl 4(%eax), %ecx\n"
	"	movl 8(%eax), %edx\n"
	"	movl 12(%eax), %ebx\n"
	"	movl 16(%eax), %esp\n"
	"	movl 20(%eax), %ebp\n"
	"	movl 24(%eax), %esi\n"
	"	movl 28(%eax), %edi\n"
	"	movl (%eax), %eax\n"
	"	jmp *target\n"
	"after_block:\n"
	"	movl own_esp, %esp\n"
	"	popfl\n"
	"	popal\n"
	"	fninit\n"
	"	ret\n"
	"leave_block:\n" /* copied to GATE_CODE: absolute addresses only */
	"	movl %eax, 0x01010000\n"
	"	movl %ecx, 0x01010004\n"
	"	movl %edx, 0x01010008\n"
	"	movl %ebx, 0x0101000c\n"
	"	movl %esp, 0x01010010\n"
	"	movl %ebp, 0x01010014\n"
	"	movl %esi, 0x01010018\n"
	"	movl %edi, 0x0101001c\n"
	"	movl $0x01010800, %esp\n"
	"	pushfl\n"
	"	popl 0x01010020\n"
	"	fxsave 0x01010040\n"
	"	movl $after_block, %eax\n"
	"	jmp *%eax\n"
	"leave_block_end:\n"
	".bss\n.align 4\nown_esp: .long 0\ntarget: .long 0\n.text\n");

_Static_assert(__builtin_offsetof(struct result, fx) == 0x40, "gate code");

static void fault(int sig, siginfo_t *info, void *context)
{
	struct result *r = (struct result *)GATE;
	ucontext_t *u = context;
	greg_t *g = u->uc_mcontext.gregs;
	static const int order[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX,
				     REG_ESP, REG_EBP, REG_ESI, REG_EDI};

	(void)info;
	if ((uint32_t)g[REG_EIP] < IMAGE || (uint32_t)g[REG_EIP] > 0x07ffffff) {
		signal(sig, SIG_DFL);
		return;
	}
	for (int i = 0; i < 8; i++)
		r->s.regs[i] = g[order[i]];
	r->s.eflags = g[REG_EFL];
	r->vector = g[REG_TRAPNO];
	r->error = g[REG_ERR];
	r->eip = g[REG_EIP];
	r->address = u->uc_mcontext.cr2;
	memcpy(r->fx, (char *)u->uc_mcontext.fpregs + 112, 512);
	g[REG_EIP] = (greg_t)after_block;
	g[REG_EFL] &= ~0x400;
}

static void *fixed(uint32_t at, size_t size, int prot)
{
	void *p =
		mmap((void *)at, size, prot,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (void *)at) {
		perror("native: mmap");
		exit(4);
	}
	return p;
}

static void copy(void *to, const void *from, uint32_t n)
{
	memcpy(to, from, n);
}

static void protect(uint32_t special)
{
	/* What a device's page holds is not in the page that is no device's. */
	if (!mprotect((void *)(ARENA + ARENA_SIZE), 0x1000,
		      PROT_READ | PROT_WRITE))
		memset((void *)(ARENA + ARENA_SIZE), 0x11, 0x1000);
	if (mprotect((void *)(ARENA + ARENA_SIZE), 0x1000,
		     special == DEVICE      ? PROT_READ | PROT_WRITE
		     : special == READ_ONLY ? PROT_READ
					    : PROT_NONE)) {
		perror("native: mprotect");
		exit(4);
	}
}

int main(int argc, char **argv)
{
	struct image *im;
	uint32_t only = ~0u;
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	static char stack[65536];
	struct sigaction sa = {.sa_sigaction = fault,
			       .sa_flags =
				       SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};

	if (size <= 0) {
		fprintf(stderr, "usage: native IMAGE [show=N]\n");
		return 2;
	}
	if (argc > 2 && !strncmp(argv[2], "show=", 5))
		only = strtoul(argv[2] + 5, NULL, 10);
	sigaltstack(&ss, NULL);
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &sa, NULL);

	fixed(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	fixed(ARENA + ARENA_SIZE, 0x1000, PROT_READ | PROT_WRITE);
	memset((void *)(ARENA + ARENA_SIZE), 0x11, 0x1000);
	fixed(GATE, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
	/* cppcheck-suppress comparePointers; labels of one piece of assembly */
	memcpy((void *)GATE_CODE, leave_block, leave_block_end - leave_block);
	im = fixed(IMAGE, size, PROT_READ | PROT_WRITE | PROT_EXEC);
	for (off_t got = 0, n; got < size; got += n)
		if ((n = pread(fd, (char *)im + got, size - got, got)) <= 0)
			return 4;
	if (im->magic != MAGIC)
		return 4;
	judge(im, only);
	return 0;
}
