/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Address spaces that change all the time, by the rules that kernels on VMI
 * keep: tables are announced, entries change by calls or are followed, and
 * what was present is flushed where it is in use.  Changes without a call are
 * followed by a flush, or made to a space that is being taken down.
 *
 * What is done is random; a model in this kernel knows what each address must
 * show, and counts what it does not.  It looks by ever other instructions: one
 * that has met many pages reaches them in ways that remember less; and from user
 * mode, which what was told of an entry may have been used for on the way. */
#include "tests/guest/vmi/vmi.h"

/* spaces_pae.c has 64-bit entries in three levels. */
#ifdef PAE
typedef u64 pxe;
enum { ENTRIES = 512, TABLE_SPAN = 0x200000 };
#else
typedef u32 pxe;
enum { ENTRIES = 1024, TABLE_SPAN = 0x400000 };
#endif

enum { SPACES = 5, TABLES = 3, PAGES = 24, FRAMES = 64, POOL = 40, STEPS = 10000 };
enum { FIRST = 0x40000000, DATA = 0x1800000, TABLE_POOL = 0x1900000,
       CODE = 0x1a00000, CODE_END = CODE + 0x40000, CODE_STEP = 8 };
enum { PT = 1, PD = 2, PDP = 4, CLONE = 0x20, ZEROED = 0x40, CURRENT = 0x10, DEFER = 0x20 };
enum { CR4_PAE = 0x20, CR4_PGE = 0x80, CR0_PG = 0x80000000 };

static struct space {
	u64 *top; /* PAE: the directory's pointers */
	pxe *dir, *table[TABLES];
} spaces[SPACES];
static u32 current, pooled, wrong, checked, faults, seed = 2463534242u;
static pxe *pool[POOL]; /* pages that are no tables now */
static u32 touch;	/* reads [ecx] into ebx */

static u32 random(u32 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return (seed >> 8) % below;
}

static u32 frame(u32 i)
{
	return DATA + i * 4096;
}

static void fail(const char *what, u32 at, u32 is, u32 should)
{
	if (wrong++ < 10)
		print("%s: %x is %x, not %x\n", what, at, is, should);
}

static u32 va(u32 t, u32 p)
{
	return FIRST + t * TABLE_SPAN + p * 4096;
}

static void set(pxe *at, pxe value, u32 flags)
{
#ifdef PAE
	vmi5(VMI_SetPxELong, (u32)value, (u32)(value >> 32), (u32)at, flags, 0);
#else
	vmi(SetPxE, value, (u32)at, flags);
#endif
}

static void follow(pxe *at, u32 flags)
{
#ifdef PAE
	vmi(UpdatePxELong, (u32)at, flags, 0);
#else
	vmi(UpdatePxE, (u32)at, flags, 0);
#endif
}

/* ---- the kernel's own ---- */

#ifdef PAE
static pxe kernel_dir[512] __attribute__((aligned(4096)));

/* 32 MiB in 4 KiB pages, by tables that lie behind the pool. */
static void announce_kernel(void)
{
	for (u32 i = 0; i < 16; i++) {
		pxe *table = (pxe *)(TABLE_POOL + (POOL + i) * 4096);

		for (u32 k = 0; k < 512; k++)
			table[k] = ((i << 21) + k * 4096) | P | W | U;
		kernel_dir[i] = (u32)table | P | W | U;
		vmi(AllocatePage, (u32)table >> 12, PT | ZEROED, 0); /* a lie */
	}
	vmi(AllocatePage, (u32)kernel_dir >> 12, PD | ZEROED, 0);
}
#else
static void announce_kernel(void)
{
	vmi(AllocatePage, (u32)pde(0) >> 12, PD | ZEROED, 0); /* a lie */
	for (u32 i = 0; i < 8; i++)
		vmi(AllocatePage, *pde(i << 22) >> 12, PT | ZEROED, 0);
}
#endif

/* ---- spaces ---- */

static pxe *page(void)
{
	return pool[--pooled];
}

/* What was a table is filled with what would map nonsense. */
static void give_back(pxe *table)
{
	vmi(ReleasePage, (u32)table >> 12, PT | ZEROED, 0);
	for (u32 i = 0; i < ENTRIES; i += 7)
		table[i] = frame(random(FRAMES)) | P | W | U;
	pool[pooled++] = table;
}

static pxe *new_table(void)
{
	pxe *table = page();

	fill(table, 0, 4096);
	vmi(AllocatePage, (u32)table >> 12, PT | ZEROED, 0);
	return table;
}

/* The directory's entry of that table; what is below 1 GiB or 32 MiB is the
 * kernel's and in all of them. */
static pxe *entry_of(struct space *s, u32 t)
{
#ifdef PAE
	return &s->dir[t];
#else
	return &s->dir[va(t, 0) >> 22];
#endif
}

