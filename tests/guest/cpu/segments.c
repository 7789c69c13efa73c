/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments that are not flat: bases that wrap, limits to the byte, expand-down
 * in both sizes, read-only and execute-only, not present, null; each as DS,
 * ES and SS; a 16-bit stack; code segments with a base, a limit and 16-bit
 * operands. */
#include "rt.h"

void *memcpy(void *to, const void *from, unsigned n);

enum { BASE = 0x1800000 };
static u16 sel = FREE;

/* A new descriptor, with privilege level 3 in the selector. */
static u16 segment(u32 base, u32 limit, u32 attr)
{
	sel = sel == 0x1f8 ? FREE : sel + 8;
	set_gdt(sel, desc(base, limit, attr));
	return sel | 3;
}

static void with_ds(const char *name, u16 ds, u32 ebx, u32 code)
{
	struct state from = at(3, code), s;

	from.ds = from.es = ds;
	from.ebx = ebx;
	from.edi = ebx;
	from.esi = ebx;
	s = from;
	run(&s);
	print("%x ", ebx);
	show(name, &from, &s);
}

#define EACH(name, ds, ...)                                                 \
	do {                                                                \
		static const u32 at_[] = {__VA_ARGS__};                     \
		u16 ds_ = ds;                                               \
		for (u32 i_ = 0; i_ < sizeof(at_) / 4; i_++) {              \
			with_ds(name " byte", ds_, at_[i_],                 \
				FRAG("movzx eax, byte ptr [ebx]"));         \
			with_ds(name " dword", ds_, at_[i_],                \
				FRAG("mov eax, [ebx]"));                    \
			with_ds(name " write", ds_, at_[i_],                \
				FRAG("mov word ptr [ebx], 0x2222"));        \
			with_ds(name " stos", ds_, at_[i_],                 \
				FRAG("stosw"));                             \
			with_ds(name " sse", ds_, at_[i_],                  \
				FRAG("movups xmm0, [ebx]"));                \
			with_ds(name " add", ds_, at_[i_],                  \
				FRAG("add es:[ebx], ecx; sub es:[ebx], ecx")); \
		}                                                           \
	} while (0)

static void data(void)
{
	rt_flag_mask = 0;
	for (u32 i = 0; i < 0x20000; i += 4)
		poke(BASE + i, 0x1000000 + i);
	EACH("limit 1235", segment(BASE, 0x1235, 0x40f3), 0, 0x1232, 0x1233,
	     0x1234, 0x1235, 0x1236, 0xfffffffe, 0x1228);
	EACH("limit in pages", segment(BASE, 1, 0xc0f3), 0x1ffc, 0x1ffd,
	     0x1fff, 0x2000);
	EACH("expand down", segment(BASE, 0xfff, 0x40f7), 0, 0xffc, 0xffe,
	     0xfff, 0x1000, 0x10000);
	EACH("expand down, 16", segment(BASE, 0xfff, 0x00f7), 0xfff, 0x1000,
	     0xfffc, 0xfffd, 0xffff, 0x10000);
	EACH("read only", segment(BASE, 0xfffff, 0xc0f1), 0x100);
	EACH("execute, read", segment(BASE, 0xfffff, 0xc0fb), 0x100);
	EACH("base wraps", segment(BASE + 0xc0000000, 0xfffff, 0xc0f3),
	     0x40000000, 0x40000100);
	EACH("flat", UDS, BASE);
	EACH("null", 0, 0x100);
	EACH("null 3", 3, 0x100);
}

static void with_ss(const char *name, u16 ss, u32 esp, u32 code)
{
	struct state from = at(3, code), s;

	from.ss = ss;
	from.esp = from.ebp = esp;
	s = from;
	run(&s);
	/* IRET to a 16-bit stack loads SP only: ESP's upper half is ours. */
	if (!(rt_gdt[ss >> 3] >> 54 & 1)) {
		if (s.esp >> 16 != (u32)rt_stack >> 16)
			print("upper half of esp %x: ", s.esp);
		s.esp = (s.esp & 0xffff) | (from.esp & 0xffff0000);
	}
	print("%x ", esp);
	show(name, &from, &s);
}

