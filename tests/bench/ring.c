/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between user code and the kernel, nothing else: user code makes system calls
 * whose handlers return at once.  Each loop stands between two marker lines,
 * the last is an empty one. */
#include "tests/guest/cpu/rt.h"

enum { TIMES = 4000000, CALL = 0x81 };

static void set_msr(u32 number, u32 value)
{
	asm volatile("wrmsr" ::"c"(number), "a"(value), "d"(0));
}

static void row(const char *name, u32 code)
{
	struct state s = at(3, code);

	s.ebx = TIMES;
	print("BENCH start %s %d\n", name, TIMES);
	run(&s);
	print("BENCH end %s\n", name);
}

void test(void)
{
	u32 returns = FRAG("iretd"), exits = FRAG("sysexit");
	u32 ways[] = {
		FRAG("1: int 0x81\n dec ebx\n jnz 1b"),
		FRAG("1: mov ecx, esp\n lea edx, 2f\n sysenter\n2: dec ebx\n jnz 1b"),
		FRAG("1: dec ebx\n jnz 1b"),
	};

	paging_on();
	rt_idt[CALL] = gate(KCS, returns, 0xee);
	set_msr(0x174, KCS);
	set_msr(0x175, rt_tss.esp0);
	set_msr(0x176, exits);
	row("int", ways[0]);
	row("sysenter", ways[1]);
	row("nothing", ways[2]);
}
