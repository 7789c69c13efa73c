/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What control registers do to x87, MMX and SSE instructions; x87 errors,
 * reported late by #MF or, as PCs once did, by IRQ 13; the images of FSTENV,
 * FSAVE and FXSAVE in all forms; MXCSR; alignment (SDM 1 chapters 8 to 11, 3A
 * 2.5 and chapter 13). */
#include "rt.h"

enum { MP = 2, EM = 4, TS = 8, NE = 32, OSFXSR = 0x200, OSXMMEXCPT = 0x400 };
enum { DATA = 0x1730000, CS16 = FREE };
static const char *const vectors[20] = {
	"DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "9",
	"TS", "NP", "SS", "GP", "PF", "15", "MF", "AC", "MC", "XM",
};

static u32 cr0_bits(u32 bits)
{
	return (get_cr0() & ~(u32)(MP | EM | TS | NE)) | bits;
}

static void told(const struct state *s, u32 code)
{
	if (s->vec == END)
		print(" end");
	else if (s->vec < 20)
		print(" #%s+%b", vectors[s->vec], s->eip - code);
	else
		print(" %b+%b", s->vec, s->eip - code);
}

/* ---- availability ---- */

static void available(const char *name, u32 code)
{
	static const u8 bits[] = {0, MP, TS, TS | MP, EM, EM | MP, EM | TS, EM | TS | MP};

	print("%s:", name);
	for (u32 sse = 0; sse < 2; sse++) {
		set_cr4((get_cr4() & ~(u32)OSFXSR) | (sse ? OSFXSR : 0));
		for (u32 i = 0; i < 8; i++) {
			struct state s = at(3, code);

			asm volatile("clts; fninit");
			s.ebx = DATA;
			s.edi = DATA + 0x400;
			set_cr0(cr0_bits(bits[i] | NE));
			run(&s);
			set_cr0(cr0_bits(NE));
			if (s.vec == END)
				print(" --");
			else if (s.vec < 20 && s.eip == code)
				print(" %s", vectors[s.vec]);
			else
				print(" ?%b", s.vec);
		}
		print("%s", sse ? "\n" : " |");
	}
}
#define AVAILABLE(text) available(text, FRAG(text))

static void availability(void)
{
	print("CR0 - MP TS TS+MP EM EM+MP EM+TS all, without and with CR4.OSFXSR:\n");
	AVAILABLE("fld1");
	AVAILABLE("fnop");
	AVAILABLE("fninit");
	AVAILABLE("fnstsw ax");
	AVAILABLE("fnstcw [ebx]");
	AVAILABLE("fldcw [ebx + 0x40]");
	AVAILABLE("fnclex");
	AVAILABLE("fnstenv [ebx + 0x80]");
	AVAILABLE("fldenv [ebx + 0x80]");
	AVAILABLE("fnsave [ebx + 0x80]");
	AVAILABLE("frstor [ebx + 0x80]");
	AVAILABLE("fwait");
	AVAILABLE("fcomi st, st(1)");
	AVAILABLE("fcmovb st, st(1)");
	AVAILABLE("fxsave [ebx + 0x100]");
	AVAILABLE("fxrstor [ebx + 0x100]");
	AVAILABLE("movq mm0, mm1");
	AVAILABLE("paddb mm0, [ebx]");
	AVAILABLE("emms");
	AVAILABLE("maskmovq mm0, mm1");
	AVAILABLE("movntq [ebx], mm0");
	AVAILABLE("pshufw mm0, mm1, 0");
	AVAILABLE("movaps xmm0, xmm1");
	AVAILABLE("addps xmm0, [ebx]");
	AVAILABLE("movd xmm0, eax");
	AVAILABLE("paddb xmm0, xmm1");
	AVAILABLE("cvtpi2ps xmm0, mm1");
	AVAILABLE("cvtsi2sd xmm0, eax");
	AVAILABLE("movdq2q mm0, xmm1");
	AVAILABLE("maskmovdqu xmm0, xmm1");
	AVAILABLE("ldmxcsr [ebx + 0x44]");
	AVAILABLE("stmxcsr [ebx]");
	AVAILABLE("pshufb mm0, mm1");
	AVAILABLE("pshufb xmm0, xmm1");
	AVAILABLE("ptest xmm0, xmm1");
	AVAILABLE("pcmpgtq xmm0, xmm1");
	AVAILABLE("movnti [ebx], eax");
	AVAILABLE("prefetchnta [ebx]");
	AVAILABLE("sfence");
	AVAILABLE("lfence");
	AVAILABLE("clflush [ebx]");
	AVAILABLE("pause");
	AVAILABLE("popcnt eax, ebx");
	AVAILABLE("crc32 eax, bl");
}

