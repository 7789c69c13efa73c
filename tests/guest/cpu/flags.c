/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system flags: who may change IF and IOPL by CLI, STI, POPF and IRET;
 * how long STI and MOV SS hold interrupts off; after which instructions TF
 * traps; and alignment checks (SDM 3A 2.3, 6.8, 6.15; 3B 17.3.1.4). */
#include "rt.h"

enum { CS1 = FREE, DS1 = CS1 + 8, CS2 = DS1 + 8, DS2 = CS2 + 8 };
enum { SP1 = 0x1710000, SP2 = 0x1720000, DATA = 0x1730000 };
static const char *const vectors[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR",
				      "#UD", "#NM", "#DF", "9", "#TS", "#NP",
				      "#SS", "#GP", "#PF"};

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

/* ---- who may change what ---- */

static void permissions(const char *name, u32 code, u32 flags)
{
	print("%s\n", name);
	for (u32 level = 0; level < 4; level++)
		for (u32 iopl = 0; iopl < 4; iopl++) {
			struct state from = on(level, code), s;

			from.eflags = flags | iopl << 12 | 2;
			s = from;
			run(&s);
			print("cpl %d iopl %d ", level, iopl);
			show("", &from, &s);
		}
}
#define PERMISSIONS(text, flags) permissions(text, FRAG(text), flags)

static void all_permissions(void)
{
	rt_flag_mask = 0x3f7700;
	PERMISSIONS("cli", IF);
	PERMISSIONS("sti", 0);
	PERMISSIONS("push 0; popfd", IF);
	PERMISSIONS("push 0x3f7eff; popfd; pushfd; and dword ptr [esp], 0xfffffeff; popfd", AC);
	PERMISSIONS(".byte 0x66, 0x6a, 0; .byte 0x66; popf", IF | AC);
	PERMISSIONS(".byte 0x66, 0x68; .word 0x7e02; .byte 0x66; popf", AC | RF);
	rt_flag_mask = 0;
	PERMISSIONS("pushfd; pop eax; .byte 0x66; pushf; pop bx", NT | AC | RF | IF);
}

/* ---- interrupts held off ---- */

static void timer(u32 count)
{
	out8(0x43, 0x30); /* counter 0, both bytes, mode 0: once */
	out8(0x40, (u8)count);
	out8(0x40, (u8)(count >> 8));
}

static void acknowledge(void)
{
	out8(0x20, 0x20);
}

/* IRQ 0 waits in the 8259 when the fragment begins. */
static void pending(const char *name, u32 flags, u32 code)
{
	struct state from = at(0, code), s;

	timer(1);
	out8(0x20, 0x0a); /* read the request register */
	while (!(in8(0x20) & 1))
		;
	out8(0x21, 0xfe);
	from.eflags = flags | 2;
	s = from;
	run(&s);
	out8(0x21, 0xff);
	acknowledge();
	show(name, &from, &s);
	timer(1); /* whatever the 8259 still has */
	while (!(in8(0x20) & 1))
		;
}
#define PENDING(flags, text) pending(text, flags, FRAG(text))

/* A timer interrupt somewhere in a loop, many times: at which instructions? */
static void where(const char *name, u32 level, u32 flags, u32 code)
{
	u32 seen = 0, other = 0;

	print("%s: interrupted at", name);
	for (u32 i = 0; i < 40; i++) {
		struct state s = at(level, code);

		timer(2 + i % 3);
		out8(0x21, 0xfe);
		s.eflags = flags | IF | 2;
		s.eax = s.ss;
		run(&s);
		out8(0x21, 0xff);
		acknowledge();
		if (s.vec == 0x20 && s.eip - code < 32)
			seen |= 1u << (s.eip - code);
		else
			other++;
	}
	for (u32 i = 0; i < 32; i++)
		if (seen >> i & 1)
			print(" +%b", i);
	print(", other %d\n", other);
}
#define WHERE(level, flags, text) where(text, level, flags, FRAG(text))

