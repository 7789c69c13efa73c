/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptor tables in words: GDT, LDT, IDT and the task state segment, read
 * from guest memory as they are now.  What the processor has loaded may be
 * older: segment registers keep what they were loaded with (`info registers
 * system` shows that); where it differs, that is told, as is what is wrong with
 * an entry (tables_check.c).  Formats: SDM 3A 3.4.5 (segments), 6.11
 * (gates), 7.2 (TSS). */
#include "core/debug/tables_priv.h"

#include "core/mem/mem.h"

/* Gates whose handlers lie so close are told in one line. */
enum { STUB_MAX = 32, STUBS_MIN = 8 };

static const char *system_type(unsigned type)
{
	switch (type) {
	case SYS_TSS16:
		return "16-bit TSS";
	case SYS_LDT:
		return "LDT";
	case SYS_TSS16_BUSY:
		return "16-bit TSS, busy";
	case SYS_CALL16:
		return "16-bit call gate";
	case SYS_TASK_GATE:
		return "task gate";
	case SYS_INT16:
		return "16-bit interrupt gate";
	case SYS_TRAP16:
		return "16-bit trap gate";
	case SYS_TSS32:
		return "32-bit TSS";
	case SYS_TSS32_BUSY:
		return "32-bit TSS, busy";
	case SYS_CALL32:
		return "32-bit call gate";
	case SYS_INT32:
		return "32-bit interrupt gate";
	case SYS_TRAP32:
		return "32-bit trap gate";
	default:
		return "reserved type";
	}
}

bool tables_is_gate(unsigned type)
{
	return type == SYS_CALL16 || type == SYS_CALL32 ||
	       (type >= SYS_TASK_GATE && type <= SYS_TRAP16) ||
	       type == SYS_INT32 || type == SYS_TRAP32;
}

/* Ends the line. */
static void show_flaw(const char *flaw, struct buf *out)
{
	if (flaw)
		buf_printf(out, "  ! %s", flaw);
	buf_byte(out, '\n');
}

static void show_gate(struct debug *d, u64 e, const char *flaw, struct buf *out)
{
	u32 offset = tables_gate_offset(e);

	buf_printf(out, "%s, dpl %u, selector %04x",
		   system_type(tables_field(e, 40, 4)), tables_field(e, 45, 2),
		   tables_field(e, 16, 16));
	if (tables_field(e, 40, 4) != SYS_TASK_GATE) {
		buf_printf(out, ", ");
		debug_address(d, offset, out);
	}
	if (!tables_field(e, 47, 1))
		buf_printf(out, ", not present");
	show_flaw(flaw, out);
}

static void show_segment(struct debug *d, u64 e, bool in_gdt, struct buf *out)
{
	u32 base = tables_base(e), limit = tables_limit(e);
	unsigned type = tables_field(e, 40, 4);

	if (!tables_field(e, 44, 1) && tables_is_gate(type)) {
		show_gate(d, e, tables_segment_flaw(d, e, in_gdt), out);
		return;
	}
	buf_printf(out, "base %08x limit %08x dpl %u ", base, limit,
		   tables_field(e, 45, 2));
	if (!tables_field(e, 44, 1))
		buf_printf(out, "%s", system_type(type));
	else
		buf_printf(out, "%s-bit %s%s%s%s",
			   tables_field(e, 54, 1) ? "32" : "16",
			   type & SEG_CODE ? "code" : "data",
			   !(type & SEG_RW)  ? ""
			   : type & SEG_CODE ? ", readable"
					     : ", writable",
			   !(type & SEG_EC)  ? ""
			   : type & SEG_CODE ? ", conforming"
					     : ", expand-down",
			   type & SEG_A ? ", accessed" : "");
	buf_printf(out, "%s", tables_field(e, 47, 1) ? "" : ", not present");
	show_flaw(tables_segment_flaw(d, e, in_gdt), out);
}

/* The segment registers that were loaded with the selector, and whether what
 * they keep is not what the table says now (SDM 3A 3.4.3). */
