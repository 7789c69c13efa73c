/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `catch KIND [WHICH] [if COND]`: stopping at what happens instead of where.
 * A kind's events have numbers, and most of them names; without WHICH any of
 * them is meant. */
#include "repl/vmi_args.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"

#define WORDS (1ull << 32)

enum { EXCEPTIONS = 32, VECTORS = 256, PORTS = 65536 };

/* Name of number i, NULL when it has none; "" marks the end of names. */
static const char *exception_name(unsigned i)
{
	const char *name = i < EXCEPTIONS ? cpu_exception_name(i) : "";

	return !*name || *name == '#' ? name : NULL;
}

static const char *exit_name(unsigned i)
{
	return i < BT_EXIT_COUNT ? bt_exit_name(i) : "";
}

static const char *event_name(unsigned i)
{
	return i < BT_EVENT_COUNT ? bt_event_name(i) : "";
}

static const char *call_name(unsigned i)
{
	return i < VMI_CALLS ? vmi_row(i)->name : "";
}

static const char *hlt_name(unsigned i)
{
	(void)i;
	return "";
}

static const struct kind {
	const char *name;
	enum vm_event event;
	const char *(*name_of)(unsigned i); /* NULL: only numbers */
	u64 limit; /* of numbers as good as names; 0: none is */
	const char *expected;
} kinds[] = {
	{"exception", VM_EVENT_EXCEPTION, exception_name, EXCEPTIONS,
	 "an exception such as #PF or 14"},
	{"interrupt", VM_EVENT_INTERRUPT, NULL, VECTORS,
	 "an interrupt from 0 to 255"},
	{"port in", VM_EVENT_PORT_IN, NULL, PORTS, "a port from 0 to 0xffff"},
	{"port out", VM_EVENT_PORT_OUT, NULL, PORTS, "a port from 0 to 0xffff"},
	{"cr", VM_EVENT_CR, NULL, 5, "a control register: 0, 2, 3 or 4"},
	{"exit", VM_EVENT_EXIT, exit_name, 0, "an exit (see `info exits')"},
	{"bt", VM_EVENT_BT, event_name, 0, "an event of the translator"},
	{"vmi", VM_EVENT_CALL, call_name, 0, "a call of VMI (see `help vmi')"},
	{"dr", VM_EVENT_DR, NULL, 8, "a debug register from 0 to 7"},
	{"msr", VM_EVENT_MSR, NULL, WORDS, "an MSR's number"},
	{"table", VM_EVENT_TABLE, vm_table_name, 0,
	 "a descriptor table's register"},
	{"invlpg", VM_EVENT_INVLPG, NULL, WORDS, "a linear address"},
	{"cpuid", VM_EVENT_CPUID, NULL, WORDS, "a leaf's number"},
	{"mmio", VM_EVENT_MMIO, NULL, WORDS, "a physical address"},
	{"mode", VM_EVENT_MODE, vm_mode_name, 0, "a mode"},
	{"hlt", VM_EVENT_EXIT, hlt_name, 0, "nothing behind it"},
};

/* "PF" is as good as "#PF", and case does not matter. */
static bool same_name(const char *name, const char *typed)
{
	return !strcasecmp(name, typed) ||
	       (*name == '#' && !strcasecmp(name + 1, typed));
}

int exception_named(const char *typed)
{
	const char *name;
	u64 n;

	for (unsigned i = 0; i < EXCEPTIONS; i++)
		if ((name = exception_name(i)) &&
		    (same_name(name, typed) ||
		     (words_number(typed, &n) && n == i)))
			return (int)i;
	return -1;
}

static int unknown(const struct kind *k, const char *typed, struct err *e)
{
	struct buf names = {0};
	const char *name;

	for (unsigned i = 0; k->name_of && *(name = k->name_of(i) ?: " "); i++)
		if (*name != ' ')
			buf_printf(&names, "%s %s", i ? "," : ":", name);
	err_set(e, "expected %s, found `%.40s'%s", k->expected, typed,
		buf_text(&names));
	buf_free(&names);
	return -1;
}

