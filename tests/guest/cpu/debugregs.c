/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The debug registers (SDM 3B 17.2, 17.3): what can be written to them;
 * breakpoints on instructions, data and ports; RF; general detect; what
 * happens together with other traps and with faults. */
#include "rt.h"

enum { DATA = 0x1800000, NEXT = DATA + 0x1000, ALIAS = 0x1810000 };
enum { X = 0, WRITE = 1, IO = 2, ACCESS = 3 };
enum { LEN1 = 0, LEN2 = 1, LEN4 = 3 };

#define SET_DR(n, v) asm volatile("mov %0, %%dr" #n ::"r"(v) : "memory")
#define GET_DR(n, v) asm volatile("mov %%dr" #n ", %0" : "=r"(v))

static u32 dr7(u32 n, u32 type, u32 len)
{
	return 2u << 2 * n | type << (16 + 4 * n) | len << (18 + 4 * n);
}

static u32 dr6(void)
{
	u32 v;

	GET_DR(6, v);
	SET_DR(6, 0);
	return v & 0xe00f;
}

/* Runs until the end, and tells of each #DB. */
static void trace(const char *name, struct state *s, u32 code)
{
	u32 hit;

	print("%s:", name);
	for (u32 i = 0; i < 12; i++) {
		run(s);
		if (s->vec != 1)
			break;
		hit = dr6();
		print(" +%b %w%s", s->eip - code, hit, s->eflags & RF ? " RF" : "");
		if (!(hit & 0x4000)) /* past an instruction breakpoint */
			s->eflags |= RF;
	}
	if (s->vec == END)
		print(" end");
	else
		print(" vector %b at +%b%s", s->vec, s->eip - code,
		      s->vec == 14 && s->eflags & RF ? " RF" : "");
	if (dr6())
		print(" DR6 left");
	SET_DR(7, 0);
}

static void go(const char *name, u32 level, u32 flags, u32 control, u32 code)
{
	struct state s = at(level, code);

	s.eflags |= flags;
	s.ebx = s.esi = DATA;
	s.edi = DATA + 0x100;
	s.ecx = 4;
	SET_DR(6, 0);
	SET_DR(7, control);
	trace(name, &s, code);
	print("\n");
}
#define GO(level, flags, control, text) go(text, level, flags, control, FRAG(text))

/* ---- the registers ---- */

/* With DR7.GD, which only #DB clears: until then nothing here may touch a
 * debug register. */
static void detect(const char *name, u32 level, u32 flags, u32 code)
{
	struct state s = at(level, code), end = at(0, FRAG("mov eax, dr0"));
	u32 v;

	s.eflags |= flags;
	SET_DR(6, 0);
	SET_DR(7, 0x2000);
	run(&s);
	print("%s: vector %b at +%b%s", name, s.vec, s.eip - code,
	      s.eflags & RF ? " RF" : "");
	run(&end);
	GET_DR(7, v);
	print(", dr6 %w, GD %s cleared\n", dr6(), end.vec == END ? "was" : "was not");
	SET_DR(7, v & ~0x2000u);
}

static void registers(void)
{
	u32 v, w;

	rt_flag_mask = 0;
	print("registers:\n");
	SET_DR(0, 0x12345678);
	SET_DR(3, 0x87654321);
	GET_DR(0, v);
	GET_DR(3, w);
	print("dr0 %x dr3 %x\n", v, w);
	SET_DR(6, 0xffffffff);
	GET_DR(6, v);
	SET_DR(6, 0);
	GET_DR(6, w);
	print("dr6 %x %x\n", v, w);
	SET_DR(7, 0xffffdf00); /* nothing enabled, no GD */
	GET_DR(7, v);
	SET_DR(7, 0);
	GET_DR(7, w);
	print("dr7 %x %x\n", v, w);
	TRY(0, "mov eax, 0x400f; .byte 0x0f, 0x23, 0xe0; .byte 0x0f, 0x21, 0xe1; mov edx, dr6; xor eax, eax; mov dr6, eax");
	TRY(0, "mov eax, 0x100; .byte 0x0f, 0x23, 0xe8; .byte 0x0f, 0x21, 0xe9; mov edx, dr7; xor eax, eax; mov dr7, eax");
	TRY(3, "mov eax, dr0");
	TRY(3, "mov dr7, eax");
	TRY(3, ".byte 0x0f, 0x21, 0xe1");
	set_cr4(get_cr4() | 8);
	TRY(0, ".byte 0x0f, 0x23, 0xe0");
	TRY(0, ".byte 0x0f, 0x21, 0xe9");
	TRY(3, ".byte 0x0f, 0x21, 0xe1");
	set_cr4(get_cr4() & ~8u);
	TRY(0, ".byte 0x0f, 0x21, 0x00; mov ecx, eax"); /* mod is ignored */
	TRY(0, ".byte 0xf0, 0x0f, 0x21, 0xc0");
	print("general detect:\n");
	detect("mov eax, dr0", 0, 0, FRAG("nop; mov eax, dr0; nop"));
	detect("mov dr3, eax", 0, 0, FRAG("nop; mov dr3, eax; nop"));
	detect("mov eax, dr7", 0, 0, FRAG("nop; mov eax, dr7; nop"));
	detect("mov dr6, eax", 0, 0, FRAG("nop; mov dr6, eax; nop"));
	detect("mov dr4, eax", 0, 0, FRAG("nop; .byte 0x0f, 0x23, 0xe0; nop"));
	detect("ring 3", 3, 0, FRAG("nop; mov eax, dr0; nop"));
	detect("ring 3", 3, 0, FRAG("nop; .byte 0xf1"));
	detect("TF", 0, TF, FRAG("nop; mov eax, dr0; nop"));
}

