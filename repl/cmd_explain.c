/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `explain KIND ...`: what becomes of something, guest code beside the host
 * code made of it.  A kind is a row of explains.def. */
#include "repl/vmi_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bt/bt.h"
#include "core/debug/disasm.h"
#include "core/mem/mem.h"

int cmd_explain(struct console *c, char *args, struct err *e)
{
	const struct command *kind;
	char *word = words_next(&args);

	if (!word) {
		for (kind = explains; kind->name; kind++)
			buf_printf(c->to, "explain %s %s: %s\n", kind->name,
				   kind->usage, kind->help);
		return 0;
	}
	kind = command_find(explains, "kind of thing to explain", word, e);
	return kind ? kind->run(c, args, e) : -1;
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

/* "movabs $0x7f..., %r9" loads what may have a name. */
static void name_constant(struct reading *r, const char *text, struct buf *out)
{
	const char *hex = strstr(text, "$0x"), *name;

	if (strncmp(text, "movabs", 6) || !hex)
		return;
	name = name_host(r, strtoull(hex + 1, NULL, 16));
	if (name)
		buf_printf(out, "        # %s", name);
}

/* The host instructions in [from, to) of the block, `left` beside the first. */
static void show_host(struct reading *r, unsigned from, unsigned to,
		      const char *left)
{
	struct disasm_host how = {.arg = r,
				  .name = name_host,
				  .code = r->b->host,
				  .len = r->b->host_len,
				  .intel = r->c->settings.intel};
	struct buf text = {0};
	unsigned n;

	if (from >= to)
		buf_printf(r->c->to, "  %s\n", left);
	for (; from < to; from += n, left = "") {
		buf_clear(&text);
		n = disasm_host(&how, from, &text);
		if (!n)
			break;
		buf_printf(r->c->to, "  %-*s %4x  %s", GUEST_WIDTH, left, from,
			   buf_text(&text));
		name_constant(r, buf_text(&text), r->c->to);
		buf_byte(r->c->to, '\n');
	}
	buf_free(&text);
}

static void show_block(struct console *c, const struct bt_block_view *b)
{
	struct reading r = {c, b};
	struct disasm how = {.arg = &r,
			     .read = read_guest,
			     .address = name_guest,
			     .code32 = true,
			     .intel = c->settings.intel};
	struct buf text = {0};

	buf_printf(c->to, "  %-*s       %s\n", GUEST_WIDTH, "guest", "host");
	show_host(&r, 0, b->marks[0].host, "(the block's head)");
	for (unsigned i = 0; i < b->insns; i++) {
		buf_clear(&text);
		disasm_one(&how, b->lin + b->marks[i].guest, &text);
		show_host(&r, b->marks[i].host, b->marks[i + 1].host,
			  buf_text(&text));
	}
	show_host(&r, b->marks[b->insns].host, b->host_len, "(ways out)");
	buf_free(&text);
}

/* ---- a call of VMI ---- */

enum { STUB_INSNS = 2 };

int explain_vmi(struct console *c, char *args, struct err *e)
{
	char *word = words_next(&args);
	struct bt_block_view b;
	int number;

	if (!c->vmi)
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
	show_block(c, &b);
	return 0;
}
