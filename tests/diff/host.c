/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the manual leaves to the processor when an operand of x87 or MMX
 * faults: is it on this host as in the guest, which is as Intel's
 * (core/bt/fpu_operand.c)?  Then all of it is compared; otherwise the runners
 * leave just that out, and stores that store nothing are not brought to
 * fault. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/diff/gen.h"

enum { PAGE = 0x1000 };
static sigjmp_buf back;
static volatile bool faulted;
static volatile unsigned top;

static void fault(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;

	(void)sig, (void)info;
	faulted = true;
	top = u->uc_mcontext.fpregs->swd >> 11 & 7;
	siglongjmp(back, 1);
}

enum store { AN_INTEGER, OF_MMX, OF_TEN_BYTES };

static void try(enum store what, uint8_t *at)
{
	static const uint16_t cw = 0x37e; /* invalid operations unmasked */

	faulted = false;
	if (!sigsetjmp(back, 1)) {
		if (what == AN_INTEGER)
			__asm__ volatile("fninit; fldcw %1; fistpl (%0)"
					 : : "r"(at), "m"(cw) : "memory");
		else if (what == OF_MMX)
			__asm__ volatile("fninit; fincstp; movq %%mm0, (%0)"
					 : : "r"(at) : "memory");
		else
			__asm__ volatile("fninit; fld1; fstpt (%0)"
					 : : "r"(at) : "memory");
	}
	__asm__ volatile("fninit");
}

bool host_is_unlike(void)
{
	struct sigaction sa = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO}, was;
	uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool unlike;

	if (pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE) ||
	    sigaction(SIGSEGV, &sa, &was)) {
		perror("gen");
		exit(4);
	}
	try(AN_INTEGER, pages + PAGE);
	unlike = faulted;
	try(OF_MMX, pages + PAGE);
	unlike |= top != 0;
	try(OF_TEN_BYTES, pages + PAGE - 8);
	unlike |= !pages[PAGE - 1];
	sigaction(SIGSEGV, &was, NULL);
	munmap(pages, 2 * PAGE);
	return unlike;
}
