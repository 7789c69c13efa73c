/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Code that writes code, by every kind of store: the next instruction, a
 * later one of the same block, another block, through another mapping of the
 * page, across pages; and loops that count in their own immediates.  The
 * processor sees such stores at once (SDM 3A 11.6; through another linear
 * address after a serializing instruction, so those use one). */
#include "rt.h"

enum { AREA = 0x1800000, ALIAS = 0x1900000 };

static void exact(const char *name, unsigned cpl, u32 code)
{
	struct state from = at(cpl, code), s;

	from.ebx = AREA;
	from.edi = AREA + 1;
	from.ecx = 4;
	s = from;
	run(&s);
	print("%s: %b eax %x edx %x\n", name, s.vec, s.eax, s.edx);
}

#define EXACT(text)                                 \
	do {                                        \
		u32 code_ = FRAG(text);             \
		exact(text, 0, code_);              \
		exact("again, user", 3, code_);     \
	} while (0)

/* In the store's own block. */
static void same_block(void)
{
	EXACT("mov byte ptr [1f + 1], 0x77; 1: mov eax, 0x11; nop");
	EXACT("mov byte ptr [1f + 1], 0x66; nop; nop; inc edx; 1: mov eax, 0x11");
	EXACT("mov dword ptr [1f], 0x40404040; 1: dec eax; dec eax; dec eax; dec eax;"
	      "mov dword ptr [1b], 0x48484848");
	EXACT("xor edx, edx; mov ecx, 5; 1: add edx, 0x1; inc byte ptr [1b + 2];"
	      "dec ecx; jnz 1b; mov byte ptr [1b + 2], 1");
	EXACT("mov eax, 0x90904242; mov [1f], ax; 1: inc eax; inc ecx;"
	      "mov word ptr [1b], 0x4140");
	EXACT("lea edx, [1f]; mov eax, 0x05; 2: xchg [edx + 1], al; 1: add al, 0x3;"
	      "mov byte ptr [1b + 1], 3");
	EXACT("lea edx, [1f + 1]; lock inc byte ptr [edx]; 1: mov eax, 0x20;"
	      "mov byte ptr [edx], 0x20; mov edx, 0");
	EXACT("lea edi, [1f]; mov al, 0x42; mov ecx, 3; cld; rep stosb; 1: inc eax;"
	      "inc eax; inc eax; mov dword ptr [1b], 0xc7404040");
	EXACT("lea edi, [1f]; lea esi, [2f]; mov ecx, 5; cld; rep movsb;"
	      "1: mov eax, 1; jmp 3f; 2: mov eax, 0x99; 3: mov edx, 0;"
	      "mov dword ptr [1b + 1], 1");
	EXACT("lea edi, [1f]; lea esi, [2f]; movsd; 1: .byte 0x90, 0x90, 0x90, 0x90;"
	      "jmp 3f; 2: inc eax; inc eax; inc edx; inc edx; 3:"
	      "mov dword ptr [1b], 0x90909090");
	EXACT("mov ebp, esp; lea esp, [1f + 4]; mov eax, 0x90424290; push eax;"
	      "1: nop; inc eax; inc eax; nop; mov esp, ebp; mov dword ptr [1b], 0x90404090");
	EXACT("0: mov ebp, esp; nop; nop; nop; nop; lea esp, [0b + 6]; xor edx, edx;"
	      "call 1f; inc edx; jmp 2f; 1: mov eax, 7; ret; 2: mov esp, ebp;"
	      "mov dword ptr [0b + 2], 0x90909090");
	EXACT("0: mov ebp, esp; nop; nop; nop; nop; lea esp, [0b + 6]; mov edx, offset 1f;"
	      "call edx; jmp 2f; 1: mov eax, 8; ret; 2: mov esp, ebp; xor edx, edx;"
	      "mov dword ptr [0b + 2], 0x90909090");
	EXACT("lea edx, [1f + 1]; push 0x1234; pop dword ptr [edx]; 1: mov eax, 0x55555555;"
	      "mov dword ptr [edx], 0x55555555; mov edx, 0");
	EXACT("lea edx, [1f + 1]; fild dword ptr [2f]; fistp dword ptr [edx];"
	      "1: mov eax, 0x5; jmp 3f; 2: .long 0x4321; 3: mov dword ptr [edx], 5; xor edx, edx");
	EXACT("lea edx, [1f]; movsd xmm0, [2f]; movlps [edx], xmm0; 1: nop; nop; nop; nop; nop; nop; nop; nop;"
	      "jmp 3f; 2: inc eax; inc eax; inc eax; inc eax; inc eax; inc eax; inc eax; inc eax; 3:"
	      "mov dword ptr [1b], 0x90909090; mov dword ptr [1b + 4], 0x90909090; xor edx, edx");
	EXACT("bts dword ptr [1f + 1], 8; 1: mov eax, 0x1; btr dword ptr [1b + 1], 8");
	EXACT("mov eax, 0x1; mov edx, 0x3; cmpxchg [1f + 1], edx; 1: mov eax, 0x1;"
	      "mov dword ptr [1b + 1], 1");
	EXACT("setc [1f + 1]; 1: mov eax, 0x11; mov byte ptr [1b + 1], 0x11");
	EXACT("sgdt [1f + 1]; 1: .byte 0xa9; .long 0; .byte 0x66, 0x90;"
	      "xor eax, eax; mov dword ptr [1b + 1], 0; mov word ptr [1b + 5], 0x9066");
}

