/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Call sites that run again and again, as a kernel's do, while what they call
 * goes away: another page where the ROM was, in one space or in all; a return
 * address that the call itself stores over; another task-state segment. */
#include "tests/guest/vmi/vmi.h"

enum { CODE = 0x1810000 };

/* Runs `code` so often that it is known well; the last time tells. */
static struct state often(u32 code, u32 times)
{
	struct state s = at(0, code);

	for (u32 i = 0; i < times; i++) {
		s = at(0, code);
		s.eax = s.edx = 0;
		run(&s);
	}
	return s;
}

static void tell(const char *what, const struct state *s)
{
	print("%s: eax %x edx %x flags %x vector %b\n", what, s->eax, s->edx,
	      s->eflags & (IF | CF | ZF), (u8)s->vec);
}

static void plain(void)
{
	u32 code = patch(FRAG("stc; mov ecx, 9; 1: vmi GetInterruptMask; mov edx, eax; vmi EnableInterrupts; vmi GetInterruptMask; vmi DisableInterrupts; dec ecx; jnz 1b"));
	struct state s = often(code, 20);

	tell("flags in a loop", &s);
	code = patch(FRAG("mov eax, 0x200; vmi SetInterruptMask; vmi GetInterruptMask; vmi DisableInterrupts"));
	s = often(code, 20);
	tell("set and got", &s);
	code = patch(FRAG("mov ecx, 100; 1: mov eax, ecx; mov edx, 0x1800000; push ecx; mov ecx, 0x1000; vmi SetPxE; pop ecx; loop 1b; mov eax, [0x1800000]"));
	s = often(code, 3);
	tell("stored", &s);
}

/* The ROM's page holds `mov eax, 0x77; ret` at that stub instead. */
static void other_page(void)
{
	u32 from = stub[VMI_GetInterruptMask], page = from & ~0xfffu;
	u32 code = patch(FRAG("vmi GetInterruptMask; mov edx, eax"));
	u32 was = *pte(page);
	u8 *other = (u8 *)CODE;
	struct state s = often(code, 20);

	tell("the ROM", &s);
	for (u32 i = 0; i < 4096; i++)
		other[i] = ((volatile u8 *)page)[i];
	other[from - page] = 0xb8;
	*(u32 *)(other + (from - page) + 1) = 0x77;
	other[from - page + 5] = 0xc3;
	for (u32 i = 0; i < 3; i++) {
		*pte(page) = CODE | P | W;
		invlpg(page);
		s = often(code, i + 1);
		tell("another page", &s);
		*pte(page) = was;
		invlpg(page);
		s = often(code, i + 1);
		tell("the ROM again", &s);
	}
}

/* InvalPage flushes the page of the code that calls it: what follows is the
 * other page's.  The same where the ROM is called. */
static void own_page(void)
{
	const u32 lin = CODE + 0x2000;
	u32 from = stub[VMI_GetInterruptMask], page = from & ~0xfffu;
	u32 code = patch(FRAG("vmi GetInterruptMask; mov [edi], esi; mov eax, ebx; vmi InvalPage; vmi GetInterruptMask; mov edx, eax")), was = *pte(page);
	struct state s;

	for (u32 i = 0; i < 2; i++) {
		u8 *to = (u8 *)lin + i * 4096;

		*(u32 *)to = 0xf0891f89; /* mov %ebx, (%edi); mov %esi, %eax */
		to[4] = 0xe8;
		*(u32 *)(to + 5) = stub[VMI_InvalPage] - (lin + 9);
		to[9] = 0xba; /* mov $i + 1, %edx; int $0x90 */
		*(u32 *)(to + 10) = i + 1;
		to[14] = 0xcd;
		to[15] = 0x90;
	}
	for (u32 i = 0; i < 8; i++) {
		s = at(0, lin);
		s.edi = (u32)pte(lin);
		s.esi = lin;
		s.ebx = (lin + (~i & 1) * 4096) | P | W;
		run(&s);
		print("own page: %x\n", s.edx);
	}
	for (u32 i = 0; i < 4; i++) {
		s = at(0, code);
		s.edi = (u32)pte(page);
		s.esi = CODE | P | W;
		s.ebx = page;
		run(&s);
		tell("the ROM's page", &s);
		*pte(page) = was;
		invlpg(page);
	}
}

