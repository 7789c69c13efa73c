/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LINK: gdbstub/frame.c core/base/buf.c core/base/check.c */
/* Frames: what is read, what is written, and that the one undoes the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gdbstub/frame.h"

static enum frame read_one(struct frame_in *in, const char *bytes, size_t len,
			   char **data, size_t *n)
{
	frame_feed(in, bytes, len);
	return frame_next(in, data, n);
}

static void a_packet_comes_in_pieces(void **state)
{
	struct frame_in in = {0};
	const char *all = "+$qC#b4-\003$m}\x03,4#4d";
	char *data;
	size_t len;

	(void)state;
	assert_int_equal(read_one(&in, all, 3, &data, &len), FRAME_ACK);
	assert_int_equal(frame_next(&in, &data, &len), FRAME_NONE);
	assert_int_equal(read_one(&in, all + 3, 3, &data, &len), FRAME_NONE);
	assert_int_equal(read_one(&in, all + 6, strlen(all) - 6, &data, &len),
			 FRAME_PACKET);
	assert_string_equal(data, "qC");
	assert_int_equal(len, 2);
	assert_int_equal(frame_next(&in, &data, &len), FRAME_NAK);
	assert_int_equal(frame_next(&in, &data, &len), FRAME_STOP);
	assert_int_equal(frame_next(&in, &data, &len), FRAME_PACKET);
	assert_string_equal(data, "m#,4"); /* an escaped `#' */
	assert_int_equal(frame_next(&in, &data, &len), FRAME_NONE);
	frame_free(&in);
}

static void a_wrong_sum_is_seen(void **state)
{
	struct frame_in in = {0};
	char *data;
	size_t len;

	(void)state;
	assert_int_equal(read_one(&in, "$qC#b5", 6, &data, &len), FRAME_BAD);
	assert_int_equal(read_one(&in, "$qC#zz", 6, &data, &len), FRAME_BAD);
	assert_int_equal(read_one(&in, "$#00", 4, &data, &len), FRAME_PACKET);
	assert_int_equal(len, 0);
	frame_free(&in);
}

static void a_packet_without_end_is_given_up(void **state)
{
	struct frame_in in = {0};
	static char much[1 << 16];
	char *data;
	size_t len;
	enum frame f = FRAME_NONE;

	(void)state;
	memset(much, 'a', sizeof(much));
	frame_feed(&in, "$", 1);
	for (unsigned i = 0; i < 40 && f == FRAME_NONE; i++)
		f = read_one(&in, much, sizeof(much), &data, &len);
	assert_int_equal(f, FRAME_TOO_LONG);
	frame_free(&in);
}

static void a_break_is_found_outside_of_packets_only(void **state)
{
	struct frame_in in = {0};
	char *data;
	size_t len;

	(void)state;
	frame_feed(&in, "$X\003#5b", 6);
	assert_false(frame_take_break(&in));
	frame_feed(&in, "\003", 1);
	assert_true(frame_take_break(&in));
	assert_false(frame_take_break(&in));
	assert_int_equal(frame_next(&in, &data, &len), FRAME_PACKET);
	frame_free(&in);
}

/* What gdb does with what is sent. */
static size_t undo(const char *from, size_t n, char *to)
{
	size_t len = 0;

	for (size_t i = 1; i < n - 3; i++)
		if (from[i] == '}') {
			to[len++] = (char)(from[++i] ^ 0x20);
		} else if (from[i] == '*') {
			assert_true(len);
			for (int k = from[++i] - 29; k > 0; k--)
				to[len] = to[len - 1], len++;
		} else {
			to[len++] = from[i];
		}
	return len;
}

static void what_is_sent_arrives(void **state)
{
	char text[3000], back[sizeof(text)] = "";
	unsigned seed = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct buf out = {0};
		size_t n = round % sizeof(text), got;
		u8 sum = 0, given;

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = "$#}*0000ab"[seed >> 16 & 7];
			if (seed >> 24 & 1 && i)
				text[i] = text[i - 1];
		}
		if (round % 7 == 0)
			memset(text, '0', n);
		frame_pack(&out, text, n);
		assert_int_equal(out.data[0], '$');
		assert_int_equal(out.data[out.len - 3], '#');
		for (size_t i = 1; i < out.len - 3; i++) {
			sum = (u8)(sum + (u8)out.data[i]);
			assert_int_not_equal(out.data[i], '$');
			assert_int_not_equal(out.data[i], '#');
		}
		assert_true(hex_decode(out.data + out.len - 2, 1, &given));
		assert_int_equal(given, sum);
		got = undo(out.data, out.len, back);
		assert_int_equal(got, n);
		assert_memory_equal(back, text, n);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_comes_in_pieces),
		cmocka_unit_test(a_wrong_sum_is_seen),
		cmocka_unit_test(a_packet_without_end_is_given_up),
		cmocka_unit_test(a_break_is_found_outside_of_packets_only),
		cmocka_unit_test(what_is_sent_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
