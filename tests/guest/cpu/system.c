/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system instructions (SDM 3A 2.8, 5.9): which need privilege, what the
 * control registers and MSRs take, LMSW and SMSW, table registers, SYSENTER
 * and SYSEXIT, RDTSC and RDPMC, CPUID. */
#include "rt.h"

enum { DATA = 0x1730000, CS1 = FREE, DS1 = CS1 + 8, FLAT = 0x80 };
enum { SYSENTER_CS = 0x174, SYSENTER_ESP, SYSENTER_EIP };

static struct state on(u32 level, u32 code)
{
	struct state s = at(level ? 3 : 0, code);

	if (level == 1) {
		s.cs = CS1 | 1;
		s.ss = s.ds = s.es = s.fs = s.gs = DS1 | 1;
		s.esp = 0x1710000;
	}
	s.ebx = DATA;
	return s;
}

static struct state go(const char *name, u32 level, u32 code)
{
	struct state from = on(level, code), s = from;

	run(&s);
	print("%d ", level);
	show(name, &from, &s);
	return s;
}
#define GO(level, text) go(text, level, FRAG(text))

/* ---- privilege ---- */

static void privileged(const char *name, u32 code)
{
	print("%s:", name);
	for (u32 level = 1; level < 4; level += 2)
		for (u32 iopl = 0; iopl < 4; iopl += 3) {
			struct state s = on(level, code);

			s.eflags |= iopl << 12;
			run(&s);
			if (s.eip != code || s.err)
				print(" ?%b", s.vec);
			else
				print(" %s", s.vec == 13 ? "GP" : s.vec == 6 ? "UD" : "??");
		}
	print("\n");
}
#define PRIVILEGED(text) privileged(text, FRAG(text))
static void allowed(const char *name, u32 code)
{
	struct state s = on(3, code);

	run(&s);
	print("%s: %s\n", name, s.vec == END ? "allowed" : "??");
}
#define ALLOWED(text) allowed(text, FRAG(text))

static void privileges(void)
{
	print("in rings 1 and 3 with IOPL 0 and 3:\n");
	PRIVILEGED("hlt");
	PRIVILEGED("clts");
	PRIVILEGED("invd");
	PRIVILEGED("wbinvd");
	PRIVILEGED("invlpg [ebx]");
	PRIVILEGED("lgdt [ebx]");
	PRIVILEGED("lidt [ebx]");
	PRIVILEGED("lldt ax");
	PRIVILEGED("lldt [ebx]");
	PRIVILEGED("ltr ax");
	PRIVILEGED("lmsw ax");
	PRIVILEGED("mov eax, cr0");
	PRIVILEGED("mov eax, cr2");
	PRIVILEGED("mov eax, cr3");
	PRIVILEGED("mov eax, cr4");
	PRIVILEGED("mov cr0, eax");
	PRIVILEGED("mov cr2, eax");
	PRIVILEGED("mov cr3, eax");
	PRIVILEGED("mov cr4, eax");
	PRIVILEGED(".byte 0x0f, 0x20, 0xc8");
	PRIVILEGED(".byte 0x0f, 0x22, 0xf8");
	PRIVILEGED("mov eax, dr0");
	PRIVILEGED("mov dr7, eax");
	PRIVILEGED("rdmsr");
	PRIVILEGED("wrmsr");
	PRIVILEGED("sysexit");
	ALLOWED("sgdt [ebx]; sidt [ebx]");
	ALLOWED("sldt eax; str ecx; smsw edx; sldt [ebx]; str [ebx]; smsw [ebx]");
	ALLOWED("cpuid");
	ALLOWED("rdtsc");
	ALLOWED("verr ax; verw ax; lar eax, eax; lsl eax, eax; arpl ax, cx");
	print("registers where memory is needed and the other way round:\n");
	GO(0, ".byte 0x0f, 0x01, 0xd0"); /* lgdt */
	GO(0, ".byte 0x0f, 0x01, 0xd8"); /* lidt, vmrun */
	GO(0, ".byte 0x0f, 0x01, 0xf8"); /* invlpg, swapgs */
	GO(0, ".byte 0x0f, 0x01, 0xc0"); /* sgdt */
	GO(0, ".byte 0x0f, 0x01, 0xe8");
	GO(0, ".byte 0x0f, 0x20, 0x00; sub eax, eax"); /* mod is ignored */
	GO(0, ".byte 0x66, 0x0f, 0x20, 0xc1; and ecx, 1");
	GO(0, ".byte 0xf0, 0x0f, 0x20, 0xc0");
	GO(0, ".byte 0xf0, 0x0f, 0x22, 0xc0");
}

