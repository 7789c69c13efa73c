/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One store and one load that have met so many fresh pages that a monitor may
 * have found a way of its own for them, at pages whose entries change between
 * two accesses: rights, frame, dirty bit, code, a missing neighbour. */
#include "rt.h"

/* Each use has pages of its own. */
enum { FRESH = 0x1800000, PAGE = 0x1a00000, OTHER = 0x1c00000, CODE = 0x1d00000, ALIAS = 0x1e00000 };

static u32 store, load; /* the fragments */
static u32 next = FRESH, used;

static struct state go(unsigned cpl, u32 code, u32 at_, u32 value)
{
	struct state s = at(cpl, code);

	s.edi = at_;
	s.eax = value;
	run(&s);
	return s;
}

static void tell(const char *what, struct state s)
{
	if (s.vec == END)
		print(" %s %x", what, s.eax);
	else
		print(" %s #%d error %w cr2 %x", what, s.vec, s.err, s.cr2);
}

/* So many fresh pages that it pays to expect more. */
static void cool(unsigned cpl)
{
	for (u32 i = 0; i < 8; i++, next += 0x1000) {
		go(cpl, store, next, i);
		go(cpl, load, next + 64, 0);
	}
}

static void often(unsigned cpl, u32 at_, u32 times)
{
	for (u32 i = 0; i < times; i++) {
		go(cpl, store, at_ + i % 8 * 4, i);
		go(cpl, load, at_ + i % 8 * 4, 0);
	}
}

static void set(u32 page, u32 entry, bool by_cr3)
{
	*pte(page) = entry;
	if (by_cr3)
		set_cr3(get_cr3());
	else
		invlpg(page);
}

static void changes(unsigned cpl, u32 times, bool by_cr3)
{
	u32 page = PAGE + used * 0x2000, other = OTHER + used * 0x1000;
	u32 before = *pte(page);

	print("level %d, %d times, by %s:", cpl, times, by_cr3 ? "CR3" : "INVLPG");
	poke(other, 0x1234);
	cool(cpl);
	often(cpl, page, times);
	set(page, before & ~W, by_cr3);
	tell("read-only", go(cpl, store, page, 1));
	tell("read", go(cpl, load, page, 0));
	set(page, before, by_cr3);
	often(cpl, page, times);
	set(page, before & ~U, by_cr3);
	tell("supervisor's", go(cpl, store, page, 2));
	tell("read", go(cpl, load, page, 0));
	set(page, before, by_cr3);
	often(cpl, page, times);
	set(page, 0, by_cr3);
	tell("missing", go(cpl, load, page, 0));
	set(page, (before & 0xfff) | other, by_cr3);
	tell("another", go(cpl, load, page, 0));
	often(cpl, page, times);
	go(cpl, store, page, 3);
	print(" stored %x", peek(other));
	set(page, before & ~(D | A), by_cr3);
	go(cpl, load, page, 0);
	print(" read %x", *pte(page) & (A | D));
	go(cpl, store, page, 4);
	print(" written %x", *pte(page) & (A | D));
	often(cpl, page, times);
	set(page + 0x1000, 0, by_cr3);
	tell("over its end", go(cpl, store, page + 0xffe, 5));
	tell("at its end", go(cpl, store, page + 0xffc, 6));
	print("\n");
	used++;
}

/* What is stored to is run: by another address, and changed again. */
static void code(unsigned cpl, u32 times)
{
	u32 at_ = CODE + used * 0x1000, alias = ALIAS + used * 0x1000;

	*pte(alias) = (*pte(alias) & 0xfff) | at_;
	invlpg(alias);
	cool(cpl);
	often(cpl, at_, times);
	print("level %d, %d times, code:", cpl, times);
	for (u32 i = 0; i < 2 * times + 2; i++) {
		go(cpl, store, at_ + 1, 0x90cd0000 | i); /* mov $.., %eax; int $0x90 */
		go(cpl, store, at_ + 3, 0x90cd0000);
		go(cpl, store, at_, 0xb8 | i << 8);
		go(cpl, store, at_ + 5, 0x90cd);
		if (go(cpl, alias, 0, 0).eax != i)
			print(" wrong %d", i);
	}
	print(" %x\n", go(cpl, alias, 0, 0).eax);
	used++;
}

void test(void)
{
	static const u32 times[] = {0, 1, 3, 20, 40};

	store = FRAG("mov [edi], eax");
	load = FRAG("mov eax, [edi]");
	paging_on();
	set_cr0(get_cr0() | 0x10000); /* WP */
	for (unsigned cpl = 0; cpl < 4; cpl += 3)
		for (unsigned i = 0; i < 5; i++) {
			changes(cpl, times[i], false);
			changes(cpl, times[i], true);
			code(cpl, times[i]);
		}
}
