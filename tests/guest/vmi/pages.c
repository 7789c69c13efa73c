/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls about page tables: what stores and what does not, what a TLB may
 * remember and what must be seen, flags that lie, tables nobody announced,
 * and PAE switched on while paging is on. */
#include "tests/guest/vmi/vmi.h"

enum { SEEN = 0x1900000, ONE = 0x1800000, TWO = 0x1801000, GLOBAL = 0x1902000 };
enum { PT = 1, PD = 2, PDP = 4, PAE = 0x10, CLONE = 0x20, ZEROED = 0x40,
       CURRENT = 0x10, DEFER = 0x20 };
enum { CR4_PGE = 0x80, CR4_PAE = 0x20, CR4_PSE = 0x10 };

static void see(const char *what)
{
	print("%s: %x\n", what, peek(SEEN));
}

static void set(u32 entry, u32 flags)
{
	vmi(SetPxE, entry, (u32)pte(SEEN), flags);
}

static void stores(void)
{
	set(ONE | P | W, PT);
	print("stored: %x\n", *pte(SEEN));
	vmi(InvalPage, SEEN, 0, 0);
	see("set and invalidated");
	set(TWO | P | W, PT | CURRENT | DEFER | SEEN);
	print("stored though it may wait: %x\n", *pte(SEEN));
	vmi(InvalPage, SEEN, 0, 0);
	see("the same");
	set(0, PT | CURRENT | SEEN);
	vmi(FlushTLB, 1, 0, 0);
	VMI(0, "mov ebx, [0x1900000]");
	set(ONE | P | W, PT | CURRENT | SEEN); /* was absent: no flush needed */
	see("present now");
	*pte(SEEN) = TWO | P | W;
	vmi(UpdatePxE, (u32)pte(SEEN), PT, 0);
	print("updated, not stored: %x\n", *pte(SEEN));
	vmi(InvalPage, SEEN, 0, 0);
	see("updated");
	vmi(UpdatePxE, 0x3000000, PT, 0);
	vmi(UpdatePxELong, 0x3000000, PT, 0);
	print("an update reads nothing\n");
}

static void silent(void)
{
	*pte(SEEN) = ONE | P | W;
	vmi(InvalPage, SEEN, 0, 0);
	see("silent, InvalPage");
	*pte(SEEN) = TWO | P | W;
	vmi(FlushTLB, 1, 0, 0);
	see("silent, FlushTLB 1");
	*pte(SEEN) = ONE | P | W;
	vmi(FlushTLB, 3, 0, 0);
	see("silent, FlushTLB 3");
	*pte(SEEN) = TWO | P | W;
	vmi(FlushTLB, 2, 0, 0);
	see("silent, FlushTLB 2");
	*pte(SEEN) = ONE | P | W;
	vmi(SetCR3, (u32)vmi(GetCR3, 0, 0, 0), 0, 0);
	see("silent, SetCR3");
}

static void writable(void)
{
	set(ONE | P, PT | CURRENT | SEEN);
	vmi(InvalPage, SEEN, 0, 0);
	vmi(SetCR0, get_cr0() | 0x10000, 0, 0);
	VMI(0, "mov dword ptr [0x1900000], 1");
	set(ONE | P | W, PT | CURRENT | SEEN);
	VMI(0, "mov dword ptr [0x1900000], 0x11111111");
	print("accessed and dirty: %x\n", *pte(SEEN) & 0xfff);
	VMI(3, "mov ebx, [0x1900000]");
	set(ONE | P | W | U, PT | CURRENT | SEEN);
	VMI(3, "mov ebx, [0x1900000]");
}

/* Global pages outlive FlushTLB 1, not 3.  What may be stale is not shown:
 * a TLB may forget. */
