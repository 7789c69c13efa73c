/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same physical pages of user code at several linear addresses, as when a
 * program is loaded anew at a random one: what depends on EIP is right at each,
 * in loops, calls, branches to other pages, faults; and a store to the code is
 * seen at all of them. */
#include "rt.h"

enum { PLACES = 4, PAGES = 4, TIMES = 3 };
static const u32 places[PLACES] = { 0x1800000, 0x1a04000, 0x188000, 0x1c7f000 };
static u32 base; /* of the pages with the fragment, 0: none yet */

/* Maps the fragment's pages at place i, and says where it is there. */
static u32 place(unsigned i, u32 code)
{
	base = code & ~0xfffu;
	if (places[i] == 0x188000)
		return code; /* where it was linked to */
	for (u32 p = 0; p < PAGES; p++) {
		*pte(places[i] + p * 4096) = (base + p * 4096) | P | U | A;
		invlpg(places[i] + p * 4096);
	}
	return places[i] + (code & 0xfff);
}

/* What is near the code is printed as what it is from there. */
static void value(const char *name, u32 v, u32 code)
{
	if (v - code < PAGES * 4096)
		print(" %s +%w", name, v - code);
	else
		print(" %s %x", name, v);
}

static void values(const struct state *s, u32 code)
{
	value("eip", s->eip, code);
	value("eax", s->eax, code);
	value("ecx", s->ecx, code);
	value("edx", s->edx, code);
}

static void at_places(const char *name, u32 linked)
{
	print("%s\n", name);
	for (unsigned i = 0; i < PLACES * TIMES; i++) {
		u32 code = place(i / TIMES, linked);
		struct state s = at(3, code);

		s.ebx = linked;
		run(&s);
		if (i % TIMES != TIMES - 1)
			continue;
		print("  %b:", s.vec);
		values(&s, code);
		print("\n");
	}
}
#define AT_PLACES(text) at_places(text, FRAG(text))

static void branches(void)
{
	AT_PLACES("call 1f; 1: pop eax");
	AT_PLACES("call 1f; jmp 2f; 1: mov eax, [esp]; ret; ud2; 2: nop");
	AT_PLACES("mov ecx, 5; 1: add eax, ecx; dec ecx; jnz 1b; call 2f; jmp 3f;"
		  "2: mov edx, [esp]; jecxz 4f; ud2; 4: ret 0; ud2; 3: inc ecx");
	AT_PLACES("call 1f; 1: pop eax; lea eax, [eax+2f-1b]; mov edx, eax; jmp edx; ud2; 2: nop");
	AT_PLACES("call 1f; 1: pop ecx; lea ecx, [ecx+2f-1b]; call ecx; jmp 3f; ud2; 2: pop edx; jmp edx; 3: nop");
	AT_PLACES("mov ecx, 3; 1: nop; loop 1b; loopne 2f; ud2; 2: dec ecx");
	AT_PLACES("xor ecx, ecx; .byte 0x66, 0x75, 0x00; setz cl");
}

static void other_pages(void)
{
	AT_PLACES("jmp 1f; .skip 4096, 0x90; 1: call 2f; jmp 3f; .skip 4096, 0x90;"
		  "2: mov eax, [esp]; ret; 3: mov ecx, 7");
	AT_PLACES("mov ecx, 3; 4: call 1f; dec ecx; jnz 4b; jmp 3f; .skip 4090, 0x90;"
		  "1: mov edx, [esp]; test edx, edx; jz 2f; ret; .skip 4000, 0x90; 2: ud2; 3: nop");
}

