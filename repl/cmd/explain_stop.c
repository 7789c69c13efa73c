/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `explain stop`: why the guest stands, in the manual's terms. */
#include "repl/explain.h"
#include "repl/vmi_args.h"

#include "core/cpu/cpu.h"

static const char *const sentences[32] = {
#define EXCEPTION(vec, name, class, err, text) [vec] = (text),
#include "core/cpu/exceptions.def"
};

/* SDM 3A 4.7: the error code of a page fault, bit by bit. */
static void explain_page_fault(struct console *c, gla_t at, u32 error)
{
	buf_printf(c->to, "Error code %04x: %s by %s%s, %s.\n", error,
		   error & 16  ? "an instruction fetch"
		   : error & 2 ? "a write"
			       : "a read or a fetch",
		   error & 4 ? "user code" : "the supervisor",
		   error & 8 ? " through an entry with reserved bits set" : "",
		   error & 1 ? "the page is there, but not for that"
			     : "the page is not present");
	debug_show_paging(c->d, at, c->to);
}

/* SDM 3A 6.13: error codes that name a selector. */
static void explain_selector(struct console *c, u32 error)
{
	buf_printf(c->to, "Error code %04x: %s%u%s.\n", error,
		   error & 2   ? "entry of the IDT, vector "
		   : error & 4 ? "entry of the LDT, number "
			       : "entry of the GDT, number ",
		   error >> 3,
		   error & 1 ? ", during the delivery of an earlier event" : "");
}

static void explain_exception(struct console *c)
{
	struct vm_caught x = vm_caught(debug_vm(c->d));
	u32 error = (u32)x.value;

	buf_printf(c->to, "%s: %s.\n", cpu_exception_name(x.number),
		   x.number < ARRAY_LEN(sentences) && sentences[x.number]
			   ? sentences[x.number]
			   : "reserved");
	if (x.number == EXC_PF)
		explain_page_fault(c, x.address, error);
	else if (error && x.number >= EXC_TS && x.number <= EXC_GP)
		explain_selector(c, error);
	buf_printf(c->to, "The instruction has changed nothing; the next step "
			  "goes to the handler.\n");
}

static void explain_event(struct console *c, const struct breakpoint *b)
{
	const struct cpu *cpu = vm_cpu(debug_vm(c->d));

	buf_printf(c->to, "%s\n", vm_catch_text(debug_vm(c->d)));
	if (b->event == VM_EVENT_EXCEPTION && cpu->exc.pending)
		explain_exception(c);
	else if (b->event == VM_EVENT_EXIT)
		explain_way_out(c, vm_caught(debug_vm(c->d)).number);
	else if (b->event == VM_EVENT_INTERRUPT ||
		 b->event == VM_EVENT_EXCEPTION)
		buf_printf(c->to, "The guest stands at the handler; what was "
				  "interrupted is on its stack (`backtrace').\n");
	else
		buf_printf(c->to, "The instruction before this one has done "
				  "it.\n");
}

static void explain_call(struct console *c)
{
	int number = vmi_call_here(c);

	if (number < 0)
		return;
	vmi_show_call(c, (unsigned)number);
	vmi_show_arguments(c, c->to);
	buf_printf(c->to, "It has not been made yet.  `explain vmi %s' shows "
			  "what it becomes.\n",
		   vmi_row((unsigned)number)->name);
}

static void explain_meetings(struct console *c, const struct breakpoint *b)
{
	buf_printf(c->to, "It is number %d of `info breakpoints', met %llu "
			  "time%s",
		   b->number, (unsigned long long)b->met,
		   b->met == 1 ? "" : "s");
	if (b->condition && b->hits == 1)
		buf_printf(c->to, "; its condition held once");
	else if (b->condition)
		buf_printf(c->to, "; its condition held %llu times",
			   (unsigned long long)b->hits);
	buf_printf(c->to, ".\n");
}

int explain_stop(struct console *c, char *args, struct err *e)
{
	const struct breakpoint *b = debug_hit(c->d);

	if (*args)
		return err_set(e, "expected nothing behind `explain stop'");
	if (debug_why(c->d) == STOP_TRIPLE_FAULT) {
		debug_autopsy(c->d, c->to);
		return 0;
	}
	buf_printf(c->to, "After %llu instructions: %s.\n",
		   (unsigned long long)vm_icount(debug_vm(c->d)),
		   debug_stop_sentence(debug_why(c->d)));
	if (b)
		explain_meetings(c, b);
	if (b && b->kind == BREAK_EVENT && b->event == VM_EVENT_CALL)
		explain_call(c);
	else if (b && b->kind == BREAK_EVENT)
		explain_event(c, b);
	else if (debug_why(c->d) == STOP_HALTED || debug_ended(c->d))
		buf_printf(c->to, "%s.\n", vm_stop_text(debug_vm(c->d)));
	return 0;
}
