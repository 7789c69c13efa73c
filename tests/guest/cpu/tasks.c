/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hardware task switches (SDM 3A chapter 7): by jump, call, interrupt,
 * exception and IRET, directly and through task gates, to TSSs of 32 and 16
 * bits; busy bits, back link, NT and TS; what is saved; and the errors of
 * either task. */
#include "rt.h"

enum { GATE = FREE, TSS16 = GATE + 8, ODD = TSS16 + 8, ODD2 = ODD + 8,
       LDT = ODD2 + 8, OUT = 0x200 };

struct tss16 {
	u16 link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags, ax, cx, dx, bx, sp,
		bp, si, di, es, cs, ss, ds, ldt;
};
static struct tss16 small;
static u32 marker; /* in the new task's code */

/* TSS2 is a task of level `level` at `entry`. */
static void prepare(u32 level, u32 entry)
{
	struct tss *t = &rt_tss2;
	u16 ds = level ? UDS : KDS;

	fill(t, 0, 104);
	t->link = 0xabcd;
	t->ss0 = KDS;
	t->esp0 = 0x1720000;
	t->cr3 = get_cr3();
	t->eip = entry;
	t->eflags = 2 | OF;
	t->eax = 0xa0a0a0a0;
	t->ecx = 0xa1a1a1a1;
	t->edx = 0xa2a2a2a2;
	t->ebx = 0xa3a3a3a3;
	t->esp = 0x1710000;
	t->ebp = 0xa5a5a5a5;
	t->esi = 0xa6a6a6a6;
	t->edi = 0xa7a7a7a7;
	t->cs = level ? UCS : KCS;
	t->ss = t->ds = t->es = t->fs = t->gs = ds;
	t->iomap = 104;
	marker = entry;
	set_gdt(TSS2, desc((u32)t, 0x67, 0x89));
	set_gdt(GATE, gate(TSS2, 0, 0x85 | 0x60));
}

static u32 type(u16 sel)
{
	return (u32)(rt_gdt[sel >> 3] >> 40) & 0xff;
}

static void relative(const char *name, u32 v, u32 code)
{
	if (v - code < 0x100)
		print(" %s code+%b", name, v - code);
	else if (v - marker < 0x100)
		print(" %s task+%b", name, v - marker);
	else
		print(" %s %x", name, v);
}

static void go(const char *name, u32 level, u32 flags, u32 code)
{
	struct state from = at(level, code), s;
	u16 tr;

	from.eflags = flags | 2;
	rt_tss.link = 0x1111;
	rt_tss.eip = rt_tss.eflags = rt_tss.eax = 0;
	s = from;
	run(&s);
	asm volatile("str %0" : "=r"(tr));
	if (tr == TSS16) /* the upper halves are undefined */
		for (u32 *r = &s.eax; r <= &s.edi; r++)
			*r &= 0xffff;
	print("%d ", level);
	if (tr >> 3 == TSS2 >> 3) {
		print("in task ");
		s.eip -= marker - code;
	}
	show(name, &from, &s);
	print("   tr %w types %b %b link %w %w TS %d", tr, type(TSS), type(TSS2),
	      rt_tss.link & 0xffff, rt_tss2.link & 0xffff, get_cr0() >> 3 & 1);
	if (rt_tss.eip)
		relative("old", rt_tss.eip, code),
			print(" %x eax %x cs %w", rt_tss.eflags, rt_tss.eax,
			      rt_tss.cs & 0xffff);
	if (rt_tss2.eip != marker)
		relative("new", rt_tss2.eip, code), print(" %x", rt_tss2.eflags);
	print("\n");
	set_cr0(get_cr0() & ~8u);
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	asm volatile("lldt %w0; ltr %w1" ::"r"(0), "r"(TSS));
}
#define GO(level, flags, text) go(text, level, flags, FRAG(text))

/* ---- the ways in and out ---- */

