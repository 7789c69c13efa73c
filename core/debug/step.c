/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going on, by every measure: until something happens, one instruction, over
 * a call, a source line, out of a function.
 *
 * All of it is vm_run() and vm_step() with breakpoints.  `go` and `one` are the
 * places that call them: they ask the breakpoints whether the stop is wanted
 * and, when not, go on.
 *
 * A step that meets an interrupt lets it be delivered, as it would be without
 * anybody looking, and runs its handler to the end before the instruction: so
 * stepping shows the code that is stepped through and disturbs nothing.
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

static void set_out(struct debug *d)
{
	debug_watch_arm(d);
	debug_time_arm(d);
	if (d->pending || d->paging_catch)
		debug_pending_wait(d);
	d->hit = d->client_hit = NULL;
	/* The breakpoint that it stands at was seen; not one that the person
	 * has sent it to since. */
	vm_pass_break(d->vm, debug_pc(d) == d->stop_pc);
	d->went_at = vm_icount(d->vm);
	d->running = true;
}

/* Is the stop one that somebody wants? */
static bool arrived(struct debug *d)
{
	bool wanted = true;

	d->running = false;
	if (d->why == STOP_WATCHPOINT || d->why == STOP_CATCH)
		wanted = debug_break_wanted(d, d->why);
	if (wanted || debug_break_asked(d))
		d->stop_pc = debug_pc(d);
	else if (vm_icount(d->vm) != d->went_at)
		d->stop_pc = ~debug_pc(d); /* what is next was not asked */
	if (wanted && d->hit)
		debug_break_spent(d);
	return wanted;
}

/* A probe looks at the guest after each of some instructions.  False when one
 * of them is where it stops, for a reason in d->why. */
static bool probe_steps(struct debug *d)
{
	enum vm_delivered delivered;

	while (d->probe_steps) {
		set_out(d);
		d->why = vm_step(d->vm, 1, &delivered);
		if (arrived(d) && d->why != STOP_LIMIT) {
			d->probe_steps = 0;
			return false;
		}
		if (!d->probe_steps)
			break; /* whoever looked has gone meanwhile */
		d->probe_steps--;
		d->probe_after(d->probe_arg);
	}
	d->why = STOP_BREAKPOINT;
	return !debug_at_break(d,
			       debug_pc(d)); /* of others, where it came to */
}

/* Runs until something happens that is wanted. */
static void go(struct debug *d)
{
	do {
		set_out(d);
		d->why = vm_run(d->vm, UINT64_MAX);
	} while (!arrived(d) || (d->probe_steps && !d->hit && probe_steps(d)));
	d->probe_steps = 0;
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
	debug_client_settle(d);
	go(d);
	return 0;
}

