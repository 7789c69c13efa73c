/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LINK: repl/words.o */
/* A line to words: blanks, numbers, escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "repl/repl_priv.h"

static void words_come_one_by_one(void **state)
{
	char line[] = "  break \t main  if x ";
	char *rest = line;

	(void)state;
	assert_string_equal(words_next(&rest), "break");
	assert_string_equal(words_next(&rest), "main");
	assert_string_equal(rest, "if x ");
	assert_string_equal(words_next(&rest), "if");
	assert_string_equal(words_next(&rest), "x");
	assert_null(words_next(&rest));
	assert_null(words_next(&rest));
}

static void blanks_at_both_ends_go(void **state)
{
	char a[] = " \t x y \r\n", b[] = "   ", c[] = "";

	(void)state;
	assert_string_equal(words_trim(a), "x y");
	assert_string_equal(words_trim(b), "");
	assert_string_equal(words_trim(c), "");
}

static void numbers_are_whole_words(void **state)
{
	u64 n = 7;

	(void)state;
	assert_true(words_number("12", &n));
	assert_int_equal(n, 12);
	assert_true(words_number("0xffffffffffffffff", &n));
	assert_true(n == UINT64_MAX);
	assert_false(words_number("0x10000000000000000", &n));
	assert_false(words_number("12a", &n));
	assert_false(words_number("-1", &n));
	assert_false(words_number("", &n));
}

static void unescape(const char *text, const char *bytes, size_t n)
{
	char own[64];

	strcpy(own, text);
	assert_int_equal(words_unescape(own), n);
	assert_memory_equal(own, bytes, n);
}

static void escapes_become_bytes(void **state)
{
	(void)state;
	unescape("ls\\r", "ls\r", 3);
	unescape("a\\tb\\n\\\\", "a\tb\n\\", 5);
	unescape("\\x41\\x00z", "A\0z", 3);
	unescape("^C^[^@", "\003\033\0", 3);
	/* what is no escape stays */
	unescape("\\q\\x4", "\\q\\x4", 5);
	unescape("^", "^", 1);
	unescape("\\", "\\", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_one_by_one),
		cmocka_unit_test(blanks_at_both_ends_go),
		cmocka_unit_test(numbers_are_whole_words),
		cmocka_unit_test(escapes_become_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
