/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * crash HOW: breaks a rule; the kernel should notice.
 *
 * divide, null, port, code, kernel, opcode and stack hurt only this program.
 * overflow shows what the kernel does when its own stack is too small, and
 * does not return.
 */
#include "lantern.h"

static void divide(void)
{
	__asm__ volatile("xorl %%edx, %%edx\n\tdivl %%edx" : : "a"(1) : "edx");
}

static void null(void)
{
	*(volatile u32 *)0 = 1;
}

static void port(void)
{
	__asm__ volatile("outb %al, $0x80");
}

static void code(void)
{
	*(volatile u8 *)code = 0;
}

static void kernel(void)
{
	*(volatile u32 *)0xC0100000 = 0;
}

static void opcode(void)
{
	__asm__ volatile("ud2");
}

static void stack(void)
{
	__asm__ volatile("1: pushl $0\n\tjmp 1b");
}

static void overflow(void)
{
	kernel_bench(BENCH_OVERFLOW, 1000000);
}

static const struct {
	const char *name;
	void (*function)(void);
} ways[] = {
	{ "divide", divide }, { "null", null }, { "port", port },
	{ "code", code }, { "kernel", kernel }, { "opcode", opcode },
	{ "stack", stack }, { "overflow", overflow },
};

int main(int argc, char **argv)
{
	for (u32 i = 0; argc > 1 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name))
			ways[i].function();
	print_to(STDERR, "crash: how?\n");
	return 2;
}