static void shadows(void)
{
	rt_flag_mask = IF;
	print("IRQ 0 waits:\n");
	PENDING(0, "nop");
	PENDING(IF, "nop");
	PENDING(0, "nop; sti; inc eax; inc eax");
	PENDING(0, "nop; sti; cli; inc eax; inc eax");
	PENDING(0, "sti; pushfd; cli; pop ecx; inc eax");
	PENDING(0, "sti; hlt; inc eax");
	PENDING(0, "sti; jmp 1f; inc eax; 1: inc eax");
	PENDING(0, "sti; xor ecx, ecx; div ecx");
	PENDING(0, "sti; int 0x40; inc eax");
	PENDING(0, "pushfd; or dword ptr [esp], 0x200; popfd; inc eax");
	PENDING(0, "push 0x202; push 8; push offset 1f; iretd; 1: inc eax");
	PENDING(0, "sti; mov ecx, 3; rep movsb; inc eax");
	print("loops:\n");
	WHERE(0, 0, "1: nop; inc ecx; jmp 1b");
	WHERE(0, 0, "1: cli; sti; inc ecx; jmp 1b");
	WHERE(0, 0, "1: mov ss, eax; inc ecx; jmp 1b");
	WHERE(3, 0, "1: mov ss, eax; inc ecx; jmp 1b");
	WHERE(0, 0, "1: push ss; pop ss; inc ecx; jmp 1b");
	WHERE(0, 0, "1: mov ds, eax; inc ecx; jmp 1b");
	WHERE(3, 0x3000, "1: cli; sti; inc ecx; jmp 1b");
}

/* A REP that is interrupted has RF in the saved flags. */
static void rep_interrupted(void)
{
	u32 with = 0, without = 0, code = FRAG("rep movsb");

	for (u32 i = 0; i < 8; i++) {
		struct state s = at(0, code);

		s.ecx = 0x40000;
		s.esi = DATA;
		s.edi = DATA + 0x20000;
		s.eflags = IF | 2;
		timer(3 + i);
		out8(0x21, 0xfe);
		run(&s);
		out8(0x21, 0xff);
		acknowledge();
		if (s.vec == 0x20 && s.eip == code && s.ecx != 0x40000 &&
		    s.esi - DATA == 0x40000 - s.ecx)
			s.eflags & RF ? with++ : without++;
		else if (s.vec != 0x20)
			print("vector %b\n", s.vec);
	}
	print("REP interrupted: %s with RF, %s without\n",
	      with ? "some" : "none", without ? "some" : "none");
}

/* ---- TF ---- */

static void steps(const char *name, u32 level, u32 flags, u32 code)
{
	struct state s = at(level, code);
	u32 dr6;

	print("%d %s:", level, name);
	s.esi = DATA;
	s.edi = DATA + 0x100;
	s.eflags = flags | 2;
	for (u32 i = 0; i < 16; i++) {
		run(&s);
		asm volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(0));
		if (s.vec == END)
			break;
		if (s.vec < 15)
			print(" %s", vectors[s.vec]);
		else
			print(" %b", s.vec);
		print("+%b", s.eip - code);
		if (s.vec == 1)
			print("%s%s", dr6 & 0x4000 ? "" : " no BS",
			      dr6 & 0xa00f ? " and more" : "");
		print("%s%s", s.eflags & TF ? "" : " no TF",
		      s.eflags & RF ? " RF" : "");
		s.eflags &= ~RF;
		if (s.vec != 1 && s.vec != 3 && s.vec != 4)
			break;
	}
	print(" %s%s\n", s.vec == END ? "end" : "stop",
	      s.eflags & TF ? " TF" : "");
}
#define STEPS(level, flags, text) steps(text, level, flags, FRAG(text))

