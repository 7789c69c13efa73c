/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/kallsyms_image.h"

#include <stdio.h>
#include <string.h>

enum { MADE = 'z' + 1, LONG_NAME = 200 }; /* a token of more than one letter */

static void put_word(struct buf *out, u32 v)
{
	buf_append(out, &v, 4);
}

static void align(struct buf *out)
{
	while (out->len & 3)
		buf_byte(out, 0);
}

/* Its type and name in tokens. */
static void put_name(const struct kallsyms_form *f, unsigned i,
		     struct buf *out)
{
	char name[LONG_NAME + 1], digits[8];
	size_t len;

	snprintf(digits, sizeof(digits), "%u", i);
	name[0] = 'T';
	if (f->long_names && i == 300) {
		memset(name + 1, 'x', LONG_NAME - 1);
		len = LONG_NAME;
	} else {
		name[1] = (char)MADE;
		memcpy(name + 2, digits, strlen(digits));
		len = 2 + strlen(digits);
	}
	if (len > 127) {
		buf_byte(out, (char)((len & 0x7f) | 0x80));
		buf_byte(out, (char)(len >> 7));
	} else {
		buf_byte(out, (char)len);
	}
	buf_append(out, name, len);
}

static void put_tokens(struct buf *out)
{
	u16 index[256];
	size_t from = out->len;

	for (unsigned i = 0; i < 256; i++) {
		char letter[2] = {(char)i, 0};

		index[i] = (u16)(out->len - from);
		if (i == MADE)
			buf_append(out, "made_", 6);
		else if (i > ' ' && i < 127)
			buf_append(out, letter, 2);
		else
			buf_append(out, "qu", 3);
	}
	align(out);
	buf_append(out, index, sizeof(index));
}

static void put_addresses(const struct kallsyms_form *f, struct buf *out)
{
	align(out);
	for (u32 i = 0; i < MADE_SYMBOLS; i++)
		put_word(out, 16 * i + (f->relative ? 0 : f->base));
	if (f->relative)
		put_word(out, f->base);
}

static void put_sequence(const struct kallsyms_form *f, struct buf *out)
{
	for (unsigned i = 0; f->sequence && i < MADE_SYMBOLS; i++) {
		u8 number[3] = {0, (u8)(i >> 8), (u8)i};

		buf_append(out, number, sizeof(number));
	}
	align(out);
}

void kallsyms_image(const struct kallsyms_form *f, struct buf *out)
{
	u32 markers[MADE_SYMBOLS / 256 + 1];
	size_t names;

	align(out);
	if (!f->behind)
		put_addresses(f, out);
	put_word(out, MADE_SYMBOLS);
	names = out->len;
	for (unsigned i = 0; i < MADE_SYMBOLS; i++) {
		if (i % 256 == 0)
			markers[i / 256] = (u32)(out->len - names);
		put_name(f, i, out);
	}
	align(out);
	buf_append(out, markers, sizeof(markers));
	if (!f->behind)
		put_sequence(f, out);
	put_tokens(out);
	if (f->behind) {
		put_addresses(f, out);
		put_sequence(f, out);
	}
}
