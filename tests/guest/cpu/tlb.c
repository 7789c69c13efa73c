/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must be seen after each kind of flush: INVLPG, a load of CR3, a change
 * of CR4.PGE, a change of CR0.WP or PG; global pages that outlive CR3; page
 * tables that map themselves; a directory that changes its shape.  Stale
 * answers are allowed before a flush, so nothing is printed there, but global
 * entries are kept apart: a page never flushed may show either frame. */
#include "rt.h"

enum { PAGE = 0x1800000, OTHER = 0x1802000, SELF = 0x3fc00000 };

static u32 second[1024] __attribute__((aligned(4096)));

static void words(const char *name)
{
	print("%s: %x\n", name, peek(PAGE));
}

static void plain(void)
{
	*pte(PAGE) = OTHER | P | W | U;
	invlpg(PAGE + 0x7ff);
	words("invlpg anywhere in the page");
	*pte(PAGE) = PAGE | P | W | U;
	set_cr3(get_cr3());
	words("cr3");
	*pte(PAGE) = OTHER | P | W | U;
	set_cr4(get_cr4() | 0x80);
	words("cr4.pge on");
	*pte(PAGE) = PAGE | P | W | U | G;
	invlpg(PAGE);
	words("invlpg, now global");
	*pte(PAGE) = OTHER | P | W | U | G;
	invlpg(PAGE);
	words("invlpg of a global page");
	*pte(PAGE) = PAGE | P | W | U | G;
	set_cr4(get_cr4() & ~0x80u);
	words("cr4.pge off");
	*pte(PAGE) = OTHER | P | W | U | G;
	set_cr3(get_cr3());
	words("cr3 with pge off");
	*pte(PAGE) = PAGE | P | W | U;
	set_cr0(get_cr0() & 0x7fffffff);
	set_cr0(get_cr0() | 0x80000000);
	words("cr0.pg");
}

static void rights(void)
{
	u32 write = FRAG("mov dword ptr [ebx], 0x33"), read = FRAG("cmp eax, [ebx]");
	struct state s;

	for (u32 i = 0; i < 6; i++) {
		static const u32 bits[] = {P | W, P, P | W | U, P | U, 0, P | W};

		*pte(PAGE) = PAGE | bits[i];
		invlpg(PAGE);
		for (u32 cpl = 0; cpl < 4; cpl += 3)
			for (u32 w = 0; w < 2; w++) {
				s = at(cpl, w ? write : read);
				s.ebx = PAGE;
				run(&s);
				print(" %b", s.vec == 14 ? s.err : s.vec);
			}
		print("\n");
	}
	set_cr0(get_cr0() | 0x10000);
	*pte(PAGE) = PAGE | P | U;
	invlpg(PAGE);
	s = at(0, write);
	s.ebx = PAGE;
	run(&s);
	print("wp on: %b", s.vec);
	set_cr0(get_cr0() & ~0x10000u);
	s = at(0, write);
	s.ebx = PAGE;
	run(&s);
	print(", off: %b", s.vec);
	set_cr0(get_cr0() | 0x10000);
	s = at(0, write);
	s.ebx = PAGE;
	run(&s);
	print(", on: %b\n", s.vec);
	set_cr0(get_cr0() & ~0x10000u);
	*pte(PAGE) = PAGE | P | W | U;
	invlpg(PAGE);
}

/* Absent to present needs no flush. */
static void appears(void)
{
	u32 read = FRAG("mov eax, [ebx]");
	struct state s;

	*pte(PAGE) = 0;
	invlpg(PAGE);
	s = at(0, read);
	s.ebx = PAGE;
	run(&s);
	print("absent: %b error %b", s.vec, s.err);
	*pte(PAGE) = OTHER | P;
	s.eip = read;
	run(&s);
	print(", present: %b eax %x\n", s.vec, s.eax);
}

/* Accessed and dirty cleared, flushed, used again. */
static void ages(void)
{
	*pte(PAGE) = PAGE | P | W;
	invlpg(PAGE);
	(void)peek(PAGE);
	print("read %b", *pte(PAGE) & 0xff);
	poke(PAGE, 0x1111);
	print(" written %b", *pte(PAGE) & 0xff);
	*pte(PAGE) &= ~(u32)(A | D);
	invlpg(PAGE);
	print(" cleared %b", *pte(PAGE) & 0xff);
	(void)peek(PAGE);
	print(" read %b", *pte(PAGE) & 0xff);
	*pte(PAGE) &= ~(u32)A;
	set_cr3(get_cr3());
	poke(PAGE, 0x1111);
	print(" written %b", *pte(PAGE) & 0xff);
	*pte(PAGE) &= ~(u32)D;
	set_cr3(get_cr3());
	(void)peek(PAGE);
	print(" clean, read %b", *pte(PAGE) & 0xff);
	poke(PAGE, 0x1111);
	print(" written %b\n", *pte(PAGE) & 0xff);
}

