/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LINK: core/debug/kallsyms.c tests/unit/kallsyms_image.c core/base/buf.c core/base/check.c core/base/err.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/debug/kallsyms.h"
#include "tests/unit/kallsyms_image.h"

static u32 seen;

static void check_one(void *arg, const char *name, u32 addr, char type)
{
	const struct kallsyms_form *f = arg;
	char expected[16];

	snprintf(expected, sizeof(expected), "made_%u", seen);
	if (f->long_names && seen == 300)
		assert_int_equal(strlen(name), 199);
	else
		assert_string_equal(name, expected);
	assert_int_equal(addr, f->base + 16 * seen);
	assert_int_equal(type, 'T');
	seen++;
}

/* Among other things, which look like it in places. */
static void surround(struct buf *out)
{
	for (unsigned i = 0; i < 256; i++) {
		buf_byte(out, (char)i);
		buf_byte(out, 0);
	}
}

static void all_forms_are_found(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 16; bits++) {
		struct kallsyms_form f = {bits & 1, bits & 2, bits & 4,
					  bits & 8, 0xc0100000};
		struct buf image = {0};
		struct kallsyms k;
		size_t at = 0;

		surround(&image);
		kallsyms_image(&f, &image);
		surround(&image);
		assert_true(kallsyms_find((u8 *)image.data, image.len, &at,
					  &k));
		assert_int_equal(k.count, MADE_SYMBOLS);
		assert_int_equal(k.relative, f.relative);
		seen = 0;
		kallsyms_each(&k, check_one, &f);
		assert_int_equal(seen, MADE_SYMBOLS);
		assert_false(kallsyms_find((u8 *)image.data, image.len, &at,
					   &k));
		buf_free(&image);
	}
}

static void what_is_cut_is_not_found(void **state)
{
	struct kallsyms_form f = {true, false, false, false, 0xc0100000};
	struct buf image = {0};
	struct kallsyms k;

	(void)state;
	kallsyms_image(&f, &image);
	for (size_t cut = 4; cut < image.len; cut += 4) {
		size_t at = 0;

		/* Without its beginning, and without its end. */
		assert_false(kallsyms_find((u8 *)image.data + cut,
					   image.len - cut, &at, &k) &&
			     k.relative && k.base == f.base);
		at = 0;
		assert_false(kallsyms_find((u8 *)image.data, image.len - cut,
					   &at, &k));
	}
	buf_free(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms_are_found),
		cmocka_unit_test(what_is_cut_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
