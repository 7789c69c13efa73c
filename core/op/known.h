/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupts, exceptions, IRET, SYSENTER and SYSEXIT between flat segments,
 * where the same was done before; inline, since a system call is two of them.
 *
 * What delivery and IRET do depends on a gate, on the descriptors of a code
 * and a stack segment, and on two fields of the TSS.  Kernels write these once.
 * So when a transfer is done in the exact way (event.c, iret.c), the bytes of
 * its descriptors are kept with what they led to (known.c).  The next one
 * compares the bytes in memory with those kept: as long as they are the same
 * the checks would pass again.  What is no part of them is looked at each time:
 * selectors in the frame, the gate's DPL against CPL, ESP0 and SS0, flags, the
 * data segments that a return to level 3 would drop.
 *
 * The bytes are read where the software TLB said that they are.  This holds
 * until it is flushed, descriptor tables or TR are loaded, or a page is
 * watched; then they are looked up again (struct cpu, known.age).  The page of
 * the frame holds as long as all that mem_reach_age() stands for.
 *
 * Each does all, or it answers false and has done nothing. */
#ifndef CORE_OP_KNOWN_H
#define CORE_OP_KNOWN_H

#include "core/cpu/cpu.h"
#include "core/mem/mem.h"

struct event {
	u8 vector;
	enum event_kind kind;
	bool has_error;
	u32 error;
	u32 eip;    /* return address */
	u32 eflags; /* image to push */
};

/* Loads DS, ES, FS or GS if that selector was loaded before; at that place in
 * seg[], with what translated code compares (known.c). */
bool known_load_data(struct cpu *c, unsigned seg, u16 sel);
void known_loaded_data(struct cpu *c, const struct seg *s);
/* Finds descriptors, and the page that lin is in, again (known.c). */
bool known_find_gate(struct cpu *c, struct known_gate *k);
bool known_find_stack(struct cpu *c, struct known_stack *k);
bool known_find_return(struct cpu *c, struct known_return *k);
void *known_find_frame(struct cpu *c, gla_t lin, unsigned len);

/* With these in EFLAGS, or to be there, it is not as usual. */
#define KNOWN_UNUSUAL (EFL_TF | EFL_NT | EFL_VM)

static inline bool known_is_flat(const struct seg *s)
{
	return s->base == 0 && s->limit == 0xffffffffu &&
	       (s->attr & (SEG_DB | SEG_EC | SEG_A)) == (SEG_DB | SEG_A);
}

/* An assignment may become REP MOVS, which takes 10 ns. */
static inline void known_load(struct seg *to, const struct seg *from)
{
	to->sel = from->sel;
	to->attr = from->attr;
	to->base = from->base;
	to->limit = from->limit;
	to->memo = 0;
}

static inline bool known_same(const struct known_bytes *b)
{
	u64 now;

	__builtin_memcpy(&now, b->at, sizeof(now));
	return now == b->raw;
}

/* The words of a frame on level 0's stack; NULL: not all in one page that may
 * be accessed with nobody being told. */
static inline void *known_frame(struct cpu *c, u32 lin, unsigned len)
{
	const struct known_frame *f = &c->known.frame;

	if (lin & 3 || (lin & (GUEST_PAGE - 1)) + len > GUEST_PAGE)
		return NULL;
	if (f->age_at && f->age == *f->age_at && lin >> 12 == f->page)
		return f->host + (lin & (GUEST_PAGE - 1));
	return known_find_frame(c, lin, len);
}

/* ---- delivery ---- */

static inline struct known_gate *known_gate_of(struct cpu *c, u8 vector)
{
	return &c->known.gate[(vector ^ vector >> 4) % KNOWN_GATES];
}

/* The stack of level 0, if the TSS and its descriptor are as before. */
static inline const struct seg *known_stack(struct cpu *c, u32 *esp)
{
	struct known_stack *k = &c->known.stack;
	struct {
		u32 esp0;
		u16 ss0;
	} tss;

	if (!k->ss.attr || (k->age != c->known.age && !known_find_stack(c, k)) ||
	    !known_same(&k->stack))
		return NULL;
	__builtin_memcpy(&tss.esp0, k->fields, 4);
	__builtin_memcpy(&tss.ss0, (const u8 *)k->fields + 4, 2);
	*esp = tss.esp0;
	return tss.ss0 == k->ss.sel ? &k->ss : NULL;
}

