/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same transfer between levels again and again, by INT, exception, IRET,
 * SYSENTER and SYSEXIT, then once more with one thing changed that it depends
 * on: a byte of a gate or a descriptor, a table, a field of the TSS, a page, a
 * flag.  The change shows at once; and what is put back does, too. */
#include "rt.h"

enum { KC = FREE, UC = (FREE + 8) | 3, US = (FREE + 16) | 3, KS = FREE + 24,
       CALL = 0x82, WARM = 4 };
/* CALL has another place than END has in the table of known gates. */
enum { STACK = 0x1800000, PAGE = 0x1810000, OTHER = 0x1811000, IDT = 0x1812000,
       GDT = 0x1813000 };

/* What the handler found: itself, SS, flags, ESP, and the words from there. */
u32 saw_which, saw_ss, saw_flags, saw_esp, saw_frame[6], saw_count;
u32 saw_error; /* of #TS and #SS, which come at level 3 */
void entry_one(void), entry_two(void), entry_error(void), entry_user(void);
void mend_stack(void);

asm(".text\n"
    "entry_two: movl $2, saw_which\n"
    "	jmp 1f\n"
    "entry_one: movl $1, saw_which\n"
    "1:	incl saw_count\n"
    "	mov %esp, saw_esp\n"
    "	mov %ss, saw_ss\n"
    "	pushl %eax\n"
    "	pushf\n"
    "	popl saw_flags\n"
    "	mov 4(%esp), %eax\n"
    "	mov %eax, saw_frame\n"
    "	mov 8(%esp), %eax\n"
    "	mov %eax, saw_frame + 4\n"
    "	mov 12(%esp), %eax\n"
    "	mov %eax, saw_frame + 8\n"
    "	mov 16(%esp), %eax\n"
    "	mov %eax, saw_frame + 12\n"
    "	mov 20(%esp), %eax\n"
    "	mov %eax, saw_frame + 16\n"
    "	popl %eax\n"
    "	iret\n"
    "entry_user: popl saw_error\n"
    "	call mend_stack\n"
    "	int $0x90\n"
    "entry_error: movl $4, saw_which\n"
    "	mov %esp, saw_esp\n"
    "	incl saw_count\n"
    "	pushl %eax\n"
    "	mov 8(%esp), %eax\n"
    "	mov %eax, saw_frame\n"
    "	mov 16(%esp), %eax\n"
    "	mov %eax, saw_frame + 4\n"
    "	popl %eax\n"
    "	addl $4, %esp\n"
    "	incl (%esp)\n" /* behind HLT */
    "	iret");

static struct state s;

/* Level 0's stack cannot be used, not even to say so. */
void mend_stack(void)
{
	rt_tss.ss0 = KS;
	set_gdt(KS, desc(0, 0xfffff, 0xc093));
}

static void lidt(u32 base, u16 limit)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) t = {limit, base};

	asm volatile("lidt %0" ::"m"(t) : "memory");
}

static void lgdt(u32 base, u16 limit)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) t = {limit, base};

	asm volatile("lgdt %0" ::"m"(t) : "memory");
}

static void ltr(u16 sel)
{
	rt_gdt[sel >> 3] &= ~(2ull << 40); /* not busy */
	asm volatile("ltr %w0" ::"r"((u32)sel));
}

static u64 own[2]; /* gates of #TS and #SS that lead to level 0 */

/* All as it is at first. */
static void put_back(void)
{
	static bool begun;

	rt_idt[CALL] = gate(KC, (u32)entry_one, 0xee);
	set_gdt(KC, desc(0, 0xfffff, 0xc09b));
	set_gdt(UC, desc(0, 0xfffff, 0xc0fb));
	set_gdt(US, desc(0, 0xfffff, 0xc0f3));
	if (!begun) {
		own[0] = rt_idt[10];
		own[1] = rt_idt[12];
	}
	rt_idt[10] = rt_idt[12] = gate(UC, (u32)entry_user, 0x8e);
	saw_error = ~0u;
	mend_stack();
	rt_tss.esp0 = STACK;
	rt_tss2 = rt_tss;
	rt_tss2.esp0 = STACK + 0x800;
	if (begun) {
		*pte(PAGE) = PAGE | P | W | U;
		*pte(OTHER) = OTHER | P | W | U;
		invlpg(PAGE);
		invlpg(OTHER);
		lgdt((u32)rt_gdt, 511);
		lidt((u32)rt_idt, 2047);
		ltr(TSS);
	}
	begun = true;
}

