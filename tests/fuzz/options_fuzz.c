/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any words on the command line: taken, or refused with a reason.  The
 * program itself is in here, its `main` by another name, so that what is
 * parsed is what a user's words are parsed by.
 *
 * Words end in a newline. */
int vitrine_main(int argc, char **argv);
#define main vitrine_main
#include "core/main.c"
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { WORDS = 48 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1), *rest = text, *argv[WORDS + 2] = {"vitrine"};
	struct options o = {.vm = {.ram = 128u << 20, .flat_load = -1}};
	struct err e = {""};
	int argc = 1, bad;

	memcpy(text, bytes, len);
	text[len] = 0;
	while (argc <= WORDS && rest)
		argv[argc++] = strsep(&rest, "\n");
	bad = parse(&o, argc, argv, &e);
	CHECK(!bad || *e.text, "refused without a reason");
	free(o.strings);
	free(text);
	return 0;
}
