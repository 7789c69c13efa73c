/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transfers that were checked before (known.h): what was learnt of them, and
 * where their descriptors are, these days. */
#include "core/op/known.h"
#include "core/op/op_priv.h"

/* ---- where they are ---- */

static bool find(struct cpu *c, struct known_bytes *b, gla_t lin)
{
	b->at = mem_host_ptr(c, lin, 8, MEM_SYSTEM);
	return b->at;
}

static bool find_of(struct cpu *c, struct known_bytes *b, u16 sel)
{
	gla_t lin;

	return desc_find(c, sel, &lin) && find(c, b, lin);
}

static void keep(struct known_bytes *b)
{
	__builtin_memcpy(&b->raw, b->at, sizeof(b->raw));
}

bool known_find_gate(struct cpu *c, struct known_gate *k)
{
	if (k->vector * 8u + 7 > c->idtr.limit ||
	    !find(c, &k->gate, c->idtr.base + k->vector * 8u) ||
	    !find_of(c, &k->code, k->cs.sel))
		return false;
	k->age = c->known.age;
	return true;
}

enum { TSS_ESP0 = 4, TSS_SS0_END = 10 };

bool known_find_stack(struct cpu *c, struct known_stack *k)
{
	bool wide = (c->tr.attr & SEG_TYPE & ~2u) == SYS_TSS32;

	if (!wide || c->tr.limit < TSS_SS0_END - 1 ||
	    !find_of(c, &k->stack, k->ss.sel))
		return false;
	k->fields = mem_host_ptr(c, c->tr.base + TSS_ESP0,
				 TSS_SS0_END - TSS_ESP0, MEM_SYSTEM);
	if (!k->fields)
		return false;
	k->age = c->known.age;
	return true;
}

bool known_find_return(struct cpu *c, struct known_return *k)
{
	if (!find_of(c, &k->code, k->cs.sel) ||
	    (k->ss.attr && !find_of(c, &k->stack, k->ss.sel)))
		return false;
	k->age = c->known.age;
	return true;
}

static struct known_segment *segment_of(struct cpu *c, u16 sel)
{
	return &c->known.segment[(sel >> 3) % KNOWN_SEGMENTS];
}

static bool find_segment(struct cpu *c, struct known_segment *k)
{
	if (k->age != c->known.age && !find_of(c, &k->bytes, k->sel))
		return false;
	k->age = c->known.age;
	return true;
}

bool known_load_data(struct cpu *c, unsigned seg, u16 sel)
{
	struct known_segment *k = segment_of(c, sel);
	struct seg *s = &c->seg[seg];

	if (k->sel != sel || k->cpl != c->cpl || !k->s.attr ||
	    cpu_is_real(c) || cpu_is_vm86(c) || !find_segment(c, k) ||
	    !known_same(&k->bytes))
		return false;
	seg_set(c, seg, &k->s);
	s->memo = -(sel | (u32)SEG_MEMO);
	s->memo_at = k->bytes.at;
	s->memo_raw = -k->bytes.raw;
	return true;
}

void *known_find_frame(struct cpu *c, gla_t lin, unsigned len)
{
	void *host = mem_host_ptr(c, lin, len, MEM_WRITE | MEM_SYSTEM);

	if (host)
		c->known.frame = (struct known_frame){
			.age_at = mem_reach_age(c->mem),
			.age = *mem_reach_age(c->mem),
			.page = lin >> 12,
			.host = (u8 *)host - (lin & (GUEST_PAGE - 1)),
		};
	return host;
}

/* ---- what was done ---- */

static void learn_stack(struct cpu *c)
{
	struct known_stack *k = &c->known.stack;

	k->ss = c->seg[SEG_SS];
	if (known_is_flat(&k->ss) && known_find_stack(c, k))
		keep(&k->stack);
	else
		k->ss.attr = 0;
}

void known_delivered(struct cpu *c, const struct event *e,
		     const struct desc *gate, bool inward)
{
	struct known_gate *k = known_gate_of(c, e->vector);

	if (c->cpl || !known_is_flat(&c->seg[SEG_CS]) || !(desc_type(gate) & 8))
		return;
	*k = (struct known_gate){ .vector = e->vector,
				  .dpl = desc_dpl(gate),
				  .iflag = desc_type(gate) & 1 ? EFL_IF : 0,
				  .eip = c->eip,
				  .cs = c->seg[SEG_CS] };
	if (!known_find_gate(c, k)) {
		k->cs.attr = 0;
		return;
	}
	keep(&k->gate);
	keep(&k->code);
	if (inward)
		learn_stack(c);
}

void known_loaded_data(struct cpu *c, const struct seg *s)
{
	struct known_segment *k = segment_of(c, s->sel);

	*k = (struct known_segment){ .sel = s->sel, .cpl = c->cpl, .s = *s,
				     .age = c->known.age - 1 };
	if (s->attr & SEG_A && find_segment(c, k))
		keep(&k->bytes);
	else
		k->s.attr = 0;
}

void known_returned(struct cpu *c, bool outward)
{
	struct known_return *k = outward ? &c->known.outer : &c->known.inner;
	const struct seg *ss = &c->seg[SEG_SS];

	if (c->cpl != (outward ? 3 : 0) || !known_is_flat(&c->seg[SEG_CS]) ||
	    (outward && !known_is_flat(ss)))
		return;
	*k = (struct known_return){ .cs = c->seg[SEG_CS] };
	if (outward)
		k->ss = *ss;
	if (!known_find_return(c, k)) {
		k->cs.attr = 0;
		return;
	}
	keep(&k->code);
	if (outward)
		keep(&k->stack);
}