static void global(void)
{
	vmi(SetCR4, get_cr4() | CR4_PGE, 0, 0);
	*pte(GLOBAL) = ONE | P | W | G;
	vmi(FlushTLB, 3, 0, 0);
	print("global: %x\n", peek(GLOBAL));
	*pte(GLOBAL) = TWO | P | W | G;
	vmi(FlushTLB, 1, 0, 0);
	print("stale or not: %d\n", peek(GLOBAL) == peek(ONE) ||
					    peek(GLOBAL) == peek(TWO));
	vmi(FlushTLB, 3, 0, 0);
	print("FlushTLB 3: %x, PGE still %d\n", peek(GLOBAL),
	      !!(get_cr4() & CR4_PGE));
	*pte(GLOBAL) = ONE | P | W | G;
	vmi(InvalPage, GLOBAL, 0, 0);
	print("InvalPage: %x\n", peek(GLOBAL));
	vmi(FlushTLB, 0, 0, 0);
	vmi(FlushTLB, 0xfffffffc, 0, 0);
}

/* Pages are announced wrongly, twice, never; modes nest. */
static void hints(void)
{
	u32 frame = (u32)pte(SEEN) >> 12;

	vmi(SetLinearMapping, 0, 0, 0x10000);
	vmi(SetLinearMapping, 77, 0, 0);
	vmi5(VMI_SetLinearMapping, 3, 0xfffff000, 0xffffffff, 0xffffffff, 0);
	vmi(AllocatePage, frame, PT | ZEROED, 0); /* it has contents */
	print("not zeroed: %d\n", *pte(SEEN) != 0);
	vmi(AllocatePage, frame, PT | ZEROED, 0);
	vmi5(VMI_AllocatePage, frame, PD | CLONE | ZEROED, 0xffffffff, 1023, 0xffffffff);
	vmi5(VMI_AllocatePage, 0xffffffff, ~0u, 0xffffffff, ~0u, ~0u);
	vmi(AllocatePage, 0xc8, PT, 0);
	vmi(AllocatePage, 0xfee00, PD, 0);
	vmi(ReleasePage, 0xffffffff, PT, 0);
	vmi(SetLazyMode, 1, 0, 0);
	vmi(SetLazyMode, 2, 0, 0);
	vmi(SetLazyMode, 1, 0, 0);
	vmi(SetLazyMode, 0xffffffff, 0, 0);
	set(TWO | P | W, PT | DEFER);
	vmi(InvalPage, SEEN, 0, 0);
	see("lazy, InvalPage");
	set(ONE | P | W, PD | PDP | DEFER);
	vmi(FlushTLB, 1, 0, 0);
	see("lazy, FlushTLB");
	set(0, PT | DEFER);
	vmi(FlushTLB, 3, 0, 0);
	set(TWO | P | W, PT | DEFER);
	see("lazy, a page fault");
	vmi(SetLazyMode, 0, 0, 0);
	vmi(ReleasePage, frame, PT, 0);
	vmi(ReleasePage, frame, PT, 0);
	set(ONE | P | W, 0);
	vmi(InvalPage, SEEN, 0, 0);
	see("released, still in use");
}

/* A page that stops being a page table and is one again elsewhere. */
static void another_table(void)
{
	static u32 table[1024] __attribute__((aligned(4096)));

	for (u32 i = 0; i < 1024; i++)
		table[i] = (ONE + (i & 1) * 4096) | P | W | U;
	vmi(AllocatePage, (u32)table >> 12, PT | ZEROED, 0);
	vmi(SetPxE, (u32)table | P | W | U, (u32)pde(0x2000000), PD);
	print("announced: %x %x\n", peek(0x2000000), peek(0x2001000));
	vmi(SetPxE, 0, (u32)pde(0x2000000), PD);
	vmi(FlushTLB, 1, 0, 0);
	vmi(ReleasePage, (u32)table >> 12, PT, 0);
	VMI(0, "mov ebx, [0x2000000]");
	fill(table, 0x5a, 4096); /* data now */
	for (u32 i = 0; i < 1024; i++)
		table[i] = (TWO - (i & 1) * 4096) | P | W | U;
	vmi(SetPxE, (u32)table | P | W | U, (u32)pde(0x2400000), PD);
	print("never announced: %x %x\n", peek(0x2400000), peek(0x2401000));
	vmi(SetCR4, get_cr4() | CR4_PSE, 0, 0);
	vmi(SetPxE, 0x1800000 | P | W | PS, (u32)pde(0x2800000), PT); /* a lie */
	print("a large page: %x\n", peek(0x2801000));
}

