/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87 and MMX instructions whose memory operand faults.  The manual leaves
 * some of it to the processor; here it is as on Intel's, whichever processor
 * the host has and whichever way memory is reached:
 * - a store that an unmasked exception keeps from storing (SDM 1 8.5) touches
 *   no memory, so it meets no fault there and sets no bit of a page table;
 * - an error that waits is reported before the operand is looked at;
 * - a store of ten bytes leaves the first eight stored when only the others
 *   fault (SDM 3A 9.1.1);
 * - an MMX store that faults has set TOP to 0 and left the tags alone.
 * Each is done several times, since the way to memory changes with what was
 * met. */
#include "rt.h"

enum { NE = 32, CR0_TS_EM = 12, DATA = 0x1730000, PAGE = 0x1800000,
       SMALL = FREE };

static u8 fx[512] __attribute__((aligned(16)));
static u32 shown;

static u32 sum(const void *at, u32 n, u32 h)
{
	for (u32 i = 0; i < n; i++)
		h = (h << 5 | h >> 27) ^ ((const u8 *)at)[i];
	return h;
}

/* Runs and shows, five times if they are not alike; the operand is at edi. */
static void one(const char *name, u32 code, u32 edi, u16 ds)
{
	u32 before = 0;

	for (u32 i = 0; i < 5; i++) {
		struct state s = at(3, code);
		u32 h, entry;

		s.ebx = DATA;
		s.edi = edi;
		s.es = ds;
		fill((void *)(PAGE - 16), 0x11, 16);
		*pte(PAGE - 1) &= ~(u32)(A | D);
		invlpg(PAGE - 1);
		asm volatile("fninit");
		run(&s);
		asm volatile("fxsave %0; fninit" : "=m"(fx));
		entry = *pte(PAGE - 1) & (A | D);
		h = sum(fx, 5, s.vec ^ s.eip ^ s.cr2 << 16 ^ s.err ^ entry << 8);
		h = sum((void *)(PAGE - 16), 16, sum(fx + 32, 128, h));
		if (i && h == before)
			continue;
		before = h;
		print("%s%s:", i ? "and then " : "", name);
		if (s.vec == END)
			print(" ends");
		else
			print(" %b+%b", s.vec, s.eip - code);
		if (s.vec == 14)
			print(" error %b at %x", s.err, s.cr2);
		print(" fsw %w tags %b", fx[2] | fx[3] << 8, fx[4]);
		print(entry & D ? " dirty" : entry & A ? " accessed" : "");
		if (shown) {
			for (u32 k = 16 - shown; k < 16; k++)
				print(" %b", ((u8 *)(PAGE - 16))[k]);
		}
		print("\n");
	}
}
#define ONE(before, text) one(text, FRAG(before "; " text), PAGE, UDS)

/* ---- stores that store nothing ---- */

#define STORES(before)                              \
	ONE(before, "fst dword ptr es:[edi]");      \
	ONE(before, "fstp dword ptr es:[edi]");     \
	ONE(before, "fst qword ptr es:[edi]");      \
	ONE(before, "fstp qword ptr es:[edi]");     \
	ONE(before, "fstp tbyte ptr es:[edi]");     \
	ONE(before, "fist word ptr es:[edi]");      \
	ONE(before, "fist dword ptr es:[edi]");     \
	ONE(before, "fistp word ptr es:[edi]");     \
	ONE(before, "fistp dword ptr es:[edi]");    \
	ONE(before, "fistp qword ptr es:[edi]");    \
	ONE(before, "fisttp word ptr es:[edi]");    \
	ONE(before, "fisttp dword ptr es:[edi]");   \
	ONE(before, "fisttp qword ptr es:[edi]");   \
	ONE(before, "fbstp tbyte ptr es:[edi]");    \
	ONE(before, "fnstcw es:[edi]");             \
	ONE(before, "fnstsw es:[edi]")

static void refused(void)
{
	print("an empty register, unmasked, into a page that is missing:\n");
	STORES("fldcw [ebx]");
	print("the same, masked:\n");
	STORES("nop");
	print("too large, unmasked:\n");
	STORES("fld tbyte ptr [ebx + 0x10]; fldcw [ebx + 2]");
	print("too small, unmasked:\n");
	STORES("fld tbyte ptr [ebx + 0x20]; fldcw [ebx + 4]");
	print("inexact, unmasked, which is stored:\n");
	STORES("fldpi; fldcw [ebx + 6]");
}

/* The same where nothing is missing: beyond a segment, in a page that user
 * code may only read, and in one that it may write. */
static void elsewhere(void)
{
	u32 refusing = FRAG("fldcw [ebx]; fistp dword ptr es:[edi]");
	u32 storing = FRAG("fistp dword ptr es:[edi]");
	u32 entry = *pte(PAGE - 1);

	set_gdt(SMALL, desc(0, 0xfff, 0x40f2));
	one("beyond a segment", refusing, 0xffd, SMALL | 3);
	one("masked", storing, 0xffd, SMALL | 3);
	one("a segment that is not there", refusing, 0, 0);
	one("masked", storing, 0, 0);
	*pte(PAGE - 1) = entry & ~(u32)W;
	one("a page only to read", refusing, PAGE - 8, UDS);
	one("masked", storing, PAGE - 8, UDS);
	*pte(PAGE - 1) = entry;
	one("a page to write", refusing, PAGE - 8, UDS);
	one("masked", storing, PAGE - 8, UDS);
	one("over the edge of one that is missing", refusing, PAGE - 2, UDS);
	one("masked", storing, PAGE - 2, UDS);
}