/* ---- x87 errors ---- */

/* An error that is not masked, left by the first instructions; which of the
 * following report it? */
static void error(const char *name, u32 code)
{
	struct state s = at(3, code);

	s.ebx = DATA;
	s.edi = DATA + 0x400;
	asm volatile("fninit");
	run(&s);
	print("%s:", name);
	told(&s, code);
	asm volatile("fnstsw %%ax" : "=a"(s.eax));
	print(" fsw %w\n", s.eax & 0xffff);
}
#define DIV0 "fldcw [ebx + 0x48]; fldz; fld1; fdivrp; "
#define ERROR(text) error(text, FRAG(DIV0 text))

static void errors(void)
{
	print("x87 errors; the instruction after them begins at +09\n");
	ERROR("nop");
	ERROR("fwait");
	ERROR("fld1");
	ERROR("fnop");
	ERROR("fld dword ptr [ebx]");
	ERROR("fstp dword ptr [ebx]");
	ERROR("fnstsw ax; fwait");
	ERROR("fnstcw [ebx]; fwait");
	ERROR("fnclex; fwait; fld1");
	ERROR("fninit; fwait; fld1");
	ERROR("fnstenv [edi]; fwait");
	ERROR("fnsave [edi]; fwait");
	ERROR("fldcw [ebx + 0x40]; fwait");
	ERROR("fldenv [ebx + 0x80]");
	ERROR("frstor [ebx + 0x80]");
	ERROR("fxsave [edi]; fwait");
	ERROR("fxrstor [edi + 0x400]; fwait");
	ERROR("movq mm0, mm1");
	ERROR("paddb mm0, [ebx]");
	ERROR("emms");
	ERROR("maskmovq mm0, mm1");
	ERROR("movaps xmm0, xmm1; cvtsi2ss xmm0, eax; ldmxcsr [ebx + 0x44]");
	ERROR("cvtpi2ps xmm0, mm1");
	ERROR("ffree st(0)");
	ERROR("fincstp");
	print("unmasked afterwards:\n");
	error("fldz, fld1, fdivrp, fldcw, fwait",
	      FRAG("fldz; fld1; fdivrp; fldcw [ebx + 0x48]; fwait"));
	error("fldenv with flags, fwait", FRAG("fldz; fld1; fdivrp; fnstenv [edi];"
		"and word ptr [edi], 0xffc0; fldenv [edi]; fwait"));
	error("fxrstor with flags, fwait", FRAG("fldz; fld1; fdivrp; fxsave [edi];"
		"and word ptr [edi], 0xffc0; fxrstor [edi]; fwait"));
	error("stack overflow, invalid", FRAG("fldcw [ebx + 0x4c]; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fnop"));
	error("denormal", FRAG("fldcw [ebx + 0x50]; fld dword ptr [ebx + 0x54]; fnop"));
	error("inexact", FRAG("fldcw [ebx + 0x58]; fldpi; fstp dword ptr [ebx]; fnop"));
}

