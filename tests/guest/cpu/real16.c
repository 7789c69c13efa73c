/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real-address mode (SDM 3B chapter 20): fragments run there with the state
 * they are given and end in an interrupt through the vector table, which
 * brings their state back to protected mode.  Segments of 64 KiB and the
 * cached limits of "unreal" ones, interrupts and exceptions, what is no
 * instruction there, and mixes of 16- and 32-bit operands and addresses. */
#include "rt.h"

enum { CODE = 0x20000, STACK = 0x30000, DATA = 0x40000, EXTRA = 0x50000 };
enum { CS16 = FREE, DS16 = CS16 + 8 }; /* base LOW, and base 0; 64 KiB */
enum { LOW = 0x8000, BLOB = 0x100, STUBS = 0x400 };

void *memcpy(void *to, const void *from, unsigned n);
extern u8 blob[], blob_end[], blob_common[];
void to_real(void);

/* Runs at LOW, as segment 0800h; the state is at its beginning. */
asm(".text\n"
    "to_real: pushal; pushfl; movl %esp, saved_esp; sidt saved_idt\n"
    "lidt real_idt; ljmp $0x38, $0x100\n"
    "back: mov $0x10, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %fs\n"
    "mov %eax, %gs; mov %eax, %ss; mov saved_esp, %esp; lidt saved_idt\n"
    "popfl; popal; ret\n"
    "blob: .code16\n"
    "mov $0x40, %ax; mov %ax, %ss; mov %ax, %es; mov %ax, %fs; mov %ax, %gs\n"
    "mov $0x40, %ax\n"
    "mov %ax, %ds\n"
    "mov %cr0, %eax; and $0xfffffffe, %eax; mov %eax, %cr0\n"
    "ljmp $0x800, $(1f - blob + 0x100)\n"
    "1: lss %cs:68, %esp\n"
    "pushl %cs:36; pushl %cs:40; pushl %cs:32\n"
    "mov %cs:52, %es; mov %cs:56, %fs; mov %cs:60, %gs; mov %cs:48, %ds\n"
    "mov %cs:0, %eax; mov %cs:4, %ecx; mov %cs:8, %edx; mov %cs:12, %ebx\n"
    "mov %cs:20, %ebp; mov %cs:24, %esi; mov %cs:28, %edi\n"
    "iretl\n"
    "blob_common: mov %eax, %cs:0; pop %ax; movzwl %ax, %eax\n"
    "mov %eax, %cs:64; pop %ax; mov %eax, %cs:32; pop %ax; mov %eax, %cs:40\n"
    "pop %ax; mov %eax, %cs:36; mov %esp, %cs:16; mov %ss, %ax\n"
    "mov %eax, %cs:44; mov %ds, %ax; mov %eax, %cs:48; mov %es, %ax\n"
    "mov %eax, %cs:52; mov %fs, %ax; mov %eax, %cs:56; mov %gs, %ax\n"
    "mov %eax, %cs:60; mov %ecx, %cs:4; mov %edx, %cs:8; mov %ebx, %cs:12\n"
    "mov %ebp, %cs:20; mov %esi, %cs:24; mov %edi, %cs:28\n"
    "mov %cr0, %eax; or $1, %eax; mov %eax, %cr0\n"
    "ljmpl $8, $back\n"
    "blob_end: .code32\n"
    ".data\n"
    ".globl blob, blob_end, blob_common, real_idt\n"
    "saved_esp: .long 0\nsaved_idt: .skip 8\n"
    "real_idt: .word 0x3ff; .long 0\n.text\n");
extern struct {
	u16 limit;
	u32 base;
} __attribute__((packed)) real_idt;

static void install(void)
{
	u32 common = (u32)(blob_common - blob) + BLOB;

	set_gdt(CS16, desc(LOW, 0xffff, 0x009b));
	set_gdt(DS16, desc(0, 0xffff, 0x0093));
	memcpy((void *)(LOW + BLOB), blob, (u32)(blob_end - blob));
	for (u32 i = 0; i < 256; i++) { /* push i; jmp common */
		u8 *p = (u8 *)LOW + STUBS + 6 * i;
		u32 rel = common - (STUBS + 6 * i + 6);

		p[0] = 0x68;
		p[1] = (u8)i;
		p[2] = 0;
		p[3] = 0xe9;
		p[4] = (u8)rel;
		p[5] = (u8)(rel >> 8);
		poke(i * 4, LOW << 12 | (STUBS + 6 * i));
	}
}

