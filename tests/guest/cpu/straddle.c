/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accesses and instructions that lie in two pages of which the second is
 * missing, read-only, or (of the first) fine: the fault names the first byte
 * of the second page (PUSHA: the first word pushed there), no byte of memory
 * and no register changes, and the
 * instruction can be restarted.  The first page missing is tried as well. */
#include "rt.h"

enum { LOW = 0x1800000, HIGH = 0x1801000 };

static void map(u32 low, u32 high)
{
	*pte(LOW) = LOW | low;
	*pte(HIGH) = HIGH | high;
	set_cr3(get_cr3());
}

static u32 sum(u32 base)
{
	u32 h = 0;

	for (u32 i = 0; i < 4096; i += 4)
		h = h * 31 + peek(base + i);
	return h;
}

static void patterns(void)
{
	for (u32 i = 0; i < 8192; i += 4)
		poke(LOW + i, i * 0x01010101);
}

/* ebx, esp, edi: `back` bytes before the second page. */
static void one(const char *name, u32 code, u32 back, u32 low, u32 high)
{
	struct state from = at(3, code), s;
	u32 before[2];

	map(P | W | U, P | W | U);
	patterns();
	before[0] = sum(LOW);
	before[1] = sum(HIGH);
	asm volatile("fninit; fldpi");
	map(low, high);
	from.ebx = from.edi = HIGH - back;
	from.esi = LOW + 0x100;
	from.ecx = 12;
	from.ebp = HIGH + 0x20 - back;
	if (name[0] == '*')
		from.esp = HIGH - back;
	s = from;
	run(&s);
	show(name, &from, &s);
	map(P | W | U, P | W | U);
	print("   memory %s %s", sum(LOW) == before[0] ? "same" : "changed",
	      sum(HIGH) == before[1] ? "same" : "changed");
	if (s.vec != END)
		run(&s);
	print(", restarted %b memory %x %x\n", s.vec, sum(LOW), sum(HIGH));
}

#define ONE(back, text)                                                     \
	do {                                                                \
		u32 code_ = FRAG(text);                                     \
		one(text, code_, back, P | W | U, W | U);                   \
		one(text, code_, back, P | W | U, P | U);                   \
		one(text, code_, back, W | U, P | W | U);                   \
	} while (0)
/* The same with esp there. */
#define STACK(back, text)                                                   \
	do {                                                                \
		u32 code_ = FRAG(text);                                     \
		one("* " text, code_, back, P | W | U, W | U);              \
		one("* " text, code_, back, P | W | U, P | U);              \
		one("* " text, code_, back, W | U, P | W | U);              \
	} while (0)

static void integers(void)
{
	ONE(2, "mov eax, [ebx]");
	ONE(1, "mov ax, [ebx]");
	ONE(2, "mov [ebx], eax");
	ONE(1, "mov word ptr [ebx], 0x1234");
	ONE(3, "add [ebx], eax");
	ONE(3, "add eax, [ebx]");
	ONE(3, "xchg [ebx], eax");
	ONE(1, "lock xadd [ebx], eax");
	ONE(1, "xadd [ebx], eax");
	ONE(2, "bts dword ptr [ebx], 31");
	ONE(4, "lock cmpxchg8b [ebx]");
	ONE(3, "cmpxchg8b [ebx]");
	ONE(2, "cmpxchg [ebx], edx");
	ONE(2, "les eax, [ebx]");
	ONE(3, "sgdt [ebx]");
	ONE(5, "sidt [ebx]");
	ONE(5, "bound eax, [ebx]");
	ONE(2, "pop dword ptr [ebx]");
	ONE(2, "push dword ptr [ebx]");
	ONE(2, "call dword ptr [ebx - 0x1000 + 0x1000]");
	ONE(2, "shld [ebx], eax, 5");
	ONE(3, "not dword ptr [ebx]");
}

static void stacks(void)
{
	STACK(-2, "push eax");
	STACK(-2, "push 0x12345678");
	STACK(-2, "push dword ptr [esi]");
	STACK(-2, "call . + 5");
	STACK(-14, "pushad");
	STACK(2, "pop eax");
	STACK(2, "pop dword ptr [esi]");
	STACK(14, "popad");
	STACK(2, "popfd");
	STACK(-2, "pushfd");
	STACK(-2, "push ds");
	STACK(2, "pop es");
	STACK(2, "ret");
	STACK(6, "retf");
	STACK(-2, "enter 16, 0");
	STACK(-10, "enter 16, 3");
	STACK(-6, "call 0x1b:0x1234");
}

