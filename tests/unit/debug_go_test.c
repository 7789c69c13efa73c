/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Breaking and stepping on a real machine with a guest of forty bytes:
 *
 * 00100000 start: mov eax, 5          00100014 bar: push ebp
 * 00100005        mov ebp, esp        00100015      mov ebp, esp
 * 00100007 loop:  call foo            00100017      inc eax
 * 0010000c        inc eax             00100018      mov [counter], eax
 * 0010000d        jmp loop            0010001d      pop ebp
 * 0010000f foo:   call bar            0010001e      ret
 * 00100014        (falls into bar, which so runs twice a turn) */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/cpu/cpu.h"
#include "core/debug/debug.h"
#include "core/mem/mem.h"

enum {
	START = 0x100000,
	LOOP = 0x100007,
	AFTER = 0x10000c,
	FOO = 0x10000f,
	BAR = 0x100014,
	STORE = 0x100018,
	POP = 0x10001d,
	COUNTER = 0x101000
};

static const u8 image[] = {
	0xb8, 5,    0,    0,    0,    0x89, 0xe5, 0xe8, 3,    0,    0,
	0,    0x40, 0xeb, 0xf8, 0xe8, 0,    0,    0,    0,    0x55, 0x89,
	0xe5, 0x40, 0xa3, 0,    0x10, 0x10, 0,    0x5d, 0xc3,
};

static const char map[] = "00100000 T start\n00100007 T loop\n"
			  "0010000f T foo\n00100014 T bar\n"
			  "00101000 D counter\n";

struct world {
	struct vm *vm;
	struct debug *d;
	char kernel[32], symbols[32];
};

