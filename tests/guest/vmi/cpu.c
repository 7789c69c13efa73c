/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls about the processor's state: what each changes and what it leaves
 * alone, with data segments and without, and how returns fault. */
#include "tests/guest/vmi/vmi.h"

enum { LDT = FREE, DATA = LDT + 8, CODE16 = DATA + 8, DATA16 = CODE16 + 8,
       MISSING = DATA16 + 8, LOW = MISSING + 8, OLD = 0x100 };
enum { ARENA = 0x1800000 };

static void registers(void)
{
	VMI(0, "mov eax, 0; xor ecx, ecx; vmi CPUID");
	VMI(0, "mov eax, 0x123; vmi SetCR2; xor eax, eax; vmi GetCR2");
	VMI(0, "vmi GetCR0; or eax, 8; vmi SetCR0; vmi GetCR0; test eax, 8");
	VMI(0, "vmi CLTS; vmi GetCR0; and eax, 8");
	VMI(0, "mov eax, 0x80000000; vmi SetCR0"); /* PG without PE */
	VMI(0, "vmi GetCR4; or eax, 0x200; vmi SetCR4; vmi GetCR4; and eax, 0x200");
	VMI(0, "mov eax, 0x80000000; vmi SetCR4");
	VMI(0, "mov eax, 0x1800000; vmi SetCR3; vmi GetCR3");
	VMI(0, "xor eax, eax; vmi SetCR3; vmi GetCR3");
	VMI(0, "vmi WBINVD");
	VMI(0, "mov eax, 3; mov edx, 0x55; vmi SetDR; mov edx, 0; mov eax, 3; vmi GetDR");
	VMI(0, "mov eax, 7; mov edx, 0x500; vmi SetDR; mov edx, 0; mov eax, 7; vmi GetDR");
	VMI(0, "mov eax, 6; vmi GetDR");
	VMI(0, "mov eax, 9; vmi GetDR"); /* there is no such register */
	VMI(0, "mov ecx, 0x174; mov eax, 8; xor edx, edx; vmi WRMSR; xor eax, eax; vmi RDMSR");
	VMI(0, "mov ecx, 0x12345; vmi RDMSR");
	VMI(0, "mov ecx, 0x12345; vmi WRMSR");
	VMI(0, "mov ecx, 99; vmi RDPMC");
	VMI(0, "vmi RDTSC; mov ebx, eax; mov esi, edx; vmi RDTSC; sub eax, ebx; sbb edx, esi;"
	       "mov ebx, edx; mov esi, 0; cmp eax, 1000; mov eax, 0");
}

/* ---- the interrupt flag: calls that may change next to nothing ---- */

static void interrupt_flag(void)
{
	BARE("vmi EnableInterrupts");
	BARE("vmi EnableInterrupts; vmi DisableInterrupts");
	BARE("vmi EnableInterrupts; vmi GetInterruptMask; cmp eax, 0x200");
	BARE("vmi GetInterruptMask");
	BARE("mov eax, 0x200; vmi SetInterruptMask");
	BARE("mov eax, -1; vmi SetInterruptMask");
	BARE("vmi EnableInterrupts; mov eax, ~0x200; vmi SetInterruptMask");
	BARE("stc; sti; vmi SetInterruptMask; vmi EnableInterrupts");
}

static void iopl(void)
{
	VMI(0, "mov eax, 0x3000; vmi SetIOPLMask");
	VMI(0, "mov eax, 0x1200; vmi SetIOPLMask");
	VMI(0, "mov eax, -1; vmi SetIOPLMask; xor eax, eax; vmi SetIOPLMask");
}

/* ---- returns ---- */

static void iret(void)
{
	print("to ring 0, 3, virtual-8086 mode:\n");
	BARE("pushfd; push 8; push offset 1f; vmi IRET; 1:");
	BARE("push 0x203; push 8; push offset 1f; vmi IRET; 1:");
	BARE("push 0x23; push 0x1703000; push 0x203; push 0x1b; push offset 1f; vmi IRET; 1:");
	BARE("push 0x23; push 0x1703000; push 0x40ad7; push 0x1b; push offset 1f; vmi IRET; 1:");
	BARE("push 4; push 3; push 2; push 1; push 0x5000; push 0x100; push 0x23202; push 0x600; push 0; vmi IRET");
	print("to a 16-bit stack:\n");
	BARE("push 0x53; push 0x1230100; push 0x203; push 0x4b; push 0; vmi IRET");
	print("faults are at the site, the frame in place:\n");
	BARE("push 0x23; push 0x1703000; push 0x203; push 0; push 0x1234; vmi IRET");
	BARE("push 0x23; push 0x1703000; push 0x203; push 0x1ff; push 0x1234; vmi IRET");
	BARE("push 0x23; push 0x1703000; push 0x203; push 0x23; push 0x1234; vmi IRET");
	BARE("push 0x5b; push 0x1703000; push 0x203; push 0x1b; push 0x1234; vmi IRET");
	BARE("push 0; push 0x1703000; push 0x203; push 0x1b; push 0x1234; vmi IRET");
	BARE("push 0x203; push 0x1b; push 0x1234; vmi IRET");
	BARE("push 0x23; push 0x1703000; push 0x203; push 0x63; push 0x1001; vmi IRET");
	print("a frame that is not there:\n");
	BARE("mov esp, 0x1fffff8; vmi IRET"); /* half of it lies in no page */
}