static void show_users(struct debug *d, u32 selector, u64 e, struct buf *out)
{
	static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
	const struct cpu *c = debug_cpu(d);

	for (unsigned i = 0; i < SEG_COUNT; i++) {
		const struct seg *s = &c->seg[i];

		if (s->sel < 4 || (s->sel & ~3u) != selector ||
		    (s->base == tables_base(e) && s->limit == tables_limit(e)))
			continue;
		buf_printf(out,
			   "      ! %s was loaded when it said otherwise: base "
			   "%08x limit %08x\n",
			   names[i], s->base, s->limit);
	}
}

/* Entries of [base, base+limit]; empty ones are left out. */
static void show_segments(struct debug *d, u32 base, u32 limit, bool in_gdt,
			  struct buf *out)
{
	for (u32 at = 0; at + 7 <= limit && at < 0x10000; at += 8) {
		u64 e = 0;

		if (debug_read(d, base + at, &e, 8) != 8) {
			buf_printf(out, "%04x: 0x%x is not mapped\n", at,
				   base + at);
			return;
		}
		if (!e)
			continue;
		buf_printf(out, "%04x: ", at);
		if (!at && in_gdt)
			buf_printf(out, "(never used)  ");
		show_segment(d, e, in_gdt, out);
		if (!cpu_is_real(debug_cpu(d)))
			show_users(d, at | (in_gdt ? 0 : 4), e, out);
	}
}

/* Kernels fill most of the table with stubs at equal distances: how many
 * gates from `v` on are like it but for that?  1 when they are few. */
static unsigned like_stubs(const u64 *gates, unsigned v, unsigned count)
{
	u64 same = ~(0xffffull | 0xffffull << 48);
	u32 step, n = 1;

	if (v + 1 == count)
		return 1;
	step = tables_gate_offset(gates[v + 1]) - tables_gate_offset(gates[v]);
	while (v + n < count && step <= STUB_MAX &&
	       !((gates[v + n] ^ gates[v]) & same) &&
	       tables_gate_offset(gates[v + n]) -
			       tables_gate_offset(gates[v + n - 1]) ==
		       step)
		n++;
	return n < STUBS_MIN ? 1 : n;
}

static void show_gates(struct debug *d, u32 base, u32 limit, struct buf *out)
{
	u64 gates[256] = {0};
	unsigned n, count = (limit + 1) / 8;

	if (count > ARRAY_LEN(gates))
		count = ARRAY_LEN(gates);
	if (debug_read(d, base, gates, count * 8) != count * 8)
		buf_printf(out, "not all of it is mapped\n");
	for (unsigned v = 0; v < count; v += n) {
		n = like_stubs(gates, v, count);
		if (!gates[v])
			continue;
		buf_printf(out, "%02x: ", v);
		show_gate(d, gates[v], tables_gate_flaw(d, gates[v], true),
			  out);
		if (n > 1)
			buf_printf(out,
				   "    and so on to %02x, each %u further\n",
				   v + n - 1,
				   tables_gate_offset(gates[v + 1]) -
					   tables_gate_offset(gates[v]));
	}
	tables_check_idt(gates, count, out);
}

void debug_show_gdt(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);

	buf_printf(out, "GDT at 0x%08x, limit 0x%x\n", c->gdtr.base,
		   c->gdtr.limit);
	show_segments(d, c->gdtr.base, c->gdtr.limit, true, out);
}

void debug_show_ldt(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);

	if (!(c->ldtr.attr & SEG_P) || !(c->ldtr.sel & 0xfffc)) {
		buf_printf(out, "no LDT is loaded\n");
		return;
	}
	buf_printf(out, "LDT %04x at 0x%08x, limit 0x%x\n", c->ldtr.sel,
		   c->ldtr.base, c->ldtr.limit);
	show_segments(d, c->ldtr.base, c->ldtr.limit, false, out);
}

void debug_show_idt(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);

	buf_printf(out, "IDT at 0x%08x, limit 0x%x\n", c->idtr.base,
		   c->idtr.limit);
	if (!cpu_is_real(c)) {
		show_gates(d, c->idtr.base, c->idtr.limit, out);
		return;
	}
	for (u32 v = 0; v < 256 && v * 4 + 3 <= c->idtr.limit; v++) {
		u16 to[2];

		if (debug_read(d, c->idtr.base + v * 4, to, 4) == 4 &&
		    (to[0] || to[1]))
			buf_printf(out, "%02x: %04x:%04x\n", v, to[1], to[0]);
	}
}

