/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Page faults with two-level tables: every error code, CR2, accessed and
 * dirty bits set exactly, CR0.WP, and 4 MiB pages.  One page of memory is
 * given every combination of entry bits, in the table and in the directory,
 * and read, written, modified and executed from both rings.  A modification
 * that faults is a write from the start. */
#include "rt.h"

enum { PAGE = 0x1800000 };

static u32 codes[8];

static void one(u32 kind, unsigned cpl)
{
	static const char *const names[] = {"read", "write", "modify", "execute",
					    "failing cmpxchg", "lock xadd",
					    "push", "pop"};
	struct state s = at(cpl, codes[kind]);
	u32 was = s.eip;

	s.ebx = PAGE + 0x120;
	s.ebp = s.esp;
	if (kind >= 6)
		s.esp = PAGE + 0x124;
	if (kind == 6 && cpl == 0)
		return; /* the frame of its own trap would fault too */
	if (kind == 7 && cpl == 0)
		return;
	run(&s);
	print(" %s%s:", names[kind], cpl ? " user" : "");
	if (s.vec == 14)
		print(" #PF %b cr2 %x eip %s", s.err, s.cr2,
		      s.eip == was ? "same"
		      : s.eip == PAGE + 0x120 ? "there" : "?");
	else
		print(s.vec == END ? " ok" : " vector %b", s.vec);
	print(" [%b %b]\n", *pde(PAGE) & 0xe7, *pte(PAGE) & 0xe7);
}

static void combination(u32 dir, u32 entry)
{
	for (u32 wp = 0; wp < 2; wp++) {
		set_cr0((get_cr0() & ~0x10000u) | wp << 16);
		print("pde %b pte %b wp %d\n", dir, entry, wp);
		for (u32 i = 0; i < 16; i++) {
			*pde(PAGE) = (*pde(PAGE) & ~0xfffu) | dir;
			*pte(PAGE) = (*pte(PAGE) & ~0xfffu) | entry;
			set_cr3(get_cr3());
			one(i & 7, i & 8 ? 3 : 0);
		}
	}
}

static void big(u32 entry)
{
	u32 small = *pde(PAGE);

	print("4 MiB page, pde %b\n", entry);
	for (u32 i = 0; i < 16; i++) {
		struct state s = at(i & 8 ? 3 : 0, codes[i & 7]);

		if ((i & 7) >= 6)
			continue;
		*pde(PAGE) = PAGE | entry | PS;
		set_cr3(get_cr3());
		s.ebx = PAGE + 0x120;
		s.ebp = s.esp;
		run(&s);
		print(" %d: %b error %b [%x]\n", i, s.vec,
		      s.vec == 14 ? s.err : 0, *pde(PAGE));
	}
	*pde(PAGE) = small;
	set_cr3(get_cr3());
}

void test(void)
{
	codes[0] = FRAG("cmp byte ptr [ebx], 0");
	codes[1] = FRAG("mov dword ptr [ebx], 0x90cd90cd");
	codes[2] = FRAG("add dword ptr [ebx], 0");
	codes[3] = FRAG("jmp ebx");
	codes[4] = FRAG("mov eax, 1; cmpxchg [ebx], ecx");
	codes[5] = FRAG("xor eax, eax; lock xadd [ebx], eax");
	codes[6] = FRAG("mov eax, 0x90cd90cd; push eax; mov esp, ebp");
	codes[7] = FRAG("sub esp, 4; pop eax; mov esp, ebp");
	poke(PAGE + 0x120, 0x90cd90cd);
	paging_on();
	set_cr4(get_cr4() | 0x10);
	for (u32 i = 0; i < 8; i++)
		combination(P | W | U, i);
	for (u32 i = 0; i < 8; i++)
		combination(i, P | W | U);
	combination(P | U, P | W);
	combination(P | W, P | U);
	combination(P | W | U | A, P | W | U | A);
	combination(P | W | U, P | W | U | D);
	for (u32 i = 0; i < 8; i++)
		big(i);
}