static void faults(void)
{
	AT_PLACES("jmp 1f; .skip 60; 1: xor ecx, ecx; div ecx");
	AT_PLACES("jmp 1f; .skip 61; 1: ud2");
	AT_PLACES("test eax, eax; jmp 1f; .skip 62; 1: int 0x91");
	AT_PLACES("call 1f; 1: pop edx; mov eax, cr0");
	AT_PLACES("call 1f; 1: pop edx; rep stosb; cli");
	AT_PLACES("fninit; call 1f; 1: pop edx; sub esp, 32; mov dword ptr [esp], 0x37b; fldcw [esp]; fldz; fld1;"
		  "fdivrp; fnstenv [esp]; fninit; mov eax, [esp+12]; sub eax, edx");
}

/* Code that was run at all places is changed at one. */
static void changed(void)
{
	u32 linked = FRAG("mov eax, 1; call 1f; 1: pop edx");

	at_places("mov eax, 1", linked);
	poke(linked + 1, 2);
	at_places("mov eax, 2", linked);
	poke(place(1, linked) + 1, 3);
	at_places("mov eax, 3", linked);
}

/* A call that asks where it is; what answers is changed, mapped elsewhere, and
 * made a page that user code may not reach.  It finds the flags as they were. */
static void asked(const char *name, u32 code)
{
	print("%s:", name);
	for (unsigned i = 0; i < 4; i++) {
		struct state s = at(3, code);

		s.eflags |= 0x8d5;
		run(&s);
		if (i != 3)
			continue;
		print(" %b", s.vec);
		values(&s, code);
		value("cr2", s.vec == 14 ? s.cr2 : 0, code);
		print(" esp %w", s.esp & 0xffff);
		if (s.vec == 14)
			print(" flags %w", s.eflags & 0x8d5);
		print("\n");
	}
}

static void thunks(void)
{
	u32 linked = FRAG("push ebp; call 1f; add edx, 3; lahf; pop ebp; jmp 2f; .skip 4096, 0x90;"
			  "1: mov edx, [esp]; ret; .skip 4092, 0x90; mov ecx, [esp]; ret; 2: nop");
	u32 code = place(1, linked), at = linked, page;
	u32 *entry;

	while (peek(at) != 0xc324148b)
		at++;
	page = (at & ~0xfffu) - base;
	entry = pte(places[1] + page);
	asked("edx", code);
	asked("edx, where it was linked to", linked);
	asked("edx", code);
	poke(at, 0xc3240c8b);
	asked("ecx, stored", code);
	poke(at, 0xc324148b);
	asked("edx, stored", code);
	*entry += 4096;
	invlpg(places[1] + page);
	asked("ecx, mapped", code);
	*entry -= 4096;
	invlpg(places[1] + page);
	asked("edx, mapped", code);
	*entry &= ~(u32)U;
	invlpg(places[1] + page);
	asked("a supervisor's", code);
	*entry = 0;
	invlpg(places[1] + page);
	asked("not there", code);
	*entry = (base + page) | P | U;
	invlpg(places[1] + page);
	asked("edx again", code);
}

/* One place leads to other physical pages than it did. */
static void replaced(void)
{
	u32 one = FRAG("call 1f; 1: pop eax; mov edx, 1"),
	    two = FRAG("call 1f; 1: pop eax; mov edx, 2");

	for (unsigned i = 0; i < 6; i++) {
		u32 page = 0x1900000, which = i & 1 ? two : one;
		struct state s;

		*pte(page) = (which & ~0xfffu) | P | U;
		*pte(page + 4096) = ((which & ~0xfffu) + 4096) | P | U;
		invlpg(page);
		invlpg(page + 4096);
		s = at(3, page + (which & 0xfff));
		run(&s);
		print("replaced: eax +%w edx %x\n", s.eax - page - (which & 0xfff), s.edx);
	}
}

void test(void)
{
	paging_on();
	branches();
	other_pages();
	faults();
	changed();
	/* What follows the call runs into the next page. */
	AT_PLACES("jmp 3f; .balign 4096, 0x90; 1: mov edx, [esp]; ret; .skip 4083, 0x90; 3: push ebp; call 1b;"
		  "add edx, 0x1234; pop ebp");
	thunks();
	replaced();
}
