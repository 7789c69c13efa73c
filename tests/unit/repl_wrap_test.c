/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines that are too long for the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "repl/term/pager.h"

static const struct {
	const char *line;
	unsigned columns;
	const char *shown;
} rows[] = {
	{"it fits", 7, "it fits"},
	{"any width will do for this one", 0, "any width will do for this one"},
	{"one two three four", 10, "one two\n  three\n  four"},
	{"  break LOC   Stop when it is next", 26,
	 "  break LOC   Stop when it\n              is next"},
	{"x:\t1111 2222 3333", 16, "x:\t1111\n        2222\n        3333"},
	/* A gap too far to the right is none. */
	{"a long first column     then", 24, "a long first column\n  then"},
	/* No space: the terminal breaks it. */
	{"0123456789abcdef", 10, "0123456789abcdef"},
	{"at 0123456789abcdef end", 10, "at\n  0123456789abcdef\n  end"},
	/* Spaces at the end are nothing to begin a line with. */
	{"0123456789    ", 10, "0123456789"},
	/* A string's spaces are its own. */
	{"$1 = \"one two three\"", 10, "$1 = \"one two three\""},
	{"\xc3\xa4\xc3\xb6\xc3\xbc \xc3\x9f", 5, "\xc3\xa4\xc3\xb6\xc3\xbc \xc3\x9f"},
	{"", 10, ""},
	{"              ", 10, "              "},
};

static void lines_go_on_at_a_space(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = {0};

		wrap_line(rows[i].line, strlen(rows[i].line), rows[i].columns,
			  &out);
		assert_string_equal(buf_text(&out), rows[i].shown);
		buf_free(&out);
	}
}

static void any_line_ends(void **state)
{
	char line[64];
	u32 seed = 1;

	(void)state;
	for (unsigned k = 0; k < 20000; k++) {
		struct buf out = {0};
		unsigned words = 0, shown = 0;

		for (unsigned i = 0; i < sizeof(line); i++) {
			seed = seed * 1664525 + 1013904223;
			line[i] = " \t a\x80\xff"[seed >> 28 & 5];
			words += line[i] == 'a';
		}
		wrap_line(line, sizeof(line), seed >> 20 & 31, &out);
		for (size_t i = 0; i < out.len; i++)
			shown += out.data[i] == 'a';
		assert_int_equal(shown, words);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_go_on_at_a_space),
		cmocka_unit_test(any_line_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
