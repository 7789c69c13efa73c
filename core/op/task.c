/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hardware task switching (SDM 3A chapter 7).
 *
 * A switch has two halves.  In the first, everything is checked and every
 * address that will be written is walked, while faults still belong to the
 * old task.  Then the old task's registers are stored, busy bits and the
 * back link are set, and the new registers are loaded: the commit point.
 * After it, the segment selectors are loaded and checked one by one, and a
 * mistake in them is a fault of the new task, before its first instruction.
 *
 *                     JMP     CALL or event   IRET
 *   old busy bit      clear   stays           clear
 *   new busy bit      set     set             stays
 *   back link         -       old TR          -
 *   NT in new EFLAGS  as TSS  set             as TSS
 *   NT in old EFLAGS  -       -               cleared in its TSS
 *
 * A 16-bit TSS holds the same fields in words, without CR3, FS and GS. */
#include "core/op/op_priv.h"

enum { TSS32_LIMIT = 103, TSS16_LIMIT = 43, TSS_T = 1, DR6_BT = 1u << 15 };

struct tss32 {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3;
	u32 eip, eflags, gpr[8], seg[6], ldt;
	u16 t, iomap;
};
struct tss16 {
	u16 link, sp0, ss0, sp1, ss1, sp2, ss2;
	u16 ip, flags, gpr[8], seg[4], ldt;
};
_Static_assert(sizeof(struct tss32) == TSS32_LIMIT + 1, "SDM 3A figure 7-2");
_Static_assert(sizeof(struct tss16) == TSS16_LIMIT + 1, "SDM 3A figure 7-10");

enum {
	DYNAMIC32 = offsetof(struct tss32, eip),
	DYNAMIC32_LEN = offsetof(struct tss32, ldt) - DYNAMIC32,
	DYNAMIC16 = offsetof(struct tss16, ip),
	DYNAMIC16_LEN = offsetof(struct tss16, ldt) - DYNAMIC16,
};

static bool is_tss32(unsigned type)
{
	return type == SYS_TSS32 || type == SYS_TSS32_BUSY;
}

/* ---- privileged stack pointers, for gates (SDM 3A 5.8.5) ---- */

bool gate_new_stack(struct cpu *c, unsigned level, struct stack *s)
{
	bool wide = is_tss32(c->tr.attr & SEG_TYPE);
	u32 at = wide ? 4 + 8 * level : 2 + 4 * level;
	unsigned size = wide ? 4 : 2;
	u16 sel;

	if (at + size + 1 > c->tr.limit)
		return cpu_raise(c, EXC_TS, selector_error(c->tr.sel));
	s->esp = 0;
	if (!mem_lin_read(c, c->tr.base + at, &s->esp, size, MEM_SYSTEM) ||
	    !mem_lin_read(c, c->tr.base + at + size, &sel, 2, MEM_SYSTEM) ||
	    !seg_check_ss(c, sel, level, EXC_TS, &s->ss))
		return false;
	s->access = level == 3 ? MEM_USER : MEM_SYSTEM;
	s->error = selector_error(sel);
	return true;
}

/* ---- old task ---- */

static bool can_write(struct cpu *c, gla_t lin, unsigned len)
{
	return mem_translate_range(c, lin, len, MEM_WRITE | MEM_SYSTEM);
}

static bool save_old(struct cpu *c, u32 eip, u32 eflags)
{
	struct tss32 t = { .eip = eip, .eflags = eflags };
	struct tss16 h = { .ip = eip, .flags = eflags };

	for (unsigned i = 0; i < 8; i++) {
		t.gpr[i] = c->gpr[i];
		h.gpr[i] = (u16)c->gpr[i];
	}
	for (unsigned i = 0; i < SEG_COUNT; i++)
		t.seg[i] = c->seg[i].sel;
	for (unsigned i = 0; i < 4; i++)
		h.seg[i] = c->seg[i].sel;
	if (is_tss32(c->tr.attr & SEG_TYPE))
		return mem_lin_write(c, c->tr.base + DYNAMIC32, &t.eip,
				     DYNAMIC32_LEN, MEM_SYSTEM);
	return mem_lin_write(c, c->tr.base + DYNAMIC16, &h.ip, DYNAMIC16_LEN,
			     MEM_SYSTEM);
}