static void traps(void)
{
	u64 old = rt_idt[0x40];

	print("TF:\n");
	for (u32 level = 0; level < 4; level += 3) {
		STEPS(level, TF, "nop; inc eax; jmp 1f; nop; 1: nop");
		STEPS(level, 0, "nop; pushfd; or dword ptr [esp], 0x100; popfd; nop; nop; nop");
		STEPS(level, 0, "mov ecx, 2; xor edx, edx; 1: pushfd; or dword ptr [esp], edx; popfd; nop; nop; mov edx, 0x100; loop 1b; nop");
		STEPS(level, TF, "pushfd; pop eax; bt eax, 8; setc cl; nop");
		STEPS(level, TF, "pushfd; and dword ptr [esp], 0xfffffeff; popfd; nop; nop");
		STEPS(level, TF, "mov ecx, 3; rep movsb; nop");
		STEPS(level, TF, "xor ecx, ecx; rep movsb; nop");
		STEPS(level, TF, "mov ecx, 3; repe cmpsb; nop");
		STEPS(level, TF, "mov ecx, 2; 1: loop 1b; nop");
		STEPS(level, TF, "mov eax, ss; mov ss, eax; nop; nop");
		STEPS(level, TF, "push ss; pop ss; nop; nop");
		STEPS(level, TF, "push ss; push esp; lss esp, [esp]; nop; nop");
		STEPS(level, TF, "mov eax, ds; mov ds, eax; nop");
		STEPS(level, TF, "mov eax, ss; mov ss, eax; int3; nop; nop");
		STEPS(level, TF, "nop; int3; nop; nop");
		STEPS(level, TF, "nop; .byte 0xf1; nop; nop");
		STEPS(level, TF, "mov al, 0x7f; inc al; into; nop; nop");
		STEPS(level, TF, "xor eax, eax; into; nop");
		STEPS(level, TF, "nop; int 0x41; nop");
		STEPS(level, TF, "nop; ud2; nop");
		STEPS(level, TF, "nop; mov [0xffffffff], ax; nop");
		STEPS(level, TF | IF | 0x3000, "sti; nop; nop");
		STEPS(level, TF | 0x3000, "cli; sti; nop; nop");
		STEPS(level, TF, "call 1f; nop; jmp 2f; 1: ret; 2:");
		STEPS(level, TF, "cpuid; nop");
		STEPS(level, TF, "fld1; fstp st; nop");
		STEPS(level, TF, "mov ecx, 0x1730000; inc dword ptr [ecx]; nop");
	}
	print("through INT and back:\n");
	rt_idt[0x40] = gate(KCS, FRAG("nop; iretd"), 0xee);
	STEPS(0, TF, "nop; int 0x40; nop; nop");
	STEPS(3, TF, "nop; int 0x40; nop; nop");
	rt_idt[0x40] = gate(KCS, FRAG("or dword ptr [esp + 8], 0x100; iretd"), 0xee);
	STEPS(0, 0, "nop; int 0x40; nop; nop");
	STEPS(3, 0, "nop; int 0x40; nop; nop");
	rt_idt[0x40] = gate(KCS, FRAG("and dword ptr [esp + 8], 0xfffffeff; iretd"), 0xee);
	STEPS(3, TF, "nop; int 0x40; nop; nop");
	rt_idt[0x40] = old;
	STEPS(0, TF, "push 2; push 8; push offset 1f; iretd; 1: nop; nop");
	STEPS(0, TF, "push 0x102; push 8; push offset 1f; iretd; 1: nop; nop");
	STEPS(0, 0, "push 0x102; push 8; push offset 1f; iretd; 1: nop; nop");
	STEPS(0, 0, "push 0x10102; push 8; push offset 1f; iretd; 1: nop; nop");
	STEPS(0, TF, "push 0x23; push 0x1703000; push 0x102; push 0x1b; push offset 1f; iretd; 1: nop; nop");
	STEPS(0, TF, "mov eax, cr0; mov cr0, eax; nop");
	STEPS(0, TF, "hlt; nop");
}

/* ---- alignment ---- */

static void aligned(const char *name, u32 level, u32 code)
{
	print("%s:", name);
	for (u32 i = 0; i <= 8; i++) {
		struct state s = at(level, code);

		s.eflags = 2 | AC;
		s.ebx = s.esi = s.ebp = DATA + i;
		s.edi = DATA + 0x100 + i;
		s.ecx = 2;
		s.eax = 0;
		if (name[0] == '*')
			s.esp = DATA + 0x800 + i;
		poke(DATA + i, 0);
		poke(DATA + i + 4, 0x23);
		asm volatile("fninit");
		run(&s);
		if (s.vec == 17)
			print(" AC%s%s", s.err ? " error" : "",
			      s.eip == code ? "" : " late");
		else if (s.vec == END)
			print(" -");
		else
			print(" %b", s.vec);
	}
	print("\n");
}
#define ALIGNED(level, text) aligned(text, level, FRAG(text))
#define STACK(text) aligned("* " text, 3, FRAG(text))