static void copy(u32 to, const u64 *from, u32 n)
{
	for (u32 i = 0; i < n; i++)
		((volatile u64 *)to)[i] = from[i];
}

/* ---- what is changed ---- */

#define CHANGE(name, what) \
	static void name(void) { what; }
#define GATE(name, sel, entry, attr) \
	CHANGE(name, rt_idt[CALL] = gate(sel, (u32)entry, attr))
#define CODE(name, limit, attr) CHANGE(name, set_gdt(KC, desc(0, limit, attr)))

CHANGE(nothing, (void)0)
GATE(gate_offset, KC, entry_two, 0xee)
GATE(gate_trap, KC, entry_one, 0xef)
GATE(gate_dpl, KC, entry_one, 0x8e)
GATE(gate_absent, KC, entry_one, 0x6e)
GATE(gate_call, KC, entry_one, 0xec)
GATE(gate_null, 0, entry_one, 0xee)
GATE(gate_user, UC, entry_one, 0xee)
GATE(gate_data, KS, entry_one, 0xee)
CODE(code_absent, 0xfffff, 0xc01b)
CODE(code_limit, 0xf, 0xc09b)
CODE(code_data, 0xfffff, 0xc093)
CODE(code_dpl3, 0xfffff, 0xc0fb)
CODE(code_unused, 0xfffff, 0xc09a)
CHANGE(tss_esp0, rt_tss.esp0 = STACK + 0x100)
CHANGE(tss_odd, rt_tss.esp0 = STACK + 0x102)
CHANGE(tss_edge, rt_tss.esp0 = STACK + 0x1008)
CHANGE(tss_ss0, rt_tss.ss0 = KDS)
CHANGE(tss_ss0_user, rt_tss.ss0 = US)
CHANGE(tss_ss0_null, rt_tss.ss0 = 0)
CHANGE(stack_absent, set_gdt(KS, desc(0, 0xfffff, 0xc013)))
CHANGE(stack_read_only, set_gdt(KS, desc(0, 0xfffff, 0xc091)))
CHANGE(stack_limit, set_gdt(KS, desc(0, 0xff, 0xc093)))
CHANGE(stack_base, set_gdt(KS, desc(0x1000, 0xfffff, 0xc093)))
CHANGE(by_ltr, ltr(TSS2))
CHANGE(idt_limit, lidt((u32)rt_idt, CALL * 8 + 6))
CHANGE(gdt_limit, lgdt((u32)rt_gdt, KC - 1))

static void by_lidt(void)
{
	copy(IDT, rt_idt, 256);
	((u64 *)IDT)[CALL] = gate(KC, (u32)entry_two, 0xee);
	lidt(IDT, 2047);
}

static void by_lgdt(void)
{
	copy(GDT, rt_gdt, 64);
	((u64 *)GDT)[KC >> 3] = desc(0, 0xfffff, 0xc01b);
	lgdt(GDT, 511);
}

static void idt_at_page(void)
{
	copy(PAGE, rt_idt, 256);
	lidt(PAGE, 2047);
}

/* The IDT's page becomes another one. */
static void by_invlpg(void)
{
	copy(OTHER, rt_idt, 256);
	((u64 *)OTHER)[CALL] = gate(KC, (u32)entry_two, 0xee);
	*pte(PAGE) = OTHER | P | W | U;
	invlpg(PAGE);
}

static void by_cr3(void)
{
	copy(OTHER, rt_idt, 256);
	((u64 *)OTHER)[CALL] = gate(KC, (u32)entry_two, 0xee);
	*pte(PAGE) = OTHER | P | W | U;
	set_cr3(get_cr3());
}

CHANGE(stack_at_page, rt_tss.esp0 = PAGE + 0x800)

static void stack_moved(void)
{
	fill((void *)PAGE, 0, 4096);
	fill((void *)OTHER, 0, 4096);
	*pte(PAGE) = OTHER | P | W | U;
	invlpg(PAGE);
}

/* The next page is not the next in memory. */
static void stack_before_edge(void)
{
	*pte(OTHER) = GDT | P | W | U;
	invlpg(OTHER);
	rt_tss.esp0 = OTHER;
}