/* The pointers to the instruction that erred. */
static void pointers(const char *name, u32 level, u32 code)
{
	struct state s = at(level, code);
	u32 env[7];

	s.ebx = DATA;
	s.esi = DATA + 0x48;
	asm volatile("fninit");
	run(&s);
	asm volatile("fnstenv %0" : "=m"(env));
	print("%s:", name);
	told(&s, code);
	if (env[3] | env[4] | env[5])
		print(" at code+%b cs %w opcode %w operand %x ds %w\n",
		      env[3] - code, env[4] & 0xffff, env[4] >> 16, env[5],
		      env[6] & 0xffff);
	else
		print(" no pointers\n");
	asm volatile("fninit");
}
#define POINTERS(level, text) pointers(text, level, FRAG(text))

static void all_pointers(void)
{
	print("error pointers:\n");
	for (u32 level = 0; level < 4; level += 3) {
		POINTERS(level, "fldcw [esi]; fldz; fld1; fdivrp; nop; fwait");
		POINTERS(level, "fldcw [esi]; fld1; fdiv dword ptr [ebx + 0x60]; inc ebx; mov ebx, [ebx]; fwait");
		POINTERS(level, "fldcw [esi]; fld1; fidiv word ptr [ebx + 0x60]; fld1");
		POINTERS(level, "fldcw [esi]; fld1; mov ecx, 0x80; fdiv qword ptr [ebx + ecx * 4]; jmp 1f; nop; 1: fstp st");
		POINTERS(level, "fldcw [esi]; fld1; fdiv dword ptr fs:[ebx + 0x60]; call 1f; 1: pop eax; fwait");
		POINTERS(level, "fldcw [esi + 4]; fstp st; nop; fwait");
		POINTERS(level, "fldcw [esi + 16]; fldpi; fstp dword ptr [ebx]; nop; fwait");
		POINTERS(level, "fldcw [esi]; fldz; fld1; fdivrp; fnstcw [ebx]; fnstsw ax; fwait");
	}
	print("none without an error:\n");
	POINTERS(3, "fldz; fld1; fdivrp; fld dword ptr [ebx]");
}

/* ---- CR0.NE = 0 ---- */

static void irq13(const char *name, u32 flags, u32 handler, u32 code)
{
	struct state s = at(0, code), h;

	s.eflags |= flags;
	s.ebx = DATA;
	print("%s:", name);
	asm volatile("fninit");
	for (u32 i = 0; i < 4; i++) {
		run(&s);
		told(&s, code);
		if (s.vec != 0x2d)
			break;
		out8(0xa0, 0x0b);
		print(" in service %b", in8(0xa0) & 0x20);
		h = at(0, handler);
		h.ebx = DATA;
		h.edi = (u32)&s;
		run(&h);
		print(" handler");
		told(&h, handler);
		out8(0xa0, 0x20);
		out8(0x20, 0x20);
	}
	print("\n");
	out8(0xf0, 0);
	asm volatile("fninit");
}

static void by_interrupt(void)
{
	u32 clear = FRAG("out 0xf0, al; fnclex");
	u32 fclex = FRAG("out 0xf0, al; fclex");
	u32 init = FRAG("fninit; out 0xf0, al");
	u32 skip = FRAG("out 0xf0, al; inc dword ptr [edi + 32]; fnclex");

	print("CR0.NE = 0:\n");
	out8(0x21, 0xfb);
	out8(0xa1, 0xdf);
	set_cr0(cr0_bits(0));
	irq13("fnclex", IF, clear, FRAG(DIV0 "nop; fld1; nop"));
	irq13("wait, fnclex", IF, fclex, FRAG(DIV0 "nop; fld1; nop"));
	irq13("fninit", IF, init, FRAG(DIV0 "nop; fwait; nop"));
	irq13("skipped", IF, skip, FRAG(DIV0 "nop; fwait; nop"));
	irq13("twice", IF, clear, FRAG(DIV0 "nop; fwait; fldz; fld1; fdivrp; fld1"));
	irq13("frstor", IF, clear, FRAG(DIV0 "frstor [ebx + 0x80]"));
	irq13("movq", IF, clear, FRAG(DIV0 "movq mm0, mm1"));
	irq13("masked until sti", 0, clear, FRAG(DIV0 "sti; fld1; nop"));
	irq13("no instruction that waits", IF, clear, FRAG(DIV0 "fnstsw ax; fnclex; fld1"));
	irq13("a port for nothing", IF, clear, FRAG("out 0xf0, al; " DIV0 "fld1; nop"));
	out8(0x21, 0xff);
	out8(0xa1, 0xff);
	set_cr0(cr0_bits(NE));
}

