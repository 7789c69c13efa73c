/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with a descriptor: what would raise an exception when it is
 * used, or what no kernel means.  Each check names the manual's rule. */
#include "core/debug/tables_priv.h"

#include "core/mem/mem.h"

enum { TSS32_LIMIT = 0x67, TSS16_LIMIT = 0x2b, ESP0 = 4, SS0 = 8, IOMAP = 102 };

/* The descriptor a selector names; false: it is null or outside its table. */
static bool descriptor(struct debug *d, u16 selector, u64 *e)
{
	const struct cpu *c = debug_cpu(d);
	bool local = selector & 4;
	u32 base = local ? c->ldtr.base : c->gdtr.base;
	u32 limit = local ? c->ldtr.limit : c->gdtr.limit;
	u32 at = selector & ~7u;

	if (!(selector & ~3u) || at + 7 > limit ||
	    (local && !(c->ldtr.attr & SEG_P)))
		return false;
	return debug_read(d, base + at, e, 8) == 8;
}

static bool is_code(u64 e)
{
	return tables_field(e, 44, 1) && tables_field(e, 40, 4) & SEG_CODE;
}

static bool is_present(u64 e)
{
	return tables_field(e, 47, 1);
}

/* Interrupt, trap and call gates: SDM 3A 6.12.1, 5.8.4. */
static const char *code_gate_flaw(struct debug *d, u64 e)
{
	u32 offset = tables_gate_offset(e), dpl = tables_field(e, 45, 2);
	u16 selector = (u16)tables_field(e, 16, 16);
	u64 to;
	gpa_t gpa;

	if (!(selector & ~3u))
		return "its selector is null";
	if (!descriptor(d, selector, &to))
		return "its selector is outside of the table";
	if (!is_code(to))
		return "its selector is no code segment";
	if (!is_present(to))
		return "its code segment is not present";
	if (offset > tables_limit(to))
		return "its offset is beyond the segment's limit";
	if (tables_field(to, 45, 2) == 3 && dpl < 3)
		return "its code would run at level 3";
	if (!mem_probe(debug_cpu(d), tables_base(to) + offset, &gpa))
		return "nothing is mapped at its handler";
	return NULL;
}

static const char *task_gate_flaw(struct debug *d, u64 e)
{
	u64 to;

	if (!descriptor(d, (u16)tables_field(e, 16, 16), &to))
		return "its selector is null or outside of the GDT";
	if (tables_field(to, 44, 1) || (tables_field(to, 40, 4) & 5) != 1)
		return "its selector is no TSS";
	if (tables_field(to, 40, 4) & 2)
		return "its TSS is busy";
	return is_present(to) ? NULL : "its TSS is not present";
}

const char *tables_gate_flaw(struct debug *d, u64 e, bool in_idt)
{
	unsigned type = tables_field(e, 40, 4);

	if (!is_present(e))
		return NULL; /* told anyway */
	if (in_idt && (tables_field(e, 44, 1) || !tables_is_gate(type) ||
		       type == SYS_CALL16 || type == SYS_CALL32))
		return "no interrupt, trap or task gate: #GP";
	return type == SYS_TASK_GATE ? task_gate_flaw(d, e)
				     : code_gate_flaw(d, e);
}

/* SDM 3A 3.4.5, 7.2.2. */
const char *tables_segment_flaw(struct debug *d, u64 e, bool in_gdt)
{
	unsigned type = tables_field(e, 40, 4);
	u32 limit = tables_limit(e);

	if (!is_present(e))
		return NULL;
	if (tables_field(e, 44, 1))
		return is_code(e) && tables_field(e, 53, 1)
			       ? "L is set: reserved outside of 64-bit mode"
			       : NULL;
	if (tables_is_gate(type))
		return type == SYS_TASK_GATE || type == SYS_CALL16 ||
				       type == SYS_CALL32
			       ? tables_gate_flaw(d, e, false)
			       : "interrupt and trap gates belong in the IDT";
	if (!in_gdt)
		return "LDTs and TSSs belong in the GDT";
	switch (type) {
	case SYS_LDT:
		return NULL;
	case SYS_TSS32:
	case SYS_TSS32_BUSY:
		return limit < TSS32_LIMIT ? "a TSS needs a limit of 67h"
					   : NULL;
	case SYS_TSS16:
	case SYS_TSS16_BUSY:
		return limit < TSS16_LIMIT ? "a 16-bit TSS needs a limit of 2Bh"
					   : NULL;
	default:
		return "its type is reserved";
	}
}

static u32 word(struct debug *d, u32 at, unsigned size)
{
	u32 v = 0;

	debug_read(d, at, &v, size);
	return v;
}

/* The stack that an interrupt from level 3 would use: SDM 3A 6.12.1. */
static void check_stack(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	u32 esp0 = word(d, c->tr.base + ESP0, 4);
	u16 ss0 = (u16)word(d, c->tr.base + SS0, 2);
	gpa_t gpa;
	u64 e;

	if (!(ss0 & ~3u))
		buf_printf(out, "! ss0 is null: interrupts from level 3 would "
				"raise #TS\n");
	else if (!descriptor(d, ss0, &e))
		buf_printf(out, "! ss0 is outside of its table: #TS\n");
	else if (!tables_field(e, 44, 1) || is_code(e) ||
		 !(tables_field(e, 40, 4) & SEG_RW))
		buf_printf(out, "! ss0 is no writable data segment: #TS\n");
	else if (tables_field(e, 45, 2) || ss0 & 3)
		buf_printf(out, "! ss0 is not of level 0: #TS\n");
	else if (!mem_probe(debug_cpu(d), tables_base(e) + esp0 - 4, &gpa))
		buf_printf(out, "! nothing is mapped below esp0: the next "
				"interrupt from level 3 is a double fault\n");
}

void tables_check_tss(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	u32 iomap = word(d, c->tr.base + IOMAP, 2);

	if (c->tr.limit < TSS32_LIMIT) {
		buf_printf(out, "! its limit is below 67h\n");
		return;
	}
	check_stack(d, out);
	if (iomap >= c->tr.limit)
		buf_printf(out, "no I/O map: level 3 has no ports unless IOPL "
				"is 3\n");
	else
		buf_printf(out, "I/O map of ports 0 to %xh\n",
			   (c->tr.limit - iomap) * 8 - 1 > 0xffff
				   ? 0xffff
				   : (c->tr.limit - iomap) * 8 - 1);
}

void tables_check_idt(const u64 *gates, unsigned count, struct buf *out)
{
	static const u8 needed[] = {EXC_DE, EXC_UD, EXC_DF, EXC_TS,
				    EXC_NP, EXC_SS, EXC_GP, EXC_PF};

	for (unsigned i = 0; i < sizeof(needed); i++)
		if (needed[i] >= count || !is_present(gates[needed[i]]))
			buf_printf(out,
				   "! no gate for %s: one becomes a double "
				   "or triple fault\n",
				   cpu_exception_name(needed[i]));
}
