/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which registers a call may change: eax, edx, ecx and flags by its
 * convention, next to nothing by that of the calls that replace single
 * instructions in assembly.  Every call is made with arguments that it must
 * take as they are, and what it changed is shown. */
#include "tests/guest/vmi/vmi.h"

enum { ARENA = 0x1800000 };

static struct {
	u16 limit;
	u32 base;
} __attribute__((packed)) gdtr, idtr;

static struct row {
	u32 number, eax, edx, ecx, arg[2];
} rows[] = {
	{VMI_CPUID, 1, 0, 0, {0}}, /* its results are not shown */
	{VMI_WRMSR, 0x1234, 0, 0x175, {0}},
	{VMI_RDMSR, 0, 0, 0x175, {0}},
	{VMI_SetGDT, (u32)&gdtr, 0, 0, {0}},
	{VMI_SetLDT, 0, 0, 0, {0}},
	{VMI_SetIDT, (u32)&idtr, 0, 0, {0}},
	{VMI_GetGDT, ARENA, 0, 0, {0}},
	{VMI_GetLDT, 7, 0, 0, {0}},
	{VMI_GetIDT, ARENA, 0, 0, {0}},
	{VMI_GetTR, 7, 0, 0, {0}},
	{VMI_WriteGDTEntry, ARENA, 1, 2, {3, 0}},
	{VMI_WriteLDTEntry, ARENA, 2, 4, {5, 0}},
	{VMI_WriteIDTEntry, ARENA, 3, 6, {7, 0}},
	{VMI_UpdateKernelStack, KDS, 0, 0, {0}},
	{VMI_SetCR0, 0, 0, 0, {0}},
	{VMI_SetCR2, 5, 0, 0, {0}},
	{VMI_SetCR3, 0, 0, 0, {0}},
	{VMI_SetCR4, 0, 0, 0, {0}},
	{VMI_GetCR0, 0, 0, 0, {0}},
	{VMI_GetCR2, 0, 0, 0, {0}},
	{VMI_GetCR3, 0, 0, 0, {0}},
	{VMI_GetCR4, 1, 0, 0, {0}},
	{VMI_WBINVD, 1, 2, 3, {0}},
	{VMI_SetDR, 0, 4, 0, {0}},
	{VMI_GetDR, 0, 0, 0, {0}},
	{VMI_RDTSC, 0, 0, 0, {0}},
	{VMI_CLTS, 1, 2, 3, {0}},
	{VMI_EnableInterrupts, 1, 2, 3, {0}},
	{VMI_DisableInterrupts, 1, 2, 3, {0}},
	{VMI_GetInterruptMask, 1, 2, 3, {0}},
	{VMI_SetInterruptMask, 0, 2, 3, {0}},
	{VMI_SetPxE, 1, ARENA, 1, {0}},
	{VMI_SetPxELong, 1, 2, ARENA, {1, 0}},
	{VMI_UpdatePxE, ARENA, 1, 0, {0}},
	{VMI_UpdatePxELong, ARENA, 1, 0, {0}},
	{VMI_AllocatePage, 0x1800, 0x41, 0, {0}},
	{VMI_ReleasePage, 0x1800, 0x41, 0, {0}},
	{VMI_InvalPage, ARENA, 0, 0, {0}},
	{VMI_FlushTLB, 3, 0, 0, {0}},
	{VMI_SetLinearMapping, 0, 0, 0x10000, {0}},
	{VMI_INL, 0, 0xcf8, 0, {0}},
	{VMI_INB, 0, 0xcf8, 0, {0}},
	{VMI_INW, 0, 0xcf8, 0, {0}},
	{VMI_OUTL, 0, 0xcf8, 0, {0}},
	{VMI_OUTB, 0, 0x80, 0, {0}},
	{VMI_OUTW, 0, 0x80, 0, {0}},
	{VMI_SetIOPLMask, 0, 0, 0, {0}},
	{VMI_SetInitialAPState, ARENA, 1, 0, {0}},
	{VMI_APICWrite, 0x80, 0, 0, {0}},
	{VMI_APICRead, 0x80, 0, 0, {0}},
	{VMI_GetCycleFrequency, 0, 0, 0, {0}},
	{VMI_GetCycleCounter, 2, 0, 0, {0}},
	{VMI_SetAlarm, 2, 0, 0, {0}},
	{VMI_CancelAlarm, 0, 0, 0, {0}},
	{VMI_WallclockUpdated, 0, 0, 0, {0}},
	{VMI_SetLazyMode, 0, 0, 0, {0}},
};

static bool is_clock(u32 number)
{
	return number == VMI_RDTSC || number == VMI_GetCycleCounter;
}

static const char *const names[] = {
#define N(name) #name,
	VMI_NAMES
#undef N
};

static void one(const struct row *r, u32 code)
{
	struct state from = at(0, code), to;

	from.eax = r->eax;
	from.edx = r->edx;
	from.ecx = r->ecx;
	from.esi = r->arg[0];
	from.edi = r->arg[1];
	from.ebp = stub[r->number];
	from.eflags |= CF | PF | AF | SF | OF;
	if (r->number == VMI_SetInterruptMask || r->number == VMI_DisableInterrupts)
		from.eflags |= IF;
	to = from;
	run(&to);
	if (r->number == VMI_CPUID) {
		from.eax = to.eax;
		from.ebx = to.ebx;
		from.ecx = to.ecx;
		from.edx = to.edx;
	}
	if (is_clock(r->number))
		from.eax = to.eax;
	show(names[r->number], &from, &to);
}

void test(void)
{
	u32 code = FRAG("push edi; push esi; call ebp; lea esp, [esp + 8]");

	find_rom(true);
	paging_on();
	vmi(GetGDT, (u32)&gdtr, 0, 0);
	vmi(GetIDT, (u32)&idtr, 0, 0);
	out8(0x21, 0xff);
	rt_flag_mask |= CF | PF | AF | ZF | SF | OF | IF | DF;
	for (u32 i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct row *r = &rows[i];

		if (r->number == VMI_SetCR0)
			r->eax = get_cr0();
		if (r->number == VMI_SetCR3)
			r->eax = get_cr3();
		if (r->number == VMI_SetCR4)
			r->eax = get_cr4();
		if (r->number == VMI_UpdateKernelStack)
			r->edx = rt_tss.esp0;
		one(r, code);
	}
}