static int number_of(struct console *c, const struct kind *k, const char *typed,
		     u32 *number, struct err *e)
{
	struct value v;
	const char *name;
	struct err ignored;
	int call;

	*number = k->name_of == hlt_name ? BT_EXIT_HALT : VM_ANY;
	if (!*typed)
		return 0;
	if (k->event == VM_EVENT_CALL) {
		call = vmi_named(typed, e);
		*number = (u32)call;
		return call < 0 ? -1 : 0;
	}
	for (unsigned i = 0; k->name_of && *(name = k->name_of(i) ?: " "); i++)
		if (same_name(name, typed)) {
			*number = i;
			return 0;
		}
	if (debug_eval(c->d, typed, NULL, &v, &ignored) || v.bits >= k->limit)
		return unknown(k, typed, e);
	*number = (u32)v.bits;
	return 0;
}

static const struct kind *kind_of(char **args, struct err *e)
{
	struct buf names = {0};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i].name);

		if (!strncmp(*args, kinds[i].name, n) &&
		    (!(*args)[n] || isspace((unsigned char)(*args)[n]))) {
			*args = words_trim(*args + n);
			return &kinds[i];
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		buf_printf(&names, "%s%s",
			   !i			     ? ""
			   : i + 1 < ARRAY_LEN(kinds) ? ", "
						     : " or ",
			   kinds[i].name);
	err_set(e, "expected %s%s%.40s%s", buf_text(&names),
		**args ? ", found `" : "", *args, **args ? "'" : "");
	buf_free(&names);
	return NULL;
}

int cmd_catch(struct console *c, char *args, struct err *e)
{
	char *condition = words_split_if(args);
	const struct kind *k;
	struct breakpoint *b;
	struct buf what = {0};
	u32 number;

	args = words_trim(args);
	k = kind_of(&args, e);
	if (k && k->event == VM_EVENT_CALL && !shows_vmi(c))
		return err_set(e, "the VMI ROM is hidden: -engine vmi shows it");
	if (!k || number_of(c, k, args, &number, e))
		return -1;
	buf_printf(&what, "%s", k->name);
	if (k->name_of == hlt_name)
		; /* said already */
	else if (number != VM_ANY && k->name_of && k->name_of(number))
		buf_printf(&what, " %s", k->name_of(number));
	else if (number != VM_ANY)
		buf_printf(&what, number < 10 ? " %u" : " 0x%x", number);
	b = debug_catch_add(c->d, k->event, number, buf_text(&what), condition,
			    e);
	if (b)
		buf_printf(c->to, "Catchpoint %d: %s\n", b->number,
			   buf_text(&what));
	buf_free(&what);
	return b ? 0 : -1;
}

/* Behind `if': the arguments of the call. */
static const char *argument_word(const char *before, unsigned i)
{
	char name[32];
	struct err ignored;
	int call;

	if (sscanf(before, "vmi %31s if", name) != 1)
		return NULL;
	call = vmi_named(name, &ignored);
	return call < 0 ? NULL : vmi_argument_name((unsigned)call, i);
}

const char *catch_word(const char *before, unsigned i)
{
	if (strstr(before, " if "))
		return argument_word(before + strspn(before, " \t"), i);
	while (isspace((unsigned char)*before))
		before++;
	if (!*before)
		return i < ARRAY_LEN(kinds) ? kinds[i].name : NULL;
	if (!strncmp(before, "port ", 5) &&
	    !before[5 + strspn(before + 5, " ")])
		return i == 0 ? "in" : i == 1 ? "out" : NULL;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		const char *name;
		size_t n = strlen(kinds[k].name);

		if (strncmp(before, kinds[k].name, n) || !kinds[k].name_of)
			continue;
		name = kinds[k].name_of(i);
		return name && !*name ? NULL : name ? name : "";
	}
	return NULL;
}