static void make(struct space *s)
{
	s->dir = page();
	fill(s->dir, 0, 4096);
#ifdef PAE
	vmi(AllocatePage, (u32)s->dir >> 12, PD | ZEROED, 0);
	s->top = (u64 *)page();
	fill(s->top, 0, 4096);
	vmi5(VMI_AllocatePage, (u32)s->top >> 12, PD | CLONE | ZEROED, 0, 0, 1);
	set(&s->top[0], (u32)kernel_dir | P, PDP);
	set(&s->top[1], (u32)s->dir | P, PDP);
#else
	for (u32 i = 0; i < 8; i++)
		s->dir[i] = *pde(i << 22);
	vmi5(VMI_AllocatePage, (u32)s->dir >> 12, PD | CLONE | ZEROED,
	     (u32)pde(0) >> 12, 0, 8);
#endif
	for (u32 t = 0; t < TABLES; t++) {
		s->table[t] = new_table();
		set(entry_of(s, t), (u32)s->table[t] | P | W | U, PD);
	}
}

/* As Linux does at exit: entries vanish without a word. */
static void unmake(struct space *s)
{
	for (u32 t = 0; t < TABLES; t++) {
		for (u32 p = 0; p < PAGES; p++)
			s->table[t][p] = 0;
		*entry_of(s, t) = 0;
		give_back(s->table[t]);
	}
	give_back(s->dir);
#ifdef PAE
	give_back(s->top);
#endif
}

/* ---- changes ---- */

static void flush(u32 at)
{
	switch (random(5)) {
	case 0:
		vmi(FlushTLB, 1, 0, 0);
		break;
	case 1:
		vmi(FlushTLB, 3, 0, 0);
		break;
	case 2:
		vmi(SetCR3, (u32)vmi(GetCR3, 0, 0, 0), 0, 0);
		break;
	default:
		vmi(InvalPage, at, 0, 0);
	}
}

static pxe entry(void)
{
	static const u32 used[] = { 0, A, A | D };
	pxe e = random(4) ? frame(random(FRAMES)) | P | U : 0;

	if (e)
		e |= used[random(3)];
	return e && random(3) ? e | W : e;
}

static void change(u32 s, u32 t, u32 p)
{
	pxe *at = &spaces[s].table[t][p], old = *at, new = entry();
	u32 flags = PT | (s == current && random(2) ? CURRENT | va(t, p) : 0);

	if (random(8) == 0)
		flags |= DEFER;
	if (random(16) == 0)
		flags = CURRENT | va(random(TABLES), random(PAGES)); /* a lie */
	if (random(2)) {
		set(at, new, flags);
	} else {
		*at = new;
		follow(at, flags);
	}
	if (s == current && (old & P))
		flush(va(t, p));
}

static void silent_change(void)
{
	u32 t = random(TABLES), p = random(PAGES);

	spaces[current].table[t][p] = entry();
	flush(va(t, p));
}

/* Pages are made read-only as by fork, or cleaned. */
static void protect(void)
{
	struct space *s = &spaces[random(2) ? current : random(SPACES)];
	u32 t = random(TABLES), bits = random(2) ? W : D;

	for (u32 p = 0; p < PAGES; p++)
		if (s->table[t][p] & bits) {
			s->table[t][p] &= ~bits;
			follow(&s->table[t][p], PT);
		}
	if (s == &spaces[current])
		vmi(FlushTLB, 1, 0, 0);
}

static void new_page_table(void)
{
	struct space *s = &spaces[current];
	u32 t = random(TABLES);
	pxe *d = entry_of(s, t), *old = s->table[t];

	set(d, 0, PD);
	vmi(FlushTLB, random(2) ? 1 : 3, 0, 0);
	give_back(old);
	s->table[t] = new_table();
	set(d, (u32)s->table[t] | P | W | U, PD);
}

static void new_space(void)
{
	u32 s = random(SPACES);

	if (s == current)
		return;
	unmake(&spaces[s]);
	make(&spaces[s]);
}

static void switch_to(u32 s)
{
	vmi(SetLazyMode, random(2) ? 2 : 0, 0, 0);
#ifdef PAE
	vmi(SetCR3, (u32)spaces[s].top, 0, 0);
#else
	vmi(SetCR3, (u32)spaces[s].dir, 0, 0);
#endif
	vmi(SetLazyMode, 0, 0, 0);
	current = s;
}

static void enter(void)
{
#ifdef PAE
	vmi(SetCR0, get_cr0() & ~CR0_PG, 0, 0);
	vmi(SetCR4, get_cr4() | CR4_PAE, 0, 0);
	vmi(SetCR3, (u32)spaces[0].top, 0, 0);
	vmi(SetCR0, get_cr0() | CR0_PG, 0, 0);
#else
	switch_to(0);
#endif
}