static void ways(void)
{
	u32 end = FRAG("pushfd; pop ebx; pushfd; add esp, 4");
	u32 back = FRAG("inc dword ptr [esp - 4]; iretd; inc eax");

	print("to ring 0:\n");
	prepare(0, end);
	GO(0, 0x203, "jmp 0x30:0x12345678");
	prepare(0, end);
	GO(0, 0x203, "call 0x30:0x12345678");
	prepare(0, end);
	rt_tss2.eflags = 2 | NT;
	GO(0, 0x203 | NT, "jmp 0x38:0");
	prepare(0, end);
	GO(0, 0x203 | NT, "call 0x38:0");
	prepare(0, end);
	GO(3, 0x203, "jmp 0x3b:0");
	prepare(0, end);
	GO(3, 0x203, "call 0x3b:0");
	print("to ring 3:\n");
	prepare(3, end);
	GO(0, 0x203, "jmp 0x30:0");
	prepare(3, end);
	GO(3, 0x203, "call 0x3b:0");
	print("there and back:\n");
	prepare(0, back);
	GO(0, 0x203, "call 0x30:0; inc edx");
	prepare(3, back);
	GO(3, 0x203 | CF, "call 0x3b:0; inc edx");
	prepare(0, back);
	GO(0, 0x203, "call 0x30:0; inc edx; call 0x30:0; inc edx");
	prepare(0, FRAG("iretd; inc ecx; iretd; jmp . - 3"));
	GO(0, 0x203, "call 0x30:0; inc edx; call 0x30:0; inc edx; call 0x30:0");
}

static void events(void)
{
	u64 old[5];
	static const u8 v[5] = {0x40, 6, 13, 1, 14};
	u32 end = FRAG("mov ecx, [esp]"), back = FRAG("add esp, 4; iretd");

	for (u32 i = 0; i < 5; i++) {
		old[i] = rt_idt[v[i]];
		rt_idt[v[i]] = gate(TSS2, 0, i ? 0x85 : 0xe5);
	}
	print("by interrupts and exceptions:\n");
	poke(0x170fffc, 0);
	prepare(0, end);
	GO(0, 0x203, "nop; int 0x40");
	prepare(0, end);
	GO(3, 0x203, "nop; int 0x40");
	prepare(0, end);
	GO(3, 0x203, "nop; ud2");
	prepare(0, end);
	GO(3, 0x203 | RF, "ud2");
	prepare(0, end);
	GO(3, 0x203, "nop; mov eax, 0x2fb; mov ds, ax");
	prepare(3, end);
	GO(0, 0x203, "nop; mov eax, 0x2fb; mov ds, ax");
	prepare(0, end);
	GO(3, 0x203, "nop; .byte 0xf1; nop");
	prepare(0, end);
	GO(3, 0x203 | TF, "nop; nop; nop");
	print("the handler returns:\n");
	prepare(0, FRAG("iretd"));
	GO(3, 0x203, "int 0x40; inc ecx");
	prepare(0, FRAG("add dword ptr [rt_tss + 32], 2; iretd"));
	GO(3, 0x203, "ud2; inc ecx");
	prepare(0, FRAG("add esp, 4; inc dword ptr [rt_tss + 32]; iretd"));
	GO(3, 0x203, "hlt; inc ecx");
	print("no room for the error code:\n");
	prepare(3, back);
	set_gdt(ODD, desc(0, 0xfff, 0x40f3));
	rt_tss2.ss = ODD | 3;
	rt_tss2.esp = 2;
	rt_idt[13] = gate(TSS2, 0, 0x85);
	rt_idt[12] &= ~(0x6000ull << 32);
	GO(3, 0x203, "hlt");
	for (u32 i = 0; i < 5; i++)
		rt_idt[v[i]] = old[i];
	print("double fault:\n");
	old[0] = rt_idt[8];
	rt_idt[13] = 0;
	rt_idt[8] = gate(TSS2, 0, 0x85);
	prepare(0, end);
	poke(0x170fffc, 5);
	GO(3, 0x203, "nop; hlt");
	rt_idt[8] = old[0];
	rt_idt[13] = old[2];
}

