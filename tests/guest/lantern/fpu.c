/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The floating-point registers, moved lazily.
 *
 * They are 108 bytes, and most processes never touch them.  So a switch does
 * not move them; it only sets CR0.TS, and the first floating-point
 * instruction afterwards faults with "device not available".  Then we put
 * the registers away for their owner and load those of the current process.
 * If the owner comes back before anybody else wanted them, nothing moves.
 */
#include "kernel.h"

#define CR0_EM 0x4u
#define CR0_MP 0x2u

static struct process *owner;	/* whose values are in the registers */
static bool denied;		/* CR0.TS as we last set it */

/* Writing CR0 is slow, on hardware and more so elsewhere: only if need be. */
static void deny(void)
{
	if (!denied)
		pv.write_cr0(pv.read_cr0() | CR0_TS);
	denied = true;
}

static void allow(void)
{
	if (denied)
		pv.clear_ts();
	denied = false;
}

void fpu_init(void)
{
	/* NE: errors as exception 16.  MP: fwait obeys TS, too. */
	u32 cr0 = (pv.read_cr0() & ~CR0_EM) | CR0_NE | CR0_MP | CR0_TS;

	pv.write_cr0(cpu.fpu ? cr0 : cr0 | CR0_EM);
	denied = true;
}

/* fnsave also empties the registers, so nobody owns them afterwards. */
static void save_owner(void)
{
	__asm__ volatile("fnsave %0\n\tfwait" : "=m"(owner->fpu));
	owner = NULL;
}

/* Called with interrupts off, on the way to `next`. */
void fpu_switch(const struct process *next)
{
	if (next == owner)
		allow();
	else
		deny();
}

/* The current process wants its registers. */
void fpu_load(void)
{
	counters.fpu_loads++;
	allow();
	if (owner == current)
		return;
	if (owner)
		save_owner();
	if (current->fpu_used)
		__asm__ volatile("frstor %0" : : "m"(current->fpu));
	else
		__asm__ volatile("fninit");
	current->fpu_used = true;
	owner = current;
}

/* The child inherits the values. */
void fpu_fork(struct process *child)
{
	u32 flags = interrupts_off();

	if (owner == current) {
		allow();
		save_owner();
		deny();
	}
	child->fpu_used = current->fpu_used;
	child->fpu = current->fpu;
	interrupts_restore(flags);
}

/* The process ends, or starts a new program: its values are worthless. */
void fpu_forget(const struct process *process)
{
	u32 flags = interrupts_off();

	if (owner == process) {
		owner = NULL;
		deny();
	}
	current->fpu_used = false;
	interrupts_restore(flags);
}