/* ---- an error that waits ---- */

#define WAITING "fldcw [ebx]; fincstp; fincstp; fst st(1)"
static void waiting(void)
{
	print("an error waits, the page is missing:\n");
	STORES(WAITING);
	ONE(WAITING, "fld dword ptr es:[edi]");
	ONE(WAITING, "fild qword ptr es:[edi]");
	ONE(WAITING, "fadd qword ptr es:[edi]");
	ONE(WAITING, "fldcw es:[edi]");
	ONE(WAITING, "fldenv es:[edi]");
	ONE(WAITING, "frstor es:[edi]");
	ONE(WAITING, "fnstenv es:[edi]");
	ONE(WAITING, "fnsave es:[edi]");
	ONE(WAITING, "movq mm3, es:[edi]");
	ONE(WAITING, "paddb mm3, es:[edi]");
	ONE(WAITING, "movd es:[edi], mm3");
	ONE(WAITING, "movq es:[edi], mm3");
	ONE(WAITING, "cvttps2pi mm3, es:[edi]");
}

/* ---- MMX ---- */

#define AT_3 "fldpi; fld1; fdecstp; fdecstp; fdecstp"
static void mmx(void)
{
	print("MMX, the page is missing:\n");
	ONE(AT_3, "movd es:[edi], mm3");
	ONE(AT_3, "movq es:[edi], mm3");
	ONE(AT_3, "movntq es:[edi], mm3");
	ONE(AT_3, "movq es:[edi - 3], mm3");
	ONE(AT_3, "movq mm3, es:[edi]");
	ONE(AT_3, "movd mm3, es:[edi]");
	ONE(AT_3, "paddb mm3, es:[edi]");
	ONE(AT_3, "pinsrw mm3, es:[edi], 1");
	ONE(AT_3, "mov es:[edi], eax");
	print("beyond a segment:\n");
	one("movq", FRAG(AT_3 "; movq es:[edi], mm3"), 0xffd, SMALL | 3);
	one("movq mm", FRAG(AT_3 "; movq mm3, es:[edi]"), 0xffd, SMALL | 3);
	one("cs", FRAG(AT_3 "; movq cs:[edi], mm3"), PAGE - 8, UDS);
}

/* ---- ten bytes ---- */

#define TEN "fld tbyte ptr [ebx + 0x30]"
#define BCD "fld tbyte ptr [ebx + 0x40]"
static void ten(void)
{
	u32 fstp = FRAG(TEN "; fstp tbyte ptr es:[edi]");
	u32 fbstp = FRAG(BCD "; fbstp tbyte ptr es:[edi]");

	print("ten bytes over the edge:\n");
	shown = 10;
	for (u32 i = 1; i < 10; i++) {
		one("fstp", fstp, PAGE - i, UDS);
		one("fbstp", fbstp, PAGE - i, UDS);
	}
	/* each for the first time */
	ONE(TEN, "fstp tbyte ptr es:[edi - 7]");
	ONE(TEN, "fstp tbyte ptr es:[edi - 8]");
	ONE(TEN, "fstp tbyte ptr es:[edi - 9]");
	ONE(BCD, "fbstp tbyte ptr es:[edi - 7]");
	ONE(BCD, "fbstp tbyte ptr es:[edi - 8]");
	ONE(BCD, "fbstp tbyte ptr es:[edi - 9]");
	one("plainly", fstp, PAGE - 10, UDS);
	shown = 0;
}

void test(void)
{
	static const u8 numbers[] = {
		1, 2, 3, 4, 5, 6, 7, 0xc8, 0xf0, 0x7f, 0, 0, 0, 0, 0, 0,
		1, 2, 3, 4, 5, 6, 7, 0xc8, 0x10, 0x00, 0, 0, 0, 0, 0, 0,
		1, 2, 3, 4, 5, 6, 7, 0xc8, 0x03, 0x40, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0x20, 0xbc, 0x19, 0x40, 0, 0, 0, 0, 0, 0,
	};

	set_cr0((get_cr0() & ~(u32)CR0_TS_EM) | NE);
	set_cr4(get_cr4() | 0x200);
	paging_on();
	*(u16 *)DATA = 0x37e;
	*(u16 *)(DATA + 2) = 0x340;
	*(u16 *)(DATA + 4) = 0x340;
	*(u16 *)(DATA + 6) = 0x340;
	for (u32 i = 0; i < sizeof numbers; i++)
		((u8 *)(DATA + 0x10))[i] = numbers[i];
	*pte(PAGE) = 0;
	invlpg(PAGE);
	refused();
	elsewhere();
	waiting();
	mmx();
	ten();
}
