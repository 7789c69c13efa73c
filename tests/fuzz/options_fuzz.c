/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any words on the command line: taken, or refused with a reason.  Words end
 * in a newline. */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { WORDS = 48 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1), *rest = text, *argv[WORDS + 2] = {"vitrine"};
	struct options o;
	struct err e = {""};
	int argc = 1, bad;

	memcpy(text, bytes, len);
	text[len] = 0;
	while (argc <= WORDS && rest)
		argv[argc++] = strsep(&rest, "\n");
	bad = options_parse(&o, argc, argv, &e);
	CHECK(!bad || *e.text, "refused without a reason");
	free(text);
	return 0;
}
