/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ROM: its headers field by field, what it answers to relocation queries
 * and that it answers so for ever and wherever it is mapped. */
#include "tests/guest/vmi/vmi.h"

static u32 word(u32 at)
{
	return peek(at) & 0xffff;
}

static u8 sum(u32 at, u32 len)
{
	u8 s = 0;

	while (len--)
		s += *(u8 *)at++;
	return s;
}

static void headers(void)
{
	u32 pci = rom + word(rom + 0x18), pnp = rom + word(rom + 0x1a);
	u32 size = *(u8 *)(rom + 2) * 512;

	print("aligned %x, in the hole of adapters %d\n", rom & 0x7ff,
	      rom >= 0xc8000 && rom + size <= 0xe0000);
	dump("header", (void *)rom, 0x20);
	print("sum %b, entry %b\n", sum(rom, size), *(u8 *)(rom + 3));
	dump("vmi_init", (void *)(rom + 0x80), 8);
	print("licence %s\n", (char *)(rom + word(rom + 0x16)));
	dump("pci", (void *)pci, 24);
	dump("pnp", (void *)pnp, 32);
	print("pnp sum %b, by %s: %s\n", sum(pnp, *(u8 *)(pnp + 5) * 16),
	      (char *)(rom + word(pnp + 0x0e)), (char *)(rom + word(pnp + 0x10)));
}

static void relocations(u32 base)
{
	static const u32 odd[] = {VMI_CALLS, 75, 0xff, 0x100, 0x10000, 0x80000000,
				  0x8000001d, 0xffffffff};
	u32 outside = 0;

	print("answers:");
	for (u32 i = 0; i < VMI_CALLS; i++) {
		u64 r = reloc(i);

		print(" %d", (u32)(r >> 32));
		outside += (r >> 32) == 1 && (u32)r - base >= 0x1000;
	}
	print("\n%d not in the ROM\n", outside);
	for (u32 i = 0; i < sizeof(odd) / 4; i++) {
		u64 r = reloc(odd[i]);

		print("%x: type %x at %x\n", odd[i], (u32)(r >> 32), (u32)r);
	}
}

/* All that get_reloc and vmi_init may change is eax, edx, ecx, flags. */
static void clobbers(void)
{
	u32 init = FRAG("mov ebx, rom; add ebx, 0x80; call ebx"),
	    ask = FRAG("mov ebx, rom; add ebx, 0x88; mov eax, 33; call ebx; sub eax, rom");

	go("get_reloc", at(0, ask));
	go("vmi_init", at(0, init));
	go("vmi_init again", at(0, init));
	go("get_reloc", at(0, ask));
}

static void written(void)
{
	u32 before = peek(rom + 0x80);

	poke(rom + 0x80, 0x12345678);
	poke(stub[VMI_IRET], 0xcccccccc);
	print("a store changes it: %d %d\n", peek(rom + 0x80) != before,
	      peek(stub[VMI_IRET]) == 0xcccccccc);
}

/* Position-independent, and there under any CR3. */
static void elsewhere(void)
{
	u32 old = rom, code;

	paging_on();
	*pte(0x1900000) = rom | P | W | U;
	invlpg(0x1900000);
	rom = 0x1900000;
	relocations(rom);
	code = (u32)reloc(VMI_GetInterruptMask);
	asm volatile("call *%1" : "=a"(code) : "0"(code) : "ecx", "edx");
	print("a call there: %x\n", code);
	*pte(0x1900000) = 0x1800000 | P | W | U;
	invlpg(0x1900000);
	rom = old;
	VMI(0, "vmi GetInterruptMask");
}

/* What is no call is no instruction; from ring 3 nothing is. */
static void strangers(void)
{
	fill((void *)0x1800000, 0xcc, 64);
	for (u32 i = 0; i < 8; i++)
		*(u8 *)(0x1800000 + i) = *(u8 *)(stub[VMI_GetCR0] + i);
	go("a copy of a stub", at(0, FRAG("mov ebx, 0x1800000; call ebx")));
	VMI(3, "vmi GetCR0");
	VMI(3, "vmi GetInterruptMask");
	VMI(3, "vmi IRET");
	VMI(3, "mov edx, 0x1800000; vmi SetPxE");
	go("vmi_init", at(3, FRAG("mov ebx, 0xc8080; call ebx")));
	go("get_reloc", at(3, FRAG("mov ebx, 0xc8088; call ebx")));
}

void test(void)
{
	find_rom(false);
	headers();
	relocations(rom);
	print("before vmi_init:\n");
	VMI(0, "vmi GetInterruptMask");
	VMI(0, "mov eax, 1; vmi CancelAlarm");
	clobbers();
	written();
	strangers();
	elsewhere();
}
