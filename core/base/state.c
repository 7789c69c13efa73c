/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Goes over the tables of state.h.  Hosts are little-endian, as guests are. */
#include "core/base/state.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/crc.h"

void state_list_add(struct state_list *l, const struct state_part *part)
{
	CHECK(l->count < STATE_PARTS, "no room for the state of %s",
	      part->name);
	l->part[l->count++] = *part;
}

size_t state_size(const struct state_field *f)
{
	size_t all = 0;

	for (; f->name; f++)
		all += f->count * (f->of ? state_size(f->of) : f->size);
	return all;
}

static u32 layout(const struct state_field *f, u32 crc)
{
	for (; f->name; f++) {
		u32 shape[2] = {f->of ? 0 : f->size, f->count};

		crc = crc32c(crc, f->name, strlen(f->name) + 1);
		crc = crc32c(crc, shape, sizeof(shape));
		if (f->of)
			crc = layout(f->of, crc);
	}
	return crc32c(crc, "", 1);
}

u32 state_layout(const struct state_field *fields)
{
	return layout(fields, 0);
}

void state_save(const struct state_field *f, const void *from, struct buf *out)
{
	for (; f->name; f++) {
		const u8 *at = (const u8 *)from + f->at;

		if (!f->of) {
			buf_append(out, at, (size_t)f->size * f->count);
			continue;
		}
		for (u32 i = 0; i < f->count; i++)
			state_save(f->of, at + (size_t)i * f->size, out);
	}
}

static int load_number(const struct state_field *f, u8 *to, const u8 *bytes,
		       struct err *e)
{
	u64 value = 0;

	memcpy(&value, bytes, f->size);
	if (value > f->most)
		return err_set(e, "%s cannot be %llu", f->name,
			       (unsigned long long)value);
	memcpy(to, bytes, f->size);
	return 0;
}

int state_load(const struct state_field *f, void *to, const u8 *bytes,
	       struct err *e)
{
	for (; f->name; f++) {
		size_t each = f->of ? state_size(f->of) : f->size;
		u8 *at = (u8 *)to + f->at;

		for (u32 i = 0; i < f->count; i++, at += f->size, bytes += each)
			if (f->of ? state_load(f->of, at, bytes, e)
				  : load_number(f, at, bytes, e))
				return -1;
	}
	return 0;
}

/* ---- parts ---- */

int state_check(const struct state_part *p, const u8 *bytes, u64 now,
		struct err *e)
{
	void *trial = malloc(p->size);
	const char *wrong = NULL;
	struct err why;
	int bad;

	NEED_MEMORY(trial, "%zu bytes", p->size);
	memcpy(trial, p->at, p->size);
	bad = state_load(p->fields, trial, bytes, &why);
	if (!bad && p->wrong && (wrong = p->wrong(trial, now)))
		bad = err_set(&why, "%s", wrong);
	free(trial);
	return bad ? err_set(e, "%s: %s", p->name, why.text) : 0;
}

void state_list_save(const struct state_list *l, struct buf *out)
{
	for (unsigned i = 0; i < l->count; i++)
		state_save(l->part[i].fields, l->part[i].at, out);
}

int state_list_load(const struct state_list *l, const u8 *bytes, size_t len,
		    u64 now, struct err *e)
{
	const u8 *at = bytes;
	size_t all = 0;

	for (unsigned i = 0; i < l->count; i++)
		all += state_size(l->part[i].fields);
	if (len != all)
		return err_set(e, "%zu bytes of state, expected %zu", len, all);
	for (unsigned i = 0; i < l->count; i++) {
		if (state_check(&l->part[i], at, now, e))
			return -1;
		at += state_size(l->part[i].fields);
	}
	for (unsigned i = 0; i < l->count; i++) {
		state_load(l->part[i].fields, l->part[i].at, bytes, NULL);
		bytes += state_size(l->part[i].fields);
	}
	return 0;
}
