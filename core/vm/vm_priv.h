/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CORE_VM_VM_PRIV_H
#define CORE_VM_VM_PRIV_H

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "core/mem/mem.h"
#include "core/vm/load.h"
#include "core/vm/vm.h"

enum { WATCHES_MAX = 256 };

struct watch {
	gla_t lin;
	gpa_t gpa;
	unsigned len, rw;
	bool hit;
};

/* Guest time: see clock.c. */
struct clock {
	bool host;
	u64 skew;	/* guest ns = icount + skew, when virtual */
	u64 at_icount;	/* host clock: last sample */
	u64 at_ns;
	u64 host_start; /* host ns at which guest time was at_start */
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
	volatile int interrupt;
	bool watch_hit;
	struct watch watches[WATCHES_MAX];
	unsigned watch_count;
	enum vm_stop why;
	char why_text[160];
	u64 exceptions[32], interrupts[256];
	u64 idle_ns; /* guest time skipped or slept in HLT */
	u64 idle_run, idle_icount; /* of it, without work between; its end */
	void (*power_on)(void *arg);
	void *power_on_arg;
};

/* What a guest's reset does: memory, CPU and devices as at power-on; time and
 * counters go on. */
int vm_restart(struct vm *vm, struct err *e);

/* clock.c */
void clock_reset(struct vm *vm);
u64 clock_now(struct vm *vm, u64 icount);
void clock_sample(struct vm *vm);
/* The guest goes on: what passed since it stopped was stolen from it. */
void clock_resume(struct vm *vm);
/* Instructions from now until guest time `when`. */
u64 clock_icount_until(struct vm *vm, u64 when);
void clock_skip_to(struct vm *vm, u64 when);

#endif
