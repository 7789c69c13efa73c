/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who runs next?
 *
 * Whoever waited longest.  Ready processes stand in one queue; a process that
 * used up its time slice goes to the end.  One that waits for something is not
 * in the queue but has written down, in `channel`, the address of the thing;
 * wake(thing) puts all who wait for it back.  The address is only a name.
 *
 * When the queue is empty the idle process runs, which is what became of the
 * boot code: it halts until an interrupt makes somebody ready.
 */
#include "kernel.h"

bool need_switch;
static struct process *first_ready, **last_ready = &first_ready;

void make_ready(struct process *process)
{
	u32 flags = interrupts_off();

	process->state = READY;
	process->channel = NULL;
	process->next_ready = NULL;
	*last_ready = process;
	last_ready = &process->next_ready;
	interrupts_restore(flags);
}

static struct process *take_ready(void)
{
	struct process *next = first_ready;

	if (!next)
		return &processes[0];
	first_ready = next->next_ready;
	if (!first_ready)
		last_ready = &first_ready;
	return next;
}

/*
 * Gives the processor away.  The caller has said, in current->state and by
 * make_ready, whether and when it wants to come back.  Interrupts are off here
 * and when schedule returns, some other time, to the same caller.
 */
void schedule(void)
{
	struct process *previous = current, *next = take_ready();

	need_switch = false;
	processes[0].state = READY;	/* always, without standing in line */
	next->state = RUNNING;
	if (next == previous)
		return;
	current = next;
	counters.switches++;
	segments_set_stack(next->stack_top);
	fpu_switch(next);
	/* The idle process needs the kernel's half only, which is in every
	 * space; often it gives way to the one that it came from. */
	if (next != &processes[0])
		space_switch(&next->space);
	context_switch(&previous->kernel_esp, next->kernel_esp);
}

/*
 * Call with interrupts off, having checked that the thing is not there yet:
 * it cannot arrive in between.  Check again afterwards, for somebody else may
 * have taken it.
 */
void sleep_on(const void *channel)
{
	if (current->killed)
		return;
	current->channel = channel;
	current->state = SLEEPING;
	schedule();
}

void wake(const void *channel)
{
	u32 flags = interrupts_off();

	for (u32 i = FIRST_PROCESS; i < PROCESSES; i++)
		if (processes[i].state == SLEEPING &&
		    processes[i].channel == channel)
			make_ready(&processes[i]);
	interrupts_restore(flags);
}

int sys_yield(void)
{
	u32 flags = interrupts_off();

	make_ready(current);
	schedule();
	interrupts_restore(flags);
	return 0;
}

/* The last thing on the way to ring 3.  Interrupts must stay off from here to
 * the iret, or the answer could be out of date. */
void leave_kernel(void)
{
	pv.cli();
	if (current->killed)
		process_exit(STATUS_KILLED);
	if (!need_switch)
		return;
	need_switch = false;
	if (first_ready) {
		counters.preemptions++;
		make_ready(current);
		schedule();
		if (current->killed)
			process_exit(STATUS_KILLED);
	}
}

void idle(void)
{
	for (;;) {
		pv.cli();
		if (first_ready)
			schedule();
		else
			pv.halt();
	}
}
