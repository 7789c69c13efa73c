/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Symbol tables in a guest's memory that are nearly right.  The first byte says
 * of what form, then 4 bytes each change one: where (three bytes), its value. */
/* LINK: core/debug/kallsyms.c tests/unit/kallsyms_image.c core/base/buf.c */
/* LINK: core/base/check.c core/base/err.c */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/debug/kallsyms.h"
#include "tests/unit/kallsyms_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take(void *arg, const char *name, u32 addr, char type)
{
	u32 *sum = arg;

	*sum += (u32)strlen(name) + addr + (u8)type;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kallsyms_form f = {0};
	struct buf image = {0};
	struct kallsyms k;
	size_t at = 0;
	u32 sum = 0;
	u8 *copy;

	if (!len)
		return 0;
	f = (struct kallsyms_form){bytes[0] & 1, bytes[0] & 2, bytes[0] & 4,
				    bytes[0] & 8,
				   0xc1000000};
	kallsyms_image(&f, &image);
	copy = malloc(image.len); /* to the byte, so that no step beyond passes */
	CHECK(copy, "no memory");
	memcpy(copy, image.data, image.len);
	for (size_t i = 1; i + 4 <= len; i += 4) {
		size_t where = (size_t)bytes[i] | (size_t)bytes[i + 1] << 8 |
			       (size_t)bytes[i + 2] << 16;

		copy[where % image.len] = bytes[i + 3];
	}
	while (kallsyms_find(copy, image.len, &at, &k))
		kallsyms_each(&k, take, &sum);
	free(copy);
	buf_free(&image);
	return 0;
}
