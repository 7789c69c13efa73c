/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine's loop.
 *
 * Guest code runs up to the next thing that has a time: a timer, the caller's
 * limit, or a look at the host.  Only the first two are seen by the guest,
 * and both are exact instruction counts, so the third changes nothing. */
#include "core/vm/vm_priv.h"

#include "core/base/check.h"
#include "core/op/op.h"
#include "trace/trace.h"

#include <stdio.h>

enum {
	/* Instructions between looks at the host: a millisecond of fast loops, 50
	 * of a kernel's work.  Who follows the host's clock looks for it, too. */
	LOOK_EVERY = 16 << 20,
	LOOK_EVERY_BY_HOST = 4 << 20,
	BUSY_INSNS = 1 << 20, /* between two HLTs are work */
	STILL = 4096, /* turns without an instruction between such looks */
	NS_PER_S = 1000000000,
	STEPS_A_LOOK = 256,
};

static enum vm_stop stop(struct vm *vm, enum vm_stop why)
{
	static const char *const text[] = {
#define STOP(name, signal, words) words,
#include "core/cpu/stops.def"
	};

	vm->why = why;
	snprintf(vm->why_text, sizeof(vm->why_text), "%s", text[why]);
	return why;
}

const char *vm_stop_text(struct vm *vm)
{
	return vm->why_text;
}

void vm_interrupt(struct vm *vm)
{
	vm->interrupt = 1;
	bt_kick(vm->bt);
}

void vm_interrupt_for(struct vm *vm, const char *why)
{
	vm->interrupt_why = why;
	vm_interrupt(vm);
}

void vm_stop_at(struct vm *vm, u64 icount)
{
	vm->stop_at = icount;
}

void vm_stop_at_double_fault(struct vm *vm, bool on)
{
	vm->stops_at_df = on;
	vm->df = false;
}

void vm_look(struct vm *vm)
{
	vm->look = 1;
	bt_kick(vm->bt);
}

/* ---- samples, at multiples of a number of instructions ---- */

void vm_set_sample_every(struct vm *vm, u64 insns)
{
	vm->sample_every = insns;
}

u64 vm_sample_every(const struct vm *vm)
{
	return vm->sample_every;
}

static u64 next_sample(const struct vm *vm)
{
	return (vm->cpu->icount / vm->sample_every + 1) * vm->sample_every;
}

/* Somebody may record them from now on, or no more. */
static void plan_sample(struct vm *vm)
{
	if (!TRACING(cpu_sample))
		vm->sample_at = UINT64_MAX;
	else if (vm->sample_at > next_sample(vm))
		vm->sample_at = next_sample(vm);
}

static __attribute__((noinline)) void sample(struct vm *vm)
{
	struct trace_cpu_sample r;

	vm->sample_at = next_sample(vm);
	r.frames_count = (u8)vm_frames(vm, r.frames, ARRAY_LEN(r.frames));
	if (TRACING(cpu_sample))
		trace_emit(TRACE_cpu_sample, &r.head);
}

static void poll_host(struct vm *vm, int timeout_ms)
{
	vm->look = 0;
	trace_poll();
	plan_sample(vm);
	if (vm->sampling && timeout_ms)
		sampling_wait(vm, true);
	if (vm->cfg.poll)
		vm->cfg.poll(vm->cfg.arg, timeout_ms);
	if (vm->sampling && timeout_ms)
		sampling_wait(vm, false);
	clock_sample(vm);
}

static __attribute__((noinline)) u8 deliver_and_record(struct vm *vm)
{
	struct trace_cpu_exception r = { .vector = vm->cpu->exc.vector,
					 .error = vm->cpu->exc.error,
					 .address = vm->cpu->exc.cr2 };
	u8 delivered;

	if (r.vector != EXC_PF)
		r.address = 0;
	else
		TRACE(mmu_guest_fault, .address = r.address, .error = r.error);
	vm_where(vm, &r.head);
	delivered = event_deliver_exception(vm->cpu);
	r.handler = vm->cpu->eip;
	if (TRACING(cpu_exception))
		trace_record(TRACE_cpu_exception, &r.head);
	return delivered;
}

static void deliver_exception(struct vm *vm)
{
	u8 raised = vm->cpu->exc.vector, delivered;

	if (catch_exception(vm))
		return;
	vm->exceptions[raised & 31]++;
	bt_pass_break(vm->bt, false); /* what was passed was not done */
	delivered = TRACING(cpu_exception) || TRACING(mmu_guest_fault)
			    ? deliver_and_record(vm)
			    : event_deliver_exception(vm->cpu);
	if (delivered == EXC_DF && vm->stops_at_df && !vm->cpu->shutdown) {
		vm->df = true;
		vm->df_during = raised;
		bt_kick(vm->bt);
	}
	if (delivered != raised && !vm->cpu->shutdown)
		catch_delivered(vm, delivered, raised);
}