#define STACK(name, ss, esp)                                               \
	do {                                                               \
		u16 ss_ = ss;                                              \
		with_ss(name " push", ss_, esp, FRAG("push eax"));         \
		with_ss(name " push16", ss_, esp, FRAG(".byte 0x66; push eax")); \
		with_ss(name " pop", ss_, esp, FRAG("pop eax"));           \
		with_ss(name " call", ss_, esp, FRAG("call . + 5"));       \
		with_ss(name " call reg, ret", ss_, esp,                   \
			FRAG("lea ecx, [1f]; call ecx; jmp 2f; 1: ret; 2:")); \
		with_ss(name " pushad", ss_, esp, FRAG("pushad"));         \
		with_ss(name " popad", ss_, esp, FRAG("popad"));           \
		with_ss(name " enter", ss_, esp, FRAG("enter 8, 2; leave")); \
		with_ss(name " leave", ss_, esp, FRAG("leave"));           \
		with_ss(name " [ebp]", ss_, esp, FRAG("mov eax, [ebp - 4]")); \
		with_ss(name " [esp]", ss_, esp, FRAG("mov eax, [esp + 4]")); \
		with_ss(name " pushf", ss_, esp, FRAG("pushfd; popfd"));   \
		with_ss(name " push [esp]", ss_, esp,                      \
			FRAG("push dword ptr [esp]; pop eax"));            \
		with_ss(name " pop [esp]", ss_, esp,                       \
			FRAG("push eax; push ecx; pop dword ptr [esp]; pop edx")); \
		with_ss(name " retf", ss_, esp,                            \
			FRAG("lea ecx, [1f]; push 0x1b; push ecx; retf; 1:")); \
		with_ss(name " ret 8", ss_, esp,                           \
			FRAG("lea ecx, [1f]; push ecx; ret 8; 1:"));       \
		with_ss(name " push esp", ss_, esp,                        \
			FRAG("push esp; pop eax; movzx eax, ax"));         \
		with_ss(name " mov esp", ss_, esp,                         \
			FRAG("movzx eax, sp; add esp, 4; dec esp"));       \
	} while (0)

static void stacks(void)
{
	STACK("based", segment(BASE, 0xfffff, 0xc0f3), 0x8000);
	STACK("limit", segment(BASE, 0x7fff, 0x40f3), 0x8000);
	STACK("limit reached", segment(BASE, 0x7fff, 0x40f3), 2);
	STACK("16", segment(BASE, 0xffff, 0x00f3), 0x8000);
	STACK("16 at 0", segment(BASE, 0xffff, 0x00f3), 0x12340000);
	STACK("16 at 2", segment(BASE, 0xffff, 0x00f3), 0x56780002);
	STACK("16 high", segment(BASE, 0xffff, 0x00f3), 0x1234fffc);
	STACK("down", segment(BASE, 0xfff, 0x40f7), 0x2000);
	STACK("down end", segment(BASE, 0xfff, 0x40f7), 0x1002);
}

static void with_cs(const char *name, u16 cs, u32 eip, u32 code)
{
	struct state from = at(3, code), s;

	for (u32 i = 0; i < 0x40; i++) { /* what runs past 64 KiB */
		((u8 *)BASE)[i] = i & 1 ? END : 0xcd;
		((u8 *)BASE)[0x10000 + i] = 0xcc;
	}
	memcpy((u8 *)BASE + eip, (u8 *)code, 64);
	from.cs = cs;
	from.eip = eip;
	s = from;
	run(&s);
	show(name, &from, &s);
}

#define CODE32(cs, eip, text) with_cs(text, cs, eip, FRAG(text))
#define CODE16(cs, eip, text)                                           \
	with_cs("16: " text, cs, eip, FRAG(".code16\n" text "\n.code32"))

