/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Delivery of interrupts and exceptions (SDM 3A chapter 6): gates of all
 * kinds and sizes, whose privilege is asked for, what is on the new stack,
 * what flags the handler has, and the error codes of deliveries that fail.
 * Then exceptions while an exception is delivered: which are served in turn
 * and which make a double fault. */
#include "rt.h"

enum { CS1 = FREE, DS1 = CS1 + 8, CS2 = DS1 + 8, DS2 = CS2 + 8,
       CONF = DS2 + 8, CS16 = CONF + 8, BASED = CS16 + 8, ODD = BASED + 8,
       ODD_SS = ODD + 8, ODD1 = ODD_SS + 8, OUT = 0x200, LDTSEL = ODD1 + 8 };
enum { SP1 = 0x1710000, SP2 = 0x1720000, BASE16 = 0x1730000 };
enum { INT16 = 6, TRAP16 = 7, INT32 = 14, TRAP32 = 15, PRESENT = 0x80,
       DPL3 = 0x60 };
enum { N = 0x40 }; /* the vector tried */

static u64 old_gate[256];

static void setup(void)
{
	set_gdt(CS1, desc(0, 0xfffff, 0xc0bb));
	set_gdt(DS1, desc(0, 0xfffff, 0xc0b3));
	set_gdt(CS2, desc(0, 0xfffff, 0xc0db));
	set_gdt(DS2, desc(0, 0xfffff, 0xc0d3));
	set_gdt(CONF, desc(0, 0xfffff, 0xc09f));
	set_gdt(CS16, desc(BASE16, 0xffff, 0x009b));
	set_gdt(BASED, desc(BASE16, 0xfff, 0x409b));
	rt_tss.ss1 = DS1 | 1;
	rt_tss.esp1 = SP1;
	rt_tss.ss2 = DS2 | 2;
	rt_tss.esp2 = SP2;
	((u8 *)BASE16)[0x100] = 0xcd;
	((u8 *)BASE16)[0x101] = END;
	for (u32 i = 0; i < 256; i++)
		old_gate[i] = rt_idt[i];
}

static struct state on(u32 level, u32 code)
{
	static const u16 cs[] = {KCS, CS1 | 1, CS2 | 2, UCS};
	static const u16 ds[] = {KDS, DS1 | 1, DS2 | 2, UDS};
	struct state s = at(level, code);

	s.cs = cs[level];
	s.ss = s.ds = s.es = s.fs = s.gs = ds[level];
	if (level == 1)
		s.esp = SP1 - 0x1000;
	if (level == 2)
		s.esp = SP2 - 0x1000;
	return s;
}

static void words(const struct state *s, u32 n, u32 code)
{
	u32 size = s->cs >> 3 == CS16 >> 3 ? 2 : 4;
	u32 mask = size == 2 ? 0xffff : ~0u;

	print("   stack");
	for (u32 i = 0; i < n; i++) {
		u32 w = peek(s->esp + size * i) & mask;

		if (w - (code & mask) < 0x40)
			print(" code+%b", w - (code & mask));
		else if (size == 2)
			print(" %w", w);
		else
			print(" %x", w);
	}
	print("\n");
}

static void go(u32 level, u32 flags, const char *name, u32 code, u32 n)
{
	struct state from = on(level, code), s;

	from.eflags = flags | 2;
	s = from;
	run(&s);
	print("%d ", level);
	show(name, &from, &s);
	if (n && s.vec == END)
		words(&s, n, code);
}
#define GO(level, flags, n, text) go(level, flags, text, FRAG(text), n)

static void vector(u32 v, u16 sel, u32 offset, u8 attr)
{
	rt_idt[v] = gate(sel, offset, attr);
}

/* ---- kinds of gates ---- */

