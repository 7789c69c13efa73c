/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the parts of the supervisor's differential test.
 *
 * A trial is a random world (descriptors, gates, stacks, flags), a start
 * state in it and a short random fragment of code; run() of tests/guest/cpu
 * runs it until an exception or `int 0x90`, and all that it changed is folded
 * into a number.  main.c keeps the trials, world.c makes worlds and places
 * code in them, the other files are a family of trials each.
 *
 * The same image is run by two engines.  Where QEMU's TCG is known not to do
 * as the manual says, a trial stays away from the place; a comment that
 * begins with "TCG:" says which. */
#ifndef TESTS_DIFF_RING0_RING0_H
#define TESTS_DIFF_RING0_RING0_H

#include "tests/guest/cpu/rt.h"

/* Selectors.  Code and data of the four levels, 16-bit code of the four
 * levels with CODE as its base, and from RANDOM on what chance makes. */
enum { LDT = 0x38, CS1 = 0x40, DS1 = 0x48, CS2 = 0x50, DS2 = 0x58,
       SMALL = 0x60, RANDOM = 0x80, RANDOM_END = 0x140, OUTSIDE = 0x200 };
/* Linear addresses, all mapped to themselves.  A 32-bit EIP that was popped
 * from a 16-bit frame is selector * 64K + something: none of those may be
 * mapped, but for code in CODE, which is above all selectors in use. */
enum { LOW = 0x20000, CODE = 0x1508000, CELLS = CODE + 0x800,
       DATA = 0x1600000, DATA_SIZE = 0x200, STACKS = 0x1710000,
       STACK_SIZE = 0x1000, STACK_TOP = 0x800, STACK_USED = 0xc0,
       STACK_ABOVE = 0x40 };
enum { ES, CS, SS, DS, FS, GS, SEGS };
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { GATES = 0x40, GATE_COUNT = 32 }; /* vectors with random gates */

/* What a descriptor says. */
struct view {
	u32 base, lo, hi; /* valid offsets, inclusive; none if lo > hi */
	u8 access;	  /* P, DPL, S, type */
	bool wide;	  /* D or B */
};

/* A family of trials.  All but make() may be null. */
struct family {
	const char *name;
	void (*make)(void);
	void (*normalize)(void); /* takes out of now.to what may differ */
	bool (*stopped)(void);	 /* sees now.to; run on? */
	void (*done)(void);	 /* folds more, puts back what make() changed */
};
extern const struct family segments, transfers, tasks, flags, virtual86, ports,
	paging, paging_pae;

struct trial {
	struct state from, to;
	unsigned cpl;
	bool small;  /* code is 16 bits wide */
	u32 cs_base; /* of the code that is written */
	u32 start;   /* of that code, linear */
	u8 *p;	     /* where it goes on */
	u32 cell;    /* the next free word of CELLS */
	u32 hash;
};
extern struct trial now;
extern bool showing;
extern u64 ldt[16];

/* chance */
u32 rnd(u32 n);
bool one_in(u32 n);
u32 word(void); /* any 32 bits, with a liking for edges */

/* main.c */
void fold(u32 v);
/* Folds `v`, and shows it under that name if it is not what is usual. */
void fold_named(const char *name, u32 v, u32 usual);

/* world.c: descriptors */
void world_prepare(void); /* once */
void world_clear(void);	  /* of the code of earlier groups */
/* Makes descriptors, gates and stacks anew.  TCG marks neither code nor stack
 * segments as accessed when control is transferred to them (SDM 3A 3.4.5.1),
 * so where that happens they all are from the beginning. */
void world_new(bool accessed);
struct view view_of(u64 d);
bool view_is_code(const struct view *v);
bool view_is_data(const struct view *v);
bool view_is_writable(const struct view *v);
unsigned view_dpl(const struct view *v);
/* The descriptor behind a selector, whatever the table's limit. */
u64 descriptor(u16 sel);
u16 any_selector(void);
u16 random_slot(void);
void note_selector(u16 sel);
u32 vm86_vector(void); /* one of GATES for INT n in virtual-8086 mode */
/* ESP for a stack of that level, as seen through a segment's base. */
u32 stack_offset(unsigned level, u32 base);
/* Has the segment room for a stack of that level there? */
bool stack_fits(const struct view *v, unsigned level);
/* A selector for SS at `level`: if it can be loaded, there is a stack. */
u16 stack_selector(unsigned level);
u16 level_cs(unsigned level);
u16 level_ds(unsigned level);
/* The start state: at `cpl`, in 16-bit code or not. */
void start(unsigned cpl, bool small);

/* world.c: code */
void b1(u32 v);
void b2(u32 v);
void b4(u32 v);
void opsize(unsigned size); /* the prefixes that size needs here */
void addrsize(unsigned size);
void mov_imm(unsigned reg, u32 v);
void push_imm(u32 v, unsigned size);
/* Two words in CELLS; and ModRM for them, through CS; the opcode's bytes are
 * given in between. */
u32 cell(u32 a, u32 b);
void cell_op(u32 at, unsigned size, u32 opcode, unsigned reg);
void filler(void); /* an instruction that is nothing special */
void end(void);
u32 here(void); /* the offset of the next byte in its segment */
/* A fragment to end up in, by its linear address. */
u32 tail(void);
/* The same, but none that returns, unless the segment has no limit. */
u32 tail_for(const struct view *code);

/* flags.c, for the others */
void flag_op(void);

#endif