bool vm_deliver_at_once(void *arg)
{
	struct vm *vm = arg;

	if (vm->catch_count || vm->stepping)
		return false;
	deliver_exception(vm);
	return true;
}

static void note_interrupted(struct vm *vm)
{
	const struct cpu *c = vm->cpu;

	vm->interrupted = (struct vm_interrupted){
		c->seg[SEG_CS].base + c->eip, c->gpr[ESP], c->cr3, c->cpl };
}

struct vm_interrupted vm_interrupted(struct vm *vm)
{
	return vm->interrupted;
}

static void deliver_vector(struct vm *vm, u8 vector, enum trace_word source)
{
	struct trace_cpu_interrupt r = { .vector = vector, .source = (u8)source };
	bool on = TRACING(cpu_interrupt);

	if (on)
		vm_where(vm, &r.head);
	event_deliver_interrupt(vm->cpu, vector);
	r.handler = vm->cpu->eip;
	if (on)
		trace_record(TRACE_cpu_interrupt, &r.head);
}

static void deliver_interrupt(struct vm *vm)
{
	int vector = irq_take(vm);

	note_interrupted(vm);
	if (vector >= 0) {
		vm->interrupts[vector]++;
		deliver_vector(vm, (u8)vector, TRACE_source_DEVICE);
		catch_interrupt(vm, (unsigned)vector);
	}
	bt_set_irq(vm->bt, irq_waits(vm));
}

/* The next one waits until IRET (SDM 3A 6.7.1). */
static void deliver_nmi(struct vm *vm)
{
	struct cpu *c = vm->cpu;

	note_interrupted(vm);
	c->nmi_pending = false;
	c->nmi_blocked = true;
	vm->interrupts[EXC_NMI]++;
	deliver_vector(vm, EXC_NMI, TRACE_source_NMI);
	catch_interrupt(vm, EXC_NMI);
}

/* Is this the HLT that stands for a BIOS service?  Then says which. */
static bool called_bios(struct vm *vm)
{
	const struct cpu *c = vm->cpu;
	int service = tables_bios_service(c->seg[SEG_CS].base + c->eip - 1);

	if ((c->cr0 & CR0_PE) || service < 0)
		return false;
	stop(vm, STOP_UNIMPLEMENTED);
	snprintf(vm->why_text, sizeof(vm->why_text),
		 "the guest called the BIOS (INT %02Xh, AX=%04x), and there is "
		 "none",
		 (unsigned)service, c->gpr[EAX] & 0xffff);
	return true;
}

/* Host ms until guest time `when`, a second at most. */
static int ms_until(struct vm *vm, u64 when)
{
	u64 now = clock_ahead(vm);

	if (when <= now)
		return 0;
	return when - now > NS_PER_S ? 1000 : (int)((when - now) / 1000000) + 1;
}

/* Virtual time with a person at the terminal: has the guest done next to
 * nothing for a second but wait?  Then it waits for a key, and running
 * ahead would only heat the host. */
static bool waits_for_person(struct vm *vm)
{
	u64 icount = vm->cpu->icount;

	if (icount - vm->idle_icount > BUSY_INSNS)
		vm->idle_run = 0;
	vm->idle_icount = icount;
	return vm->cfg.has_person && vm->idle_run > NS_PER_S;
}

/* Time passes until a timer or input.  Virtual time is skipped, and by the
 * same amount whether it was slept through or not. */
static void idle(struct vm *vm)
{
	u64 next = bus_next_deadline(vm->bus), icount = vm->cpu->icount;
	u64 from = clock_now(vm, icount);

	if (vm->clock.host) {
		poll_host(vm, ms_until(vm, next));
		clock_waited(vm, next);
		vm->idle_ns += clock_now(vm, icount) - from;
		return;
	}
	if (next == UINT64_MAX || waits_for_person(vm))
		poll_host(vm, ms_until(vm, next));
	if (next == UINT64_MAX || irq_waits(vm) || vm->interrupt ||
	    vm->look)
		return;
	clock_skip_to(vm, next);
	vm->idle_run += clock_now(vm, icount) - from;
	vm->idle_ns += clock_now(vm, icount) - from;
}

/* HLT: STOP_COUNT: go on. */
static enum vm_stop halted(struct vm *vm)
{
	struct cpu *c = vm->cpu;

