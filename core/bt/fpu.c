/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's x87, MMX and SSE state, in the host's registers or not.
 *
 * It is loaded when a block first needs it and stored before C code that may
 * use vector registers runs, so kernels that leave it alone pay nothing. Two
 * words tell translated code whether it may go on; they also stand for
 * CR0.TS and EM and CR4.OSFXSR. */
#include "core/bt/bt_priv.h"

void fpu_refresh(struct bt *bt)
{
	const struct cpu *c = bt->cpu;

	bt->live->fpu_blocked = !c->fpu_live || (c->cr0 & (CR0_TS | CR0_EM));
	bt->live->sse_blocked = bt->live->fpu_blocked ||
				!(c->cr4 & CR4_OSFXSR);
}

void fpu_out(struct bt *bt)
{
	static const u32 default_mxcsr = 0x1f80;
	struct cpu *c = bt->cpu;

	if (!c->fpu_live)
		return;
	__asm__ volatile("fxsave %0" : "=m"(c->fxsave));
	/* C code must not meet the guest's unmasked exceptions. */
	__asm__ volatile("fninit; ldmxcsr %0" : : "m"(default_mxcsr));
	c->fpu_live = false;
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
