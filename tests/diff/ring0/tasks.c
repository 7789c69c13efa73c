/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trials of hardware tasks: every way to switch, with descriptors, gates and
 * back links that may be bad.  What a good TSS holds is always valid: which
 * part of a switch a mistake in it undoes is not the same in all processors
 * (SDM 3A 7.3), let alone in TCG. */
#include "tests/diff/ring0/ring0.h"

enum { TSS_SLOTS = RANDOM, TSS_COUNT = 6, GATE_SLOTS = RANDOM + 64,
       STACK16 = RANDOM + 96, DYNAMIC = 0x40 };

struct tss16 {
	u16 link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
	u16 gpr[8], es, cs, ss, ds, ldt, pad[2];
};

static struct tss wide[TSS_COUNT / 2];
static struct tss16 narrow[TSS_COUNT / 2];

static void make_wide(struct tss *t)
{
	unsigned level = rnd(4);
	u32 *gpr = &t->eax;

	fill(t, 0, 104);
	t->link = TSS_SLOTS + 8 * rnd(TSS_COUNT);
	t->ss0 = KDS;
	t->esp0 = (u32)rt_stack - 6144;
	t->cr3 = get_cr3();
	t->eip = tail();
	t->eflags = (word() & 0x244ed5) | 2 | rnd(4) << 12;
	for (u32 i = 0; i < 8; i++)
		gpr[i] = word();
	t->esp = stack_offset(level, 0);
	t->cs = level_cs(level);
	t->ss = t->es = t->ds = t->fs = t->gs = level_ds(level);
	t->ldt = one_in(2) ? LDT : 0;
	t->iomap = 104;
}

static void make_narrow(struct tss16 *t)
{
	unsigned level = rnd(4);

	fill(t, 0, sizeof(*t));
	t->link = (u16)(TSS_SLOTS + 8 * rnd(TSS_COUNT));
	t->ss0 = STACK16;
	t->sp0 = (u16)stack_offset(0, STACKS) - 0x200;
	t->ip = (u16)(tail() - CODE);
	t->flags = (u16)((word() & 0x4ed5) | 2 | rnd(4) << 12);
	for (u32 i = 0; i < 8; i++)
		t->gpr[i] = (u16)word();
	t->gpr[ESP] = (u16)stack_offset(level, STACKS);
	t->cs = (u16)(SMALL + 9 * level);
	t->ss = (u16)(STACK16 + 9 * level);
	t->es = t->ds = level_ds(level);
	t->ldt = one_in(2) ? LDT : 0;
}

static void descriptors(void)
{
	for (u16 i = 0; i < TSS_COUNT; i++) {
		bool is_wide = i % 2;
		u32 type = is_wide ? 9 : 1, limit = is_wide ? 103 : 43;
		u32 base = is_wide ? (u32)&wide[i / 2] : (u32)&narrow[i / 2];

		if (is_wide)
			make_wide(&wide[i / 2]);
		else
			make_narrow(&narrow[i / 2]);
		limit += one_in(6) ? rnd(3) - 1 : 0;
		type |= rnd(4) << 5 | (one_in(10) ? 0 : 0x80);
		type ^= one_in(8) ? rnd(8) : one_in(4) ? 2 : 0;
		/* the type must not claim the other size */
		set_gdt(TSS_SLOTS + 8 * i, desc(base, limit, type));
		set_gdt(GATE_SLOTS + 8 * i,
			gate((u16)(one_in(4) ? any_selector() & ~4u :
					       TSS_SLOTS + 8u * rnd(TSS_COUNT)),
			     0, (u8)(5 | rnd(4) << 5 | (one_in(8) ? 0 : 0x80))));
		rt_idt[GATES + i] = rt_gdt[GATE_SLOTS / 8 + i];
	}
	for (u16 i = 0; i < 4; i++)
		set_gdt(STACK16 + 8 * i, desc(STACKS, 0xffff, 0x93 | i << 5));
}

static void far_to_task(bool call)
{
	u32 sel = (one_in(2) ? TSS_SLOTS : GATE_SLOTS) + 8 * rnd(TSS_COUNT);

	sel |= one_in(2) ? 0 : rnd(4);
	note_selector((u16)sel);
	opsize(4);
	b1(call ? 0x9a : 0xea);
	b4(word());
	b2(sel);
}

static void make(void)
{
	world_new(true);
	descriptors();
	start(one_in(2) ? 0 : rnd(4), one_in(8));
	fill(&rt_tss.eip, 0, DYNAMIC);
	rt_tss.link = TSS_SLOTS + 8 * rnd(TSS_COUNT);
	rt_tss.cr3 = get_cr3();
	/* TCG saves and loads wrong flags if the instruction before a far
	 * jump or call to a task changed some (SDM 3A 7.3). */
	mov_imm(EBX, word());
	switch (rnd(6)) {
	case 0:
	case 1: far_to_task(false); break;
	case 2:
	case 3: far_to_task(true); break;
	case 4: b2(0xcd | (GATES + rnd(TSS_COUNT)) << 8); break;
	default:
		now.from.eflags |= NT;
		note_selector((u16)rt_tss.link);
		opsize(4);
		b1(0xcf);
		break;
	}
	filler();
	end();
}

static u16 task_register(void)
{
	u16 tr;

	asm volatile("str %0" : "=r"(tr));
	return tr;
}

/* The upper halves of registers and EFLAGS, and FS and GS, after a switch to a 16-bit
 * TSS are not said (SDM 3A 7.6). */
static void normalize(void)
{
	u8 type = (u8)(descriptor(task_register()) >> 40) & 0x1f;

	if (type & 8)
		return;
	for (u32 *r = &now.to.eax; r <= &now.to.edi; r++)
		*r &= 0xffff;
	now.to.eflags &= 0xffff | VM;
	now.to.fs = now.to.gs = 0;
}

static void fold_tss(const char *name, const struct tss *t)
{
	const u32 *gpr = &t->eax, *seg = &t->es;

	fold_named(name, t->link & 0xffff, ~0u);
	fold_named("eip", t->eip, ~0u);
	fold_named("eflags", t->eflags & rt_flag_mask, ~0u);
	for (u32 i = 0; i < 8; i++)
		fold_named("r", gpr[i], ~0u);
	for (u32 i = 0; i < 6; i++)
		fold_named("s", seg[i] & 0xffff, ~0u);
}

static void done(void)
{
	fold_named("tr", task_register(), TSS);
	fold_tss("\n  rt_tss", &rt_tss);
	for (u32 i = 0; i < TSS_COUNT / 2; i++) {
		fold_named("\n  narrow", narrow[i].link, ~0u);
		fold_named("ip", narrow[i].ip, ~0u);
		fold_named("flags", narrow[i].flags & rt_flag_mask, ~0u);
		fold_tss("\n  wide", &wide[i]);
	}
}

const struct family tasks = {.name = "tasks", .make = make,
			     .normalize = normalize, .done = done};
