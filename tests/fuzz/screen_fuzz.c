/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes that a guest writes to the terminal: following them never goes
 * astray, and a plain byte after CAN is a plain byte again.  And any line of
 * the console in colors is the same line without them. */
/* LINK: repl/term/screen.c repl/term/paint.c core/base/buf.c core/base/check.c
 */
#include <string.h>

#include "core/base/check.h"
#include "repl/term/pager.h"
#include "repl/term/screen.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len);

static void follow(const u8 *bytes, size_t len)
{
	struct screen s = {0};
	struct buf out = {0};

	for (size_t i = 0; i < len; i++)
		screen_saw(&s, bytes[i]);
	screen_leave(&s, &out);
	CHECK(!s.state && !s.is_painted && !s.is_mid_line, "left");
	screen_return(&s, &out);
	for (size_t i = 0; i < out.len; i++)
		screen_saw(&s, (u8)out.data[i]);
	buf_clear(&out);
	screen_saw(&s, 'x');
	CHECK(s.is_mid_line, "a plain byte is text");
	buf_free(&out);
}

/* The text between color sequences. */
static size_t plain(const struct buf *painted, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < painted->len; i++) {
		if (painted->data[i] == '\033') {
			while (painted->data[i] != 'm')
				i++;
			continue;
		}
		to[n++] = painted->data[i];
	}
	return n;
}

static void paint(const u8 *bytes, size_t len)
{
	char line[512], back[4096];
	struct buf out = {0};
	size_t n = 0;

	for (size_t i = 0; i < len && n < sizeof(line); i++)
		if (bytes[i] != '\033' && bytes[i])
			line[n++] = (char)bytes[i];
	paint_line(line, n, &out);
	CHECK(out.len < sizeof(back) * 4, "%zu", out.len);
	CHECK(plain(&out, back) == n && !memcmp(line, back, n),
	      "colors changed the text");
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len)
{
	follow(bytes, len);
	paint(bytes, len);
	return 0;
}