CHANGE(stack_at_edge, rt_tss.esp0 = OTHER + 8)

/* ---- into the kernel ---- */

static void user(u32 level, u32 code)
{
	s = at(level, code);
	if (level) {
		s.cs = UC;
		s.ss = s.ds = s.es = s.fs = s.gs = US;
	}
}

static void told(const char *name, u32 code)
{
	print("%s:", name);
	if (~saw_error) {
		print(" error %w at level 3\n", saw_error);
		return;
	}
	if (s.vec != END) {
		print(" vector %b error %w at +%b\n", s.vec, s.err & 0xffff,
		      s.eip - code);
		return;
	}
	print(" %d to %d, ss %w esp %x flags %x, frame +%b %w %x %x %w\n",
	      saw_count, saw_which, saw_ss & 0xffff, saw_esp,
	      saw_flags & rt_flag_mask, saw_frame[0] - code, saw_frame[1],
	      saw_frame[2] & rt_flag_mask, saw_frame[3], saw_frame[4] & 0xffff);
}

/* Often, often after the change, often when all is put back. */
static void row(const char *name, void (*first)(void), void (*change)(void),
		u32 level, u32 flags)
{
	u32 code = FRAG("1: int 0x82; dec ebx; jnz 1b");

	for (u32 round = 0; round < 3; round++) {
		put_back();
		first();
		if (round == 1)
			change();
		user(level, code);
		s.ebx = WARM;
		s.eflags = round == 1 ? flags : 2;
		saw_count = 0;
		run(&s);
		if (round == 1)
			told(name, code);
		else if (s.vec != END || saw_count != WARM || saw_which != 1)
			print("round %d: vector %b, %d to %d\n", round, s.vec,
			      saw_count, saw_which);
	}
}
#define ROW(change) row(#change, nothing, change, 3, IF)

/* What level 0 may call, and has called, level 3 may not. */
static void from_both_levels(void)
{
	u32 code = FRAG("mov ecx, 4; 1: int 0x82; loop 1b");

	put_back();
	gate_dpl();
	for (u32 level = 0; level <= 3; level += 3) {
		user(level, code);
		saw_count = 0;
		run(&s);
		print("gate of level 0 from %d: vector %b, %d calls\n", level,
		      s.vec, saw_count);
	}
}

static void interrupts(void)
{
	ROW(nothing);
	ROW(gate_offset);
	ROW(gate_trap);
	ROW(gate_dpl);
	ROW(gate_absent);
	ROW(gate_call);
	ROW(gate_null);
	ROW(gate_user);
	ROW(gate_data);
	ROW(code_absent);
	ROW(code_limit);
	ROW(code_data);
	ROW(code_dpl3);
	ROW(code_unused);
	print("code is marked accessed: %b\n", (u8)(rt_gdt[KC >> 3] >> 40));
	ROW(tss_esp0);
	ROW(tss_odd);
	ROW(tss_edge);
	ROW(tss_ss0);
	ROW(tss_ss0_user);
	ROW(tss_ss0_null);
	ROW(stack_absent);
	ROW(stack_read_only);
	ROW(stack_limit);
	ROW(stack_base);
	ROW(by_ltr);
	ROW(idt_limit);
	ROW(gdt_limit);
	ROW(by_lidt);
	ROW(by_lgdt);
	row("by_invlpg", idt_at_page, by_invlpg, 3, IF);
	row("by_cr3", idt_at_page, by_cr3, 3, IF);
	row("stack_moved", stack_at_page, stack_moved, 3, IF);
	row("stack_at_edge", stack_before_edge, stack_at_edge, 3, IF);
	row("df", nothing, nothing, 3, IF | DF | CF | OF | SF);
	row("nt", nothing, nothing, 3, IF | NT);
	row("ac", nothing, nothing, 3, IF | AC);
	row("rf", nothing, nothing, 3, IF | RF);
	row("iopl", nothing, nothing, 3, IF | IOPL3);
	row("id", nothing, nothing, 3, 0x200000);
	row("same level", nothing, nothing, 0, 0);
	row("same level, gate's dpl", nothing, gate_dpl, 0, 0);
	row("same level, offset", nothing, gate_offset, 0, CF);
	from_both_levels();
}

