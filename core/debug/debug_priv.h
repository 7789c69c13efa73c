/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this room share. */
#ifndef CORE_DEBUG_DEBUG_PRIV_H
#define CORE_DEBUG_DEBUG_PRIV_H

#include "core/cpu/cpu.h"
#include "core/debug/debug.h"
#include "core/debug/unwind.h"

enum { VARIABLES_MAX = 64, HISTORY_MAX = 256, BUCKETS = 1024 };

struct variable {
	char name[24];
	struct value value;
};

/* All that a called function may change; what it does to memory stays. */
struct registers_before {
	u32 gpr[8], eip, arith, iflag, dflag, sysflags;
	bool halted;
	u8 shadow, fxsave[512];
};

/* Names of a user program, good while CR3 is this. */
struct space_symbols {
	struct space_symbols *next;
	u32 cr3;
	struct symbols *symbols;
};

struct debug {
	struct {
		unsigned level;
		u64 icount; /* and place, when it was selected */
		gla_t pc;
		struct unwind unwound;
	} frame;
	struct vm *vm; /* borrowed */
	struct symbols *symbols;
	struct space_symbols *spaces;
	bool knows_linux;  /* they are its own, */
	bool knew_linux;   /* or were, of the one before */
	u64 look_at_guest; /* icount, when none are known */
	u32 modules, modules_mark; /* Linux's list, what is in it; 0: not seen */
	struct breakpoint *breaks;
	struct breakpoint *code[BUCKETS]; /* by address */
	unsigned call_catches;
	unsigned pending; /* breakpoints at names that are not known yet */
	struct breakpoint *paging_catch; /* while there are */
	struct buf untold; /* what was found out while the guest ran */
	struct agent_env env; /* for expressions of a client */
	void (*print)(void *arg, const char *text, size_t len);
	void *print_arg;
	bool running, step_interrupts;
	u64 probe_steps; /* instructions to step for a probe */
	void (*probe_after)(void *arg);
	void *probe_arg;
	struct registers_before before_call;
	bool call_is_open; /* one was called and did not return */
	gla_t stop_pc; /* where it came to stand, its breakpoints seen */
	u64 went_at;   /* icount, when it last set out */
	int next_number;
	enum vm_stop why;
	struct breakpoint *asked; /* whose condition is being looked at */
	struct breakpoint *hit; /* at the last stop; NULL: none of ours */
	struct breakpoint *client_hit; /* the same, among the client's */
	bool condition_failed;  /* hit because its condition has an error */
	struct err condition_error;
	struct variable variables[VARIABLES_MAX];
	unsigned variable_count;
	struct value history[HISTORY_MAX];
	unsigned history_count;
	bool intel;
	struct debug_calls calls;
	struct perf_map *perf_map; /* NULL: nobody wants one */
	u32 checked_call; /* whose condition is being looked at */
	bool other_call;  /* it names an argument that this call has not */
};

static inline struct cpu *debug_cpu(const struct debug *d)
{
	return vm_cpu(d->vm);
}

/* A register of the frame that is selected; false: that is the processor's. */
bool debug_frame_register(struct debug *d, const char *name, struct value *v);
/* modules.c: adds the symbols of all modules of a Linux to those found; how
 * many.  Have others been loaded since? */
unsigned modules_put(struct debug *d, unsigned *modules);
bool modules_changed(struct debug *d);
/* Have breakpoints been asked since the guest came to where it is? */
bool debug_break_asked(struct debug *d);
/* vm_on_break's: does one of ours want to stop at the breakpoint met?  Counts
 * hits, sets d->hit. */
bool debug_at_break(void *arg, gla_t lin);
/* After vm_run said WATCHPOINT or CATCH: the same. */
bool debug_break_wanted(struct debug *d, enum vm_stop why);
/* As debug_break_add, of a form filled in but for what is said here. */
struct breakpoint *debug_break_append(struct debug *d,
				      const struct breakpoint *form,
				      const char *what, const char *condition,
				      struct err *e);
/* step.c: runs to addr, counted only with that stack pointer at this level.
 * True when it got there and nothing else came first. */
bool debug_run_to_frame(struct debug *d, gla_t addr, u32 esp);
/* client.c: the ones that were not put back go for good. */
void debug_client_settle(struct debug *d);
/* Does the client's breakpoint, met, want to stop?  Runs its commands. */
bool debug_client_wants(struct debug *d, struct breakpoint *b);
struct breakpoint **debug_bucket(struct debug *d, gla_t addr);
/* From where it is to there; NULL: it has no place. */
void debug_break_move(struct debug *d, struct breakpoint *b, const gla_t *to);
/* pending.c: symbols have come; those that the guest told have gone; the guest
 * goes on. */
void debug_pending_place(struct debug *d);
void debug_pending_lose(struct debug *d);
void debug_pending_wait(struct debug *d);
/* Takes the old values of watched places, before the guest goes on. */
void debug_watch_arm(struct debug *d);
/* Tells the machine of the next count of instructions to stop at. */
void debug_time_arm(struct debug *d);
/* Removes a temporary breakpoint that was hit. */
void debug_break_spent(struct debug *d);

/* Fills `env` for expressions on this machine. */
void debug_env(struct debug *d, struct expr_env *env);

#endif