/* ---- errors before the switch ---- */

static void with_tss(const char *name, u64 d)
{
	prepare(0, FRAG(""));
	set_gdt(TSS2, d);
	print("%s: ", name);
	GO(0, 0, "jmp 0x30:0");
	set_gdt(TSS2, d);
	print("%s: ", name);
	GO(0, 0, "call 0x38:0");
	set_gdt(TSS2, d);
	print("%s: ", name);
	GO(3, 0, "jmp 0x33:0");
	rt_idt[0x40] = gate(TSS2, 0, 0xe5);
	rt_idt[6] = gate(TSS2, 0, 0x85);
	set_gdt(TSS2, d);
	print("%s: ", name);
	GO(3, 0, "int 0x40");
	set_gdt(TSS2, d);
	print("%s: ", name);
	GO(3, 0, "ud2");
}

static void errors_before(void)
{
	u64 old[2] = {rt_idt[0x40], rt_idt[6]};
	u32 t = (u32)&rt_tss2;

	print("errors of the old task:\n");
	with_tss("DPL 0", desc(t, 0x67, 0x89));
	with_tss("DPL 3", desc(t, 0x67, 0xe9));
	with_tss("busy", desc(t, 0x67, 0xeb));
	with_tss("not present", desc(t, 0x67, 0x69));
	with_tss("limit 66", desc(t, 0x66, 0xe9));
	with_tss("LDT", desc(t, 0x67, 0xe2));
	with_tss("data", desc(t, 0x67, 0xf3));
	with_tss("16 bits, limit 2a", desc((u32)&small, 0x2a, 0xe1));
	rt_idt[0x40] = old[0];
	rt_idt[6] = old[1];
	print("task gates:\n");
	prepare(0, FRAG(""));
	set_gdt(GATE, gate(TSS2, 0, 0x85));
	GO(3, 0, "jmp 0x3b:0");
	GO(3, 0, "jmp 0x38:0");
	set_gdt(GATE, gate(TSS2, 0, 0x65));
	GO(3, 0, "jmp 0x3b:0");
	set_gdt(GATE, gate(TSS2 | 4, 0, 0xe5));
	GO(3, 0, "jmp 0x3b:0");
	set_gdt(GATE, gate(0, 0, 0xe5));
	GO(3, 0, "jmp 0x3b:0");
	set_gdt(GATE, gate(OUT | 3, 0, 0xe5));
	GO(3, 0, "jmp 0x3b:0");
	set_gdt(GATE, gate(TSS, 0, 0xe5));
	GO(3, 0, "jmp 0x3b:0");
	prepare(0, FRAG(""));
	set_gdt(GATE, gate(TSS2 | 3, 0, 0xe5));
	GO(3, 0, "jmp 0x3b:0");
}

/* IRET with NT: the back link is that of TSS. */
static void go_iret(const char *name, u16 link, u64 d)
{
	u32 code = FRAG("mov dword ptr [rt_tss], ecx; iretd");
	struct state from = at(0, code), s;
	u16 tr;

	prepare(3, FRAG(""));
	set_gdt(TSS2, d);
	from.eflags |= NT;
	from.ecx = link;
	s = from;
	run(&s);
	asm volatile("str %0" : "=r"(tr));
	show(name, &from, &s);
	print("   tr %w types %b %b old %x\n", tr, type(TSS), type(TSS2),
	      rt_tss.eflags);
	set_cr0(get_cr0() & ~8u);
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
}