static void strings(void)
{
	ONE(2, "movsd");
	ONE(2, "stosd");
	ONE(2, "xchg esi, edi; lodsd");
	ONE(2, "scasd");
	ONE(2, "cmpsd");
	ONE(10, "rep movsd");
	ONE(5, "rep movsb");
	ONE(10, "rep stosd");
	ONE(8, "rep stosw");
	ONE(10, "xchg esi, edi; rep movsd");
	ONE(9, "xchg esi, edi; rep lodsd");
	ONE(9, "repe cmpsb");
	ONE(9, "mov eax, 0; repne scasd");
	/* What stands before it must not be done twice. */
	ONE(10, "push ecx; cmp ecx, 12; jne . + 2; rep movsd; pop edx");
	ONE(9, "push ecx; push ebx; rep stosb; pop edx");
	ONE(9, "push ecx; cmp ecx, ebx; je . + 2; mov esi, edi; repe cmpsw; pop edx");
}

static void vectors(void)
{
	ONE(4, "movq mm0, [ebx]");
	ONE(4, "movq [ebx], mm0; emms");
	ONE(8, "movups xmm0, [ebx]");
	ONE(8, "movups [ebx], xmm0");
	ONE(4, "movlps [ebx], xmm0");
	ONE(5, "fst qword ptr [ebx]");
	ONE(5, "fstp tbyte ptr [ebx]; fldpi");
	ONE(5, "fld tbyte ptr [ebx]; fstp st");
	ONE(1, "fnstcw [ebx]");
	ONE(50, "fnsave [ebx]; frstor [ebx]");
	ONE(13, "fnstenv [ebx]");
	ONE(256, "fxsave [ebx]");
	ONE(2, "cvtsi2sd xmm0, [ebx]");
	ONE(2, "movnti [ebx], eax");
}

/* Each instruction is put at every distance from the page's end. */
static void instructions(void)
{
	static const u8 code[3][8] = {
		{0xb8, 1, 2, 3, 4, 0xcd, END},
		{0xc7, 0xc1, 5, 6, 7, 8, 0xcd, END},
		{0x0f, 0xaf, 0xc0, 0x40, 0xcd, END},
	};

	for (u32 n = 0; n < 3; n++)
		for (u32 back = 1; back < 6; back++) {
			struct state from, s;

			map(P | W | U, P | W | U);
			fill((void *)LOW, 0x90, 8192);
			for (u32 i = 0; i < 8; i++)
				((u8 *)HIGH)[i - back] = code[n][i];
			from = s = at(3, HIGH - back - 1);
			run(&s); /* translated once already */
			print("%x ", s.eax ^ s.ecx);
			map(P | W | U, W | U);
			s = from;
			run(&s);
			show("instruction", &from, &s);
			map(P | W | U, P | W | U);
			run(&s);
			print("   restarted %b %x\n", s.vec, s.eax ^ s.ecx);
			map(W | U, P | W | U);
			s = from;
			run(&s);
			show("   first page missing", &from, &s);
		}
}

/* The second page of a straddling instruction is another page now. */
static void remapped(void)
{
	struct state s;

	map(P | W | U, P | W | U);
	for (u32 i = 0; i < 2; i++) {
		u8 *second = (u8 *)(HIGH + i * 0x1000);

		((u8 *)HIGH)[-2] = 0xb8;
		((u8 *)HIGH)[-1] = 0x11;
		second[0] = 0x22 + (u8)i;
		second[1] = second[2] = 0;
		second[3] = 0xcd;
		second[4] = END;
	}
	for (u32 i = 0; i < 4; i++) {
		*pte(HIGH) = (HIGH + (i & 1) * 0x1000) | P | W | U;
		if (i & 2)
			set_cr3(get_cr3());
		else
			invlpg(HIGH);
		s = at(3, HIGH - 2);
		run(&s);
		print("remapped: %x\n", s.eax);
	}
}

void test(void)
{
	paging_on();
	set_cr4(get_cr4() | 0x600);
	set_cr0(get_cr0() | 0x10000);
	rt_flag_mask = 0;
	integers();
	stacks();
	strings();
	vectors();
	instructions();
	remapped();
}
