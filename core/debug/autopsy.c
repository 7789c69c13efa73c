/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a triple fault leaves behind, in words: the chain of what could not be
 * delivered, and for each the first thing that was wrong on its way through
 * gate, code segment and stack, in the order in which a processor looks (SDM
 * 3A 6.12, 2A INT n).  Nothing has changed since, so it can be looked at now. */
#include "core/debug/debug_priv.h"

#include "core/mem/mem.h"
#include "core/op/op.h"
#include "core/x86/bits.h"

enum {
	GATE_BYTES = 8,
	FRAME_BYTES = 12, /* EFLAGS, CS, EIP; what else is pushed is above */
	TSS_MIN = 103,
};

/* Says what is wrong and returns true. */
#define WRONG(...) (buf_printf(out, __VA_ARGS__), true)

struct gate {
	u32 low, high;
};

static unsigned type_of(u32 high)
{
	return high >> 8 & 0x1f;
}

static bool is_gate(unsigned type)
{
	return type == 0x05 || type == 0x06 || type == 0x07 || type == 0x0e ||
	       type == 0x0f;
}

static bool wrong_gate(struct debug *d, unsigned vector, struct gate *g,
		       struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	u32 at = c->idtr.base + vector * GATE_BYTES;

	buf_printf(out, "     its gate, IDT entry %u at 0x%x: ", vector, at);
	if (vector * GATE_BYTES + GATE_BYTES - 1 > c->idtr.limit)
		return WRONG("beyond the IDT's limit 0x%x", c->idtr.limit);
	if (debug_read(d, at, g, sizeof(*g)) != sizeof(*g))
		return WRONG("not mapped");
	buf_printf(out, "%08x %08x", g->low, g->high);
	if (!is_gate(type_of(g->high)))
		return WRONG(", type %u is no gate", type_of(g->high));
	if (!(g->high & 0x8000))
		return WRONG(", not present");
	buf_printf(out, ", handler %04x:", g->low >> 16);
	debug_address(d, (g->high & 0xffff0000) | (g->low & 0xffff), out);
	buf_byte(out, '\n');
	return false;
}

/* Reads a descriptor; says what is wrong if it cannot be. */
static bool wrong_descriptor(struct debug *d, u32 selector, u32 *high,
			     struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	u32 base = selector & 4 ? c->ldtr.base : c->gdtr.base;
	u32 limit = selector & 4 ? c->ldtr.limit : c->gdtr.limit;
	const char *table = selector & 4 ? "LDT" : "GDT";
	u32 at = selector & 0xfff8, words[2];

	if (!(selector & 0xfffc))
		return WRONG("the null selector");
	if (at + 7 > limit)
		return WRONG("beyond the %s's limit 0x%x", table, limit);
	if (debug_read(d, base + at, words, 8) != 8)
		return WRONG("its descriptor at 0x%x is not mapped", base + at);
	buf_printf(out, "%08x %08x", words[0], words[1]);
	*high = words[1];
	return false;
}

/* Sets *level to that of the handler. */
static bool wrong_code(struct debug *d, u32 selector, unsigned *level,
		       struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	u32 high = 0;

	buf_printf(out, "     its code segment %04x: ", selector);
	if (wrong_descriptor(d, selector, &high, out))
		return true;
	if ((high & 0x1800) != 0x1800)
		return WRONG(", which is no code segment");
	if ((high >> 13 & 3) > c->cpl)
		return WRONG(", of level %u, outside of level %u",
			     high >> 13 & 3, c->cpl);
	if (!(high & 0x8000))
		return WRONG(", not present");
	*level = high & 0x400 ? c->cpl : high >> 13 & 3;
	buf_byte(out, '\n');
	return false;
}

static bool wrong_place(struct debug *d, u32 lin, struct buf *out)
{
	gpa_t gpa;

	if (mem_probe(debug_cpu(d), lin, &gpa)) {
		buf_printf(out, ", mapped to physical 0x%llx\n",
			   (unsigned long long)gpa);
		return false;
	}
	return WRONG(", where nothing is mapped");
}

static bool wrong_own_stack(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	const struct seg *ss = &c->seg[SEG_SS];
	u32 esp = ss->attr & SEG_DB ? c->gpr[ESP] : c->gpr[ESP] & 0xffff;

	buf_printf(out, "     its stack is the one in use, esp 0x%x", esp);
	if (!(ss->attr & SEG_EC) && esp - 1 > ss->limit)
		return WRONG(", beyond the segment's limit 0x%x", ss->limit);
	return wrong_place(d, ss->base + esp - FRAME_BYTES, out);
}

