/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory operands: how one guest access becomes a host address.
 *
 * Window: [r15 + register + displacement] when that is one register and a
 * displacement smaller than the guard, or a displacement alone below 2 GiB;
 * otherwise the 32-bit address, wrapped as the guest's would be, is made in
 * r8d first.  The user window is also where the host's GS begins, and there
 * the host itself adds and wraps in 32 bits: so for user code, and where
 * supervisor code reaches user pages, any address is an operand as it is.
 * User code's operands on its stack are such ones, too: a processor is quicker
 * to find what was stored there if the address is one register and a number.
 * FS and GS add their base and use a window pointer of their own, poisoned
 * when the segment is not 4 GiB wide.
 *
 * Cold: the window if its map says that the page is mapped, else soft.
 *
 * Soft: a helper checks and translates, and answers with a host address in
 * r8 (guest memory itself, or a bounce buffer when the access has
 * consequences); what must follow a write is done after the instruction. */
#include "core/bt/bt_priv.h"

#include "core/mem/window.h"

static const u8 host_of[8] = { RAX, RCX, RDX, RBX, R12, RBP, RSI, RDI };

static int host_reg_of(u8 guest)
{
	return guest == REG_NONE ? -1 : host_of[guest];
}

/* The displacement to go with r12 where esp is meant. */
static s32 disp_of(const struct tr *t)
{
	const struct insn *in = t->in;

	return (s32)((u32)in->disp + (in->base == ESP ? (u32)t->esp_due : 0));
}

/* reg := offset of the memory operand within its segment. */
void emit_ea(struct tr *t, unsigned reg)
{
	struct insn *in = t->in;
	int base = host_reg_of(in->base), index = host_reg_of(in->index);

	if (base < 0 && index < 0) {
		e_mov_ri(&t->e, reg, (u32)in->disp);
		if (in->addrsize == 2)
			e_rr(&t->e, 0, 0x0fb7, reg, reg);
		return;
	}
	e_lea(&t->e, 0, reg, base, index, in->scale, disp_of(t));
	if (in->addrsize == 2)
		e_rr(&t->e, 0, 0x0fb7, reg, reg); /* movzx reg, reg16 */
}

static bool seg_is_flat(const struct tr *t, unsigned seg)
{
	switch (seg) {
	case SEG_SS: return t->mode & MODE_SS_FLAT;
	case SEG_DS: return t->mode & MODE_DS_FLAT;
	case SEG_ES: return t->mode & MODE_ES_FLAT;
	case SEG_CS: return false; /* never writable, may be unreadable */
	default: return false;
	}
}

static bool is_cold(const struct tr *t)
{
	return t->site == SITE_COLD || t->site == SITE_EITHER;
}

/* Can it be among the lines of which the table says where they are? */
static bool may_be_reached(const struct tr *t, unsigned seg, unsigned size)
{
	return t->site == SITE_WATCHED && t->bt->has_shrx &&
	       seg_is_flat(t, seg) && !(t->mode & MODE_ALIGN) &&
	       size <= MEM_LINE && !(t->in->op->form & F_X87);
}

/* Is its size among those that the table of pages knows? */
static bool may_be_in_page(const struct tr *t, unsigned size)
{
	return size <= MEM_LINE && !(t->in->op->form & F_X87);
}

/* All 16 bytes of SSE but for a few instructions (SDM 1 10.4.1.1). */
static bool is_aligned(const struct insn *in, unsigned size)
{
	return size == 16 && (in->op->form & F_SSE) &&
	       !(in->op->form & F_UNALIGNED);
}

/* Offset in r8d already; answers with the address to use, which the stub puts
 * there. */
static struct addr called(struct tr *t, const u8 *stub, unsigned seg,
			  unsigned size, unsigned access)
{
	u32 how = seg | (access & F_W ? SOFT_WRITE : 0) |
		  (t->in->op->form & (F_X87 | F_MMX) ? SOFT_FPU : 0) |
		  (access & F_R ? SOFT_READ : 0) | size << SOFT_SIZE_SHIFT |
		  (is_cold(t) ? SOFT_COLD : 0) |
		  (stub == t->bt->stub_watched ? SOFT_WATCHED : 0) |
		  (is_aligned(t->in, size) ? SOFT_ALIGNED : 0);

	emit_count(t, R9, how, SOFT_COUNT_SHIFT);
	e_call(&t->e, stub);
	t->fpu_ready = 0; /* a device may have been asked */
	if (access & F_W)
		t->soft_write = true;
	return (struct addr){ R8, -1, 0, 0, false };
}

