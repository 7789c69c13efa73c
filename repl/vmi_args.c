/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arguments of VMI's calls: where a row of vmi/calls.def says they are,
 * by name and with the meaning of their bits.
 *
 * While the guest stands at the first instruction of a stub they are what
 * the kernel passed, and names in expressions: `print/x pte'. */
#include "repl/vmi_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "core/debug/regs.h"
#include "core/mem/mem.h"

struct bit {
	u32 mask;
	const char *name;
};

static const struct bit pxe_bits[] = {
	{0x01, "PT"},         {0x02, "PD"},    {0x04, "PDP"}, {0x08, "PML4"},
	{0x10, "CURRENT_AS"}, {0x20, "DEFER"}, {0},
};
static const struct bit page_bits[] = {
	{0x01, "PT"},  {0x02, "PD"},    {0x04, "PDP"},    {0x08, "PML4"},
	{0x10, "PAE"}, {0x20, "CLONE"}, {0x40, "ZEROED"}, {0},
};
static const struct bit pte_bits[] = {
	{0x001, "P"},   {0x002, "W"}, {0x004, "U"}, {0x008, "PWT"},
	{0x010, "PCD"}, {0x020, "A"}, {0x040, "D"}, {0x080, "PS"},
	{0x100, "G"},   {0},
};
static const struct bit alarm_bits[] = {
	{0x01, "AVAILABLE"},
	{0x02, "STOLEN"},
	{0x100, "PERIODIC"},
	{0x10000, "LVTT"},
	{0},
};
static const struct bit eflags_bits[] = {
	{0x001, "CF"}, {0x004, "PF"},  {0x010, "AF"},   {0x040, "ZF"},
	{0x080, "SF"}, {0x100, "TF"},  {0x200, "IF"},   {0x400, "DF"},
	{0x800, "OF"}, {0x4000, "NT"}, {0x20000, "VM"}, {0},
};

enum form { FORM_HEX, FORM_DECIMAL, FORM_ADDRESS, FORM_BITS };

static const struct {
	const char *name;
	enum form form;
	const struct bit *bits;
} types[] = {
	{"dec", FORM_DECIMAL, NULL},      {"counter", FORM_DECIMAL, NULL},
	{"va", FORM_ADDRESS, NULL},       {"pxe", FORM_BITS, pxe_bits},
	{"page", FORM_BITS, page_bits},   {"pte", FORM_BITS, pte_bits},
	{"alarm", FORM_BITS, alarm_bits}, {"eflags", FORM_BITS, eflags_bits},
};

bool vmi_next_field(const char **fields, struct vmi_field *f)
{
	int len;

	if (sscanf(*fields, " %7[^:]:%11[^:]:%19s%n", f->where, f->type,
		   f->name, &len) != 3)
		return false;
	*fields += len;
	return true;
}

static bool find_field(unsigned number, const char *name, struct vmi_field *f)
{
	const char *fields = vmi_row(number)->args;

	while (vmi_next_field(&fields, f))
		if (!strcmp(f->name, name))
			return true;
	return false;
}

static bool fetch(struct console *c, const struct vmi_field *f, u32 *value)
{
	struct cpu *cpu = vm_cpu(debug_vm(c->d));
	u32 at = cpu->seg[SEG_SS].base + cpu->gpr[ESP];

	if (*f->where == '+')
		return debug_read(c->d, at + (u32)atoi(f->where + 1), value,
				  4) == 4;
	*value = (u32)reg_read(cpu, reg_find(f->where)).bits;
	return true;
}

static enum form form_of(const struct vmi_field *f, const struct bit **bits)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, f->type)) {
			*bits = types[i].bits;
			return types[i].form;
		}
	return FORM_HEX;
}

/* As registers show theirs: "0x203 [ CF IF ]". */
static void show_bits(const struct bit *bits, u32 value, struct buf *out)
{
	buf_printf(out, "0x%x [ ", value);
	for (; bits->name; bits++)
		if (value & bits->mask)
			buf_printf(out, "%s ", bits->name);
	buf_printf(out, "]");
}

void vmi_show_value(struct console *c, const struct vmi_field *f, u32 value,
		    struct buf *out)
{
	const struct bit *bits = NULL;

	switch (form_of(f, &bits)) {
	case FORM_DECIMAL:
		buf_printf(out, "%d", (s32)value);
		break;
	case FORM_ADDRESS:
		debug_address(c->d, value, out);
		break;
	case FORM_BITS:
		show_bits(bits, value, out);
		if (bits == pxe_bits && value & ENTRY_CURRENT) {
			buf_printf(out, " of ");
			debug_address(c->d, value & ~0xfffu, out);
		}
		break;
	case FORM_HEX:
		buf_printf(out, "0x%x", value);
		break;
	}
}

/* ---- where the guest stands ---- */

int vmi_call_here(struct console *c)
{
	return shows_vmi(c) ? bt_call_here(vm_bt(debug_vm(c->d))) : -1;
}

static void show_arguments(struct console *c, unsigned number,
			   const char *before, const char *between,
			   struct buf *out)
{
	const char *fields = vmi_row(number)->args, *sep = before;
	struct vmi_field f;
	u32 value;

	while (vmi_next_field(&fields, &f)) {
		buf_printf(out, "%s%s = ", sep, f.name);
		if (fetch(c, &f, &value))
			vmi_show_value(c, &f, value, out);
		else
			buf_printf(out, "(not mapped)");
		sep = between;
	}
}

static bool argument(void *arg, const char *name, struct value *v)
{
	struct console *c = arg;
	const struct bit *bits;
	int number = vmi_call_here(c);
	struct vmi_field f;
	u32 value;

	if (number < 0 || !find_field((unsigned)number, name, &f) ||
	    !fetch(c, &f, &value))
		return false;
	*v = expr_u32(value);
	if (form_of(&f, &bits) == FORM_ADDRESS)
		v->type = (struct type){0, false, 1};
	if (form_of(&f, &bits) == FORM_DECIMAL)
		v->type.is_signed = true;
	return true;
}

static bool has_argument(void *arg, u32 number, const char *name)
{
	struct vmi_field f;

	(void)arg;
	for (unsigned i = 0; i < VMI_CALLS; i++)
		if ((number == VM_ANY || number == i) &&
		    find_field(i, name, &f))
			return true;
	return false;
}

static void describe(void *arg, struct buf *out)
{
	struct console *c = arg;
	int number = vmi_call_here(c);

	if (number < 0)
		return;
	buf_printf(out, "VMI call %s", vmi_row((unsigned)number)->name);
	show_arguments(c, (unsigned)number, ": ", ", ", out);
}

void vmi_know_arguments(struct console *c)
{
	debug_set_calls(c->d, &(struct debug_calls){.arg = c,
						    .value = argument,
						    .has = has_argument,
						    .describe = describe});
}

void vmi_show_arguments(struct console *c, struct buf *out)
{
	int number = vmi_call_here(c);

	if (number < 0 || !*vmi_row((unsigned)number)->args)
		return;
	show_arguments(c, (unsigned)number, "now        ", "\n           ",
		       out);
	buf_byte(out, '\n');
}

const char *vmi_argument_name(unsigned number, unsigned i)
{
	static char name[20];
	const char *fields = vmi_row(number)->args;
	struct vmi_field f;

	while (vmi_next_field(&fields, &f))
		if (!i--) {
			snprintf(name, sizeof(name), "%s", f.name);
			return name;
		}
	return NULL;
}
