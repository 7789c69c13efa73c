/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes may be given as a kernel: planning must neither read beyond them
 * nor plan to copy what is not there. */
/* LINK: core/base/err.c core/base/check.c core/dev/tables.c core/dev/bios.S core/vm/load.c */
/* LINK: core/vm/load_elf.c core/vm/load_linux.c core/vm/load_multiboot.c */
/* LINK: tests/unit/fake_phys.c */
#include "core/base/check.h"
#include "core/vm/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct load_plan p;
	struct err e;

	if (load_plan(bytes, len, -1, &p, &e) ||
	    load_plan_check(&p, 64 << 20, &e))
		return 0;
	for (unsigned i = 0; i < p.parts; i++)
		CHECK(p.part[i].offset + p.part[i].len <= len &&
			      p.part[i].len <= p.part[i].memsz &&
			      p.part[i].gpa + p.part[i].memsz <= 64 << 20,
		      "part %u of a bad plan", i);
	return 0;
}
