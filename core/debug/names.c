/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a name means on this machine: registers, convenience variables
 * ($count, set by the person), kept results ($1, $2, $$), symbols, places.
 *
 * Registers win over variables; a variable that was never set is 0, as in
 * gdb, so `set $n = $n + 1` needs no first line.  Addresses are linear: $pc
 * is $eip with the code segment's base added, which is the same number in
 * every flat guest. */
#include "core/debug/debug_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/debug/disasm.h"
#include "core/debug/regs.h"
#include "core/mem/mem.h"
#include "core/x86/decode.h"

gla_t debug_pc(struct debug *d)
{
	struct cpu *c = debug_cpu(d);

	return c->seg[SEG_CS].base + c->eip;
}

unsigned debug_read(struct debug *d, gla_t at, void *buf, unsigned len)
{
	return mem_debug_read(debug_cpu(d), at, buf, len);
}

unsigned debug_write(struct debug *d, gla_t at, const void *buf, unsigned len)
{
	return mem_debug_write(debug_cpu(d), at, buf, len);
}

/* ---- callbacks for expressions ---- */

static struct variable *variable(struct debug *d, const char *name)
{
	for (unsigned i = 0; i < d->variable_count; i++)
		if (!strcmp(d->variables[i].name, name))
			return &d->variables[i];
	return NULL;
}

/* $, $7, $$, $$3 (name "", "7", "$", "$3"): results of debug_remember. */
static bool kept(struct debug *d, const char *name, struct value *v)
{
	unsigned n = d->history_count;

	if (isdigit((unsigned char)*name))
		n = (unsigned)strtoul(name, NULL, 10);
	else if (*name == '$')
		n -= name[1] ? (unsigned)strtoul(name + 1, NULL, 10) : 1;
	else if (*name)
		return false;
	if (!n || n > d->history_count || n + HISTORY_MAX <= d->history_count)
		return false;
	*v = d->history[(n - 1) % HISTORY_MAX];
	return true;
}

/* What a condition may want to know of its breakpoint and event; at a stop, of
 * that one's. */
static bool event_name(struct debug *d, const char *name, struct value *v)
{
	static const char *const names[] = {"_number", "_value", "_address",
					    "_met", "_since"};
	const struct breakpoint *b = d->asked ? d->asked : d->hit;
	struct vm_caught last = vm_caught(d->vm);
	u64 values[] = {last.number, last.value, last.address, b ? b->met : 0,
			b ? b->since : 0};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], name))
			continue;
		*v = (struct value){.bits = values[i], .type = {8, false, 0}};
		return true;
	}
	return false;
}

static bool read_name(void *arg, const char *name, struct value *v)
{
	struct debug *d = arg;
	enum reg r = reg_find(name);
	struct variable *var;

	if (debug_frame_register(d, name, v))
		return true;
	if (r != REG_COUNT) {
		*v = reg_read(debug_cpu(d), r);
		return true;
	}
	if (!strcmp(name, "icount")) {
		*v = (struct value){.bits = vm_icount(d->vm),
				    .type = {8, false, 0}};
		return true;
	}
	if (event_name(d, name, v) || kept(d, name, v))
		return true;
	if (!*name || *name == '$' || isdigit((unsigned char)*name))
		return false;
	var = variable(d, name);
	*v = var ? var->value : expr_u32(0);
	return true;
}

static int write_name(void *arg, const char *name, u64 bits, struct err *e)
{
	struct debug *d = arg;
	enum reg r = reg_find(name);
	struct variable *var = variable(d, name);
	struct value ignored;

	if (debug_frame_register(d, name, &(struct value){0}))
		return err_set(e,
			       "$%s of frame %u cannot be changed; `frame 0' "
			       "has the processor's",
			       name, debug_frame_level(d));
	if (r != REG_COUNT)
		return reg_write(debug_cpu(d), r, bits, e);
	if (!*name || *name == '$' || isdigit((unsigned char)*name) ||
	    !strcmp(name, "icount") || event_name(d, name, &ignored))
		return err_set(e, "$%s cannot be changed", name);
	if (!var) {
		if (d->variable_count == VARIABLES_MAX)
			return err_set(e, "there are %d variables already",
				       VARIABLES_MAX);
		var = &d->variables[d->variable_count++];
		snprintf(var->name, sizeof(var->name), "%s", name);
	}
	var->value = (struct value){.bits = bits};
	var->value.type = (struct type){bits > UINT32_MAX ? 8 : 4, true, 0};
	return 0;
}

