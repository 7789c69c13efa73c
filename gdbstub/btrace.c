/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `record btrace': the code executed last, from the translator's own notes
 * (bt_record), as stretches from a first to a last instruction.
 *
 * gdb wants the latest stretch to end at the instruction that is next.  It
 * sews new stretches to those it has, and dies when they repeat: so an
 * increment is refused, which makes it take all anew, and when the guest has
 * not moved there is nothing new. */
#include "gdbstub/stub_priv.h"

#include <string.h>

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "core/x86/decode.h"
#include "core/x86/opcode.h"

void packet_btrace_on(struct gdbstub *g, struct args *a)
{
	struct err e;

	(void)a;
	if (bt_record(vm_bt(g->vm), true, &e)) {
		reply_error(g, "%s", e.text);
		return;
	}
	g->records = true;
	g->recorded_at = ~0ull;
	reply_ok(g);
}

void btrace_forget(struct gdbstub *g)
{
	if (g->records)
		bt_record(vm_bt(g->vm), false, NULL);
	g->records = false;
}

void packet_btrace_off(struct gdbstub *g, struct args *a)
{
	(void)a;
	btrace_forget(g);
	reply_ok(g);
}

/* The ring has the size it has. */
void packet_btrace_size(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply_ok(g);
}

/* ---- stretches ---- */

static bool leaves(const struct insn *in)
{
	if (in->map)
		return false;
	switch (in->opcode) {
	case 0xc2:
	case 0xc3:
	case 0xca:
	case 0xcb:
	case 0xcc:
	case 0xcd:
	case 0xcf:
	case 0xe8:
	case 0xe9:
	case 0xea:
	case 0xeb:
	case 0x9a:
		return true;
	case 0xff:
		return in->reg >= 2 && in->reg <= 5;
	default:
		return false;
	}
}

/* The last of n instructions from `at' on, and what follows it in memory.
 * Iterations of a string instruction are counted, too, so n may be more than
 * there are: it ends where control goes elsewhere. */
static gla_t last_of(struct gdbstub *g, gla_t at, unsigned n, gla_t *next)
{
	bool code32 = vm_cpu(g->vm)->seg[SEG_CS].attr & SEG_DB;
	u8 bytes[INSN_MAX];
	struct insn in;
	gla_t last = at;

	*next = at;
	while (n--) {
		unsigned got = debug_read(g->d, *next, bytes, sizeof(bytes));

		if (decode(bytes, got, code32, &in) != DECODE_OK)
			break;
		last = *next;
		*next += in.len;
		if (leaves(&in))
			break;
	}
	return last;
}

static void stretch(struct buf *out, gla_t begin, gla_t end)
{
	buf_printf(out, "<block begin=\"0x%x\" end=\"0x%x\"/>\n", begin, end);
}

static void show(struct gdbstub *g, struct buf *out)
{
	static struct bt_recent list[BT_RECENT_MAX];
	unsigned n = bt_recent(vm_bt(g->vm), list, BT_RECENT_MAX);
	gla_t pc = debug_pc(g->d), next, end;

	for (unsigned i = 0; i < n; i++) {
		end = last_of(g, list[i].lin, list[i].insns, &next);
		if (!i && next == pc)
			end = pc; /* it goes on there */
		else if (!i)
			stretch(out, pc, pc);
		stretch(out, list[i].lin, end);
	}
}

bool make_btrace(struct gdbstub *g, const char *annex, struct buf *out)
{
	u64 now = vm_icount(g->vm);
	bool fresh = now != g->recorded_at;

	if (!g->records || (strcmp(annex, "all") && strcmp(annex, "new")))
		return false;
	buf_printf(out, "<!DOCTYPE btrace SYSTEM \"btrace.dtd\">\n"
			"<btrace version=\"1.0\">\n");
	if (fresh || !strcmp(annex, "all"))
		show(g, out);
	buf_printf(out, "</btrace>\n");
	g->recorded_at = now;
	return true;
}

/* gdb begins to record when there is one at its start. */
bool make_btrace_conf(struct gdbstub *g, const char *annex, struct buf *out)
{
	if (*annex || !g->records)
		return false;
	buf_printf(out, "<!DOCTYPE btrace-conf SYSTEM \"btrace-conf.dtd\">\n"
			"<btrace-conf version=\"1.0\"><bts size=\"0x10000\"/>"
			"</btrace-conf>\n");
	return true;
}