/* ---- instructions ---- */

static void on_code(const char *name, u32 level, u32 flags, u32 at_, u32 code)
{
	SET_DR(1, code + at_);
	print("at +%b ", at_);
	go(name, level, flags, dr7(1, X, LEN1), code);
}
#define AT(level, flags, at_, text) on_code(text, level, flags, at_, FRAG(text))

static void instructions(void)
{
	print("instructions:\n");
	for (u32 level = 0; level < 4; level += 3) {
		AT(level, 0, 0, "inc eax; inc eax; inc eax");
		AT(level, 0, 1, "inc eax; inc eax; inc eax");
		AT(level, RF, 0, "inc eax; inc eax; inc eax");
		AT(level, RF, 1, "inc eax; inc eax; inc eax");
		AT(level, 0, 1, "mov eax, 5; inc eax");
		AT(level, 0, 5, "mov eax, 5; inc eax");
		AT(level, TF, 1, "inc eax; inc eax; inc eax");
		AT(level, 0, 5, "mov ecx, 3; inc eax; loop . - 1");
		AT(level, 0, 0, "1: inc eax; loop 1b");
		AT(level, 0, 0, "rep movsb; nop");
		AT(level, TF, 0, "rep movsb; nop");
		AT(level, 0, 0, "int3");
		AT(level, 0, 1, "nop; ud2");
		AT(level, 0, 5, "mov ebx, 0x1900000; mov eax, [ebx]");
		AT(level, 0, 4, "mov eax, ss; mov ss, eax; nop; nop");
		AT(level, 0, 4, "mov ecx, ss; mov ss, ecx; nop; nop");
		AT(level, 0, 5, "mov eax, ss; mov ss, eax; nop; nop");
		AT(level, 0, 4, "mov eax, ds; mov ds, eax; nop; nop");
		AT(level, 0, 6, "pushfd; or dword ptr [esp], 0; popfd; nop; nop");
		AT(level, 0x3000, 1, "sti; cli; nop");
		AT(level, 0, 7, "call 1f; jmp 2f; 1: ret; 2:");
		AT(level, 0, 5, "call 1f; jmp 2f; 1: ret; 2:");
	}
	print("data is no instruction, and the other way round:\n");
	SET_DR(1, DATA);
	GO(0, 0, dr7(1, X, LEN1), "mov eax, [ebx]; mov [ebx], eax");
	SET_DR(1, FRAG("nop"));
	GO(0, 0, dr7(1, ACCESS, LEN1), "nop; nop");
	print("not enabled:\n");
	{
		u32 code = FRAG("nop; nop");

		SET_DR(1, code);
		go("nop", 0, 0, 0x3 << 4, code);
		go("nop, L1", 0, 0, 1 << 2, code);
		go("nop, LE GE", 0, 0, 0x300, code);
	}
}

/* ---- data ---- */

static void lengths(const char *name, u32 address, u32 type, u32 len, u32 code)
{
	SET_DR(2, address);
	print("%s %w len %d:", name, address & 0xffff, len + 1);
	for (u32 i = 0; i < 16; i++) {
		struct state s = at(3, code);

		s.ebx = DATA + 0x38 + i;
		SET_DR(6, 0);
		SET_DR(7, dr7(2, type, len));
		run(&s);
		SET_DR(7, 0);
		print(" %s", s.vec == 1 && dr6() == 4 && s.eip != code ? "x" :
			     s.vec == END && !dr6() ? "-" : "?");
	}
	print("\n");
}

