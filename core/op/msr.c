/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Model-specific registers (SDM 3B appendix B, 3A 11.11 for MTRRs).
 *
 * Three kinds: those with an effect (TSC, EFER, APIC base, SYSENTER), those
 * that are stored and read back after the checks a processor makes (PAT and
 * MTRRs: memory types mean nothing here, but software that finds a wrong
 * value refuses to go on), and those that are constants.  Every other number
 * is #GP(0), which kernels use to find out what exists.
 *
 * MTRRs are offered as eight variable ranges and the eleven fixed ones. */
#include "core/op/features.h"
#include "core/op/op_priv.h"
#include "trace/trace.h"

enum {
	MSR_TSC = 0x10,
	MSR_PLATFORM_ID = 0x17,
	MSR_APIC_BASE = 0x1b,
	MSR_BIOS_UPDATE = 0x79,
	MSR_BIOS_SIGN = 0x8b,
	MSR_MTRR_CAP = 0xfe,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS = 0x17a,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_MTRR_VAR = 0x200, /* base and mask, in pairs */
	MSR_MTRR_VAR_LAST = 0x20f,
	MSR_PAT = 0x277,
	MSR_MTRR_DEF_TYPE = 0x2ff,
};
#define MSR_EFER 0xc0000080u

#define MTRR_CAP_VALUE 0x508ull /* 8 variable, fixed, write combining */
#define PHYSICAL_MASK 0xffffff000ull /* 36 bits */
#define APIC_BASE_BSP 0x100ull
#define APIC_BASE_ENABLE 0x800ull

/* Index of a fixed-range MTRR in c->mtrr_fixed, or -1. */
static int fixed_index(u32 index)
{
	if (index == 0x250)
		return 0;
	if (index == 0x258 || index == 0x259)
		return 1 + (index - 0x258);
	if (index >= 0x268 && index <= 0x26f)
		return 3 + (index - 0x268);
	return -1;
}

/* Where an MSR that is plain storage lies; NULL if it is not such a one. */
static u64 *stored(struct cpu *c, u32 index)
{
	int fixed = fixed_index(index);

	if (fixed >= 0)
		return &c->mtrr_fixed[fixed];
	if (index >= MSR_MTRR_VAR && index <= MSR_MTRR_VAR_LAST)
		return &c->mtrr_var[index - MSR_MTRR_VAR];
	switch (index) {
	case MSR_BIOS_SIGN:
		return &c->bios_sign;
	case MSR_MCG_STATUS:
		return &c->mcg_status;
	case MSR_MISC_ENABLE:
		return &c->misc_enable;
	case MSR_PAT:
		return &c->pat;
	case MSR_MTRR_DEF_TYPE:
		return &c->mtrr_def_type;
	default:
		return NULL;
	}
}

static u32 *sysenter(struct cpu *c, u32 index)
{
	switch (index) {
	case MSR_SYSENTER_CS:
		return &c->sysenter_cs;
	case MSR_SYSENTER_ESP:
		return &c->sysenter_esp;
	case MSR_SYSENTER_EIP:
		return &c->sysenter_eip;
	default:
		return NULL;
	}
}

bool msr_read(struct cpu *c, u32 index, u64 *value)
{
	const u64 *plain = stored(c, index);
	const u32 *word = sysenter(c, index);

	if (plain || word) {
		*value = plain ? *plain : *word;
		return true;
	}
	switch (index) {
	case MSR_TSC:
		*value = op_hooks.tsc(c->vm) + (u64)c->tsc_offset;
		return true;
	case MSR_APIC_BASE:
		*value = c->apic_base;
		return true;
	case MSR_EFER:
		*value = c->efer;
		return feature_on(FEATURE_NX);
	case MSR_MTRR_CAP:
		*value = MTRR_CAP_VALUE;
		return true;
	case MSR_PLATFORM_ID:
	case MSR_MCG_CAP: /* no banks */
		*value = 0;
		return true;
	default:
		return false;
	}
}

/* Memory types: UC WC WT WP WB; PAT also knows UC-. */
static bool type_ok(u8 type, bool pat)
{
	return type <= 1 || (type >= 4 && type <= 6) || (pat && type == 7);
}

