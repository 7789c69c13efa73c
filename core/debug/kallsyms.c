/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linux's kallsyms, as scripts/kallsyms.c of its sources lays them out
 * (CONFIG_KALLSYMS), found by what they are, without knowing the version:
 *
 *	addresses    a word a symbol, ascending; since 4.6 offsets, followed by
 *		     the address they count from; since 6.4 all that behind
 *		     the token index
 *	count        of symbols
 *	names        of each: how many tokens (7 bits, since 6.1 with a second
 *		     byte if bit 7 is set), then a byte a token; the first
 *		     character is its type
 *	markers      a word for each 256th symbol: where its name begins
 *	sequence     since 6.2, and in what took that over: 3 bytes a symbol;
 *		     since 6.4 last of all
 *	token table  256 strings with their NULs
 *	token index  256 16-bit offsets into it
 *
 * Each begins at a multiple of 4.  A character that stands in names is its own
 * token, so the digits are one string after another: that is sought, and the
 * rest is looked for around it.  The index must agree with the table in all
 * 256 places, the names with all markers, and addresses must ascend: what
 * fits all that was made by that program. */
#include "core/debug/kallsyms.h"

#include <string.h>

enum { TOKENS = 256, STEP = 256, NAME_MAX = 512, NAMES_LONGEST = 1 << 15,
       GAP_MAX = 1 << 20 };

static u32 word(const u8 *at)
{
	u32 v;

	memcpy(&v, at, 4);
	return v;
}

static u16 half(const u8 *at)
{
	u16 v;

	memcpy(&v, at, 2);
	return v;
}

/* Where what begins at `from` or behind it can begin. */
static size_t aligned(size_t from)
{
	return (from + 3) & ~(size_t)3;
}

/* The token table in which "0" is at `zero`. */
static bool find_tokens(const u8 *bytes, size_t len, size_t zero,
			struct kallsyms *k)
{
	size_t at = zero, table;
	const u8 *index;

	for (unsigned i = '0'; i < TOKENS; i++) {
		const u8 *nul = memchr(bytes + at, 0, len - at);

		if (!nul)
			return false;
		at = (size_t)(nul - bytes) + 1;
	}
	at = aligned(at);
	if (len - at < 2 * TOKENS)
		return false;
	index = bytes + at;
	if (half(index) || half(index + 2 * '0') > zero)
		return false;
	table = zero - half(index + 2 * '0');
	if (table & 3)
		return false;
	for (at = table, zero = 0; zero < TOKENS; zero++) {
		if (half(index + 2 * zero) != at - table)
			return false;
		at += strlen((const char *)bytes + at) + 1;
	}
	k->token_table = bytes + table;
	k->token_index = index;
	return true;
}

/* The markers that end at `end`: they ascend from 0.  How many; 0: none. */
static u32 markers_to(const u8 *bytes, size_t end)
{
	size_t at = end;
	u32 above = ~0u, v;

	for (; at >= 4; above = v) {
		at -= 4;
		v = word(bytes + at);
		if (v >= above)
			return 0;
		if (!v)
			return (u32)((end - at) / 4);
	}
	return 0;
}

/* Bytes of the name at `at`; 0: it does not end before `end`. */
static size_t name_bytes(const u8 *bytes, size_t at, size_t end, u32 *tokens,
			 u32 *head)
{
	if (at >= end)
		return 0;
	*tokens = bytes[at];
	*head = 1;
	if (*tokens & 0x80) {
		if (at + 1 >= end)
			return 0;
		*tokens = (*tokens & 0x7f) | (u32)bytes[at + 1] << 7;
		*head = 2;
	}
	return *tokens && *tokens < end - at ? *head + *tokens : 0;
}

/* Do `count` names from `names` on agree with the markers? */
static bool names_fit(const u8 *bytes, size_t names, size_t markers, u32 count)
{
	size_t at = names;
	u32 tokens, head;

	for (u32 i = 0; i < count; i++) {
		size_t n = name_bytes(bytes, at, markers, &tokens, &head);

		if (!n || (i % STEP == 0 &&
			   word(bytes + markers + 4 * (i / STEP)) != at - names))
			return false;
		at += n;
	}
	return markers - at < 4;
}

/* The names before `steps` markers, and their count before them. */
static bool find_names(const u8 *bytes, size_t markers, u32 steps,
		       struct kallsyms *k)
{
	u32 last = word(bytes + markers + 4 * (steps - 1));
	size_t names;

