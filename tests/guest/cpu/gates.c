/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control transfers between segments and privilege levels (SDM 3A 5.8): far
 * jumps and calls, call gates of both sizes with their parameters, returns
 * outward, and every check on the way with its error code and its place in
 * the order of checks. */
#include "rt.h"

enum { CS1 = FREE, DS1 = CS1 + 8, CS2 = DS1 + 8, DS2 = CS2 + 8,
       CONF0 = DS2 + 8, CONF3 = CONF0 + 8, CS16 = CONF3 + 8, /* ring 0 */
       BASED = CS16 + 8, GATE = BASED + 8, ODD = GATE + 8, ODD_SS = ODD + 8,
       OUT = 0x200 };
enum { SP1 = 0x1710000, SP2 = 0x1720000, BASE16 = 0x1730000 };

static void levels(void)
{
	set_gdt(CS1, desc(0, 0xfffff, 0xc0bb));
	set_gdt(DS1, desc(0, 0xfffff, 0xc0b3));
	set_gdt(CS2, desc(0, 0xfffff, 0xc0db));
	set_gdt(DS2, desc(0, 0xfffff, 0xc0d3));
	set_gdt(CONF0, desc(0, 0xfffff, 0xc09f));
	set_gdt(CONF3, desc(0, 0xfffff, 0xc0ff));
	set_gdt(CS16, desc(BASE16, 0xffff, 0x009b));
	set_gdt(BASED, desc(BASE16, 0xfff, 0x409b));
	rt_tss.ss1 = DS1 | 1;
	rt_tss.esp1 = SP1;
	rt_tss.ss2 = DS2 | 2;
	rt_tss.esp2 = SP2;
	((u8 *)BASE16)[0x100] = 0xcd;
	((u8 *)BASE16)[0x101] = END;
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

static void from_level(u32 level, const char *name, u32 code)
{
	struct state from = on(level, code), s = from;

	run(&s);
	print("%d ", level);
	show(name, &from, &s);
}
#define FROM(level, text) from_level(level, text, FRAG(text))

static void words(u32 at, u32 n, u32 code)
{
	print("   stack");
	for (u32 i = 0; i < n; i++) {
		u32 w = peek(at + 4 * i);

		if (w - code < 0x200)
			print(" code+%b", w - code);
		else if ((w & 0xffff) - (code & 0xffff) < 0x40)
			print(" %w:code+%b", w >> 16, (w - code) & 0xffff);
		else
			print(" %x", w);
	}
	print("\n");
}

/* ---- without gates ---- */

static void direct(void)
{
	u64 odd[] = {desc(0, 0xfffff, 0xc01b), desc(0, 0xfffff, 0xc093),
		     desc(0, 0xfffff, 0xc07f), desc(0, 0xfffff, 0xc092),
		     desc(0, 0xfffff, 0xc09a), desc(0, 0xff, 0x409b),
		     desc(0, 0xfffff, 0xc082), desc(0, 0xfffff, 0xc08e),
		     desc(0, 0xfffff, 0xc08b), desc(0, 0xfffff, 0xc083)};

	FROM(0, "jmp 0x08:1f; 1:");
	FROM(0, "jmp 0x0b:1f; 1:");
	FROM(3, "jmp 0x1b:1f; 1:");
	FROM(3, "jmp 0x18:1f; 1:");
	FROM(1, "jmp 0x38:1f; 1:");
	FROM(1, "jmp 0x3a:1f; 1:");
	FROM(3, "jmp 0x08:1f; 1:");
	FROM(0, "jmp 0x18:1f; 1:");
	FROM(3, "jmp 0:1f; 1:");
	FROM(3, "jmp 3:1f; 1:");
	FROM(3, "jmp 0x203:1f; 1:");
	FROM(3, "jmp 0x07:1f; 1:");
	print("conforming:\n");
	FROM(0, "jmp 0x58:1f; 1:");
	FROM(3, "jmp 0x58:1f; 1:");
	FROM(3, "call 0x5b:1f; 1: pop edx; pop edx; sub esp, 8");
	FROM(2, "jmp 0x5b:1f; 1:");
	FROM(0, "jmp 0x60:1f; 1:");
	FROM(2, "call 0x60:1f; 1:");
	FROM(3, "call 0x60:1f; 1:");
	print("another base:\n");
	FROM(0, "jmp 0x70:0x100");
	FROM(0, "call 0x70:0x100");
	FROM(0, "jmp 0x70:0x1000");
	FROM(0, "call 0x70:0x1000");
	print("limits of stack and target:\n");
	set_gdt(ODD_SS, desc(BASE16, 0xfff, 0x40f3));
	set_gdt(ODD, desc(BASE16, 0xfff, 0x40fb));
	FROM(3, "mov eax, 0x8b; mov ss, ax; mov esp, 8; call 0x1b:1f; 1:");
	FROM(3, "mov eax, 0x8b; mov ss, ax; mov esp, 7; call 0x1b:1f; 1:");
	FROM(3, "mov eax, 0x8b; mov ss, ax; mov esp, 0x1004; call 0x1b:1f; 1:");
	FROM(3, "mov eax, 0x8b; mov ss, ax; mov esp, 8; call 0x83:0x1000");
	FROM(3, "mov eax, 0x8b; mov ss, ax; mov esp, 7; call 0x83:0x1000");
	print("16-bit operands:\n");
	FROM(0, ".byte 0x66; ljmpw 0x68, 0x100");
	FROM(0, ".byte 0x66, 0x9a; .word 0x100, 0x68; 1:");
	FROM(0, "push 0x680100; .byte 0x66, 0xff, 0x1c, 0x24");
	FROM(0, "push 0x680100; .byte 0x66, 0xff, 0x2c, 0x24");
	FROM(0, "push 0x680100; .byte 0x66; retf");
	FROM(0, "push 0x68; push 0x100; retf");
	FROM(0, "push 0x1; push 0x70; push 0x100; call fword ptr [esp]");
	print("descriptors:\n");
	for (u32 i = 0; i < sizeof(odd) / 8; i++) {
		set_gdt(ODD, odd[i]);
		print("%b: ", (u32)(odd[i] >> 40) & 0xff);
		FROM(0, "jmp 0x80:1f; 1:");
	}
}

/* ---- call gates ---- */

static void call_gate(u16 target, u32 offset, u8 attr, u32 parameters)
{
	u64 g = gate(target, offset, attr) | (u64)parameters << 32;

	set_gdt(GATE, g);
}

static void call_from(u32 level, const char *name, u32 code, u32 n)
{
	struct state from = on(level, code), s = from;

	poke(from.esp - 4, 0xaaaa0001);
	poke(from.esp - 8, 0xaaaa0002);
	poke(from.esp - 12, 0xaaaa0003);
	from.esp -= 12;
	s = from;
	run(&s);
	print("%d ", level);
	show(name, &from, &s);
	if (n && s.vec == END)
		words(s.esp, n, from.eip);
}
#define CALL(level, n) \
	call_from(level, "call gate", FRAG("call 0x7b:0x12345678"), n)
#define CALL0(level, n) \
	call_from(level, "call gate rpl 0", FRAG("call 0x78:0x12345678"), n)
#define JUMP(level) call_from(level, "jmp gate", FRAG("jmp 0x7b:0x12345678"), 0)

static void gates32(void)
{
	u32 end = FRAG(""), conforming[] = {CONF0, CONF3};

	print("32-bit gate to ring 0, 3 parameters:\n");
	call_gate(KCS, end, 0xec, 3);
	for (u32 level = 0; level < 4; level++)
		CALL(level, level ? 7 : 5);
	for (u32 level = 0; level < 4; level++)
		JUMP(level);
	print("the same, from a 16-bit instruction:\n");
	call_from(3, "call16 gate", FRAG(".byte 0x66, 0x9a; .word 1, 0x7b"), 7);
	call_from(3, "call [gate]",
		  FRAG("push 0x7b; push eax; call fword ptr [esp]"), 7);
	print("no parameters, ring 1:\n");
	call_gate(CS1, end, 0xec, 0);
	for (u32 level = 0; level < 4; level++)
		CALL(level, level > 1 ? 4 : 2);
	print("ring 2, 31 parameters:\n");
	call_gate(CS2 | 3, end, 0xec, 31);
	CALL(3, 8);
	for (u32 i = 0; i < 2; i++) {
		print("conforming %w:\n", conforming[i]);
		call_gate(conforming[i], end, 0xec, 2);
		for (u32 level = 0; level < 4; level++) {
			CALL(level, 2);
			JUMP(level);
		}
	}
	print("gate DPL 2:\n");
	call_gate(CONF0, end, 0xcc, 0);
	CALL(2, 0);
	CALL0(2, 2);
	CALL0(1, 2);
	CALL0(3, 0);
	call_from(3, "jmp gate rpl 0", FRAG("jmp 0x78:0"), 0);
	print("gate not present:\n");
	call_gate(CONF0, end, 0x6c, 0);
	CALL(3, 0);
	JUMP(3);
}

static void gates16(void)
{
	u32 end = 0x100;

	print("16-bit gate, 2 parameters:\n");
	call_gate(CS16, end, 0xe4, 2);
	for (u32 level = 0; level < 4; level++) {
		CALL(level, 4);
		JUMP(level);
	}
	print("upper half of the offset is not used:\n");
	call_gate(CS16, 0xffff0000 | end, 0xe4, 0);
	CALL(3, 3);
	print("32-bit gate, limit of the target:\n");
	call_gate(BASED, 0x1000, 0xec, 0);
	CALL(0, 0);
	CALL(3, 0);
	JUMP(0);
	print("and no room on the stack:\n");
	set_gdt(ODD, desc(BASE16, 0xfff, 0x40bb));
	set_gdt(ODD_SS, desc(BASE16, 0xff, 0x40b3));
	call_gate(ODD, 0x1000, 0xec, 0);
	rt_tss.ss1 = ODD_SS | 1;
	rt_tss.esp1 = 0x100;
	CALL(3, 0);
	rt_tss.esp1 = 4;
	CALL(3, 0);
	set_gdt(ODD, desc(BASE16, 0xfff, 0x40bf));
	call_from(1, "conforming, esp 8",
		  FRAG("mov eax, 0x89; mov ss, ax; mov esp, 8; call 0x7b:0"), 0);
	call_from(1, "conforming, esp 4",
		  FRAG("mov eax, 0x89; mov ss, ax; mov esp, 4; call 0x7b:0"), 0);
}

static void targets(void)
{
	static const u8 types[] = {0x93, 0x1b, 0x1f, 0xfb, 0xbb, 0x99,
				   0x9a, 0x82, 0x8b, 0x8c, 0x8e, 0x7b};
	u32 end = FRAG("");

	print("targets, through a gate from ring 3 and ring 0:\n");
	for (u32 i = 0; i < sizeof(types); i++) {
		set_gdt(ODD, desc(0, 0xfffff, 0xc000 | types[i]));
		call_gate(ODD | 3, end, 0xec, 0);
		print("%b: ", types[i]);
		CALL(3, 0);
		print("%b: ", types[i]);
		CALL(0, 0);
	}
	call_gate(3, end, 0xec, 0);
	CALL(3, 0);
	call_gate(OUT | 1, end, 0xec, 0);
	CALL(3, 0);
	call_gate(0x0f, end, 0xec, 0);
	CALL(3, 0);
}

static void new_stacks(void)
{
	call_gate(CS1, FRAG(""), 0xec, 2);
	print("new stacks:\n");
#define STACK1(name, selector, sp)                            \
	do {                                                  \
		u16 stack_ = selector;                        \
		rt_tss.ss1 = stack_;                          \
		rt_tss.esp1 = sp;                             \
		print("%s: ", name);                          \
		CALL(3, stack_ != (ODD_SS | 1) ? 6 : 0);      \
	} while (0)
	STACK1("null", 0, SP1);
	STACK1("null, rpl 1", 1, SP1);
	STACK1("rpl 0", DS1, SP1);
	STACK1("rpl 3", DS1 | 3, SP1);
	STACK1("dpl 0", KDS | 1, SP1);
	STACK1("dpl 3", UDS - 2, SP1);
	STACK1("outside the GDT", OUT | 1, SP1);
	STACK1("no LDT", 0xd, SP1);
	STACK1("code", CS1 | 1, SP1);
	set_gdt(ODD_SS, desc(0, 0xfffff, 0xc0b1));
	STACK1("read only", ODD_SS | 1, SP1);
	set_gdt(ODD_SS, desc(0, 0xfffff, 0xc033));
	STACK1("not present", ODD_SS | 1, SP1);
	set_gdt(ODD_SS, desc(0, 0xfffff, 0xc031));
	STACK1("not present, read only", ODD_SS | 1, SP1);
	set_gdt(ODD_SS, desc(BASE16, 0xfff, 0x40b3));
	STACK1("limit fff", ODD_SS | 1, 0x1000);
	STACK1("limit fff", ODD_SS | 1, 0x1001);
	STACK1("limit fff", ODD_SS | 1, 24);
	STACK1("limit fff", ODD_SS | 1, 23);
	set_gdt(ODD_SS, desc(BASE16, 0xfff, 0x40b7));
	STACK1("down to 1000", ODD_SS | 1, 0x1018);
	STACK1("down to 1000", ODD_SS | 1, 0x1017);
	set_gdt(ODD_SS, desc(BASE16, 0xffff, 0x00b3));
	STACK1("16 bits", ODD_SS | 1, 0x12340020);
	STACK1("16 bits", ODD_SS | 1, 0x10);
	set_gdt(ODD_SS, desc(0, 0xfffff, 0xc0b2));
	STACK1("not accessed", ODD_SS | 1, SP1);
	print("type now %b\n", (u32)(rt_gdt[ODD_SS >> 3] >> 40) & 0xff);
	STACK1("good", DS1 | 1, SP1);
	print("TSS limits:\n");
	for (u32 limit = 15; limit < 20; limit++) {
		u64 d = desc((u32)&rt_tss, limit, 0x8b);

		set_gdt(ODD_SS, d & ~(2ull << 40));
		asm volatile("ltr %w0" ::"r"(ODD_SS));
		print("limit %d: ", limit);
		CALL(3, 0);
	}
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
}

/* ---- returns ---- */

static void returns(void)
{
	print("returns:\n");
	FROM(0, "push 8; push offset 1f; retf; 1:");
	FROM(0, "push ecx; push ecx; push 8; push offset 1f; retf 8; 1:");
	FROM(0, "push 0x23; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	FROM(0, "push 0x23; push 0x1703000; push ecx; push ecx; push 0x1b; push offset 1f; retf 8; 1:");
	FROM(0, "push 0x41; push 0x1703000; push 0x39; push offset 1f; retf; 1:");
	FROM(1, "push 0x52; push 0x1703000; push 0x4a; push offset 1f; retf; 1:");
	FROM(3, "push 0x1b; push offset 1f; retf; 1:");
	FROM(3, "push 0x19; push offset 1f; retf; 1:");
	FROM(3, "push 0x08; push offset 1f; retf; 1:");
	FROM(1, "push 0x08; push offset 1f; retf; 1:");
	FROM(0, "push 0; push offset 1f; retf; 1:");
	FROM(0, "push 3; push offset 1f; retf; 1:");
	FROM(0, "push 0x203; push offset 1f; retf; 1:");
	FROM(0, "push 0x10; push offset 1f; retf; 1:");
	FROM(0, "push 0x18; push offset 1f; retf; 1:");
	FROM(0, "push 0x0b; push offset 1f; retf; 1:");
	FROM(0, "push 0x70; push 0x1000; retf; 1:");
	print("conforming:\n");
	FROM(3, "push 0x5b; push offset 1f; retf; 1:");
	FROM(0, "push 0x23; push 0x1703000; push 0x5b; push offset 1f; retf; 1:");
	FROM(0, "push 0x60; push offset 1f; retf; 1:");
	FROM(0, "push 0x23; push 0x1703000; push 0x63; push offset 1f; retf; 1:");
	print("stacks:\n");
	FROM(0, "push 0; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	FROM(0, "push 3; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	FROM(0, "push 0x20; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	FROM(0, "push 0x13; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	FROM(0, "push 0x1b; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	FROM(0, "push 0x203; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	set_gdt(ODD_SS, desc(0, 0xfffff, 0xc073));
	FROM(0, "push 0x8b; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	set_gdt(ODD, desc(0, 0xfffff, 0xc07b));
	FROM(0, "push 0x8b; push 0x1703000; push 0x83; push offset 1f; retf; 1:");
	set_gdt(ODD, desc(0, 0xff, 0x40fb));
	FROM(0, "push 0x8b; push 0x1703000; push 0x83; push offset 1f; retf; 1:");
	FROM(0, "push 0x23; push 0x1703000; push 0x83; push offset 1f; retf; 1:");
	print("no room for SS:ESP\n");
	set_gdt(ODD_SS, desc(BASE16, 0xfff, 0x4093));
	FROM(0, "mov eax, 0x88; mov ss, ax; mov esp, 0x1000; push 0x1b; push offset 1f; retf; 1:");
	FROM(0, "mov eax, 0x88; mov ss, ax; mov esp, 0x1000; push offset 1f; retf; 1:");
	print("16-bit stack outside\n");
	set_gdt(ODD_SS, desc(BASE16, 0xffff, 0x00f3));
	FROM(0, "push 0x8b; push 0x12343000; push 0x1b; push offset 1f; retf; 1: movzx esp, sp");
	print("data segments are dropped\n");
	FROM(0, "mov eax, 0x23; mov es, ax; mov eax, 0x5b; mov fs, ax; mov eax, 0x39; mov gs, ax;"
		"push 0x23; push 0x1703000; push 0x1b; push offset 1f; retf; 1:");
	FROM(0, "mov eax, 0x38; mov es, ax; mov eax, 0x40; mov fs, ax; mov eax, 0x51; mov gs, ax;"
		"push 0x41; push 0x1703000; push 0x39; push offset 1f; retf; 1:");
	FROM(0, "xor eax, eax; mov es, ax;"
		"push 0x41; push 0x1703000; push 0x39; push offset 1f; retf; 1:");
	print("there and back:\n");
	call_gate(KCS, FRAG("mov eax, [esp + 8]; mov ecx, [esp + 12]; inc edx; retf 8"), 0xec, 2);
	FROM(3, "push 5; push 6; call 0x7b:0");
	FROM(1, "push 5; push 6; call 0x7b:0");
	FROM(0, "push 5; push 6; call 0x7b:0");
	call_gate(CS1, FRAG("mov eax, [esp + 8]; call 0x83:0; retf 8"), 0xec, 2);
	set_gdt(ODD, gate(KCS, FRAG("mov edi, cs; retf"), 0xec));
	FROM(3, "push 5; push 6; call 0x7b:0");
}

void test(void)
{
	rt_flag_mask = 0;
	levels();
	direct();
	gates32();
	gates16();
	targets();
	new_stacks();
	returns();
}
