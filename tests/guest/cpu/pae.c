/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PAE: execute-disable with its error code, reserved bits, accessed and
 * dirty bits, 2 MiB pages; directory pointers read only when CR3 is loaded
 * (and when CR0 or CR4 change paging); PAE switched on and off while paging
 * is on. */
#include "rt.h"

enum { PAGE = 0x1800000 };

static u64 pointers[4] __attribute__((aligned(32)));
static u64 pd[2][512] __attribute__((aligned(4096)));
static u64 pt[512] __attribute__((aligned(4096)));
static u32 flat[1024] __attribute__((aligned(4096)));
static u32 codes[4];

static void one(u32 kind, unsigned cpl)
{
	static const char *const names[] = {"read", "write", "execute"};
	struct state s = at(cpl, codes[kind]);

	s.ebx = PAGE + 0x120;
	run(&s);
	print(" %s%s:", names[kind], cpl ? " user" : "");
	if (s.vec == 14)
		print(" #PF %w cr2 %x", s.err, s.cr2);
	else
		print(s.vec == END ? " ok" : " vector %b", s.vec);
	print(" [%b %b]\n", (u32)pd[0][PAGE >> 21] & 0xff, (u32)pt[0] & 0xff);
}

static void combination(u64 dir, u64 entry)
{
	print("pde %x:%x pte %x:%x\n", (u32)(dir >> 32), (u32)dir,
	      (u32)(entry >> 32), (u32)entry);
	for (u32 i = 0; i < 6; i++) {
		pd[0][PAGE >> 21] = (dir & PS ? PAGE : (u32)pt) | dir;
		pt[0] = PAGE | entry;
		set_cr3((u32)pointers);
		one(i % 3, i / 3 ? 3 : 0);
	}
}

static void set_efer(u32 bits)
{
	asm volatile("wrmsr" ::"c"(0xc0000080), "a"(bits), "d"(0));
}

static void all_bits(void)
{
	static const u64 nx = 1ull << 63, high = 1ull << 58;

	for (u32 i = 0; i < 16; i++)
		combination((P | W | U) | (i & 8 ? nx : 0),
			    ((P | W | U) & ~(i & 4 ? W : 0) &
			     ~(i & 2 ? U : 0)) | (i & 1 ? nx : 0));
	combination(P | W | U | PS, 0);
	combination(P | W | U | PS | nx, 0);
	combination(P | W | U | PS | 1 << 13, 0);
	combination(P | U | PS, 0);
	combination(P | W | U, P | W | U | high);
	combination(P | W | U | high, P | W | U);
	combination(P | W | U, 0);
	combination(P | W | U, nx);
	combination(0, P | W | U);
}

/* What stands at 0xc0000000 + PAGE, as directory pointers change. */
static void pointer_rules(void)
{
	u32 there = 0xc0000000 + 0x1000000;

	pd[1][0x1000000 >> 21] = 0x1a00000 | P | W | PS;
	poke(0x1000000, 0x1111);
	poke(0x1a00000, 0x2222);
	pointers[3] = (u32)pd[0] | P;
	set_cr3((u32)pointers);
	print("pointers: %x", peek(there));
	pointers[3] = (u32)pd[1] | P;
	invlpg(there);
	print(", changed and invlpg: %x", peek(there));
	set_cr3((u32)pointers);
	print(", cr3 loaded: %x", peek(there));
	pointers[3] = (u32)pd[0] | P;
	set_cr0(get_cr0() ^ 8); /* TS: reads nothing */
	set_cr0(get_cr0() ^ 8);
	print(", cr0.ts: %x", peek(there));
	set_cr4(get_cr4() ^ 0x80);
	print(", cr4.pge: %x\n", peek(there));
	pointers[3] = 0;
	set_cr3((u32)pointers);
	struct state s = at(0, codes[0]);
	s.ebx = there;
	run(&s);
	print("pointer not present: vector %b error %w cr2 %x\n", s.vec,
	      s.err, s.cr2);
	pointers[3] = (u32)pd[0] | P | W; /* W is reserved here */
	s = at(0, FRAG("mov cr3, edx"));
	s.edx = (u32)pointers;
	run(&s);
	print("reserved bit in a pointer: vector %b error %w\n", s.vec, s.err);
	pointers[3] = 0;
}

static void switch_modes(void)
{
	for (u32 i = 0; i < 8; i++)
		flat[i] = i << 22 | P | W | U | PS;
	flat[PAGE >> 22] = 0x1400000 | P | W | PS;
	pd[0][PAGE >> 21] = PAGE | P | W | PS;
	poke(0x1400000, 0x5a5a);
	poke(PAGE, 0xa5a5);
	set_cr3((u32)pointers);
	print("pae %x", peek(PAGE));
	set_cr0(get_cr0() & 0x7fffffff);
	set_cr4((get_cr4() & ~0x20u) | 0x10);
	set_cr3((u32)flat);
	set_cr0(get_cr0() | 0x80000000);
	print(", two levels %x", peek(PAGE));
	print("\n");
}

/* CR3 points at a page that is both a two-level directory and, in its first
 * 32 bytes, four directory pointers.  The switch runs at 128 MiB, which the
 * one maps by its entry 32 and the other by its first pointer. */
static void switch_live(void)
{
	static u32 page[1024] __attribute__((aligned(4096)));
	static u64 first[512] __attribute__((aligned(4096)));

	for (u32 i = 0; i < 16; i++)
		first[i] = (u64)(i << 21 | P | W | U | PS);
	page[0] = (u32)first | P;
	page[32] = 0 | P | W | U | PS;
	first[0x8000000 >> 21] = 0 | P | W | U | PS;
	set_cr4((get_cr4() & ~0x20u) | 0x10);
	u32 code = FRAG(
		"mov cr3, edx; mov eax, cr4; or eax, 0x20; mov cr4, eax;"
		"mov ecx, [ebx]; and eax, ~0x20; mov cr4, eax; mov esi, [ebx];"
		"mov cr3, edi; jmp ebp");
	struct state s = at(0, code + 0x8000000);

	s.edx = (u32)page;
	s.edi = (u32)flat;
	s.ebx = 0x8100000;
	s.ebp = FRAG("nop"); /* where the trap is mapped again */
	flat[32] = 0 | P | W | U | PS;
	set_cr3((u32)flat);
	run(&s);
	print("pae on and off while paging: vector %b, same word %s %s\n",
	      s.vec, s.ecx == peek(0x100000) ? "yes" : "no",
	      s.esi == peek(0x100000) ? "yes" : "no");
}

void test(void)
{
	codes[0] = FRAG("cmp byte ptr [ebx], 0");
	codes[1] = FRAG("mov dword ptr [ebx], 0x90cd90cd");
	codes[2] = FRAG("jmp ebx");
	poke(PAGE + 0x120, 0x90cd90cd);
	for (u32 i = 0; i < 16; i++)
		pd[0][i] = (u64)(i << 21 | P | W | U | PS);
	pointers[0] = (u32)pd[0] | P;
	set_efer(0x800);
	set_cr4(get_cr4() | 0x20);
	set_cr3((u32)pointers);
	set_cr0(get_cr0() | 0x80010000);
	all_bits();
	set_efer(0);
	print("execute-disable switched off\n");
	combination(P | W | U, P | W | U);
	combination(P | W | U, P | W | U | 1ull << 63);
	pd[0][PAGE >> 21] = PAGE | P | W | U | PS;
	pointer_rules();
	switch_modes();
	switch_live();
}