static void code_segments(void)
{
	u16 cs = segment(BASE, 0xfffff, 0xc0fb);
	u16 cs16 = segment(BASE, 0xffff, 0x00fb);
	u16 big16 = segment(BASE, 0x1ffff, 0x00fb);
	u16 small = segment(BASE, 0x1005, 0x40fb);
	u16 unreadable = segment(BASE, 0xfffff, 0xc0f9);

	CODE32(cs, 0x100, "mov eax, 5; jmp 1f; inc eax; 1: inc eax");
	CODE32(cs, 0x100, "call 1f; inc eax; jmp 2f; 1: mov ecx, [esp]; ret; 2:");
	CODE32(cs, 0x100, "movzx eax, byte ptr cs:[0x100]; mov cs:[0x100], eax");
	CODE32(unreadable, 0x100, "inc eax; mov eax, cs:[0x100]");
	CODE32(unreadable, 0x100, "inc eax; mov esi, 0x100; lodsb al, cs:[esi]");
	CODE32(small, 0x1000, "nop; nop; nop; nop; nop; nop; nop");
	CODE32(small, 0x1000, "nop; nop; mov eax, 0x12345678");
	CODE32(small, 0x1000, "jmp . + 0x100");
	CODE32(small, 0x1000, "jmp . - 0x2000");
	CODE32(small, 0xf00, "xor eax, eax; jz . + 0x180");
	CODE32(small, 0xf00, "xor eax, eax; jnz . + 0x180");
	CODE32(small, 0xff0, "xor eax, eax; jz . + 0x20");
	CODE32(small, 0xf00, "call . + 0x200");
	CODE32(small, 0xf00, "mov eax, 0x1005; push eax; inc dword ptr [esp]; ret");
	CODE32(small, 0xf00, "mov eax, 0x1006; call eax");
	CODE32(small, 0xf00, "mov eax, 0x1006; push eax; jmp [esp]");
	CODE32(small, 0xf80, "mov ecx, 2; 1: loop 1b; mov eax, 0x1006; jmp eax");
	CODE32(small, 0xff0, "mov ecx, 2; loop . + 0x40");
	CODE32(small, 0xff0, "mov ecx, 1; loop . + 0x40");
	CODE32(small, 0xff0, "xor ecx, ecx; jecxz . + 0x40");
	CODE32(small, 0xff0, "mov cx, 7; jcxz . + 0x40");
	CODE32(small, 0xff0, "test al, al; loopne . + 0x40");
	CODE32(small, 0xff0, "test al, al; loope . + 0x40");
	CODE16(cs16, 0x200, "mov ax, 0x1234; mov ecx, 0x12345678");
	CODE16(cs16, 0x200, "call 1f; jmp 2f; 1: ret; 2: push cs; pop bx; xor bx, bx");
	CODE16(cs16, 0x200, ".byte 0x66, 0xe8, 2, 0, 0, 0; jmp 1f; .byte 0x66, 0xc3; 1:");
	CODE16(cs16, 0x200, "push 0x1234; push eax; pop bx; pop cx; pop dx");
	CODE16(cs16, 0x200, "mov bx, 8; mov si, 8; lea dx, [bx + si + 3]");
	CODE16(cs16, 0x200, "xor ebx, ebx; mov bx, 0x200; movzx eax, byte ptr cs:[ebx + ebx]");
	CODE16(cs16, 0x200, "mov bx, 0xffff; movzx eax, byte ptr cs:[bx + 1]");
	CODE16(cs16, 0x200, "mov bx, 0xffff; movzx eax, word ptr cs:[bx]");
	CODE16(cs16, 0x200, "movzx ebx, sp; mov ebx, 0xffff; movzx eax, byte ptr cs:[ebx + 1]");
	CODE16(cs16, 0xfff0, "inc ax; .byte 0xeb, 0x20");
	CODE16(cs16, 0xfff0, "inc ax; .byte 0x66, 0xe9, 0x20, 0, 0, 0");
	CODE16(cs16, 0xfffa, "inc ax; inc ax; inc ax; inc ax; inc ax; inc ax; inc ax");
	CODE16(cs16, 0xfffd, "mov eax, 0x12345678");
	CODE16(cs16, 0xfffe, ".byte 0xeb, 0");
	CODE16(big16, 0xfffa, "inc ax; inc ax; inc ax; inc ax; inc ax; inc ax; inc ax");
	CODE16(big16, 0xfffd, "mov eax, 0x12345678; inc ecx");
	CODE16(big16, 0xfffd, "mov eax, 0x12345678; .byte 0xeb, 0");
	CODE16(cs16, 0x200, "mov cx, 3; 1: inc eax; loop 1b; jcxz 2f; inc eax; 2:");
	CODE16(cs16, 0x200, "push cs; push 0x207; retf; inc dx; inc eax");
	CODE16(cs16, 0x200, "mov di, 0x40; mov cx, 2; mov ax, ds; rep lodsb");
	CODE16(cs16, 0x200, "mov eax, 0x20a; push eax; ret; int3; inc cx; inc cx; inc cx");
	CODE16(cs16, 0x200, "mov eax, 0xffff020b; jmp ax; int3; int3; inc cx; inc cx; inc cx");
	CODE16(cs16, 0x200, "mov eax, 0x1020b; jmp eax; int3; int3; inc cx; inc cx; inc cx");
}

