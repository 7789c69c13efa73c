/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `info TOPIC`: one short function a topic; the rooms write their own text. */
#include "repl/repl_priv.h"

#include "core/base/version.h"

#include <regex.h>
#include <string.h>

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "core/debug/regs.h"
#include "core/dev/dev.h"
#include "core/mem/window.h"

enum { BLOCKS_SHOWN = 20 };

int cmd_info(struct console *c, char *args, struct err *e)
{
	const struct command *topic;
	char *word = words_next(&args);

	if (!word) {
		for (topic = infos; topic->name; topic++)
			buf_printf(c->to, "info %-14s %s\n", topic->name,
				   topic->help);
		return 0;
	}
	topic = command_find(infos, "info topic", word, e);
	return topic ? topic->run(c, args, e) : -1;
}

/* ---- registers ---- */

/* As reg_show, and the symbol where a pointer points. */
static void show_register(struct console *c, enum reg r)
{
	const struct cpu *cpu = vm_cpu(debug_vm(c->d));
	struct value v = reg_read(cpu, r);
	const char *name = NULL;
	u32 offset;

	reg_show(cpu, r, c->to);
	if (v.type.depth)
		name = debug_name(c->d, (u32)v.bits, &offset);
	if (!name)
		return;
	c->to->len--; /* its newline */
	buf_printf(c->to, " <%s+%u>\n", name, offset);
}

static void show_group(struct console *c, enum reg_group group)
{
	for (enum reg r = 0; r < REG_COUNT; r++)
		if (reg_group(r) == group)
			show_register(c, r);
}

static void show_all(struct console *c)
{
	show_group(c, REG_GENERAL);
	show_group(c, REG_SYSTEM);
	reg_show_fpu(vm_cpu(debug_vm(c->d)), c->to);
}

int info_system(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	show_group(c, REG_SYSTEM);
	reg_show_segments(vm_cpu(debug_vm(c->d)), c->to);
	return 0;
}

int info_fpu(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	reg_show_fpu(vm_cpu(debug_vm(c->d)), c->to);
	return 0;
}

int info_registers(struct console *c, char *args, struct err *e)
{
	char *word = words_next(&args);

	if (!word) {
		show_group(c, REG_GENERAL);
		return 0;
	}
	for (; word; word = words_next(&args)) {
		enum reg r = reg_find(word + (*word == '$'));

		if (r != REG_COUNT)
			show_register(c, r);
		else if (!strcmp(word, "all"))
			show_all(c);
		else if (!strcmp(word, "system"))
			info_system(c, args, e);
		else if (!strcmp(word, "fpu") || !strcmp(word, "float"))
			info_fpu(c, args, e);
		else
			return err_set(e,
				       "no register `%.40s': expected a "
				       "name, all, system or fpu",
				       word);
	}
	return 0;
}

/* gdb: `info all-registers NAME' is no more than `info registers NAME'. */
int info_all(struct console *c, char *args, struct err *e)
{
	if (*args)
		return info_registers(c, args, e);
	show_all(c);
	return 0;
}

/* ---- tables and paging ---- */

#define SHOW(topic, call)                                              \
	int info_##topic(struct console *c, char *args, struct err *e) \
	{                                                              \
		(void)args;                                            \
		(void)e;                                               \
		call;                                                  \
		return 0;                                              \
	}

SHOW(tss, debug_show_tss(c->d, c->to))
SHOW(irq, debug_show_irq(c->d, c->to))
SHOW(screen, bus_show_screen(vm_bus(debug_vm(c->d)), buf_print, c->to))
SHOW(exits, vm_show_exits(debug_vm(c->d), buf_print, c->to))
SHOW(windows, window_show(vm_cpu(debug_vm(c->d)), buf_print, c->to))

