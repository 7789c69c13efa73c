/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows: filling them by misses, and what flushes take away. */
/* LINK: tests/unit/mem_window_fixture.o core/mem/ram.o core/mem/walk.o core/mem/tlb.o core/mem/window.o core/mem/window_map.o core/mem/window_fill.o core/mem/window_sync.o core/mem/window_told.o core/base/err.o core/base/check.o */
#include "tests/unit/mem_window_fixture.h"

/* ---- filling ---- */

static void fill_sets_accessed_and_dirty(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | PTE_P | PTE_RW | PTE_US);
	set_pde(DIR, 0, TABLE | PTE_P | PTE_RW | PTE_US);
	mem->ram[0x200123] = 42;
	FILLS(0x5123, READ, WINDOW_USER);
	assert_int_equal(*in_window(WINDOW_USER, 0x5123), 42);
	assert_int_equal(word(DIR)[0] & (PTE_A | PTE_D), PTE_A);
	assert_int_equal(word(TABLE)[5] & (PTE_A | PTE_D), PTE_A);
	assert_false(mapped(0x5123, WRITE, WINDOW_USER));
	FILLS(0x5123, WRITE, WINDOW_USER);
	assert_int_equal(misses, 1);
	assert_int_equal(word(TABLE)[5] & (PTE_A | PTE_D), PTE_A | PTE_D);
	*in_window(WINDOW_USER, 0x5fff) = 7;
	assert_int_equal(mem->ram[0x200fff], 7);
	/* Our own A and D are no change. */
	load_cr3(DIR);
	assert_true(mapped(0x5123, WRITE, WINDOW_USER));
	assert_int_equal(told, 0);
}

static void faults_have_codes(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | PTE_P | PTE_US | PTE_A);
	set_pte(TABLE + 0x1000, 0xc0005000, 0x300000 | RWS);
	cpu.cpl = 3;
	assert_int_equal(reach(0x6000, WRITE, WINDOW_USER), WINDOW_FAULT);
	assert_int_equal(cpu.exc.error, PF_U | PF_W);
	assert_int_equal(cpu.exc.cr2, 0x6000);
	assert_int_equal(reach(0x5004, WRITE, WINDOW_USER), WINDOW_FAULT);
	assert_int_equal(cpu.exc.error, PF_P | PF_U | PF_W);
	assert_int_equal(reach(0xc0005000, READ, WINDOW_USER), WINDOW_FAULT);
	assert_int_equal(cpu.exc.error, PF_P | PF_U);
	FILLS(0x5004, READ, WINDOW_USER);
	cpu.cpl = 0;
	assert_int_equal(reach(0x5004, WRITE, WINDOW_USER), WINDOW_FAULT);
	assert_int_equal(cpu.exc.error, PF_P | PF_W);
	assert_int_equal(reach(0x6000, READ, WINDOW_SUPERVISOR), WINDOW_FAULT);
	assert_int_equal(cpu.exc.error, 0);
}

static void kinds_do_not_mix(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	set_pte(TABLE, 0x6000, 0x201000 | RWS);
	set_pte(TABLE + 0x1000, 0xc0005000,
		0x300000 | RWU); /* PDE has no U/S */
	assert_int_equal(reach(0x5000, READ, WINDOW_SUPERVISOR), WINDOW_OTHER);
	assert_int_equal(reach(0x6000, READ, WINDOW_USER), WINDOW_OTHER);
	assert_int_equal(reach(0xc0005000, READ, WINDOW_USER), WINDOW_OTHER);
	FILLS(0x5000, WRITE, WINDOW_USER);
	FILLS(0x6000, WRITE, WINDOW_SUPERVISOR);
	FILLS(0xc0005000, WRITE, WINDOW_SUPERVISOR);
	assert_false(mapped(0x6000, READ, WINDOW_USER));
	assert_false(mapped(0x5000, READ, WINDOW_SUPERVISOR));
}

