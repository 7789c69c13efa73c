/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading a segment register with the selector that it has, again and again,
 * or with another in between: it does nothing, or what it did before, unless the descriptor was changed in the meantime, by a
 * store, by LGDT or LLDT, or by another page where the table is; or unless
 * the register was emptied by a return to user mode. */
#include "rt.h"

enum { ONE = 0x1800000, TWO = 0x1801000, TABLE = 0x1802000, OTHER = 0x1803000 };
enum { DATA = 0xf2, IN_LDT = 4 };
enum { SEL = FREE | 3, LDT = FREE + 8 };

struct table {
	u16 limit;
	u32 base;
} __attribute__((packed));

/* FS := sel several times, by MOV and by POP, also after another; what is at
 * its offset 0. */
static u32 word(u16 sel)
{
	u32 v = 0;

	for (u32 i = 0; i < 3; i++)
		asm volatile("mov %1, %%fs\n\t"
			     "pushl %1\n\t"
			     "popl %%fs\n\t"
			     "mov %2, %%fs\n\t"
			     "mov %1, %%fs\n\t"
			     "movl %%fs:0, %0"
			     : "=&r"(v)
			     : "r"((u32)sel), "r"(KDS)
			     : "memory");
	return v;
}

static void lgdt(const void *at, u16 limit)
{
	struct table t = {limit, (u32)at};

	asm volatile("lgdt %0" ::"m"(t) : "memory");
}

static void copy(u32 to, const u64 *from, u32 n)
{
	for (u32 i = 0; i < n; i++)
		((volatile u64 *)to)[i] = from[i];
}

static void by_stores(void)
{
	set_gdt(SEL, desc(ONE, 0xfff, DATA | 0x4000));
	print("loaded: %x\n", word(SEL));
	print("marked accessed: %b\n", (u8)(rt_gdt[SEL / 8] >> 40));
	set_gdt(SEL, desc(TWO, 0xfff, DATA | 0x4000));
	print("another base: %x\n", word(SEL));
	print("marked again: %b\n", (u8)(rt_gdt[SEL / 8] >> 40));
	rt_gdt[SEL / 8] ^= 1ull << 40;
	print("mark taken away: %x\n", word(SEL));
	print("and set: %b\n", (u8)(rt_gdt[SEL / 8] >> 40));
}

/* The descriptor's upper half is replaced between loads of one fragment. */
static void faults(u32 code)
{
	static const struct {
		const char *name;
		u32 limit, attr;
	} row[] = {
		{"the same", 0xfff, DATA | 0x4001},
		{"a limit that is higher", 0xfffff, DATA | 0x4001},
		{"not present", 0xfff, 0x4073},
		{"a code segment that cannot be read", 0xfff, 0x40f9},
		{"a system segment", 0xfff, 0x4082},
		{"too privileged", 0xfff, 0x4093},
		{"expand-down", 0xfff, 0x40f7},
	};

	for (u32 i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct state s = at(0, code);

		set_gdt(SEL, desc(ONE, 0xfff, DATA | 0x4001));
		s.edx = SEL;
		s.edi = KDS;
		s.ebx = (u32)&rt_gdt[SEL / 8] + 4;
		s.esi = (u32)(desc(ONE, row[i].limit, row[i].attr) >> 32);
		run(&s);
		print("%s: vector %b error %x fs %w\n", row[i].name, (u8)s.vec,
		      s.vec == END ? 0 : s.err, (u16)s.fs);
	}
}

static void by_tables(void)
{
	u64 was;

	set_gdt(SEL, desc(ONE, 0xfff, DATA | 0x4000));
	print("before: %x\n", word(SEL));
	was = rt_gdt[SEL / 8];
	rt_gdt[SEL / 8] = desc(TWO, 0xfff, DATA | 0x4000);
	copy(TABLE, rt_gdt, 64);
	rt_gdt[SEL / 8] = was;
	lgdt((void *)TABLE, 511);
	print("by lgdt: %x\n", word(SEL));
	copy(OTHER, rt_gdt, 64);
	*pte(TABLE) = OTHER | P | W | U;
	invlpg(TABLE);
	print("by another page: %x\n", word(SEL));
	*pte(TABLE) = TABLE | P | W | U;
	set_cr3(get_cr3());
	print("and back: %x\n", word(SEL));
	lgdt(rt_gdt, 511);
	print("and lgdt: %x\n", word(SEL));
}

static void by_lldt(void)
{
	static u64 one, two;

	one = desc(ONE, 0xfff, DATA | 0x4000);
	two = desc(TWO, 0xfff, DATA | 0x4000);
	set_gdt(LDT, desc((u32)&one, 7, 0x82));
	set_gdt(LDT + 8, desc((u32)&two, 7, 0x82));
	asm volatile("lldt %w0" ::"r"(LDT));
	print("ldt: %x\n", word(IN_LDT | 3));
	asm volatile("lldt %w0" ::"r"(LDT + 8));
	print("another ldt: %x\n", word(IN_LDT | 3));
	asm volatile("lldt %w0" ::"r"(0));
}

/* A return to user mode empties registers that are too privileged. */
static void by_return(void)
{
	struct state s = at(3, FRAG("nop"));

	set_gdt(SEL, desc(ONE, 0xfff, 0x4092));
	print("kernel's: %x\n", word(SEL & ~3));
	s.fs = SEL & ~3u;
	run(&s);
	print("in user mode fs is %w\n", (u16)s.fs);
	print("kernel's again: %x\n", word(SEL & ~3));
	s = at(3, FRAG("mov fs, dx"));
	s.edx = SEL;
	run(&s);
	print("user code loads it: vector %b error %x\n", (u8)s.vec, s.err);
}

static void null(void)
{
	u32 code = FRAG("mov ecx, 3; 1: mov fs, dx; loop 1b; mov ax, fs; mov eax, fs:[0]");
	struct state s;

	for (u32 i = 0; i < 4; i++) {
		s = at(0, code);
		s.eax = 0;
		s.edx = i;
		run(&s);
		print("null %d: vector %b, fs %w, ax %w\n", i, (u8)s.vec,
		      (u16)s.fs, (u16)s.eax);
	}
}

void test(void)
{
	paging_on();
	poke(ONE, 0x11111111);
	poke(TWO, 0x22222222);
	by_stores();
	faults(FRAG("mov ecx, 3; 1: mov fs, dx; loop 1b; mov [ebx], esi; mov fs, dx; mov eax, fs:[8]"));
	print("with another in between:\n");
	faults(FRAG("mov ecx, 3; 1: mov fs, dx; mov fs, di; loop 1b; mov [ebx], esi; mov fs, dx; mov eax, fs:[8]"));
	by_tables();
	by_lldt();
	by_return();
	null();
}