static struct symbols *of_space_at(const struct debug *d, u32 cr3)
{
	if (debug_cpu(d)->cr0 & CR0_PG)
		for (struct space_symbols *s = d->spaces; s; s = s->next)
			if (s->cr3 == cr3)
				return s->symbols;
	return NULL;
}

static struct symbols *of_space(const struct debug *d)
{
	return of_space_at(d, debug_cpu(d)->cr3);
}

struct symbols *debug_space_symbols(struct debug *d)
{
	struct symbols *known = of_space(d);
	struct space_symbols *s;

	if (known)
		return known;
	s = calloc(1, sizeof(*s));
	NEED_MEMORY(s, "symbols");
	s->cr3 = debug_cpu(d)->cr3;
	s->symbols = symbols_new();
	s->next = d->spaces;
	d->spaces = s;
	return s->symbols;
}

static bool symbol(void *arg, const char *name, u32 *addr)
{
	struct debug *d = arg;
	struct symbols *s = of_space(d);

	return (s && symbols_address(s, name, addr)) ||
	       symbols_address(d->symbols, name, addr);
}

static bool argument(void *arg, const char *name, struct value *v)
{
	struct debug *d = arg;

	return d->calls.value && d->calls.value(d->calls.arg, name, v);
}

void debug_set_calls(struct debug *d, const struct debug_calls *calls)
{
	d->calls = *calls;
}

static unsigned read_memory(void *arg, u32 at, void *buf, unsigned len)
{
	return debug_read(arg, at, buf, len);
}

static unsigned write_memory(void *arg, u32 at, const void *buf, unsigned len)
{
	return debug_write(arg, at, buf, len);
}

void debug_env(struct debug *d, struct expr_env *env)
{
	*env = (struct expr_env){.arg = d,
				 .reg = read_name,
				 .name = argument,
				 .symbol = symbol,
				 .read = read_memory,
				 .write = write_memory,
				 .set_reg = write_name};
}

int debug_eval(struct debug *d, const char *text, const char **end,
	       struct value *v, struct err *e)
{
	struct expr_env env;
	const char *close, *similar;
	char name[64];
	struct err local;

	if (!e)
		e = &local;
	debug_env(d, &env);
	if (!expr_eval(&env, text, end, v, e))
		return 0;
	/* "no symbol `x'" becomes more helpful when x is nearly one. */
	if (sscanf(e->text, "no symbol `%63[^']", name) == 1) {
		close = symbols_count(d->symbols) ? "" : " (no symbols loaded)";
		similar = symbols_similar(d->symbols, name);
		if (reg_find(name) != REG_COUNT)
			err_set(e, "no symbol `%s'; the register is `$%s'",
				name, name);
		else if (similar)
			err_set(e, "no symbol `%s'; did you mean `%s'?", name,
				similar);
		else
			err_set(e, "no symbol `%s'%s", name, close);
	}
	return -1;
}

unsigned debug_remember(struct debug *d, const struct value *v)
{
	struct value *to = &d->history[d->history_count % HISTORY_MAX];

	*to = *v;
	to->place = PLACE_NONE;
	return ++d->history_count;
}

/* ---- places ---- */

static int line_location(struct debug *d, const char *file, const char *line,
			 gla_t *addr, struct err *e)
{
	unsigned n = (unsigned)strtoul(line, NULL, 10);
	struct symbols *s = of_space(d);

	if ((s && symbols_line_address(s, file, n, addr)) ||
	    symbols_line_address(d->symbols, file, n, addr))
		return 0;
	return err_set(e, "no code is known for line %s:%s", file, line);
}

static bool is_decimal(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n && n < 8 && *text != '0' && !text[n + strspn(text + n, " ")];
}

int debug_location(struct debug *d, const char *text, gla_t *addr,
		   struct err *e)
{
	const char *colon = strrchr(text, ':');
	struct source_line here;
	struct value v;

