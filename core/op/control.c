/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control and debug registers (SDM 3A 2.5, 4.1 and 4.4; 3B 17.2).
 *
 * The ctl_set functions are what a write means: which bits may be set, which
 * combinations are #GP(0), when the page-directory pointers are read anew,
 * what is flushed.  The paravirtual interface calls them too.  Everything
 * that can fail comes before the register changes; flushes come after, since
 * they look at the new value.
 *
 * Bits of CR4 exist when their CPUID feature does. */
#include "core/op/features.h"
#include "core/op/op_priv.h"
#include "trace/trace.h"

#define CR0_VALID \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | \
	 CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define PDPTE_RESERVED 0xfffffff0000001e6ull /* for 36 physical bits */

enum { DR6_BD = 1u << 13, DR7_GD = 1u << 13 };

bool ctl_load_pdptes(struct cpu *c, u32 cr3)
{
	u64 entry[4];

	mem_phys_read(c->mem, cr3 & ~31u, entry, sizeof(entry));
	for (unsigned i = 0; i < 4; i++) {
		if ((entry[i] & PTE_P) && (entry[i] & PDPTE_RESERVED))
			return cpu_raise(c, EXC_GP, 0);
	}
	for (unsigned i = 0; i < 4; i++)
		c->pdpte[i] = entry[i];
	return true;
}

static void written(unsigned number, u32 old, u32 new)
{
	if (op_hooks.cr_written)
		op_hooks.cr_written(op_hooks.catch_arg, number, old, new);
}

bool ctl_set_cr0(struct cpu *c, u32 value)
{
	u32 new = (value & CR0_VALID) | CR0_ET, changed = new ^ c->cr0;
	u32 reload = CR0_PG | CR0_CD | CR0_NW;

	if (((new & CR0_PG) && !(new & CR0_PE)) ||
	    ((new & CR0_NW) && !(new & CR0_CD)))
		return cpu_raise(c, EXC_GP, 0);
	if ((new & CR0_PG) && (c->cr4 & CR4_PAE) && (changed & reload) &&
	    !ctl_load_pdptes(c, c->cr3))
		return false;
	written(0, c->cr0, new);
	c->cr0 = new;
	if (changed & (CR0_PG | CR0_WP | CR0_PE))
		mem_flush_all(c);
	if (changed)
		c->mode_changed = true;
	return true;
}

bool ctl_set_cr3(struct cpu *c, u32 value)
{
	u32 before = c->cr3;
	bool trusted;

	if ((c->cr0 & CR0_PG) && (c->cr4 & CR4_PAE) &&
	    !ctl_load_pdptes(c, value))
		return false;
	written(3, before, value);
	c->cr3 = value;
	c->mode_changed = true;
	if (value == before) {
		mem_flush_cr3(c);
		return true;
	}
	trusted = mem_switch_cr3(c);
	TRACE(mmu_switch, .from = before, .to = value, .trusted = trusted);
	return true;
}

static u32 cr4_valid(void)
{
	static const struct {
		u32 bit;
		enum feature feature;
	} rows[] = {
		{ CR4_TSD, FEATURE_TSC },    { CR4_DE, FEATURE_DE },
		{ CR4_PSE, FEATURE_PSE },    { CR4_PAE, FEATURE_PAE },
		{ CR4_MCE, FEATURE_MCE },    { CR4_PGE, FEATURE_PGE },
		{ CR4_OSFXSR, FEATURE_FXSR }, { CR4_OSXMMEXCPT, FEATURE_SSE },
	};
	u32 valid = CR4_PCE;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		valid |= feature_on(rows[i].feature) ? rows[i].bit : 0;
	return valid;
}

bool ctl_set_cr4(struct cpu *c, u32 value)
{
	u32 changed = value ^ c->cr4, paging = CR4_PSE | CR4_PAE | CR4_PGE;

	if (value & ~cr4_valid())
		return cpu_raise(c, EXC_GP, 0);
	if ((c->cr0 & CR0_PG) && (value & CR4_PAE) && (changed & paging) &&
	    !ctl_load_pdptes(c, c->cr3))
		return false;
	written(4, c->cr4, value);
	c->cr4 = value;
	if (changed & paging)
		mem_flush_all(c);
	if (changed)
		c->mode_changed = true;
	return true;
}