static void overlap(void)
{
	static const u8 lens[] = {LEN1, LEN2, LEN4};
	u32 byte = FRAG("mov al, [ebx]"), word = FRAG("mov ax, [ebx]");
	u32 dword = FRAG("mov [ebx], eax"), sse = FRAG("movups xmm0, [ebx]");
	u32 qword = FRAG("fld qword ptr [ebx]; fstp st");

	print("accesses from offset 38 to 47:\n");
	for (u32 i = 0; i < 3; i++)
		for (u32 a = 0x40; a < 0x44; a += a == 0x40 ? 1 : 2) {
			lengths("byte", DATA + a, ACCESS, lens[i], byte);
			lengths("word", DATA + a, ACCESS, lens[i], word);
			lengths("dword", DATA + a, WRITE, lens[i], dword);
		}
	lengths("qword", DATA + 0x44, ACCESS, LEN1, qword);
	lengths("sse", DATA + 0x44, ACCESS, LEN4, sse);
}

static void accesses(void)
{
	static const char *const kinds[] = {"", "written", "", "accessed"};

	print("data:\n");
	for (u32 type = WRITE; type <= ACCESS; type += 2) {
		u32 c;

		SET_DR(0, DATA);
		SET_DR(1, DATA + 0x100);
		c = dr7(0, type, LEN4) | dr7(1, type, LEN4);
		print("%s:\n", kinds[type]);
		for (u32 level = 0; level < 4; level += 3) {
			GO(level, 0, c, "mov eax, [ebx]; nop");
			GO(level, 0, c, "mov [ebx], eax; nop");
			GO(level, 0, c, "add [ebx], eax; nop");
			GO(level, 0, c, "add eax, [ebx]; nop");
			GO(level, 0, c, "cmp [ebx], eax; nop");
			GO(level, 0, c, "xchg [ebx + 0x100], eax; nop");
			GO(level, 0, c, "movsd; nop");
			GO(level, 0, c, "lea eax, [ebx]; nop");
			GO(level, 0, c, "push dword ptr [ebx]; pop dword ptr [ebx + 0x100]; nop");
			GO(level, 0, c, "mov eax, [ebx]; mov [edi], eax");
			GO(level, TF, c, "mov [ebx], eax; nop");
			GO(level, 0, c, "mov esp, 0x1800004; push eax; nop; mov esp, 0x1703000");
			GO(level, 0, c, "mov esp, 0x1800004; call 1f; int3; int3; 1: nop; mov esp, 0x1703000");
			if (level) /* or else the #DB is pushed there */
				GO(level, 0, c, "mov esp, 0x1800000; pop eax; nop; mov esp, 0x1703000");
			GO(level, 0, c, "sub ebx, 8; sub esi, 8; rep movsd; nop");
			GO(level, 0, c, "sub edi, 4; rep stosd; nop");
			GO(level, 0, c, "sub edi, 2; rep stosb; nop");
			GO(level, 0, c, "rep lodsd; nop");
			GO(level, 0, c, "mov eax, 0xffff; sub esi, 4; repe cmpsd; nop");
			GO(level, 0, c, "fninit; fnstcw [ebx]; fild dword ptr [ebx]; fstp dword ptr [edi]; nop");
			GO(level, 0, c, "movups xmm0, [ebx - 8]; movups [edi - 8], xmm0; nop");
			GO(level, 0, c, "mov eax, ss; mov [ebx], eax; nop");
			GO(level, 0, c, "mov word ptr [ebx], ss; mov ss, [ebx]; nop; nop");
			GO(level, 0, c, "bts dword ptr [ebx], 3; nop");
			GO(level, 0, c, "sub ebx, 4; mov eax, 32; bt [ebx], eax; nop");
		}
	}
}

/* ---- together with other things ---- */

