/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the targets of the loaders share: bytes are planned by one planner,
 * the plan is checked against RAM, and what the boot protocol adds is put
 * into memory.  Neither may read beyond the bytes nor plan to copy what is
 * not there.
 *
 * Each target's essay is this one; the planner is its difference. */
#ifndef TESTS_FUZZ_LOAD_H
#define TESTS_FUZZ_LOAD_H

#include <stdlib.h>

#include "core/base/check.h"
#include "core/vm/load_priv.h"
#include "tests/unit/fake_phys.h"

enum { FUZZ_RAM = 4 << 20 };

typedef int fuzz_planner(const struct image *i, struct load_plan *p,
			 struct err *e);

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len);

static inline void check_parts(const struct load_plan *p, size_t len)
{
	for (unsigned i = 0; i < p->parts; i++)
		CHECK(p->part[i].offset + p->part[i].len <= len &&
			      p->part[i].len <= p->part[i].memsz &&
			      p->part[i].gpa + p->part[i].memsz <= FUZZ_RAM,
		      "part %u of a bad plan", i);
}

static inline int fuzz_load(fuzz_planner *planner, const u8 *bytes, size_t len)
{
	static struct mem *m;
	struct load_request rq = {.kernel = "fuzz", .append = "a b"};
	struct image image = {bytes, len};
	struct load_plan p = {0};
	struct load_result out = {0};
	struct err e;

	if (!m)
		m = mem_new(FUZZ_RAM, &e);
	rq.m = m;
	if (planner(&image, &p, &e) || load_plan_check(&p, FUZZ_RAM, &e))
		return 0;
	check_parts(&p, len);
	if (p.kind == LOAD_LINUX)
		linux_finish(&rq, &p, &image, &out, &e);
	else if (p.kind != LOAD_ELF)
		multiboot_finish(&rq, &p, &out, &e);
	return 0;
}

#endif
