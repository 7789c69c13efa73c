/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `explain KIND ...`: what becomes of something, guest code beside the host
 * code made of it.  A kind is a row of explains.def. */
#include "repl/explain.h"
#include "repl/vmi_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bt/bt.h"
#include "core/debug/disasm.h"
#include "core/mem/mem.h"

static const struct command *kind_of(const char *word)
{
	const struct command *kind = explains;

	while (kind->name && strcmp(kind->name, word))
		kind++;
	return kind->name ? kind : NULL;
}

/* KIND ..., or an address; alone, where the guest stands. */
int cmd_explain(struct console *c, char *args, struct err *e)
{
	char *rest = args, first[16] = "";
	const struct command *kind;
	struct value v;
	struct err why;

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(args, " \t"), args);
	kind = kind_of(first);
	if (kind) {
		words_next(&rest);
		return kind->run(c, rest, e);
	}
	if (!*args && debug_why(c->d) == STOP_TRIPLE_FAULT) {
		debug_autopsy(c->d, c->to);
		return 0;
	}
	if (!*args)
		return explain_address(c, debug_pc(c->d), e);
	if (debug_eval(c->d, args, NULL, &v, &why))
		return err_set(e, "%s; expected a place, or block N, exit [NAME], "
				  "stop, time, vmi CALL", why.text);
	return explain_address(c, (gla_t)v.bits, e);
}

int explain_time(struct console *c, char *args, struct err *e)
{
	(void)args;
	if (!vm_samples(debug_vm(c->d)))
		return err_set(e, "nobody has looked: `set sampling on', or the "
				  "option -sample, samples from then on");
	vm_show_sampled(debug_vm(c->d), true, buf_print, c->to);
	console_show_timed(c, 20, c->to);
	return 0;
}

/* ---- a block, instruction by instruction ---- */

enum { GUEST_WIDTH = 30 };

struct reading {
	struct console *c;
	const struct bt_block_view *b;
};

static unsigned read_guest(void *arg, u32 at, void *buf, unsigned len)
{
	struct reading *r = arg;

	if (at - r->b->lin >= r->b->guest_len) /* in the ROM */
		return debug_read(r->c->d, at, buf, len);
	mem_phys_read(vm_mem(debug_vm(r->c->d)), r->b->gpa + (at - r->b->lin),
		      buf, len);
	return len;
}

static void name_guest(void *arg, u32 at, struct buf *out)
{
	struct reading *r = arg;

	debug_address(r->c->d, at, out);
}

static const char *name_host(void *arg, u64 at)
{
	struct reading *r = arg;

	return bt_host_name(vm_bt(debug_vm(r->c->d)), at);
}

/* "movabs $0x7f..., %r9" loads what may have a name; then that is shown. */
static void put_instruction(struct reading *r, const char *text, struct buf *out)
{
	const char *hex = strstr(text, "0x"), *name = NULL;
	char *end;

	if (hex && !strncmp(text, "movabs", 6))
		name = name_host(r, strtoull(hex, &end, 16));
	if (name)
		buf_printf(out, "%.*s[%s]%s", (int)(hex - text), text, name,
			   end);
	else
		buf_printf(out, "%s", text);
}

/* The host instructions in [from, to) of code for the block, `left` beside the
 * first. */
static void show_code(struct reading *r, const u8 *code, unsigned len,
		      unsigned from, unsigned to, const char *left)
{
	struct disasm_host how = {.arg = r,
				  .name = name_host,
				  .code = code,
				  .len = len,
				  .intel = r->c->settings.intel};
	struct buf text = {0};
	unsigned n;

	if (from >= to || strlen(left) > GUEST_WIDTH) {
		buf_printf(r->c->to, "  %s\n", left);
		left = "";
	}
	for (; from < to; from += n, left = "") {
		buf_clear(&text);
		n = disasm_host(&how, from, &text);
		if (!n)
			break;
		buf_printf(r->c->to, "  %-*s %4x  ", GUEST_WIDTH, left, from);
		put_instruction(r, buf_text(&text), r->c->to);
		buf_byte(r->c->to, '\n');
	}
	buf_free(&text);
}

static void show_host(struct reading *r, unsigned from, unsigned to,
		      const char *left)
{
	show_code(r, r->b->host, r->b->host_len, from, to, left);
}

/* Its source line, when that is another than before. */
static void show_source(struct reading *r, gla_t at, struct source_line *was)
{
	struct source_line l;

	if (!debug_line(r->c->d, at, &l) ||
	    (was->file && !strcmp(was->file, l.file) && was->line == l.line))
		return;
	*was = l;
	buf_printf(r->c->to, " %s:%u\n", l.file, l.line);
}

static void show_story(struct reading *r, unsigned index)
{
	struct bt_story s;

	bt_story(vm_bt(debug_vm(r->c->d)), r->b, index, &s);
	if (s.not_copied)
		buf_printf(r->c->to, "      %s\n", s.not_copied);
	if (s.memory)
		buf_printf(r->c->to, "      memory: %s%s%s\n", s.memory,
			   s.memory_why ? "; " : "",
			   s.memory_why ? s.memory_why : "");
}

void explain_show_block(struct console *c, const struct bt_block_view *b,
			bool stories)
{
	struct reading r = {c, b};
	struct disasm how = {.arg = &r,
			     .read = read_guest,
			     .address = name_guest,
			     .code32 = bt_mode_is_32(b->mode),
			     .intel = c->settings.intel};
	struct source_line line = {NULL, 0};
	struct buf text = {0};

	buf_printf(c->to, "  %-*s       %s\n", GUEST_WIDTH, "guest", "host");
	show_host(&r, 0, b->marks[0].host, "(the block's head)");
	for (unsigned i = 0; i < b->insns; i++) {
		buf_clear(&text);
		if (stories)
			show_source(&r, b->lin + b->marks[i].guest, &line);
		disasm_one(&how, b->lin + b->marks[i].guest, &text);
		show_host(&r, b->marks[i].host, b->marks[i + 1].host,
			  buf_text(&text));
		if (stories && i && b->marks[i - 1].paid == 1)
			buf_printf(c->to,
				   "      first the budget pays, up to the next "
				   "branch: %u\n",
				   b->marks[i].paid);
		if (stories)
			show_story(&r, i);
	}
	if (b->marks[b->insns].host < b->host_len)
		show_host(&r, b->marks[b->insns].host, b->host_len, "(end)");
	if (b->ways_len)
		show_code(&r, b->ways, b->ways_len, 0, b->ways_len,
			  "(ways out, elsewhere)");
	buf_free(&text);
}

/* ---- a call of VMI ---- */

enum { STUB_INSNS = 2 };

int explain_vmi(struct console *c, char *args, struct err *e)
{
	char *word = words_next(&args);
	struct bt_block_view b;
	int number;

	if (!shows_vmi(c))
		return err_set(e,
			       "the VMI ROM is hidden: -engine vmi shows it");
	if (!word)
		return err_set(e, "expected a call: explain vmi CALL");
	number = vmi_named(word, e);
	if (number < 0)
		return -1;
	vmi_show_call(c, (unsigned)number);
	vmi_show_cost(c, (unsigned)number);
	if (vmi_call_here(c) == number)
		vmi_show_arguments(c, c->to);
	if (!bt_try(vm_bt(debug_vm(c->d)),
		    vmi_stub_linear(c->vmi, (unsigned)number),
		    vmi_stub((unsigned)number), STUB_INSNS, &b))
		return err_set(e, "no room to translate it");
	buf_printf(c->to, "Its stub, and what the translator makes of that:\n");
	explain_show_block(c, &b, false);
	return 0;
}
