/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest memory for tests of devices and loaders: plain bytes, and device
 * ranges that a test can reach with fake_mmio_*().  See fake_phys.c. */
#ifndef TESTS_UNIT_FAKE_PHYS_H
#define TESTS_UNIT_FAKE_PHYS_H

#include "core/base/types.h"
#include "core/mem/mem.h"

u32 fake_mmio_read(struct mem *m, gpa_t gpa, unsigned size);
void fake_mmio_write(struct mem *m, gpa_t gpa, unsigned size, u32 value);

#endif
