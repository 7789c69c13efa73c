/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers, and the description of them that gdb reads first.
 *
 * All is made from core/debug/regs.def: its rows in their order are gdb's
 * register numbers.  Offsets and linear addresses are one for gdb, so eip is
 * given as the linear address, which in flat segments it is anyway. */
#include "gdbstub/stub_priv.h"

#include <stdio.h>
#include <string.h>

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "core/debug/regs.h"

static bool is_ours(u64 number)
{
	return number < REG_COUNT && reg_group((enum reg)number) != REG_PART;
}

static enum reg meant(enum reg r)
{
	return r == REG_eip ? REG_pc : r;
}

/* ---- one, and all ---- */

static void append(struct gdbstub *g, enum reg r)
{
	u8 bytes[16];

	if (!trace_is_shown(g)) {
		reg_read_bytes(vm_cpu(g->vm), meant(r), bytes);
	} else if (!trace_register(g, r, bytes)) {
		for (unsigned i = 0; i < 2 * reg_size(r); i++)
			buf_byte(&g->reply, 'x'); /* not known */
		return;
	}
	hex_encode(&g->reply, bytes, reg_size(r));
}

void packet_read_registers(struct gdbstub *g, struct args *a)
{
	(void)a;
	for (enum reg r = 0; is_ours(r); r++)
		append(g, r);
}

void packet_read_register(struct gdbstub *g, struct args *a)
{
	u64 number;

	if (!args_hex(a, &number) || !is_ours(number))
		reply_errno(g, 1);
	else
		append(g, (enum reg)number);
}

/* After a call of a guest's function gdb puts all registers back, counters,
 * too; these go on. */
static bool only_grows(enum reg r)
{
	return r == REG_icount || r == REG_tsc || r == REG_exit_reason;
}

/* Writes what differs; 0 when it is done. */
static int set(struct gdbstub *g, enum reg r, const u8 *bytes, struct err *e)
{
	struct cpu *c = vm_cpu(g->vm);
	u8 now[16];

	reg_read_bytes(c, meant(r), now);
	if (!memcmp(now, bytes, reg_size(r)) || only_grows(r))
		return 0;
	return reg_write_bytes(c, meant(r), bytes, e);
}

void packet_write_register(struct gdbstub *g, struct args *a)
{
	u64 number;
	u8 bytes[16];
	struct err e;

	if (!args_hex(a, &number) || !is_ours(number) || !args_char(a, '=') ||
	    a->len != 2 * reg_size((enum reg)number) ||
	    !hex_decode(a->at, a->len / 2, bytes))
		reply_errno(g, 1);
	else if (set(g, (enum reg)number, bytes, &e))
		reply_error(g, "%s", e.text);
	else
		reply_ok(g);
}

/* Those that cannot be changed and are to be are named; the others are. */
void packet_write_registers(struct gdbstub *g, struct args *a)
{
	u8 bytes[16];
	size_t all = 0;
	struct err e;
	int failed = 0;

	for (enum reg r = 0; is_ours(r); r++)
		all += 2 * reg_size(r);
	if (a->len != all) {
		reply_errno(g, 1);
		return;
	}
	for (size_t i = 0; i < all; i++)
		if (hex_digit(a->at[i]) < 0) {
			reply_errno(g, 1);
			return;
		}
	for (enum reg r = 0; is_ours(r); r++) {
		hex_decode(a->at, reg_size(r), bytes);
		a->at += 2 * reg_size(r);
		failed |= set(g, r, bytes, &e);
	}
	if (failed)
		reply_error(g, "%s", e.text);
	else
		reply_ok(g);
}

/* ---- the description ---- */

static const struct {
	enum reg_group group;
	const char *feature;
} features[] = {
	{REG_GENERAL, "org.gnu.gdb.i386.core"},
	{REG_FPU, "org.gnu.gdb.i386.core"},
	{REG_SSE, "org.gnu.gdb.i386.sse"},
	{REG_SYSTEM, "org.vitrine.system"},
	{REG_BITS, "org.vitrine.system"},
};

static const char *feature_of(enum reg r)
{
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		if (features[i].group == reg_group(r))
			return features[i].feature;
	return "";
}

/* The name of gdb's group of registers. */
static const char *group_of(enum reg r)
{
	switch (reg_group(r)) {
	case REG_GENERAL:
		return "general";
	case REG_FPU:
		return "float";
	case REG_SSE:
		return "vector";
	default:
		return "system";
	}
}

/* In `type' the name of its type; system registers are plain numbers, so that
 * gdb can compile conditions on them. */
static const char *type_of(enum reg r, char type[32])
{
	const char *t = reg_type(r);
	bool system = reg_group(r) == REG_SYSTEM;

	if (reg_is_wide(r))
		return t;
	if (r == REG_exit_reason)
		return "exit_reason";
	if (!strcmp(t, "FLAGS")) {
		snprintf(type, 32, "%s_flags", reg_name(r));
		return type;
	}
	if (!system && !strcmp(t, "CODE"))
		return "code_ptr";
	if (!system && !strcmp(t, "PTR"))
		return "data_ptr";
	snprintf(type, 32, "%s%u", system ? "uint" : "int", 8 * reg_size(r));
	return type;
}