/* Two address spaces, all of whose tables are announced: what is said of the
 * one that is not in use is seen when it is.  What is not said may come to
 * light at the flush after that. */
static void spaces(void)
{
	static u32 other[1024] __attribute__((aligned(4096)));
	static u32 table[2][1024] __attribute__((aligned(4096)));
	u32 first = get_cr3(), *home = (u32 *)first, lin = 0x2c00000;
	u32 *entry = &table[0][0];

	for (u32 i = 0; i < 1024; i++) {
		other[i] = home[i];
		if ((home[i] & (P | PS)) == P)
			vmi(AllocatePage, home[i] >> 12, PT | ZEROED, 0);
	}
	table[0][0] = table[0][1] = ONE | P | W | U;
	table[1][0] = table[1][1] = TWO | P | W | U;
	vmi(AllocatePage, (u32)table[0] >> 12, PT | ZEROED, 0);
	vmi(AllocatePage, (u32)table[1] >> 12, PT | ZEROED, 0);
	vmi(AllocatePage, first >> 12, PD | ZEROED, 0);
	vmi5(VMI_AllocatePage, (u32)other >> 12, PD | CLONE | ZEROED, first >> 12, 768, 256);
	vmi(SetPxE, (u32)table[0] | P | W | U, (u32)&other[lin >> 22], PD);
	for (u32 i = 0; i < 3; i++) { /* so that all of it is trusted */
		vmi(SetCR3, (u32)other, 0, 0);
		print("%x %x\n", peek(lin), peek(lin + 0x1000));
		vmi(SetCR3, first, 0, 0);
	}
	vmi(SetPxE, TWO | P | W | U, (u32)entry, PT);
	vmi(SetCR3, (u32)other, 0, 0);
	print("set from elsewhere: %x\n", peek(lin));
	vmi(SetCR3, first, 0, 0);
	*entry = ONE | P | W | U;
	vmi(UpdatePxE, (u32)entry, PT, 0);
	vmi(SetCR3, (u32)other, 0, 0);
	print("updated from elsewhere: %x\n", peek(lin));
	vmi(SetCR3, first, 0, 0);
	*entry = TWO | P | W | U;
	vmi(SetCR3, (u32)other, 0, 0);
	vmi(FlushTLB, 1, 0, 0);
	print("silent, and FlushTLB there: %x\n", peek(lin));
	vmi(SetCR3, first, 0, 0);
	vmi(SetCR3, (u32)other, 0, 0);
	vmi(SetCR3, first, 0, 0);
	*entry = ONE | P | W | U;
	vmi(SetCR3, (u32)other, 0, 0);
	vmi(SetCR3, (u32)other, 0, 0);
	print("silent, and the same CR3 again: %x\n", peek(lin));
	vmi(SetCR3, first, 0, 0);
	vmi(SetCR3, (u32)other, 0, 0);
	vmi(SetCR3, first, 0, 0);
	vmi(SetPxE, (u32)table[1] | P | W | U, (u32)&other[lin >> 22], PD);
	vmi(SetCR3, (u32)other, 0, 0);
	print("another table: %x\n", peek(lin));
	vmi(SetCR3, first, 0, 0);
	vmi(SetCR3, (u32)other, 0, 0);
	vmi(SetCR3, first, 0, 0);
	vmi(ReleasePage, (u32)table[1] >> 12, PT, 0);
	table[1][0] = ONE | P | W | U;
	vmi(SetCR3, (u32)other, 0, 0);
	print("a table that was released: %x\n", peek(lin));
	vmi(SetCR3, first, 0, 0);
	table[1][0] = TWO | P | W | U;
	vmi(SetCR3, (u32)other, 0, 0);
	print("and once more: %x\n", peek(lin));
	vmi(SetCR3, first, 0, 0);
}

static void bad_pointers(void)
{
	VMI(0, "mov edx, 0x3000000; vmi SetPxE");
	VMI(0, "mov ecx, 0x3000000; push 0; vmi SetPxELong; pop eax");
	VMI(0, "mov ecx, 0x1fffffc; push 0; vmi SetPxELong; pop eax");
	print("the first half: %x\n", peek(0x1fffffc));
	VMI(0, "mov ecx, 0x1ffff00; mov esp, 0x2000000; vmi SetPxELong");
	VMI(0, "mov edx, 0xc8080; vmi SetPxE"); /* the ROM itself */
	print("the ROM is %x\n", peek(0xc8080));
	VMI(0, "mov eax, 0x3000000; vmi InvalPage");
	VMI(0, "mov eax, 0xffffffff; vmi InvalPage");
	VMI(0, "mov esp, 0x2000000; xor eax, eax; vmi SetLinearMapping");
}

