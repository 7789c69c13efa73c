/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupts, exceptions and IRET between flat segments, where the same was
 * done before.
 *
 * What delivery and IRET do depends on a gate, on the descriptors of a code
 * and a stack segment, and on two fields of the TSS.  Kernels write these once.
 * So when a transfer is done in the exact way (event.c, iret.c), the bytes of
 * its descriptors are kept with what they led to.  The next one compares the
 * bytes in memory with those kept: as long as they are the same the checks
 * would pass again.  What is no part of them is looked at each time: selectors
 * in the frame, the gate's DPL against CPL, ESP0 and SS0, flags, the data
 * segments that a return to level 3 would drop.
 *
 * The bytes are read where the software TLB said that they are.  This holds
 * until it is flushed, descriptor tables or TR are loaded, or a page is
 * watched; then they are looked up again (struct cpu, known.age).
 *
 * Nothing is done before all was seen to be as usual; and the last thing that
 * is, is whether the frame lies in one page that may be accessed. */
#include "core/op/op_priv.h"

/* With these in EFLAGS, or to be there, it is not as usual. */
#define UNUSUAL (EFL_TF | EFL_NT | EFL_VM)

static bool is_flat(const struct seg *s)
{
	return s->base == 0 && s->limit == 0xffffffffu &&
	       (s->attr & (SEG_DB | SEG_EC | SEG_A)) == (SEG_DB | SEG_A);
}

/* ---- bytes of descriptors ---- */

static bool bytes_same(const struct known_bytes *b)
{
	u64 now;

	__builtin_memcpy(&now, b->at, sizeof(now));
	return now == b->raw;
}

static bool bytes_find(struct cpu *c, struct known_bytes *b, gla_t lin)
{
	b->at = mem_host_ptr(c, lin, 8, MEM_SYSTEM);
	return b->at;
}

static bool bytes_find_of(struct cpu *c, struct known_bytes *b, u16 sel)
{
	gla_t lin;

	return desc_find(c, sel, &lin) && bytes_find(c, b, lin);
}

static void bytes_keep(struct known_bytes *b)
{
	__builtin_memcpy(&b->raw, b->at, sizeof(b->raw));
}

/* ---- where they are, these days ---- */

static bool gate_find(struct cpu *c, struct known_gate *k)
{
	if (k->age == c->known.age)
		return true;
	if (k->vector * 8u + 7 > c->idtr.limit ||
	    !bytes_find(c, &k->gate, c->idtr.base + k->vector * 8u) ||
	    !bytes_find_of(c, &k->code, k->cs.sel))
		return false;
	k->age = c->known.age;
	return true;
}

enum { TSS_ESP0 = 4, TSS_SS0 = 8, TSS_SS0_LAST = 9 };

static bool stack_find(struct cpu *c, struct known_stack *k)
{
	bool wide = (c->tr.attr & SEG_TYPE & ~2u) == SYS_TSS32;

	if (k->age == c->known.age)
		return true;
	if (!wide || c->tr.limit < TSS_SS0_LAST ||
	    !bytes_find_of(c, &k->stack, k->ss.sel))
		return false;
	k->fields = mem_host_ptr(c, c->tr.base + TSS_ESP0,
				 TSS_SS0_LAST - TSS_ESP0 + 1, MEM_SYSTEM);
	if (!k->fields)
		return false;
	k->age = c->known.age;
	return true;
}

static bool return_find(struct cpu *c, struct known_return *k)
{
	if (k->age == c->known.age)
		return true;
	if (!bytes_find_of(c, &k->code, k->cs.sel) ||
	    (k->ss.attr && !bytes_find_of(c, &k->stack, k->ss.sel)))
		return false;
	k->age = c->known.age;
	return true;
}

/* ---- delivery ---- */

static struct known_gate *gate_of(struct cpu *c, u8 vector)
{
	return &c->known.gate[(vector ^ vector >> 4) % KNOWN_GATES];
}

/* The stack of level 0, if the TSS and its descriptor are as before. */
static const struct seg *stack_of_level0(struct cpu *c, u32 *esp)
{
	struct known_stack *k = &c->known.stack;
	u16 sel;

	if (!k->ss.attr || !stack_find(c, k) || !bytes_same(&k->stack))
		return NULL;
	__builtin_memcpy(esp, k->fields, 4);
	__builtin_memcpy(&sel, (const u8 *)k->fields + (TSS_SS0 - TSS_ESP0), 2);
	return sel == k->ss.sel ? &k->ss : NULL;
}

static void frame_store(const struct cpu *c, const struct event *e, bool inward,
			u32 *at)
{
	if (e->has_error)
		*at++ = e->error;
	*at++ = e->eip;
	*at++ = c->seg[SEG_CS].sel;
	*at++ = e->eflags;
	if (!inward)
		return;
	*at++ = c->gpr[ESP];
	*at = c->seg[SEG_SS].sel;
}