/* The last entry of the directory is the directory: tables are written
 * through their own mapping. */
static void self_map(void)
{
	u32 table = SELF + (PAGE >> 10);

	*pde(SELF) = get_cr3() | P | W;
	set_cr3(get_cr3());
	print("own entry read through itself: %x\n",
	      peek(SELF + (SELF >> 10)) == *pte(SELF + (SELF >> 10)));
	poke(table, OTHER | P | W);
	invlpg(PAGE);
	words("table written through the self map");
	poke(table, PAGE | P | W);
	set_cr3(get_cr3());
	words("and again, cr3");
	asm volatile("movl %0, (%1); movl %2, (%1); invlpg (%3); movl (%3), %0"
		     : "+r"(table) : "r"(table), "r"(OTHER | P | W), "r"(PAGE)
		     : "memory");
	print("in one block: %x\n", table);
	*pte(PAGE) = PAGE | P | W;
	invlpg(PAGE);
}

/* A second address space shares all but one page. */
static void spaces(void)
{
	u32 first = get_cr3();
	static u32 table[1024] __attribute__((aligned(4096)));

	for (u32 i = 0; i < 1024; i++) {
		second[i] = ((u32 *)first)[i];
		table[i] = pte(PAGE)[0 - (PAGE >> 12 & 1023) + i];
	}
	second[PAGE >> 22] = (u32)table | P | W | U;
	table[PAGE >> 12 & 1023] = OTHER | P | W;
	for (u32 i = 0; i < 3; i++) {
		set_cr3((u32)second);
		print("second %x", peek(PAGE));
		poke(PAGE, peek(PAGE) + 1);
		set_cr3(first);
		print(" first %x", peek(PAGE));
		table[PAGE >> 12 & 1023] = (i & 1 ? OTHER : OTHER + 0x1000) |
					   P | W;
	}
	print("\n");
	/* A table becomes a large page and a table again. */
	set_cr4(get_cr4() | 0x10);
	u32 was = *pde(PAGE);
	*pde(PAGE) = 0x1400000 | P | W | PS;
	set_cr3(first);
	poke(0x1400000, 0x4444);
	words("large");
	*pde(PAGE) = was;
	set_cr3(first);
	words("table again");
	*pde(PAGE) = 0x1400000 | P | W | PS;
	invlpg(PAGE);
	words("large, by invlpg");
	*pde(PAGE) = was;
	invlpg(PAGE);
	words("table again");
}

/* Code pages remapped under code that ran there. */
static void code(void)
{
	u8 *a = (u8 *)0x1804000, *b = (u8 *)0x1805000;
	struct state s;
	static const u32 how[] = {0, 1, 2, 0, 1};

	a[0] = b[0] = 0xb8;
	*(u32 *)(a + 1) = 0xaaaa;
	*(u32 *)(b + 1) = 0xbbbb;
	a[5] = b[5] = 0xcd;
	a[6] = b[6] = END;
	for (u32 i = 0; i < 5; i++) {
		*pte(0x1806000) = (u32)(i & 1 ? a : b) | P | W | U;
		if (how[i] == 0)
			invlpg(0x1806000);
		else if (how[i] == 1)
			set_cr3(get_cr3());
		else
			set_cr4(get_cr4() ^ 0x80);
		s = at(i & 1 ? 3 : 0, 0x1806000);
		run(&s);
		print("%x ", s.eax);
	}
	print("\n");
}

/* INVLPG of any address in a large page is for all of it, also for places
 * that were used when the address itself was not. */
static void large(void)
{
	u32 was = *pde(PAGE), there = PAGE + 0x5000;

	set_cr4(get_cr4() | 0x10);
	poke(0x1405000, 0x4444);
	poke(0x1c05000, 0x5555);
	*pde(PAGE) = 0x1400000 | P | W | PS;
	set_cr3(get_cr3());
	print("large: %x", peek(there));
	*pde(PAGE) = 0x1c00000 | P | W | PS;
	invlpg(PAGE + 0x300000);
	print(", invlpg elsewhere in it: %x\n", peek(there));
	*pde(PAGE) = was;
	set_cr3(get_cr3());
	set_cr4(get_cr4() & ~0x10u);
}

void test(void)
{
	paging_on();
	poke(PAGE, 0x1111);
	poke(OTHER, 0x2222);
	poke(OTHER + 0x1000, 0x3333);
	plain();
	rights();
	poke(PAGE, 0x1111);
	appears();
	ages();
	self_map();
	spaces();
	code();
	large();
}
