/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CORE_VM_VM_PRIV_H
#define CORE_VM_VM_PRIV_H

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "core/mem/mem.h"
#include "core/vm/load.h"
#include "core/vm/vm.h"

enum { CATCHES_MAX = 64 };

struct watch {
	gla_t lin;
	unsigned len, rw;
	bool hit;
};

struct vm_catch {
	enum vm_event what;
	u32 number;
	bool hit;
};

/* Guest time: see clock.c. */
struct clock {
	bool host;
	u64 skew;	/* guest ns = icount + skew, when virtual */
	u64 at_icount;	/* host clock: last sample */
	u64 at_ns;
	u64 seen_ns;	/* host's time then; at_ns, or later */
	u64 host_start; /* host ns at which guest time began */
	u64 stolen;	/* guest ns that passed between runs */
};

struct vm {
	struct vm_config cfg;
	struct mem *mem;
	struct bt *bt;
	struct cpu *cpu;
	struct bus *bus;
	struct bus_config bus_cfg;
	struct clock clock;
	unsigned requests; /* enum bus_request bits */
	u16 injected;	   /* an interrupt's vector + 1, 0: none */
	u16 injected_lines;
	volatile int interrupt, look;
	bool stops_at_df, df;	  /* a double fault was delivered */
	u8 df_during;		  /* ... instead of this */
	const char *interrupt_why; /* NULL: the user */
	bool (*on_break)(void *arg, gla_t lin); /* vm_on_break */
	void *on_break_arg;
	u64 stop_at;   /* vm_stop_at */
	bool stepping; /* an event delivered ends the run */
	unsigned steps;
	u64 sample_every, sample_at; /* the next; UINT64_MAX: none */
	enum vm_delivered delivered;
	struct vm_interrupted interrupted;
	bool watch_hit;
	struct watch *watches; /* owned; watch_room places */
	unsigned watch_count, watch_room;
	struct vm_catch catches[CATCHES_MAX];
	unsigned catch_count;
	bool caught;
	struct vm_caught last;
	u8 mode; /* as catch_mode last saw it */
	bool exception_passes; /* it was caught; now it is delivered */
	char catch_text[120];
	enum vm_stop why;
	char why_text[160];
	u64 exceptions[32], interrupts[256];
	u64 idle_ns; /* guest time skipped or slept in HLT */
	bool halted;	   /* as events tell it: */
	u64 halted_at;	   /* idle_ns then */
	u64 idle_run, idle_icount; /* of it, without work between; its end */
	bool shows_next; /* cfg.show_vmi from the next power-on on */
	u64 chaos;  /* state of the random numbers */
	u64 turns;  /* of the loop, for vm_config.check */
	struct vm_part part;
	struct sampling *sampling; /* NULL: nobody asks where time goes */
};

/* snapshot.c: is every value that is saved one that it may have?  -1: no. */
int saved_state_check(struct vm *vm, struct err *e);

/* check.c: where a run ends that chaos (vm.h) makes shorter; what may happen
 * between two runs has happened. */
u64 chaos_limit(struct vm *vm, u64 limit);

/* What a guest's reset does: memory, CPU and devices as at power-on; time and
 * counters go on. */
int vm_restart(struct vm *vm, struct err *e);

/* inject.c: does an interrupt wait for IF?  Takes it; its vector, or -1. */
bool irq_waits(struct vm *vm);
int irq_take(struct vm *vm);

/* run.c: delivers the exception pending, if nobody may want to stop there. */
bool vm_deliver_at_once(void *arg);

/* catch.c: what happens, told to who catches it.  True: do not deliver yet. */
bool catch_exception(struct vm *vm);
/* ... became another one on the way. */
void catch_delivered(struct vm *vm, unsigned vector, unsigned instead_of);
void catch_interrupt(struct vm *vm, unsigned vector);
void catch_port(struct vm *vm, bool out, u16 port, unsigned size, u32 value);
void catch_translator(struct vm *vm);
/* The guest stands at a breakpoint, or before a call that somebody catches. */
void catch_call(struct vm *vm);

/* sampling.c, while there is one: the guest runs or stands; in between, the
 * monitor waits for the host, or goes on. */
void sampling_run(struct vm *vm, bool runs);
void sampling_wait(struct vm *vm, bool waits);
void sampling_free(struct vm *vm);

/* clock.c */
void clock_reset(struct vm *vm);
u64 clock_now(struct vm *vm, u64 icount);
void clock_sample(struct vm *vm);
/* The guest waited, for a timer at `until` or less. */
void clock_waited(struct vm *vm, u64 until);
/* How far guest time may go if the guest waits. */
u64 clock_ahead(struct vm *vm);
/* Samples, then tells the time; also from within an operation. */
u64 clock_read(struct vm *vm);
/* The guest goes on: what passed since it stopped was stolen from it. */
void clock_resume(struct vm *vm);
/* Instructions from now until guest time `when`, an estimate on the host's
 * clock. */
u64 clock_icount_until(struct vm *vm, u64 when);
void clock_skip_to(struct vm *vm, u64 when);
/* For who saves it: guest time, and how much of it was stolen. */
struct vm_time {
	u64 now, stolen;
};
struct vm_time clock_get(struct vm *vm);
/* The CPU's icount is as it was then. */
void clock_set(struct vm *vm, const struct vm_time *t);

#endif
