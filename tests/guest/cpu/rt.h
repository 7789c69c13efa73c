/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every guest of this folder is linked with: descriptor tables, a trap
 * for every vector, and one primitive.
 *
 * run(&s) loads a whole CPU state, runs from there until any exception or
 * interrupt arrives (a fragment ends with `int 0x90`), and stores the whole
 * state back.  The privilege level, V86 mode and odd stacks are only values
 * in that state, and running it again goes on where it stopped.  So a test
 * is a table of fragments, and show() prints what each changed.
 *
 * A test is NAME.c with a function test(); NAME.out is what it prints on a
 * processor that does as the manual says. */
#ifndef TESTS_GUEST_CPU_RT_H
#define TESTS_GUEST_CPU_RT_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;
enum { false, true };

enum { KCS = 0x08, KDS = 0x10, UCS = 0x1b, UDS = 0x23, TSS = 0x28,
       TSS2 = 0x30, FREE = 0x38 }; /* FREE and up: for tests */
enum { END = 0x90 };		   /* the vector that ends a fragment */
enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, TF = 256, IF = 512,
       DF = 1024, OF = 2048, IOPL3 = 0x3000, NT = 0x4000, RF = 0x10000,
       VM = 0x20000, AC = 0x40000 };
enum { P = 1, W = 2, U = 4, PWT = 8, A = 32, D = 64, PS = 128, G = 256 };

struct state {
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi, eip, eflags;
	u32 cs, ss, ds, es, fs, gs;
	u32 vec, err, cr2; /* how it stopped */
};

struct tss {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, iomap;
	u8 bits[8193];
};

extern u64 rt_gdt[64], rt_idt[256];
extern struct tss rt_tss, rt_tss2;
extern u8 rt_stack[], rt_ustack[]; /* tops, 8 KiB below each are free */
extern u32 *rt_multiboot;	   /* what the loader left */
extern u32 rt_flag_mask;	   /* the EFLAGS that show() shows */

void test(void);
void run(struct state *s);
/* Known values in all registers, at privilege level 0 or 3, at `code`. */
struct state at(unsigned cpl, u32 code);
void show(const char *name, const struct state *from, const struct state *to);
/* run from at(cpl, code) and show. */
struct state try(const char *name, unsigned cpl, u32 code);
void print(const char *format, ...); /* %s %x (8 digits) %w (4) %b (2) %d */
u64 desc(u32 base, u32 limit, u32 attr); /* attr: type byte, G/B at 12..15 */
u64 gate(u16 sel, u32 offset, u8 attr);
void set_gdt(u16 sel, u64 d);
void fill(void *at, u8 byte, u32 n);
/* Prints a line of hexadecimal bytes. */
void dump(const char *name, const void *at, u32 n);

/* Identity-maps 32 MiB for all, 4 KiB pages, and switches paging on.  pte()
 * is the entry of an address. */
void paging_on(void);
u32 *pte(u32 lin);
u32 *pde(u32 lin);
void invlpg(u32 lin);

#define REG(name)                                                      \
	static inline u32 get_##name(void)                             \
	{                                                              \
		u32 v;                                                 \
		asm volatile("mov %%" #name ", %0" : "=r"(v)::"memory"); \
		return v;                                              \
	}                                                              \
	static inline void set_##name(u32 v)                           \
	{                                                              \
		asm volatile("mov %0, %%" #name ::"r"(v) : "memory");  \
	}
REG(cr0)
REG(cr2)
REG(cr3)
REG(cr4)
static inline void out8(u16 port, u8 v)
{
	asm volatile("outb %0, %1" ::"a"(v), "d"(port));
}
static inline u8 in8(u16 port)
{
	u8 v;

	asm volatile("inb %1, %0" : "=a"(v) : "d"(port));
	return v;
}
static inline u32 peek(u32 a)
{
	return *(volatile u32 *)a;
}
static inline void poke(u32 a, u32 v)
{
	*(volatile u32 *)a = v;
}

/* The address of a fragment of code in Intel's syntax; END follows it. */
#define FRAG(text)                                                           \
	({                                                                   \
		u32 at_;                                                     \
		asm volatile(".pushsection .frag, \"ax\"\n.align 16, 0xcc\n"  \
			     "771: .intel_syntax noprefix\n" text            \
			     "\n.att_syntax prefix\nint $0x90\n"             \
			     ".popsection\nmovl $771b, %0"                   \
			     : "=r"(at_));                                   \
		at_;                                                         \
	})
/* One line of a test: a fragment, its text its name. */
#define TRY(cpl, text) try(text, cpl, FRAG(text))

#endif