static void write_file(char *path, const void *bytes, size_t n)
{
	int fd;

	strcpy(path, "/tmp/debug_go_XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* The translator handles host faults; cmocka puts handlers of its own in
 * their place around each test, so a test begins by putting them back. */
static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
static struct sigaction kept[ARRAY_LEN(signals)];
static bool signals_kept;

static struct world *begin(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &kept[i], NULL);
	return *state;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct vm_config cfg = {.ram = 16 << 20, .flat_load = START};
	struct err e = {""};

	write_file(w->kernel, image, sizeof(image));
	write_file(w->symbols, map, sizeof(map) - 1);
	cfg.kernel = w->kernel;
	w->vm = vm_new(&cfg, &e);
	if (!w->vm)
		print_message("%s\n", e.text);
	assert_non_null(w->vm);
	if (!signals_kept)
		for (size_t i = 0; i < ARRAY_LEN(signals); i++)
			sigaction(signals[i], NULL, &kept[i]);
	signals_kept = true;
	vm_cpu(w->vm)->gpr[ESP] = 0x200000;
	w->d = debug_new(w->vm);
	assert_int_equal(symbols_add(debug_symbols(w->d), w->symbols, -1, &e),
			 5);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	debug_free(w->d);
	vm_free(w->vm);
	unlink(w->kernel);
	unlink(w->symbols);
	free(w);
	return 0;
}

static void at(struct world *w, u32 pc, enum vm_stop why)
{
	assert_int_equal(debug_pc(w->d), pc);
	assert_int_equal(debug_why(w->d), why);
}

static struct breakpoint *add(struct world *w, enum break_kind kind, u32 addr,
			      const char *condition)
{
	struct err e = {""};
	struct breakpoint *b =
		debug_break_add(w->d, kind, addr, 4, "here", condition, &e);

	assert_string_equal(e.text, "");
	assert_non_null(b);
	return b;
}

static void stepi_counts_instructions(void **state)
{
	struct world *w = begin(state);

	debug_stepi(w->d, 1, NULL);
	at(w, 0x100005, STOP_LIMIT);
	debug_stepi(w->d, 2, NULL);
	at(w, FOO, STOP_LIMIT);
	assert_int_equal(vm_icount(w->vm), 3);
}

static void a_breakpoint_stops_before_its_instruction(void **state)
{
	struct world *w = begin(state);
	struct breakpoint *b = add(w, BREAK_CODE, BAR, NULL);
	u8 byte;

	debug_continue(w->d, NULL);
	at(w, BAR, STOP_BREAKPOINT);
	assert_ptr_equal(debug_hit(w->d), b);
	assert_int_equal(vm_cpu(w->vm)->gpr[EAX], 5);
	/* the guest cannot see it */
	assert_int_equal(debug_read(w->d, BAR, &byte, 1), 1);
	assert_int_equal(byte, 0x55);
	debug_continue(w->d, NULL);
	at(w, BAR, STOP_BREAKPOINT);
	assert_int_equal(vm_cpu(w->vm)->gpr[EAX], 6);
	assert_int_equal(b->hits, 2);
}

static void a_condition_decides(void **state)
{
	struct world *w = begin(state);
	struct breakpoint *b = add(w, BREAK_CODE, BAR, "$eax == 9");

	debug_continue(w->d, NULL);
	at(w, BAR, STOP_BREAKPOINT);
	assert_int_equal(vm_cpu(w->vm)->gpr[EAX], 9);
	assert_int_equal(b->hits, 1);
}

static void a_condition_that_fails_stops_and_says_so(void **state)
{
	struct world *w = begin(state);
	struct buf text = {0};

	add(w, BREAK_CODE, BAR, "1 / ($eax - 5)");
	debug_continue(w->d, NULL);
	debug_describe_stop(w->d, &text);
	at(w, BAR, STOP_BREAKPOINT);
	assert_non_null(strstr(buf_text(&text), "division by zero"));
	buf_free(&text);
}

static void a_bad_condition_is_refused(void **state)
{
	struct world *w = begin(state);
	struct err e;

	assert_null(
		debug_break_add(w->d, BREAK_CODE, BAR, 0, "", "$eax ==", &e));
	assert_null(
		debug_break_add(w->d, BREAK_CODE, BAR, 0, "", "$eax = 1", &e));
	assert_null(debug_breaks(w->d));
}

static void ignored_hits_pass(void **state)
{
	struct world *w = begin(state);
	struct breakpoint *b = add(w, BREAK_CODE, LOOP, NULL);

	b->ignore = 2;
	debug_continue(w->d, NULL);
	at(w, LOOP, STOP_BREAKPOINT);
	assert_int_equal(vm_cpu(w->vm)->gpr[EAX], 11); /* 5, 8, 11 */
	assert_int_equal(b->hits, 3);
}

static void two_breakpoints_share_a_place(void **state)
{
	struct world *w = begin(state);
	struct breakpoint *a = add(w, BREAK_CODE, BAR, NULL);
	struct breakpoint *b = add(w, BREAK_CODE, BAR, NULL);

	debug_break_delete(w->d, a);
	debug_continue(w->d, NULL);
	at(w, BAR, STOP_BREAKPOINT);
	assert_ptr_equal(debug_hit(w->d), b);
}

static void a_temporary_one_stops_once(void **state)
{
	struct world *w = begin(state);

	add(w, BREAK_CODE, BAR, NULL)->temporary = true;
	add(w, BREAK_CODE, LOOP, "$eax > 10");
	debug_continue(w->d, NULL);
	at(w, BAR, STOP_BREAKPOINT);
	debug_continue(w->d, NULL);
	at(w, LOOP, STOP_BREAKPOINT);
}

static void a_disabled_one_does_not_stop(void **state)
{
	struct world *w = begin(state);
	struct breakpoint *b = add(w, BREAK_CODE, BAR, NULL);

	add(w, BREAK_CODE, AFTER, NULL);
	assert_int_equal(debug_break_enable(w->d, b, false, NULL), 0);
	debug_continue(w->d, NULL);
	at(w, AFTER, STOP_BREAKPOINT);
	assert_int_equal(debug_break_enable(w->d, b, true, NULL), 0);
	debug_continue(w->d, NULL);
	at(w, BAR, STOP_BREAKPOINT);
}

static void watch_stops_after_the_write_with_both_values(void **state)
{
	struct world *w = begin(state);
	struct breakpoint *b = add(w, BREAK_WRITE, COUNTER, NULL);

	debug_continue(w->d, NULL);
	at(w, POP, STOP_WATCHPOINT);
	assert_int_equal(b->before, 0);
	assert_int_equal(b->old, 6);
	debug_continue(w->d, NULL);
	at(w, POP, STOP_WATCHPOINT);
	assert_int_equal(b->before, 6);
	assert_int_equal(b->old, 7);
}

static void nexti_goes_over_a_call(void **state)
{
	struct world *w = begin(state);

	debug_stepi(w->d, 2, NULL);
	at(w, LOOP, STOP_LIMIT);
	debug_nexti(w->d, 1, NULL);
	at(w, AFTER, STOP_LIMIT);
	assert_int_equal(vm_cpu(w->vm)->gpr[EAX], 7);
	assert_null(debug_breaks(w->d));
}

static void a_breakpoint_inside_the_call_wins(void **state)
{
	struct world *w = begin(state);
	struct breakpoint *b = add(w, BREAK_CODE, STORE, NULL);

	debug_stepi(w->d, 2, NULL);
	debug_nexti(w->d, 1, NULL);
	at(w, STORE, STOP_BREAKPOINT);
	assert_ptr_equal(debug_hit(w->d), b);
	assert_null(b->next);
}

static void finish_leaves_the_function(void **state)
{
	struct world *w = begin(state);

	debug_advance(w->d, FOO, NULL);
	at(w, FOO, STOP_LIMIT);
	debug_finish(w->d, NULL);
	at(w, AFTER, STOP_LIMIT);
}

static void reset_starts_again(void **state)
{
	struct world *w = begin(state);

	debug_stepi(w->d, 50, NULL);
	assert_int_equal(debug_reset(w->d, NULL), 0);
	at(w, START, STOP_LIMIT);
}

static void an_interrupt_stops_it(void **state)
{
	struct world *w = begin(state);

	vm_interrupt(w->vm);
	debug_continue(w->d, NULL);
	assert_int_equal(debug_why(w->d), STOP_INTERRUPT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(stepi_counts_instructions),
		TEST(a_breakpoint_stops_before_its_instruction),
		TEST(a_condition_decides),
		TEST(a_condition_that_fails_stops_and_says_so),
		TEST(a_bad_condition_is_refused),
		TEST(ignored_hits_pass),
		TEST(two_breakpoints_share_a_place),
		TEST(a_temporary_one_stops_once),
		TEST(a_disabled_one_does_not_stop),
		TEST(watch_stops_after_the_write_with_both_values),
		TEST(nexti_goes_over_a_call),
		TEST(a_breakpoint_inside_the_call_wins),
		TEST(finish_leaves_the_function),
		TEST(reset_starts_again),
		TEST(an_interrupt_stops_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
