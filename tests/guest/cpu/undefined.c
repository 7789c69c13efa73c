/* SPDX-License-Identifier: GPL-3.0-or-later */
/* #UD: what no processor of this kind decodes, LOCK where it is not allowed,
 * memory or register forms that do not exist, instructions that protected
 * mode lacks; the limit of 15 bytes (#GP); prefixes that are redundant, in
 * any order, and which of two wins. */
#include "rt.h"

u32 datum = 0x01020304;

static void all(void)
{
	TRY(0, "ud2");
	TRY(3, "ud2");
	TRY(0, ".byte 0x0f, 0xb9, 0xc0");
	TRY(0, ".byte 0x0f, 0xff, 0xc0");
	TRY(0, ".byte 0x0f, 0x04");
	TRY(0, ".byte 0x0f, 0x0a");
	TRY(0, ".byte 0xfe, 0xd0");
	TRY(0, ".byte 0xff, 0xf8");
	TRY(0, ".byte 0x8f, 0xc8");
	TRY(0, ".byte 0xc6, 0xc8, 1");
	TRY(0, ".byte 0x8d, 0xc0");
	TRY(0, ".byte 0xc4, 0xc0, 0, 0");
	TRY(0, ".byte 0x62, 0xc0");
	TRY(0, ".byte 0x0f, 0xba, 0xc0, 1");
	TRY(0, ".byte 0x0f, 0xc7, 0xc8");
	TRY(0, ".byte 0x0f, 0x01, 0xf8");
	TRY(0, ".byte 0x8e, 0xc8");
	TRY(0, ".byte 0x8e, 0xf0");
	TRY(0, ".byte 0x8c, 0xf8");
	TRY(0, ".byte 0x0f, 0x20, 0xc8");
	TRY(0, ".byte 0x0f, 0x22, 0xe8");
	TRY(0, ".byte 0x0f, 0x24, 0xc0");
	TRY(0, ".byte 0x0f, 0xb2, 0xc4");
	TRY(0, ".byte 0x0f, 0xb4, 0xc4");
	TRY(0, ".byte 0x0f, 0xae, 0xc0");
	TRY(0, ".byte 0x0f, 0xc3, 0xc0");
	TRY(0, ".byte 0xd9, 0xd1");
	TRY(0, ".byte 0xdb, 0xe5");
	TRY(0, ".byte 0xdf, 0xfc");
	TRY(0, "rsm");
}

static void locks(void)
{
	TRY(0, ".byte 0xf0; nop");
	TRY(0, ".byte 0xf0; mov eax, ecx");
	TRY(0, ".byte 0xf0; add eax, ecx");
	TRY(0, ".byte 0xf0; add eax, [datum]");
	TRY(0, ".byte 0xf0; add dword ptr [datum], 0");
	TRY(0, ".byte 0xf0; cmp dword ptr [datum], 0");
	TRY(0, ".byte 0xf0; mov dword ptr [datum], eax");
	TRY(0, ".byte 0xf0; test dword ptr [datum], eax");
	TRY(0, ".byte 0xf0; bt dword ptr [datum], eax");
	TRY(0, ".byte 0xf0; bts dword ptr [datum], 0");
	TRY(0, ".byte 0xf0; push eax");
	TRY(0, ".byte 0xf0; jmp . + 2");
	TRY(0, ".byte 0xf0; cli");
	TRY(0, ".byte 0xf0; in al, dx");
	TRY(3, ".byte 0xf0; hlt");
	TRY(0, ".byte 0xf0; shl dword ptr [datum], 1");
	TRY(0, ".byte 0xf0; imul eax, [datum]");
	TRY(0, ".byte 0xf0; neg dword ptr [datum]");
	TRY(0, ".byte 0xf0; neg eax");
	TRY(0, ".byte 0xf0; xchg [datum], eax");
	TRY(0, ".byte 0xf0; xchg ecx, eax");
	TRY(0, ".byte 0xf0; movsb");
	TRY(0, ".byte 0xf0; fnop");
	TRY(0, ".byte 0xf0; int3");
	TRY(0, ".byte 0xf0; movups xmm0, [datum]");
	TRY(0, ".byte 0xf0; cmpxchg8b [datum]");
	TRY(0, ".byte 0xf0; xadd [datum], ecx");
	TRY(0, ".byte 0xf0; dec byte ptr [datum]");
	TRY(0, ".byte 0xf0; not eax");
	print("word %x\n", datum);
}

static void lengths(void)
{
	datum = 5;
	TRY(0, ".fill 14, 1, 0x3e; nop");
	TRY(0, ".fill 15, 1, 0x3e; nop");
	TRY(0, ".fill 20, 1, 0x66; nop");
	TRY(0, ".fill 5, 1, 0x3e; add dword ptr [datum], 0x11223344");
	TRY(0, ".fill 6, 1, 0x3e; add dword ptr [datum], 0x11223344");
	print("word %x\n", datum);
}

static void prefixes(void)
{
	TRY(0, ".byte 0x66, 0x66, 0x66; .byte 0xb8, 1, 2");
	TRY(0, ".byte 0x66, 0xf3; nop; nop");
	TRY(0, ".byte 0xf3; mov eax, ecx");
	TRY(0, ".byte 0xf2; mov eax, ecx");
	TRY(0, ".byte 0x2e, 0x3e; mov eax, [datum]");
	TRY(0, ".byte 0x26, 0x66, 0x2e, 0x67; .byte 0xb8, 1, 2");
	TRY(0, ".byte 0xf2, 0xf3; .byte 0x0f, 0x10, 0x05; .long datum"); /* movss */
	TRY(0, ".byte 0xf3, 0xf2; .byte 0x0f, 0x2d, 0x05; .long datum");
	TRY(0, ".byte 0x66, 0xf3; .byte 0x0f, 0x2d, 0x05; .long datum");
	TRY(0, ".byte 0x67, 0x67; xchg esi, edi");
	TRY(0, ".byte 0x67; jecxz . + 2");
	TRY(0, ".byte 0x3e; je . + 4; inc eax; inc eax");
	TRY(0, ".byte 0x2e; jne . + 4; inc eax; inc eax");
	TRY(0, ".byte 0x66; nop; .byte 0x66, 0x90");
}

void test(void)
{
	set_cr4(get_cr4() | 0x600);
	all();
	locks();
	lengths();
	prefixes();
}