static void some_pages_are_soft(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0xfee00000 | RWU); /* nothing */
	set_pte(TABLE, 0x6000, ROM_AT | RWU);
	set_pte(TABLE, 0x7000, 0x200000 | RWU);
	set_pte(TABLE, 0x8000, 0x202000 | RWU);
	mem_protect_rom(mem, ROM_AT, 0x1000);
	mem_watch(&cpu, 0x7ffc, 4, true, true);
	assert_int_equal(reach(0x5000, READ, WINDOW_USER), WINDOW_SOFT);
	FILLS(0x6000, READ, WINDOW_USER);
	assert_int_equal(reach(0x6000, WRITE, WINDOW_USER), WINDOW_SOFT);
	assert_int_equal(reach(0x7000, READ, WINDOW_USER), WINDOW_SOFT);
	set_pte(TABLE, 0x9000, 0x203000 | RWU);
	set_pte(TABLE, 0xa000, 0x204000 | RWU);
	mem_watch(&cpu, 0x9000, 1, true, true);
	FILLS(0xa000, READ, WINDOW_USER);
	assert_false(mapped(0x9000, READ, WINDOW_USER));
	FILLS(0x8000, READ, WINDOW_USER);
	mem_watch(&cpu, 0x8010, 2, true, true);
	assert_false(mapped(0x8000, READ, WINDOW_USER));
	mem_watch(&cpu, 0x8010, 2, true, false);
	FILLS(0x8000, WRITE, WINDOW_USER);
	/* A page table that is no memory. */
	set_pde(DIR, 0x400000, 0xfee00000 | RWU);
	cpu.exc.pending = false;
	assert_int_not_equal(reach(0x400000, READ, WINDOW_USER), WINDOW_FILLED);
	/* The directory's frame as a page, by a table that is the directory. */
	set_pde(DIR, 0xff800000, DIR | RWS);
	FILLS(0xff800000 | 0x3fe << 12, WRITE, WINDOW_SUPERVISOR);
	load_cr3(DIR);
	assert_true(mapped(0xff800000 | 0x3fe << 12, WRITE, WINDOW_SUPERVISOR));
}

static void write_protect_off(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | PTE_P | PTE_US | PTE_A);
	set_pte(TABLE + 0x1000, 0xc0005000, 0x300000 | PTE_P | PTE_A);
	cpu.cr0 &= ~CR0_WP;
	mem_flush_all(&cpu);
	assert_int_equal(reach(0x5000, WRITE, WINDOW_USER), WINDOW_SOFT);
	FILLS(0xc0005000, WRITE, WINDOW_SUPERVISOR);
	cpu.cr0 |= CR0_WP;
	mem_flush_all(&cpu);
	assert_int_equal(reach(0xc0005000, WRITE, WINDOW_SUPERVISOR),
			 WINDOW_FAULT);
	FILLS(0xc0005000, READ, WINDOW_SUPERVISOR);
}

static void neighbours_come_along(void **state)
{
	u64 before;

	(void)state;
	for (u32 i = 0; i < 32; i++)
		set_pte(TABLE, i << 12, (0x200000 + (i << 12)) | RWU);
	set_pte(TABLE, 0x3000,
		0x203000 | PTE_P | PTE_RW | PTE_US); /* A clear */
	set_pte(TABLE, 0x8000, 0x208000 | RWS);
	set_pte(TABLE, 0x9000, 0x209000 | (RWU & ~PTE_D));
	set_pte(TABLE, 0xb000, 0x400000 | RWU); /* alone */
	before = window_stats(mem)->maps;
	FILLS(0x6000, READ, WINDOW_USER);
	assert_int_equal(window_stats(mem)->maps - before, 3); /* 0-2 4-7 c-f */
	assert_true(mapped(0x0000, WRITE, WINDOW_USER));
	assert_true(mapped(0x4000, WRITE, WINDOW_USER));
	assert_true(mapped(0x7000, WRITE, WINDOW_USER));
	assert_true(mapped(0xf000, WRITE, WINDOW_USER));
	assert_false(mapped(0x3000, READ, WINDOW_USER));
	assert_false(mapped(0x8000, READ, WINDOW_USER));
	assert_false(mapped(0x9000, READ, WINDOW_USER));
	assert_false(mapped(0xb000, READ, WINDOW_USER));
	assert_false(mapped(0x10000, READ, WINDOW_USER));
	FILLS(0x9000, READ, WINDOW_USER);
	assert_false(mapped(0x9000, WRITE, WINDOW_USER));
	assert_int_equal(word(TABLE)[3] & PTE_A, 0);
	/* The block beyond continues the first: one host mapping. */
	FILLS(0x1f000, READ, WINDOW_USER);
	assert_int_equal(*in_window(WINDOW_USER, 0x1f000), mem->ram[0x21f000]);
	assert_int_equal(window_stats(mem)->mappings, 8); /* edges of 4 */
}