static inline bool known_deliver(struct cpu *c, const struct event *e)
{
	struct known_gate *k = known_gate_of(c, e->vector);
	const struct seg *ss = &c->seg[SEG_SS];
	bool inward = c->cpl == 3;
	unsigned words = 3 + 2 * inward + e->has_error;
	u32 esp = c->gpr[ESP], *at;

	if (k->vector != e->vector || !k->cs.attr || cpu_is_real(c) ||
	    c->sysflags & KNOWN_UNUSUAL ||
	    (k->age != c->known.age && !known_find_gate(c, k)) ||
	    !known_same(&k->gate) || !known_same(&k->code) ||
	    (e->kind == EVENT_SOFT && k->dpl < c->cpl))
		return false;
	if (inward)
		ss = known_stack(c, &esp);
	if (!ss || (!inward && (c->cpl || !known_is_flat(ss))))
		return false;
	esp -= 4 * words;
	at = known_frame(c, esp, 4 * words);
	if (!at)
		return false;
	if (e->has_error)
		*at++ = e->error;
	at[0] = e->eip;
	at[1] = c->seg[SEG_CS].sel;
	at[2] = e->eflags;
	if (inward) {
		at[3] = c->gpr[ESP];
		at[4] = c->seg[SEG_SS].sel;
		known_load(&c->seg[SEG_SS], ss);
		c->cpl = 0;
	}
	known_load(&c->seg[SEG_CS], &k->cs);
	c->gpr[ESP] = esp;
	c->eip = k->eip;
	c->sysflags &= ~(u32)EFL_RF;
	c->iflag &= k->iflag;
	c->level_changed = true;
	return true;
}

/* ---- IRET ---- */

/* May a data segment stay what it is at level 3? */
static inline bool known_stays(const struct seg *s)
{
	return !s->attr || (s->attr & SEG_DPL) == SEG_DPL;
}

static inline bool known_data_stays(const struct cpu *c)
{
	return known_stays(&c->seg[SEG_DS]) && known_stays(&c->seg[SEG_ES]) &&
	       known_stays(&c->seg[SEG_FS]) && known_stays(&c->seg[SEG_GS]);
}

static inline bool known_iret(struct cpu *c)
{
	const u32 plain = EFL_IOPL | EFL_ID | EFL_RF;
	struct frame {
		u32 eip, cs, eflags, esp, ss; /* the last two to level 3 only */
	} *f;
	struct known_return *k = &c->known.inner;
	u32 esp = c->gpr[ESP];

	if (c->cpl || cpu_is_real(c) || c->sysflags & (KNOWN_UNUSUAL | EFL_AC) ||
	    !known_is_flat(&c->seg[SEG_SS]))
		return false;
	f = known_frame(c, esp, 12);
	if (!f || f->eflags & (KNOWN_UNUSUAL | EFL_AC))
		return false;
	if ((f->cs & 3) == 3)
		k = &c->known.outer;
	if (!k->cs.attr || (u16)f->cs != k->cs.sel ||
	    (k->age != c->known.age && !known_find_return(c, k)) ||
	    !known_same(&k->code))
		return false;
	if (k == &c->known.outer) {
		if ((esp & (GUEST_PAGE - 1)) + sizeof(*f) > GUEST_PAGE ||
		    (u16)f->ss != k->ss.sel || !known_same(&k->stack) ||
		    !known_data_stays(c))
			return false;
		known_load(&c->seg[SEG_SS], &k->ss);
		c->cpl = 3;
		c->gpr[ESP] = f->esp;
	} else {
		c->gpr[ESP] = esp + 12;
	}
	known_load(&c->seg[SEG_CS], &k->cs);
	c->eip = f->eip;
	c->arith = f->eflags & EFL_ARITH;
	c->iflag = f->eflags & EFL_IF;
	c->dflag = f->eflags & EFL_DF;
	c->sysflags = (c->sysflags & ~plain) | (f->eflags & plain);
	c->nmi_blocked = false;
	c->level_changed = true;
	return true;
}

/* ---- SYSENTER, SYSEXIT (SDM 2B, 3A 5.8.7): false is #GP(0) ---- */

/* Field by field, each in its place: a copy would wait for these stores. */
static inline void known_load_flat(struct seg *s, u16 sel, u16 type)
{
	s->sel = sel;
	s->attr = SEG_P | SEG_S | SEG_DB | SEG_G | SEG_RW | SEG_A | type |
		  (sel & 3u) << SEG_DPL_SHIFT;
	s->base = 0;
	s->limit = 0xffffffffu;
	s->memo = 0;
}

static inline void known_flat(struct cpu *c, u16 cs_sel, u16 ss_sel, u32 eip,
			      u32 esp)
{
	known_load_flat(&c->seg[SEG_CS], cs_sel, SEG_CODE);
	known_load_flat(&c->seg[SEG_SS], ss_sel, 0);
	c->cpl = cs_sel & 3;
	c->gpr[ESP] = esp;
	c->eip = eip;
	c->level_changed = true;
}

static inline bool known_sysenter(struct cpu *c)
{
	u16 cs = c->sysenter_cs & 0xfffc;

	if (cpu_is_real(c) || !cs)
		return false;
	if (cpu_is_vm86(c))
		c->mode_changed = true;
	c->sysflags &= ~(u32)(EFL_VM | EFL_RF);
	c->iflag = 0;
	known_flat(c, cs, cs + 8, c->sysenter_eip, c->sysenter_esp);
	return true;
}

static inline bool known_sysexit(struct cpu *c)
{
	u16 cs = c->sysenter_cs & 0xfffc;

	if (cpu_is_real(c) || c->cpl != 0 || !cs)
		return false;
	known_flat(c, (cs + 16) | 3, (cs + 24) | 3, c->gpr[EDX], c->gpr[ECX]);
	return true;
}

#endif