	text += strspn(text, " ");
	/* As in gdb: a line of the source where the guest stands. */
	if (is_decimal(text) && debug_line(d, debug_pc(d), &here))
		return line_location(d, here.file, text, addr, e);
	text += strspn(text, " *"); /* break *ADDR and break ADDR are one */
	if (colon && is_decimal(colon + 1)) {
		char *file = strndup(text, (size_t)(colon - text));
		int failed;

		NEED_MEMORY(file, "a file's name");
		failed = line_location(d, file, colon + 1, addr, e);
		free(file);
		return failed;
	}
	if (debug_eval(d, text, NULL, &v, e))
		return -1;
	*addr = (u32)v.bits;
	return 0;
}

/* Until paging is on, a kernel runs where it was loaded, not linked. */
static u32 linked(struct debug *d, u32 addr)
{
	if (debug_cpu(d)->cr0 & CR0_PG)
		return addr;
	return symbols_linked(d->symbols, addr);
}

const char *debug_name_in(struct debug *d, u32 cr3, u32 addr, u32 *offset)
{
	struct symbols *s = of_space_at(d, cr3);
	const char *name = s ? symbols_name(s, addr, offset) : NULL;

	return name ? name : symbols_name(d->symbols, linked(d, addr), offset);
}

const char *debug_name(struct debug *d, u32 addr, u32 *offset)
{
	return debug_name_in(d, debug_cpu(d)->cr3, addr, offset);
}

bool debug_line(struct debug *d, u32 addr, struct source_line *l)
{
	struct symbols *s = of_space(d);

	return (s && symbols_line(s, addr, l)) ||
	       symbols_line(d->symbols, linked(d, addr), l);
}

u32 debug_next_name(struct debug *d, u32 addr)
{
	struct symbols *s = of_space(d);

	return symbols_next(s && symbols_name(s, addr, NULL) ? s : d->symbols,
			    addr);
}

bool debug_frame(struct debug *d, u32 addr, struct cfi_row *row)
{
	struct symbols *s = of_space(d);

	return (s && symbols_frame(s, addr, row)) ||
	       symbols_frame(d->symbols, linked(d, addr), row);
}

void debug_address(struct debug *d, u32 addr, struct buf *out)
{
	u32 offset;
	const char *name = debug_name(d, addr, &offset);

	buf_printf(out, "0x%x", addr);
	if (name)
		buf_printf(out, " <%s+%u>", name, offset);
}

/* ---- instructions ---- */

static void address_text(void *arg, u32 addr, struct buf *out)
{
	debug_address(arg, addr, out);
}

static unsigned show_insn(struct debug *d, gla_t at, bool raw, struct buf *out)
{
	const struct seg *cs = &debug_cpu(d)->seg[SEG_CS];
	struct disasm how = {.arg = d,
			     .read = read_memory,
			     .address = address_text,
			     .base = cs->base,
			     .code32 = cs->attr & SEG_DB,
			     .intel = d->intel};
	struct buf text = {0};
	u8 bytes[INSN_MAX];
	unsigned len;

	buf_printf(out, "%s", at == debug_pc(d) ? "=> " : "   ");
	debug_address(d, at, out);
	buf_printf(out, ":\t");
	len = disasm_one(&how, at - cs->base, &text);
	if (raw && len <= sizeof(bytes) && debug_read(d, at, bytes, len) == len)
		for (unsigned i = 0; i < len; i++)
			buf_printf(out, "%02x%s", bytes[i],
				   i + 1 < len ? " " : "\t");
	if (len)
		buf_printf(out, "%s\n", buf_text(&text));
	else
		buf_printf(out, "Cannot read memory at 0x%x\n", at);
	buf_free(&text);
	return len;
}

unsigned debug_show_insn(struct debug *d, gla_t at, struct buf *out)
{
	return show_insn(d, at, false, out);
}

unsigned debug_show_bytes_and_insn(struct debug *d, gla_t at, struct buf *out)
{
	return show_insn(d, at, true, out);
}

void debug_set_intel(struct debug *d, bool on)
{
	d->intel = on;
}
