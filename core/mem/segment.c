/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Access by segment: what the descriptor cache allows (SDM 3A 5.3, 5.5).
 *
 * An offset is checked against the limit (below it for expand-down data),
 * the type against the kind of access, then base is added modulo 4 GiB.
 * Violations are #SS(0) for the stack segment, #GP(0) for the others. */
#include "core/mem/mem_priv.h"

static bool violation(struct cpu *c, unsigned seg)
{
	return cpu_raise(c, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
}

static bool type_allows(const struct seg *s, unsigned access)
{
	if (!(s->attr & SEG_P))
		return false;
	if (s->attr & SEG_CODE)
		return !(access & MEM_WRITE) && (s->attr & SEG_RW);
	return !(access & MEM_WRITE) || (s->attr & SEG_RW);
}

static bool limit_allows(const struct seg *s, u32 off, unsigned len)
{
	u32 last = off + len - 1;

	if (!(s->attr & SEG_CODE) && (s->attr & SEG_EC)) {
		u32 top = s->attr & SEG_DB ? 0xffffffffu : 0xffffu;

		return off > s->limit && last <= top && last >= off;
	}
	/* A 4 GiB segment lets accesses wrap, as processors do. */
	return s->limit == 0xffffffffu || (last <= s->limit && last >= off);
}

/* The boundary an operand of that length belongs on; 1: any. */
static unsigned alignment_of(unsigned len)
{
	switch (len) {
	case 2:
	case 14: /* FSTENV and FSAVE with 16-bit operands */
	case 94:
		return 2;
	case 4:
	case 6: /* GDTR, IDTR */
	case 28: /* FSTENV and FSAVE */
	case 108:
		return 4;
	case 8:
	case 10:
		return 8;
	default:
		return 1;
	}
}

bool mem_align_check(struct cpu *c, gla_t lin, unsigned len)
{
	if (c->cpl == 3 && (c->sysflags & EFL_AC) && (c->cr0 & CR0_AM) &&
	    (lin & (alignment_of(len) - 1)))
		return cpu_raise(c, EXC_AC, 0);
	return true;
}

bool mem_seg_check(struct cpu *c, unsigned seg, u32 off, unsigned len,
		   unsigned access, gla_t *lin)
{
	const struct seg *s = &c->seg[seg];

	/* Real mode and virtual-8086 segments are always read-write data. */
	bool checked = !cpu_is_real(c) && !cpu_is_vm86(c);

	if (checked && !type_allows(s, access))
		return violation(c, seg);
	if (len && !limit_allows(s, off, len))
		return violation(c, seg);
	*lin = s->base + off;
	return mem_align_check(c, *lin, len);
}

bool mem_read(struct cpu *c, unsigned seg, u32 off, void *buf, unsigned len)
{
	gla_t lin;

	return mem_seg_check(c, seg, off, len, MEM_READ, &lin) &&
	       mem_lin_read(c, lin, buf, len, MEM_READ);
}

bool mem_write(struct cpu *c, unsigned seg, u32 off, const void *buf,
	       unsigned len)
{
	gla_t lin;

	return mem_seg_check(c, seg, off, len, MEM_WRITE, &lin) &&
	       mem_lin_write(c, lin, buf, len, MEM_WRITE);
}

bool mem_check_write(struct cpu *c, unsigned seg, u32 off, unsigned len)
{
	gla_t lin;

	return mem_seg_check(c, seg, off, len, MEM_WRITE, &lin) &&
	       mem_translate_range(c, lin, len, MEM_WRITE);
}