static void irets(void)
{
	u32 t = (u32)&rt_tss2;

	print("iret:\n");
	go_iret("busy TSS", TSS2, desc(t, 0x67, 0x8b));
	go_iret("rpl 3", TSS2 | 3, desc(t, 0x67, 0x8b));
	go_iret("available TSS", TSS2, desc(t, 0x67, 0x89));
	go_iret("local", TSS2 | 4, desc(t, 0x67, 0x8b));
	go_iret("null", 0, desc(t, 0x67, 0x8b));
	go_iret("outside", OUT, desc(t, 0x67, 0x8b));
	go_iret("code", UCS, desc(t, 0x67, 0x8b));
	go_iret("not present", TSS2, desc(t, 0x67, 0x0b));
	go_iret("limit 66", TSS2, desc(t, 0x66, 0x8b));
}

/* ---- errors of the new task ---- */

static void task_error(const char *name, u32 *field, u32 value)
{
	u32 code = FRAG("jmp 0x38:0");

	prepare(3, FRAG(""));
	*field = value;
	print("%s %x: ", name, value);
	go("", 0, 0, code);
}

static void errors_after(void)
{
	u32 *cs = &rt_tss2.cs, *ss = &rt_tss2.ss, *ds = &rt_tss2.ds, dr6, dr7;
	u64 old[2];

	print("errors of the new task:\n");
	set_gdt(LDT, desc((u32)rt_gdt, 0x7f, 0x02));
	task_error("ldt", &rt_tss2.ldt, LDT);
	task_error("ldt", &rt_tss2.ldt, UDS);
	task_error("ldt", &rt_tss2.ldt, OUT);
	set_gdt(LDT, desc((u32)rt_gdt, 0x7f, 0x82));
	task_error("ldt", &rt_tss2.ldt, LDT | 4);
	task_error("ldt", &rt_tss2.ldt, LDT);
	task_error("cs", cs, 3);
	task_error("cs", cs, UDS);
	task_error("cs", cs, KCS | 3);
	task_error("cs", cs, OUT | 3);
	task_error("cs", cs, UCS | 4);
	set_gdt(ODD, desc(0, 0xfffff, 0xc07b));
	task_error("cs", cs, ODD | 3);
	set_gdt(ODD, desc(0, 0xfffff, 0xc09f));
	task_error("cs, conforming", cs, ODD | 3);
	set_gdt(ODD, desc(0, 0xff, 0x40fb));
	task_error("cs, limit ff", cs, ODD | 3);
	task_error("ss", ss, 0);
	task_error("ss", ss, 3);
	task_error("ss", ss, UDS & ~3u);
	task_error("ss", ss, KDS | 3);
	task_error("ss", ss, UCS);
	task_error("ss", ss, OUT | 3);
	set_gdt(ODD, desc(0, 0xfffff, 0xc073));
	task_error("ss", ss, ODD | 3);
	set_gdt(ODD, desc(0, 0xfffff, 0xc0f1));
	task_error("ss", ss, ODD | 3);
	task_error("ds", ds, 3);
	task_error("ds", ds, ODD | 3);
	task_error("ds", ds, KDS);
	task_error("ds", ds, OUT);
	task_error("ds", ds, TSS);
	set_gdt(ODD, desc(0, 0xfffff, 0xc073));
	task_error("gs", &rt_tss2.gs, ODD | 3);
	set_gdt(ODD, desc(0, 0xfffff, 0xc0f9));
	task_error("gs", &rt_tss2.gs, ODD | 3);
	asm volatile("mov %0, %%dr6; mov %1, %%dr7" ::"r"(0), "r"(0x1ff));
	task_error("T", (u32 *)&rt_tss2.trap, 104 << 16 | 1);
	asm volatile("mov %%dr6, %0; mov %%dr7, %1" : "=r"(dr6), "=r"(dr7));
	print("dr6 %x dr7 %x\n", dr6 & 0xe00f, dr7);
	asm volatile("mov %0, %%dr7" ::"r"(0));
	print("by exceptions:\n");
	old[0] = rt_idt[6];
	old[1] = rt_idt[13];
	rt_idt[6] = gate(TSS2, 0, 0x85);
	prepare(3, FRAG(""));
	*cs = OUT | 3;
	GO(0, 0, "ud2");
	rt_idt[6] = old[0];
	rt_idt[13] = gate(TSS2, 0, 0x85);
	prepare(3, FRAG(""));
	*cs = OUT | 3;
	GO(3, 0, "hlt");
	rt_idt[13] = old[1];
}