static bool old_writable(struct cpu *c)
{
	if (is_tss32(c->tr.attr & SEG_TYPE))
		return can_write(c, c->tr.base + DYNAMIC32, DYNAMIC32_LEN);
	return can_write(c, c->tr.base + DYNAMIC16, DYNAMIC16_LEN);
}

/* ---- new task ---- */

/* Reads a TSS of either size into the 32-bit form. */
static bool read_new(struct cpu *c, const struct seg *tss, struct tss32 *t)
{
	struct tss16 h;

	if (is_tss32(tss->attr & SEG_TYPE))
		return mem_lin_read(c, tss->base, t, sizeof(*t), MEM_SYSTEM);
	if (!mem_lin_read(c, tss->base, &h, sizeof(h), MEM_SYSTEM))
		return false;
	fill_bytes(t, 0, sizeof(*t));
	t->link = h.link;
	t->cr3 = c->cr3;
	t->eip = h.ip;
	t->eflags = h.flags;
	for (unsigned i = 0; i < 8; i++)
		t->gpr[i] = h.gpr[i] | 0xffff0000u; /* as processors do */
	for (unsigned i = 0; i < 4; i++)
		t->seg[i] = h.seg[i];
	t->ldt = h.ldt;
	return true;
}

static bool load_cs(struct cpu *c, u16 sel)
{
	unsigned rpl = sel & 3;
	struct desc d;
	struct seg cs;

	if (selector_is_null(sel))
		return cpu_raise(c, EXC_TS, 0);
	if (!desc_read(c, sel, EXC_TS, &d))
		return false;
	if (!desc_is_code(&d) ||
	    (desc_is_conforming(&d) ? desc_dpl(&d) > rpl : desc_dpl(&d) != rpl))
		return cpu_raise(c, EXC_TS, selector_error(sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, EXC_NP, selector_error(sel));
	if (!desc_set_accessed(c, &d))
		return false;
	desc_to_seg(&d, sel, &cs);
	seg_set(c, SEG_CS, &cs);
	return true;
}

static bool load_segments(struct cpu *c, const struct tss32 *t)
{
	static const u8 data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };
	struct seg s;

	if (!ldtr_load(c, t->ldt, EXC_TS))
		return false;
	if (cpu_is_vm86(c)) {
		for (unsigned i = 0; i < SEG_COUNT; i++)
			seg_load_vm86(c, i, t->seg[i]);
		return true;
	}
	if (!load_cs(c, t->seg[SEG_CS]) ||
	    !seg_check_ss(c, t->seg[SEG_SS], c->cpl, EXC_TS, &s))
		return false;
	seg_set(c, SEG_SS, &s);
	for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
		if (!seg_check_data(c, t->seg[data[i]], EXC_TS, &s))
			return false;
		seg_set(c, data[i], &s);
	}
	return true;
}

/* The registers of the new task, past the commit point.  Selectors are
 * visible although nothing can be reached through them yet. */
static void load_registers(struct cpu *c, const struct tss32 *t)
{
	for (unsigned i = 0; i < 8; i++)
		c->gpr[i] = t->gpr[i];
	c->eip = t->eip;
	cpu_set_eflags(c, t->eflags);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		c->seg[i] = (struct seg){ .sel = t->seg[i] };
	c->ldtr = (struct seg){ .sel = t->ldt };
	seg_set_cpl(c, cpu_is_vm86(c) ? 3 : t->seg[SEG_CS] & 3);
	c->cr0 |= CR0_TS;
	c->dr[7] &= ~0x155u; /* local breakpoints (SDM 3B 17.2.4) */
}

