/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The C half of the guests' runtime: see rt.h. */
#include "rt.h"

extern u8 rt_stubs[];
u32 rt_flag_mask = 0x267fd5;
static u32 rt_dir[1024] __attribute__((aligned(4096)));
static u32 rt_tables[8][1024] __attribute__((aligned(4096)));

static void put(char c)
{
	out8(0xe9, (u8)c);
}

static void hex(u32 v, unsigned digits)
{
	while (digits--)
		put("0123456789abcdef"[v >> digits * 4 & 15]);
}

static void decimal(u32 v)
{
	if (v >= 10)
		decimal(v / 10);
	put('0' + v % 10);
}

void print(const char *f, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, f);
	for (; *f; f++) {
		if (*f != '%') {
			put(*f);
			continue;
		}
		switch (*++f) {
		case 's':
			for (const char *s = __builtin_va_arg(ap, char *); *s;)
				put(*s++);
			break;
		case 'x': hex(__builtin_va_arg(ap, u32), 8); break;
		case 'w': hex(__builtin_va_arg(ap, u32), 4); break;
		case 'b': hex(__builtin_va_arg(ap, u32), 2); break;
		case 'd': decimal(__builtin_va_arg(ap, u32)); break;
		}
	}
	__builtin_va_end(ap);
}

void dump(const char *name, const void *p, u32 n)
{
	const u8 *b = p;

	print("%s:", name);
	for (u32 i = 0; i < n; i++)
		print(" %b", b[i]);
	print("\n");
}

void fill(void *p, u8 byte, u32 n)
{
	asm volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(byte) : "memory");
}

void *memcpy(void *to, const void *from, unsigned n)
{
	void *start = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
	return start;
}

void *memset(void *to, int byte, unsigned n)
{
	fill(to, (u8)byte, n);
	return to;
}

u64 desc(u32 base, u32 limit, u32 attr)
{
	return (u64)(base & 0xff000000) << 32 | (u64)(attr & 0xf0ff) << 40 |
	       (u64)(limit & 0xf0000) << 32 | (u64)(base & 0xffffff) << 16 |
	       (limit & 0xffff);
}

u64 gate(u16 sel, u32 offset, u8 attr)
{
	return (u64)(offset & 0xffff0000) << 32 | (u64)attr << 40 |
	       (u32)sel << 16 | (offset & 0xffff);
}

void set_gdt(u16 sel, u64 d)
{
	rt_gdt[sel >> 3] = d;
}

struct state at(unsigned cpl, u32 code)
{
	struct state s = {
		0x11111111, 0x22222222, 0x33333333, 0x44444444,
		0, 0x66666666, 0x77777777, 0x88888888, .eip = code,
	};

	s.eflags = 2;
	s.esp = cpl ? (u32)rt_ustack : (u32)rt_stack - 4096;
	s.cs = cpl ? UCS : KCS;
	s.ss = s.ds = s.es = s.fs = s.gs = cpl ? UDS : KDS;
	return s;
}

static const char *const vectors[20] = {
	"DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "9",
	"TS", "NP", "SS", "GP", "PF", "15", "MF", "AC", "MC", "XM",
};

/* Addresses in the fragment are told as such: where it lies may change. */
static void show_change(const char *name, u32 from, u32 to, u32 code)
{
	if (from == to)
		return;
	if (code >> 20 && to - code < 0x200)
		print(" %s=code+%b", name, to - code);
	else
		print(" %s=%x", name, to);
}

void show(const char *name, const struct state *from, const struct state *to)
{
	static const char *const regs[8] = {"eax", "ecx", "edx", "ebx",
					    "esp", "ebp", "esi", "edi"};
	static const char *const segs[6] = {"cs", "ss", "ds", "es", "fs", "gs"};
	const u32 *a = &from->eax, *b = &to->eax;

	print("%s:", name);
	if (to->vec == END)
		print(" end");
	else if (to->vec < 20)
		print(" #%s", vectors[to->vec]);
	else
		print(" vector %b", to->vec);
	if (to->vec != END)
		print(" at +%b", to->eip - from->eip);
	if (to->vec == 8 || (to->vec >= 10 && to->vec <= 14) || to->vec == 17)
		print(" error %w", to->err);
	if (to->vec == 14)
		print(" cr2 %x", to->cr2);
	for (unsigned i = 0; i < 8; i++)
		show_change(regs[i], a[i], b[i], from->eip);
	show_change("eflags", from->eflags & rt_flag_mask,
		    to->eflags & rt_flag_mask, 0);
	a = &from->cs;
	b = &to->cs;
	for (unsigned i = 0; i < 6; i++)
		show_change(segs[i], a[i] & 0xffff, b[i] & 0xffff, 0);
	print("\n");
}

struct state try(const char *name, unsigned cpl, u32 code)
{
	struct state from = at(cpl, code), to = from;

	run(&to);
	show(name, &from, &to);
	return to;
}

u32 *pde(u32 lin)
{
	return &rt_dir[lin >> 22];
}

u32 *pte(u32 lin)
{
	return &((u32 *)(rt_dir[lin >> 22] & ~4095u))[lin >> 12 & 1023];
}

void invlpg(u32 lin)
{
	asm volatile("invlpg (%0)" ::"r"(lin) : "memory");
}

void paging_on(void)
{
	for (u32 i = 0; i < 8 * 1024; i++)
		rt_tables[i >> 10][i & 1023] = i << 12 | P | W | U;
	for (u32 i = 0; i < 8; i++)
		rt_dir[i] = (u32)rt_tables[i] | P | W | U;
	set_cr3((u32)rt_dir);
	set_cr0(get_cr0() | 0x80000000);
}

static void tables(void)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) idtr = {2047, (u32)rt_idt};

	for (u32 i = 0; i < 256; i++)
		rt_idt[i] = gate(KCS, (u32)rt_stubs + i * 16,
				 i == 3 || i == 4 || i == END ? 0xee : 0x8e);
	asm volatile("lidt %0" ::"m"(idtr));
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	set_gdt(TSS2, desc((u32)&rt_tss2, 0x67, 0x89));
	rt_tss.ss0 = KDS;
	rt_tss.esp0 = (u32)rt_stack - 6144;
	rt_tss.iomap = 104;
	asm volatile("ltr %w0" ::"r"(TSS));
}

static void pics(void)
{
	static const u8 words[4] = {0x11, 0, 4, 1};

	for (u32 i = 0; i < 4; i++) {
		out8(i ? 0x21 : 0x20, i == 1 ? 0x20 : words[i]);
		out8(i ? 0xa1 : 0xa0, i == 1 ? 0x28 : i == 2 ? 2 : words[i]);
	}
	out8(0x21, 0xff);
	out8(0xa1, 0xff);
}

void rt_main(void);
void rt_main(void)
{
	tables();
	pics();
	set_cr0((get_cr0() & ~0x6000000eu) | 0x20); /* x87 on, caches on */
	asm volatile("fninit");
	test();
	print("end of test\n");
	out8(0xf4, 0);
}
