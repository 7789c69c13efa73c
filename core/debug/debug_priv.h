/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this room share. */
#ifndef CORE_DEBUG_DEBUG_PRIV_H
#define CORE_DEBUG_DEBUG_PRIV_H

#include "core/cpu/cpu.h"
#include "core/debug/debug.h"

enum { VARIABLES_MAX = 64, HISTORY_MAX = 256 };

struct variable {
	char name[24];
	struct value value;
};

struct debug {
	struct vm *vm; /* borrowed */
	struct symbols *symbols;
	struct breakpoint *breaks;
	int next_number;
	enum vm_stop why;
	struct breakpoint *hit; /* at the last stop; NULL: none of ours */
	bool condition_failed;  /* hit because its condition has an error */
	struct err condition_error;
	struct variable variables[VARIABLES_MAX];
	unsigned variable_count;
	struct value history[HISTORY_MAX];
	unsigned history_count;
	bool intel;
	struct debug_calls calls;
	u32 checked_call; /* whose condition is being looked at */
	bool other_call;  /* it names an argument that this call has not */
};

static inline struct cpu *debug_cpu(const struct debug *d)
{
	return vm_cpu(d->vm);
}

/* After vm_run said BREAKPOINT, WATCHPOINT or CATCH: does one of ours want to stop
 * here?  Counts hits, sets d->hit. */
bool debug_break_wanted(struct debug *d, enum vm_stop why);
/* Takes the old values of watched places, before the guest goes on. */
void debug_watch_arm(struct debug *d);
/* Removes a temporary breakpoint that was hit. */
void debug_break_spent(struct debug *d);

/* Fills `env` for expressions on this machine. */
void debug_env(struct debug *d, struct expr_env *env);

#endif
