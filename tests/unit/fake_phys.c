/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The physical half of mem.h over one malloc, for tests that need memory
 * and no page tables: devices, firmware tables, loaders. */
#include "tests/unit/fake_phys.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

enum { RANGES = 8 };

struct mem {
	u64 size;
	u8 *bytes;
	struct mmio range[RANGES];
	unsigned ranges;
};

struct mem *mem_new(u64 size, struct err *e)
{
	struct mem *m = calloc(1, sizeof(*m));

	m->size = size;
	m->bytes = calloc(1, size);
	if (!m->bytes) {
		free(m);
		err_set(e, "out of memory");
		return NULL;
	}
	return m;
}

void mem_free(struct mem *m)
{
	free(m->bytes);
	free(m);
}

u64 mem_ram_size(const struct mem *m)
{
	return m->size;
}

void *mem_phys_ptr(struct mem *m, gpa_t gpa, u64 len)
{
	if (gpa > m->size || len > m->size - gpa)
		return NULL;
	return m->bytes + gpa;
}

void mem_phys_read(struct mem *m, gpa_t gpa, void *buf, u64 len)
{
	void *from = mem_phys_ptr(m, gpa, len);

	if (from)
		memcpy(buf, from, len);
	else
		memset(buf, 0xff, len);
}

void mem_phys_write(struct mem *m, gpa_t gpa, const void *buf, u64 len)
{
	void *to = mem_phys_ptr(m, gpa, len);

	if (to)
		memcpy(to, buf, len);
}

int mem_add_mmio(struct mem *m, const struct mmio *range, struct err *e)
{
	if (m->ranges == RANGES)
		return err_set(e, "too many device ranges");
	m->range[m->ranges++] = *range;
	return 0;
}

static const struct mmio *find(struct mem *m, gpa_t gpa)
{
	for (unsigned i = 0; i < m->ranges; i++)
		if (gpa >= m->range[i].base &&
		    gpa < m->range[i].base + m->range[i].len)
			return &m->range[i];
	CHECK(0, "no device at %llx", (unsigned long long)gpa);
	return NULL;
}

u32 fake_mmio_read(struct mem *m, gpa_t gpa, unsigned size)
{
	const struct mmio *r = find(m, gpa);

	return r->read(r->dev, (u32)(gpa - r->base), size);
}

void fake_mmio_write(struct mem *m, gpa_t gpa, unsigned size, u32 value)
{
	const struct mmio *r = find(m, gpa);

	r->write(r->dev, (u32)(gpa - r->base), size, value);
}