/* ---- flushes ---- */

static void stale_until_flushed(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	set_pte(TABLE, 0x6000, 0x300000 | RWU);
	FILLS(0x5000, WRITE, WINDOW_USER);
	FILLS(0x6000, WRITE, WINDOW_USER);
	set_pte(TABLE, 0x5000, 0x201000 | RWU);
	*word(0x200000) = 1;
	*word(0x201000) = 2;
	assert_int_equal(*in_window(WINDOW_USER, 0x5000), 1);
	mem_flush_page(&cpu, 0x6000);
	assert_int_equal(told, 0);
	assert_int_equal(*in_window(WINDOW_USER, 0x5000), 1);
	mem_flush_page(&cpu, 0x5000);
	assert_int_equal(told, 1);
	assert_int_equal(told_lin, 0x5000);
	assert_int_equal(told_len, 0x1000);
	FILLS(0x5000, READ, WINDOW_USER);
	assert_int_equal(*in_window(WINDOW_USER, 0x5000), 2);
	set_pte(TABLE, 0x5000, 0);
	load_cr3(DIR);
	assert_int_equal(told, 2);
	assert_int_equal(reach(0x5000, READ, WINDOW_USER), WINDOW_FAULT);
	assert_true(mapped(0x6000, WRITE, WINDOW_USER));
}

/* A frame replaced unseen: what is known by frame must follow. */
static void frame_changes_at_a_miss(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | (RWU & ~PTE_D));
	set_pte(TABLE, 0x25000, 0x200000 | RWU);
	FILLS(0x25000, WRITE, WINDOW_USER);
	FILLS(0x5000, READ, WINDOW_USER);
	set_pte(TABLE, 0x5000, 0x300000 | RWU);
	FILLS(0x5000, WRITE, WINDOW_USER);
	assert_int_equal(told, 1);
	mem_mark_code(&cpu, 0x200000, true);
	assert_true(mapped(0x5000, WRITE, WINDOW_USER));
	assert_false(mapped(0x25000, WRITE, WINDOW_USER));
	mem_mark_code(&cpu, 0x300000, true);
	assert_false(mapped(0x5000, WRITE, WINDOW_USER));
	assert_int_equal(window_stats(mem)->protects, 2);
}