static void kinds(void)
{
	static const u8 types[] = {INT32, TRAP32, INT16, TRAP16};
	static const char *const names[] = {"interrupt", "trap", "interrupt 16",
					    "trap 16"};
	static const u16 targets[] = {KCS, CS1 | 3, CS2, CONF, UCS};
	/* the handler's EFLAGS, in eax */
	u32 flags = FRAG("pushfd; pop eax; and eax, 0x277200; mov ecx, [esp + 8]");

	rt_flag_mask = 0;
	for (u32 i = 0; i < 2; i++) {
		print("%s gate:\n", names[i]);
		for (u32 t = 0; t < 5; t++) {
			vector(N, targets[t], flags, PRESENT | DPL3 | types[i]);
			for (u32 level = 0; level < 4; level++)
				GO(level, 0x203 | NT | AC | OF, 5, "int 0x40");
		}
	}
	print("16-bit gates:\n");
	for (u32 i = 2; i < 4; i++) {
		vector(N, CS16, 0xabc0100, PRESENT | DPL3 | types[i]);
		for (u32 level = 0; level < 4; level += 3)
			GO(level, 0x203 | NT | AC, 5, "int 0x40");
		vector(6, CS16, 0x100, PRESENT | types[i]);
		GO(3, 0x203, 5, "nop; ud2");
		vector(13, CS16, 0x100, PRESENT | types[i]);
		GO(3, 0x203, 6, "nop; hlt");
		rt_idt[6] = old_gate[6];
		rt_idt[13] = old_gate[13];
	}
	rt_idt[N] = old_gate[N];
}

/* What each event pushes. */
static void frames(void)
{
	u32 end = FRAG(""), v[] = {0, 1, 3, 4, 5, 6, 13, 14, 17};

	print("frames:\n");
	for (u32 i = 0; i < sizeof(v) / 4; i++)
		vector(v[i], KCS, end, PRESENT | INT32 | (v[i] == 3 || v[i] == 4 ? DPL3 : 0));
	for (u32 level = 0; level < 4; level += 3) {
		GO(level, IF, 5, "nop; int3");
		GO(level, IF | OF, 5, "nop; into");
		GO(level, IF, 0, "nop; into; nop");
		GO(level, IF, 5, "nop; .byte 0xf1");
		GO(level, IF, 5, "nop; ud2");
		GO(level, IF | RF, 5, "ud2");
		GO(level, IF, 5, "nop; xor ecx, ecx; div ecx");
		GO(level, IF, 6, "nop; mov eax, 0x2fb; mov ds, ax");
		GO(level, IF, 5, "nop; push 5; push 1; bound eax, [esp]");
		GO(level, IF | TF, 5, "nop");
	}
	for (u32 i = 0; i < 32; i++)
		rt_idt[i] = old_gate[i];
}

/* ---- deliveries that fail ---- */

/* The same bad gate for a software interrupt, for an exception without and
 * with an error code, and for INT3 and INT1. */
static void bad(const char *name, u64 g, u32 levels)
{
	static const u32 by[] = {N, 6, 3, 1, 4};

	print("%s:\n", name);
	for (u32 i = 0; i < 5; i++)
		rt_idt[by[i]] = g;
	for (u32 level = 0; level < 4; level += 3) {
		if (!(levels >> level & 1))
			continue;
		GO(level, 0, 0, "int 0x40");
		GO(level, 0, 0, "ud2");
		GO(level, 0, 0, "int3");
		GO(level, OF, 0, "into");
		GO(level, 0, 0, ".byte 0xf1");
	}
	for (u32 i = 0; i < 5; i++)
		rt_idt[by[i]] = old_gate[by[i]];
}

