/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows: pages that went but whose host mapping was kept, without rights;
 * and pages that are mapped because the kernel told of their entry. */
/* LINK: tests/unit/mem_window_fixture.o core/mem/ram.o core/mem/walk.o core/mem/tlb.o core/mem/window.o core/mem/window_map.o core/mem/window_fill.o core/mem/window_sync.o core/mem/window_told.o core/mem/window_check.o core/base/err.o core/base/check.o */
#include "tests/unit/mem_window_fixture.h"

enum { A = 0x200000, B = 0x300000, AT = 0x5000 };

static unsigned hollows(void)
{
	return mem->windows->win[mem->windows->user].hollows;
}

static void put(gla_t lin, u32 entry)
{
	set_pte(TABLE, lin, entry);
	mem_flush_page(&cpu, lin);
	mem_check(mem);
}

/* ---- hollow pages ---- */

static void hollow_is_gone(void **state)
{
	(void)state;
	*word(A) = 1;
	*word(B) = 2;
	put(AT, A | RWU);
	FILLS(AT, WRITE, WINDOW_USER);
	put(AT, 0);
	assert_int_equal(hollows(), 1);
	assert_false(mapped(AT, READ, WINDOW_USER));
	assert_int_equal(reach(AT, READ, WINDOW_USER), WINDOW_FAULT);
	/* Another frame, and again the one before. */
	for (u32 k = 0; k < 6; k++) {
		put(AT, (k & 1 ? A : B) | RWU);
		assert_false(mapped(AT, READ, WINDOW_USER));
		FILLS(AT, READ, WINDOW_USER);
		assert_int_equal(hollows(), 0);
		assert_int_equal(*in_window(WINDOW_USER, AT), k & 1 ? 1 : 2);
	}
}

/* The same frame gets the rights back that it has now, and no new mapping. */
static void hollow_comes_back(void **state)
{
	u64 before;

	(void)state;
	put(AT, A | RWU);
	FILLS(AT, WRITE, WINDOW_USER);
	put(AT, 0);
	before = window_stats(mem)->protects;
	put(AT, A | (RWU & ~PTE_RW));
	FILLS(AT, READ, WINDOW_USER);
	assert_int_equal(window_stats(mem)->protects, before + 1);
	assert_false(mapped(AT, WRITE, WINDOW_USER));
	put(AT, 0);
	put(AT, A | RWU);
	FILLS(AT, WRITE, WINDOW_USER);
	assert_int_equal(window_stats(mem)->protects, before + 2);
	mem_check(mem);
}

/* Part of a run, and a run over what is hollow. */
static void hollow_in_runs(void **state)
{
	(void)state;
	for (u32 i = 0; i < 8; i++) {
		set_pte(TABLE, i << 12, (A + (i << 12)) | RWU);
		*word(A + (i << 12)) = i;
	}
	FILLS(0, WRITE, WINDOW_USER);
	for (u32 i = 2; i < 5; i++)
		set_pte(TABLE, i << 12, 0);
	load_cr3(DIR);
	mem_check(mem);
	assert_int_equal(hollows(), 3);
	assert_true(mapped(0x1000, WRITE, WINDOW_USER));
	assert_false(mapped(0x2000, READ, WINDOW_USER));
	assert_false(mapped(0x4000, READ, WINDOW_USER));
	for (u32 i = 2; i < 5; i++)
		set_pte(TABLE, i << 12, (A + (i << 12)) | RWU);
	FILLS(0x3000, WRITE, WINDOW_USER);
	mem_check(mem);
	assert_int_equal(hollows(), 0);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(*in_window(WINDOW_USER, i << 12), i);
}

/* There are few, however many pages go, and none in an empty window for
 * long. */
static void hollows_are_few(void **state)
{
	unsigned most = 0;

	(void)state;
	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < 1024; i += 2) {
			set_pte(TABLE, i << 12, (A + (i << 12)) | RWU);
			FILLS(i << 12, WRITE, WINDOW_USER);
		}
		for (u32 i = 0; i < 1024; i += 2) {
			set_pte(TABLE, i << 12, 0);
			mem_flush_page(&cpu, i << 12);
			assert_false(mapped(i << 12, READ, WINDOW_USER));
			most = hollows() > most ? hollows() : most;
		}
		mem_check(mem);
	}
	assert_int_equal(most, HOLLOW_MAX);
	assert_int_equal(hollows(), 0);
	assert_int_equal(window_stats(mem)->mappings, 0);
}

/* All of the space at once, by its directory; then the host refuses. */
static void hollow_spaces(void **state)
{
	(void)state;
	for (u32 round = 0; round < 8; round++) {
		put(AT, A | RWU);
		put(AT + 0x40000, B | RWU);
		FILLS(AT, WRITE, WINDOW_USER);
		FILLS(AT + 0x40000, WRITE, WINDOW_USER);
		set_pde(DIR, 0, 0);
		load_cr3(DIR);
		mem_check(mem);
		assert_false(mapped(AT, READ, WINDOW_USER));
		assert_false(mapped(AT + 0x40000, READ, WINDOW_USER));
		set_pde(DIR, 0, TABLE | RWU);
		if (round == 5)
			mem->windows->fail = 1;
		if (round == 6)
			window_evict(mem, true);
		mem_check(mem);
	}
}