static void load(u32 code, const char *name, u16 selector, u32 cpl, u8 type)
{
	struct state from = at(cpl, code), s;

	from.eax = selector;
	s = from;
	run(&s);
	if (s.ecx != from.ecx)
		s.ecx &= 0xf0ff00; /* LAR leaves bits 19:16 undefined */
	print("type %b cpl %d rpl %d ", type, cpl, selector & 3);
	show(name, &from, &s);
}

/* Every type, present or not, by every privilege.  VERR to bl, VERW to bh,
 * LAR to ecx, LSL to edx. */
static void loads(void)
{
	static const u8 types[] = {0x73, 0xf3, 0x93, 0xf1, 0xf9, 0xfb, 0x9b,
				   0x9f, 0xff, 0x7b, 0xf7, 0xfd, 0xe2, 0x89,
				   0xeb, 0xe1, 0xe4, 0xec, 0xe5, 0xe6, 0xef,
				   0xe0, 0xe8, 0xea, 0xed};
	u32 ds = FRAG("mov ds, eax"), ss = FRAG("mov ss, eax");
	u32 look = FRAG("verr ax; setz bl; verw ax; setz bh; lar ecx, eax; lsl edx, eax");

	for (u32 i = 0; i < sizeof(types); i++)
		for (u32 who = 0; who < 4; who++) {
			u16 s = segment(0, 0x12345, 0xc000 | types[i]) & ~3u;
			u32 cpl = who / 2 * 3;

			s |= who % 2 * 3;
			load(ds, "ds", s, cpl, types[i]);
			load(ss, "ss", s, cpl, types[i]);
			load(look, "looked at", s, cpl, types[i]);
		}
	TRY(0, "xor eax, eax; mov ss, ax");
	TRY(3, "mov eax, 3; mov ss, ax");
	TRY(0, "mov eax, 0x2fb; mov ds, ax");
	TRY(0, "mov eax, 0x203; mov ds, ax");
	TRY(3, "mov eax, 1; mov ds, ax; mov eax, 2; mov es, ax; mov fs, bx");
	TRY(3, "sldt eax; str ecx; smsw edx; and edx, 0xffff");
	TRY(3, "mov eax, ds; push fs; pop edx; mov cx, es");
	TRY(3, "lds eax, [1f]; jmp 2f; 1: .long 5; .word 0x23; 2:");
	TRY(3, "les eax, [1f]; jmp 2f; 1: .long 5; .word 0x10; 2:");
	TRY(3, "lss eax, [1f]; jmp 2f; 1: .long 5; .word 0x0; 2:");
	TRY(3, "lss esp, [1f]; jmp 2f; 1: .long 0x1703000; .word 0x23; 2:");
	TRY(3, "lfs ax, [1f]; jmp 2f; 1: .word 5; .word 0x23; 2:");
	TRY(3, "lar eax, cx; lsl edx, cx");
	TRY(3, "xor ecx, ecx; lar eax, cx; lsl edx, cx; verr cx; verw cx");
	TRY(3, "mov cx, 0x23; lar ax, cx; lsl dx, cx");
	TRY(3, "mov ax, 0x22; mov cx, 3; arpl ax, cx");
	TRY(3, "mov ax, 0x23; mov cx, 2; arpl ax, cx");
	TRY(3, "mov ax, 0x21; mov cx, 1; arpl ax, cx");
}

static u64 ldt[4];

