/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `explain ADDR`, `explain block N`, `explain exit [NAME]`. */
#include "repl/explain.h"

#include <string.h>
#include <strings.h>

#include "core/cpu/cpu.h"
#include "core/mem/mem.h"

enum { LINKS_SHOWN = 8, LINKS_MAX = 4096, PAST_SHOWN = 8, TRY_INSNS = 8 };

static struct bt *translator(struct console *c)
{
	return vm_bt(debug_vm(c->d));
}

/* ---- a block ---- */

static void show_head(struct console *c, const struct bt_block_view *b)
{
	buf_printf(c->to, "Block %llu at ", (unsigned long long)b->number);
	debug_address(c->d, b->lin, c->to);
	buf_printf(c->to, ", physical 0x%llx: %u instruction%s, %u bytes, made "
			  "into %u; ",
		   (unsigned long long)b->gpa, b->insns,
		   b->insns == 1 ? "" : "s", b->guest_len, b->host_len + b->ways_len);
	bt_show_mode(b->mode, buf_print, c->to);
	buf_byte(c->to, '\n');
}

static void show_runs(struct console *c, const struct bt_block_view *b)
{
	const struct bt_profile *p =
		bt_block_profile(translator(c), b->number);
	u64 left = 0;

	if (!p) {
		buf_printf(c->to, "How often it runs is not counted; `set "
				  "profile on' counts from then on.\n");
		return;
	}
	buf_printf(c->to, "It ran %llu time%s since it was made",
		   (unsigned long long)p->runs, p->runs == 1 ? "" : "s");
	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		left += p->exits[i];
	if (!left)
		buf_printf(c->to, ", and went on in translated code each "
				  "time.\n");
	else
		buf_printf(c->to, ", and was left for the monitor %llu "
				  "time%s:\n",
			   (unsigned long long)left, left == 1 ? "" : "s");
	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		if (p->exits[i])
			buf_printf(c->to, "  %-10s %12u  %s\n",
				   bt_exit_name(i), p->exits[i],
				   bt_exit_text(i));
}

static void show_ways_in(struct console *c, const struct bt_block_view *b)
{
	static struct bt_link list[LINKS_MAX];
	unsigned n = bt_links_in(translator(c), b->number, list, LINKS_MAX);
	struct bt_tables t = bt_tables_to(translator(c), b->number);

	buf_printf(c->to, "In: %u branch%s of its page, %u slot%s of link "
			  "tables, %u entr%s of the jump cache\n",
		   n, n == 1 ? "" : "es", t.slots, t.slots == 1 ? "" : "s",
		   t.jumps, t.jumps == 1 ? "y" : "ies");
	for (unsigned i = 0; i < n && i < LINKS_SHOWN; i++) {
		buf_printf(c->to, "  from block %llu at ",
			   (unsigned long long)list[i].number);
		debug_address(c->d, list[i].place, c->to);
		buf_byte(c->to, '\n');
	}
	if (n > LINKS_SHOWN)
		buf_printf(c->to, "  and %u more\n", n - LINKS_SHOWN);
}

static void show_ways_out(struct console *c, const struct bt_block_view *b)
{
	struct bt_link list[LINKS_SHOWN * 4];
	unsigned n = bt_links_out(translator(c), b->number, list,
				  ARRAY_LEN(list));

	buf_printf(c->to, "Out: %u way%s to a fixed place\n", n,
		   n == 1 ? "" : "s");
	for (unsigned i = 0; i < n; i++) {
		buf_printf(c->to, "  to ");
		debug_address(c->d, list[i].place, c->to);
		if (list[i].number == UINT64_MAX)
			buf_printf(c->to, ", of which there is no block\n");
		else
			buf_printf(c->to, ", block %llu, %s\n",
				   (unsigned long long)list[i].number,
				   list[i].linked ? "linked"
						  : "not linked: it was not "
						    "taken yet");
	}
}

static void show_past(struct console *c, gpa_t gpa, gla_t lin)
{
	struct bt_past_view list[PAST_SHOWN];
	unsigned n = bt_past(translator(c), gpa, lin, list, PAST_SHOWN);

	for (unsigned i = 0; i < n; i++)
		buf_printf(c->to, "Before: one died after %llu instructions, "
				  "as %s\n",
			   (unsigned long long)list[i].icount, list[i].why);
}

