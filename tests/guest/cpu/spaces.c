/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Address spaces: the same page of code at another address in each, and other
 * code at the same address in each; reached by jumps, calls and returns, over
 * and over, so that what was remembered of one space is there to be mistaken
 * for another's. */
#include "rt.h"

enum { SPACES = 6, TOP = 0x23f0000, SAME = 0x2010000,
       CODE = 0x1800000, OWN = 0x1810000, AREA = 0x2000000 };

static u32 directory[SPACES][1024] __attribute__((aligned(4096)));
static u32 table[SPACES][1024] __attribute__((aligned(4096)));

static u32 apart;

static u32 place(u32 i)
{
	return TOP - i * apart;
}

static void map(u32 i, u32 lin, u32 frame)
{
	table[i][lin >> 12 & 1023] = frame | P | U;
}

static void put(u32 at, const void *bytes, u32 n)
{
	for (u32 i = 0; i < n; i++)
		((volatile u8 *)at)[i] = ((const u8 *)bytes)[i];
}

static void prepare(void)
{
	/* call +0; pop eax; int 0x90 */
	static const u8 where[] = {0xe8, 0, 0, 0, 0, 0x58, 0xcd, 0x90};
	/* mov eax, i; ret */
	u8 number[] = {0xb8, 0, 0, 0, 0, 0xc3};

	put(CODE, where, sizeof(where));
	for (u32 i = 0; i < SPACES; i++) {
		number[1] = (u8)(0x30 + i);
		put(OWN + i * 4096, number, sizeof(number));
		for (u32 k = 0; k < 1024; k++)
			directory[i][k] = ((u32 *)get_cr3())[k];
		directory[i][AREA >> 22] = (u32)table[i] | P | W | U;
		map(i, place(i), CODE);
		map(i, SAME, OWN + i * 4096);
	}
}

static u32 go(u32 space, u32 code, u32 ebx)
{
	struct state s = at(3, code);

	s.ebx = ebx;
	set_cr3((u32)directory[space]);
	run(&s);
	if (s.vec != END)
		print("(stopped by %b at %x)", s.vec, s.eip);
	return s.eax;
}

static void each(void)
{
	u32 jump = FRAG("jmp ebx"), call = FRAG("call ebx\nmov ecx, eax"),
	    direct = FRAG("mov eax, 0x2010000\ncall 0x2010000");

	prepare();
	for (u32 round = 0; round < 3; round++) {
		print("a page of many addresses:");
		for (u32 i = 0; i < SPACES; i++)
			print(" %x", go(i, jump, place(i)));
		print("\nan address of many pages:");
		for (u32 i = 0; i < SPACES; i++)
			print(" %b", go(i, call, SAME));
		print("\nthe same by a direct call:");
		for (u32 i = SPACES; i-- > 0;)
			print(" %b", go(i, direct, 0));
		print("\n");
	}
	for (u32 i = 0; i < SPACES; i++) {
		table[i][place(i) >> 12 & 1023] = 0;
		map(i, place(i) ^ 0x8000, CODE);
	}
	print("moved:");
	for (u32 i = 0; i < SPACES; i++)
		print(" %x", go(i, jump, place(i) ^ 0x8000));
	print("\nwhere they were:");
	for (u32 i = 0; i < SPACES; i++)
		print(" %x", go(i, jump, place(i)));
	print("\n");
}

void test(void)
{
	paging_on();
	for (apart = 0x40000; apart <= 0x80000; apart *= 2) {
		print("%x apart\n", apart);
		each();
	}
}