int debug_continue_sampled(struct debug *d, u64 every, void (*fn)(void *arg),
			   void *arg, struct err *e)
{
	bool met = true; /* a breakpoint where it stands */

	if (ready(d, e))
		return -1;
	debug_client_settle(d);
	for (;;) {
		set_out(d);
		if (!met) /* where a sample was taken */
			vm_pass_break(d->vm, false);
		d->why = vm_run(d->vm, every);
		met = d->why != STOP_LIMIT;
		if (!met) {
			d->running = false;
			fn(arg);
		} else if (arrived(d) &&
			   (!d->probe_steps || d->hit || !probe_steps(d))) {
			break;
		}
	}
	d->probe_steps = 0;
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

/* Runs to a hidden breakpoint.  True when it got there and nothing else came
 * first. */
static bool run_to_hidden(struct debug *d, const struct breakpoint *form)
{
	struct breakpoint *b = debug_break_append(d, form, NULL, NULL, NULL);
	bool there;

	if (!b)
		return false;
	d->next_number--;
	go(d);
	there = d->hit == b;
	debug_break_delete(d, b);
	if (there)
		d->why = STOP_LIMIT;
	return there;
}

/* Runs to `addr` with the stack pointer at or above `esp`. */
static bool run_to(struct debug *d, gla_t addr, u32 esp)
{
	struct breakpoint form = {.kind = BREAK_CODE,
				  .addr = addr,
				  .hidden = true,
				  .frame = FRAME_ABOVE,
				  .frame_esp = esp};

	return run_to_hidden(d, &form);
}

bool debug_run_to_frame(struct debug *d, gla_t addr, u32 esp)
{
	const struct cpu *c = debug_cpu(d);
	struct breakpoint form = {.kind = BREAK_CODE,
				  .addr = addr,
				  .hidden = true,
				  .frame = FRAME_SAME,
				  .frame_esp = esp,
				  .frame_cr3 = c->cr3,
				  .frame_cpl = c->cpl};

	return run_to_hidden(d, &form);
}

/* ---- one instruction ---- */

/* The interrupt that was just delivered: until its handler has returned to
 * where the guest stood; breakpoints there may have been met already. */
static bool out_of_interrupt(struct debug *d, bool met)
{
	struct vm_interrupted was = vm_interrupted(d->vm);
	struct breakpoint form = {.kind = BREAK_CODE,
				  .addr = was.pc,
				  .hidden = true,
				  .alone = met,
				  .frame = FRAME_SAME,
				  .frame_esp = was.esp,
				  .frame_cr3 = was.cr3,
				  .frame_cpl = was.cpl};

	return run_to_hidden(d, &form);
}

/* So many instructions, those of interrupts' handlers not counted.  False when
 * something else stopped it. */
static bool step_over_interrupts(struct debug *d, u64 n)
{
	enum vm_delivered delivered;

	for (;;) {
		u64 from = vm_icount(d->vm), done;
		bool met = debug_pc(d) == d->stop_pc;

		set_out(d);
		d->why = vm_step(d->vm, n, &delivered);
		done = vm_icount(d->vm) - from;
		if (!arrived(d)) /* what it met is not wanted */
			d->why = STOP_LIMIT;
		if (d->why != STOP_LIMIT)
			return false;
		if (delivered == VM_DELIVERED_INTERRUPT &&
		    !d->step_interrupts) {
			if (!out_of_interrupt(d, met && !done))
				return false;
		} else if (done >= n || (delivered && n == 1)) {
			return true; /* one that faults is done, too */
		}
		n -= done;
	}
}

static bool one(struct debug *d)
{
	return step_over_interrupts(d, 1);
}

int debug_stepi(struct debug *d, u64 n, struct err *e)
{
	if (ready(d, e))
		return -1;
	if (n)
		step_over_interrupts(d, n);
	return 0;
}

/* Does a breakpoint stop it where it came to by a step? */
static bool stopped_here(struct debug *d)
{
	if (!debug_at_break(d, debug_pc(d)))
		return false;
	d->why = STOP_BREAKPOINT;
	debug_break_spent(d);
	return true;
}

int debug_step_range(struct debug *d, gla_t from, gla_t to, struct err *e)
{
	if (ready(d, e))
		return -1;
	while (one(d) && debug_pc(d) - from < to - from && !stopped_here(d))
		;
	return 0;
}

void debug_set_step_interrupts(struct debug *d, bool on)
{
	d->step_interrupts = on;
}

bool debug_step_interrupts(const struct debug *d)
{
	return d->step_interrupts;
}

bool debug_running(const struct debug *d)
{
	return d->running;
}

/* One instruction, calls whole.  False when something else stopped it. */
static bool over_one(struct debug *d)
{
	gla_t next = 0;

	if (look_ahead(d, &next) == CALL_OVER)
		return run_to(d, next, debug_cpu(d)->gpr[ESP]);
	return one(d);
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

		if (!(returns ? one(d) : over_one(d)))
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
	if (addr == debug_pc(d) && !one(d))
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
		if (into ? !one(d) : !over_one(d))
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

/* The guest stands elsewhere than where it ran to. */
static void put_elsewhere(struct debug *d)
{
	d->why = STOP_LIMIT;
	d->hit = d->client_hit = NULL;
	d->stop_pc = debug_pc(d);
	d->call_is_open = false;
	debug_forget_guest(d);
}

int debug_reset(struct debug *d, struct err *e)
{
	if (vm_reset(d->vm, e))
		return -1;
	put_elsewhere(d);
	return 0;
}

int debug_save(struct debug *d, const char *path, struct err *e)
{
	if (debug_ended(d))
		return err_set(e, "%s: there is nothing to go on with",
			       vm_stop_text(d->vm));
	return vm_save(d->vm, path, e);
}

int debug_load(struct debug *d, const char *path, struct err *e)
{
	if (vm_load(d->vm, path, e))
		return -1;
	put_elsewhere(d);
	return 0;
}
