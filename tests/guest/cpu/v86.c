/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtual-8086 mode (SDM 3B chapter 20): in and out by IRET, gates and tasks;
 * what depends on IOPL; what is no instruction there; segments of 64 KiB;
 * I/O by the bitmap alone.  There is no VME. */
#include "rt.h"

enum { CODE = 0x20000, STACK = 0x30000, DATA = 0x40000, EXTRA = 0x50000 };
enum { CONF = FREE, TASKGATE = CONF + 8 };

void *memcpy(void *to, const void *from, unsigned n);

static struct state v86_at(u32 flags, u32 code)
{
	struct state s = at(3, 0x100);

	memcpy((void *)(CODE + 0x100), (void *)code, 64);
	s.cs = CODE >> 4;
	s.ss = STACK >> 4;
	s.ds = DATA >> 4;
	s.es = EXTRA >> 4;
	s.fs = 0x6000;
	s.gs = 0x7000;
	s.esp = 0x1000;
	s.eflags = VM | 2 | flags;
	return s;
}

static struct state go(const char *name, u32 flags, u32 code)
{
	struct state from = v86_at(flags, code), s = from;

	run(&s);
	if (flags >> 12 != 3)
		print("iopl %d ", flags >> 12 & 3);
	show(name, &from, &s);
	return s;
}
/* Every fragment ends in INT3, which does not depend on IOPL. */
#define GO(flags, text) go(text, flags, FRAG(".code16\n" text "\nint3\n.code32"))
#define WITH(...)                          \
	do {                               \
		GO(0x3000, __VA_ARGS__);   \
		GO(0x0000, __VA_ARGS__);   \
	} while (0)

static void sensitive(void)
{
	print("depends on IOPL:\n");
	rt_flag_mask = 0x3f7f00;
	WITH("sti");
	GO(0x3000 | IF, "cli");
	GO(0x2000 | IF, "cli");
	GO(0x1000, "sti");
	WITH("pushf; pop ax; .byte 0x66; pushf; pop ebx");
	GO(0x3000 | AC | NT, ".byte 0x66; pushf; pop ebx");
	WITH("push 0; popf");
	GO(0x3000 | IF | AC, "push 0x4000; popf");
	GO(0x3000 | IF, "push dword ptr 0x3f7cff; .byte 0x66; popf");
	GO(0x3000, "push 0x3202; push 0x2000; push 0x110; iret; int3; int3; int3; int3; nop; nop");
	GO(0x3000, "push 0x4002; push 0x2010; push 0x10; iret; int3; int3; int3; int3; nop; nop");
	GO(0x0000, "push 0x3202; push 0x2000; push 0x110; iret");
	GO(0x3000, "push dword ptr 0x1a4202; push dword ptr 0x2000; push dword ptr 0x118; .byte 0x66; iret;"
		   "int3; int3; int3; int3; nop; nop");
	GO(0x3000, "push dword ptr 0x202; push dword ptr 0x2000; push dword ptr 0x10118; .byte 0x66; iret");
	rt_flag_mask = 0;
	WITH("int 0x90");
	WITH("int 0x40");
	WITH(".byte 0xcd, 3");
	WITH("mov al, 0x7f; inc al; into");
	WITH(".byte 0xf1");
	WITH("int3");
	print("not:\n");
	GO(0x0000, "xor ax, ax; into; lahf; smsw bx; sgdt [si]; sidt [di]; and bx, 1");
	GO(0x0000, "xor ax, ax; bound ax, [bx]");
	GO(0x0000, "div ah");
}

static void forbidden(void)
{
	print("not here:\n");
	GO(0x3000, "sldt ax");
	GO(0x3000, "str ax");
	GO(0x3000, "lldt ax");
	GO(0x3000, "ltr ax");
	GO(0x3000, "verr ax");
	GO(0x3000, "verw ax");
	GO(0x3000, "lar ax, bx");
	GO(0x3000, "lsl ax, bx");
	GO(0x3000, "arpl ax, bx");
	GO(0x3000, "lgdt [bx]");
	GO(0x3000, "lidt [bx]");
	GO(0x3000, "lmsw ax");
	GO(0x3000, "clts");
	GO(0x3000, "hlt");
	GO(0x3000, "mov eax, cr0");
	GO(0x3000, "mov cr0, eax");
	GO(0x3000, "mov cr3, eax");
	GO(0x3000, "mov eax, dr0");
	GO(0x3000, "mov dr0, eax");
	GO(0x3000, "invlpg [bx]");
	GO(0x3000, "invd");
	GO(0x3000, "wbinvd");
	GO(0x3000, "rdmsr");
	GO(0x3000, "wrmsr");
	GO(0x3000, "sysexit");
	GO(0x3000, "mov cs, ax");
	GO(0x3000, "ud2");
	GO(0x3000, ".byte 0xf0; nop");
}

