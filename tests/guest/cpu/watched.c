/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Code that keeps writing to a page of which four bytes are watched by a debug
 * register: each write to these is told, none beside them, flags and registers
 * stay; and what the page is, or who may write to it, can change meanwhile. */
#include "rt.h"

enum { DATA = 0x1800000, OTHER = 0x1802000, ALIAS = 0x1810000, AT = 0x40 };
enum { WRITE4 = 1u << 16 | 3u << 18 | 2 }; /* DR7: point 0, four bytes */

static void watch(bool on)
{
	asm volatile("mov %0, %%dr0; mov %1, %%dr7; mov %2, %%dr6" ::"r"(DATA + AT),
		     "r"(on ? WRITE4 : 0), "r"(0));
}

/* The fragment from all places near the watched bytes, in ebx, or esp: how
 * often it was stopped.  Each writes three times and leaves 6 in edx. */
static void around(const char *name, u32 cpl, bool stack, u32 code)
{
	print("%s, level %d:", name, cpl);
	for (u32 off = AT - 6; off < AT + 10; off++) {
		struct state s = at(cpl, code);
		u32 hits = 0;

		s.ebx = DATA + off;
		if (stack)
			s.esp = s.ebx;
		s.ecx = 3;
		s.edx = 0;
		s.esi = 0x11223344;
		for (run(&s); s.vec == 1; run(&s))
			hits++;
		print(" %d", hits);
		if (s.vec != END || s.edx != 6)
			print("(vector %b, edx %x)", s.vec, s.edx);
	}
	print("\n");
}
#define LOOP(text) FRAG("9: stc; " text "; adc edx, 1; loop 9b")
#define AROUND(text)                                                           \
	do {                                                                   \
		around(text, 0, false, LOOP(text));                            \
		around(text, 3, false, LOOP(text));                            \
	} while (0)
#define STACK(text) around(text, 3, true, LOOP(text))

static void sizes(void)
{
	watch(true);
	AROUND("mov [ebx], al");
	AROUND("mov [ebx], si");
	AROUND("mov [ebx], esi");
	AROUND("mov [ebx + esi - 0x11223344], esi");
	STACK("push esi; pop esi");
	STACK("push si; pop si");
	STACK("call 1f; jmp 2f; 1: ret; 2:");
	AROUND("inc dword ptr [ebx]");
	AROUND("xchg [ebx], esi");
	AROUND("fstp qword ptr [ebx]");
	AROUND("mov edi, ebx; stosd");
	watch(false);
	AROUND("mov [ebx], esi");
}

static void write_at(const char *name, u32 cpl, u32 code, u32 to, u32 value)
{
	struct state s = at(cpl, code);

	s.ebx = to;
	s.esi = value;
	s.ecx = 3;
	run(&s);
	print("%s: vector %b", name, s.vec);
	if (s.vec == 14)
		print(" error %b cr2 %x", s.err, s.cr2);
	print(", page %x, other %x\n", peek(ALIAS + 0x84), peek(OTHER + 0x84));
	poke(ALIAS + 0x84, 0);
	poke(OTHER + 0x84, 0);
}

/* Beside the watched bytes, with what was known of the page out of date. */
static void changes(void)
{
	u32 code = FRAG("9: mov [ebx], esi; loop 9b"), to = DATA + 0x84;

	*pte(ALIAS) = DATA | P | W | U;
	invlpg(ALIAS);
	watch(true);
	write_at("supervisor", 0, code, to, 1);
	write_at("user", 3, code, to, 2);
	*pte(DATA) = OTHER | P | W | U;
	invlpg(DATA);
	write_at("another page", 0, code, to, 3);
	write_at("by the user", 3, code, to, 4);
	*pte(DATA) = DATA | P | W;
	set_cr3(get_cr3());
	write_at("supervisor's again", 0, code, to, 5);
	write_at("not the user's", 3, code, to, 6);
	*pte(DATA) = DATA | P | U;
	invlpg(DATA);
	write_at("read only, CR0.WP is 0", 0, code, to, 7);
	set_cr0(get_cr0() | 0x10000);
	write_at("CR0.WP is 1", 0, code, to, 8);
	set_cr0(get_cr0() & ~0x10000u);
	*pte(DATA) = DATA | P | W | U;
	invlpg(DATA);
	write_at("clean", 0, code, to, 9);
	print("dirty: %b\n", *pte(DATA) & D);
	watch(false);
	write_at("not watched", 0, code, to, 10);
}

/* Code beside the watched bytes, and written to. */
static void code(void)
{
	static const u8 bytes[] = {0xb8, 1, 0, 0, 0, 0xcd, 0x90};
	u32 change = FRAG("mov [ebx + 1], esi");
	struct state s;

	watch(true);
	for (u32 i = 0; i < sizeof(bytes); i++)
		((volatile u8 *)DATA)[0x100 + i] = bytes[i];
	for (u32 i = 2; i < 6; i++) {
		s = at(0, DATA + 0x100);
		run(&s);
		print("eax %d ", s.eax);
		s = at(0, change);
		s.ebx = DATA + 0x100;
		s.esi = i;
		run(&s);
	}
	print("\n");
	watch(false);
}

void test(void)
{
	paging_on();
	sizes();
	changes();
	code();
}