bool known_deliver(struct cpu *c, const struct event *e)
{
	struct known_gate *k = gate_of(c, e->vector);
	const struct seg *ss = &c->seg[SEG_SS];
	bool inward = c->cpl == 3;
	u32 esp = c->gpr[ESP];
	unsigned words = 3 + 2 * inward + e->has_error;
	void *frame;

	if (k->vector != e->vector || !k->cs.attr || cpu_is_real(c) ||
	    c->sysflags & UNUSUAL || !gate_find(c, k) ||
	    !bytes_same(&k->gate) || !bytes_same(&k->code) ||
	    (e->kind == EVENT_SOFT && k->dpl < c->cpl))
		return false;
	if (inward)
		ss = stack_of_level0(c, &esp);
	if (!ss || (!inward && (c->cpl || !is_flat(ss))))
		return false;
	esp -= 4 * words;
	frame = mem_host_ptr(c, esp, 4 * words, MEM_WRITE | MEM_SYSTEM);
	if (!frame || esp & 3)
		return false;
	frame_store(c, e, inward, frame);
	c->sysflags &= ~(u32)EFL_RF;
	if (!k->trap)
		c->iflag = 0;
	if (inward)
		c->seg[SEG_SS] = *ss;
	c->gpr[ESP] = esp;
	c->cpl = 0;
	c->seg[SEG_CS] = k->cs;
	c->eip = k->eip;
	c->level_changed = true;
	return true;
}

static void stack_learn(struct cpu *c)
{
	struct known_stack *k = &c->known.stack;

	k->age = c->known.age - 1;
	k->ss = c->seg[SEG_SS];
	if (is_flat(&k->ss) && stack_find(c, k))
		bytes_keep(&k->stack);
	else
		k->ss.attr = 0;
}

void known_delivered(struct cpu *c, const struct event *e,
		     const struct desc *gate, bool inward)
{
	struct known_gate *k = gate_of(c, e->vector);

	if (c->cpl || !is_flat(&c->seg[SEG_CS]) || !(desc_type(gate) & 8))
		return;
	*k = (struct known_gate){ .age = c->known.age - 1,
				  .vector = e->vector,
				  .dpl = desc_dpl(gate),
				  .trap = desc_type(gate) & 1,
				  .eip = c->eip,
				  .cs = c->seg[SEG_CS] };
	if (!gate_find(c, k)) {
		k->cs.attr = 0;
		return;
	}
	bytes_keep(&k->gate);
	bytes_keep(&k->code);
	if (inward)
		stack_learn(c);
}

/* ---- IRET ---- */

struct frame32 {
	u32 eip, cs, eflags, esp, ss; /* the last two to level 3 only */
};

/* May all data segments stay what they are at level 3? */
static bool data_stays(const struct cpu *c)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
		u16 attr = c->seg[data[i]].attr;

		if (attr && (attr & SEG_DPL) != SEG_DPL)
			return false;
	}
	return true;
}

bool known_iret(struct cpu *c)
{
	const u32 plain = EFL_IF | EFL_IOPL | EFL_ID | EFL_RF;
	struct known_return *k;
	struct frame32 *f;
	bool outward;
	u32 esp = c->gpr[ESP];

	if (c->cpl || cpu_is_real(c) || c->sysflags & (UNUSUAL | EFL_AC) ||
	    !is_flat(&c->seg[SEG_SS]) || esp & 3)
		return false;
	f = mem_host_ptr(c, esp, 12, MEM_READ);
	if (!f || f->eflags & (UNUSUAL | EFL_AC))
		return false;
	outward = (f->cs & 3) == 3;
	k = outward ? &c->known.outer : &c->known.inner;
	if (!k->cs.attr || (u16)f->cs != k->cs.sel || !return_find(c, k) ||
	    !bytes_same(&k->code))
		return false;
	if (outward) {
		if ((esp & (GUEST_PAGE - 1)) + sizeof(*f) > GUEST_PAGE ||
		    (u16)f->ss != k->ss.sel || !bytes_same(&k->stack) ||
		    !data_stays(c))
			return false;
		c->seg[SEG_SS] = k->ss;
		c->cpl = 3;
		c->gpr[ESP] = f->esp;
	} else {
		c->gpr[ESP] = esp + 12;
	}
	c->arith = f->eflags & EFL_ARITH;
	c->iflag = f->eflags & EFL_IF;
	c->dflag = f->eflags & EFL_DF;
	c->sysflags = (c->sysflags & ~plain) | (f->eflags & plain & ~EFL_IF);
	c->seg[SEG_CS] = k->cs;
	c->eip = f->eip;
	c->level_changed = true;
	return true;
}

void known_returned(struct cpu *c, bool outward)
{
	struct known_return *k = outward ? &c->known.outer : &c->known.inner;
	const struct seg *ss = &c->seg[SEG_SS];

	if (c->cpl != (outward ? 3 : 0) || !is_flat(&c->seg[SEG_CS]) ||
	    (outward && !is_flat(ss)))
		return;
	*k = (struct known_return){ .age = c->known.age - 1,
				    .cs = c->seg[SEG_CS] };
	if (outward)
		k->ss = *ss;
	if (!return_find(c, k)) {
		k->cs.attr = 0;
		return;
	}
	bytes_keep(&k->code);
	if (outward)
		bytes_keep(&k->stack);
}
