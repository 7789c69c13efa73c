/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Breakpoints at names that the guest tells of itself.
 *
 * Linux's own symbols are in its memory and nowhere else before it has
 * unpacked itself, and at another place with each start when it moves.  So a
 * breakpoint at a name that nobody knows yet is kept without a place
 * (`pending'), as in gdb, where more names may come; and one that was placed
 * by the guest's own symbols loses its place when another guest is there.
 *
 * Names are looked for when the guest turns paging on, which a kernel does
 * before any code runs at the address that it is linked for: a hidden catch of
 * writes to CR0, only while a name is waited for. */
#include "core/debug/debug_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

/* A name, perhaps with something added: its length, or 0. */
static size_t name_length(const char *text)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*text) && *text != '_')
		return 0;
	while (isalnum((unsigned char)text[n]) || text[n] == '_' ||
	       text[n] == '.')
		n++;
	return strchr("+- ", text[n]) ? n : 0;
}

static bool is_known(const struct debug *d, const char *text)
{
	char *name = strndup(text, name_length(text));
	bool known;
	u32 at;

	NEED_MEMORY(name, "a breakpoint");
	known = symbols_address(d->symbols, name, &at);
	free(name);
	return known;
}

/* May names come that are not known now? */
static bool may_tell(const struct debug *d)
{
	return !d->knows_linux &&
	       (!symbols_count(d->symbols) || d->knew_linux);
}

struct breakpoint *debug_break_at(struct debug *d, const char *text,
				  const char *condition, struct err *e)
{
	struct breakpoint form = {.kind = BREAK_CODE};
	bool is_name = name_length(text);
	struct breakpoint *b;

	if (!*text)
		form.addr = debug_pc(d);
	else if (is_name && may_tell(d) && !is_known(d, text))
		form.pending = true;
	else if (debug_location(d, text, &form.addr, e))
		return NULL;
	b = debug_break_append(d, &form, text, condition, e);
	if (b)
		b->is_its_own = form.pending || (is_name && d->knows_linux);
	return b;
}

/* ---- names come and go ---- */

void debug_pending_place(struct debug *d)
{
	gla_t addr;

	for (struct breakpoint *b = d->breaks; b && d->pending; b = b->next)
		if (b->pending && is_known(d, b->what) &&
		    !debug_location(d, b->what, &addr, NULL))
			debug_break_move(d, b, &addr);
}

void debug_pending_lose(struct debug *d)
{
	for (struct breakpoint *b = d->breaks; b; b = b->next)
		if (b->is_its_own && !b->pending)
			debug_break_move(d, b, NULL);
}

static bool on_cr0(void *arg)
{
	struct debug *d = arg;

	debug_know_guest(d, &d->untold);
	return false;
}

void debug_pending_wait(struct debug *d)
{
	if (d->pending && !d->knows_linux)
		debug_know_guest(d, &d->untold); /* it was loaded, paging on */
	debug_pending_place(d);
	if (d->pending && !d->paging_catch) {
		struct breakpoint form = {.kind = BREAK_EVENT,
					  .event = VM_EVENT_CR,
					  .hidden = true,
					  .probe = on_cr0,
					  .probe_arg = d};

		d->paging_catch = debug_break_append(d, &form, NULL, NULL, NULL);
		d->next_number -= d->paging_catch != NULL;
	} else if (!d->pending && d->paging_catch) {
		debug_break_delete(d, d->paging_catch);
		d->paging_catch = NULL;
	}
}
