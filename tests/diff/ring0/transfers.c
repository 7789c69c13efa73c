/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trials of control transfers between segments and levels: far jumps, calls
 * and returns, gates, IRET, INT n, SYSENTER and SYSEXIT. */
#include "tests/diff/ring0/ring0.h"

struct target {
	u16 sel;
	u32 off;
};

enum use { JUMP, CALL, RETURN };

static bool is_gate(const struct view *v)
{
	return (v->access & 0x17) == 4;
}

static bool leads_to_task(const struct view *v)
{
	u8 type = v->access & 0x1f;

	return type == 1 || type == 5 || type == 9;
}

/* What TCG does otherwise through a call gate. */
static bool gate_is_left_out(u16 gate_sel, enum use use)
{
	u64 d = descriptor(gate_sel);
	struct view v = view_of(d), code;
	u16 sel = (u16)(d >> 16);

	if (!is_gate(&v))
		return false;
	code = view_of(descriptor(sel));
	if (!view_is_code(&code))
		return false;
	/* TCG: #GP for the #NP of a jump (SDM 2A JMP) */
	if (use == JUMP && !(code.access & 0x80))
		return true;
	/* TCG: a call to conforming code of a lower DPL changes the RPL of
	 * CS (SDM 2A CALL: CPL stays) */
	return use == CALL && (code.access & 4) && view_dpl(&code) < now.cpl;
}

/* TCG checks the limit for jumps, for calls with another error code, and for
 * returns not at all (SDM 2A CALL, 2B RET: #GP(0)). */
static struct target target(enum use use, unsigned size)
{
	for (;;) {
		struct target t = {any_selector(), rnd(0x10000)};
		struct view v = view_of(descriptor(t.sel));

		if (leads_to_task(&v) || gate_is_left_out(t.sel, use))
			continue;
		if (!view_is_code(&v))
			return t;
		if (use == RETURN && !one_in(4))
			t.sel = (u16)((t.sel & ~3u) | (view_dpl(&v) & 3));
		t.off = tail_for(&v) - v.base;
		if (use == JUMP && one_in(8) && v.hi < 0xffff0000)
			t.off = v.hi + 1 + rnd(0x1000);
		if (size == 2)
			t.off &= 0xffff;
		if (use == JUMP || t.off <= v.hi)
			return t;
	}
}

static void far_direct(enum use use)
{
	unsigned size = one_in(4) ? 2 : 4;
	struct target t = target(use, size);

	opsize(size);
	b1(use == JUMP ? 0xea : 0x9a);
	if (size == 2)
		b2(t.off);
	else
		b4(t.off);
	b2(t.sel);
}

static void far_indirect(enum use use)
{
	unsigned size = one_in(4) ? 2 : 4;
	struct target t = target(use, size);
	u32 at = size == 4 ? cell(t.off, t.sel) :
			     cell((t.off & 0xffff) | (u32)t.sel << 16, 0);

	if (one_in(16)) { /* a register has no far pointer: #UD */
		b1(0xff);
		b1((use == JUMP ? 0xe8 : 0xd8) | rnd(8));
		return;
	}
	cell_op(at, size, 0xff, use == JUMP ? 5 : 3);
}

/* SS and ESP for a return outward. */
static struct target outer_stack(unsigned level)
{
	for (;;) {
		struct target t = {stack_selector(level), 0};
		struct view v = view_of(descriptor(t.sel));

		/* TCG: #NP for a stack not present that is #SS (SDM 2B RET) */
		if (view_is_writable(&v) && !(v.access & 0x80))
			continue;
		if (one_in(2)) {
			t.sel = level_ds(level);
			v = view_of(descriptor(t.sel));
		}
		t.off = stack_offset(level, v.base);
		return t;
	}
}

static void return_far(bool iret)
{
	unsigned size = one_in(4) ? 2 : 4, release = one_in(3) ? 4 * rnd(4) : 0;
	struct target t = target(RETURN, size), stack;

	stack = outer_stack(t.sel & 3);
	push_imm(stack.sel, size);
	push_imm(stack.off, size);
	for (u32 i = 0; !iret && i < release; i += size)
		push_imm(0x1234, size);
	if (iret) /* not to V86 mode here */
		push_imm((word() & 0x247fd5) | rnd(4) << 12, size);
	push_imm(t.sel, size);
	push_imm(t.off, size);
	opsize(size);
	if (iret) {
		b1(0xcf);
	} else if (release) {
		b1(0xca);
		b2(release);
	} else {
		b1(0xcb);
	}
}

static void iret_to_vm86(void)
{
	u8 *code = (u8 *)LOW;
	u32 i;

	for (i = 0; i < 4; i++) /* GS FS DS ES */
		push_imm(LOW / 16 + rnd(16), 4);
	push_imm(LOW / 16, 4);
	push_imm(0xf000 + (one_in(4) ? word() & 0xffff0000 : 0), 4);
	push_imm((word() & 0x247fd5) | VM | rnd(4) << 12, 4);
	push_imm(LOW / 16, 4);
	push_imm(0, 4); /* TCG checks no limit here either */
	opsize(4);
	b1(0xcf);
	code[0] = code[2] = 0xcd;
	code[1] = one_in(2) ? END : (u8)vm86_vector();
	code[3] = END; /* a gate's handler may return */
}

static void software_interrupt(void)
{
	switch (rnd(8)) {
	case 0: b1(0xcc); break;
	case 1: b1(0xce); break;
	case 2: b2(0xcd | rnd(20) << 8); break;
	default: b2(0xcd | (GATES + rnd(GATE_COUNT)) << 8); break;
	}
}

static void wrmsr(u32 index, u32 v)
{
	asm volatile("wrmsr" ::"c"(index), "a"(v), "d"(0));
}

static void fast_call(void)
{
	bool enter = one_in(2);

	wrmsr(0x174, one_in(4) ? 0 : KCS);
	wrmsr(0x175, stack_offset(0, 0));
	wrmsr(0x176, tail());
	mov_imm(ECX, stack_offset(3, 0));
	mov_imm(EDX, tail());
	b2(enter ? 0x340f : 0x350f);
}

static void make(void)
{
	world_new(true);
	start(rnd(4), one_in(4));
	for (u32 n = rnd(3); n; n--)
		filler();
	switch (rnd(12)) {
	case 0: far_direct(JUMP); break;
	case 1:
	case 2: far_direct(CALL); break;
	case 3: far_indirect(JUMP); break;
	case 4: far_indirect(CALL); break;
	case 5:
	case 6: return_far(false); break;
	case 7:
	case 8: return_far(true); break;
	case 9: fast_call(); break;
	case 10:
		if (now.cpl == 0) {
			iret_to_vm86();
			break;
		}
		/* fall through */
	default: software_interrupt(); break;
	}
	filler();
	end();
}

/* TCG uses the stack in CALL, RET, IRET with the rights of level 0, and reads
 * before it writes (SDM 3A 4.6, 4.7): the error code is left to paging.c. */
static void normalize(void)
{
	if (now.to.vec == 14)
		now.to.err = 0;
}

const struct family transfers = {.name = "transfers", .make = make,
				 .normalize = normalize};