/* ---- control registers ---- */

/* What becomes of a control register when it is written. */
static struct state write_cr(u32 n, u32 value)
{
	u32 codes[] = {FRAG("mov cr0, eax; mov ecx, cr0"), 0,
		       FRAG("mov cr2, eax; mov ecx, cr2"),
		       FRAG("mov cr3, eax; mov ecx, cr3"),
		       FRAG("mov cr4, eax; mov ecx, cr4")};
	u32 cr0 = get_cr0(), cr3 = get_cr3(), cr4 = get_cr4();
	struct state s = on(0, codes[n]);

	s.eax = value;
	run(&s);
	if (get_cr0() != cr0)
		set_cr0(cr0);
	set_cr4(cr4);
	set_cr3(cr3);
	return s;
}

static void told(u32 n, u32 value)
{
	struct state s = write_cr(n, value);

	print("cr%d := %x", n, value);
	if (s.vec == END)
		print(" gives %x\n", s.ecx);
	else
		print(" vector %b error %w\n", s.vec, s.err);
}

static void each_bit(u32 n, u32 base)
{
	static const char *const what[] = {"kept", "dropped", "#GP"};

	for (u32 k = 0; k < 3; k++) {
		print("cr%d bits %s:", n, what[k]);
		for (u32 bit = 0; bit < 32; bit++) {
			struct state s;

			if (n == 0 && (bit == 0 || bit > 28)) /* below */
				continue;
			s = write_cr(n, base ^ 1u << bit);
			if (k == (s.vec != END ? 2 : s.ecx == (base ^ 1u << bit) ? 0 : 1))
				print(" %d", bit);
		}
		print("\n");
	}
}

static void control(void)
{
	u32 cr0 = get_cr0();

	print("control registers, cr0 %x\n", cr0);
	each_bit(0, cr0);
	told(0, cr0 | 1 << 16 | 1 << 18);
	told(0, cr0 | 0x40000000);
	told(0, cr0 | 0x60000000);
	told(0, cr0 | 0x20000000);
	told(0, (cr0 | 0x80000000) & ~1u);
	told(0, 0x80000000);
	told(2, 0x12345678);
	told(3, 0x00ffe018);
	each_bit(4, 0);
	print("lmsw, smsw:\n");
	GO(0, "mov eax, 0xffff000e; lmsw ax; mov ecx, cr0; clts; mov edx, cr0; xor eax, eax; lmsw ax; and ecx, 0x1f; and edx, 0x1f");
	GO(0, "mov dword ptr [ebx], 0xe; lmsw [ebx]; mov ecx, cr0; xor eax, eax; lmsw ax; mov edx, cr0; and ecx, 0x1f; and edx, 0x1f");
	GO(0, "mov eax, cr0; smsw ecx; sub eax, ecx; smsw cx; mov dword ptr [ebx], 0; smsw [ebx]; mov edx, [ebx]; sub cx, dx");
	GO(0, "mov eax, cr0; mov cr0, eax; clts; mov ecx, cr0; sub eax, ecx; xor ecx, ecx");
	print("tables:\n");
	GO(0, "sgdt [ebx]; mov eax, [ebx + 2]; .byte 0x66; sgdt [ebx + 8]; sub eax, [ebx + 10]; movzx ecx, word ptr [ebx]");
	GO(0, "sidt [ebx]; mov word ptr [ebx + 8], 0x123; mov dword ptr [ebx + 10], 0x12345678; lidt [ebx + 8]; sidt [ebx + 16]; lidt [ebx];"
	      "movzx eax, word ptr [ebx + 16]; mov ecx, [ebx + 18]");
	GO(0, "sidt [ebx]; mov dword ptr [ebx + 10], 0x12345678; .byte 0x66; lidt [ebx + 8]; sidt [ebx + 16]; lidt [ebx]; mov ecx, [ebx + 18]");
}

/* ---- MSRs ---- */

static void msr(const char *name, u32 index, u32 high, u32 low)
{
	u32 write = FRAG("wrmsr; rdmsr"), read = FRAG("rdmsr");
	struct state old = on(0, read), s = on(0, write);

	old.ecx = s.ecx = index;
	run(&old);
	s.eax = low;
	s.edx = high;
	run(&s);
	print("%s := %x%x", name, high, low);
	if (s.vec == END)
		print(" gives %x%x\n", s.edx, s.eax);
	else
		print(" vector %b error %w at +%b\n", s.vec, s.err, s.eip - write);
	if (old.vec != END)
		return;
	s = on(0, write);
	s.ecx = index;
	s.eax = old.eax;
	s.edx = old.edx;
	run(&s);
}