	if (!vm->halted) {
		vm->halted = true;
		vm->halted_at = vm->idle_ns;
		TRACE(cpu_halt, .interruptible = !!c->iflag);
	}
	if ((irq_waits(vm) && c->iflag) ||
	    (c->nmi_pending && !c->nmi_blocked)) {
		c->halted = vm->halted = false;
		TRACE(cpu_wake, .idle_ns = vm->idle_ns - vm->halted_at);
		return STOP_COUNT;
	}
	if (called_bios(vm))
		return STOP_UNIMPLEMENTED;
	if (!c->iflag)
		return stop(vm, STOP_HALTED);
	idle(vm);
	return STOP_COUNT;
}

/* What devices asked for; STOP_COUNT: nothing that stops. */
static enum vm_stop serve_requests(struct vm *vm)
{
	unsigned r = vm->requests;
	struct err e;

	vm->requests = 0;
	if (r & BUS_EXIT)
		return stop(vm, STOP_DEBUG_EXIT);
	if (r & BUS_POWER_OFF)
		return stop(vm, STOP_POWER_OFF);
	if (r & BUS_RESET) {
		if (vm->cfg.no_reboot)
			return stop(vm, STOP_RESET);
		if (vm_restart(vm, &e) < 0) {
			stop(vm, STOP_UNIMPLEMENTED);
			snprintf(vm->why_text, sizeof(vm->why_text), "%.150s",
				 e.text);
			return vm->why;
		}
	}
	if (r & BUS_NMI)
		vm->cpu->nmi_pending = true;
	if (r & BUS_BREAK)
		return stop(vm, STOP_GUEST_BREAK);
	return STOP_COUNT;
}

/* Everything that may want the guest to stop or wait between two runs. */
static enum vm_stop look_around(struct vm *vm)
{
	if (vm->requests) {
		enum vm_stop s = serve_requests(vm);

		if (s != STOP_COUNT)
			return s;
	}
	if (vm->watch_hit) {
		vm->watch_hit = false;
		return stop(vm, STOP_WATCHPOINT);
	}
	if (vm->caught) {
		vm->caught = false;
		return stop(vm, STOP_CATCH);
	}
	if (vm->df) {
		vm->df = false;
		stop(vm, STOP_DOUBLE_FAULT);
		snprintf(vm->why_text, sizeof(vm->why_text),
			 "double fault, during the delivery of %s; the guest "
			 "stands at its handler",
			 cpu_exception_name(vm->df_during));
		return STOP_DOUBLE_FAULT;
	}
	if (vm->interrupt) {
		vm->interrupt = 0;
		stop(vm, STOP_INTERRUPT);
		if (vm->interrupt_why)
			snprintf(vm->why_text, sizeof(vm->why_text), "%s",
				 vm->interrupt_why);
		vm->interrupt_why = NULL;
		return STOP_INTERRUPT;
	}
	return STOP_COUNT;
}

static enum vm_stop triple_fault(struct vm *vm)
{
	const struct cpu *c = vm->cpu;

	stop(vm, STOP_TRIPLE_FAULT);
	snprintf(vm->why_text, sizeof(vm->why_text),
		 "triple fault: %s at eip %08x could not be delivered",
		 cpu_exception_name(c->exc.vector), c->eip);
	return vm->why;
}

/* A step ends at the handler; unless something else ends it (a catch, a
 * shutdown), which the next turn sees. */
static enum vm_stop after_delivery(struct vm *vm, enum vm_delivered what)
{
	if (!vm->stepping || vm->caught || vm->watch_hit ||
	    vm->cpu->shutdown || vm->cpu->exc.pending)
		return STOP_COUNT;
	vm->delivered = what;
	return stop(vm, STOP_LIMIT);
}

/*T:120 The machine's loop: to the next timer, limit or look. */
/* Runs to the nearest of timer, limit and look (or sample); serves one exit. */
static enum vm_stop step(struct vm *vm, u64 end, u64 look)
{
	u64 now = clock_read(vm);
	u64 due = bus_next_deadline(vm->bus), limit;
	enum bt_exit left;

