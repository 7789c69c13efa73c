/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LINK: core/bt/link.o core/base/err.o core/base/check.o */
/* Link tables and the address spaces they belong to. */
#include "core/bt/level.h"

#include "core/mem/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

u8 *window_user(struct mem *m)
{
	(void)m;
	return NULL;
}

u8 *window_supervisor(struct mem *m)
{
	(void)m;
	return NULL;
}

bool window_holds(const struct mem *m, enum window_kind kind, gla_t lin,
		  gpa_t gpa)
{
	(void)m, (void)kind, (void)lin, (void)gpa;
	return true;
}

enum window_fill window_follow(struct cpu *c, gla_t lin, enum window_kind kind)
{
	(void)c, (void)lin, (void)kind;
	return WINDOW_OTHER;
}

void in_line_unmapped(struct bt *bt, gla_t page)
{
	(void)bt, (void)page;
}

void in_line_doubt(struct bt *bt)
{
	(void)bt;
}

static struct jump_entry jumps[JUMP_CACHE_SIZE] __attribute__((aligned(4096)));
static u64 stack[2][64];
static struct live live;
static struct cpu cpu;
static u8 code[16 + SLOT_STUBS];

static int set_up(void **state)
{
	struct bt *bt = calloc(1, sizeof(*bt));
	struct err e;

	bt->cpu = &cpu;
	bt->live = &live;
	bt->jump_cache = jumps;
	bt->cfg.links = true;
	bt->code_x = bt->code_w = code;
	bt->code_size = 16; /* behind it is what empty slots lead to */
	bt->stub_slot = code;
	for (unsigned i = 0; i < 2; i++)
		bt->level[i].stack_empty = (u64)(uintptr_t)(stack[i] + 62);
	bt->entered = &bt->level[0];
	if (link_init(bt, &e))
		return 1;
	link_reset(bt);
	*state = bt;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static u64 enter(struct bt *bt, u32 mode)
{
	bt->mode = mode | MODE_CS_FLAT;
	live.context = link_context(bt);
	live.context_number = link_number(bt, live.context);
	live.jumps = (u64)(uintptr_t)link_jumps(bt);
	return live.context;
}

static void a_space_has_one_table(void **state)
{
	struct bt *bt = *state;
	u64 first = enter(bt, 0), second = enter(bt, MODE_PAGED);

	assert_true(first != second);
	assert_true(enter(bt, 0) == first);
	assert_true(enter(bt, MODE_PAGED) == second);
}

/* The place for tables is used up by the first of a space while others are
 * known: they all go, and the new one is the only one. */
static void a_table_after_the_last_is_found_again(void **state)
{
	struct bt *bt = *state;
	struct block to = { .lin = 0x5000, .gpa = 0x5000, .gpa2 = ~0ull,
			    .host = code + 8 };
	u64 last;
	int slot;

	enter(bt, 0);
	bt->tables_used = ~0ull - TABLE_BYTES;
	last = enter(bt, MODE_PAGED);
	assert_int_equal(bt->context_count, 1);
	assert_true(enter(bt, MODE_PAGED) == last);
	assert_int_equal(bt->context_count, 1);

	slot = link_slot(bt, 0x5000);
	link_remember(bt, 0x5000, &to, true);
	assert_ptr_equal(((const u8 **)(uintptr_t)last)[slot], code + 8);
	link_unmapped(bt, false, 0x5000, 0x1000);
	assert_ptr_equal(((const u8 **)(uintptr_t)last)[slot],
			 link_empty(bt, (u32)slot));
}

static bool leads_to(struct bt *bt, u32 eip, const u8 *host)
{
	cpu.eip = eip;
	bt->followed_entry = true;
	return link_straight(bt) && live.resume_pc == (u64)(uintptr_t)host;
}

/* Two targets of indirect branches that are 64 KiB apart. */
static void targets_that_meet_are_both_known(void **state)
{
	struct bt *bt = *state;
	struct block low = { .lin = 0x5010, .gpa = 0x5010, .gpa2 = ~0ull,
			     .host = code + 1 };
	struct block high = { .lin = 0x15010, .gpa = 0x6010, .gpa2 = ~0ull,
			      .host = code + 2 };

	enter(bt, 0);
	link_remember(bt, low.lin, &low, false);
	link_remember(bt, high.lin, &high, false);
	assert_true(leads_to(bt, low.lin, low.host));
	assert_true(leads_to(bt, high.lin, high.host));
	enter(bt, MODE_PAGED);
	assert_false(leads_to(bt, low.lin, low.host));
	enter(bt, 0);
	link_unmapped(bt, false, 0x5000, 0x1000);
	assert_false(leads_to(bt, low.lin, low.host));
	assert_true(leads_to(bt, high.lin, high.host));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_space_has_one_table, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			a_table_after_the_last_is_found_again, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			targets_that_meet_are_both_known, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