/* #GP of user code, whose handler steps over the HLT. */
static void exceptions(void)
{
	u32 code = FRAG("1: hlt; dec ebx; jnz 1b");
	u64 before = rt_idt[13];

	for (u32 i = 0; i < 3; i++) {
		put_back();
		rt_idt[13] = gate(KC, (u32)entry_error, 0x8e);
		if (i == 1)
			set_gdt(KC, desc(0, 0xfffff, 0xc01b));
		user(3, code);
		s.eflags = IF;
		s.ebx = WARM;
		saw_count = 0;
		run(&s);
		print("hlt: vector %b, %d to %d, esp %x, eip +%b rf %d\n",
		      s.vec, saw_count, saw_which, saw_esp,
		      saw_frame[0] - code, saw_frame[1] >> 16 & 1);
	}
	put_back();
	rt_idt[13] = before;
}

/* ---- and out again ---- */

static u32 out_frame[5];

/* IRET from a frame that is made of out_frame, on the stack at esp. */
static u32 out_code(void)
{
	return FRAG("push [edx + 16]; push [edx + 12]; push [edx + 8];"
		    "push [edx + 4]; push [edx]; mov ds, di; iretd");
}

static void leave(const char *name, void (*change)(void), u32 word, u32 value,
		  u32 data)
{
	u32 target = FRAG("nop"), code = out_code();

	for (u32 round = 0; round < 3; round++) {
		put_back();
		rt_idt[10] = own[0];
		rt_idt[12] = own[1];
		for (u32 i = 0; i <= WARM * (round != 1); i++) {
			u32 frame[5] = {target, UC, IF | CF, (u32)rt_ustack, US};

			for (u32 k = 0; k < 5; k++)
				out_frame[k] = frame[k];
			s = at(0, code);
			s.es = s.fs = s.gs = US; /* which level 3 may keep */
			s.edx = (u32)out_frame;
			s.edi = US;
			if (round == 1) {
				change();
				if (word < 5)
					out_frame[word] = value;
				s.edi = data;
			}
			run(&s);
			if (round != 1 && (s.vec != END || (s.cs & 3) != 3))
				print("round %d: vector %b\n", round, s.vec);
		}
		if (round != 1)
			continue;
		print("%s: vector %b error %w", name, s.vec,
		      s.vec == END || s.vec < 8 ? 0 : s.err & 0xffff);
		if (s.cs & 3)
			print(" cs %w ss %w esp +%b ds %w flags %x", s.cs & 0xffff,
			      s.ss & 0xffff, s.esp - (u32)rt_ustack,
			      s.ds & 0xffff, s.eflags & rt_flag_mask);
		print("\n");
	}
}

CHANGE(user_code_absent, set_gdt(UC, desc(0, 0xfffff, 0xc07b)))
CHANGE(user_code_dpl, set_gdt(UC, desc(0, 0xfffff, 0xc09b)))
CHANGE(user_code_limit, set_gdt(UC, desc(0, 0xf, 0xc0fb)))
CHANGE(user_code_unused, set_gdt(UC, desc(0, 0xfffff, 0xc0fa)))
CHANGE(user_stack_absent, set_gdt(US, desc(0, 0xfffff, 0xc073)))
CHANGE(user_stack_dpl, set_gdt(US, desc(0, 0xfffff, 0xc093)))
CHANGE(user_stack_read_only, set_gdt(US, desc(0, 0xfffff, 0xc0f1)))
#define LEAVE(change) leave(#change, change, 5, 0, UDS)

static void returns(void)
{
	LEAVE(nothing);
	LEAVE(user_code_absent);
	LEAVE(user_code_dpl);
	LEAVE(user_code_limit);
	LEAVE(user_code_unused);
	print("code is marked accessed: %b\n", (u8)(rt_gdt[UC >> 3] >> 40));
	LEAVE(user_stack_absent);
	LEAVE(user_stack_dpl);
	LEAVE(user_stack_read_only);
	leave("another cs", nothing, 1, UCS, UDS);
	leave("cs of the kernel", nothing, 1, KC | 3, UDS);
	leave("cs null", nothing, 1, 3, UDS);
	leave("upper half of cs", nothing, 1, 0xabcd0000 | UC, UDS);
	leave("another ss", nothing, 4, UDS, UDS);
	leave("ss with another rpl", nothing, 4, US & ~3, UDS);
	leave("ss null", nothing, 4, 3, UDS);
	leave("ds of the kernel", nothing, 5, 0, KDS);
	leave("ds null", nothing, 5, 0, 2);
	leave("iopl and id", nothing, 2, 0x203000, UDS);
	leave("nt", nothing, 2, NT | OF, UDS);
	leave("ac", nothing, 2, AC, UDS);
	leave("rf", nothing, 2, RF, UDS);
	leave("df", nothing, 2, DF | ZF, UDS);
	leave("esp", nothing, 3, (u32)rt_ustack - 0x20, UDS);
	put_back();
}