static void debug_trap(struct cpu *c)
{
	cpu_raise(c, EXC_DB, 0);
	c->exc.kind = EVENT_TRAP;
	c->exc.dr6 = DR6_BT;
}

static bool enter_new(struct cpu *c, const struct tss32 *t, bool wide)
{
	bool cr3_changes = wide && (c->cr0 & CR0_PG);

	load_registers(c, t);
	if (cr3_changes && !ctl_set_cr3(c, t->cr3))
		return false;
	if (!load_segments(c, t))
		return false;
	if (!code_limit_ok(c, &c->seg[SEG_CS], c->eip))
		return false;
	if (wide && (t->t & TSS_T)) {
		debug_trap(c);
		return false;
	}
	return true;
}

/* Walks all that the commit will write, so that nothing fails half way. */
static bool commit_possible(struct cpu *c, const struct desc *old,
			    const struct desc *d, const struct seg *tss)
{
	return old_writable(c) && can_write(c, old->lin + 5, 1) &&
	       can_write(c, d->lin + 5, 1) && can_write(c, tss->base, 2);
}

bool task_switch(struct cpu *c, u16 sel, struct desc *d,
		 enum task_source source, u32 next, u32 eflags)
{
	u32 error = selector_error(sel);
	u16 old_sel = c->tr.sel;
	struct desc old;
	struct tss32 t;
	struct seg tss;
	bool wide;

	desc_to_seg(d, sel, &tss);
	wide = is_tss32(tss.attr & SEG_TYPE);
	if (tss.limit < (wide ? TSS32_LIMIT : TSS16_LIMIT))
		return cpu_raise(c, EXC_TS, error);
	if (!read_new(c, &tss, &t) || !desc_read(c, old_sel, EXC_TS, &old) ||
	    !commit_possible(c, &old, d, &tss))
		return false;
	if (source == TASK_IRET)
		eflags &= ~EFL_NT;
	if (source != TASK_CALL && !desc_set_busy(c, &old, false))
		return false;
	if (!save_old(c, next, eflags))
		return false;
	if (source == TASK_CALL) {
		if (!mem_lin_write(c, tss.base, &old_sel, 2, MEM_SYSTEM))
			return false;
		t.eflags |= EFL_NT;
	}
	if (source != TASK_IRET && !desc_set_busy(c, d, true))
		return false;
	c->tr = tss;
	c->tr.attr |= 2; /* busy */
	return enter_new(c, &t, wide);
}

bool task_gate(struct cpu *c, const struct desc *gate, enum task_source source,
	       u32 next, u32 eflags)
{
	u16 sel = gate_selector(gate);
	struct desc d;

	if (sel & 4)
		return cpu_raise(c, EXC_GP, selector_error(sel));
	if (!desc_read(c, sel, EXC_GP, &d))
		return false;
	if (desc_is_segment(&d) ||
	    (desc_type(&d) != SYS_TSS16 && desc_type(&d) != SYS_TSS32))
		return cpu_raise(c, EXC_GP, selector_error(sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, EXC_NP, selector_error(sel));
	return task_switch(c, sel, &d, source, next, eflags);
}

bool task_return(struct cpu *c, u32 next)
{
	struct desc d;
	u16 sel;

	if (!mem_lin_read(c, c->tr.base, &sel, 2, MEM_SYSTEM))
		return false;
	if (sel & 4)
		return cpu_raise(c, EXC_TS, selector_error(sel));
	if (!desc_read(c, sel, EXC_TS, &d))
		return false;
	if (desc_is_segment(&d) || (desc_type(&d) != SYS_TSS16_BUSY &&
				    desc_type(&d) != SYS_TSS32_BUSY))
		return cpu_raise(c, EXC_TS, selector_error(sel));
	if (!desc_is_present(&d))
		return cpu_raise(c, EXC_NP, selector_error(sel));
	return task_switch(c, sel, &d, TASK_IRET, next, cpu_eflags(c));
}