static struct addr soft(struct tr *t, unsigned seg, unsigned size,
			unsigned access)
{
	const struct bt *bt = t->bt;

	return called(t,
		      may_be_reached(t, seg, size) ? bt->stub_watched
						   : bt->stub_soft,
		      seg, size, access);
}

u8 *emit_if_mapped(const struct bt *bt, struct emit *e, bool user, bool write)
{
	const struct live *l = bt->live;
	u8 *miss;

	e_load_rip(e, 1, R9, user ? &l->user_window_map : &l->window_map);
	e_mov_ri(e, RCX, 12);
	e_shrx(e, RCX, R8, RCX);
	e_rm(e, 0, 0x0fb6, RCX, R9, RCX, 0,
	     write ? (s32)WINDOW_MAP_WRITABLE : 0);
	miss = e_short(e, JECXZ);
	e_load_rip(e, 1, RCX, &l->spill);
	if (user)
		e_load_rip(e, 1, R9, &l->user_window);
	e_lea(e, 1, R8, user ? R9 : R15, R8, 0, 0);
	return miss;
}

static u8 *done_if_mapped(struct tr *t, bool user, unsigned access)
{
	u8 *miss = emit_if_mapped(t->bt, &t->e, user, access & F_W), *done;

	done = e_short(&t->e, JMP8);
	e_short_here(&t->e, miss);
	return done;
}

/* Linear address in r8d, in a flat segment.  User code asks in a stub: it is
 * what is copied for each program that runs, and less than half as long so. */
static struct addr cold(struct tr *t, unsigned seg, unsigned size,
			unsigned access)
{
	const struct bt *bt = t->bt;
	bool write = access & F_W, in_page = may_be_in_page(t, size);
	u8 *done[2] = { NULL, NULL };

	if (t->mode & MODE_USER)
		return called(t, in_page ? bt->stub_cold_pages[write]
					 : bt->stub_cold[write],
			      seg, size, access);
	e_store_rip(&t->e, 1, &bt->live->spill, RCX);
	done[0] = done_if_mapped(t, false, access);
	if (t->site == SITE_EITHER)
		done[1] = done_if_mapped(t, true, access);
	e_load_rip(&t->e, 1, RCX, &bt->live->spill);
	called(t, in_page ? bt->stub_pages[write] : bt->stub_soft, seg, size,
	       access);
	e_short_here(&t->e, done[0]);
	if (done[1])
		e_short_here(&t->e, done[1]);
	return (struct addr){ R8, -1, 0, 0, false };
}

static bool use_soft(const struct tr *t)
{
	return t->site == SITE_SOFT || t->site == SITE_WATCHED ||
	       !t->bt->cfg.windows || (t->mode & MODE_ALIGN);
}

/* Is the host's GS where the access goes?  Not x87's, which keep in FDP the
 * address without the segment's base: fpu.c takes a window's from it. */
static bool through_gs(const struct tr *t)
{
	return t->bt->has_gs && !(t->in->op->form & F_X87) &&
	       (t->mode & MODE_USER || t->site == SITE_USER);
}

static struct addr whole(const struct tr *t)
{
	const struct insn *in = t->in;

	return (struct addr){ host_reg_of(in->base), host_reg_of(in->index),
			      in->scale, disp_of(t), true };
}

static struct addr windowed(struct tr *t, int reg, s32 disp)
{
	if (t->site == SITE_USER && !(t->mode & MODE_USER)) {
		if (through_gs(t))
			return (struct addr){ reg, -1, 0, disp, true };
		e_load_rip(&t->e, 1, R9, &t->bt->live->user_window);
		return (struct addr){ R9, reg, 0, disp, false };
	}
	return (struct addr){ R15, reg, 0, disp, false };
}

static struct addr fs_gs(struct tr *t, unsigned seg)
{
	struct bt *bt = t->bt;
	struct insn *in = t->in;
	int base = host_reg_of(in->base), index = host_reg_of(in->index);

	if (base >= 0 && index >= 0) {
		emit_ea(t, R8);
		e_load_rip(&t->e, 0, R9, &bt->cpu->seg[seg].base);
		e_lea(&t->e, 0, R9, R9, R8, 0, 0);
	} else {
		e_load_rip(&t->e, 0, R9, &bt->cpu->seg[seg].base);
		e_lea(&t->e, 0, R9, R9, index < 0 ? base : index,
		      index < 0 ? 0 : in->scale, disp_of(t));
	}
	e_load_rip(&t->e, 1, R8, &bt->live->seg_window[seg - SEG_FS]);
	return (struct addr){ R8, R9, 0, 0, false };
}

