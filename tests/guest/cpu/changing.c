/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same few instructions meet pages that change all the time: absent,
 * read-only, writable, for supervisors, moved to another frame, holding code,
 * a device's.  What each access must do follows from the entry (SDM 3A 4.6,
 * 4.7): the test works it out for itself, and says which differ. */
#include "rt.h"

enum { AREA = 0x1800000, FRAMES = 0x1900000, PAGES = 16, ROUNDS = 1200,
       KINDS = 9, VGA = 0xb8000 };

static u32 code[KINDS], bad, faults, served;
static const char *const names[KINDS] = {"read", "write", "modify", "push",
					 "pop", "movsd", "bts", "x87 store",
					 "wide read"};
static const u8 writes[KINDS] = {0, 1, 1, 1, 0, 1, 1, 1, 0};

static u32 random(void)
{
	static u32 x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	return x ^= x << 5;
}

static u32 page_at(u32 k)
{
	return AREA + k * 4096;
}

static void change(u32 k)
{
	static const u32 rights[] = {P | W | U, P | U, P | W, P, 0, P | W | U};
	u32 frame = FRAMES + (random() % PAGES) * 4096;

	if (random() % 16 == 0)
		frame = VGA;
	*pte(page_at(k)) = frame | rights[random() % 6] |
			   (random() & (A | D));
	invlpg(page_at(k));
}

/* 0, or the error code of the page fault. */
static u32 expected(u32 kind, u32 cpl, u32 entry)
{
	u32 error = writes[kind] * 2u | (cpl == 3) * 4u;

	if (!(entry & P))
		return error | 0x100;
	if (cpl == 3 && !(entry & U))
		return error | 0x101;
	if (writes[kind] && !(entry & W) &&
	    (cpl == 3 || get_cr0() & 0x10000))
		return error | 0x101;
	return 0;
}

static void wrong(const char *what, u32 kind, u32 cpl, u32 entry,
		  const struct state *s)
{
	if (bad++ < 20)
		print("%s at cpl %d: %s; entry %x vector %b error %b cr2 %x\n",
		      names[kind], cpl, what, entry, s->vec, s->err, s->cr2);
}

static void one(u32 kind, u32 cpl, u32 k, u32 offset)
{
	u32 entry = *pte(page_at(k)), lin = page_at(k) + offset;
	u32 frame = (entry & ~0xfffu) + offset, before = peek(frame);
	u32 want = expected(kind, cpl, entry);
	struct state s = at(cpl, code[kind]);

	s.ebx = lin;
	s.edi = lin;
	s.esi = FRAMES + 0x40000;
	s.ebp = s.esp;
	if (kind == 3)
		s.ebx = lin + 4;
	run(&s);
	if (want) {
		faults++;
		if (s.vec != 14 || s.err != (want & 0xff) || s.cr2 != lin)
			wrong("no such fault", kind, cpl, entry, &s);
		if (peek(frame) != before)
			wrong("wrote nevertheless", kind, cpl, entry, &s);
		if (*pte(page_at(k)) != entry)
			wrong("changed the entry", kind, cpl, entry, &s);
		return;
	}
	served++;
	if (s.vec != END)
		wrong("faults", kind, cpl, entry, &s);
	else if (!writes[kind] && s.eax != before)
		wrong("read another value", kind, cpl, entry, &s);
	else if (kind == 1 && peek(frame) != 0x11111111)
		wrong("wrote elsewhere", kind, cpl, entry, &s);
	else if (kind == 2 && peek(frame) != before + 0x11111111)
		wrong("modified wrongly", kind, cpl, entry, &s);
	if ((*pte(page_at(k)) & ~D) != (entry | A) - (entry & D))
		wrong("accessed bit", kind, cpl, entry, &s);
	if (writes[kind] && !(*pte(page_at(k)) & D))
		wrong("dirty bit", kind, cpl, entry, &s);
	if (!writes[kind] && (*pte(page_at(k)) & D) != (entry & D))
		wrong("dirty bit", kind, cpl, entry, &s);
}

/* A frame's words are code at times, and then written by these sites. */
static void run_frame(u32 k)
{
	u32 frame = FRAMES + k * 4096, v = random() & 0x7f;

	poke(frame + 0x100, 0xb8 | v << 8); /* mov eax, v */
	poke(frame + 0x104, 0xc300);	    /* (of the immediate;) ret */
	if (((u32(*)(void))(frame + 0x100))() != v)
		print("frame %d runs old code\n", k);
}

void test(void)
{
	u32 kind, cpl;

	code[0] = FRAG("mov eax, [ebx]");
	code[1] = FRAG("mov dword ptr [ebx], 0x11111111");
	code[2] = FRAG("mov eax, 0x11111111\nadd [ebx], eax");
	code[3] = FRAG("mov esp, ebx\npush eax\nmov esp, ebp");
	code[4] = FRAG("mov esp, ebx\npop eax\nmov esp, ebp");
	code[5] = FRAG("movsd");
	code[6] = FRAG("xor eax, eax\nbts [ebx], eax");
	code[7] = FRAG("fldpi\nfstp dword ptr [ebx]");
	code[8] = FRAG("lea ecx, [ebx - 4]\nmov eax, [ecx + 4]");
	asm volatile("fninit");
	paging_on();
	for (u32 round = 0; round < ROUNDS; round++) {
		set_cr0((get_cr0() & ~0x10000u) | (round / 100 & 1) << 16);
		for (u32 k = 0; k < PAGES; k++) {
			if (random() % 4 == 0)
				change(k);
			if (random() % 16 == 0)
				run_frame(k);
			kind = random() % KINDS;
			/* At level 0 a trap's frame would go to its stack. */
			cpl = kind == 3 || kind == 4 || random() % 3 ? 3 : 0;
			one(kind, cpl, k, 8 + (random() & 0xfc));
		}
		if (round % 8 == 0)
			set_cr3(get_cr3());
	}
	print("%d accesses, wrong %d; faults and services both: %s\n",
	      ROUNDS * PAGES, bad, faults > 1000 && served > 1000 ? "yes" : "no");
}