static void failures(void)
{
	u32 end = FRAG("");
	enum { BOTH = 9, USER = 8 };

	bad("gate DPL 0", gate(KCS, end, 0x8e), BOTH);
	bad("gate DPL 2", gate(KCS, end, 0xce), BOTH);
	bad("not present", gate(KCS, end, 0x6e), BOTH);
	bad("not present, DPL 0", gate(KCS, end, 0x0e), BOTH);
	bad("type 0", gate(KCS, end, 0xe0), BOTH);
	bad("call gate", gate(KCS, end, 0xec), BOTH);
	bad("call gate, not present, DPL 0", gate(KCS, end, 0x0c), USER);
	bad("TSS", gate(KCS, end, 0xe9), USER);
	bad("segment", gate(KCS, end, 0xfb), USER);
	bad("null target", gate(3, end, 0xee), BOTH);
	bad("target outside", gate(OUT | 3, end, 0xee), USER);
	bad("target in no LDT", gate(0xf, end, 0xee), USER);
	bad("target data", gate(KDS, end, 0xee), USER);
	set_gdt(ODD, desc(0, 0xfffff, 0xc01b));
	bad("target not present", gate(ODD | 3, end, 0xee), BOTH);
	set_gdt(ODD, desc(0, 0xfffff, 0xc08b));
	bad("target TSS", gate(ODD, end, 0xee), USER);
	bad("target DPL 3, from 0", gate(UCS, end, 0xee), 1);
	bad("offset over the limit", gate(BASED, 0x1000, 0xee), BOTH);
}

/* New stacks in ring 1. */
static void stack1(const char *name, u16 ss, u32 esp)
{
	rt_tss.ss1 = ss;
	rt_tss.esp1 = esp;
	bad(name, gate(CS1, FRAG(""), 0xee), 8);
	rt_tss.ss1 = DS1 | 1;
	rt_tss.esp1 = SP1;
}

static void new_stacks(void)
{
	stack1("good stack", DS1 | 1, SP1);
	stack1("null stack", 1, SP1);
	stack1("stack rpl 0", DS1, SP1);
	stack1("stack rpl 3", DS1 | 3, SP1);
	stack1("stack dpl 0", KDS | 1, SP1);
	stack1("stack outside", OUT | 1, SP1);
	stack1("stack code", CS1 | 1, SP1);
	set_gdt(ODD_SS, desc(0, 0xfffff, 0xc0b1));
	stack1("stack read only", ODD_SS | 1, SP1);
	set_gdt(ODD_SS, desc(0, 0xfffff, 0xc033));
	stack1("stack not present", ODD_SS | 1, SP1);
	set_gdt(ODD_SS, desc(BASE16, 0xfff, 0x40b3));
	stack1("stack with room", ODD_SS | 1, 20);
	stack1("stack without room", ODD_SS | 1, 19);
	set_gdt(ODD, desc(BASE16, 0xfff, 0x40bb));
	rt_tss.ss1 = ODD_SS | 1;
	rt_tss.esp1 = 19;
	bad("no room and offset over the limit", gate(ODD, 0x1000, 0xee), 8);
	rt_tss.esp1 = 20;
	bad("room and offset over the limit", gate(ODD, 0x1000, 0xee), 8);
	for (u32 limit = 16; limit < 18; limit++) {
		set_gdt(ODD1, desc((u32)&rt_tss, limit, 0x89));
		asm volatile("ltr %w0" ::"r"(ODD1));
		rt_tss.ss1 = DS1 | 1;
		rt_tss.esp1 = SP1;
		print("TSS limit %d ", limit);
		bad("", gate(CS1, FRAG(""), 0xee), 8);
	}
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
}

static void idt_limits(void)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) idtr = {0, (u32)rt_idt};

	print("IDT limits:\n");
	rt_idt[0xff] = old_gate[END];
	for (u32 i = 0; i < 3; i++) {
		idtr.limit = (u16)(0xff * 8 + 5 + i);
		asm volatile("lidt %0" ::"m"(idtr));
		GO(3, 0, 0, "int 0xff; nop");
	}
	idtr.limit = 2047;
	asm volatile("lidt %0" ::"m"(idtr));
	rt_idt[0xff] = old_gate[0xff];
}

/* ---- IRET ---- */