static void local(void)
{
	ldt[0] = desc(0, 0xfffff, 0xc0f3);
	ldt[1] = desc(BASE, 0xfff, 0x40f3);
	poke(BASE + 0x18, 0x12345678);
	set_gdt(FREE, desc((u32)ldt, 23, 0x0082));
	set_gdt(FREE + 8, desc((u32)ldt, 23, 0x0002));
	set_gdt(FREE + 16, desc((u32)ldt, 23, 0x00e2));
	TRY(0, "mov ax, 0x4; lldt ax");
	TRY(0, "mov ax, 0x10; lldt ax");
	TRY(0, "mov ax, 0x28; lldt ax");
	TRY(0, "mov ax, 0x40; lldt ax");
	TRY(0, "mov ax, 0x2f8; lldt ax");
	TRY(0, "mov ax, 0x200; lldt ax");
	TRY(3, "lldt ax");
	TRY(0, "mov ax, 7; mov ds, ax");
	TRY(0, "mov ax, 0x3b; lldt ax; sldt ecx; mov dx, 7; mov ds, dx");
	TRY(3, "mov ax, 0xf; mov ds, ax; mov edx, [0x18]");
	TRY(3, "mov ax, 0xf; mov es, ax; mov ecx, es:[0xffc]; mov ecx, es:[0xffd]");
	TRY(3, "mov ax, 7; mov fs, ax; mov ax, 4; mov gs, ax");
	TRY(3, "mov ax, 0x17; mov es, ax");
	TRY(3, "mov ax, 0x1f; mov es, ax");
	TRY(3, "mov ax, 0x1f; lar ecx, ax; verr ax; mov dx, 0xf; lsl edx, edx");
	TRY(3, "mov ax, 0xf; mov ss, ax; mov esp, 0x1c; pop ecx; pop ecx");
	TRY(0, "mov ax, 0x48; lldt ax; mov dx, 7; mov ds, dx");
	TRY(0, "xor eax, eax; lldt ax; sldt ecx; mov dx, 7; mov ds, dx");
	TRY(0, "mov ax, 3; lldt ax; sldt ecx; mov dx, 7; lar ecx, dx");
}

static void task_register(void)
{
	set_gdt(FREE, desc((u32)&rt_tss2, 0x67, 0x0009));
	set_gdt(FREE + 8, desc((u32)&rt_tss2, 0x67, 0x00e9));
	set_gdt(FREE + 16, desc((u32)&rt_tss2, 0x2b, 0x0081));
	TRY(0, "mov ax, 0x28; ltr ax");
	TRY(0, "xor eax, eax; ltr ax");
	TRY(0, "mov ax, 0x2c; ltr ax");
	TRY(0, "mov ax, 0x10; ltr ax");
	TRY(0, "mov ax, 0x38; ltr ax");
	TRY(0, "mov ax, 0x200; ltr ax");
	TRY(3, "ltr ax");
	TRY(0, "mov ax, 0x43; ltr ax; str ecx; mov ax, 0x28; and byte ptr [rt_gdt + 0x2d], 0xfd; ltr ax");
	print("type %b\n", (u32)(rt_gdt[(FREE + 8) >> 3] >> 40) & 0xff);
	TRY(0, "mov ax, 0x48; ltr ax; str ecx; mov ax, 0x28; and byte ptr [rt_gdt + 0x2d], 0xfd; ltr ax");
	print("types %b %b\n", (u32)(rt_gdt[(FREE + 16) >> 3] >> 40) & 0xff,
	      (u32)(rt_gdt[TSS >> 3] >> 40) & 0xff);
}

static void accessed(u16 selector, u8 type, u32 code)
{
	struct state s = at(0, code);

	set_gdt(selector, desc(0, 0xfffff, 0xc000 | type));
	s.eax = selector;
	run(&s);
	print("vector %b, type %b is now %b\n", s.vec, type,
	      (u32)(rt_gdt[selector >> 3] >> 40) & 0xff);
}

static void accessed_bits(void)
{
	u32 ds = FRAG("mov ds, eax"), ss = FRAG("mov ss, eax");
	u32 look = FRAG("verr ax; verw ax; lar ecx, eax; lsl ecx, eax");
	u32 far = FRAG("push eax; lea ecx, [1f]; push ecx; retf; 1: jmp 0x08:2f; 2:");

	accessed(FREE, 0x90, ds);
	accessed(FREE, 0x92, ds);
	accessed(FREE, 0x92, ss);
	accessed(FREE, 0x90, ss);
	accessed(FREE, 0x9a, ds);
	accessed(FREE, 0x12, ds);
	accessed(FREE, 0x9a, far);
	accessed(FREE, 0x9a, look);
	accessed(FREE, 0x92, look);
}

void test(void)
{
	set_cr4(get_cr4() | 0x600);
	data();
	rt_flag_mask = 0;
	stacks();
	code_segments();
	rt_flag_mask = ZF;
	loads();
	local();
	rt_flag_mask = 0;
	task_register();
	accessed_bits();
}