static void alignment(void)
{
	print("alignment, at offsets 0 to 8:\n");
	ALIGNED(3, "mov eax, [ebx]");
	set_cr0(get_cr0() | 0x40000);
	ALIGNED(0, "mov eax, [ebx]");
	ALIGNED(3, "mov al, [ebx]");
	ALIGNED(3, "mov ax, [ebx]");
	ALIGNED(3, "mov eax, [ebx]");
	ALIGNED(3, "mov [ebx], eax");
	ALIGNED(3, "mov word ptr [ebx], 5");
	ALIGNED(3, "inc dword ptr [ebx]");
	ALIGNED(3, "lock inc word ptr [ebx]");
	ALIGNED(3, "xchg [ebx], eax");
	ALIGNED(3, "cmpxchg8b [ebx]");
	ALIGNED(3, "bt word ptr [ebx], 1");
	ALIGNED(3, "bts dword ptr [ebx], 1");
	ALIGNED(3, "bts [ebx], eax");
	ALIGNED(3, "movsd");
	ALIGNED(3, "rep movsw");
	ALIGNED(3, "rep stosd");
	ALIGNED(3, "lodsw");
	ALIGNED(3, "cmpsd");
	ALIGNED(3, "scasd");
	ALIGNED(3, "bound eax, [ebx]");
	ALIGNED(3, "les eax, [ebx]");
	ALIGNED(3, "sidt [ebx]");
	ALIGNED(3, "sldt [ebx]");
	ALIGNED(3, "mov [ebx], ds");
	ALIGNED(3, "push dword ptr [ebx]");
	ALIGNED(3, "pop dword ptr [ebx]");
	ALIGNED(3, "leave; mov esp, 0x1703000");
	ALIGNED(3, "fld dword ptr [ebx]");
	ALIGNED(3, "fld qword ptr [ebx]");
	ALIGNED(3, "fld tbyte ptr [ebx]");
	ALIGNED(3, "fild word ptr [ebx]");
	ALIGNED(3, "fild qword ptr [ebx]");
	ALIGNED(3, "fbld [ebx]");
	ALIGNED(3, "fnstcw [ebx]");
	ALIGNED(3, "fnstenv [ebx]");
	ALIGNED(3, ".byte 0x66; fnstenv [ebx]");
	ALIGNED(3, "fnsave [ebx]");
	ALIGNED(3, "movq mm0, [ebx]");
	ALIGNED(3, "movd mm0, [ebx]");
	ALIGNED(3, "movss xmm0, [ebx]");
	ALIGNED(3, "movlps xmm0, [ebx]");
	ALIGNED(3, "stmxcsr [ebx]");
	ALIGNED(3, "movaps xmm0, [ebx]");
	ALIGNED(3, "mov ax, ds; mov ds, ax; mov eax, [0x1730000]");
	STACK("push eax");
	STACK("pop eax");
	STACK(".byte 0x66; push eax");
	STACK("pushad");
	STACK("popad");
	STACK("pushfd");
	STACK("call 1f; 1:");
	STACK("enter 4, 0");
	STACK("enter 4, 1");
	STACK("push 5; pop eax");
	STACK("call 0x1b:1f; 1:");
	STACK("int 0x90");
	set_cr0(get_cr0() & ~0x40000u);
}

void test(void)
{
	set_gdt(CS1, desc(0, 0xfffff, 0xc0bb));
	set_gdt(DS1, desc(0, 0xfffff, 0xc0b3));
	set_gdt(CS2, desc(0, 0xfffff, 0xc0db));
	set_gdt(DS2, desc(0, 0xfffff, 0xc0d3));
	rt_tss.ss1 = DS1 | 1;
	rt_tss.esp1 = SP1;
	rt_tss.ss2 = DS2 | 2;
	rt_tss.esp2 = SP2;
	set_cr4(get_cr4() | 0x600);
	all_permissions();
	shadows();
	rep_interrupted();
	traps();
	alignment();
}
