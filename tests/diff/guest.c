/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs an image of blocks in ring 3 of a bare machine and prints on port E9h
 * what native.c prints.  Words on the kernel command line: `show=N`, and
 * `paging` to run behind 4 KiB page tables instead of with paging off. */
#include "tests/diff/judge.h"

extern char leave_block[], leave_block_end[], stubs[], leave_handler[];
void guest_main(const char *words);
_Noreturn void guest_panic(uint32_t vector, uint32_t eip);

enum { RAM = 64 << 20 };

static struct {
	uint32_t low, high;
} idt[256];
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t tables[RAM >> 22][1024] __attribute__((aligned(4096)));

static void put(char c)
{
	__asm__ volatile("outb %0, $0xe9" : : "a"(c));
}

static void copy(void *to, const void *from, uint32_t n)
{
	n /= 4;
	__asm__ volatile("rep movsl"
			 : "+D"(to), "+S"(from), "+c"(n)
			 :
			 : "memory");
}

void guest_panic(uint32_t vector, uint32_t eip)
{
	put_text("\npanic: exception ");
	put_hex(vector);
	put_text(" at ");
	put_hex(eip);
	put('\n');
	for (;;)
		__asm__ volatile("outw %w0, %w1; cli; hlt"
				 :
				 : "a"(0x2000), "d"(0x604));
}

static const char *find(const char *words, const char *word)
{
	for (; *words; words++) {
		int i = 0;

		while (word[i] && words[i] == word[i])
			i++;
		if (!word[i])
			return words + i;
	}
	return 0;
}

static void gate_set(int vector, const void *handler, int dpl)
{
	uint32_t at = (uint32_t)handler;

	idt[vector].low = 8 << 16 | (at & 0xffff);
	idt[vector].high = (at & 0xffff0000) | 0x8e00 | dpl << 13;
}

static void paging_on(void)
{
	for (uint32_t i = 0; i < RAM >> 22; i++) {
		for (uint32_t k = 0; k < 1024; k++)
			tables[i][k] = i << 22 | k << 12 | (i || k > 15 ? 7 : 0); /* nor at 0 */
		directory[i] = (uint32_t)tables[i] | 7;
	}
	/* Around the arena there is nothing, as in a process. */
	tables[(ARENA - 1) >> 22][(ARENA - 1) >> 12 & 1023] = 0;
	for (uint32_t at = ARENA + ARENA_SIZE; at < GATE; at += 0x1000)
		tables[at >> 22][at >> 12 & 1023] = 0;
	__asm__ volatile("movl %0, %%cr3\n"
			 "movl %%cr0, %%eax\n"
			 "orl $0x80010000, %%eax\n" /* PG, WP */
			 "movl %%eax, %%cr0\n"
			 :
			 : "r"(directory)
			 : "eax", "memory");
}

/* With paging off nothing is asked of the page. */
static void protect(uint32_t special)
{
	static const uint8_t rights[SPECIAL_KINDS] = {6, 5, 3, 7};
	uint32_t at = ARENA + ARENA_SIZE;

	tables[at >> 22][at >> 12 & 1023] =
		(special == DEVICE ? DEVICE_AT : at) | rights[special];
	__asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
}

static void fill(uint32_t page)
{
	for (uint32_t i = 0; i < 0x1000; i += 4)
		*(uint32_t *)(page + i) = 0x11111111;
}

void guest_main(const char *words)
{
	const char *number = find(words, "show=");
	uint32_t only = number ? 0 : ~0u;
	struct {
		uint16_t limit;
		void *base;
	} __attribute__((packed)) pointer = {sizeof idt - 1, idt};

	for (; number && *number >= '0' && *number <= '9'; number++)
		only = only * 10 + *number - '0';
	for (int i = 0; i < 32; i++)
		gate_set(i, stubs + 16 * i, i == 3 || i == 4 ? 3 : 0);
	gate_set(0x80, leave_handler, 3);
	__asm__ volatile("lidt %0" : : "m"(pointer));
	copy((void *)GATE_CODE, leave_block, leave_block_end - leave_block + 3);
	fill(ARENA + ARENA_SIZE);
	fill(DEVICE_AT);
	if (find(words, "paging"))
		paging_on();
	judge((struct image *)IMAGE, only);
}