static struct state real_at(u32 code)
{
	struct state s = at(0, 0x100);

	memcpy((void *)(CODE + 0x100), (void *)code, 64);
	s.cs = CODE >> 4;
	s.ss = STACK >> 4;
	s.ds = DATA >> 4;
	s.es = EXTRA >> 4;
	s.fs = 0x6000;
	s.gs = 0x7000;
	s.esp = 0x1000;
	return s;
}

static void run_real(struct state *s)
{
	memcpy((void *)LOW, s, 64);
	*(u32 *)(LOW + 68) = s->esp;
	*(u32 *)(LOW + 72) = s->ss;
	to_real();
	memcpy(s, (void *)LOW, 68);
	s->err = s->cr2 = 0;
}

static void go(const char *name, u32 flags, u32 code)
{
	struct state from = real_at(code), s;

	from.eflags |= flags;
	s = from;
	run_real(&s);
	show(name, &from, &s);
}
/* END follows every fragment. */
#define GO(flags, text) go(text, flags, FRAG(".code16\n" text "\nint 0x90\n.code32"))

static void plain(void)
{
	for (u32 i = 0; i < 0x10000; i += 4) {
		poke(DATA + i, 0xd0000000 + i);
		poke(STACK + i, 0xc0000000 + i);
		poke(EXTRA + i, 0xe0000000 + i);
	}
	poke(0x100010, 0x12345678);
	print("operands and addresses:\n");
	GO(0, "mov ax, 0x1234; mov ebx, 0x12345678; mov cl, 5");
	GO(0, "mov ebx, [0x10]; mov cx, [0x12]; mov dl, [0x13]");
	GO(0, "mov bx, 0x10; mov si, 4; mov eax, [bx + si + 8]");
	GO(0, "mov bx, 0xfff0; mov si, 0x20; mov eax, [bx + si]");
	GO(0, "mov ebx, 0x10; mov eax, [ebx * 4 + 4]; lea ecx, [ebx * 8 + 0x12345]");
	GO(0, "mov bx, 0xfff0; lea eax, [bx + 0x20]; lea cx, [ebx + 0x20]");
	GO(0, "mov bp, 0x10; mov eax, [bp]; mov ecx, ds:[bp]; mov edx, es:[0x20]");
	GO(0, "mov eax, 0xffff8000; movsx ecx, ax; movzx edx, al; cwd; cdq");
	GO(0, "mov ax, 0xff; mov bx, 0x101; mul bx; imul ecx, ecx, 3");
	GO(0, "mov si, 0xfffe; mov cx, 3; xor di, di; rep movsb");
	GO(0, "mov esi, 0x20; mov edi, 0x40; mov ecx, 2; .byte 0x67; rep movsd; mov eax, es:[0x44]");
	GO(0, "std; mov si, 1; mov di, 1; mov cx, 3; rep movsb; cld");
	GO(0, "mov bx, 0x10; mov al, 5; xlatb");
	GO(0, "xlatb");
	GO(0, "mov cx, 3; 1: inc ax; loop 1b; jcxz 2f; inc ax; 2: jecxz 3f; inc ax; 3:");
	GO(0, "mov ecx, 0x10001; 1: inc ax; .byte 0x67; loop 2f; inc ax; 2: mov edx, ecx");
	GO(0, "mov ecx, 0x10000; jcxz 1f; inc ax; 1: jecxz 2f; inc ax; 2:");
	GO(0, "mov ax, 0xffff; mov ds, ax; mov ebx, [0x20]");
	GO(0, "push eax; push bx; push cs; push 0x1234; push dword ptr 5; pop eax; pop ax; pop bx");
	GO(0, "pusha; mov bp, sp; mov eax, [bp]; mov ecx, [bp + 12]; popa");
	GO(0, "pushad; mov bp, sp; mov eax, [bp + 28]; add sp, 32");
	GO(0, "push sp; pop ax; mov bx, sp; push esp; pop ecx");
	GO(0, "enter 4, 0; mov ax, [bp]; leave");
	GO(0, "enter 2, 3; mov ax, sp; leave");
	GO(0, "pushf; pop ax; push 0x7002; popf; pushf; pop bx; push 2; popf");
	GO(0, ".byte 0x66; pushf; pop eax; or eax, 0x243000; push eax; .byte 0x66; popf; .byte 0x66; pushf; pop ebx");
	GO(0, "lds bx, [0x10]; les ecx, es:[0x20]; lfs dx, ss:[0x40]");
	GO(0, "smsw ax; and ax, 1; mov ecx, cr0; and ecx, 1");
	GO(0, "mov ax, 5; mov bx, 0; push bx; push bx; mov bp, sp; bound ax, [bp]; add sp, 4");
	GO(0, "mov eax, 0x12345678; bswap eax; xchg ah, al; shl eax, 4; shld ebx, eax, 8");
	GO(0, "fld1; fld1; faddp; fistp dword ptr [0x100]; mov eax, [0x100]");
}

