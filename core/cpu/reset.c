/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Power-on state (SDM 3A table 9-1) and the parts of EFLAGS.
 *
 * The processor starts in real mode at F000:FFF0 with a CS base of
 * FFFF0000h, so the first instruction comes from the last 16 bytes of the
 * address space.  EDX holds the processor's signature, the same that CPUID
 * leaf 1 gives.  Caches are disabled (CD and NW set) although there are none;
 * software reads the bits back.
 *
 * The borrowed pointers survive; so does icount, which counts since power-on
 * of the machine and is cleared by its owner. */
#include "core/cpu/cpu.h"

enum {
	RESET_DATA = SEG_P | SEG_S | SEG_RW | SEG_A,
	RESET_CODE = RESET_DATA | SEG_CODE,
	FCW_RESET = 0x37f,
	MXCSR_RESET = 0x1f80,
	FXSAVE_MXCSR = 24,
};

void cpu_set_eflags(struct cpu *c, u32 value)
{
	u32 mode_bits = EFL_VM | EFL_TF | EFL_AC | EFL_IOPL;
	u32 sys = value & EFL_ALL & ~(EFL_ARITH | EFL_IF | EFL_DF);

	if ((sys ^ c->sysflags) & mode_bits)
		c->mode_changed = true;
	c->arith = value & EFL_ARITH;
	c->iflag = value & EFL_IF;
	c->dflag = value & EFL_DF;
	c->sysflags = sys;
}

static void reset_segments(struct cpu *c)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		c->seg[i] = (struct seg){ .attr = RESET_DATA, .limit = 0xffff };
	c->seg[SEG_CS] = (struct seg){ .sel = 0xf000, .attr = RESET_CODE,
				       .base = 0xffff0000u, .limit = 0xffff };
	c->ldtr = (struct seg){ .attr = SEG_P | SYS_LDT, .limit = 0xffff };
	c->tr = (struct seg){ .attr = SEG_P | SYS_TSS32_BUSY, .limit = 0xffff };
	c->gdtr = (struct dtable){ .limit = 0xffff };
	c->idtr = (struct dtable){ .limit = 0xffff };
}

/* x87 after FNINIT rather than after RESET: what firmware leaves behind. */
static void reset_fpu(struct cpu *c)
{
	for (unsigned i = 0; i < sizeof(c->fxsave); i++)
		c->fxsave[i] = 0;
	c->fxsave[0] = FCW_RESET & 0xff;
	c->fxsave[1] = FCW_RESET >> 8;
	c->fxsave[FXSAVE_MXCSR] = MXCSR_RESET & 0xff;
	c->fxsave[FXSAVE_MXCSR + 1] = MXCSR_RESET >> 8;
	c->fxsave[FXSAVE_MXCSR + 4] = 0xff; /* mask of valid MXCSR bits */
	c->fxsave[FXSAVE_MXCSR + 5] = 0xff;
	c->fpu_live = false;
}

static void reset_msrs(struct cpu *c)
{
	c->efer = 0;
	c->pat = 0x0007040600070406ull; /* SDM 3A 11.12.4 */
	c->apic_base = 0xfee00900ull; /* enabled, bootstrap processor */
	c->sysenter_cs = c->sysenter_esp = c->sysenter_eip = 0;
	c->tsc_offset = 0;
	c->mtrr_def_type = 0;
	for (unsigned i = 0; i < ARRAY_LEN(c->mtrr_fixed); i++)
		c->mtrr_fixed[i] = 0;
	for (unsigned i = 0; i < ARRAY_LEN(c->mtrr_var); i++)
		c->mtrr_var[i] = 0;
	c->misc_enable = 1; /* fast strings */
	c->mcg_status = 0;
	c->bios_sign = 0;
}

void cpu_reset(struct cpu *c)
{
	for (unsigned i = 0; i < 8; i++) {
		c->gpr[i] = 0;
		c->dr[i] = 0;
	}
	c->gpr[EDX] = CPU_SIGNATURE;
	c->dr[6] = 0xffff0ff0u;
	c->dr[7] = 0x400;
	c->eip = 0xfff0;
	cpu_set_eflags(c, 0);
	reset_segments(c);
	c->cr0 = CR0_CD | CR0_NW | CR0_ET;
	c->cr2 = c->cr3 = c->cr4 = 0;
	for (unsigned i = 0; i < 4; i++)
		c->pdpte[i] = 0;
	c->cpl = 0;
	c->halted = c->shutdown = false;
	c->shadow = SHADOW_NONE;
	c->ferr = c->ignne = false;
	c->nmi_blocked = c->nmi_pending = false;
	reset_msrs(c);
	c->exc = (struct exception){ .pending = false };
	reset_fpu(c);
	c->mode_changed = true;
}
