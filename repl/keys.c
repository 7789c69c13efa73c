/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text as it is typed on a US keyboard: set 1 codes for the 8042, each key
 * pressed and released, with Shift or Ctrl held where the character needs it.
 *
 * The place of a character in the two rows below is the code of its key.
 * Escape sequences that terminals send for cursor keys are those keys. */
#include "repl/keys.h"

#include <string.h>

#include "core/base/types.h"
#include "core/vm/vm.h"

enum {
	KEYS = 0x3a,
	CTRL = 0x1d,
	SHIFT = 0x2a,
	EXTENDED = 0xe0,
	RELEASED = 0x80,
	MOST_CODES = 4, /* of one character; twice as many untranslated */
};

static const char plain[KEYS + 1] = "\0\0331234567890-=\b\tqwertyuiop[]"
				    "\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[KEYS + 1] = "\0\0\41@#$%^&*()_+\0\0QWERTYUIOP{}"
				      "\0\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0\0\0 ";

static const struct {
	const char *text;
	u8 code;
} cursor[] = {
	{"\033[A", 0x48},  {"\033[B", 0x50},  {"\033[C", 0x4d},
	{"\033[D", 0x4b},  {"\033[H", 0x47},  {"\033[F", 0x4f},
	{"\033[2~", 0x52}, {"\033[3~", 0x53}, {"\033[5~", 0x49},
	{"\033[6~", 0x51},
};

static u8 find(const char row[KEYS + 1], char c)
{
	const char *at = c ? memchr(row, c, KEYS) : NULL;

	return at ? (u8)(at - row) : 0;
}

static void with(struct bus *b, u8 held, u8 key)
{
	bus_key_in(b, held);
	bus_key_in(b, key);
	bus_key_in(b, key | RELEASED);
	bus_key_in(b, held | RELEASED);
}

static void press(struct bus *b, char c)
{
	u8 key;

	if (c == '\r')
		c = '\n';
	if (c == 0x7f)
		c = '\b';
	if ((key = find(plain, c))) {
		bus_key_in(b, key);
		bus_key_in(b, key | RELEASED);
	} else if ((key = find(shifted, c))) {
		with(b, SHIFT, key);
	} else if ((key = find(plain, c | 0x60))) {
		with(b, CTRL, key);
	}
}

/* A cursor key at the beginning of the text: its bytes, 0 for none. */
static size_t press_cursor(struct bus *b, const char *text, size_t n)
{
	for (unsigned i = 0; i < ARRAY_LEN(cursor); i++) {
		size_t len = strlen(cursor[i].text);

		if (n < len || memcmp(text, cursor[i].text, len))
			continue;
		bus_key_in(b, EXTENDED);
		bus_key_in(b, cursor[i].code);
		bus_key_in(b, EXTENDED);
		bus_key_in(b, cursor[i].code | RELEASED);
		return len;
	}
	return 0;
}

size_t keys_type(struct bus *b, const char *text, size_t n)
{
	size_t done = 0;

	while (done < n && bus_key_room(b) >= 2 * MOST_CODES) {
		size_t len = press_cursor(b, text + done, n - done);

		if (!len) {
			press(b, text[done]);
			len = 1;
		}
		done += len;
	}
	return done;
}