static void bits_cleared(void **state)
{
	u64 before = window_stats(mem)->protects;

	(void)state;
	for (u32 i = 0; i < 8; i++)
		set_pte(TABLE, i << 12, (0x200000 + (i << 12)) | RWU);
	FILLS(0, WRITE, WINDOW_USER);
	for (u32 i = 2; i < 6; i++) /* as fork does */
		set_pte(TABLE, i << 12,
			(0x200000 + (i << 12)) | (RWU & ~PTE_RW));
	set_pte(TABLE, 0x7000, 0x207000 | (RWU & ~PTE_D));
	set_pte(TABLE, 0x0000, 0x200000 | (RWU & ~PTE_A));
	load_cr3(DIR);
	assert_int_equal(window_stats(mem)->protects - before, 2);
	assert_int_equal(told, 1); /* page 0 only */
	assert_false(mapped(0x0000, READ, WINDOW_USER));
	assert_true(mapped(0x1000, WRITE, WINDOW_USER));
	assert_true(mapped(0x2000, READ, WINDOW_USER));
	assert_false(mapped(0x2000, WRITE, WINDOW_USER));
	assert_false(mapped(0x5000, WRITE, WINDOW_USER));
	assert_true(mapped(0x6000, WRITE, WINDOW_USER));
	assert_false(mapped(0x7000, WRITE, WINDOW_USER));
	FILLS(0x7000, WRITE, WINDOW_USER);
	assert_int_equal(word(TABLE)[7] & PTE_D, PTE_D);
	FILLS(0, READ, WINDOW_USER);
	assert_int_equal(word(TABLE)[0] & PTE_A, PTE_A);
	assert_int_equal(reach(0x3000, WRITE, WINDOW_USER), WINDOW_FAULT);
	/* U/S */
	set_pte(TABLE, 0x6000, 0x206000 | RWS);
	load_cr3(DIR);
	assert_int_equal(reach(0x6000, WRITE, WINDOW_USER), WINDOW_OTHER);
}

static void global_pages_stay(void **state)
{
	gla_t k = 0xc0005000;

	(void)state;
	set_pte(TABLE + 0x1000, k, 0x200000 | RWS | PTE_G);
	set_pte(TABLE + 0x1000, k + 0x40000, 0x280000 | RWS);
	FILLS(k, WRITE, WINDOW_SUPERVISOR);
	set_pte(TABLE + 0x1000, k, 0);
	load_cr3(DIR);
	assert_true(mapped(k, WRITE, WINDOW_SUPERVISOR));
	FILLS(k + 0x40000, WRITE, WINDOW_SUPERVISOR);
	set_pte(TABLE + 0x1000, k + 0x40000, 0);
	load_cr3(DIR);
	assert_true(mapped(k, WRITE, WINDOW_SUPERVISOR));
	assert_false(mapped(k + 0x40000, WRITE, WINDOW_SUPERVISOR));
	mem_flush_all(&cpu);
	assert_false(mapped(k, READ, WINDOW_SUPERVISOR));
	/* Global no more. */
	set_pte(TABLE + 0x1000, k, 0x200000 | RWS | PTE_G);
	FILLS(k, WRITE, WINDOW_SUPERVISOR);
	set_pte(TABLE + 0x1000, k, 0x200000 | RWS);
	mem_flush_page(&cpu, k);
	FILLS(k, WRITE, WINDOW_SUPERVISOR);
	set_pte(TABLE + 0x1000, k, 0);
	load_cr3(DIR);
	assert_false(mapped(k, READ, WINDOW_SUPERVISOR));
	/* Global, but CR4.PGE off. */
	set_pte(TABLE + 0x1000, k, 0x200000 | RWS | PTE_G);
	FILLS(k, WRITE, WINDOW_SUPERVISOR);
	mode(0);
	assert_true(mapped(k, WRITE, WINDOW_SUPERVISOR));
	set_pte(TABLE + 0x1000, k, 0);
	load_cr3(DIR);
	assert_false(mapped(k, READ, WINDOW_SUPERVISOR));
}

static void global_pages_of_other_windows(void **state)
{
	(void)state;
	set_pde(DIR2, 0xc0000000, (TABLE + 0x1000) | RWS);
	set_pte(TABLE, 0x5000, 0x200000 | RWU | PTE_G);
	for (int how = 0; how < 3; how++) {
		set_pte(TABLE, 0x5000, 0x200000 | RWU | PTE_G);
		FILLS(0x5000, WRITE, WINDOW_USER);
		load_cr3(DIR2);
		set_pte(TABLE, 0x5000, 0);
		if (how == 1)
			mem_flush_all(&cpu);
		if (how == 2)
			mem_flush_page(&cpu, 0x5000);
		load_cr3(DIR);
		assert_int_equal(mapped(0x5000, WRITE, WINDOW_USER), how == 0);
		mem_flush_all(&cpu);
	}
}

