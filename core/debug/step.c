/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going on, by every measure: until something happens, one instruction, over
 * a call, a source line, out of a function.
 *
 * All of it is vm_run() with an instruction budget and breakpoints.  `go` is
 * the one place that calls it: it asks the breakpoints whether the stop is
 * wanted and, when not, spends what is left of the budget.
 *
 * Over a call means: a hidden breakpoint behind it, counted only when the
 * stack is back where it was.  A recursive call that comes by deeper in the
 * stack does not count; nor does another task of the guest's kernel that
 * returns through the same place on its own stack, unless its stack pointer
 * happens to lie above.
 *
 * Out of a function: over each instruction until a return is about to run,
 * then that one.  No frame pointer is needed, which kernels seldom have; and
 * what the function calls runs at full speed. */
#include "core/debug/debug_priv.h"

#include "core/x86/decode.h"

enum { CALL_NONE, CALL_OVER, CALL_RETURN };

/* One budget's worth of running; true when it ended for a reason other than
 * the budget being spent. */
static bool go(struct debug *d, u64 budget)
{
	for (;;) {
		u64 start = vm_icount(d->vm), done;

		debug_watch_arm(d);
		d->hit = NULL;
		d->why = vm_run(d->vm, budget);
		if (d->why != STOP_BREAKPOINT && d->why != STOP_WATCHPOINT &&
		    d->why != STOP_CATCH)
			return d->why != STOP_LIMIT;
		if (debug_break_wanted(d, d->why)) {
			debug_break_spent(d);
			return true;
		}
		done = vm_icount(d->vm) - start;
		if (budget != UINT64_MAX && done >= budget) {
			d->why = STOP_LIMIT;
			return false;
		}
		if (budget != UINT64_MAX)
			budget -= done;
	}
}

static int ready(const struct debug *d, struct err *e)
{
	if (debug_ended(d))
		return err_set(e, "%s; `run' starts it again",
			       vm_stop_text(d->vm));
	return 0;
}

int debug_continue(struct debug *d, struct err *e)
{
	if (ready(d, e))
		return -1;
	go(d, UINT64_MAX);
	return 0;
}

int debug_stepi(struct debug *d, u64 n, struct err *e)
{
	if (ready(d, e))
		return -1;
	if (n)
		go(d, n);
	return 0;
}

/* Is the next instruction one to go over, or a return?  `next` is the linear
 * address behind it. */
static int look_ahead(struct debug *d, gla_t *next)
{
	struct cpu *c = debug_cpu(d);
	struct insn in;
	u8 bytes[INSN_MAX];
	unsigned n = debug_read(d, debug_pc(d), bytes, sizeof(bytes));

	if (decode(bytes, n, c->seg[SEG_CS].attr & SEG_DB, &in) != DECODE_OK)
		return CALL_NONE;
	*next = debug_pc(d) + in.len;
	if (in.map)
		return CALL_NONE;
	switch (in.opcode) {
	case 0xc2:
	case 0xc3:
	case 0xca:
	case 0xcb:
	case 0xcf:
		return CALL_RETURN;
	case 0xe8:
	case 0x9a:
	case 0xcc:
	case 0xcd:
	case 0xce:
	case 0xe0:
	case 0xe1:
	case 0xe2:
		return CALL_OVER;
	case 0xff:
		return in.reg == 2 || in.reg == 3 ? CALL_OVER : CALL_NONE;
	case 0xa4:
	case 0xa5:
	case 0xa6:
	case 0xa7:
	case 0xaa:
	case 0xab:
	case 0xac:
	case 0xad:
	case 0xae:
	case 0xaf:
	case 0x6c:
	case 0x6d:
	case 0x6e:
	case 0x6f:
		return in.rep ? CALL_OVER : CALL_NONE;
	default:
		return CALL_NONE;
	}
}

/* Runs to `addr` with the stack pointer at or above `esp`.  True when it got
 * there and nothing else came first. */
static bool run_to(struct debug *d, gla_t addr, u32 esp)
{
	struct breakpoint *b;
	bool arrived;

	b = debug_break_add(d, BREAK_CODE, addr, 0, NULL, NULL, NULL);
	if (!b)
		return false;
	b->hidden = true;
	d->next_number--;
	do {
		arrived = go(d, UINT64_MAX) && d->hit == b;
	} while (arrived && debug_cpu(d)->gpr[ESP] < esp);
	debug_break_delete(d, b);
	if (arrived)
		d->why = STOP_LIMIT;
	return arrived;
}

/* One instruction, calls whole.  False when something else stopped it. */
static bool over_one(struct debug *d)
{
	gla_t next = 0;

	if (look_ahead(d, &next) == CALL_OVER)
		return run_to(d, next, debug_cpu(d)->gpr[ESP]);
	return !go(d, 1);
}

int debug_nexti(struct debug *d, u64 n, struct err *e)
{
	if (ready(d, e))
		return -1;
	while (n-- && over_one(d))
		;
	return 0;
}

/* To the end of the function and out of it.  False: stopped before. */
static bool out_of_function(struct debug *d)
{
	u32 esp = debug_cpu(d)->gpr[ESP];
	gla_t next;

	for (;;) {
		bool returns = look_ahead(d, &next) == CALL_RETURN;

		if (!(returns ? !go(d, 1) : over_one(d)))
			return false;
		if (returns && debug_cpu(d)->gpr[ESP] > esp)
			return true;
	}
}

int debug_finish(struct debug *d, struct err *e)
{
	if (ready(d, e))
		return -1;
	out_of_function(d);
	return 0;
}

int debug_advance(struct debug *d, gla_t addr, struct err *e)
{
	if (ready(d, e))
		return -1;
	if (addr == debug_pc(d) && go(d, 1))
		return 0;
	if (addr != debug_pc(d))
		run_to(d, addr, 0);
	return 0;
}

/* ---- source lines ---- */

static bool line_here(struct debug *d, struct source_line *l)
{
	return debug_line(d, debug_pc(d), l);
}

/* To the first instruction of another line that has one; functions without
 * lines are left at once.  False: something else stopped it. */
static bool one_line(struct debug *d, bool into)
{
	struct source_line from, now;

	if (!line_here(d, &from))
		return false;
	for (;;) {
		if (into ? go(d, 1) : !over_one(d))
			return false;
		while (!line_here(d, &now))
			if (!out_of_function(d))
				return false;
		if (now.line != from.line || now.file != from.file)
			return true;
	}
}

static int by_lines(struct debug *d, u64 n, bool into, struct err *e)
{
	struct source_line l;

	if (ready(d, e))
		return -1;
	if (!line_here(d, &l))
		return err_set(e, "no source line is known for 0x%x (use `%s')",
			       debug_pc(d), into ? "stepi" : "nexti");
	while (n-- && one_line(d, into))
		;
	return 0;
}

int debug_step(struct debug *d, u64 n, struct err *e)
{
	return by_lines(d, n, true, e);
}

int debug_next(struct debug *d, u64 n, struct err *e)
{
	return by_lines(d, n, false, e);
}

int debug_reset(struct debug *d, struct err *e)
{
	if (vm_reset(d->vm, e))
		return -1;
	d->why = STOP_LIMIT;
	d->hit = NULL;
	return 0;
}
