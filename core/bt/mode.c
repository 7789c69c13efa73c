/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mode key: what a translation depends on besides its bytes.
 *
 * Kept small on purpose.  FS and GS are not in it (their window pointer is
 * poisoned when they are not 4 GiB wide), nor is the FPU's availability (a
 * word tested where it matters), so that a kernel's code is translated once
 * whatever process it serves.  A code segment that is not flat is named by
 * an index, since its base and limit are part of every branch. */
#include "core/bt/bt_priv.h"

/* Base 0, 4 GiB, and of a type that allows reading and writing. */
static bool flat(const struct cpu *c, const struct seg *s)
{
	if (s->base || s->limit != 0xffffffffu || cpu_is_vm86(c))
		return false;
	if (cpu_is_real(c))
		return true;
	return (s->attr & (SEG_P | SEG_CODE | SEG_RW | SEG_EC)) ==
	       (SEG_P | SEG_RW);
}

static u32 cs_form_index(struct bt *bt, const struct seg *cs)
{
	struct cs_form *f = bt->cs_forms;
	u32 i;

	for (i = 1; i < bt->cs_form_count; i++)
		if (f[i].base == cs->base && f[i].limit == cs->limit)
			return i;
	if (i >= CS_FORMS_MAX) {
		bt_flush(bt, "code segments");
		i = 1;
	}
	f[i].base = cs->base;
	f[i].limit = cs->limit;
	f[i].attr = cs->attr;
	bt->cs_form_count = i + 1;
	return i;
}

u32 mode_now(struct bt *bt)
{
	const struct cpu *c = bt->cpu;
	const struct seg *cs = &c->seg[SEG_CS];
	u32 m = 0;

	if (cs->attr & SEG_DB && !cpu_is_vm86(c))
		m |= MODE_CS32;
	if (cs->base == 0 && cs->limit == 0xffffffffu)
		m |= MODE_CS_FLAT;
	else
		m |= cs_form_index(bt, cs) << MODE_CS_SHIFT;
	if (flat(c, &c->seg[SEG_SS]) && (c->seg[SEG_SS].attr & SEG_DB))
		m |= MODE_SS_FLAT;
	if (flat(c, &c->seg[SEG_DS]))
		m |= MODE_DS_FLAT;
	if (flat(c, &c->seg[SEG_ES]))
		m |= MODE_ES_FLAT;
	if (c->cpl == 0 && !cpu_is_vm86(c))
		m |= MODE_CPL0;
	if (c->cpl == 3)
		m |= MODE_USER;
	if (cpu_is_vm86(c))
		m |= MODE_V86;
	if (c->cpl == 3 && (c->sysflags & EFL_AC) && (c->cr0 & CR0_AM))
		m |= MODE_ALIGN;
	if (c->cr0 & CR0_PG)
		m |= MODE_PAGED;
	return m;
}
