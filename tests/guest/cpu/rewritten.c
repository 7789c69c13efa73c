/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Code that is rewritten all the time, each time run by the same branches: the
 * hundred thousandth time costs what the tenth does. */
#include "rt.h"

enum { AREA = 0x1800000, TIMES = 200000 };

#define REWRITTEN(name, call)                                              \
	do {                                                               \
		u32 sum = 0, got;                                          \
		for (u32 i = 0; i < TIMES; i++) {                          \
			*(volatile u32 *)(AREA + 1) = i;                   \
			asm volatile(call                                  \
				     : "=a"(got)                           \
				     : "r"(AREA), "i"(AREA)                \
				     : "memory");                          \
			sum += got;                                        \
		}                                                          \
		print("%s: %x\n", name, sum);                              \
	} while (0)

void test(void)
{
	paging_on();
	*(volatile u8 *)AREA = 0xb8;	   /* mov eax, ... */
	*(volatile u8 *)(AREA + 5) = 0xc3; /* ret */
	REWRITTEN("direct call", "call %P2");
	REWRITTEN("indirect call", "call *%1");
	REWRITTEN("both", "call %P2; call *%1");
}
