/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest of a few page tables, for the tests of windows.
 *
 * reach() does what translated code does: it touches the window, and when
 * the host faults asks window_miss() and goes on by its answer.  So what is
 * asserted is what a guest would see, and whether a fault was needed. */
#ifndef TESTS_UNIT_MEM_WINDOW_FIXTURE_H
#define TESTS_UNIT_MEM_WINDOW_FIXTURE_H

#include "core/mem/window_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum {
	RAM = 64 << 20,
	DIR = 0x1000,
	DIR2 = 0x2000,
	PDPT = 0x3000,   /* PAE: then 4 directories */
	TABLE = 0x10000, /* next tables follow */
	ROM_AT = 0xf0000,
};
enum { READ, WRITE };
#define RWU (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define RWS (PTE_P | PTE_RW | PTE_A | PTE_D)

extern struct cpu cpu;
extern struct mem *mem;
extern unsigned misses; /* of the last reach() */
extern unsigned told;   /* calls of the hook `unmapped`, and the last one's */
extern gla_t told_lin;
extern u32 told_len;

/* Directory DIR loaded, in which TABLE maps 0-4M for the user and the next
 * page C0000000h for the kernel; both empty. */
int set_up(void **state);
int tear_down(void **state);

u8 *in_window(enum window_kind kind, gla_t lin);
enum window_fill reach(gla_t lin, int write, enum window_kind kind);
/* Nothing more than a host access: is it mapped? */
bool mapped(gla_t lin, int write, enum window_kind kind);

u32 *word(gpa_t gpa);
u64 *quad(gpa_t gpa);
void set_pde(gpa_t dir, gla_t lin, u32 v);
void set_pte(gpa_t table, gla_t lin, u32 v);
void mode(u32 cr4); /* paging on */
void load_cr3(u32 cr3);

#define FILLS(lin, write, kind) \
	assert_int_equal(reach(lin, write, kind), WINDOW_FILLED)
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
