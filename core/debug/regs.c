/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers by name: reading, writing and the words for their bits.
 *
 * The table regs.def says where each lies in struct cpu.  A write goes the
 * way an instruction would: segment registers load their descriptors, CR0,
 * CR3 and CR4 check and flush; what would raise #GP in the guest is refused
 * here with one line, and the exception is taken back, so a debugger's
 * mistake is never the guest's.  After any write the mode may differ, so the
 * translator is told to look (mode_changed).
 *
 * x87 and SSE are read from the FXSAVE image, which the machine brings up to
 * date whenever it stops. */
#include "core/debug/regs.h"

#include <string.h>
#include <strings.h>

#include "core/cpu/cpu.h"
#include "core/op/op.h"

enum kind { UINT, INT, PTR, CODE, FLAGS, WIDE_KIND };

static const struct {
	const char *name;
	u8 size;
	u8 group;
	u8 kind;
	const char *type;
} regs[] = {
#define REG(name, size, group, type, read, write) \
	{#name, size, REG_##group, type, #type},
#define WIDE(name, size, group, type, at) \
	{#name, size, REG_##group, WIDE_KIND, #type},
#include "core/debug/regs.def"
};

enum reg reg_find(const char *name)
{
	for (enum reg r = 0; r < REG_COUNT; r++)
		if (!strcasecmp(regs[r].name, name) && !reg_is_wide(r))
			return r;
	return REG_COUNT;
}

const char *reg_name(enum reg r)
{
	return regs[r].name;
}

enum reg_group reg_group(enum reg r)
{
	return regs[r].group;
}

unsigned reg_size(enum reg r)
{
	return regs[r].size;
}

const char *reg_type(enum reg r)
{
	return regs[r].type;
}

bool reg_is_wide(enum reg r)
{
	return regs[r].kind == WIDE_KIND;
}

/* ---- x87 and SSE, in the FXSAVE image ---- */

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static u32 fpu_word(const struct cpu *c, unsigned at)
{
	u16 v;

	memcpy(&v, c->fxsave + at, 2);
	return v;
}

static u32 fpu_long(const struct cpu *c, unsigned at)
{
	u32 v;

	memcpy(&v, c->fxsave + at, 4);
	return v;
}

static bool set_fpu_word(struct cpu *c, unsigned at, u64 v)
{
	u16 word = (u16)v;

	memcpy(c->fxsave + at, &word, 2);
	return true;
}

static bool set_fpu_long(struct cpu *c, unsigned at, u64 v)
{
	u32 word = (u32)v;

	memcpy(c->fxsave + at, &word, 4);
	return true;
}

/* What FSTENV would make of a register that is not empty (SDM 1 8.1.7). */
static unsigned tag_of(const u8 *st)
{
	u64 mantissa;
	u16 exponent;

	memcpy(&mantissa, st, 8);
	memcpy(&exponent, st + 8, 2);
	exponent &= 0x7fff;
	if (!exponent && !mantissa)
		return TAG_ZERO;
	return exponent && exponent != 0x7fff && mantissa >> 63 ? TAG_VALID
								: TAG_SPECIAL;
}

/* The tag word: two bits a physical register; the image has one. */
static u32 fpu_tags(const struct cpu *c)
{
	u32 top = fpu_word(c, 2) >> 11 & 7, tags = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned physical = (top + i) & 7;
		unsigned tag = c->fxsave[4] >> physical & 1
				       ? tag_of(c->fxsave + 32 + 16 * i)
				       : TAG_EMPTY;

		tags |= tag << 2 * physical;
	}
	return tags;
}

static bool set_fpu_tags(struct cpu *c, u64 v)
{
	u8 in_use = 0;

	for (unsigned i = 0; i < 8; i++)
		if ((v >> 2 * i & 3) != TAG_EMPTY)
			in_use |= (u8)(1u << i);
	c->fxsave[4] = in_use;
	return true;
}

enum { MXCSR_BITS = 0xffff }; /* the others cannot be loaded */

static bool set_mxcsr(struct cpu *c, u64 v)
{
	return !(v & ~(u64)MXCSR_BITS) && set_fpu_long(c, 24, v);
}

static u64 tsc_now(const struct cpu *c)
{
	return op_hooks.tsc(c->vm) + (u64)c->tsc_offset;
}

/* ---- reading and writing ---- */

struct value reg_read(const struct cpu *c, enum reg r)
{
	struct type t = {regs[r].size, regs[r].kind == INT, 0};
	struct value v = {0};

	if (regs[r].kind == PTR || regs[r].kind == CODE)
		t = (struct type){0, false, 1};
	switch (r) {
#define REG(name, size, group, type, read, write) \
	case REG_##name:                          \
		v.bits = (read);                  \
		break;
#define WIDE(name, size, group, type, at)
#include "core/debug/regs.def"
	default:
		break;
	}
	v.type = t;
	if (expr_size(t) < 8)
		v.bits &= (1ull << (8 * expr_size(t))) - 1;
	return v;
}

static bool set_eflags(struct cpu *c, u64 v)
{
	cpu_set_eflags(c, ((u32)v & EFL_ALL) | EFL_ONE);
	return true;
}

static bool set_segment(struct cpu *c, unsigned seg, u64 v)
{
	if (cpu_is_real(c) || cpu_is_vm86(c)) {
		c->seg[seg].sel = (u16)v;
		c->seg[seg].base = (u32)(u16)v << 4;
		return true;
	}
	/* CS changes only by a transfer, which needs a place to go to. */
	return c->seg[seg].sel == v ||
	       (seg != SEG_CS && seg_load(c, seg, (u16)v));
}

static bool set_pc(struct cpu *c, u64 v)
{
	c->eip = (u32)v - c->seg[SEG_CS].base;
	return true;
}

static bool set_low(u32 *r, u64 v)
{
	*r = (*r & 0xffff0000) | (u16)v;
	return true;
}

static bool set_byte(u32 *r, unsigned shift, u64 v)
{
	*r = (*r & ~(0xffu << shift)) | (u32)(u8)v << shift;
	return true;
}

/* As MOV to a debug register sets it (SDM 3B 17.2). */
static bool set_dr(struct cpu *c, unsigned n, u64 v)
{
	if (n == 6)
		v = (v & 0xe00f) | 0xffff0ff0u;
	if (n == 7)
		v = (v & 0xffff23ffu) | 0x400;
	c->dr[n] = (u32)v;
	return true;
}

#define SET(place)   ((place) = (u32)v, true)
#define SET16(place) ((place) = (u16)v, true)
#define SET_DR(n)    set_dr(c, n, v)
#define READ_ONLY    false

int reg_write(struct cpu *c, enum reg r, u64 v, struct err *e)
{
	struct exception before = c->exc;
	bool done = false;

	c->exc.pending = false;
	switch (r) {
#define REG(name, size, group, type, read, write) \
	case REG_##name:                          \
		done = (write);                   \
		break;
#define WIDE(name, size, group, type, at)
#include "core/debug/regs.def"
	default:
		break;
	}
	if (c->exc.pending)
		err_set(e, "the processor refuses $%s = 0x%llx with %s",
			regs[r].name, (unsigned long long)v,
			cpu_exception_name(c->exc.vector));
	else if (!done)
		err_set(e, "$%s cannot be changed here", regs[r].name);
	c->exc = before;
	c->mode_changed = true;
	cpu_forget_descriptors(c);
	return done ? 0 : -1;
}

static const u8 *wide_at(const struct cpu *c, enum reg r)
{
	switch (r) {
#define REG(name, size, group, type, read, write)
#define WIDE(name, size, group, type, at) \
	case REG_##name:                  \
		return at;
#include "core/debug/regs.def"
	default:
		return NULL;
	}
}

void reg_read_bytes(const struct cpu *c, enum reg r, u8 *bytes)
{
	u64 v;

	if (reg_is_wide(r)) {
		memcpy(bytes, wide_at(c, r), regs[r].size);
		return;
	}
	v = reg_read(c, r).bits;
	memcpy(bytes, &v, regs[r].size);
}

int reg_write_bytes(struct cpu *c, enum reg r, const u8 *bytes, struct err *e)
{
	u64 v = 0;

	if (!reg_is_wide(r)) {
		memcpy(&v, bytes, regs[r].size);
		return reg_write(c, r, v, e);
	}
	memcpy(c->fxsave + (wide_at(c, r) - c->fxsave), bytes, regs[r].size);
	return 0;
}

/* ---- words for bits ---- */

static const struct bit_name eflags_bits[] = {
	{EFL_CF, "CF"}, {EFL_PF, "PF"},   {EFL_AF, "AF"},   {EFL_ZF, "ZF"},
	{EFL_SF, "SF"}, {EFL_TF, "TF"},   {EFL_IF, "IF"},   {EFL_DF, "DF"},
	{EFL_OF, "OF"}, {EFL_NT, "NT"},   {EFL_RF, "RF"},   {EFL_VM, "VM"},
	{EFL_AC, "AC"}, {EFL_VIF, "VIF"}, {EFL_VIP, "VIP"}, {EFL_ID, "ID"},
	{0, NULL},
};

static const struct bit_name cr0_bits[] = {
	{CR0_PG, "PG"}, {CR0_CD, "CD"}, {CR0_NW, "NW"}, {CR0_AM, "AM"},
	{CR0_WP, "WP"}, {CR0_NE, "NE"}, {CR0_ET, "ET"}, {CR0_TS, "TS"},
	{CR0_EM, "EM"}, {CR0_MP, "MP"}, {CR0_PE, "PE"}, {0, NULL},
};

static const struct bit_name cr4_bits[] = {
	{CR4_OSXMMEXCPT, "OSXMMEXCPT"},
	{CR4_OSFXSR, "OSFXSR"},
	{CR4_PCE, "PCE"},
	{CR4_PGE, "PGE"},
	{CR4_MCE, "MCE"},
	{CR4_PAE, "PAE"},
	{CR4_PSE, "PSE"},
	{CR4_DE, "DE"},
	{CR4_TSD, "TSD"},
	{CR4_PVI, "PVI"},
	{CR4_VME, "VME"},
	{0, NULL},
};

static const struct bit_name mxcsr_bits[] = {
	{1u << 0, "IE"},  {1u << 1, "DE"},  {1u << 2, "ZE"},   {1u << 3, "OE"},
	{1u << 4, "UE"},  {1u << 5, "PE"},  {1u << 6, "DAZ"},  {1u << 7, "IM"},
	{1u << 8, "DM"},  {1u << 9, "ZM"},  {1u << 10, "OM"},  {1u << 11, "UM"},
	{1u << 12, "PM"}, {1u << 15, "FZ"}, {0, NULL},
};

static const struct bit_name efer_bits[] = {
	{EFER_NXE, "NXE"},
	{EFER_SCE, "SCE"},
	{0, NULL},
};

const struct bit_name *reg_bits(enum reg r)
{
	switch (r) {
	case REG_eflags:
		return eflags_bits;
	case REG_cr0:
	case REG_cr0_bits:
		return cr0_bits;
	case REG_cr4:
	case REG_cr4_bits:
		return cr4_bits;
	case REG_efer:
	case REG_efer_bits:
		return efer_bits;
	case REG_mxcsr:
		return mxcsr_bits;
	default:
		return NULL;
	}
}

void reg_show_bits(enum reg r, u32 bits, struct buf *out)
{
	const struct bit_name *n = reg_bits(r);

	buf_printf(out, "[ ");
	for (; n && n->name; n++)
		if (bits & n->bit)
			buf_printf(out, "%s ", n->name);
	if (r == REG_eflags && bits & EFL_IOPL)
		buf_printf(out, "IOPL=%u ",
			   (bits & EFL_IOPL) >> EFL_IOPL_SHIFT);
	buf_printf(out, "]");
}

/* ---- as text ---- */

void reg_show(const struct cpu *c, enum reg r, struct buf *out)
{
	struct value v = reg_read(c, r);

	buf_printf(out, "%-15s0x%-17llx", regs[r].name,
		   (unsigned long long)v.bits);
	if (reg_bits(r))
		reg_show_bits(r, (u32)v.bits, out);
	else if (v.type.depth)
		buf_printf(out, "0x%llx", (unsigned long long)v.bits);
	else
		buf_printf(out, "%lld", (long long)expr_signed(&v));
	buf_byte(out, '\n');
}

static void show_segment(const char *name, const struct seg *s, bool system,
			 struct buf *out)
{
	buf_printf(out, "%-5s%04x  base %08x limit %08x ", name, s->sel,
		   s->base, s->limit);
	if (!(s->attr & SEG_P))
		buf_printf(out, "unusable\n");
	else if (system)
		buf_printf(out, "type %u\n", s->attr & SEG_TYPE);
	else
		buf_printf(out, "dpl %u %s-bit %s%s\n",
			   (s->attr & SEG_DPL) >> SEG_DPL_SHIFT,
			   s->attr & SEG_DB ? "32" : "16",
			   s->attr & SEG_CODE ? "code" : "data",
			   s->attr & SEG_CODE
				   ? (s->attr & SEG_RW ? " readable" : "")
				   : (s->attr & SEG_RW ? " writable" : ""));
}

void reg_show_segments(const struct cpu *c, struct buf *out)
{
	static const char names[SEG_COUNT][3] = {"es", "cs", "ss",
						 "ds", "fs", "gs"};

	for (unsigned i = 0; i < SEG_COUNT; i++)
		show_segment(names[i], &c->seg[i], false, out);
	show_segment("ldtr", &c->ldtr, true, out);
	show_segment("tr", &c->tr, true, out);
	buf_printf(out, "gdtr       base %08x limit %04x\n", c->gdtr.base,
		   c->gdtr.limit);
	buf_printf(out, "idtr       base %08x limit %04x\n", c->idtr.base,
		   c->idtr.limit);
}

static u32 image_word(const struct cpu *c, unsigned at, unsigned size)
{
	u32 v = 0;

	memcpy(&v, c->fxsave + at, size);
	return v;
}

void reg_show_fpu(const struct cpu *c, struct buf *out)
{
	u32 fcw = image_word(c, 0, 2), fsw = image_word(c, 2, 2);
	u32 tags = image_word(c, 4, 1), top = fsw >> 11 & 7;

	for (unsigned i = 0; i < 8; i++) {
		const u8 *st = c->fxsave + 32 + 16 * i;
		long double x = 0;
		u16 exponent;

		memcpy(&x, st, 10);
		memcpy(&exponent, st + 8, 2);
		buf_printf(out, "%sst%u %s 0x%04x", i ? "   " : "=> ", i,
			   tags >> ((top + i) & 7) & 1 ? "valid" : "empty",
			   exponent);
		for (int b = 7; b >= 0; b--)
			buf_printf(out, "%02x", st[b]);
		buf_printf(out, "  %.18Lg\n", x);
	}
	buf_printf(out, "fcw   0x%04x\nfsw   0x%04x  top %u\n", fcw, fsw, top);
	buf_printf(out, "ftw   0x%02x\nfop   0x%04x\n", tags,
		   image_word(c, 6, 2));
	buf_printf(out, "fip   0x%04x:0x%08x\nfdp   0x%04x:0x%08x\n",
		   image_word(c, 12, 2), image_word(c, 8, 4),
		   image_word(c, 20, 2), image_word(c, 16, 4));
	buf_printf(out, "mxcsr 0x%08x\n", image_word(c, 24, 4));
	for (unsigned i = 0; i < 8; i++) {
		buf_printf(out, "xmm%u  0x", i);
		for (int b = 15; b >= 0; b--)
			buf_printf(out, "%02x", c->fxsave[160 + 16 * i + b]);
		buf_byte(out, '\n');
	}
}