static void segments(void)
{
	print("segments:\n");
	for (u32 i = 0; i < 0x10000; i += 4) {
		poke(DATA + i, 0xd0000000 + i);
		poke(STACK + i, 0xc0000000 + i);
	}
	poke(0x100010, 0x12345678); /* past 1 MiB: A20 is on */
	GO(0, "mov ax, 0x4100; mov ds, ax; mov ebx, [0x10]");
	GO(0, "mov ax, 0; mov ds, ax; mov es, ax; mov fs, ax; mov gs, ax");
	GO(0, "mov ebx, [0xfffc]");
	GO(0, "mov ebx, [0xfffd]");
	GO(0, "mov bx, [0xffff]");
	GO(0, "mov bl, [0xffff]");
	GO(0, "mov [0xffff], bx");
	GO(0, "add word ptr [0xffff], 5");
	GO(0, "mov ebx, 0xfffc; mov eax, [ebx]");
	GO(0, "mov ebx, 0x10000; mov al, [ebx]");
	GO(0, "mov bx, 0xfff0; mov si, 0x20; mov eax, [bx + si]");
	GO(0, "mov ebx, 0xfff0; mov esi, 0x20; mov eax, [ebx + esi]");
	GO(0, "mov bp, 0xffff; mov al, [bp]");
	GO(0, "mov bp, 0xffff; mov ax, [bp]");
	GO(0, "mov bp, 0xfffc; mov eax, [bp]");
	GO(0, "mov ax, cs:[0xffff]");
	GO(0, "mov ax, es:[0xffff]");
	GO(0, "mov si, 0xffff; lodsb; lodsb");
	GO(0, "mov si, 0xffff; lodsw");
	GO(0, "mov si, 0xfffe; mov cx, 3; xor di, di; rep movsb");
	GO(0, "mov di, 0xfffe; mov cx, 2; xor si, si; rep movsw; mov al, es:[1]");
	GO(0, "mov di, 0xffff; mov cx, 2; xor si, si; rep movsw");
	GO(0, "mov ax, 0xffff; mov ds, ax; mov ebx, [0x20]");
	GO(0, "lds bx, [0x10]");
	GO(0, "lss sp, [0x10]");
	GO(0, "les ebx, [0x20]");
	print("stacks:\n");
	GO(0, "mov sp, 0; push ax");
	GO(0, "mov sp, 1; push ax");
	GO(0, "mov sp, 2; push eax");
	GO(0, "mov sp, 3; push eax");
	GO(0, "mov sp, 0xfffe; pop ax");
	GO(0, "mov sp, 0xffff; pop ax");
	GO(0, "mov sp, 0xfffe; pop eax");
	GO(0, "mov sp, 0xfffc; pop eax");
	GO(0, "mov sp, 8; pusha");
	GO(0, "mov sp, 7; pusha");
	GO(0, "mov sp, 1; call 1f; 1:");
	GO(0, "mov esp, 0x12340010; push eax; xor esp, esp");
	GO(0, "mov esp, 0x12340010; mov bx, [esp]");
	GO(0, "mov sp, 6; .byte 0xc8, 2, 0, 2; leave");
	print("code:\n");
	GO(0, "push cs; push 0x109; retf; nop; nop; nop; inc ax");
	GO(0, "jmp 0x2010:0x0c; nop; nop; nop; nop; nop; nop; nop; inc ax");
	GO(0, "call 0x2010:0x0c; nop; nop; nop; nop; nop; nop; nop; inc ax");
	GO(0, ".byte 0x66, 0xea; .long 0xf; .word 0x2010; nop; nop; nop; nop; nop; nop; nop; inc ax");
	GO(0, ".byte 0x66, 0xea; .long 0x10000; .word 0x2010");
	GO(0, ".byte 0x66, 0xe9; .long 0x10000");
	GO(0, "mov eax, 0x10100; jmp eax");
	GO(0, "mov eax, 0x10109; jmp ax; nop; inc bx");
}