/* May the host add the displacement, in 64 bits?  One that is far below zero
 * is an address in the upper half, of a table that the register indexes: the
 * sum is to wrap. */
static bool small(s32 disp)
{
	return disp > -(1 << 24) && disp < (s32)WINDOW_GUARD;
}

/*T:20 A memory operand becomes a host address. */
struct addr address_of(struct tr *t, unsigned seg, unsigned size,
		       unsigned access)
{
	struct insn *in = t->in;
	int base = host_reg_of(in->base), index = host_reg_of(in->index);

	if (!use_soft(t) && in->addrsize == 4) {
		if (seg >= SEG_FS && !(t->mode & MODE_V86) &&
		    (t->site == SITE_WINDOW || t->site == SITE_COLD))
			return fs_gs(t, seg);
		if (seg_is_flat(t, seg) && is_cold(t)) {
			emit_ea(t, R8);
			return cold(t, seg, size, access);
		}
		if (seg_is_flat(t, seg)) {
			if (base == R12 && through_gs(t))
				return whole(t);
			if (base >= 0 && index < 0 && small(disp_of(t)))
				return windowed(t, base, disp_of(t));
			if (base < 0 && index >= 0 && !in->scale &&
			    small(in->disp))
				return windowed(t, index, in->disp);
			if (base < 0 && index < 0 && in->disp >= 0)
				return windowed(t, -1, in->disp);
			if (through_gs(t))
				return whole(t);
			emit_ea(t, R8);
			return windowed(t, R8, 0);
		}
	}
	emit_ea(t, R8);
	return soft(t, seg, size, access);
}
/*T:*/

struct addr address_given(struct tr *t, unsigned seg, unsigned size,
			  unsigned access)
{
	return soft(t, seg, size, access);
}

bool address_is_window(const struct tr *t, unsigned seg)
{
	if (use_soft(t) || is_cold(t) || t->in->addrsize != 4)
		return false;
	return seg_is_flat(t, seg) ||
	       (seg >= SEG_FS && !(t->mode & MODE_V86) && t->site == SITE_WINDOW);
}

bool address_stack_is_window(const struct tr *t)
{
	return !use_soft(t) && !is_cold(t);
}

/* [reg + disp] on a flat 32-bit stack. */
static struct addr on_stack(struct tr *t, unsigned reg, s32 disp,
			    unsigned size, unsigned access)
{
	if (address_stack_is_window(t))
		return windowed(t, (int)reg, disp);
	e_lea(&t->e, 0, R8, (int)reg, -1, 0, disp);
	if (!use_soft(t))
		return cold(t, SEG_SS, size, access);
	return soft(t, SEG_SS, size, access);
}

struct addr address_stack(struct tr *t, s32 disp, unsigned size,
			  unsigned access)
{
	return on_stack(t, R12, disp + t->esp_due, size, access);
}

struct addr address_frame(struct tr *t, unsigned size, unsigned access)
{
	return on_stack(t, RBP, 0, size, access);
}

static void after_write(struct tr *t, u32 how)
{
	struct emit *e = &t->e;
	u8 *nothing, *done;

	t->soft_write = false;
	e_mov_rr(e, 0, R8, RCX);
	e_load_rip(e, 0, RCX, &t->bt->live->soft_post);
	nothing = e_short(e, JECXZ);
	e_mov_rr(e, 0, RCX, R8);
	paravirt_at_c(t);
	emit_count(t, R9, how, 0);
	e_call(e, t->bt->stub_post);
	t->fpu_ready = 0;
	done = e_short(e, JMP8);
	e_short_here(e, nothing);
	e_mov_rr(e, 0, RCX, R8);
	e_short_here(e, done);
}

/* After an instruction that wrote through address_of: commits what a soft
 * write left to do. */
void address_after_write(struct tr *t)
{
	if (t->soft_write)
		after_write(t, 0);
}

/* After a CALL's push: who leaves here goes to the target, which is in r10
 * when it is not known. */
void address_after_push(struct tr *t, const u32 *target)
{
	if (!t->soft_write)
		return;
	if (target)
		e_store_rip_eip(&t->e, &t->bt->live->indirect, *target);
	else
		e_store_rip(&t->e, 0, &t->bt->live->indirect, R10);
	after_write(t, SOFT_CALL);
}