/* So often that a monitor may tire of it; and in the middle of a block, behind
 * the call that flushes. */
static void back_and_forth(void)
{
	u32 from = stub[VMI_GetInterruptMask], page = from & ~0xfffu;
	u32 code = patch(FRAG(
		"xor edx, edx; mov ecx, 40; 1: mov eax, 0x200; vmi SetInterruptMask; vmi GetInterruptMask; add edx, eax;"
		"mov eax, [esi]; xchg eax, [edi]; mov [esi], eax; invlpg [ebx]; vmi GetInterruptMask; add edx, eax;"
		"mov eax, [esi]; xchg eax, [edi]; mov [esi], eax; invlpg [ebx]; vmi GetInterruptMask; add edx, eax;"
		"dec ecx; jnz 1b; mov eax, [esi]; vmi DisableInterrupts"));
	u32 mapped = CODE | P | W, was = *pte(page);
	struct state s;

	for (u32 i = 0; i < 3; i++) {
		s = at(0, code);
		s.esi = (u32)&mapped;
		s.edi = (u32)pte(page);
		s.ebx = page;
		run(&s);
		s.eax &= ~(A | D);
		tell("back and forth", &s);
	}
	*pte(page) = was;
	invlpg(page);
}

static void other_space(void)
{
	static u32 other[1024] __attribute__((aligned(4096)));
	static u32 table[1024] __attribute__((aligned(4096)));
	u32 from = stub[VMI_GetInterruptMask], page = from & ~0xfffu;
	u32 code = patch(FRAG("vmi GetInterruptMask; mov edx, eax"));
	u32 first = get_cr3(), *home = (u32 *)first;
	struct state s;

	for (u32 i = 0; i < 1024; i++) {
		other[i] = home[i];
		table[i] = ((u32 *)(home[page >> 22] & ~0xfffu))[i];
	}
	table[page >> 12 & 1023] = CODE | P | W;
	other[page >> 22] = (u32)table | P | W | U;
	for (u32 i = 0; i < 4; i++) {
		s = often(code, 5);
		tell("one space", &s);
		set_cr3((u32)other);
		s = often(code, 5);
		tell("the other", &s);
		set_cr3(first);
	}
}

/* SetPxE stores where its own return address is. */
static void return_address(void)
{
	u32 code = patch(FRAG("mov ecx, 3; 2: lea edx, [esp - 4]; mov eax, offset 1f; vmi SetPxE; mov ebx, 0xbad; jmp 3f; 1: mov ebx, 0x600d; 3: loop 2b; mov eax, ebx; xor edx, edx"));
	struct state s = often(code, 20);

	tell("returned elsewhere", &s);
}

/* The kernel's stack goes to the TSS that TR names. */
static void task_registers(void)
{
	u32 code = patch(FRAG("mov ecx, 5; 1: mov eax, 0x10; lea edx, [ebx + ecx]; vmi UpdateKernelStack; loop 1b"));
	struct state s;

	for (u32 i = 0; i < 4; i++) {
		rt_tss.esp0 = rt_tss2.esp0 = 0;
		set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
		set_gdt(TSS2, desc((u32)&rt_tss2, 0x67, 0x89));
		vmi(SetTR, i & 1 ? TSS2 : TSS, 0, 0);
		s = at(0, code);
		s.ebx = 0x1000 * (i + 1);
		run(&s);
		print("esp0 %x and %x\n", rt_tss.esp0, rt_tss2.esp0);
	}
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	vmi(SetTR, TSS, 0, 0);
	rt_tss.esp0 = (u32)rt_stack - 6144;
}

void test(void)
{
	find_rom(true);
	paging_on();
	plain();
	other_page();
	own_page();
	back_and_forth();
	other_space();
	return_address();
	task_registers();
}