int debug_show_vector(struct debug *d, u32 vector, struct buf *out,
		      struct err *e)
{
	const struct cpu *c = debug_cpu(d);
	u64 gate;

	if (cpu_is_real(c))
		return err_set(e, "real mode: the table has addresses, 4 bytes "
				  "each, no gates");
	if (vector > 255 || vector * 8 + 7 > c->idtr.limit)
		return err_set(e, "no gate for vector 0x%x: the IDT's limit is "
				  "0x%x",
			       vector, c->idtr.limit);
	if (debug_read(d, c->idtr.base + vector * 8, &gate, 8) != 8)
		return err_set(e, "0x%x is not mapped",
			       c->idtr.base + vector * 8);
	buf_printf(out, "%02x: ", vector);
	show_gate(d, gate, tables_gate_flaw(d, gate, true), out);
	return 0;
}

int debug_show_descriptor(struct debug *d, u32 selector, struct buf *out,
			  struct err *e)
{
	const struct cpu *c = debug_cpu(d);
	bool in_gdt = !(selector & 4);
	u32 base = in_gdt ? c->gdtr.base : c->ldtr.base;
	u32 limit = in_gdt ? c->gdtr.limit : c->ldtr.limit;
	u32 at = selector & 0xfff8;
	u64 entry;

	if (!in_gdt && (!(c->ldtr.attr & SEG_P) || !(c->ldtr.sel & 0xfffc)))
		return err_set(e, "no LDT is loaded");
	if (selector > 0xffff || at + 7 > limit)
		return err_set(e, "no entry for selector 0x%x: the %s's limit "
				  "is 0x%x",
			       selector, in_gdt ? "GDT" : "LDT", limit);
	if (debug_read(d, base + at, &entry, 8) != 8)
		return err_set(e, "0x%x is not mapped", base + at);
	buf_printf(out, "%04x: ", selector);
	if (!entry) {
		buf_printf(out, "empty\n");
		return 0;
	}
	show_segment(d, entry, in_gdt, out);
	if (!cpu_is_real(c))
		show_users(d, selector & ~3u, entry, out);
	return 0;
}

void debug_show_tss(struct debug *d, struct buf *out)
{
	static const struct {
		const char *name;
		u8 at, size;
	} fields[] = {
		{"link", 0, 2},    {"esp0", 4, 4},   {"ss0", 8, 2},
		{"esp1", 12, 4},   {"ss1", 16, 2},   {"esp2", 20, 4},
		{"ss2", 24, 2},    {"cr3", 28, 4},   {"eip", 32, 4},
		{"eflags", 36, 4}, {"eax", 40, 4},   {"ecx", 44, 4},
		{"edx", 48, 4},    {"ebx", 52, 4},   {"esp", 56, 4},
		{"ebp", 60, 4},    {"esi", 64, 4},   {"edi", 68, 4},
		{"es", 72, 2},     {"cs", 76, 2},    {"ss", 80, 2},
		{"ds", 84, 2},     {"fs", 88, 2},    {"gs", 92, 2},
		{"ldt", 96, 2},    {"trap", 100, 2}, {"iomap", 102, 2},
	};
	const struct cpu *c = debug_cpu(d);
	unsigned type = c->tr.attr & SEG_TYPE;

	if (!(c->tr.attr & SEG_P) || !(c->tr.sel & 0xfffc)) {
		buf_printf(out, "no task register is loaded\n");
		return;
	}
	buf_printf(out, "TSS %04x at 0x%08x, limit 0x%x, %s\n", c->tr.sel,
		   c->tr.base, c->tr.limit, system_type(type));
	if (type != SYS_TSS32 && type != SYS_TSS32_BUSY)
		return;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		u32 v = 0;

		if (debug_read(d, c->tr.base + fields[i].at, &v,
			       fields[i].size) != fields[i].size) {
			buf_printf(out, "0x%x is not mapped\n",
				   c->tr.base + fields[i].at);
			return;
		}
		buf_printf(out, "%-6s 0x%0*x%s", fields[i].name,
			   fields[i].size * 2, v, i % 4 == 3 ? "\n" : "  ");
	}
	buf_byte(out, '\n');
	tables_check_tss(d, out);
}
