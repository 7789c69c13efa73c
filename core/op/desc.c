/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptors: finding them in the GDT or LDT, reading them, and the two
 * bits that the processor itself writes into them (accessed and busy).
 *
 * The layout is that of SDM 3A 3.4.5: two little-endian words, with base and
 * limit in pieces.  Tables are read and written as the system whatever the
 * CPL (SDM 3A 4.6.1: implicit supervisor accesses).
 *
 * The accessed bit is set by a byte-wide store as soon as the checks that
 * do not touch memory are over; the store can itself cause a page fault,
 * which is why it comes before any register changes. */
#include "core/op/op_priv.h"

bool desc_find(const struct cpu *c, u16 sel, gla_t *lin)
{
	u32 base = c->gdtr.base, limit = c->gdtr.limit;
	u32 index = sel & 0xfff8;

	if (sel & 4) {
		if (!c->ldtr.attr)
			return false;
		base = c->ldtr.base;
		limit = c->ldtr.limit;
	}
	*lin = base + index;
	return index + 7 <= limit;
}

bool desc_read(struct cpu *c, u16 sel, enum exc vector, struct desc *d)
{
	u32 words[2];

	if (!desc_find(c, sel, &d->lin))
		return cpu_raise(c, vector, selector_error(sel));
	if (!mem_lin_read(c, d->lin, words, 8, MEM_SYSTEM))
		return false;
	d->lo = words[0];
	d->hi = words[1];
	return true;
}

void desc_to_seg(const struct desc *d, u16 sel, struct seg *s)
{
	*s = (struct seg){ .sel = sel };
	s->attr = (d->hi >> 8 & 0xff) | (d->hi >> 12 & 0xf00);
	s->base = d->lo >> 16 | (d->hi & 0xff) << 16 | (d->hi & 0xff000000u);
	s->limit = (d->lo & 0xffff) | (d->hi & 0xf0000);
	if (s->attr & SEG_G)
		s->limit = s->limit << 12 | 0xfff;
}

static bool store_access_byte(struct cpu *c, const struct desc *d)
{
	u8 byte = d->hi >> 8;

	return mem_lin_write(c, d->lin + 5, &byte, 1, MEM_SYSTEM);
}

bool desc_set_accessed(struct cpu *c, struct desc *d)
{
	if (d->hi & SEG_A << 8)
		return true;
	d->hi |= SEG_A << 8;
	return store_access_byte(c, d);
}

bool desc_set_busy(struct cpu *c, struct desc *d, bool busy)
{
	d->hi = busy ? d->hi | 2u << 8 : d->hi & ~(2u << 8);
	return store_access_byte(c, d);
}