static bool wrong_new_stack(struct debug *d, unsigned level, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	u32 stack[2] = {0, 0}, high = 0, at = c->tr.base + 4 + 8 * level;

	buf_printf(out, "     its stack is that of level %u, in the TSS at 0x%x: ",
		   level, c->tr.base);
	if (c->tr.limit < TSS_MIN)
		return WRONG("whose limit 0x%x has no room for it", c->tr.limit);
	if (debug_read(d, at, stack, 8) != 8)
		return WRONG("which is not mapped");
	stack[1] &= 0xffff;
	buf_printf(out, "%04x:%08x\n     its segment: ", stack[1], stack[0]);
	if (wrong_descriptor(d, stack[1], &high, out))
		return true;
	if ((stack[1] & 3) != level || (high >> 13 & 3) != level)
		return WRONG(", not of level %u", level);
	if ((high & 0x1a00) != 0x1200)
		return WRONG(", which cannot be written");
	if (!(high & 0x8000))
		return WRONG(", not present");
	return wrong_place(d, stack[0] - FRAME_BYTES, out);
}

/* The way to the handler of `vector`, up to what is wrong. */
static bool wrong_way(struct debug *d, unsigned vector, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	struct gate g = {0, 0};
	unsigned level = c->cpl;

	if (cpu_is_real(c)) {
		buf_printf(out, "     real mode: its vector at 0x%x", 4 * vector);
		if (4 * vector + 3 > c->idtr.limit)
			return WRONG(" is beyond the limit 0x%x",
				     c->idtr.limit);
		buf_byte(out, '\n');
		return wrong_own_stack(d, out);
	}
	if (wrong_gate(d, vector, &g, out))
		return true;
	if (type_of(g.high) == 0x05)
		return WRONG("     it is a task gate, to the TSS %04x; the task "
			     "switch failed", g.low >> 16);
	if (wrong_code(d, g.low >> 16, &level, out))
		return true;
	return level == c->cpl ? wrong_own_stack(d, out)
			       : wrong_new_stack(d, level, out);
}

static void tell_exception(struct debug *d, const struct exception *x,
			   struct buf *out)
{
	buf_printf(out, "%s", cpu_exception_name(x->vector));
	if (x->has_error)
		buf_printf(out, ", error code %04x", x->error);
	if (x->vector == EXC_PF) {
		buf_printf(out, ", at ");
		debug_address(d, x->cr2, out);
	}
}

/* True when the error lies in what it is about, so that it has been told. */
static void tell_part(struct debug *d, unsigned n,
		      const struct exception *tried,
		      const struct exception *raised, struct buf *out)
{
	buf_printf(out, "%3u. ", n);
	tell_exception(d, tried, out);
	buf_printf(out, "\n");
	if (wrong_way(d, tried->vector, out))
		buf_byte(out, '\n');
	buf_printf(out, "     so it became ");
	tell_exception(d, raised, out);
	buf_byte(out, '\n');
}

static void tell_chain(struct debug *d, struct buf *out)
{
	const struct event_chain *chain = event_chain();
	unsigned n = 0;

	if (chain->interrupt >= 0) {
		buf_printf(out, "%3u. interrupt %02xh\n", ++n, chain->interrupt);
		if (wrong_way(d, (unsigned)chain->interrupt, out))
			buf_byte(out, '\n');
	}
	for (unsigned i = 0; i < chain->count; i++)
		tell_part(d, ++n, &chain->part[i].tried,
			  &chain->part[i].raised, out);
	buf_printf(out, "%3u. shutdown: no exception is left for one during a "
			"double fault (SDM 3A 6.15, interrupt 8)\n",
		   n + 1);
}

/* The page fault that all began with, if it was one. */
static void tell_first_fault(struct debug *d, struct buf *out)
{
	const struct event_chain *chain = event_chain();

	if (!chain->count || chain->interrupt >= 0 ||
	    chain->part[0].tried.vector != EXC_PF)
		return;
	buf_printf(out, "the first page fault:\n");
	debug_show_paging(d, chain->part[0].tried.cr2, out);
}

void debug_autopsy(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	gla_t pc = debug_pc(d);

	buf_printf(out, "Vitrine: %s.\n", vm_stop_text(d->vm));
	buf_printf(out, "at ");
	debug_address(d, pc, out);
	buf_printf(out,
		   ", esp 0x%x, CPL %u, cr0 0x%x, cr2 0x%x, cr3 0x%x, "
		   "%llu instructions since reset\n",
		   c->gpr[ESP], c->cpl, c->cr0, c->cr2, c->cr3,
		   (unsigned long long)c->icount);
	tell_chain(d, out);
	tell_first_fault(d, out);
	buf_printf(out, "the stack:\n");
	debug_show_paging(d, c->gpr[ESP], out);
}
