/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What generator, native runner and guest image agree on.
 *
 * The same bytes run at the same linear addresses in a 32-bit process of this
 * host and in ring 3 of a guest.  A block starts from a state of the image,
 * touches nothing but the arena, and ends in a jump to the gate page (which
 * each runner writes) or in an exception.  What it left behind is folded into
 * one number per block. */
#ifndef TESTS_DIFF_LAYOUT_H
#define TESTS_DIFF_LAYOUT_H

#include <stdint.h>

enum {
	ARENA = 0x01000000, /* data; the last page is the blocks' stack */
	ARENA_SIZE = 0x4000,
	STACK = ARENA + ARENA_SIZE - 0x400, /* initial esp */
	GATE = 0x01010000,  /* struct gate, then the code that leaves a block */
	IMAGE = 0x02000000, /* struct image */
	FX_POOL = 64,
	RUNS = 2, /* each block runs from this many states */
	MAGIC = 0x46464944
};

/* The page behind the arena. */
enum { MISSING, READ_ONLY, SUPERVISOR, DEVICE, SPECIAL_KINDS };
/* Device memory that holds what is written (core/dev/testdev.c), memory to a
 * process.  So much of it is as the arena before each run; blocks write
 * nothing else of it. */
enum { DEVICE_AT = 0xff000000, DEVICE_USED = 192 };

/* What a block starts from and ends with; order of regs as in PUSHA's numbers
 * (eax ecx edx ebx esp ebp esi edi). */
struct state {
	uint32_t regs[8];
	uint32_t eflags;
};

struct result {
	struct state s;
	uint32_t vector; /* NO_FAULT, or the exception that ended the block */
	uint32_t error, eip; /* with it; eip is 0 without one */
	uint32_t arena;      /* checksum */
	uint32_t address;    /* of a page fault */
	uint8_t fx[512] __attribute__((aligned(16)));
};
enum { NO_FAULT = 0xff };

struct block {
	uint32_t code;       /* linear address */
	uint32_t flags_mask; /* the arithmetic flags that are defined at its end
			      */
	uint32_t fx[RUNS];   /* index into fx */
	uint32_t special;    /* what the page behind the arena is */
	struct state start[RUNS];
};

struct image {
	uint32_t magic, count, insns;
	uint32_t unlike; /* this host's processor is not as the guest's */
	uint8_t fx[FX_POOL][512] __attribute__((aligned(16)));
	uint8_t arena[ARENA_SIZE];
	struct block blocks[]; /* then the code */
};

/* The gate page, reached by absolute addresses from anywhere. */
struct gate {
	struct result r;
};
enum { GATE_CODE = GATE + 0x800 };

#endif
