/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the generator's parts: gen.c keeps what is known and builds
 * operands, insns.c chooses what comes next, integer.c integer instructions,
 * media.c the x87, MMX and SSE ones, rows.c any row of the table, host.c what
 * the host's processor is like. */
#ifndef TESTS_DIFF_GEN_H
#define TESTS_DIFF_GEN_H

#include <stdbool.h>

#include "core/x86/bits.h"
#include "tests/diff/layout.h"

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };
enum { ARITH = CF | PF | AF | ZF | SF | OF };
enum {
	INT = 1, /* kinds of instruction */
	STACK_OPS = 2,
	STRING = 4,
	FLOW = 8,
	X87 = 16,
	MMX = 32,
	SSE = 64,
	FAULT = 128,
	ALL = 255,
	ROWS = 256 /* by itself: needs paging */
};

struct context {
	bool known[8];
	uint32_t lo[8], hi[8]; /* inclusive, in every run */
	uint32_t undefined;    /* flags */
	uint32_t classes;
	uint8_t pinned; /* registers that must keep their interval */
	bool no_stack;  /* esp must not move: in a body that may be skipped */
	bool in_call;   /* nothing may be written near esp */
};

extern struct context now;
extern uint8_t *p;

uint32_t rnd(uint32_t n);
bool one_in(uint32_t n);
uint32_t value(void);
void b1(uint32_t v);
void b2(uint32_t v);
void b4(uint32_t v);
uint32_t here(void);

void know(int r, uint32_t lo, uint32_t hi);
void forget(int r, int size);
bool may_write(int r, int size);
int pick(int size);
int target(int size);
void undefined(uint32_t flags);
void defined(uint32_t flags);
void need_flags(void);

void mem(int reg, int size, int align);
void mem_abs(int reg, uint32_t at);
void segment_prefix(void);

uint32_t class_named(const char *name);
uint32_t class_mix(uint32_t allowed);
int instruction(void); /* how many were made */

/* integer.c */
int wide_prefix(void); /* the size, 2 or 4 */
void imm(int size, uint32_t v);
void integer(void);
void pointer(void); /* makes an interval known again */

/* media.c */
void x87(void);
void media(bool mmx);

/* host.c */
bool host_is_unlike(void); /* the guest, in what a processor may choose */

/* rows.c */
struct opcode;
enum { ROW_PLACES = 8 };
extern unsigned row_made, row_place, row_next; /* of the block made last */
/* A block whose special page is of that kind, or missing if it was to be a
 * device's and no operand is there: to look at a device takes long. */
unsigned row(unsigned special);
/* Was it an x87 store, which an unmasked exception may keep from storing? */
bool row_may_store_nothing(void);
/* What tests the row instead; NULL: this does. */
const char *row_elsewhere(const struct opcode *o);

#endif