static void msrs(void)
{
	print("MSRs:\n");
	msr("12345", 0x12345, 0, 0);
	msr("c0000103", 0xc0000103, 0, 0);
	msr("sysenter cs", SYSENTER_CS, 0, 0x1234);
	msr("sysenter esp", SYSENTER_ESP, 0, 0x12345678);
	msr("sysenter eip", SYSENTER_EIP, 0, 0x87654321);
	msr("pat", 0x277, 0x00010406, 0x05070406);
	msr("pat", 0x277, 0x00010406, 0x05070206);
	msr("pat", 0x277, 0x08000000, 0);
	msr("efer", 0xc0000080, 0, 0x800);
	msr("efer", 0xc0000080, 0, 1);
	msr("efer", 0xc0000080, 0, 0x100);
	msr("efer", 0xc0000080, 1, 0);
	msr("mtrr cap", 0xfe, 0, 0);
	msr("mtrr def type", 0x2ff, 0, 0xc06);
	msr("mtrr def type", 0x2ff, 0, 0xc02);
	msr("mtrr def type", 0x2ff, 0, 0x1006);
	msr("mtrr fixed", 0x250, 0x06060606, 0x00010405);
	msr("mtrr fixed", 0x250, 0x06060606, 0x00010402);
	msr("mtrr base", 0x200, 0xf, 0xfffff006);
	msr("mtrr base", 0x200, 0x10, 6);
	msr("mtrr base", 0x200, 0, 7);
	msr("mtrr mask", 0x201, 0xf, 0xfffff800);
	msr("mtrr mask", 0x201, 0, 0x400);
	GO(0, "mov ecx, 0x10; mov eax, 0x1000; mov edx, 0x55; wrmsr; rdtsc; xor eax, eax; rdmsr; xor eax, eax");
	print("time:\n");
	GO(0, "rdtsc; mov ebx, eax; mov ecx, edx; rdtsc; sub eax, ebx; sbb edx, ecx; mov ecx, 0; setnc cl; mov eax, edx; mov ebx, 0");
	set_cr4(get_cr4() | 4);
	GO(0, "rdtsc; xor eax, eax; xor edx, edx");
	GO(1, "rdtsc");
	GO(3, "rdtsc");
	set_cr4(get_cr4() & ~4u);
	GO(3, "rdtsc; xor eax, eax; xor edx, edx");
	GO(3, "xor ecx, ecx; rdpmc");
	GO(0, "mov ecx, 0x1234; rdpmc");
}

/* ---- SYSENTER, SYSEXIT ---- */

static void wrmsr(u32 index, u32 low)
{
	asm volatile("wrmsr" ::"c"(index), "a"(low), "d"(0));
}

static void enter(const char *name, u32 cs, u32 level, u32 flags, u32 code)
{
	u32 there = FRAG("pushfd; pop eax; mov ecx, ss; mov edx, cs");
	struct state from = on(level, code), s;

	wrmsr(SYSENTER_CS, cs);
	wrmsr(SYSENTER_ESP, 0x1720000);
	wrmsr(SYSENTER_EIP, there);
	from.eflags |= flags;
	s = from;
	run(&s);
	print("cs %w, %d ", cs, level);
	show(name, &from, &s);
}
#define ENTER(cs, level, flags, text) enter(text, cs, level, flags, FRAG(text))

