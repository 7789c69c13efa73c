/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Made and run by the build: from the tables, what the preprocessor cannot make of them for LTTng.
 *
 *   trace-lists >generated.def
 *
 * LIST_<name>: the words of a CTF enumeration, as VALUE(word, number)...  TYPED(number, Name, fields): a call's own
 * event; its fields are read from the record of call_entry, FIELD_HEX or FIELD_DEC(name, where it is there). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *last = "";

/* Rows of one list follow one another. */
static void word(const char *list, const char *name, long value)
{
	if (strcmp(list, last))
		printf("\n#define LIST_%s", list);
	last = list;
	printf(" VALUE(%s, %ld)", name, value);
}

/* Names that every event has already; the call's own then begins with arg_. */
static int taken(const char *name)
{
	static const char *const head[] = { "icount", "eip", "cr3", "cpl", "caller" };

	for (unsigned i = 0; i < sizeof(head) / sizeof(*head); i++)
		if (!strcmp(head[i], name))
			return 1;
	return 0;
}

/* "eax:pte:pte +4:hex:high": where, type, name */
static void typed(long number, const char *name, const char *args)
{
	char where[16], type[16], field[32];
	int n;

	printf("TYPED(%ld, %s,", number, name);
	for (; sscanf(args, " %15[^:]:%15[^:]:%31[^ ]%n", where, type, field, &n) == 3; args += n) {
		const char *form = strcmp(type, "dec") ? "HEX" : "DEC", *own = taken(field) ? "arg_" : "";

		if (*where == '+')
			printf(" FIELD_%s(%s%s, stack[%d])", form, own, field, atoi(where) / 4 - 1);
		else
			printf(" FIELD_%s(%s%s, %s)", form, own, field, where);
	}
	printf(")\n");
}

int main(void)
{
	long n = 0;

	printf("/* Made by scripts/trace-lists.c. */\n#ifndef TYPED");
#define WORD(list, name, value) word(#list, #name, value);
#include "trace/lists.def"
#define CALL(number, name, answer, how, native, args, result, meaning) word("call", #name, number);
#include "vmi/calls.def"
#define EXCEPTION(vector, name, class, has_error, text) word("exception", #name, vector);
#include "core/cpu/exceptions.def"
#define STOP(name, signal, text) word("stop", #name, n++);
#include "core/cpu/stops.def"
	n = 0;
#define EXIT(name, text) word("exit", #name, n++);
#include "core/bt/exits.def"
	printf("\n#else\n");
#define CALL(number, name, answer, how, native, args, result, meaning) typed(number, #name, args);
#include "vmi/calls.def"
	printf("#undef TYPED\n#endif\n");
	return 0;
}