static bool types_ok(u64 value, bool pat)
{
	for (unsigned shift = 0; shift < 64; shift += 8) {
		if (!type_ok(value >> shift, pat))
			return false;
	}
	return true;
}

static bool stored_ok(u32 index, u64 value)
{
	if (index == MSR_PAT || fixed_index(index) >= 0)
		return types_ok(value, index == MSR_PAT);
	if (index == MSR_MTRR_DEF_TYPE)
		return !(value & ~0xcffull) && type_ok(value, false);
	if (index >= MSR_MTRR_VAR && index <= MSR_MTRR_VAR_LAST) {
		if (index & 1)
			return !(value & ~(PHYSICAL_MASK | 0x800));
		return !(value & ~(PHYSICAL_MASK | 0xff)) &&
		       type_ok(value, false);
	}
	return true;
}

static bool write_efer(struct cpu *c, u64 value)
{
	if (!feature_on(FEATURE_NX) || (value & ~(u64)EFER_NXE))
		return false;
	if (value != c->efer) {
		c->efer = value;
		mem_flush_all(c);
		c->mode_changed = true;
	}
	return true;
}

static bool write_apic_base(struct cpu *c, u64 value)
{
	if (value & ~(PHYSICAL_MASK | APIC_BASE_ENABLE | APIC_BASE_BSP))
		return false;
	c->apic_base = (value & ~APIC_BASE_BSP) | (c->apic_base & APIC_BASE_BSP);
	if (op_hooks.apic_base_changed)
		op_hooks.apic_base_changed(c->vm);
	return true;
}

bool msr_write(struct cpu *c, u32 index, u64 value)
{
	u64 *plain = stored(c, index);
	u32 *word = sysenter(c, index);

	if (plain) {
		if (!stored_ok(index, value))
			return false;
		/* a signature is written only to ask for ours, which is 0 */
		*plain = index == MSR_BIOS_SIGN ? 0 : value;
		return true;
	}
	if (word) {
		*word = value;
		return true;
	}
	switch (index) {
	case MSR_TSC:
		c->tsc_offset = (s64)(value - op_hooks.tsc(c->vm));
		return true;
	case MSR_APIC_BASE:
		return write_apic_base(c, value);
	case MSR_EFER:
		return write_efer(c, value);
	case MSR_BIOS_UPDATE: /* microcode: accepted, not loaded */
		return true;
	default:
		return false;
	}
}

enum op_result op_rdmsr(struct cpu *c, const struct insn *in)
{
	u64 value;

	(void)in;
	if (!need_cpl0(c))
		return OP_FAULT;
	if (!msr_read(c, c->gpr[ECX], &value))
		return op_fault(c, EXC_GP, 0);
	c->gpr[EAX] = value;
	c->gpr[EDX] = value >> 32;
	TRACE(cpu_msr, .index = c->gpr[ECX], .value = value);
	op_note(OP_NOTE_MSR_READ, c->gpr[ECX], value);
	return OP_NEXT;
}

enum op_result op_wrmsr(struct cpu *c, const struct insn *in)
{
	u64 value = (u64)c->gpr[EDX] << 32 | c->gpr[EAX];

	(void)in;
	if (!need_cpl0(c))
		return OP_FAULT;
	if (!msr_write(c, c->gpr[ECX], value))
		return op_fault(c, EXC_GP, 0);
	TRACE(cpu_msr, .index = c->gpr[ECX], .value = value, .write = 1);
	op_note(OP_NOTE_MSR_WRITTEN, c->gpr[ECX], value);
	return OP_NEXT;
}

enum op_result op_rdtsc(struct cpu *c, const struct insn *in)
{
	u64 ticks;

	(void)in;
	if ((c->cr4 & CR4_TSD) && c->cpl != 0)
		return op_fault(c, EXC_GP, 0);
	ticks = op_hooks.tsc(c->vm) + (u64)c->tsc_offset;
	c->gpr[EAX] = ticks;
	c->gpr[EDX] = ticks >> 32;
	return OP_NEXT;
}

/* There are no counters, so every index is out of range. */
enum op_result op_rdpmc(struct cpu *c, const struct insn *in)
{
	(void)in;
	return op_fault(c, EXC_GP, 0);
}