static void directory_entry_changes(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	set_pte(TABLE + 0x2000, 0x5000, 0x300000 | RWU);
	FILLS(0x5000, WRITE, WINDOW_USER);
	/* A clear: set again by the next use, and not before. */
	set_pde(DIR, 0, TABLE | (RWU & ~PTE_A));
	load_cr3(DIR);
	assert_int_equal(word(DIR)[0] & PTE_A, 0);
	FILLS(0x5000, WRITE, WINDOW_USER);
	assert_int_equal(word(DIR)[0] & PTE_A, PTE_A);
	set_pde(DIR, 0, (TABLE + 0x2000) | RWU);
	assert_true(mapped(0x5000, WRITE, WINDOW_USER));
	/* Noticed by INVLPG of the page, and by a miss beside it. */
	mem_flush_page(&cpu, 0x5000);
	assert_false(mapped(0x5000, READ, WINDOW_USER));
	FILLS(0x5000, WRITE, WINDOW_USER);
	*word(0x300000) = 77;
	assert_int_equal(*in_window(WINDOW_USER, 0x5000), 77);
	set_pde(DIR, 0, TABLE | RWU);
	set_pte(TABLE, 0x100000, 0x220000 | RWU);
	FILLS(0x100000, READ, WINDOW_USER);
	assert_false(mapped(0x5000, READ, WINDOW_USER));
	set_pde(DIR, 0, TABLE | (RWU & ~PTE_RW));
	load_cr3(DIR);
	assert_int_equal(reach(0x100000, WRITE, WINDOW_USER), WINDOW_FAULT);
}

static void code_pages_are_protected(void **state)
{
	(void)state;
	set_pde(DIR2, 0, TABLE | RWU);
	set_pde(DIR2, 0xc0000000, (TABLE + 0x1000) | RWS);
	for (u32 i = 0; i < 4; i++)
		set_pte(TABLE, i << 12, (0x200000 + (i << 12)) | RWU);
	set_pte(TABLE + 0x1000, 0xc0009000, 0x202000 | RWS);
	FILLS(0x2000, WRITE, WINDOW_USER);
	FILLS(0xc0009000, WRITE, WINDOW_SUPERVISOR);
	load_cr3(DIR2);
	FILLS(0x2000, WRITE, WINDOW_USER);
	mem_mark_code(&cpu, 0x202000, true);
	assert_int_equal(window_stats(mem)->protects, 3);
	assert_int_equal(told, 1); /* all of the new window */
	assert_true(mapped(0x2000, READ, WINDOW_USER));
	assert_int_equal(reach(0x2000, WRITE, WINDOW_USER), WINDOW_SOFT);
	assert_true(mapped(0x1000, WRITE, WINDOW_USER));
	load_cr3(DIR);
	assert_true(mapped(0x2000, READ, WINDOW_USER));
	assert_false(mapped(0x2000, WRITE, WINDOW_USER));
	assert_int_equal(reach(0xc0009000, WRITE, WINDOW_SUPERVISOR),
			 WINDOW_SOFT);
	mem_mark_code(&cpu, 0x202000, false);
	FILLS(0x2000, WRITE, WINDOW_USER);
	window_drop_page(mem, 0x2000);
	assert_false(mapped(0x2000, READ, WINDOW_USER));
	assert_true(mapped(0x3000, WRITE, WINDOW_USER));
	load_cr3(DIR2);
	assert_false(mapped(0x2000, READ, WINDOW_USER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fill_sets_accessed_and_dirty),
		T(faults_have_codes),
		T(kinds_do_not_mix),
		T(some_pages_are_soft),
		T(write_protect_off),
		T(neighbours_come_along),
		T(stale_until_flushed),
		T(frame_changes_at_a_miss),
		T(bits_cleared),
		T(global_pages_stay),
		T(global_pages_of_other_windows),
		T(directory_entry_changes),
		T(code_pages_are_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
