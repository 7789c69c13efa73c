/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images made by hand for the loader's tests: a buffer that is written field
 * by field, and a file in a temporary directory when one is needed. */
#ifndef TESTS_UNIT_LOAD_FIXTURE_H
#define TESTS_UNIT_LOAD_FIXTURE_H

#include "core/base/types.h"

struct made {
	u8 bytes[65536];
	u64 len;
};

void put16(struct made *f, u64 at, u16 value);
void put32(struct made *f, u64 at, u32 value);

/* An ELF32 executable with one segment: `len` bytes of 90h from 1000h in
 * the file, linked at vaddr, loaded at paddr, twice as long in memory. */
void make_elf(struct made *f, u32 vaddr, u32 paddr, u32 len);
/* A multiboot 1 header at `at`; flags as given. */
void add_multiboot1(struct made *f, u64 at, u32 flags);
/* A bzImage of `protocol` with `len` bytes of kernel. */
void make_linux(struct made *f, u16 protocol, u32 len);

/* Writes the image to a new file; returns its path, to be freed. */
char *save(const struct made *f);

#endif