/* An interrupt that waits comes as soon as the frame's IF allows it. */
static void interrupt_waits(void)
{
	u32 code = FRAG("mov ecx, 6; 1: pushfd; push 0x38; push offset 2f;"
			"or dword ptr [esp + 8], 0x200; cmp ecx, 1; jne 3f;"
			"mov dword ptr [0xfee00300], 0x40031;"
			"3: iretd; nop; 2: cli; dec ecx; jnz 1b");
	u32 user_code = FRAG("1: int 0x82; dec ebx; jnz 1b");

	rt_idt[0x31] = gate(KC, (u32)entry_two, 0x8e);
	s = at(0, code);
	saw_count = saw_which = 0;
	run(&s);
	print("waits for IRET: vector %b, %d to %d, back to cli %d\n", s.vec,
	      saw_count, saw_which, *(u8 *)saw_frame[0] == 0xfa);
	poke(0xfee000b0, 0); /* EOI */
	user(3, user_code);
	s.ebx = WARM;
	s.eflags = 2;
	saw_count = 0;
	run(&s);
	poke(0xfee00300, 0x40031);
	print("waits without IF: %d to %d\n", saw_count, saw_which);
	user(3, user_code);
	s.ebx = 1;
	s.eflags = IF;
	saw_count = 0;
	run(&s);
	print("and comes with it: %d, last to %d, vector %b\n", saw_count,
	      saw_which, s.vec);
}

/* ---- SYSENTER, SYSEXIT ---- */

static void set_msr(u32 number, u32 value)
{
	asm volatile("wrmsr" ::"c"(number), "a"(value), "d"(0));
}

static void fast_calls(void)
{
	u32 exits = FRAG("inc esi; sysexit");
	u32 other = FRAG("add esi, 16; mov edi, esp; sysexit");
	u32 code = FRAG("1: mov ecx, esp; lea edx, 2f; sysenter; 2: dec ebx; jnz 1b");
	static const struct {
		const char *name;
		u32 msr, value;
	} rows[] = {
		{"the same", 0x174, KCS},
		{"no segment", 0x174, 0},
		{"its rpl", 0x174, KCS | 3},
		{"stack", 0x175, STACK + 64},
		{"target", 0x176, 0},
	};

	for (u32 i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (u32 round = 0; round < 3; round++) {
			set_msr(0x174, KCS);
			set_msr(0x175, STACK);
			set_msr(0x176, exits);
			if (round == 1)
				set_msr(rows[i].msr,
					rows[i].value ? rows[i].value
					: i == 4      ? other
						      : 0);
			s = at(3, code);
			s.ebx = round == 1 ? 1 : WARM;
			s.esi = s.edi = 0;
			s.eflags = round == 1 ? IF | CF | OF : 2;
			run(&s);
			if (round == 1)
				print("%s: vector %b error %w esi %x edi %x cs %w ss %w flags %x\n",
				      rows[i].name, s.vec,
				      s.vec == END ? 0 : s.err, s.esi, s.edi,
				      s.cs & 0xffff, s.ss & 0xffff,
				      s.eflags & rt_flag_mask & ~(u32)AF);
			else if (s.vec != END || s.esi != WARM)
				print("round %d: vector %b, %d calls\n", round,
				      s.vec, s.esi);
		}
}

void test(void)
{
	put_back();
	paging_on();
	put_back();
	interrupts();
	exceptions();
	returns();
	rt_idt[0xff] = gate(KC, (u32)entry_two, 0x8e);
	*pde(0xfee00000) = 0xfec00000 | P | W | PS;
	set_cr4(get_cr4() | 16);
	set_cr3(get_cr3());
	poke(0xfee000f0, 0x1ff);
	interrupt_waits();
	fast_calls();
}