/* ---- images ---- */

/* Registers that are empty show in images too. */
static void clear(void)
{
	asm volatile("fninit; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fldz;"
		     "fninit");
	fill((void *)(DATA + 0x1000), 0xaa, 0x400);
}

static void words(const char *name, u32 n)
{
	print("%s:", name);
	for (u32 i = 0; i < n; i++)
		print(" %w", ((u16 *)(DATA + 0x1000))[i]);
	print("\n");
}

static void image(const char *name, u32 code, u32 n)
{
	struct state s = at(0, code);

	clear();
	s.edi = DATA + 0x1000;
	s.ebx = DATA;
	run(&s);
	words(name, n);
	if (s.vec != END)
		print("   vector %b\n", s.vec);
}
#define IMAGE(n, text) image(text, FRAG(text), n)
#define SIX "fninit; fld1; fldz; fldpi; fld dword ptr [ebx + 0x54]; fld tbyte ptr [ebx + 0x70]; fchs; "

static void images(void)
{
	print("images:\n");
	IMAGE(15, SIX "fnstenv [edi]");
	IMAGE(8, SIX ".byte 0x66; fnstenv [edi]");
	IMAGE(55, SIX "fnsave [edi]");
	IMAGE(48, SIX ".byte 0x66; fnsave [edi]");
	IMAGE(15, "fnstenv [edi]");
	IMAGE(15, SIX "fnsave [edi]; fnstenv [edi]");
	IMAGE(15, SIX "fnsave [edi + 0x80]; fninit; frstor [edi + 0x80]; fnstenv [edi]");
	IMAGE(55, SIX ".byte 0x66; fnsave [edi + 0x80]; .byte 0x66; frstor [edi + 0x80]; fnsave [edi]");
	IMAGE(55, SIX "fnstenv [edi + 0x80]; fninit; fldenv [edi + 0x80]; fnsave [edi]");
	IMAGE(55, SIX "fnstenv [edi + 0x80]; and word ptr [edi + 0x84], 0xc7ff; fldenv [edi + 0x80]; fnsave [edi]");
	IMAGE(15, SIX "fnstenv [edi + 0x80]; mov dword ptr [edi + 0x8c], 0x12345678; mov dword ptr [edi + 0x90], 0x07ff001b;"
		  "mov dword ptr [edi + 0x94], 0x9abcdef0; mov word ptr [edi + 0x98], 0x23; fldenv [edi + 0x80]; fnstenv [edi]");
	IMAGE(15, SIX "fstcw [edi + 0x80]; or word ptr [edi + 0x80], 0xf0c0; fldcw [edi + 0x80]; fnstenv [edi]");
	print("fnstenv masks, fnsave resets:\n");
	IMAGE(15, "fninit; fldcw [ebx + 0x48]; fnstenv [edi]; fnstenv [edi]");
	IMAGE(15, "fninit; fldcw [ebx + 0x48]; fnsave [edi]; fnstenv [edi]");
	print("fxsave:\n");
	set_cr4(get_cr4() | OSFXSR);
	IMAGE(104, "fninit; fld1; fldz; fldpi; ffree st(1); ldmxcsr [ebx + 0x44]; movups xmm0, [ebx + 0x100]; movups xmm7, [ebx + 0x110]; fxsave [edi]");
	IMAGE(16, "fninit; fld1; fxsave [edi + 0x200]; fninit; fxrstor [edi + 0x200]; fxsave [edi]");
	IMAGE(16, SIX "fxsave [edi + 0x200]; or word ptr [edi + 0x200], 0xf0c0; mov byte ptr [edi + 0x204], 0xa5; fxrstor [edi + 0x200]; fxsave [edi]");
	set_cr4(get_cr4() & ~(u32)OSFXSR);
	IMAGE(12, "fninit; fld1; fxsave [edi]");
	set_cr4(get_cr4() | OSFXSR);
	print("mmx and the x87 stack:\n");
	IMAGE(55, "fninit; fld1; fldz; movq mm3, [ebx + 0x100]; fnsave [edi]");
	IMAGE(15, "fninit; fldz; movq mm3, [ebx + 0x100]; emms; fnstenv [edi]");
	IMAGE(15, "fninit; fldz; emms; fnstenv [edi]");
	IMAGE(55, "fninit; fld1; fldz; movd mm0, ebx; fstp tbyte ptr [edi + 0x80]; fnsave [edi]");
}