static void define_flags(enum reg r, struct buf *out)
{
	const struct bit_name *bits = reg_bits(r);

	buf_printf(out, "<flags id=\"%s_flags\" size=\"%u\">", reg_name(r),
		   reg_size(r));
	for (; bits && bits->name; bits++)
		buf_printf(out, "<field name=\"%s\" start=\"%d\" end=\"%d\"/>",
			   bits->name, __builtin_ctz(bits->bit),
			   __builtin_ctz(bits->bit));
	if (r == REG_eflags)
		buf_printf(out, "<field name=\"IOPL\" start=\"12\" "
				"end=\"13\"/>");
	buf_printf(out, "</flags>\n");
}

static void define_vector(struct buf *out)
{
	static const struct {
		const char *id, *type;
		unsigned count;
	} parts[] = {
		{"v4_float", "ieee_single", 4}, {"v2_double", "ieee_double", 2},
		{"v16_int8", "int8", 16},       {"v8_int16", "int16", 8},
		{"v4_int32", "int32", 4},       {"v2_int64", "int64", 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		buf_printf(out, "<vector id=\"%s\" type=\"%s\" count=\"%u\"/>",
			   parts[i].id, parts[i].type, parts[i].count);
	buf_printf(out, "<union id=\"vec128\">");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		buf_printf(out, "<field name=\"%s\" type=\"%s\"/>", parts[i].id,
			   parts[i].id);
	buf_printf(out, "<field name=\"uint128\" type=\"uint128\"/></union>\n");
}

static void define_exits(struct buf *out)
{
	buf_printf(out, "<enum id=\"exit_reason\" size=\"1\">");
	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		buf_printf(out, "<evalue name=\"%s\" value=\"%u\"/>",
			   bt_exit_name(i), i);
	buf_printf(out, "</enum>\n");
}

/* Types that registers from `first' up to the feature's end need. */
static void define_types(enum reg first, struct buf *out)
{
	const char *feature = feature_of(first);

	for (enum reg r = first; is_ours(r) && !strcmp(feature_of(r), feature);
	     r++) {
		if (!strcmp(reg_type(r), "FLAGS"))
			define_flags(r, out);
		if (r == REG_xmm0)
			define_vector(out);
		if (r == REG_exit_reason)
			define_exits(out);
	}
}

bool make_features(struct gdbstub *g, const char *annex, struct buf *out)
{
	const struct cpu *c = vm_cpu(g->vm);
	const char *feature = "";
	char type[32];

	if (strcmp(annex, "target.xml"))
		return false;
	buf_printf(out,
		   "<?xml version=\"1.0\"?>\n"
		   "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
		   "<target version=\"1.0\">\n<architecture>%s"
		   "</architecture>\n<osabi>none</osabi>\n",
		   cpu_is_real(c) ? "i8086" : "i386");
	for (enum reg r = 0; is_ours(r); r++) {
		if (strcmp(feature_of(r), feature)) {
			buf_printf(out, "%s<feature name=\"%s\">\n",
				   *feature ? "</feature>\n" : "",
				   feature_of(r));
			feature = feature_of(r);
			define_types(r, out);
		}
		buf_printf(out,
			   "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" "
			   "regnum=\"%u\" group=\"%s\"/>\n",
			   reg_name(r), 8 * reg_size(r), type_of(r, type), r,
			   group_of(r));
	}
	buf_printf(out, "</feature>\n</target>\n");
	return true;
}

/* ---- lldb's way to ask ---- */

static const char *generic_name(enum reg r)
{
	switch (r) {
	case REG_eip:
		return "generic:pc;";
	case REG_esp:
		return "generic:sp;";
	case REG_ebp:
		return "generic:fp;";
	case REG_eflags:
		return "generic:flags;";
	default:
		return "";
	}
}

void packet_register_info(struct gdbstub *g, struct args *a)
{
	enum reg r;
	u64 number;

	if (!args_hex(a, &number) || !is_ours(number)) {
		reply_errno(g, 0x45); /* no more */
		return;
	}
	r = (enum reg)number;
	reply(g, "name:%s;bitsize:%u;gcc:%u;dwarf:%u;%sset:%s;", reg_name(r),
	      8 * reg_size(r), r, r, generic_name(r),
	      reg_group(r) == REG_GENERAL ? "General Purpose Registers"
	      : reg_group(r) == REG_SYSTEM || reg_group(r) == REG_BITS
		      ? "System Registers"
		      : "Floating Point Registers");
	if (reg_is_wide(r))
		reply(g, "encoding:vector;format:vector-uint8;");
	else
		reply(g, "encoding:uint;format:hex;");
}