static void irets(void)
{
	print("iret:\n");
	rt_flag_mask = 0x7fffff & ~0x8d4;
	GO(0, 0, 0, "push 0x247202; push 8; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 0x247ad7; push 8; push offset 1f; .byte 0x66; mov eax, eax; iretd; 1:");
	GO(0, 0, 0, "push 0x23; push 0x1703000; push 0x3202; push 0x1b; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 0x23; push 0x1703000; push 0x247202; push 0x1b; push offset 1f; iretd; 1:");
	GO(3, 0, 0, "push 0x247202; push 0x1b; push offset 1f; iretd; 1:");
	GO(3, 0x3000, 0, "push 0x245202; push 0x1b; push offset 1f; iretd; 1:");
	GO(3, 0x3200, 0, "push 0x2; push 0x1b; push offset 1f; iretd; 1:");
	GO(3, 0x1200, 0, "push 0x2; push 0x1b; push offset 1f; iretd; 1:");
	GO(3, 0x1200, 0, "push 0x3002; push 0x1b; push offset 1f; iretd; 1:");
	GO(1, 0x1000, 0, "push 0x23; push 0x1703000; push 0x3202; push 0x1b; push offset 1f; iretd; 1:");
	GO(1, 0x0000, 0, "push 0x23; push 0x1703000; push 0x3202; push 0x1b; push offset 1f; iretd; 1:");
	GO(0, AC, 0, ".byte 0x66, 0x68; .word 0x7202; .byte 0x66, 0x68; .word 0x60; .byte 0x66, 0x68; .word 0x100; .byte 0x66; iret");
	print("VM, VIF and VIP from ring 3 and ring 1\n");
	GO(3, 0, 0, "push 0x1a0002; push 0x1b; push offset 1f; iretd; 1:");
	GO(1, 0, 0, "push 0x1a0002; push 0x39; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 0x180002; push 8; push offset 1f; iretd; 1:");
	rt_flag_mask = 0;
	print("errors:\n");
	GO(0, 0, 0, "push 2; push 0; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 2; push 0x203; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 2; push 0x18; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 2; push 0x10; push offset 1f; iretd; 1:");
	GO(3, 0, 0, "push 2; push 8; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 2; push 0x68; push 0x1000; iretd; 1:");
	set_gdt(ODD, desc(0, 0xfffff, 0xc07b));
	GO(0, 0, 0, "push 0x1b; push 0x1703000; push 2; push 0x73; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 0x10; push 0x1703000; push 2; push 0x1b; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 3; push 0x1703000; push 2; push 0x1b; push offset 1f; iretd; 1:");
	set_gdt(ODD_SS, desc(0, 0xfffff, 0xc073));
	GO(0, 0, 0, "push 0x7b; push 0x1703000; push 2; push 0x1b; push offset 1f; iretd; 1:");
	set_gdt(ODD, desc(0, 0xff, 0x40fb));
	GO(0, 0, 0, "push 0x7b; push 0x1703000; push 2; push 0x73; push offset 1f; iretd; 1:");
	GO(0, 0, 0, "push 0x23; push 0x1703000; push 2; push 0x73; push offset 1f; iretd; 1:");
}

/* ---- exceptions while exceptions are delivered ---- */

/* The gates of `first` and, if not 0, of `second` are not present. */
static void chain(const char *name, u32 level, u32 code, u32 first, u32 second)
{
	struct state from = on(level, code), s = from;

	rt_idt[first] &= ~(0x8000ull << 32);
	if (second)
		rt_idt[second] &= ~(0x8000ull << 32);
	run(&s);
	rt_idt[first] = old_gate[first];
	rt_idt[second] = old_gate[second];
	print("%b %b: ", first, second);
	show(name, &from, &s);
}
#define CHAIN(level, first, second, text) chain(text, level, FRAG(text), first, second)