static void put(u32 to, const char *bytes, u32 n)
{
	for (u32 i = 0; i < n; i++)
		((volatile u8 *)to)[i] = (u8)bytes[i];
}

/* AREA: a function that answers; changed between and during calls. */
static void functions(void)
{
	put(AREA, "\xb8\x01\0\0\0\xc3", 6);
	EXACT("call ebx; mov edx, eax; mov byte ptr [edi], 2; call ebx;"
	      "mov byte ptr [edi], 1");
	EXACT("xor edx, edx; mov esi, 8; 1: call ebx; add edx, eax; inc dword ptr [edi];"
	      "dec esi; jnz 1b; mov dword ptr [edi], 1");
	EXACT("mov byte ptr [ebx + 0x1000], 0xc3; call ebx; mov edx, eax");
	/* mov byte [AREA+15], 9; mov eax, 1; mov ecx, 1 -> jumps in itself */
	put(AREA + 0x100, "\xc6\x05\x08\x01\x80\x01\x09\xb8\x01\0\0\0\xc3", 13);
	EXACT("lea eax, [ebx + 0x100]; call eax; mov edx, eax;"
	      "mov byte ptr [ebx + 0x108], 1");
	/* ret changed to nop; ret by the function itself, before it returns */
	put(AREA + 0x200, "\xc6\x05\x07\x02\x80\x01\x42\xc3\xc3\x42\xc3", 11);
	EXACT("xor edx, edx; lea eax, [ebx + 0x200]; call eax;"
	      "mov byte ptr [ebx + 0x207], 0xc3");
	/* across pages: mov eax, imm32 with the immediate in the second */
	put(AREA + 0x1ffe, "\xb8\x01\0\0\0\xc3", 6);
	EXACT("lea esi, [ebx + 0x1ffe]; call esi; mov edx, eax;"
	      "mov byte ptr [ebx + 0x2001], 7; call esi; mov byte ptr [ebx + 0x2001], 0");
	EXACT("lea esi, [ebx + 0x1ffe]; call esi; mov edx, eax;"
	      "mov dword ptr [esi + 1], 0x77777777; call esi; mov dword ptr [esi + 1], 1");
}

/* The page of AREA is ALIAS as well. */
static void aliases(void)
{
	put(AREA, "\xb8\x01\0\0\0\xc3", 6);
	*pte(ALIAS) = AREA | P | W | U;
	set_cr3(get_cr3());
	EXACT("call ebx; mov edx, eax; mov dword ptr [ebx + 0x100001], 0x22; push edx; cpuid; pop edx;"
	      "mov ebx, 0x1800000; call ebx; mov dword ptr [ebx + 0x100001], 1");
	EXACT("lea esi, [ebx + 0x100000]; call esi; push eax; mov dword ptr [ebx + 1], 0x33;"
	      "cpuid; call esi; pop edx; mov dword ptr [esi - 0xfffff], 1");
	EXACT("lea esi, [ebx + 0x100000]; call esi; push eax; mov dword ptr [esi + 1], 0x44;"
	      "call esi; pop edx; mov dword ptr [esi + 1], 1");
}

/* Stores in a loop that pass over code that ran: a page of increments is
 * written, run, written again. */
static void pages(void)
{
	struct state s;

	for (u32 round = 0; round < 4; round++) {
		fill((void *)AREA, round & 1 ? 0x40 : 0x42, 4000);
		put(AREA + 4000, "\xcd\x90", 2);
		s = at(round & 2 ? 3 : 0, AREA);
		s.eax = s.edx = 0;
		run(&s);
		print("page %d: eax %d edx %d\n", round, s.eax, s.edx);
	}
}

/* Data beside code in one page, written often. */
static void mixed(void)
{
	EXACT("xor eax, eax; mov ecx, 1000; jmp 1f; 2: .long 0; 1: inc dword ptr [2b];"
	      "add eax, [2b]; dec ecx; jnz 1b; mov edx, [2b]; mov dword ptr [2b], 0");
	EXACT("xor eax, eax; mov ecx, 500; jmp 1f; 2: .long 0, 0; 1: inc dword ptr [2b];"
	      "add eax, 0x1; mov edx, [2b]; mov [1b + 8], dl; dec ecx; jnz 1b;"
	      "mov dword ptr [2b], 0; mov byte ptr [1b + 8], 1");
}

void test(void)
{
	paging_on();
	set_cr4(get_cr4() | 0x600);
	same_block();
	functions();
	pages();
	aliases();
	mixed();
}
