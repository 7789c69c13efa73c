/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's x87, MMX and SSE state, in the host's registers or not.
 *
 * It is loaded when a block first needs it and stored before C code that may
 * use vector registers runs, so kernels that leave it alone pay nothing. Two
 * words tell translated code whether it may go on; they also stand for
 * CR0.TS and EM and CR4.OSFXSR.
 *
 * Error pointers (the last instruction's address, opcode and operand) are
 * the host's when they come out of its registers: places in code memory and
 * in windows.  While an unmasked exception waits they are turned into the
 * guest's, and are zero otherwise, as on processors that keep them for
 * errors only; so they do not depend on the host. */
#include "core/bt/bt_priv.h"

#include "core/mem/window.h"

enum { FSW_ES = 0x80 };

/* The parts of an FXSAVE image that depend on the form (SDM 2A FXSAVE). */
struct fx_pointers {
	u16 fcw, fsw;
	u8 ftw, reserved;
	u16 fop;
	union {
		u64 fip64;
		struct {
			u32 fip;
			u16 fcs, fcs_reserved;
		};
	};
	union {
		u64 fdp64;
		struct {
			u32 fdp;
			u16 fds, fds_reserved;
		};
	};
};

void fpu_refresh(struct bt *bt)
{
	const struct cpu *c = bt->cpu;

	bt->live->fpu_blocked = !c->fpu_live || c->ignne ||
				(c->cr0 & (CR0_TS | CR0_EM));
	bt->live->sse_blocked = bt->live->fpu_blocked ||
				!(c->cr4 & CR4_OSFXSR);
}

bool fpu_error(const struct cpu *c)
{
	return c->fxsave[2] & FSW_ES;
}

/* Linear address of an x87 operand from the host's; false when it had none. */
static bool operand_address(struct bt *bt, u64 host, gla_t *lin)
{
	if (host == bt->x87_host && host) {
		*lin = bt->x87_lin;
		return true;
	}
	return host && window_find(bt->cpu->mem, (const void *)(uintptr_t)host,
				   lin) != WINDOW_NONE;
}

/* The host's pointers are those of the instruction that erred: finds it. */
static void guest_pointers(struct bt *bt, struct fx_pointers *f)
{
	const struct cpu *c = bt->cpu;
	const u8 *pc = (const u8 *)(uintptr_t)f->fip64;
	struct block *b = cache_by_host(bt, pc);
	struct insn in;
	unsigned index;
	u64 operand = f->fdp64;
	gla_t lin;

	f->fip64 = f->fdp64 = 0;
	f->fop = 0;
	if (!b)
		return;
	index = block_insn_at(b, pc);
	f->fip = block_insn_eip(b, index);
	f->fcs = c->seg[SEG_CS].sel;
	if (!fpu_insn(bt, b, index, &in))
		return;
	f->fop = (u16)((in.opcode & 7) << 8 | in.modrm);
	if (insn_has_mem(&in) && operand_address(bt, operand, &lin)) {
		f->fdp = lin - c->seg[in.seg].base;
		f->fds = c->seg[in.seg].sel;
	}
}

void fpu_out(struct bt *bt)
{
	static const u32 default_mxcsr = 0x1f80;
	struct cpu *c = bt->cpu;
	struct fx_pointers *f = (struct fx_pointers *)(void *)c->fxsave;
	struct fx_pointers before;

	if (!c->fpu_live)
		return;
	before = *f;
	__asm__ volatile("fxsave64 %0" : "=m"(c->fxsave));
	/* C code must not meet the guest's unmasked exceptions. */
	__asm__ volatile("fninit; ldmxcsr %0" : : "m"(default_mxcsr));
	c->fpu_live = false;
	if (!fpu_error(c)) {
		f->fip64 = f->fdp64 = 0;
		f->fop = 0;
	} else if (f->fip64 - (u64)(uintptr_t)bt->code_x < bt->code_size) {
		guest_pointers(bt, f);
	} else { /* none since it was loaded */
		f->fip64 = before.fip64;
		f->fdp64 = before.fdp64;
		f->fop = before.fop;
	}
	fpu_refresh(bt);
}

void fpu_in(struct bt *bt)
{
	struct cpu *c = bt->cpu;

	if (!c->fpu_live) {
		__asm__ volatile("fxrstor %0" : : "m"(c->fxsave));
		c->fpu_live = true;
	}
	fpu_refresh(bt);
}