static void transfers(void)
{
	print("transfers:\n");
	GO(0, "call 1f; inc ax; jmp 2f; 1: pop bx; push bx; ret; 2:");
	GO(0, ".byte 0x66, 0xe8; .long 2; jmp 1f; .byte 0x66; ret; 1:");
	GO(0, "push cs; push 0x108; retf; int3; int3; inc ax");
	GO(0, "push cs; call 1f; 1: pop ax; add ax, 9; push ax; retf; int3; int3; int3; nop; inc bx");
	GO(0, ".byte 0xea; .word 0x0a, 0x2010; int3; int3; int3; nop; nop; inc ax");
	GO(0, ".byte 0x9a; .word 0x0a, 0x2010; int3; int3; int3; nop; nop; inc ax");
	GO(0, ".byte 0x66, 0xea; .long 0x0a; .word 0x2010; int3; inc ax; inc ax; inc ax");
	GO(0, ".byte 0x66, 0x9a; .long 0x0a; .word 0x2010; int3; inc ax; inc ax; inc ax");
	GO(0, "push 0x2010; push 0x0a; mov bp, sp; jmp far ptr [bp]; int3; int3");
	GO(0, "push 0x3; pushf; push cs; push 0x10a; iret; int3; int3; inc ax");
	GO(0, "push dword ptr 0x247202; push dword ptr 0x2000; push dword ptr 0x118; .byte 0x66; iret; int3; int3; inc ax");
	GO(0, "mov eax, 0x10108; jmp eax");
	GO(0, "mov eax, 0x10109; jmp ax; inc bx; inc cx");
	GO(0, ".byte 0x66, 0xe9; .long 0x10000");
	GO(0, ".byte 0x66, 0xea; .long 0x10000; .word 0x2000");
	GO(0, ".byte 0x66, 0xe8; .long 0x10000");
	GO(0, "push dword ptr 0x10100; .byte 0x66; ret");
	GO(0, "push dword ptr 0x2000; push dword ptr 0x10100; .byte 0x66; retf");
	GO(0, "push dword ptr 2; push dword ptr 0x2000; push dword ptr 0x10100; .byte 0x66; iret");
	GO(0, "mov word ptr cs:[0xfffe], 0x9090; .byte 0xea; .word 0xfffe, 0x2000");
	GO(0, "mov dword ptr cs:[0xfffc], 0x70eb9090; mov word ptr cs:[0x70], 0x90cd; .byte 0xea; .word 0xfffc, 0x2000");
	GO(0, "mov word ptr cs:[0xfffe], 0x05b8; .byte 0xea; .word 0xfffe, 0x2000");
}