/* ---- MOV CR ---- */

/* CR1 and CR5 to CR7 do not exist; mod is ignored, the operand is always a
 * register. */
static bool cr_exists(unsigned n)
{
	return n == 0 || (n >= 2 && n <= 4);
}

enum op_result op_mov_to_cr(struct cpu *c, const struct insn *in)
{
	u32 value = c->gpr[in->modrm & 7];

	if (!cr_exists(in->reg))
		return op_fault(c, EXC_UD, 0);
	if (!need_cpl0(c))
		return OP_FAULT;
	switch (in->reg) {
	case 0:
		return op_done(ctl_set_cr0(c, value));
	case 2:
		written(2, c->cr2, value);
		c->cr2 = value;
		return OP_NEXT;
	case 3:
		return op_done(ctl_set_cr3(c, value));
	default:
		return op_done(ctl_set_cr4(c, value));
	}
}

enum op_result op_mov_from_cr(struct cpu *c, const struct insn *in)
{
	const u32 value[] = { c->cr0, 0, c->cr2, c->cr3, c->cr4 };

	if (!cr_exists(in->reg))
		return op_fault(c, EXC_UD, 0);
	if (!need_cpl0(c))
		return OP_FAULT;
	c->gpr[in->modrm & 7] = value[in->reg];
	return OP_NEXT;
}

/* LMSW reaches the low four bits and can set PE but not clear it. */
enum op_result op_lmsw(struct cpu *c, const struct insn *in)
{
	u32 value;

	if (!need_cpl0(c) || !rm_read(c, in, 2, &value))
		return OP_FAULT;
	value &= CR0_PE | CR0_MP | CR0_EM | CR0_TS;
	return op_done(ctl_set_cr0(c, (c->cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) |
				      value));
}

enum op_result op_smsw(struct cpu *c, const struct insn *in)
{
	return op_done(rm_write(c, in, insn_has_mem(in) ? 2 : in->opsize,
				c->cr0));
}

enum op_result op_clts(struct cpu *c, const struct insn *in)
{
	(void)in;
	if (!need_cpl0(c))
		return OP_FAULT;
	written(0, c->cr0, c->cr0 & ~CR0_TS);
	if (c->cr0 & CR0_TS) {
		c->cr0 &= ~CR0_TS;
		c->mode_changed = true;
	}
	return OP_NEXT;
}

/* ---- MOV DR ---- */

/* Checks an access to a debug register and resolves the old names DR4 and
 * DR5.  With DR7.GD set every access is a #DB fault (SDM 3B 17.2.4). */
static bool debug_register(struct cpu *c, const struct insn *in, unsigned *n)
{
	*n = in->reg;
	if (*n == 4 || *n == 5) {
		if (c->cr4 & CR4_DE)
			return cpu_raise(c, EXC_UD, 0);
		*n += 2;
	}
	if (!need_cpl0(c))
		return false;
	if (c->dr[7] & DR7_GD) {
		cpu_raise(c, EXC_DB, 0);
		c->exc.dr6 = DR6_BD;
		return false;
	}
	return true;
}

enum op_result op_mov_to_dr(struct cpu *c, const struct insn *in)
{
	u32 value = c->gpr[in->modrm & 7];
	unsigned n;

	if (!debug_register(c, in, &n))
		return OP_FAULT;
	if (n == 6)
		value = (value & 0xe00f) | 0xffff0ff0u;
	else if (n == 7)
		value = (value & 0xffff23ffu) | 0x400;
	c->dr[n] = value;
	c->mode_changed = true;
	op_note(OP_NOTE_DR, n, value);
	return OP_NEXT;
}

enum op_result op_mov_from_dr(struct cpu *c, const struct insn *in)
{
	unsigned n;

	if (!debug_register(c, in, &n))
		return OP_FAULT;
	c->gpr[in->modrm & 7] = c->dr[n];
	return OP_NEXT;
}