static void together(void)
{
	u64 old = rt_idt[0x40];
	u32 c = dr7(0, ACCESS, LEN4);

	print("a fault in the same instruction:\n");
	SET_DR(0, DATA);
	GO(0, 0, c, "mov edi, 0x1900000; movsd; nop");
	GO(0, 0, c, "mov [ebx], edx; xor ecx, ecx; div dword ptr [ebx + 4]");
	GO(3, 0, c, "mov word ptr [ebx], 0x2f8; nop; mov ds, [ebx]");
	print("pushed by an interrupt:\n");
	rt_tss.esp0 = DATA + 4;
	rt_idt[0x40] = gate(KCS, FRAG("nop; nop"), 0xee);
	GO(3, 0, c, "nop; int 0x40");
	rt_tss.esp0 = (u32)rt_stack - 6144;
	rt_idt[0x40] = old;
	print("two at once:\n");
	SET_DR(0, DATA);
	SET_DR(1, DATA + 2);
	SET_DR(2, DATA + 3);
	SET_DR(3, DATA + 4);
	GO(0, 0, c | dr7(1, WRITE, LEN1) | dr7(2, ACCESS, LEN1) | dr7(3, WRITE, LEN1),
	   "mov eax, [ebx]; mov [ebx], eax; mov [ebx + 1], al; mov [ebx + 1], eax");
	print("in two pages:\n");
	SET_DR(0, NEXT);
	GO(3, 0, c, "mov [ebx + 0xffe], eax; mov eax, [ebx + 0xffd]; mov al, [ebx + 0xfff]; nop");
	SET_DR(0, NEXT - 4);
	GO(3, 0, c, "mov [ebx + 0xffe], eax; mov eax, [ebx + 0xffd]; mov al, [ebx + 0x1000]; nop");
	print("linear addresses:\n");
	*pte(ALIAS) = DATA | P | W | U;
	invlpg(ALIAS);
	SET_DR(0, DATA);
	GO(3, 0, c, "mov eax, [0x1810000]; mov [0x1810000], eax; mov eax, [ebx]; nop");
	SET_DR(0, ALIAS);
	GO(3, 0, c, "mov eax, [0x1810000]; mov [0x1810000], eax; mov eax, [ebx]; nop");
	*pte(ALIAS) = ALIAS | P | W | U;
	print("a page that comes later:\n");
	SET_DR(0, 0x1900004);
	go("", 0, 0, c, FRAG("mov eax, [0x1900004]"));
	SET_DR(0, 0x1900004);
	go("", 0, 0, c, FRAG("mov dword ptr [rt_late], 0; mov eax, [rt_pte]; mov edx, [rt_value];"
			     "mov [eax], edx; mov eax, [0x1900004]; nop; mov dword ptr [eax * 8 + rt_late], 0"));
	*pte(0x1900000) = 0;
	invlpg(0x1900000);
	print("a page that is replaced:\n");
	SET_DR(0, ALIAS + 4);
	go("", 0, 0, c, FRAG("mov eax, [rt_alias]; mov edx, [rt_value]; mov [eax], edx;"
			     "invlpg [0x1810000]; mov eax, [0x1810004]; nop; mov eax, [0x1900004]"));
	*pte(ALIAS) = ALIAS | P | W | U;
	invlpg(ALIAS);
}

static void ports(void)
{
	print("ports:\n");
	set_cr4(get_cr4() | 8);
	SET_DR(0, 0x3ff);
	SET_DR(1, 0x80);
	SET_DR(2, 0xcf8);
	for (u32 level = 0; level < 4; level += 3) {
		u32 c = dr7(0, IO, LEN1) | dr7(1, IO, LEN2) | dr7(2, IO, LEN4);

		GO(level, 0x3000, c, "mov edx, 0x3ff; in al, dx; nop; out dx, al; nop");
		GO(level, 0x3000, c, "mov edx, 0x3fe; in al, dx; nop; in ax, dx; nop");
		GO(level, 0x3000, c, "out 0x80, al; out 0x81, al; out 0x82, al; out 0x7f, ax; in eax, 0x7c");
		GO(level, 0x3000, c, "mov edx, 0xcf8; in eax, dx; inc edx; in al, dx; mov edx, 0xcfc; in al, dx");
		GO(level, 0x3000, c, "mov edx, 0x3ff; rep insb; nop");
		GO(level, TF | 0x3000, c, "mov edx, 0x3ff; in al, dx; nop");
		GO(level, 0x3000, c, "mov eax, [0x3fc]; mov [0x3fc], eax");
	}
	set_cr4(get_cr4() & ~8u);
}

u32 rt_late, rt_pte, rt_value, rt_alias;

void test(void)
{
	paging_on();
	set_cr4(get_cr4() | 0x600);
	rt_late = 0;
	*pte(0x1900000) = 0;
	invlpg(0x1900000);
	rt_pte = (u32)pte(0x1900000);
	rt_alias = (u32)pte(ALIAS);
	rt_value = 0x1820000 | P | W | U;
	registers();
	instructions();
	overlap();
	accesses();
	together();
	ports();
}