static void fast_calls(void)
{
	static const u32 bad[] = {0, 1, 3, 0x10000};
	u32 out = FRAG("lea edx, [1f]; mov ecx, 0x1703000; sysexit; 1: mov eax, cs; mov edx, ss");

	print("sysenter:\n");
	for (u32 i = 0; i < 4; i++)
		ENTER(bad[i], 3, 0, "sysenter");
	ENTER(KCS, 3, IF | 0x3000 | OF | AC | NT, "sysenter");
	ENTER(KCS | 3, 3, 0, "sysenter");
	ENTER(KCS, 0, IF, "sysenter");
	ENTER(FLAT, 3, 0, "sysenter");
	ENTER(KCS, 3, TF, "sysenter");
	print("sysexit:\n");
	for (u32 i = 0; i < 4; i++)
		enter("sysexit", bad[i], 0, 0, out);
	enter("sysexit", KCS, 0, IF | OF, out);
	enter("sysexit", KCS | 3, 0, 0, out);
	enter("sysexit", FLAT - 16, 0, 0, out);
	enter("sysexit", KCS, 3, 0, out);
	enter("sysexit", KCS, 1, 0, out);
	print("segments that are not flat are so afterwards:\n");
	set_gdt(FLAT, desc(0x1000, 0xfff, 0x009b));
	set_gdt(FLAT + 8, desc(0x1000, 0xfff, 0x0093));
	enter("sysenter", FLAT, 3, 0, FRAG("sysenter"));
	set_gdt(FLAT, desc(0, 0xfffff, 0xc09b));
	set_gdt(FLAT + 8, desc(0, 0xfffff, 0xc093));
	wrmsr(SYSENTER_CS, 0);
}

/* ---- CPUID ---- */

struct leaf {
	u32 eax, ebx, ecx, edx;
};

static struct leaf cpuid(u32 leaf, u32 sub)
{
	struct leaf l;

	asm volatile("cpuid" : "=a"(l.eax), "=b"(l.ebx), "=c"(l.ecx), "=d"(l.edx)
		     : "a"(leaf), "c"(sub));
	return l;
}

static u32 same(struct leaf a, struct leaf b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

static void identification(void)
{
	struct leaf l = cpuid(0, 0), top = cpuid(l.eax, 0);
	u32 vendor[4] = {l.ebx, l.edx, l.ecx, 0}, brand[13] = {0};
	static const char *const names[] = {"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic",
		"10", "sep", "mtrr", "pge", "mca", "cmov", "pat", "pse36", "psn", "clfsh", "20", "ds", "acpi",
		"mmx", "fxsr", "sse", "sse2", "ss", "htt", "tm", "30", "pbe"};

	print("cpuid %s, leaves above the last: %s\n", (char *)vendor,
	      same(cpuid(l.eax + 1, 0), top) && same(cpuid(0x7fffffff, 0), top)
		      ? "as the last" : "?");
	for (u32 i = 0; i < 3; i++) {
		struct leaf b = cpuid(0x80000002 + i, 0);

		brand[i * 4] = b.eax;
		brand[i * 4 + 1] = b.ebx;
		brand[i * 4 + 2] = b.ecx;
		brand[i * 4 + 3] = b.edx;
	}
	print("%s\n", (char *)brand);
	l = cpuid(1, 0);
	print("family %d, apic id %b, clflush %d, features:", l.eax >> 8 & 15,
	      l.ebx >> 24, (l.ebx >> 8 & 255) * 8);
	for (u32 i = 0; i < 32; i++)
		if (l.edx >> i & 1)
			print(" %s", names[i]);
	print("\n");
	print("subleaves do not matter: %s\n", same(l, cpuid(1, 77)) ? "yes" : "no");
	for (u32 i = 0; (l = cpuid(4, i)).eax & 31; i++)
		print("cache level %d type %d, %d KiB\n", l.eax >> 5 & 7, l.eax & 31,
		      ((l.ebx >> 22) + 1) * ((l.ebx & 0xfff) + 1) * (l.ecx + 1) / 1024);
	/* Many ask for it without looking at leaf 0. */
	l = cpuid(7, 0);
	print("structured features: %x %x %x %x\n", l.eax, l.ebx, l.ecx, l.edx);
	l = cpuid(0x80000000, 0);
	print("extended %x, ", l.eax);
	l = cpuid(0x80000008, 0);
	print("physical %d, linear %d\n", l.eax & 255, l.eax >> 8 & 255);
	GO(3, "pushfd; xor dword ptr [esp], 0x200000; popfd; pushfd; pop eax; and eax, 0x200000; push 2; popfd");
}

void test(void)
{
	rt_flag_mask = 0;
	set_gdt(CS1, desc(0, 0xfffff, 0xc0bb));
	set_gdt(DS1, desc(0, 0xfffff, 0xc0b3));
	set_gdt(FLAT, desc(0, 0xfffff, 0xc09b));
	set_gdt(FLAT + 8, desc(0, 0xfffff, 0xc093));
	set_gdt(FLAT + 16, desc(0, 0xfffff, 0xc0fb));
	set_gdt(FLAT + 24, desc(0, 0xfffff, 0xc0f3));
	privileges();
	control();
	msrs();
	fast_calls();
	identification();
}