/* ---- checks ---- */

/* mov (%ecx), %eax; ret; mov %edx, (%ecx); ret, again and again */
static void make_code(void)
{
	for (u32 at = CODE; at < CODE_END; at += CODE_STEP) {
		poke(at, 0x89c3018b);
		poke(at + 4, 0xc3c3c311);
	}
}

static u32 next_code(void)
{
	static u32 next = CODE;

	next = next + CODE_STEP < CODE_END ? next + CODE_STEP : CODE;
	return next;
}

static u32 look(u32 lin)
{
	u32 value;

	asm volatile("call *%1" : "=a"(value) : "b"(next_code()), "c"(lin) : "memory");
	return value;
}

static void store(u32 lin, u32 value)
{
	asm volatile("call *%0" ::"b"(next_code() + 3), "c"(lin), "d"(value) : "memory");
}

static void check_absent(u32 lin)
{
	struct state s = at(0, touch);

	s.ecx = lin;
	run(&s);
	faults++;
	if (s.vec != 14 || s.cr2 != lin)
		fail("absent", lin, s.vec, 14);
}

static void check(u32 t, u32 p)
{
	u32 e = (u32)spaces[current].table[t][p], at = va(t, p), to = e & ~4095u;

	checked++;
	if (!(e & P)) {
		if (random(8) == 0)
			check_absent(at);
		return;
	}
	if (look(at) != to)
		fail("read", at, look(at), to);
	if ((e & W) && random(2)) {
		u32 value = random(1 << 20);

		store(at + 8, value);
		if (peek(to + 8) != value)
			fail("written", at, peek(to + 8), value);
		if (!(spaces[current].table[t][p] & D))
			fail("dirty", at, (u32)spaces[current].table[t][p], e | D);
	}
	if (!(spaces[current].table[t][p] & A))
		fail("accessed", at, (u32)spaces[current].table[t][p], e | A);
}

/* By user code, which must show what this kernel knows before anything else is
 * touched. */
static void check_as_user(u32 t, u32 p)
{
	u32 e = (u32)spaces[current].table[t][p], at_ = va(t, p);
	struct state s = at(3, next_code());

	s.ecx = at_;
	s.esp = (u32)rt_ustack - 4;
	poke(s.esp, touch); /* where it goes on */
	run(&s);
	checked++;
	if (!(e & P) && (s.vec != 14 || s.cr2 != at_))
		fail("absent to the user", at_, s.vec, 14);
	else if ((e & P) && s.ebx != (e & ~4095u))
		fail("read by the user", at_, s.ebx, e & ~4095u);
	else if ((e & P) && !(spaces[current].table[t][p] & A))
		fail("accessed by the user", at_, (u32)spaces[current].table[t][p], e | A);
}

/* As a fault is served: an entry is made, or made anew, and user code goes
 * on. */
static void serve(void)
{
	u32 t = random(TABLES), p = random(4);

	change(current, t, p);
	check_as_user(t, p);
}

/* Away, and back to what was changed meanwhile. */
static void change_behind(void)
{
	u32 s = current, t = random(TABLES), p = random(PAGES);

	check(t, p);
	switch_to((s + 1 + random(SPACES - 1)) % SPACES);
	if (random(2))
		check(t, p);
	change(s, t, p);
	switch_to(s);
	check(t, p);
}

void test(void)
{
	find_rom(true);
	paging_on();
	vmi(SetCR4, get_cr4() | CR4_PGE, 0, 0);
	touch = FRAG("mov ebx, [ecx]");
	make_code();
	for (u32 i = 0; i < FRAMES; i++)
		poke(frame(i), frame(i));
	for (u32 i = 0; i < POOL; i++)
		pool[pooled++] = (pxe *)(TABLE_POOL + i * 4096);
	vmi(SetLinearMapping, 0, 0, 0x2000);
	announce_kernel();
	for (u32 s = 0; s < SPACES; s++)
		make(&spaces[s]);
	enter();
	for (u32 i = 0; i < STEPS; i++) {
		u32 what = random(100);

		if (what < 30)
			change(random(3) ? current : random(SPACES), random(TABLES),
			       random(PAGES));
		else if (what < 36)
			silent_change();
		else if (what < 39)
			protect();
		else if (what < 41)
			new_page_table();
		else if (what < 43)
			new_space();
		else if (what < 55)
			switch_to(random(SPACES));
		else if (what < 75)
			change_behind();
		else if (what < 90)
			serve();
		for (u32 k = random(6); k; k--)
			check(random(TABLES), random(PAGES));
	}
	print("%d checks, %d of them faults: %d wrong\n", checked, faults, wrong);
}