/* 2 MiB pages below 32 MiB; the directory's pointers lie in the live
 * two-level directory, as Linux has it. */
static void pae(void)
{
	static u64 directory[512] __attribute__((aligned(4096)));
	static u64 table[512] __attribute__((aligned(4096)));
	u32 top = (u32)pde(0x80000000);
	struct state reserved;

	for (u32 i = 0; i < 16; i++)
		vmi5(VMI_SetPxELong, i << 21 | P | W | U | PS, 0,
		     (u32)&directory[i], PD | PAE, 0);
	vmi5(VMI_SetPxELong, (u32)table | P | W | U, 0, (u32)&directory[20], PD, 0);
	vmi5(VMI_SetPxELong, ONE | P | W | U, 0, (u32)&table[0], PT, 0);
	vmi5(VMI_SetPxELong, (u32)directory | P, 0, top, PDP, 0);
	for (u32 i = 1; i < 4; i++)
		vmi5(VMI_SetPxELong, 0, 0, top + 8 * i, PDP, 0);
	vmi(SetCR3, top, 0, 0);
	print("still two levels: %d\n", peek(0x2801000) == peek(TWO));
	vmi(SetCR4, get_cr4() | CR4_PAE, 0, 0);
	print("PAE: %x, cr3 is top %d\n", peek(0x2800000),
	      (u32)vmi(GetCR3, 0, 0, 0) == top);
	VMI(0, "mov ebx, [0x2801000]");
	vmi5(VMI_SetPxELong, TWO | P | W | U, 0, (u32)&table[1], PT | CURRENT | 0x2801000, 0);
	VMI(0, "mov ebx, [0x2801000]");
	print("64 bits: %x %x\n", (u32)(table[1] >> 32), (u32)table[1] & ~0x60);
	table[1] = ONE | P | W | U;
	vmi(UpdatePxELong, (u32)&table[1], PT | CURRENT | 0x2801000, 0);
	vmi(InvalPage, 0x2801000, 0, 0);
	print("updated: %x\n", peek(0x2801000));
	vmi5(VMI_SetPxELong, (u32)directory | P, 0, top + 8, PDP, 0);
	vmi(SetCR3, (u32)vmi(GetCR3, 0, 0, 0), 0, 0);
	print("another pointer: %x\n", peek(0x42800000));
	for (u32 what = 1; what <= 3; what++) { /* any flush loads the pointers */
		vmi5(VMI_SetPxELong, 0, 0, top + 8, PDP, 0);
		vmi(FlushTLB, what, 0, 0);
		VMI(0, "mov ebx, [0x42800000]");
		vmi5(VMI_SetPxELong, (u32)directory | P, 0, top + 8, PDP, 0);
		vmi(FlushTLB, what, 0, 0);
		print("after FlushTLB %d: %x\n", what, peek(0x42800000));
	}
	vmi5(VMI_SetPxELong, (u32)directory | P | W, 0, top + 16, PDP, 0);
	VMI(0, "mov eax, 1; vmi FlushTLB");
	VMI(0, "mov eax, 3; vmi FlushTLB");
	reserved = at(0, patch(FRAG("vmi GetCR3; vmi SetCR3")));
	run(&reserved);
	print("a reserved bit: vector %b\n", reserved.vec);
}

void test(void)
{
	find_rom(true);
	paging_on();
	poke(ONE, 0x11111111);
	poke(TWO, 0x22222222);
	print("stores\n");
	stores();
	print("silent writes\n");
	silent();
	print("rights\n");
	writable();
	print("global pages\n");
	global();
	print("hints\n");
	hints();
	print("other tables\n");
	another_table();
	print("spaces\n");
	spaces();
	print("bad pointers\n");
	bad_pointers();
	print("PAE\n");
	pae();
}
