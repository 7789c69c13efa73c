/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Framing (gdb manual, appendix E.1).
 *
 *	$ content # two hexadecimal digits, the sum of content
 *
 * In content `}' escapes: the next byte is meant with bit 5 flipped.  What we
 * send may hold `*' and a count: the byte before it, so many times more. */
#include "gdbstub/frame.h"

#include <string.h>

void frame_feed(struct frame_in *in, const void *bytes, size_t len)
{
	if (in->at == in->bytes.len) {
		buf_clear(&in->bytes);
		in->at = 0;
	} else if (in->at > FRAME_MAX) {
		size_t left = in->bytes.len - in->at;

		memmove(in->bytes.data, in->bytes.data + in->at, left);
		in->bytes.len = left;
		in->at = 0;
	}
	buf_append(&in->bytes, bytes, len);
}

void frame_free(struct frame_in *in)
{
	buf_free(&in->bytes);
	in->at = 0;
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(const char *text, size_t bytes, void *out)
{
	u8 *to = out;

	for (size_t i = 0; i < bytes; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		to[i] = (u8)(high << 4 | low);
	}
	return true;
}

/* Two characters a byte. */
static const char *hex_pairs(void)
{
	static const char digits[] = "0123456789abcdef";
	static char pairs[512];

	for (unsigned i = 0; !pairs[511] && i < 256; i++) {
		pairs[2 * i] = digits[i >> 4];
		pairs[2 * i + 1] = digits[i & 15];
	}
	return pairs;
}

void hex_encode(struct buf *out, const void *bytes, size_t len)
{
	const char *pairs = hex_pairs();
	const u8 *from = bytes;
	char *to;

	buf_reserve(out, 2 * len);
	to = out->data + out->len;
	for (size_t i = 0; i < len; i++)
		memcpy(to + 2 * i, pairs + 2 * from[i], 2);
	out->len += 2 * len;
	out->data[out->len] = '\0';
}

/* ---- in ---- */

/* Undoes escapes in place; the length that is left. */
static size_t unescape(char *data, size_t len)
{
	char *from = memchr(data, '}', len), *to = from, *end = data + len;

	if (!from)
		return len;
	while (from < end) {
		if (*from == '}' && from + 1 < end) {
			*to++ = (char)(from[1] ^ 0x20);
			from += 2;
		} else {
			*to++ = *from++;
		}
	}
	return (size_t)(to - data);
}

static bool sum_is_right(const char *data, size_t len)
{
	u8 sum = 0, given;

	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + (u8)data[i]);
	return hex_decode(data + len + 1, 1, &given) && given == sum;
}

/* The packet that begins behind the `$' at in->at - 1. */
static enum frame packet(struct frame_in *in, char **data, size_t *len)
{
	char *from = in->bytes.data + in->at;
	size_t left = in->bytes.len - in->at;
	char *end = left ? memchr(from, '#', left) : NULL;
	bool right;

	if (!end || end + 3 > from + left) {
		if (left > FRAME_MAX)
			return FRAME_TOO_LONG;
		in->at--;
		return FRAME_NONE;
	}
	*len = (size_t)(end - from);
	in->at += *len + 3;
	right = sum_is_right(from, *len);
	*len = unescape(from, *len);
	from[*len] = '\0'; /* where `#' was, or before it */
	*data = from;
	return right ? FRAME_PACKET : FRAME_BAD;
}

enum frame frame_next(struct frame_in *in, char **data, size_t *len)
{
	while (in->at < in->bytes.len)
		switch (in->bytes.data[in->at++]) {
		case '$':
			return packet(in, data, len);
		case '+':
			return FRAME_ACK;
		case '-':
			return FRAME_NAK;
		case FRAME_BREAK:
			return FRAME_STOP;
		default:
			break; /* noise */
		}
	return FRAME_NONE;
}

bool frame_has_packet(const struct frame_in *in)
{
	return in->at < in->bytes.len &&
	       memchr(in->bytes.data + in->at, '$', in->bytes.len - in->at);
}

bool frame_take_break(struct frame_in *in)
{
	char *b = in->bytes.data;

	for (size_t i = in->at; i < in->bytes.len; i++) {
		if (b[i] == '$') {
			const char *end = memchr(b + i, '#', in->bytes.len - i);

			if (!end)
				return false;
			i = (size_t)(end - b) + 2;
		} else if (b[i] == FRAME_BREAK) {
			b[i] = '\n'; /* noise */
			return true;
		}
	}
	return false;
}

/* ---- out ---- */

enum { RUN_MAX = 97, RUN_ZERO = 29 };

static inline bool is_special(u8 c)
{
	return c == '$' || c == '#' || c == '}' || c == '*';
}

/* How often the first of `len` bytes, a word's at least that are all the same,
 * may be said to come again: the count is sent as a character, and some are
 * taken. */
static size_t run_of(const u8 *data, size_t len)
{
	size_t n = 1;

	while (n < len && n <= RUN_MAX && data[n] == data[0])
		n++;
	n--;
	while (memchr("#$+-", RUN_ZERO + (int)n, 4))
		n--;
	return n;
}

/* Eight bytes in a word. */
#define BYTES(c) (0x0101010101010101ull * (c))

/* Not 0 when a byte is. */
static inline u64 zero_bytes(u64 v)
{
	return (v - BYTES(1)) & ~v & BYTES(0x80);
}

static inline bool has_special(u64 v)
{
	return zero_bytes(v ^ BYTES('$')) | zero_bytes(v ^ BYTES('#')) |
	       zero_bytes(v ^ BYTES('}')) | zero_bytes(v ^ BYTES('*'));
}

static inline u64 sum_of(u64 v)
{
	u64 pairs = (v & 0x00ff00ff00ff00ffull) +
		    (v >> 8 & 0x00ff00ff00ff00ffull);

	return pairs * 0x0001000100010001ull >> 48;
}

/* Most of what is sent is memory in hexadecimal: words without anything
 * special.  Runs are looked for by words, too; shorter ones are not worth what
 * finding them costs. */
void frame_pack(struct buf *out, const void *data, size_t len)
{
	const u8 *from = data, *end = from + len;
	u8 *to;
	u64 sum = 0;

	buf_reserve(out, 2 * len + 8); /* all of it escaped */
	to = (u8 *)out->data + out->len;
	*to++ = '$';
	while (from < end) {
		size_t left = (size_t)(end - from), again;
		u64 v = BYTES('#');

		if (left >= sizeof(v))
			memcpy(&v, from, sizeof(v));
		if (has_special(v)) {
			if (is_special(*from)) {
				*to++ = '}';
				sum += '}';
			}
			*to = is_special(*from) ? *from ^ 0x20 : *from;
			sum += *to++;
			from++;
			continue;
		}
		if (v != BYTES(*from)) {
			memcpy(to, &v, sizeof(v));
			sum += sum_of(v);
			from += sizeof(v);
			to += sizeof(v);
			continue;
		}
		again = run_of(from, left);
		*to++ = *from;
		*to++ = '*';
		*to++ = (u8)(RUN_ZERO + again);
		sum += *from + '*' + RUN_ZERO + again;
		from += 1 + again;
	}
	out->len = (size_t)(to - (u8 *)out->data);
	buf_printf(out, "#%02x", (unsigned)(sum & 0xff));
}