static void ports(void)
{
	print("ports:\n");
	fill(rt_tss.bits, 0xff, 0x100);
	rt_tss.bits[0x80 / 8] = 0;
	rt_tss.bits[0x90 / 8] = 0x0e;
	rt_tss.bits[0x100] = 0xff;
	set_gdt(TSS, desc((u32)&rt_tss, 104 + 0x100, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
	GO(0x3000, "in al, 0x40");
	GO(0x0000, "out 0x80, al");
	GO(0x3000, "out 0x80, eax");
	GO(0x0000, "mov dx, 0x86; out dx, ax");
	GO(0x0000, "mov dx, 0x87; out dx, ax");
	GO(0x0000, "mov dx, 0x90; in al, dx; xor ax, ax; in ax, dx");
	GO(0x0000, "mov dx, 0x94; in eax, dx; xor eax, eax");
	GO(0x3000, "mov dx, 0x800; in al, dx");
	GO(0x0000, "mov dx, 0x80; mov cx, 2; rep outsb");
	GO(0x0000, "mov dx, 0x40; insb");
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
	GO(0x3000, "out 0x80, al");
}

/* What a gate pushes, and what the handler finds in the segments. */
static void gates(void)
{
	u32 see = FRAG("push ds; push es; push fs; push gs; pop eax; pop ecx; pop edx; pop ebx; pushfd; pop edi");
	struct state s;

	print("gates:\n");
	rt_flag_mask = 0;
	rt_idt[0x40] = gate(KCS, see, 0xee);
	s = GO(0x3000 | IF | OF, "int 0x40");
	dump("frame", (void *)s.esp, 36);
	rt_idt[0x40] = gate(KCS, see, 0xef);
	s = GO(0x3000 | IF | NT | AC | TF, "int 0x40");
	rt_idt[6] = gate(KCS, see, 0x8e);
	s = GO(0, "ud2");
	dump("frame", (void *)s.esp, 36);
	rt_idt[6] = gate(KCS, (u32)0x1000, 0x8e);
	rt_idt[13] = gate(KCS, see, 0x8e);
	s = GO(0, "hlt");
	dump("frame", (void *)s.esp, 40);
	set_gdt(CONF, desc(0, 0xfffff, 0xc09f));
}

static void gate_errors(const u64 *good)
{
	rt_idt[6] = good[6];
	rt_idt[13] = good[13];
	rt_idt[0x40] = gate(CONF, FRAG(""), 0xee);
	GO(0x3000, "int 0x40");
	rt_idt[0x40] = gate(UCS, FRAG(""), 0xee);
	GO(0x3000, "int 0x40");
	rt_idt[0x40] = gate(KCS, FRAG(""), 0x8e);
	GO(0x3000, "int 0x40");
	rt_idt[6] = gate(CONF, FRAG(""), 0x8e);
	GO(0x3000, "ud2");
	rt_idt[6] = good[6];
	rt_idt[0x40] = good[0x40];
}

static void tasks(void)
{
	struct tss *t = &rt_tss2;
	struct state from = at(0, FRAG("call 0x30:0; inc eax")), s = from;
	u32 code = FRAG(".code16\nmov ax, ds; mov bx, cs; mov cx, ss; mov dx, gs; int3\n.code32");

	print("tasks:\n");
	memcpy((void *)(CODE + 0x100), (void *)code, 64);
	fill(t, 0, 104);
	t->ss0 = KDS;
	t->esp0 = 0x1720000;
	t->cr3 = get_cr3();
	t->eip = 0x100;
	t->eflags = VM | 2 | IF;
	t->esp = 0x1000;
	t->cs = CODE >> 4;
	t->ss = STACK >> 4;
	t->ds = DATA >> 4;
	t->es = EXTRA >> 4;
	t->fs = 0x1234;
	t->gs = 0x5678;
	set_gdt(TSS2, desc((u32)t, 0x67, 0x89));
	s = from;
	run(&s);
	s.eip += from.eip - 0x100;
	show("to V86", &from, &s);
	set_cr0(get_cr0() & ~8u);
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
	t->eip = FRAG("mov eax, [rt_tss + 36]; mov ecx, [rt_tss + 76]; mov edx, [rt_tss + 80]; mov ebx, [rt_tss + 72]");
	t->eflags = 2;
	t->cs = KCS;
	t->ss = t->ds = t->es = t->fs = t->gs = KDS;
	set_gdt(TSS2, desc((u32)t, 0x67, 0x89));
	rt_idt[0x40] = gate(TSS2, 0, 0xe5);
	GO(0x3000, "nop; int 0x40");
	print("saved ip %w\n", rt_tss.eip);
	set_cr0(get_cr0() & ~8u);
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
	t->eip = FRAG("iretd");
	set_gdt(TSS2, desc((u32)t, 0x67, 0x89));
	GO(0x3000, "nop; int 0x40; mov ax, cs; mov bx, ds");
}

static void single_step(void)
{
	struct state s = v86_at(TF, FRAG(".code16\nnop; mov ax, ss; mov ss, ax; nop; nop; int3\n.code32"));

	print("TF:");
	for (u32 i = 0; i < 8; i++) {
		run(&s);
		print(" %b+%b", s.vec, s.eip - 0x100);
		if (s.vec != 1)
			break;
	}
	print("\n");
}

void test(void)
{
	static u64 good[256];

	for (u32 i = 0; i < 256; i++)
		good[i] = rt_idt[i];
	sensitive();
	rt_flag_mask = 0;
	forbidden();
	segments();
	ports();
	gates();
	gate_errors(good);
	single_step();
	tasks();
	print("back with EIP over 64 KiB:\n");
	TRY(0, "push 0; push 0; push 0; push 0; push 0x3000; push 0x1000; push 0x20002;"
	       "push 0x2000; push 0x10100; iretd");
	print("VME:\n");
	TRY(0, "mov eax, cr4; or eax, 1; mov cr4, eax");
	TRY(0, "mov eax, cr4; or eax, 2; mov cr4, eax");
}
