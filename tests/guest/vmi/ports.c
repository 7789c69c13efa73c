/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls about ports, single and repeated, in all sizes.  Port e9h prints,
 * cf8h keeps a dword, 3ffh (a UART's scratch register) a byte. */
#include "tests/guest/vmi/vmi.h"

enum { DATA = 0x1800000, NEXT = DATA + 0x1000, SCRATCH = 0x3ff };

static void single(void)
{
	VMI(0, "mov edx, 0xcf8; mov eax, 0x80001234; vmi OUTL; xor eax, eax; vmi INL");
	VMI(0, "mov edx, 0xcf8; vmi INW; mov ebx, eax; vmi INB");
	VMI(0, "mov edx, 0xcfa; mov eax, -1; vmi INW");
	VMI(0, "mov edx, 0x3ff; mov eax, 0x1234565a; vmi OUTB; mov eax, -1; vmi INB");
	VMI(0, "mov edx, 0x3fe; mov eax, 0xa500; vmi OUTW; inc edx; vmi INB");
	VMI(0, "mov edx, 0x5555; vmi INL; mov ebx, eax; xor eax, eax; vmi INW; mov esi, eax; xor eax, eax; vmi INB");
	VMI(0, "mov edx, 0x12343fe; vmi INW; mov eax, 0"); /* 16 bits of edx */
	BARE("mov edx, 0x3ff; mov eax, 0x33; vmi OUTB; xor eax, eax; vmi INB");
	VMI(3, "mov edx, 0x3ff; vmi INB");
	VMI(3, "mov edx, 0x3ff; vmi OUTB");
}

static void in_strings(void)
{
	out8(SCRATCH, 0x42);
	fill((void *)DATA, 0, 32);
	VMI(0, "mov edi, 0x1800000; mov edx, 0x3ff; mov ecx, 5; vmi INSB");
	dump("bytes", (void *)DATA, 8);
	VMI(0, "mov edi, 0x1800000; mov edx, 0xcf8; mov ecx, 3; vmi INSW");
	dump("words", (void *)DATA, 8);
	VMI(0, "mov edi, 0x1800000; mov edx, 0xcf8; mov ecx, 2; vmi INSL");
	dump("dwords", (void *)DATA, 12);
	VMI(0, "mov edi, 0x1800000; mov edx, 0x3ff; xor ecx, ecx; vmi INSB");
	VMI(0, "mov edi, 0x1800007; mov edx, 0x3ff; mov ecx, 2; std; vmi INSB; cld");
	dump("backwards", (void *)DATA, 12);
	BARE("mov edi, 0x1800000; mov edx, 0x3ff; mov ecx, 2; vmi INSB");
	VMI(0, "mov edi, 0x1800000; mov edx, 0x3ff; mov ecx, 70000; vmi INSB");
	VMI(3, "mov edx, 0x3ff; mov ecx, 1; vmi INSB");
}

static void out_strings(void)
{
	static const char text[] = "bytes, and then\n";

	for (u32 i = 0; i < sizeof(text); i++)
		((u8 *)DATA)[i] = (u8)text[i];
	VMI(0, "mov esi, 0x1800000; mov edx, 0xe9; mov ecx, 16; vmi OUTSB");
	poke(DATA, 0x80005678);
	VMI(0, "mov esi, 0x1800000; mov edx, 0xcf8; mov ecx, 1; vmi OUTSL; vmi INL");
	poke(DATA, 0x0a004100);
	VMI(0, "mov esi, 0x1800000; mov edx, 0xe8; mov ecx, 2; vmi OUTSW"); /* to e9h: the upper byte */
	BARE("mov esi, 0x1800000; mov edx, 0xe9; mov ecx, 2; vmi OUTSB");
	VMI(0, "mov esi, 0x1800000; mov edx, 0xe9; xor ecx, ecx; vmi OUTSB");
	VMI(3, "mov edx, 0xe9; mov ecx, 1; vmi OUTSB");
}

/* A page is missing in the middle; the call goes on when it is there. */
static void middle(const char *name, u32 code, u32 esi, u32 edi, u32 port, u32 count)
{
	struct state from = at(0, code), s;

	from.esi = esi;
	from.edi = edi;
	from.edx = port;
	from.ecx = count;
	s = from;
	*pte(NEXT) = 0;
	invlpg(NEXT);
	run(&s);
	print("%s stops at vector %b, count %d, cr2 %x, in the stub %d\n", name, s.vec, s.ecx, s.cr2,
	      s.eip == stub[esi ? VMI_OUTSB : VMI_INSW]);
	*pte(NEXT) = NEXT | P | W | U;
	run(&s);
	show("   then", &from, &s);
}

static void interrupted(void)
{
	static const char text[] = "over the border\n";

	for (u32 i = 0; i < sizeof(text); i++)
		((u8 *)NEXT)[(int)i - 5] = (u8)text[i];
	middle("OUTSB", patch(FRAG("vmi OUTSB")), NEXT - 5, 0, 0xe9, 16);
	middle("INSW", patch(FRAG("vmi INSW")), 0, NEXT - 6, 0xcf8, 6);
	dump("words", (void *)(NEXT - 8), 16);
}

void test(void)
{
	find_rom(true);
	paging_on();
	print("single\n");
	single();
	print("in\n");
	in_strings();
	print("out\n");
	out_strings();
	print("page faults\n");
	interrupted();
}