/* Real-address layouts, by virtual-8086 mode. */
static void image86(const char *name, u32 code, u32 n)
{
	struct state s = at(3, 0x100);

	clear();
	for (u32 i = 0; i < 64; i++)
		((u8 *)0x20100)[i] = ((u8 *)code)[i];
	for (u32 i = 0; i < 0x120; i++)
		((u8 *)0x40000)[i] = ((u8 *)DATA)[i];
	s.cs = 0x2000;
	s.ss = 0x3000;
	s.esp = 0x1000;
	s.ds = 0x4000;
	s.es = 0x5000;
	s.eflags = VM | 2;
	run(&s);
	for (u32 i = 0; i < 0x100; i++)
		((u8 *)(DATA + 0x1000))[i] = ((u8 *)0x50000)[i];
	words(name, n);
	if (s.vec != 3)
		print("   vector %b at %x\n", s.vec, s.eip);
}
#define IMAGE86(n, text) image86(text, FRAG(".code16\n" text "\nint3\n.code32"), n)

static void images86(void)
{
	print("in virtual-8086 mode:\n");
	asm volatile("fninit");
	IMAGE86(8, "fninit; fldcw [0x48]; fld1; fdiv dword ptr [0x60]; fnstenv es:[0]");
	IMAGE86(15, "fninit; fldcw [0x48]; fld1; fdiv dword ptr [0x60]; .byte 0x66; fnstenv es:[0]");
	IMAGE86(48, "fninit; fld1; fldz; fnsave es:[0]");
	IMAGE86(55, "fninit; fld1; fldz; .byte 0x66; fnsave es:[0]");
	IMAGE86(15, "fninit; fldcw [0x48]; fld1; fdiv dword ptr [0x60]; fnstenv es:[0x80]; and word ptr es:[0x80], 0xffc0; fldenv es:[0x80]; .byte 0x66; fnstenv es:[0]");
	asm volatile("fninit");
}

/* ---- SSE ---- */

static void simd(const char *name, u32 mxcsr, u32 code)
{
	struct state s = at(3, code);
	u32 after;

	*(u32 *)(DATA + 0x44) = mxcsr;
	s.ebx = DATA;
	s.edi = DATA + 0x400;
	asm volatile("ldmxcsr %0" ::"m"(mxcsr));
	run(&s);
	asm volatile("stmxcsr %0" : "=m"(after));
	print("%s, mxcsr %x:", name, mxcsr);
	told(&s, code);
	print(" mxcsr %x\n", after);
}
#define SIMD(mxcsr, text) simd(text, mxcsr, FRAG(text))