/* With NT the return is to another task; the one that is left goes on behind
 * the call, as the one that is entered finds. */
static void iret_to_task(void)
{
	static const u32 there = 0x1710000;
	struct state from = at(0, patch(FRAG("vmi IRET; mov ebx, 0x600d"))), s;

	fill(&rt_tss2, 0, 104);
	rt_tss2.ss0 = rt_tss2.ss = rt_tss2.ds = rt_tss2.es = KDS;
	rt_tss2.cr3 = get_cr3();
	rt_tss2.eip = FRAG("mov ecx, 0x7a5c");
	rt_tss2.eflags = 2;
	rt_tss2.esp = rt_tss2.esp0 = there;
	rt_tss2.cs = KCS;
	set_gdt(TSS2, desc((u32)&rt_tss2, 0x67, 0x8b)); /* busy */
	rt_tss.link = TSS2;
	from.eflags |= NT;
	from.ds = from.es = from.fs = from.gs = 0;
	s = from;
	run(&s);
	print("in task %w: vector %b, ecx %x esp %x\n", (u32)vmi(GetTR, 0, 0, 0), s.vec, s.ecx, s.esp);
	print("it was left behind the call: %d, with ESP at the frame %d, NT %d\n",
	      rt_tss.eip - from.eip, rt_tss.esp - from.esp, !!(rt_tss.eflags & NT));
	set_gdt(TSS2, desc((u32)&rt_tss2, 0x67, 0x89));
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	vmi(SetTR, TSS, 0, 0);
	rt_tss.link = 0x1f8; /* there is no such task */
	go("no such task", from);
	rt_tss.link = 0;
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	vmi(SetTR, TSS, 0, 0);
}

static void sysexit(void)
{
	vmi(WRMSR, 8, 0, 0x174);
	BARE("mov edx, offset 1f; mov ecx, 0x1703000; vmi SYSEXIT; 1:");
	BARE("stc; mov edx, offset 1f; mov ecx, 0x1703000; vmi SYSEXIT; 1:");
	BARE("mov edx, 0x3000000; mov ecx, 0x1234; vmi SYSEXIT"); /* there is no page */
	vmi(WRMSR, 0, 0, 0x174);
	BARE("mov edx, offset 1f; mov ecx, 0x1703000; vmi SYSEXIT; 1:");
	BARE("sti; mov edx, offset 1f; mov ecx, 0x1703000; vmi SYSEXIT; 1:");
	vmi(WRMSR, 3, 0, 0x174); /* a null selector, too */
	BARE("mov edx, offset 1f; mov ecx, 0x1703000; vmi SYSEXIT; 1:");
	vmi(WRMSR, 8, 0, 0x174);
	VMI(3, "mov edx, offset 1f; mov ecx, 0x1703000; vmi SYSEXIT; 1:");
}

/* ---- tables ---- */

static u64 ldt[4] __attribute__((aligned(8)));
static struct {
	u16 limit;
	u32 base;
} __attribute__((packed)) gdtr, idtr, now;

static void write_entry(u32 number, void *table, u32 index, u64 d)
{
	vmi5(number, (u32)table, index, (u32)d, (u32)(d >> 32), 0);
}

static void entries(void)
{
	u64 d = desc(0x1000, 0xfff, 0x4093), there = 0;

	write_entry(VMI_WriteGDTEntry, rt_gdt, DATA >> 3, d);
	write_entry(VMI_WriteGDTEntry, rt_gdt, LDT >> 3, desc((u32)ldt, 31, 0x82));
	write_entry(VMI_WriteLDTEntry, ldt, 2, d);
	write_entry(VMI_WriteIDTEntry, rt_idt, 0x41, rt_idt[END]);
	write_entry(VMI_WriteGDTEntry, &there, 0, d); /* no table of the processor's */
	print("stored %d %d %d\n", rt_gdt[DATA >> 3] == d, ldt[2] == d, there == d);
	VMI(0, "mov eax, 0x38; vmi SetLDT; xor eax, eax; vmi GetLDT");
	VMI(0, "mov eax, 0x14; mov fs, ax; mov eax, 0x40; mov gs, ax");
	VMI(3, "int 0x41");
	VMI(0, "mov eax, 0x40; vmi SetLDT");
	VMI(0, "mov eax, 0; vmi SetLDT; vmi GetLDT");
	VMI(0, "mov eax, 0x14; mov fs, ax");
	VMI(0, "mov eax, 0x3000000; mov edx, 1; push 0; vmi WriteGDTEntry");
	VMI(0, "mov esp, 0x2000000; mov eax, 0x1800000; mov edx, 1; vmi WriteLDTEntry");
	fill((void *)ARENA, 0, 16);
	/* an index is a number, not a limit */
	write_entry(VMI_WriteIDTEntry, (void *)(ARENA + 0x1000), 0xfffffe00, d);
	dump("index -512", (void *)ARENA, 8);
	rt_idt[0x41] = rt_idt[0x42];
}

