/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a struct is state, as a table: one row a member, with the values
 * it may have.  Saving, loading, checking and the mark by which another
 * layout is known are made from it. */
#ifndef CORE_BASE_STATE_H
#define CORE_BASE_STATE_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/types.h"

/* `count` elements of `size` bytes: unsigned numbers up to `most`, or, with
 * `of`, structs of such members.  A row without a name ends the table. */
struct state_field {
	const char *name;
	u32 at, size, count;
	u64 most;
	const struct state_field *of;
};

#define STATE_MEMBER(type, member) (((type *)0)->member)
#define STATE(type, member, most) \
	{ #member, offsetof(type, member), sizeof(STATE_MEMBER(type, member)), \
	  1, most, NULL }
#define STATE_ARRAY(type, member, most) \
	{ #member, offsetof(type, member), \
	  sizeof(STATE_MEMBER(type, member)[0]), \
	  ARRAY_LEN(STATE_MEMBER(type, member)), most, NULL }
#define STATE_OF(type, member, fields) \
	{ #member, offsetof(type, member), sizeof(STATE_MEMBER(type, member)), \
	  1, 0, fields }
#define STATE_ARRAY_OF(type, member, fields) \
	{ #member, offsetof(type, member), \
	  sizeof(STATE_MEMBER(type, member)[0]), \
	  ARRAY_LEN(STATE_MEMBER(type, member)), 0, fields }
#define STATE_END { NULL, 0, 0, 0, 0, NULL }
#define STATE_ANY UINT64_MAX
/* Counts and guest times: what is added to them does not wrap. */
#define STATE_TIME (1ull << 62)

/* One struct of the machine. */
struct state_part {
	const char *name; /* at most 15 letters */
	const struct state_field *fields;
	void *at;
	size_t size; /* of the struct */
	/* Why these values, each of them possible, cannot be together in a
	 * machine whose guest time is `now`; NULL: they can.  NULL: always. */
	const char *(*wrong)(const void *at, u64 now);
};

enum { STATE_PARTS = 48 };
struct state_list {
	struct state_part part[STATE_PARTS];
	unsigned count;
};
void state_list_add(struct state_list *l, const struct state_part *part);

/* Would these bytes, state_size() of them, do for the part?  -1: no, and
 * why.  The part stays as it is. */
int state_check(const struct state_part *p, const u8 *bytes, u64 now,
		struct err *e);
/* The same for all parts, whose bytes follow one another; when they do, they
 * are loaded. */
int state_list_load(const struct state_list *l, const u8 *bytes, size_t len,
		    u64 now, struct err *e);
void state_list_save(const struct state_list *l, struct buf *out);

/* Bytes that `fields` are in a file. */
size_t state_size(const struct state_field *fields);
/* Differs when fields of these names and sizes are not the same. */
u32 state_layout(const struct state_field *fields);
void state_save(const struct state_field *fields, const void *from,
		struct buf *out);
/* Takes state_size() bytes; -1 and the reason when one is no value of its
 * member: then some members are changed and some are not. */
int state_load(const struct state_field *fields, void *to, const u8 *bytes,
	       struct err *e);

#endif