static void simd_errors(void)
{
	u32 bad[] = {0x10000, 0x80001f80, 0xffff};
	u32 load = FRAG("ldmxcsr [ebx + 0x44]"), restore = FRAG("fxrstor [edi]");

	print("MXCSR:\n");
	for (u32 i = 0; i < 3; i++) {
		struct state s = at(3, load);

		*(u32 *)(DATA + 0x44) = bad[i];
		s.ebx = DATA;
		run(&s);
		print("ldmxcsr %x:", bad[i]);
		told(&s, load);
		s = at(3, restore);
		s.edi = DATA + 0x400;
		asm volatile("fxsave (%0)" ::"r"(DATA + 0x400) : "memory");
		*(u32 *)(DATA + 0x418) = bad[i];
		run(&s);
		print(" fxrstor:");
		told(&s, restore);
		print("\n");
		*(u32 *)(DATA + 0x418) = 0x1f80;
		*(u32 *)(DATA + 0x44) = 0x1f80;
		asm volatile("ldmxcsr %0" ::"m"(*(u32 *)(DATA + 0x44)));
	}
	for (u32 i = 0; i < 2; i++) {
		u32 divide = 0x1f80 & ~0x200u, invalid = 0x1f80 & ~0x80u;

		set_cr4((get_cr4() & ~(u32)OSXMMEXCPT) | (i ? OSXMMEXCPT : 0));
		print("OSXMMEXCPT %d:\n", i);
		SIMD(0x1f80, "xorps xmm0, xmm0; movss xmm1, [ebx + 0x5c]; divss xmm1, xmm0");
		SIMD(divide, "xorps xmm0, xmm0; movss xmm1, [ebx + 0x5c]; divss xmm1, xmm0");
		SIMD(divide, "xorps xmm0, xmm0; movss xmm1, [ebx + 0x5c]; divss xmm1, [ebx + 0x60]");
		SIMD(invalid, "xorps xmm0, xmm0; divps xmm0, xmm0");
		SIMD(invalid, "movss xmm0, [ebx + 0x68]; ucomiss xmm0, xmm0; comiss xmm0, xmm0");
		SIMD(invalid, "movss xmm0, [ebx + 0x64]; cvtss2si eax, xmm0");
		SIMD(0x1f81, "movaps xmm0, xmm1");
		SIMD(0x1f00 & ~0x1000u, "movss xmm0, [ebx + 0x5c]; addss xmm0, [ebx + 0x64]");
		SIMD(divide | 4, "fldz; movaps xmm0, xmm1; addps xmm0, xmm0");
	}
	set_cr4(get_cr4() | OSXMMEXCPT);
	bad[0] = 0x1f80;
	asm volatile("ldmxcsr %0" ::"m"(bad[0]));
}

static void alignment(void)
{
	static const char *const names[] = {
		"movaps load", "movaps store", "movups load", "addps", "movdqa",
		"movdqu", "movntps", "movntdq", "paddb mm", "movlps", "addss",
		"fxsave", "fxrstor", "pshufd", "lddqu", "cvtdq2pd", "pmovzxbw", "movntdqa"};
	u32 codes[] = {
		FRAG("movaps xmm0, [ebx]"), FRAG("movaps [ebx], xmm0"),
		FRAG("movups xmm0, [ebx]"), FRAG("addps xmm0, [ebx]"),
		FRAG("movdqa xmm0, [ebx]"), FRAG("movdqu xmm0, [ebx]"),
		FRAG("movntps [ebx], xmm0"), FRAG("movntdq [ebx], xmm0"),
		FRAG("paddb mm0, [ebx]"), FRAG("movlps xmm0, [ebx]"),
		FRAG("addss xmm0, [ebx]"), FRAG("fxsave [ebx]"),
		FRAG("fxrstor [ebx]"), FRAG("pshufd xmm0, [ebx], 0"),
		FRAG("lddqu xmm0, [ebx]"), FRAG("cvtdq2pd xmm0, [ebx]"),
		FRAG("pmovzxbw xmm0, [ebx]"), FRAG("movntdqa xmm0, [ebx]")};

	print("alignment at 0, 1, 4, 8, 16:\n");
	fill((void *)(DATA + 0x800), 0, 0x400);
	for (u32 i = 0; i < sizeof(codes) / 4; i++) {
		static const u8 offsets[] = {0, 1, 4, 8, 16};

		print("%s:", names[i]);
		for (u32 k = 0; k < 5; k++) {
			struct state s = at(3, codes[i]);

			s.ebx = DATA + 0x800 + offsets[k];
			run(&s);
			told(&s, codes[i]);
		}
		print("\n");
	}
}

