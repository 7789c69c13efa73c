/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ports: who may use them, by IOPL and by the bitmap of the TSS to the byte;
 * all widths; strings, with faults in the middle (SDM 1 chapter 19).  Port
 * e9h prints, cf8h keeps a dword, 3ffh (a UART's scratch register) a byte. */
#include "rt.h"

enum { CS1 = FREE, DS1 = CS1 + 8, BAD = DS1 + 8, DATA = 0x1730000,
       LOW = 0x1800000, HIGH = 0x1801000 };

static struct state on(u32 level, u32 code)
{
	struct state s = at(level ? 3 : 0, code);

	if (level == 1) {
		s.cs = CS1 | 1;
		s.ss = s.ds = s.es = s.fs = s.gs = DS1 | 1;
		s.esp = 0x1710000;
	}
	return s;
}

static void go(u32 level, u32 flags, u16 port, const char *name, u32 code)
{
	struct state from = on(level, code), s;

	from.edx = port;
	from.eflags |= flags;
	from.esi = DATA;
	from.edi = DATA + 0x100;
	s = from;
	run(&s);
	print("%d ", level);
	show(name, &from, &s);
}
#define GO(level, flags, port, text) go(level, flags, port, text, FRAG(text))

static void widths(void)
{
	print("widths:\n");
	GO(0, 0, 0xcf8, "mov eax, 0x80000000; out dx, eax; xor eax, eax; in eax, dx");
	GO(0, 0, 0x3ff, "mov al, 0x5a; out dx, al; mov al, 0; in al, dx");
	GO(0, 0, 0x3ff, "mov al, 0xa5; out dx, al; dec edx; in ax, dx; mov al, 0");
	GO(0, 0, 0xe9, "mov al, 0x41; out 0xe9, al; mov al, 0x0a; out dx, al");
	GO(0, 0, 0x3ff, "mov eax, 0x12345678; out dx, al; in al, dx; xchg al, ah; in al, dx");
	GO(0, 0, 0x5555, "in al, dx; in ax, dx; in eax, dx"); /* nobody there */
	GO(0, 0, 0, "in al, 0x5f; in ax, 0x5e; in eax, 0x5c; out 0x5f, al; out 0x5e, ax; out 0x5c, eax");
	GO(0, 0, 0xffff, "in al, dx; out dx, al; mov eax, 0");
}

static void levels(void)
{
	static const char *const names[] = {"in", "out", "ins", "outs", "rep insd", "in imm"};
	u32 codes[] = {FRAG("in al, dx"), FRAG("out dx, ax"), FRAG("insb"),
		       FRAG("outsd"), FRAG("mov ecx, 2; rep insd"), FRAG("in eax, 0x80")};

	print("levels, no bitmap:\n");
	for (u32 level = 0; level < 4; level += level ? 2 : 1)
		for (u32 iopl = 0; iopl < 4; iopl++)
			for (u32 i = 0; i < 6; i++) {
				struct state s = on(level, codes[i]);

				s.edx = 0x80;
				s.esi = s.edi = DATA;
				s.eflags |= iopl << 12;
				run(&s);
				print("%s%s %s", i ? ", " : level == 0 ? "cpl 0: " : level == 1 ? "cpl 1: " : "cpl 3: ",
				      names[i], s.vec == END ? "done" : s.vec == 13 && !s.err && s.eip - codes[i] < 6 ? "#GP" : "?");
				if (i == 5)
					print(" (iopl %d)\n", iopl);
			}
}

static void load_tss(u32 limit, u8 type)
{
	set_gdt(TSS, desc((u32)&rt_tss, limit, type));
	asm volatile("ltr %w0" ::"r"(TSS));
}

static void each(const char *name, u16 first, u16 last)
{
	static const u8 n[] = {1, 2, 4};
	u32 codes[] = {FRAG("in al, dx"), FRAG("in ax, dx"), FRAG("in eax, dx")};

	print("%s:", name);
	for (u32 k = 0; k < 3; k++) {
		print(" | %d:", n[k]);
		for (u32 port = first; port <= last; port++) {
			struct state s = on(3, codes[k]);

			s.edx = port;
			run(&s);
			print("%s", s.vec == END ? "+" : s.vec == 13 && !s.err ? "-" : "?");
		}
	}
	print("\n");
}

static void bitmap(void)
{
	print("bitmap, ports 80h to 97h:\n");
	fill(rt_tss.bits, 0xff, sizeof(rt_tss.bits));
	rt_tss.bits[0x80 / 8] = 0x10;
	rt_tss.bits[0x88 / 8] = 0x00;
	rt_tss.bits[0x90 / 8] = 0x7e;
	load_tss(104 + 0x20, 0x89);
	each("20 bytes of it", 0x80, 0x97);
	load_tss(104 + 0x12, 0x89);
	each("limit at 90h's byte", 0x80, 0x97);
	load_tss(104 + 0x11, 0x89);
	each("limit at 88h's byte", 0x80, 0x97);
	rt_tss.iomap = 104 - 4;
	load_tss(104 + 0x20, 0x89);
	each("4 bytes before", 0xa0, 0xb7);
	rt_tss.iomap = 0x200;
	each("beyond the limit", 0x80, 0x97);
	rt_tss.iomap = 0xffff;
	each("at ffff", 0x80, 0x97);
	rt_tss.iomap = 104;
	load_tss(104 + 0x2000, 0x89);
	rt_tss.bits[0x1fff] = 0;
	rt_tss.bits[0x2000] = 0xff;
	each("the last ports", 0xfff0, 0xffff);
	rt_tss.bits[0x2000] = 0;
	each("and a zero after them", 0xfff0, 0xffff);
	load_tss(104 + 0x1fff, 0x89);
	each("limit at the last byte", 0xfff0, 0xffff);
	*(u32 *)&rt_tss = 0x70000000; /* SP0 and SS0 of a 16-bit TSS */
	rt_tss.esp0 = KDS;
	load_tss(104 + 0x20, 0x81);
	each("a 16-bit TSS", 0x88, 0x8f);
	rt_tss.esp0 = (u32)rt_stack - 6144;
	load_tss(102, 0x89);
	each("limit 102", 0x88, 0x8f);
	load_tss(104 + 0x20, 0x89);
}

static void strings(void)
{
	static const char text[] = "hello, string\nHELLO\n";

	for (u32 i = 0; i < sizeof(text); i++)
		((u8 *)DATA)[i] = (u8)text[i];
	print("strings:\n");
	fill((u8 *)DATA + 0xf0, '.', 16);
	poke(0x500, '!');
	GO(0, 0, 0xe9, "mov ecx, 14; rep outsb");
	GO(3, 0x3000, 0xe9, "mov ecx, 14; rep outsb");
	GO(0, 0, 0xe9, "add esi, 14; mov ecx, 6; rep outsb");
	GO(0, 0, 0xe9, "add esi, 18; std; mov ecx, 5; rep outsb; cld; mov esi, 0x173000d; outsb");
	GO(0, 0, 0xe9, "xor ecx, ecx; rep outsb");
	GO(0, 0, 0xe9, "mov ecx, 0x10001; mov esi, 0x1730500; .byte 0x67; rep outsb");
	out8(0x3ff, 0x42);
	GO(0, 0, 0x3ff, "mov ecx, 5; rep insb; mov eax, [0x1730100]; mov ebx, [0x1730104]");
	GO(3, 0x3000, 0x3ff, "insb; movzx eax, byte ptr [0x1730100]");
	GO(0, 0, 0xcf8, "mov eax, 0x80001234; out dx, eax; mov ecx, 2; rep insd; mov eax, [edi - 8]; mov ebx, [edi - 4]");
	GO(0, 0, 0xcf8, "mov dword ptr [esi], 0x80004568; outsd; in eax, dx");
	GO(0, 0, 0x3ff, "mov edi, 0x1730106; std; mov ecx, 3; rep insb; cld; mov eax, [0x1730104]");
	print("segments:\n");
	set_gdt(BAD, desc(DATA, 0xff, 0x40f3));
	GO(3, 0x3000, 0xe9, "mov eax, 0x4b; mov fs, ax; xor esi, esi; .byte 0x64; outsb; mov ax, 0x23; mov fs, ax; mov esi, 0x173000d; outsb");
	GO(3, 0x3000, 0xe9, "mov eax, 0x4b; mov ds, ax; mov esi, 0xfe; mov ecx, 4; rep outsb");
	GO(3, 0x3000, 0x3ff, "mov eax, 0x4b; mov es, ax; mov edi, 0xfe; mov ecx, 4; rep insb");
	GO(3, 0x3000, 0x3ff, "mov eax, 0x4b; mov es, ax; mov edi, 0xfe; insd");
	set_gdt(BAD, desc(DATA, 0xff, 0x40f1));
	GO(3, 0x3000, 0x3ff, "mov eax, 0x4b; mov es, ax; xor edi, edi; insb");
	GO(3, 0x3000, 0x3ff, "xor eax, eax; mov es, ax; insb");
	GO(3, 0, 0x3ff, "xor eax, eax; mov es, ax; insb"); /* both #GP */
}

/* Repeated strings that meet a missing page, and go on after it came. */
static void middle(const char *name, u16 port, u32 esi, u32 edi, u32 ecx, u32 code)
{
	struct state from = at(0, code), s;

	from.edx = port;
	from.esi = esi;
	from.edi = edi;
	from.ecx = ecx;
	s = from;
	*pte(HIGH) = 0;
	invlpg(HIGH);
	run(&s);
	show(name, &from, &s);
	*pte(HIGH) = HIGH | P | W | U;
	run(&s);
	show("   then", &from, &s);
}

static void page_faults(void)
{
	static const char text[] = "over the border\n";
	u8 low, high;

	print("page faults:\n");
	paging_on();
	for (u32 i = 0; i < sizeof(text); i++)
		((u8 *)HIGH)[i - 5] = (u8)text[i];
	middle("rep outsb", 0xe9, HIGH - 5, 0, 16, FRAG("rep outsb"));
	out8(0x3ff, 0x77);
	middle("rep insb", 0x3ff, 0, HIGH - 3, 6, FRAG("rep insb"));
	dump("memory", (u8 *)HIGH - 4, 8);
	middle("rep insd", 0xcf8, 0, HIGH - 6, 2, FRAG("rep insd"));
	middle("outsd", 0xcf8, HIGH - 2, 0, 0, FRAG("outsd"));
	/* A port that is read is used up: not before the page is there. */
	out8(0x61, in8(0x61) & 0xfc); /* counter 2 stands */
	out8(0x43, 0xb0);
	out8(0x42, 0x34);
	out8(0x42, 0x12);
	*pte(HIGH) = 0;
	invlpg(HIGH);
	middle("insb", 0x42, 0, HIGH, 0, FRAG("insb"));
	high = in8(0x42);
	low = *(u8 *)HIGH;
	print("read %b before %b\n", low, high);
	print("write-protected:\n");
	set_cr0(get_cr0() | 0x10000);
	*pte(HIGH) = HIGH | P | U;
	invlpg(HIGH);
	GO(0, 0, 0x3ff, "mov edi, 0x1800ffe; mov ecx, 4; rep insb");
}

/* An instruction that begins in the last byte of the address space, where no
 * memory is (it reads as FFh), and increments a device's register. */
static void nowhere(void)
{
	struct state s;

	*pte(HIGH) = HIGH | P | W | U;
	((u8 *)HIGH)[0] = 0; /* ff 00: inc dword ptr [eax] */
	((u8 *)HIGH)[1] = 0xcd;
	((u8 *)HIGH)[2] = END;
	*pte(HIGH - 1) = 0xfffff000 | P | U;
	*pte(HIGH + 0x1000) = 0xfec00000 | P | W | U;
	set_cr3(get_cr3());
	s = at(0, HIGH - 1);
	s.eax = HIGH + 0x1000;
	run(&s);
	print("code in no memory: vector %b at +%b, register %b\n", s.vec,
	      s.eip - HIGH, peek(HIGH + 0x1000) & 0xff);
}

void test(void)
{
	rt_flag_mask = 0;
	set_gdt(CS1, desc(0, 0xfffff, 0xc0bb));
	set_gdt(DS1, desc(0, 0xfffff, 0xc0b3));
	widths();
	levels();
	bitmap();
	rt_tss.iomap = 0x2000;
	strings();
	page_faults();
	nowhere();
}
