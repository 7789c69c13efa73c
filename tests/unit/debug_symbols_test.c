/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LINK: core/debug/symbols.o core/debug/cfi.o core/base/buf.o core/base/err.o core/base/check.o */
/* Names and addresses from a System.map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/debug/symbols.h"

static char path[] = "/tmp/debug_symbols_XXXXXX";

static struct symbols *from(const char *text, s64 at, int expected)
{
	struct symbols *s = symbols_new();
	FILE *out = fopen(path, "w");
	struct err e = {""};

	fputs(text, out);
	fclose(out);
	assert_int_equal(symbols_add(s, path, at, &e), expected);
	if (expected < 0)
		assert_non_null(strstr(e.text, "neither an ELF file nor"));
	return s;
}

static const char kernel[] = "00000042 A constant\n"
			     "c0100000 T _text\nc0100000 T startup\n"
			     "c0100040 t helper\nc0100100 T schedule\n"
			     "c0200000 D jiffies\n";

static void an_address_has_the_nearest_name_below(void **state)
{
	struct symbols *s = from(kernel, -1, 6);
	u32 offset = 99;

	(void)state;
	assert_string_equal(symbols_name(s, 0xc0100048, &offset), "helper");
	assert_int_equal(offset, 8);
	assert_string_equal(symbols_name(s, 0xc0100100, &offset), "schedule");
	assert_int_equal(offset, 0);
	assert_null(symbols_name(s, 0x1000, &offset));
	assert_null(symbols_name(s, 0x42, &offset)); /* absolute */
	assert_null(symbols_name(s, 0xf0000000, &offset));
	assert_int_equal(symbols_next(s, 0xc0100048), 0xc0100100);
	symbols_free(s);
}

/* The first bytes of Linux 2.6.22's bzImage, and others that begin with what
 * may be a hexadecimal digit: no map, so a kernel's own symbols are looked for. */
static void what_is_not_text_is_no_map(void **state)
{
	static const char *const none[] = {
		"f\xea\x08\n", "f\xea\b\x01\x02\xc0\a\x8c\xc8\x8e name\n",
		"\xea\x05\x01\xc0\n", "c0100000 T \x8e\xd8\x8e\n",
		"c0100000 \xe8 name\n", "c0100000T name\n", "c0100000 T\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		symbols_free(from(none[i], -1, -1));
	symbols_free(from("c0100000 ? name\n", -1, 1));
}

static void a_name_has_its_address(void **state)
{
	struct symbols *s = from(kernel, -1, 6);
	u32 addr = 0;

	(void)state;
	assert_true(symbols_address(s, "jiffies", &addr));
	assert_int_equal(addr, 0xc0200000);
	assert_true(symbols_address(s, "constant", &addr));
	assert_false(symbols_address(s, "jiffie", &addr));
	assert_false(symbols_address(s, "", &addr));
	symbols_free(s);
}

static void beginnings_are_completed_in_order(void **state)
{
	struct symbols *s = from(kernel, -1, 6);

	(void)state;
	assert_string_equal(symbols_complete(s, "s", 0), "schedule");
	assert_string_equal(symbols_complete(s, "s", 1), "startup");
	assert_null(symbols_complete(s, "s", 2));
	assert_null(symbols_complete(s, "zz", 0));
	symbols_free(s);
}

static void a_near_miss_is_found(void **state)
{
	struct symbols *s = from(kernel, -1, 6);

	(void)state;
	assert_string_equal(symbols_similar(s, "shedule"), "schedule");
	assert_null(symbols_similar(s, "nothing_like_it"));
	assert_int_equal(word_distance("kitten", "sitting", 9), 3);
	assert_int_equal(word_distance("", "abc", 9), 3);
	symbols_free(s);
}

static void other_files_are_refused(void **state)
{
	struct err e;
	struct symbols *s = from("", -1, -1);

	(void)state;
	assert_int_equal(symbols_count(s), 0);
	assert_int_equal(symbols_add(s, "/nonexistent", -1, &e), -1);
	symbols_free(s);
	symbols_free(from("hello\nworld\n", -1, -1));
	symbols_free(from("\177ELF\1\1\1 but not really", -1, -1));
	symbols_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_the_nearest_name_below),
		cmocka_unit_test(what_is_not_text_is_no_map),
		cmocka_unit_test(a_name_has_its_address),
		cmocka_unit_test(beginnings_are_completed_in_order),
		cmocka_unit_test(a_near_miss_is_found),
		cmocka_unit_test(other_files_are_refused),
	};
	int fd = mkstemp(path), failed;

	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