static void data(void)
{
	u32 *w = (u32 *)DATA;

	fill(w, 0, 0x1000);
	w[0x40 / 4] = 0x37f;
	w[0x44 / 4] = 0x1f80;
	w[0x48 / 4] = 0x37f & ~4u;  /* zero divide */
	w[0x4c / 4] = 0x37f & ~1u;  /* invalid */
	w[0x50 / 4] = 0x37f & ~2u;  /* denormal */
	w[0x54 / 4] = 0x00000001;   /* a denormal number */
	w[0x58 / 4] = 0x37f & ~32u; /* inexact */
	w[0x5c / 4] = 0x3f800000;   /* 1.0 */
	w[0x64 / 4] = 0x7fbfffff;   /* a signalling NaN */
	w[0x68 / 4] = 0x7fbfffff;
	w[0x70 / 4] = 0x12345678;   /* unnormal */
	w[0x74 / 4] = 0x00000001;
	w[0x78 / 4] = 0x4000;
	for (u32 i = 0; i < 16; i++)
		w[0x100 / 4 + i] = 0x11111111 * i + 0x01020304;
	asm volatile("fninit; fnsave (%0)" ::"r"(DATA + 0x80) : "memory");
	asm volatile("fxsave (%0)" ::"r"(DATA + 0x800) : "memory");
}

/* ---- what an exception leaves alone ---- */

static void kept(const char *name, u32 code)
{
	struct state s = at(3, code);
	u32 *from = (u32 *)DATA, *to = (u32 *)(DATA + 0x400);
	bool same = true;

	for (u32 i = 0; i < 32; i++)
		from[i] = 0x3f000000 + i * 0x01010101;
	fill(to, 0, 128);
	asm volatile("movups %0, %%xmm0; movups 16+%0, %%xmm1; movups 32+%0, %%xmm2;"
		     "movups 48+%0, %%xmm3; movups 64+%0, %%xmm4;"
		     "movups 80+%0, %%xmm5; movups 96+%0, %%xmm6;"
		     "movups 112+%0, %%xmm7" : : "m"(*from) : "memory");
	run(&s);
	asm volatile("movups %%xmm0, %0; movups %%xmm1, 16+%0; movups %%xmm2, 32+%0;"
		     "movups %%xmm3, 48+%0; movups %%xmm4, 64+%0;"
		     "movups %%xmm5, 80+%0; movups %%xmm6, 96+%0;"
		     "movups %%xmm7, 112+%0" : "=m"(*to) : : "memory");
	for (u32 i = 0; i < 32; i++)
		same &= from[i] == to[i];
	print("%s:", name);
	told(&s, code);
	print(same ? " kept\n" : " CHANGED\n");
}
#define KEPT(text) kept(text, FRAG(text))

/* After an SSE instruction, so that the registers are where it needs them. */
static void exceptions_keep(void)
{
	print("xmm registers after an exception:\n");
	KEPT("orps xmm0, xmm0; hlt");
	KEPT("orps xmm0, xmm0; ud2");
	KEPT("orps xmm0, xmm0; int 0x21");
	KEPT("orps xmm0, xmm0; int 0x91");
	KEPT("orps xmm0, xmm0; xor ecx, ecx; div ecx");
	KEPT("orps xmm0, xmm0; mov ds, ecx");
	KEPT("orps xmm0, xmm0; mov eax, cr0");
}

void test(void)
{
	set_cr4(get_cr4() | OSFXSR | OSXMMEXCPT);
	rt_flag_mask = 0;
	data();
	availability();
	data();
	errors();
	all_pointers();
	by_interrupt();
	images();
	images86();
	simd_errors();
	alignment();
	exceptions_keep();
}
