/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a packet's bytes to its handler, and the words that handlers parse and
 * answer with.  Handlers check all arguments before they act. */
#include "gdbstub/stub_priv.h"

#include <stdarg.h>
#include <string.h>

enum form { WHOLE, ARGS };

static const struct row {
	const char *prefix;
	enum form form;
	packet_fn *serve;
	const char *word;
} rows[] = {
#define PACKET(prefix, form, fn, word, text) {prefix, form, packet_##fn, word},
#include "gdbstub/packets.def"
};

static const struct row *find(const char *data, size_t len)
{
	const struct row *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].prefix);

		if (n <= longest || n > len ||
		    (rows[i].form == WHOLE && n != len) ||
		    memcmp(rows[i].prefix, data, n))
			continue;
		longest = n;
		best = &rows[i];
	}
	return best;
}

void packet_serve(struct gdbstub *g, char *data, size_t len)
{
	const struct row *r = find(data, len);
	struct args a = {data, len};

	buf_clear(&g->reply);
	if (!r)
		return;
	a.at += strlen(r->prefix);
	a.len -= strlen(r->prefix);
	r->serve(g, &a);
}

void packet_words(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (*rows[i].word)
			buf_printf(out, ";%s", rows[i].word);
}

void packet_empty(struct gdbstub *g, struct args *a)
{
	(void)g;
	(void)a;
}

/* ---- parsing ---- */

bool args_hex(struct args *a, u64 *v)
{
	size_t n = 0;
	u64 got = 0;

	while (n < a->len && n < 17 && hex_digit(a->at[n]) >= 0)
		got = got << 4 | (u64)hex_digit(a->at[n++]);
	if (!n || n > 16)
		return false;
	*v = got;
	a->at += n;
	a->len -= n;
	return true;
}

bool args_char(struct args *a, char c)
{
	if (!a->len || *a->at != c)
		return false;
	a->at++;
	a->len--;
	return true;
}

bool args_word(struct args *a, const char *word)
{
	size_t n = strlen(word);

	if (a->len < n || memcmp(a->at, word, n))
		return false;
	a->at += n;
	a->len -= n;
	return true;
}

bool args_range(struct args *a, u32 *addr, u32 *len)
{
	u64 from, n;

	if (!args_hex(a, &from) || !args_char(a, ',') || !args_hex(a, &n) ||
	    from > UINT32_MAX || n > UINT32_MAX)
		return false;
	*addr = (u32)from;
	*len = (u32)n;
	return true;
}

/* ---- replies ---- */

void reply(struct gdbstub *g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&g->reply, fmt, ap);
	va_end(ap);
}

void reply_ok(struct gdbstub *g)
{
	buf_append(&g->reply, "OK", 2);
}

void reply_error(struct gdbstub *g, const char *fmt, ...)
{
	va_list ap;

	buf_clear(&g->reply);
	buf_append(&g->reply, "E.", 2);
	va_start(ap, fmt);
	buf_vprintf(&g->reply, fmt, ap);
	va_end(ap);
	/* gdb shows it as it is sent, escapes and all. */
	for (size_t i = 0; i < g->reply.len; i++)
		if (strchr("$#}*", g->reply.data[i]))
			g->reply.data[i] = '\'';
}

void reply_errno(struct gdbstub *g, unsigned number)
{
	buf_clear(&g->reply);
	reply(g, "E%02x", number);
}
