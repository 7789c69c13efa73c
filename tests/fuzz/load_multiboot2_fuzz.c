/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes with a multiboot 2 header in them. */
/* LINK: core/base/err.c core/base/check.c core/dev/tables.c core/dev/bios.S core/vm/load.c */
/* LINK: core/vm/load_elf.c core/vm/load_linux.c core/vm/load_multiboot.c */
/* LINK: tests/unit/fake_phys.c */
#include "tests/fuzz/load.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len)
{
	struct image image = {bytes, len};

	return multiboot2_matches(&image) ? fuzz_load(multiboot2_plan, bytes, len) : -1;
}