static void show_block(struct console *c, const struct bt_block_view *b)
{
	const struct bt *bt = vm_bt(debug_vm(c->d));
	const struct bt_profile *p = bt_block_profile(bt, b->number);

	debug_address(c->d, b->lin, c->to);
	buf_printf(c->to,
		   ": %u instruction%s, %u -> %u bytes, physical 0x%llx, ",
		   b->insns, b->insns == 1 ? "" : "s", b->guest_len,
		   b->host_len + b->ways_len, (unsigned long long)b->gpa);
	bt_show_mode(b->mode, buf_print, c->to);
	if (p)
		buf_printf(c->to, ", ran %llu time%s",
			   (unsigned long long)p->runs,
			   p->runs == 1 ? "" : "s");
	buf_printf(c->to, "; block %llu\n", (unsigned long long)b->number);
}

static u64 runs_of(const struct bt *bt, const struct bt_block_view *b)
{
	const struct bt_profile *p = bt_block_profile(bt, b->number);

	return p ? p->runs : 0;
}

/* Those to be shown: the ones that ran most, where that is counted, else the
 * youngest; how many. */
static unsigned choose_blocks(const struct bt *bt, bool any, gla_t at,
			      struct bt_block_view *list)
{
	struct bt_block_view b = {.number = UINT64_MAX};
	unsigned n = 0;

	while (bt_next_block(bt, b.number, any, at, &b)) {
		unsigned i = n;

		while (i && runs_of(bt, &list[i - 1]) < runs_of(bt, &b))
			i--;
		if (i == BLOCKS_SHOWN)
			continue;
		n += n < BLOCKS_SHOWN;
		memmove(&list[i + 1], &list[i], (n - i - 1) * sizeof(*list));
		list[i] = b;
	}
	return n;
}

int info_blocks(struct console *c, char *args, struct err *e)
{
	const struct bt *bt = vm_bt(debug_vm(c->d));
	struct bt_block_view list[BLOCKS_SHOWN];
	struct value at = expr_u32(0);
	bool any = !*args;
	unsigned n;

	if (!any && debug_eval(c->d, args, NULL, &at, e))
		return -1;
	if (any)
		bt_show_counts(bt, buf_print, c->to);
	n = choose_blocks(bt, any, (u32)at.bits, list);
	for (unsigned i = 0; i < n; i++)
		show_block(c, &list[i]);
	return n || any ? 0
			: err_set(e, "0x%x is in no block", (u32)at.bits);
}

/* A whole table, or the entry that the expression names. */
static int show_table(struct console *c, const char *args,
		      void (*all)(struct debug *, struct buf *),
		      int (*one)(struct debug *, u32, struct buf *, struct err *),
		      struct err *e)
{
	struct value v;

	if (!*args) {
		all(c->d, c->to);
		return 0;
	}
	return debug_eval(c->d, args, NULL, &v, e)
		       ? -1
		       : one(c->d, (u32)v.bits, c->to, e);
}

int info_gdt(struct console *c, char *args, struct err *e)
{
	return show_table(c, args, debug_show_gdt, debug_show_descriptor, e);
}

static int show_local(struct debug *d, u32 selector, struct buf *out,
		      struct err *e)
{
	return debug_show_descriptor(d, selector | 4, out, e);
}

int info_ldt(struct console *c, char *args, struct err *e)
{
	return show_table(c, args, debug_show_ldt, show_local, e);
}

int info_idt(struct console *c, char *args, struct err *e)
{
	return show_table(c, args, debug_show_idt, debug_show_vector, e);
}

int info_paging(struct console *c, char *args, struct err *e)
{
	struct value v = expr_u32(debug_pc(c->d));

	if (*args && debug_eval(c->d, args, NULL, &v, e))
		return -1;
	debug_show_paging(c->d, (gla_t)v.bits, c->to);
	return 0;
}

int info_devices(struct console *c, char *args, struct err *e)
{
	struct bus *b = vm_bus(debug_vm(c->d));
	char *name = words_next(&args);

	if (!name)
		bus_show_devices(b, buf_print, c->to);
	else if (!bus_show_named(b, name, buf_print, c->to))
		return err_set(e, "no device `%.40s'; `info devices' shows all",
			       name);
	return 0;
}