	if (last > markers)
		return false;
	names = (markers - last) & ~(size_t)3;
	for (unsigned tries = 0; tries < NAMES_LONGEST && names >= 8;
	     tries++, names -= 4) {
		u32 count = word(bytes + names - 4);

		if (count > STEP * steps || count <= STEP * (steps - 1) ||
		    !names_fit(bytes, names, markers, count))
			continue;
		k->names = bytes + names;
		k->count = count;
		return true;
	}
	return false;
}

/* Names and markers before the token table; `gap` bytes may lie between, three
 * for each symbol. */
static bool find_tables(const u8 *bytes, size_t table, struct kallsyms *k)
{
	for (size_t gap = 0; gap < GAP_MAX && gap < table; gap += 4) {
		u32 steps = markers_to(bytes, table - gap);
		size_t markers = table - gap - 4 * (size_t)steps;
		u32 count = (u32)(gap / 3);

		if (!steps || (gap && (count + STEP - 1) / STEP != steps &&
			       (count + STEP - 2) / STEP != steps))
			continue;
		if (find_names(bytes, markers, steps, k))
			return true;
	}
	return false;
}

static bool ascend(const u8 *at, u32 count)
{
	for (u32 i = 1; i < count; i++)
		if (word(at + 4 * i) < word(at + 4 * (i - 1)))
			return false;
	return word(at + 4 * (count - 1)) > word(at);
}

/* Offsets and their base add up to addresses; addresses and whatever is behind
 * them do not. */
static bool is_relative(const struct kallsyms *k, const u8 *at)
{
	return ascend(at, k->count) &&
	       (u64)k->base + word(at + 4 * (k->count - 1)) <= UINT32_MAX;
}

static bool find_before(const u8 *bytes, struct kallsyms *k)
{
	size_t end = (size_t)(k->names - bytes) - 4;
	u64 all = 4ull * k->count;
	const u8 *at;

	if (end < all + 4)
		return false;
	at = bytes + end - 4 - all;
	k->base = word(bytes + end - 4);
	k->relative = is_relative(k, at);
	if (!k->relative)
		at += 4;
	k->addresses = at;
	return ascend(at, k->count);
}

/* Behind addresses are numbers of any size, so here offsets are known by their
 * first, which is of what they count from. */
static bool find_behind(const u8 *bytes, size_t len, struct kallsyms *k)
{
	size_t from = aligned((size_t)(k->token_index - bytes) + 2 * TOKENS);
	u64 all = 4ull * k->count;

	if (from > len || len - from < all + 4)
		return false;
	k->addresses = bytes + from;
	k->base = word(k->addresses + all);
	k->relative = !word(k->addresses) && is_relative(k, k->addresses);
	return ascend(k->addresses, k->count);
}

bool kallsyms_find(const u8 *bytes, size_t len, size_t *at,
		   struct kallsyms *found)
{
	static const u8 digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
	const u8 *hit;
	size_t zero;

	while (*at < len &&
	       (hit = memmem(bytes + *at, len - *at, digits, sizeof(digits)))) {
		zero = (size_t)(hit - bytes);
		*at = zero + 1;
		if (!find_tokens(bytes, len, zero, found))
			continue;
		if (find_tables(bytes, (size_t)(found->token_table - bytes),
				found) &&
		    (find_before(bytes, found) ||
		     find_behind(bytes, len, found)))
			return true;
	}
	*at = len;
	return false;
}

/* The name at `at` as text; its bytes. */
static size_t expand(const struct kallsyms *k, const u8 *at,
		     char name[NAME_MAX])
{
	u32 tokens, head;
	size_t n = name_bytes(at, 0, NAMES_LONGEST, &tokens, &head), len = 0;

	for (u32 i = 0; i < tokens; i++) {
		const char *t = (const char *)k->token_table +
				half(k->token_index + 2 * at[head + i]);

		while (*t && len < NAME_MAX - 1)
			name[len++] = *t++;
	}
	name[len] = '\0';
	return n;
}

void kallsyms_each(const struct kallsyms *k,
		   void (*fn)(void *arg, const char *name, u32 addr, char type),
		   void *arg)
{
	const u8 *at = k->names;
	char name[NAME_MAX];

	for (u32 i = 0; i < k->count; i++) {
		u32 addr = word(k->addresses + 4 * (size_t)i) +
			   (k->relative ? k->base : 0);

		at += expand(k, at, name);
		fn(arg, *name ? name + 1 : name, addr, *name);
	}
}