static void interrupts(void)
{
	print("interrupts and exceptions:\n");
	rt_flag_mask = TF | IF | 0x7000 | AC | RF;
	GO(0, "int 0x40");
	GO(IF | 0x3000, "int 0x40");
	GO(0, "int3");
	GO(0, "mov al, 0x7f; inc al; into");
	GO(0, "xor al, al; into; inc al");
	GO(0, ".byte 0xf1");
	GO(0, "nop; xor cx, cx; div cx");
	GO(0, "nop; aam 0");
	GO(0, "nop; mov ax, 5; push 3; push 0; mov bp, sp; bound ax, [bp]");
	GO(0, "nop; ud2");
	GO(TF, "nop; nop");
	GO(0, "nop; push 0x102; popf; nop; nop");
	rt_flag_mask = 0;
	print("limits:\n");
	GO(0, "mov ebx, [0xfffc]");
	GO(0, "mov ebx, [0xfffd]");
	GO(0, "mov [0xffff], bx");
	GO(0, "inc word ptr [0xffff]");
	GO(0, "mov bl, [0xffff]");
	GO(0, "mov ebx, 0x10000; mov al, [ebx]");
	GO(0, "mov ebx, 0xffffffff; mov al, [ebx + 1]");
	GO(0, "mov bp, 0xffff; mov ax, [bp]");
	GO(0, "mov ebp, 0x10000; mov al, [ebp]");
	GO(0, "mov si, 0xffff; lodsw");
	GO(0, "mov di, 0xffff; stosw");
	GO(0, "mov di, 0xfffc; mov cx, 2; rep stosd; mov di, 0xfffd; mov cx, 1; rep stosd");
	GO(0, "mov esi, 0x10000; .byte 0x67; lodsb");
	GO(0, "movups xmm0, [0xfff8]");
	GO(0, "fld qword ptr [0xfffa]");
	GO(0, "mov ax, cs:[0xffff]");
	GO(0, "lds bx, [0xfffd]");
	GO(0, "lds bx, [0xfffc]");
	GO(0, "mov ebx, 0x20000; jmp word ptr [ebx]");
	GO(0, "mov esp, 0x12340100; push ax; mov ebx, esp; mov esp, 0x100");
	GO(0, "mov esp, 0x12340100; mov bx, [esp]");
	print("the table's limit:\n");
	real_idt.limit = 0x40 * 4 + 2;
	poke(0x40 * 4, peek(END * 4));
	GO(0, "int 0x3f");
	GO(0, "int 0x40");
	GO(0, "int 0x90");
	real_idt.limit = 0x3ff;
	print("the table elsewhere:\n");
	memcpy((void *)0x9000, (void *)0, 1024);
	poke(0x9000 + 0x40 * 4, peek(0x41 * 4));
	real_idt.base = 0x9000;
	GO(0, "int 0x40");
	real_idt.base = 0;
	install();
}

static void privileged(void)
{
	print("not here:\n");
	GO(0, "sldt ax");
	GO(0, "str ax");
	GO(0, "lldt ax");
	GO(0, "ltr ax");
	GO(0, "verr ax");
	GO(0, "lar ax, bx");
	GO(0, "lsl ax, bx");
	GO(0, "arpl ax, bx");
	GO(0, "sysenter");
	GO(0, "sysexit");
	GO(0, "mov cs, ax");
	GO(0, ".byte 0x8e, 0xf0");
	GO(0, ".byte 0xf0, 0x90");
	GO(0, ".byte 0x0f, 0x01, 0xd0");
	GO(0, ".byte 0x0f, 0x20, 0xc8");
	GO(0, "mov eax, cr0; or eax, 0x80000000; and eax, 0xfffffffe; mov cr0, eax");
	print("but:\n");
	GO(0, "cli; sti; cli; clts; wbinvd; mov eax, cr3; mov eax, dr7; sgdt [bx]; xor eax, eax");
	GO(0, "in al, 0x61; and ax, 0");
	GO(0, "mov ecx, 0x10; rdmsr; mov eax, 0; mov edx, 0; rdtsc; xor eax, eax; xor edx, edx");
	GO(0, "mov ecx, 0x12345; rdmsr");
}

/* Protected mode for a moment, for its cached limits. */
static void unreal(void)
{
	print("unreal:\n");
	GO(0, "cli; push ds; mov eax, cr0; or al, 1; mov cr0, eax; mov bx, 0x10; mov ds, bx;"
	      "and al, 0xfe; mov cr0, eax; pop ds; mov ebx, 0xe0010; mov eax, [ebx - 0x20000]");
	GO(0, "mov ebx, 0xc0020; mov eax, [ebx]");
	GO(0, "mov eax, cr0; or al, 1; mov cr0, eax; mov bx, 0x40; mov ds, bx;"
	      "and al, 0xfe; mov cr0, eax; mov ebx, 0x10000; mov eax, [ebx]");
	print("real mode code with PE set:\n");
	GO(0, "mov eax, cr0; or al, 1; mov cr0, eax; mov ecx, cs; push ax; mov ebx, [0x10];"
	      "and al, 0xfe; mov cr0, eax; pop ax; and eax, 1");
	GO(0, "smsw ax; or al, 1; lmsw ax; smsw bx; and al, 0xfe; lmsw ax; smsw cx; mov eax, cr0;"
	      "and al, 0xfe; mov cr0, eax; and ebx, 1; and ecx, 1; and eax, 1");
}

void test(void)
{
	set_cr4(get_cr4() | 0x600);
	install();
	rt_flag_mask = 0;
	plain();
	transfers();
	interrupts();
	privileged();
	unreal();
}