static void table_registers(void)
{
	static u64 other[64];

	vmi(GetGDT, (u32)&gdtr, 0, 0);
	vmi(GetIDT, (u32)&idtr, 0, 0);
	print("gdt %d limit %w, idt %d limit %w, tr %w\n", gdtr.base == (u32)rt_gdt,
	      gdtr.limit, idtr.base == (u32)rt_idt, idtr.limit,
	      (u32)vmi(GetTR, 0, 0, 0));
	for (u32 i = 0; i < 64; i++)
		other[i] = rt_gdt[i];
	now = gdtr;
	now.base = (u32)other;
	vmi(SetGDT, (u32)&now, 0, 0);
	set_gdt(FREE + 0x40, desc(0, 0xfff, 0x4093)); /* not in the new one */
	VMI(0, "mov eax, 0x78; mov fs, ax");
	vmi(SetGDT, (u32)&gdtr, 0, 0);
	VMI(0, "mov eax, 0x78; mov fs, ax; mov eax, 0");
	VMI(0, "mov eax, 0x3000000; vmi SetGDT");
	VMI(0, "mov eax, 0x3000000; vmi GetIDT");
	now = idtr;
	now.limit = 0x41 * 8 - 1;
	vmi(SetIDT, (u32)&now, 0, 0);
	VMI(0, "int 0x41");
	vmi(SetIDT, (u32)&idtr, 0, 0);
	VMI(0, "mov eax, 0x30; vmi SetTR; vmi GetTR");
	VMI(0, "mov eax, 0x28; vmi SetTR"); /* it is busy */
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	VMI(0, "mov eax, 0x28; vmi SetTR; vmi GetTR");
}

static void stack_of_user_event(void)
{
	fill((void *)(ARENA - 32), 0, 64);
	vmi(UpdateKernelStack, KDS, ARENA, 0);
	print("tss: esp0 %x ss0 %x\n", rt_tss.esp0, rt_tss.ss0);
	VMI(3, "nop");
	print("frame: cs %w flags %x esp %x ss %w\n", peek(ARENA - 16),
	      peek(ARENA - 12), peek(ARENA - 8), peek(ARENA - 4));
	/* the selector is all that counts of eax */
	vmi(UpdateKernelStack, 0xdead0000 | KDS, ARENA - 16, 0);
	print("tss: esp0 %x ss0 %x\n", rt_tss.esp0, rt_tss.ss0);
	VMI(3, "nop");
	VMI(0, "mov eax, 0x10; mov edx, 0x1900000; vmi UpdateKernelStack");
	set_gdt(OLD, desc(ARENA, 0x67, 0x81)); /* of 16 bits */
	fill((void *)ARENA, 0, 12);
	vmi(SetTR, OLD, 0, 0);
	vmi(UpdateKernelStack, KDS, 0x1234, 0);
	dump("an old tss", (void *)ARENA, 12);
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	vmi(SetTR, TSS, 0, 0);
	rt_tss.esp0 = (u32)rt_stack - 6144;
}

static void setup(void)
{
	u8 *code = (u8 *)0x6000;

	set_gdt(CODE16, desc(ARENA, 0xffff, 0x00fb));
	set_gdt(DATA16, desc(ARENA, 0xffff, 0x00f3));
	set_gdt(MISSING, desc(0, 0xfffff, 0xc073));
	set_gdt(LOW, desc(0, 0xfff, 0x40fb));
	code[0] = ((u8 *)ARENA)[0] = 0xcd;
	code[1] = ((u8 *)ARENA)[1] = END;
}

void test(void)
{
	find_rom(true);
	print("registers\n");
	registers();
	paging_on();
	setup();
	print("interrupt flag\n");
	interrupt_flag();
	print("iopl\n");
	iopl();
	print("iret\n");
	iret();
	print("iret to a task\n");
	iret_to_task();
	print("sysexit\n");
	sysexit();
	print("tables\n");
	entries();
	table_registers();
	print("kernel stack\n");
	stack_of_user_event();
}
