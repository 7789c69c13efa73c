/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Call frame information that says anything: 4 bytes of address, a byte that
 * says which kind of section, the section. */
/* LINK: core/debug/cfi.c */
#include <stdlib.h>
#include <string.h>

#include "core/debug/cfi.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct cfi_section s = {.vma = 0x8048000};
	struct cfi_row row;
	u8 *copy;
	u32 pc;

	if (len < 5)
		return 0;
	memcpy(&pc, bytes, 4);
	s.is_eh = bytes[4] & 1;
	s.len = len - 5;
	copy = malloc(s.len + 1);
	if (!copy)
		return 0;
	memcpy(copy, bytes + 5, s.len);
	s.bytes = copy;
	cfi_find(&s, pc, &row);
	free(copy);
	return 0;
}