int info_maps(struct console *c, char *args, struct err *e)
{
	if (*args && strcmp(args, "frames"))
		return err_set(e,
			       "expected: info maps, or info maps frames; "
			       "found `%.40s'",
			       args);
	debug_show_maps(c->d, *args ? MAPS_BY_FRAME : MAPS, c->to);
	return 0;
}

int info_mem(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	debug_show_maps(c->d, MAPS_AS_QEMU, c->to);
	return 0;
}

int info_tasks(struct console *c, char *args, struct err *e)
{
	const char *how = *args               ? args
			  : c->settings.tasks ? c->settings.tasks
					      : NULL;

	return debug_show_tasks(c->d, how, c->to, e);
}

/* ---- names ---- */

int info_symbol(struct console *c, char *args, struct err *e)
{
	struct value v;
	const char *name;
	u32 offset;

	if (!*args)
		return err_set(e, "expected an address: info symbol ADDR");
	if (debug_eval(c->d, args, NULL, &v, e))
		return -1;
	name = debug_name(c->d, (u32)v.bits, &offset);
	if (!name)
		return err_set(e, "no symbol is known for 0x%x", (u32)v.bits);
	buf_printf(c->to, offset ? "%s + %u\n" : "%s\n", name, offset);
	return 0;
}

/* Names that fit a regular expression, of code or of data. */
static int show_names(struct console *c, const char *form, bool code,
		      struct err *e)
{
	struct symbol_view v;
	regex_t regex;
	unsigned n = 0;
	int why = regcomp(&regex, form, REG_EXTENDED | REG_NOSUB);
	char text[80];

	if (why) {
		regerror(why, &regex, text, sizeof(text));
		return err_set(e, "`%.40s': %s", form, text);
	}
	for (size_t i = 0; symbols_at(debug_symbols(c->d), i, &v); i++)
		if (v.is_code == code && !regexec(&regex, v.name, 0, NULL, 0)) {
			buf_printf(c->to, "0x%08x  %s\n", v.addr, v.name);
			n++;
		}
	regfree(&regex);
	return n ? 0
		 : err_set(e, "no %s's name fits `%.40s'",
			   code ? "function" : "variable", form);
}

int info_functions(struct console *c, char *args, struct err *e)
{
	return show_names(c, args, true, e);
}

int info_variables(struct console *c, char *args, struct err *e)
{
	return show_names(c, args, false, e);
}

static void line_of(struct console *c, gla_t addr)
{
	struct source_line l;

	if (debug_line(c->d, addr, &l))
		buf_printf(c->to, "line %u of %s, at ", l.line, l.file);
	else
		buf_printf(c->to, "no source line is known for ");
	debug_address(c->d, addr, c->to);
	buf_byte(c->to, '\n');
}

int info_line(struct console *c, char *args, struct err *e)
{
	gla_t addr = debug_pc(c->d);

	if (*args && debug_location(c->d, args, &addr, e))
		return -1;
	line_of(c, addr);
	return 0;
}

int info_source(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	line_of(c, debug_pc(c->d));
	buf_printf(c->to, "%zu symbols are loaded\n",
		   symbols_count(debug_symbols(c->d)));
	return 0;
}

int cmd_stats(struct console *c, char *args, struct err *e)
{
	struct vm *vm = debug_vm(c->d);

	if (!strcmp(args, "reset")) {
		vm_stats_reset(vm);
	} else if (!strcmp(args, "json")) {
		vm_stats_json(vm, buf_print, c->to);
	} else if (*args) {
		return err_set(e,
			       "expected: stats, stats json or stats reset; "
			       "found `%.40s'",
			       args);
	} else {
		vm_show_stats(vm, buf_print, c->to);
		vm_show_exits(vm, buf_print, c->to);
		vm_show_sampled(vm, false, buf_print, c->to);
	}
	return 0;
}

int info_version(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	buf_printf(c->to, "Vitrine " VERSION "\n");
	return 0;
}