/* ---- 16-bit TSSs ---- */

static void sixteen(void)
{
	u32 code16 = 0x1730000, code;

	print("16-bit TSS:\n");
	((u8 *)code16)[0x200] = 0xcd;
	((u8 *)code16)[0x201] = END;
	((u8 *)code16)[0x300] = 0xcf;
	set_gdt(ODD, desc(code16, 0xffff, 0x009b));
	set_gdt(ODD2, desc(code16, 0xffff, 0x00fb));
	for (u32 i = 0; i < 4; i++) {
		static const char *const names[] = {
			"jmp 0x40:0", "call 0x40:0", "int 0x40", "ud2"};
		u32 codes[] = {FRAG("jmp 0x40:0"), FRAG("call 0x40:0; inc edx"),
			       FRAG("int 0x40"), FRAG("mov eax, 0x2fb; mov ds, ax")};
		u64 old = rt_idt[13];

		prepare(0, 0x300000);
		small = (struct tss16){.link = 0x5555, .sp0 = 0x1000,
			.ss0 = KDS, .ip = i == 1 ? 0x300 : 0x200, .flags = 2,
			.ax = 0xb0b0, .cx = 0xb1b1, .dx = 0xb2b2, .bx = 0xb3b3,
			.sp = 0x4000, .bp = 0xb5b5, .si = 0xb6b6, .di = 0xb7b7,
			.es = KDS, .cs = ODD, .ss = KDS, .ds = KDS};
		set_gdt(TSS16, desc((u32)&small, 0x2b, 0x81));
		set_gdt(ODD + 0x100, desc(code16, 0xffff, 0x0093));
		small.ss = ODD + 0x100;
		rt_idt[0x40] = gate(TSS16, 0, 0x85);
		rt_idt[13] = gate(TSS16, 0, 0x85);
		go(names[i], 0, 0x203, codes[i]);
		rt_idt[13] = old;
		print("   type %b link %w ip %w flags %w sp %w word %x\n",
		      type(TSS16), small.link, small.ip, small.flags, small.sp,
		      peek(code16 + 0x3ffc));
	}
	print("from a 16-bit TSS:\n");
	set_gdt(TSS16, desc((u32)&small, 0x2b, 0x81));
	fill(&small, 0, sizeof(small));
	asm volatile("ltr %w0" ::"r"(TSS16));
	prepare(0, FRAG("mov edx, [esp]"));
	code = FRAG("call 0x30:0; nop");
	go("call", 0, 0x203 | DF, code);
	small.ip -= code;
	dump("saved", &small, sizeof(small));
}

static void page_fault(void)
{
	u32 at_ = 0x1741000 - 50;

	print("TSS in a missing page:\n");
	paging_on();
	for (u32 i = 0; i < 2; i++) {
		prepare(0, FRAG(""));
		set_gdt(TSS2, desc(at_, 0x67, 0x89));
		*pte(at_ + i * 0x1000) &= ~1u;
		set_cr3(get_cr3());
		go("jmp", 0, 0, FRAG("jmp 0x30:0"));
		*pte(at_ + i * 0x1000) |= 1;
	}
	set_cr3(get_cr3());
	print("another space:\n");
	prepare(0, FRAG("mov eax, cr3; sub eax, ebx; xor ebx, ebx"));
	rt_tss2.ebx = get_cr3();
	rt_tss2.cr3 = get_cr3() | 0x18;
	go("jmp", 0, 0, FRAG("jmp 0x30:0"));
}

void test(void)
{
	rt_flag_mask = NT | TF | IF | CF;
	ways();
	events();
	errors_before();
	irets();
	errors_after();
	sixteen();
	page_fault();
}
