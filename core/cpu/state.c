/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of the CPU is saved, and which states no CPU can be in.  Not saved:
 * what is remembered to be faster, and what belongs to the translator. */
#include "core/cpu/cpu.h"

enum { FXSAVE_MXCSR = 24, MXCSR_BITS = 0xffff, LAST_EXCEPTION = 31 };

static const struct state_field seg_state[] = {
	STATE(struct seg, sel, STATE_ANY),
	STATE(struct seg, attr, STATE_ANY),
	STATE(struct seg, base, STATE_ANY),
	STATE(struct seg, limit, STATE_ANY),
	STATE_END,
};

static const struct state_field dtable_state[] = {
	STATE(struct dtable, base, STATE_ANY),
	STATE(struct dtable, limit, STATE_ANY),
	STATE_END,
};

static const struct state_field exception_state[] = {
	STATE(struct exception, pending, 1),
	STATE(struct exception, vector, LAST_EXCEPTION),
	STATE(struct exception, has_error, 1),
	STATE(struct exception, error, STATE_ANY),
	STATE(struct exception, cr2, STATE_ANY),
	STATE(struct exception, dr6, STATE_ANY),
	STATE(struct exception, kind, EVENT_EXTERNAL),
	STATE_END,
};

static const struct state_field fields[] = {
	STATE_ARRAY(struct cpu, gpr, STATE_ANY),
	STATE(struct cpu, eip, STATE_ANY),
	STATE(struct cpu, arith, EFL_ARITH),
	STATE(struct cpu, iflag, EFL_IF),
	STATE(struct cpu, dflag, EFL_DF),
	STATE(struct cpu, sysflags, EFL_ALL),
	STATE_ARRAY_OF(struct cpu, seg, seg_state),
	STATE_OF(struct cpu, ldtr, seg_state),
	STATE_OF(struct cpu, tr, seg_state),
	STATE_OF(struct cpu, gdtr, dtable_state),
	STATE_OF(struct cpu, idtr, dtable_state),
	STATE(struct cpu, cr0, STATE_ANY),
	STATE(struct cpu, cr2, STATE_ANY),
	STATE(struct cpu, cr3, STATE_ANY),
	STATE(struct cpu, cr4, STATE_ANY),
	STATE_ARRAY(struct cpu, dr, STATE_ANY),
	STATE_ARRAY(struct cpu, pdpte, STATE_ANY),
	STATE(struct cpu, cpl, 3),
	STATE(struct cpu, halted, 1),
	STATE(struct cpu, shadow, SHADOW_SS),
	STATE(struct cpu, nmi_blocked, 1),
	STATE(struct cpu, nmi_pending, 1),
	STATE(struct cpu, shutdown, 1),
	STATE(struct cpu, ferr, 1),
	STATE(struct cpu, ignne, 1),
	STATE(struct cpu, efer, STATE_ANY),
	STATE(struct cpu, pat, STATE_ANY),
	STATE(struct cpu, apic_base, STATE_ANY),
	STATE(struct cpu, sysenter_cs, STATE_ANY),
	STATE(struct cpu, sysenter_esp, STATE_ANY),
	STATE(struct cpu, sysenter_eip, STATE_ANY),
	STATE(struct cpu, tsc_offset, STATE_ANY),
	STATE(struct cpu, mtrr_def_type, STATE_ANY),
	STATE_ARRAY(struct cpu, mtrr_fixed, STATE_ANY),
	STATE_ARRAY(struct cpu, mtrr_var, STATE_ANY),
	STATE(struct cpu, misc_enable, STATE_ANY),
	STATE(struct cpu, mcg_status, STATE_ANY),
	STATE(struct cpu, bios_sign, STATE_ANY),
	STATE_OF(struct cpu, exc, exception_state),
	STATE_ARRAY(struct cpu, fxsave, STATE_ANY),
	STATE(struct cpu, icount, STATE_TIME),
	STATE_END,
};

static bool only(u64 value, u64 bits)
{
	return !(value & ~bits);
}

static const char *wrong(const void *at, u64 now)
{
	const struct cpu *c = at;
	bool protected = c->cr0 & CR0_PE, v86 = c->sysflags & EFL_VM;

	(void)now;
	if (!only(c->arith, EFL_ARITH) || !only(c->iflag, EFL_IF) ||
	    !only(c->dflag, EFL_DF) ||
	    !only(c->sysflags,
		  EFL_ALL & ~(EFL_ARITH | EFL_IF | EFL_DF)))
		return "EFLAGS has bits that are not there";
	if (((c->cr0 & CR0_PG) && !protected) ||
	    ((c->cr0 & CR0_NW) && !(c->cr0 & CR0_CD)))
		return "CR0 has bits that do not go together";
	if (v86 && !protected)
		return "EFLAGS.VM is set in real mode";
	if (c->cpl != (!protected ? 0 : v86 ? 3 : c->cpl))
		return "the privilege level is not the mode's";
	if (!only(c->fxsave[FXSAVE_MXCSR] |
			  (u32)c->fxsave[FXSAVE_MXCSR + 1] << 8 |
			  (u32)c->fxsave[FXSAVE_MXCSR + 2] << 16 |
			  (u32)c->fxsave[FXSAVE_MXCSR + 3] << 24,
		  MXCSR_BITS))
		return "MXCSR has bits that are not there";
	return NULL;
}

void cpu_state(struct cpu *c, struct state_list *to)
{
	state_list_add(to, &(struct state_part){.name = "cpu",
						.fields = fields,
						.at = c,
						.size = sizeof(*c),
						.wrong = wrong});
}

void cpu_loaded(struct cpu *c)
{
	cpu_forget_descriptors(c);
	c->fpu_live = false;
	c->mode_changed = true;
}
