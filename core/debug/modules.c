/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Symbols of the modules that a Linux has loaded, as it keeps them for itself
 * (CONFIG_KALLSYMS): each struct module leads to a table of ELF symbols, whose
 * values are addresses already, and to their names.
 *
 * Where in struct module that is differs with version and configuration, so it
 * is known by what it is, as the kernel's own table (kallsyms.c).  The list of
 * modules is at `modules'; kernels with few symbols name no data, but
 * print_modules() is in all of them, and what it walks along is a list whose
 * members have a state in front of their links and a name behind. */
#include "core/debug/debug_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINEAR_BASE = 0xc0000000,
	CODE_MAX = 512, /* of print_modules() */
	MODULES_MAX = 512,
	SYMBOLS_MAX = 1 << 16,
	LINK = 4, /* of struct module: its state, the list, its name */
	NAME = 12,
	NAME_LEN = 48,
	MODULE_SIZE = 1024, /* what is looked at of it */
	REACH = 64 << 20, /* how far from it its code may lie */
	SYMBOL_NAME = 256,
	PATIENCE = 1 << 20, /* symbols looked at: a guest may lie */
};

/* Elf32_Sym */
struct elf_symbol {
	u32 name, value, size;
	u8 info, other;
	u16 section;
};

struct table {
	u32 symbols, count, names;
};

struct search {
	struct debug *d;
	u32 module;
	unsigned patience;
};

static u32 word(struct debug *d, u32 at)
{
	u32 v = 0;

	return debug_read(d, at, &v, 4) == 4 ? v : 0;
}

static bool is_kernel(u32 address)
{
	return address >= LINEAR_BASE && address < UINT32_MAX - 4096;
}

/* ---- the list ---- */

static bool is_module(struct debug *d, u32 module)
{
	char name[NAME_LEN];

	if (word(d, module) > 3 ||
	    debug_read(d, module + NAME, name, NAME_LEN) != NAME_LEN ||
	    !memchr(name, 0, NAME_LEN) || !*name)
		return false;
	for (unsigned i = 0; name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_-", name[i]))
			return false;
	return true;
}

/* Is there at `head` a list with modules in it? */
static bool is_list(struct debug *d, u32 head)
{
	u32 first;

	if (!is_kernel(head) || head & 3)
		return false;
	first = word(d, head);
	return is_kernel(first) && first != head &&
	       word(d, first + 4) == head && is_module(d, first - LINK);
}

/* 0: there is none, or it is empty. */
static u32 find_list(struct debug *d)
{
	u8 code[CODE_MAX + 4];
	u32 at, head;
	unsigned n;

	if (symbols_address(d->symbols, "modules", &head) && is_list(d, head))
		return head;
	if (!symbols_address(d->symbols, "print_modules", &at))
		return 0;
	n = debug_read(d, at, code, sizeof(code));
	for (unsigned i = 0; i + 4 <= n; i++) {
		memcpy(&head, code + i, 4);
		if (is_list(d, head))
			return head;
	}
	return 0;
}

/* ---- one module's table ---- */

static bool read_symbol(struct search *w, const struct table *t, u32 i,
			struct elf_symbol *s)
{
	u32 at = t->symbols + i * (u32)sizeof(*s);

	if (!w->patience)
		return false;
	w->patience--;
	return debug_read(w->d, at, s, sizeof(*s)) == sizeof(*s);
}

/* Its code lies not far from the module, or it is of another. */
static bool is_near(const struct search *w, const struct elf_symbol *s)
{
	return s->value - w->module + REACH < 2 * REACH;
}

/* The first is empty, as in all of ELF; others lie near the module and have
 * names. */
static bool fits(struct search *w, const struct table *t)
{
	struct elf_symbol s;
	unsigned named = 0;
	u8 letter;

	if (!is_kernel(t->symbols) || t->symbols & 3 || !is_kernel(t->names) ||
	    t->count < 2 || t->count > SYMBOLS_MAX ||
	    !read_symbol(w, t, 0, &s) || s.name || s.value || s.size)
		return false;
	for (u32 i = 1; i < t->count && i < 64; i++) {
		if (!read_symbol(w, t, i, &s))
			return false;
		if (!s.name || !s.section)
			continue; /* a section, or another's */
		if (s.name > SYMBOLS_MAX * 64 ||
		    debug_read(w->d, t->names + s.name, &letter, 1) != 1 ||
		    (letter && !isprint(letter)))
			return false;
		named += letter && is_near(w, &s);
	}
	return named;
}

/* Symbols, their count and names: side by side, or each followed by what the
 * module keeps after its start (2.6.31 to 4.4). */
static bool table_at(struct search *w, u32 at, struct table *t)
{
	for (u32 step = 4; step <= 8; step += 4) {
		*t = (struct table){word(w->d, at), word(w->d, at + step),
				    word(w->d, at + 2 * step)};
		if (fits(w, t))
			return true;
	}
	return false;
}

/* In struct module, or since 4.5 in what it points to. */
static bool find_table(struct search *w, struct table *t)
{
	u32 at = w->module + NAME + NAME_LEN, end = w->module + MODULE_SIZE;

	for (; at < end; at += 4) {
		u32 to = word(w->d, at);

		if (table_at(w, at, t) || (is_kernel(to) && table_at(w, to, t)))
			return true;
	}
	return false;
}

/* As nm has it.  Kernels before 5.2 wrote a letter over what ELF has there. */
static char type_of(const struct elf_symbol *s)
{
	if (isalpha(s->info))
		return (char)s->info;
	return (s->info & 15) == 1 ? 'd' : 't';
}

static unsigned put_symbols(struct search *w)
{
	char name[SYMBOL_NAME];
	struct elf_symbol s;
	struct table t;
	unsigned n = 0;

	if (!find_table(w, &t))
		return 0;
	for (u32 i = 1; i < t.count && read_symbol(w, &t, i, &s); i++) {
		if (!s.name || !s.section || !is_near(w, &s))
			continue;
		memset(name, 0, sizeof(name));
		debug_read(w->d, t.names + s.name, name, sizeof(name) - 1);
		if (!*name)
			continue;
		symbols_found(w->d->symbols, name, s.value, type_of(&s));
		n++;
	}
	return n;
}

/* The next member of the list; 0: that was the last. */
static u32 next_of(struct debug *d, u32 head, u32 at)
{
	u32 next = word(d, at);

	return next != head && is_kernel(next) && is_module(d, next - LINK)
		       ? next
		       : 0;
}

/* Tells one list of modules from another. */
static u32 mark_of(struct debug *d, u32 head)
{
	u32 mark = head, at = head;

	for (unsigned n = 0; head && n < MODULES_MAX; n++) {
		at = next_of(d, head, at);
		if (!at)
			break;
		mark = mark * 31 + at;
	}
	return mark;
}

unsigned modules_put(struct debug *d, unsigned *modules)
{
	struct search w = {.d = d, .patience = PATIENCE};
	u32 head = find_list(d), at = head;
	unsigned n = 0;

	d->modules = head;
	d->modules_mark = mark_of(d, head);
	for (*modules = 0; head && *modules < MODULES_MAX; ++*modules) {
		at = next_of(d, head, at);
		if (!at)
			break;
		w.module = at - LINK;
		n += put_symbols(&w);
	}
	return n;
}

bool modules_changed(struct debug *d)
{
	u32 head = d->modules ? d->modules : find_list(d);

	return head && mark_of(d, head) != d->modules_mark;
}