static void explain_one(struct console *c, const struct bt_block_view *b)
{
	show_head(c, b);
	explain_show_block(c, b, true);
	show_runs(c, b);
	show_ways_in(c, b);
	show_ways_out(c, b);
	show_past(c, b->gpa, b->lin);
}

int explain_block(struct console *c, char *args, struct err *e)
{
	struct bt_block_view b;
	struct value v;

	if (!*args)
		return err_set(e, "expected a block's number (see `info "
				  "blocks'), as in explain block 12");
	if (debug_eval(c->d, args, NULL, &v, e))
		return -1;
	if (v.bits >= UINT32_MAX ||
	    !bt_next_block(translator(c), v.bits + 1, true, 0, &b) ||
	    b.number != v.bits)
		return err_set(e, "no block %.20s lives; `info blocks' shows "
				  "those that do",
			       args);
	explain_one(c, &b);
	return 0;
}

/* ---- an address ---- */

/* What it would become, if it is code of a kernel like others. */
static void show_trial(struct console *c, gla_t at, gpa_t gpa)
{
	const struct cpu *cpu = vm_cpu(debug_vm(c->d));
	struct bt_block_view b;

	if (cpu->cpl || !(cpu->seg[SEG_CS].attr & SEG_DB) ||
	    !bt_try(translator(c), at, gpa, TRY_INSNS, &b))
		return;
	buf_printf(c->to, "Its first instructions would become\n");
	explain_show_block(c, &b, false);
}

int explain_address(struct console *c, gla_t at, struct err *e)
{
	struct bt_block_view b = {.number = UINT64_MAX}, other;
	struct source_line l;
	gpa_t gpa;

	if (!mem_probe(vm_cpu(debug_vm(c->d)), at, &gpa))
		return err_set(e, "0x%x is not mapped; `info paging 0x%x' shows "
				  "where it ends", at, at);
	debug_address(c->d, at, c->to);
	if (debug_line(c->d, at, &l))
		buf_printf(c->to, " at %s:%u", l.file, l.line);
	if (!bt_next_block(translator(c), b.number, false, at, &b)) {
		buf_printf(c->to, " is in no block: it has not run since the "
				  "last flush, or died\n");
		show_past(c, gpa, at);
		show_trial(c, at, gpa);
		return 0;
	}
	buf_printf(c->to, " is in block");
	for (other = b;;) {
		buf_printf(c->to, " %llu", (unsigned long long)other.number);
		if (!bt_next_block(translator(c), other.number, false, at,
				   &other))
			break;
	}
	buf_byte(c->to, '\n');
	explain_one(c, &b);
	return 0;
}

/* ---- an exit ---- */

static const struct {
	const char *name, *guest, *monitor, *cost;
} ways_out[BT_EXIT_COUNT] = {
#define WAY_OUT(name, guest, monitor, cost) \
	[BT_EXIT_##name] = {#name, guest, monitor, cost},
#include "repl/exits.def"
};

void explain_way_out(struct console *c, unsigned i)
{
	u64 n = bt_stats(translator(c))->exits[i];

	buf_printf(c->to, "%s: %s.\n%s\n%s\n", ways_out[i].name,
		   bt_exit_text(i), ways_out[i].guest, ways_out[i].monitor);
	if (*ways_out[i].cost)
		buf_printf(c->to, "Cost: %s.\n", ways_out[i].cost);
	buf_printf(c->to, "%llu so far; `catch exit %s' stops at the next.\n",
		   (unsigned long long)n, ways_out[i].name);
}


int explain_exit(struct console *c, char *args, struct err *e)
{
	unsigned last = vm_cpu(debug_vm(c->d))->last_exit % BT_EXIT_COUNT;

	if (!*args && !bt_stats(translator(c))->exits[last])
		return err_set(e, "translated code has not been left yet, or "
				  "counters began anew since");
	if (!*args) {
		buf_printf(c->to, "Translated code was left last by\n");
		explain_way_out(c, last);
		return 0;
	}
	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		if (!strcasecmp(ways_out[i].name, args)) {
			explain_way_out(c, i);
			return 0;
		}
	return err_set(e, "no exit `%.40s'; `info exits' has those that there "
			  "were", args);
}