static void double_faults(void)
{
	u32 hole = 0x1800000;

	*pte(hole) = 0;
	set_cr3(get_cr3());
	print("benign, then contributory:\n");
	CHAIN(3, 1, 0, ".byte 0xf1");
	CHAIN(3, 3, 0, "int3");
	CHAIN(3, 5, 0, "push 5; push 1; bound eax, [esp]");
	CHAIN(3, 6, 0, "ud2");
	CHAIN(3, END, 0, "int 0x90");
	set_cr0(get_cr0() | 8);
	CHAIN(3, 7, 0, "fld1");
	set_cr0(get_cr0() & ~8u);
	print("and its handler missing too:\n");
	CHAIN(3, 6, 11, "ud2");
	CHAIN(3, 3, 11, "int3");
	CHAIN(3, END, 11, "int 0x90");
	print("contributory, then contributory:\n");
	CHAIN(3, 0, 0, "xor ecx, ecx; div ecx");
	CHAIN(0, 0, 0, "xor ecx, ecx; div ecx");
	CHAIN(3, 13, 0, "hlt");
	CHAIN(3, 13, 0, "mov eax, 0x2fb; mov ds, ax");
	CHAIN(0, 11, 0, "mov eax, 0x7b; mov fs, ax");
	CHAIN(3, 12, 0, "mov eax, 0x7b; mov ss, ax");
	print("page fault, then contributory:\n");
	CHAIN(3, 14, 0, "mov eax, [0x1800004]");
	CHAIN(0, 14, 0, "mov [0x1800008], eax");
}

/* A handler's stack that is missing: contributory or page fault, then page
 * fault.  Ring 1 handles the first; its stack is in the hole. */
static void missing_stack(const char *name, u32 code, u32 first)
{
	struct state from = on(3, code), s = from;

	rt_idt[first] = gate(CS1, FRAG("nop"), 0xee);
	rt_tss.esp1 = 0x1800100;
	run(&s);
	rt_tss.esp1 = SP1;
	rt_idt[first] = old_gate[first];
	print("%b: ", first);
	show(name, &from, &s);
}
#define MISSING_STACK(first, text) missing_stack(text, FRAG(text), first)

static void page_faults(void)
{
	print("page fault on the handler's stack:\n");
	MISSING_STACK(0x40, "int 0x40");
	MISSING_STACK(6, "nop; ud2");
	MISSING_STACK(0, "nop; xor ecx, ecx; div ecx");
	MISSING_STACK(13, "nop; hlt");
	MISSING_STACK(14, "nop; mov eax, [0x1800004]");
}

/* The page of the IDT that holds a vector's gate is missing. */
static void missing_gate(const char *name, u32 code, u32 first)
{
	static u8 pages[3 * 4096] __attribute__((aligned(4096)));
	struct state from = on(3, code), s = from;
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) idtr;

	/* the next vector's gate begins a page */
	idtr.base = (u32)pages + 4096 - 8 * (first + 1);
	idtr.limit = 2047;
	for (u32 i = 0; i < 256; i++)
		((u64 *)idtr.base)[i] = rt_idt[i];
	((u64 *)idtr.base)[8] = rt_idt[8];
	asm volatile("lidt %0" ::"m"(idtr));
	*pte((u32)pages) = 0;
	invlpg((u32)pages);
	run(&s);
	*pte((u32)pages) = (u32)pages | P | W | U;
	idtr.base = (u32)rt_idt;
	asm volatile("lidt %0" ::"m"(idtr));
	if (s.vec == 14)
		s.cr2 -= (u32)pages;
	print("%b: ", first);
	show(name, &from, &s);
}
#define MISSING_GATE(first, text) missing_gate(text, FRAG(text), first)

void test(void)
{
	setup();
	kinds();
	frames();
	failures();
	new_stacks();
	idt_limits();
	irets();
	paging_on();
	double_faults();
	page_faults();
	print("page fault on the gate:\n");
	MISSING_GATE(13, "nop; hlt");
	MISSING_GATE(6, "nop; ud2");
	MISSING_GATE(13, "mov eax, 0x2fb; mov ds, ax");
}