/* ---- told of ---- */

static void tell(gla_t lin, u32 entry)
{
	set_pte(TABLE, lin, entry);
	cpu.entry_told = lin | ENTRY_CURRENT;
	mem_entry_told(&cpu);
	assert_int_equal(cpu.entry_told, 0);
	mem_check(mem);
}

static void use(gla_t lin)
{
	put(lin, A | RWU);
	FILLS(lin, WRITE, WINDOW_USER);
	put(lin, 0);
}

static void warm(gla_t lin)
{
	for (u32 i = 0; i < HOT_SCORE / HOT_USED; i++)
		use(lin);
}

static void only_hot_pages(void **state)
{
	(void)state;
	tell(AT, B | RWU);
	assert_false(mapped(AT, READ, WINDOW_USER));
	put(AT, 0);
	/* Used now and then, and told of more often. */
	for (u32 round = 0; round < 4; round++) {
		use(AT);
		for (u32 i = 0; i < 3; i++) {
			tell(AT, B | RWU);
			assert_false(mapped(AT, READ, WINDOW_USER));
			put(AT, 0);
		}
	}
	warm(AT);
	tell(AT, B | RWU);
	assert_true(mapped(AT, WRITE, WINDOW_USER));
	*word(B) = 5;
	assert_int_equal(*in_window(WINDOW_USER, AT), 5);
	tell(AT + 0x1000, B | RWU);
	assert_false(mapped(AT + 0x1000, READ, WINDOW_USER));
	/* It has to show now and then that it is used. */
	for (u32 i = 1; i < HOT_TIMES; i++) {
		put(AT, 0);
		tell(AT, A | RWU);
		assert_true(mapped(AT, WRITE, WINDOW_USER));
	}
	put(AT, 0);
	tell(AT, A | RWU);
	assert_false(mapped(AT, READ, WINDOW_USER));
}

/* Nothing of the guest's changes, and no right is given that its entries do
 * not give, or that would need a bit set. */
static void told_by_the_entries(void **state)
{
	static const u32 none[] = { 0, B | (RWU & ~PTE_P), B | (RWU & ~PTE_A),
				    B | RWS, 0xfee00000 | RWU };

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(none); i++) {
		warm(AT);
		tell(AT, none[i]);
		assert_false(mapped(AT, READ, WINDOW_USER));
		assert_int_equal(word(TABLE)[5], none[i]);
	}
	warm(AT);
	tell(AT, B | (RWU & ~PTE_RW));
	assert_true(mapped(AT, READ, WINDOW_USER));
	assert_false(mapped(AT, WRITE, WINDOW_USER));
	tell(AT, B | RWU); /* gains */
	assert_false(mapped(AT, WRITE, WINDOW_USER));
	for (u32 i = 0; i < HOT_SCORE; i++) {
		FILLS(AT, WRITE, WINDOW_USER);
		put(AT, B | (RWU & ~PTE_RW));
		tell(AT, B | RWU);
	}
	assert_true(mapped(AT, WRITE, WINDOW_USER));
	put(AT, 0);
	tell(AT, B | (RWU & ~PTE_D));
	assert_false(mapped(AT, WRITE, WINDOW_USER));
	assert_int_equal(word(TABLE)[5], B | (RWU & ~PTE_D));
}

/* What is told need not be true, nor be about anything. */
static void told_lies(void **state)
{
	(void)state;
	warm(AT);
	set_pte(TABLE, AT, A | RWU);
	cpu.entry_told = AT; /* of another space */
	mem_entry_told(&cpu);
	assert_false(mapped(AT, READ, WINDOW_USER));
	for (u32 lin = 0; lin < 0xfff00000; lin += 0x3ff000) {
		cpu.entry_told = (lin & ~0xfffu) | ENTRY_CURRENT;
		mem_entry_told(&cpu);
	}
	set_pde(DIR, 0, 0xfee00000 | RWU); /* a table that is no memory */
	tell(AT, A | RWU);
	set_pde(DIR, 0, TABLE | (RWU & ~PTE_A));
	tell(AT, A | RWU);
	assert_int_equal(word(DIR)[0] & PTE_A, 0);
	set_pde(DIR, 0, TABLE | RWU);
	mem_watch(&cpu, AT, 4, true, true);
	tell(AT, A | RWU);
	assert_false(mapped(AT, READ, WINDOW_USER));
	mem_watch(&cpu, AT, 4, true, false);
	mem_mark_code(&cpu, A, true);
	tell(AT, A | RWU);
	assert_true(mapped(AT, READ, WINDOW_USER));
	assert_false(mapped(AT, WRITE, WINDOW_USER));
	cpu.cr0 &= ~CR0_PG;
	tell(AT, A | RWU);
	cpu.cr0 |= CR0_PG;
	cpu.cr4 |= CR4_PAE; /* not seen by a flush */
	tell(AT, A | RWU);
	cpu.cr4 &= ~CR4_PAE;
	mem_flush_all(&cpu);
	mem_check(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(hollow_is_gone),
		T(hollow_comes_back),
		T(hollow_in_runs),
		T(hollows_are_few),
		T(hollow_spaces),
		T(only_hot_pages),
		T(told_by_the_entries),
		T(told_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