	if (due <= now) {
		bus_run_timers(vm->bus, now);
		return STOP_COUNT;
	}
	limit = vm->cpu->icount + clock_icount_until(vm, due);
	if (due == UINT64_MAX || limit > end)
		limit = end;
	if (limit > look)
		limit = look;
	if (vm->cfg.step && limit > vm->cpu->icount + 1)
		limit = vm->cpu->icount + 1;
	if (vm->cfg.chaos)
		limit = chaos_limit(vm, limit);
	if (vm->cfg.check && ++vm->turns % vm->cfg.check == 0)
		vm_check(vm);
	if (!vm->clock.host)
		bt_set_skew(vm->bt, vm->clock.skew);
	left = bt_run(vm->bt, limit);
	vm->cpu->last_exit = (u8)left;
	if (vm->catch_count)
		catch_translator(vm);
	switch (left) {
	case BT_EXIT_EXCEPTION:
		deliver_exception(vm);
		return after_delivery(vm, VM_DELIVERED_EXCEPTION);
	case BT_EXIT_IRQ:
		deliver_interrupt(vm);
		return after_delivery(vm, VM_DELIVERED_INTERRUPT);
	case BT_EXIT_NMI:
		deliver_nmi(vm);
		return after_delivery(vm, VM_DELIVERED_INTERRUPT);
	case BT_EXIT_FERR: /* the instruction waits for an interrupt */
		bus_ferr(vm->bus);
		vm->cpu->ferr = false;
		vm->cpu->halted = true;
		return STOP_COUNT;
	case BT_EXIT_HALT:
		return halted(vm);
	case BT_EXIT_BREAK:
		return stop(vm, STOP_BREAKPOINT);
	case BT_EXIT_SHUTDOWN:
		return triple_fault(vm);
	default: /* LIMIT, KICK */
		return STOP_COUNT;
	}
}
/*T:*/

static void begin(struct vm *vm)
{
	for (unsigned i = 0; i < vm->watch_count; i++)
		vm->watches[i].hit = false;
	for (unsigned i = 0; i < vm->catch_count; i++)
		vm->catches[i].hit = false;
	vm->watch_hit = vm->caught = false;
	clock_resume(vm);
}

/* Where the run ends: the caller's limit, or the count to stop at. */
static u64 end_of_run(const struct vm *vm, u64 max)
{
	u64 now = vm->cpu->icount;
	u64 end = max > UINT64_MAX - now ? UINT64_MAX : now + max;

	return vm->stop_at > now && vm->stop_at < end ? vm->stop_at : end;
}

static enum vm_stop at_end(struct vm *vm)
{
	return stop(vm, vm->cpu->icount == vm->stop_at ? STOP_CATCH
						       : STOP_LIMIT);
}

static enum vm_stop loop(struct vm *vm, u64 max)
{
	struct cpu *c = vm->cpu;
	u64 end = end_of_run(vm, max);
	u64 every = vm->clock.host ? LOOK_EVERY_BY_HOST : LOOK_EVERY;
	u64 look = c->icount + every, last = c->icount;
	unsigned still = 0;
	enum vm_stop s;

	for (;;) {
		s = look_around(vm);
		if (s != STOP_COUNT)
			return s;
		if (c->icount >= end && !c->exc.pending)
			return at_end(vm);
		if (c->icount >= look || vm->look) {
			look = c->icount + every;
			poll_host(vm, 0);
			continue;
		}
		if (c->icount >= vm->sample_at)
			sample(vm);
		s = step(vm, end, look < vm->sample_at ? look : vm->sample_at);
		if (s != STOP_COUNT)
			return s;
		/* Halted while timers fire that are masked, or an exception
		 * whose handler faults: no instruction will be counted. */
		if (c->icount != last) {
			last = c->icount;
			still = 0;
		} else if (++still == STILL) {
			still = 0;
			poll_host(vm, 0);
		}
	}
}

static enum vm_stop go(struct vm *vm, u64 max)
{
	enum vm_stop s;

	TRACE(dbg_resume, .most = max);
	if (vm->sampling)
		sampling_run(vm, true);
	s = loop(vm, max);
	if (vm->sampling)
		sampling_run(vm, false);
	if (CHECK_OFTEN || vm->cfg.check)
		vm_check(vm);
	TRACE(dbg_stop, .why = (u8)s, .text = vm->why_text);
	return s;
}

enum vm_stop vm_run(struct vm *vm, u64 max)
{
	begin(vm);
	poll_host(vm, 0);
	return go(vm, max);
}

/* Many come in a row, so the host is looked at now and then, or when it has
 * called. */
enum vm_stop vm_step(struct vm *vm, u64 max, enum vm_delivered *what)
{
	enum vm_stop s;

	begin(vm);
	if (vm->look || vm->clock.host || ++vm->steps % STEPS_A_LOOK == 0)
		poll_host(vm, 0);
	vm->delivered = VM_DELIVERED_NONE;
	vm->stepping = true;
	s = go(vm, max);
	vm->stepping = false;
	*what = vm->delivered;
	return s;
}
