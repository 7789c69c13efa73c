/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RET where its CALL does not expect it: to other places, near and far, once
 * and thousands of times, by changed return addresses, by stacks that are
 * switched or thrown away, and as a jump.  Flags and registers are those that
 * the last instruction before left. */
#include "rt.h"

/* esi times: ebx sums what EFLAGS is behind the call, ebp what ecx is; edi
 * counts where it came back to. */
#define LOOP(times, callee)                                       \
	"	mov esi, " times "; xor edi, edi; xor ebx, ebx; xor ebp, ebp\n" \
	"1:	mov ecx, esi; mov edx, 0x8000\n"                  \
	"	call 2f\n"                                        \
	"	add edi, 0x10000\n"                               \
	"	jmp 4f\n"                                         \
	"3:	pushfd; pop eax; add ebx, eax; add ebp, ecx\n"    \
	"	inc edi\n"                                        \
	"4:	dec esi; jnz 1b\n"                                \
	"	jmp 5f\n"                                         \
	"2:	" callee "\n"                                     \
	"5:"

static void elsewhere(unsigned cpl)
{
	print("level %d\n", cpl);
	try("once", cpl, FRAG(LOOP("1", "add dword ptr [esp], 8; cmp cl, dl; ret")));
	try("always", cpl, FRAG(LOOP("3000", "add dword ptr [esp], 8; cmp cl, dl; ret")));
	try("every second time", cpl, FRAG(LOOP("3000", "test esi, 1; jz 6f; add dword ptr [esp], 8; 6: cmp dl, cl; ret")));
	try("sometimes", cpl, FRAG(LOOP("3000", "test esi, 63; jnz 6f; add dword ptr [esp], 8; 6: bt ecx, 3; ret")));
	try("stored", cpl, FRAG(LOOP("500", "mov eax, [esp]; mov dword ptr [esp], 0; add eax, 8; mov [esp], eax; cmp cl, dl; ret")));
	try("as a jump", cpl, FRAG(LOOP("500", "mov eax, [esp]; add eax, 8; push eax; push edx; push eax; pop edx; pop edx; cmp cl, dl; ret 4")));
}

/* By k bytes, into NOPs on both sides of the call. */
static void nearby(unsigned cpl)
{
	try("nearby", cpl, FRAG(
		"	mov esi, 600; xor edi, edi; xor ebx, ebx; xor edx, edx\n"
		"	jmp 1f\n"
		"	nop; nop; nop; nop; nop; nop; nop; nop\n"
		"6:	add ebx, 1; jmp 4f\n"
		"7:	nop; nop; nop; nop; nop; nop\n"
		"	jmp 6b\n"
		"1:	mov ecx, [esp - 64]\n"
		"	call 2f\n"
		"	nop; nop; nop; nop; nop; nop; nop; nop\n"
		"	inc edi\n"
		"4:	inc edx; dec esi; jnz 1b\n"
		"	jmp 5f\n"
		"2:	mov eax, edx; and eax, 7; test edx, 8; jz 3f\n"
		"	and eax, 3; neg eax; sub eax, 12\n" /* behind 7 */
		"3:	add [esp], eax; ret\n"
		"5:"));
}

/* Two stacks, on each of which CALLs wait for the other to come back. */
static void stacks(unsigned cpl)
{
	try("switched", cpl, FRAG("mov esi, 2500; xor edi, edi; xor ebp, ebp; lea ebx, [esp - 1024]\n"
		 "mov dword ptr [ebx], offset 9f\n"
		 "1: call 2f; add edi, 3; dec esi; jnz 1b; jmp 5f\n"
		 "2: call 3f; inc edi; ret\n"
		 "3: xchg esp, ebx; stc; ret\n"
		 "9: adc ebp, 0; call 8f; jmp 9b\n"
		 "8: call 3b; add ebp, 16; ret\n"
		 "5:"));
	/* thrown away from five calls deep */
	try("thrown away", cpl, FRAG("mov esi, 2500; xor edi, edi\n"
		 "1: mov ebp, esp; call 2f; 7: inc edi; dec esi; jnz 1b; jmp 5f\n"
		 "2: call 3f; ud2\n"
		 "3: call 4f; ud2\n"
		 "4: call 6f; ud2\n"
		 "6: lea esp, [ebp - 4]; ret\n"
		 "5:"));
}

static void jumps(unsigned cpl)
{
	try("pushed", cpl, FRAG("mov esi, 1000; xor edi, edi\n"
		 "1: call 2f; add edi, 0x100; dec esi; jnz 1b; jmp 5f\n"
		 "2: push offset 3f; cmp esi, 500; ret\n"
		 "3: adc edi, 0; ret\n"
		 "5:"));
	try("as the dynamic linker", cpl, FRAG("mov esi, 1000; xor edi, edi\n" /* as the dynamic linker */
		 "1: call 2f; add edi, 0x100; dec esi; jnz 1b; jmp 5f\n"
		 "2: push eax; push ecx; push edx; mov eax, offset 3f; pop edx\n"
		 "   mov ecx, [esp]; mov [esp], eax; mov eax, [esp + 4]; ret 4\n"
		 "3: inc edi; ret\n"
		 "5:"));
	try("no call", cpl, FRAG("call 1f; 1: pop eax; call 2f; 2: add dword ptr [esp], 9; ret; nop; nop; nop; nop; sub eax, [esp - 4]"));
}

/* What is not there: the fault is the target's. */
static void nowhere(unsigned cpl)
{
	for (u32 page = 0x1900000; page < 0x1910000; page += 0x1000) {
		*pte(page) = 0;
		invlpg(page);
	}
	try("missing page", cpl, FRAG("call 1f; ud2; 1: mov dword ptr [esp], 0x1900000; cmp al, 0xff; ret"));
	try("pushed, straddling", cpl, FRAG("call 1f; ud2; 1: push 0x1900ffe; stc; ret"));
	try("changed", cpl, FRAG("call 1f; ud2; 1: add dword ptr [esp], 0x1778000; call 2f; 2: lea esp, [esp + 4]; cmp al, 1; ret"));
}

void test(void)
{
	for (unsigned cpl = 0; cpl < 4; cpl += 3) {
		elsewhere(cpl);
		nearby(cpl);
		stacks(cpl);
		jumps(cpl);
	}
	paging_on();
	for (unsigned cpl = 0; cpl < 4; cpl += 3) {
		elsewhere(cpl);
		nearby(cpl);
		stacks(cpl);
		jumps(cpl);
		nowhere(cpl);
	}
}
