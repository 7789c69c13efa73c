/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine put together: memory, CPU, translator, devices, clock; and its
 * loop.  Debuggers and the console act on a machine through this header. */
#ifndef CORE_VM_VM_H
#define CORE_VM_VM_H

#include "core/base/err.h"
#include "core/base/types.h"
#include "core/dev/dev.h"

struct vm;
struct cpu;
struct bt;

enum vm_stop {
#define STOP(name, signal, text) STOP_##name,
#include "core/cpu/stops.def"
	STOP_COUNT
};

struct vm_config {
	u64 ram;	 /* bytes */
	bool show_vmi;	 /* engine vmi: the ROM is there to be found */
	const char *kernel; /* path, or NULL: memory is left empty */
	char **modules;	    /* "FILE" or "FILE ARGS" */
	unsigned module_count;
	const char *append; /* kernel command line, or NULL */
	s64 flat_load;	    /* flat image's address, -1: look at content */
	bool clock_host;    /* guest time follows the host's */
	bool has_person;    /* who may type: an idle guest may wait for that */
	u64 seed;
	bool no_reboot; /* a reset ends the machine */
	bool bare; /* vm_new loads no kernel; a reset will */
	bool has_apic;
	/* Translator switches for tests; zero means the usual. */
	bool no_windows, no_links, no_gs, no_return_faults;
	bool step; /* every instruction a run of its own */
	bool counts_twice; /* to measure what counting costs */
	u64 max_insns;
	u64 code_size; /* rounded up to pages */
	u64 chaos; /* what must not matter happens at random, by this seed */
	u64 check; /* vm_check() each so many turns of the loop, and at stops */
	void *arg; /* passed back */
	/* A serial port (0, 1) sends a byte; port E9h does to port 0's. */
	void (*serial_out)(void *arg, unsigned port, u8 byte);
	/* Called every few ms of host time and when idle: deliver input, wait
	 * for some at most timeout_ms (-1: until there is any). */
	void (*poll)(void *arg, int timeout_ms);
};

/* Makes a machine and loads the kernel; NULL with the reason. */
struct vm *vm_new(const struct vm_config *cfg, struct err *e);
void vm_free(struct vm *vm);
/* Shows the guest VMI's ROM, or hides it, from the next reset on. */
void vm_show_vmi(struct vm *vm, bool show);
bool vm_will_show_vmi(const struct vm *vm);
/* Is it shown now? */
bool vm_shows_vmi(const struct vm *vm);
/* Power-on again: everything as vm_new left it, counters and guest time
 * included, so what follows is the same run.  Breakpoints and watches stay. */
int vm_reset(struct vm *vm, struct err *e);

/* Ends the process, saying which, unless the invariants of every room hold:
 * while the machine stands.  Debug builds do so at every stop. */
void vm_check(struct vm *vm);

/* Runs at most `max` instructions and says why it stopped. */
enum vm_stop vm_run(struct vm *vm, u64 max);
/* What happened, in words, with the details of the last stop. */
const char *vm_stop_text(struct vm *vm);
/* At most `max` instructions, ended by an event that is delivered: then the
 * guest stands at its handler, and *delivered says so. */
enum vm_delivered { VM_DELIVERED_NONE, VM_DELIVERED_EXCEPTION,
		    VM_DELIVERED_INTERRUPT };
enum vm_stop vm_step(struct vm *vm, u64 max, enum vm_delivered *delivered);
/* Where the last interrupt was delivered. */
struct vm_interrupted {
	gla_t pc;
	u32 esp, cr3;
	u8 cpl;
};
struct vm_interrupted vm_interrupted(struct vm *vm);
/* Signal-safe: vm_run returns STOP_INTERRUPT soon. */
void vm_interrupt(struct vm *vm);
/* The same for another reason than the user, in words. */
void vm_interrupt_for(struct vm *vm, const char *why);
/* vm_run and vm_step also stop, with STOP_CATCH, when so many instructions
 * have been retired since reset; 0: never. */
void vm_stop_at(struct vm *vm, u64 icount);
/* Does a double fault, when it has been delivered, stop the guest? */
void vm_stop_at_double_fault(struct vm *vm, bool on);
/* Signal-safe: vm_run calls `poll` soon. */
void vm_look(struct vm *vm);

/* What nothing in the machine made, to come when the guest goes on
 * (inject.c).  -1: something like it waits already. */
int vm_inject_interrupt(struct vm *vm, u8 vector, struct err *e);
/* ISA line 0 to 15 is up until an interrupt has been taken. */
int vm_inject_line(struct vm *vm, unsigned line, struct err *e);
int vm_inject_nmi(struct vm *vm, struct err *e);
/* address: for #PF. */
int vm_inject_exception(struct vm *vm, u8 vector, u32 error, gla_t address,
			struct err *e);

struct cpu *vm_cpu(struct vm *vm);
struct bus *vm_bus(struct vm *vm);
struct mem *vm_mem(struct vm *vm);
struct bt *vm_bt(struct vm *vm);
u64 vm_icount(struct vm *vm);
/* For an event: counts, eip, address space and privilege of the moment. */
struct trace_head;
void vm_where(struct vm *vm, struct trace_head *head);
/* Return addresses by the chain of frame pointers, at most n; how many. */
unsigned vm_frames(struct vm *vm, u32 *frames, unsigned n);
/* The event cpu_sample, if somebody records it, once in so many instructions;
 * a prime number does not go in step with the guest's timers. */
enum { VM_SAMPLE_EVERY = 999983 };
void vm_set_sample_every(struct vm *vm, u64 insns);
u64 vm_sample_every(const struct vm *vm);
/* Guest time in ns since reset. */
u64 vm_now(struct vm *vm);
/* Of that, ns in which the guest could have run but was held (host clock);
 * one that waits could not, until its next timer. */
u64 vm_stolen(struct vm *vm);
/* Seconds since 1970 at reset, as the CMOS clock has it. */
u64 vm_start_time(struct vm *vm);
/* What is built on top of the machine and belongs to it, one at most. */
struct vm_part {
	void *arg;
	/* At every reset, when memory is clear and firmware tables stand,
	 * before the kernel is loaded. */
	void (*power_on)(void *arg);
	/* Adds what of it is saved; after that was loaded. */
	void (*state)(void *arg, struct state_list *to);
	void (*loaded)(void *arg);
	/* Its counters begin anew; ,"name": n for each of vm_stats_json. */
	void (*stats_reset)(void *arg);
	void (*stats_json)(void *arg, bus_print *out, void *to);
	/* Other events are recorded than before (trace/trace.h). */
	void (*who_records)(void *arg);
};
void vm_set_part(struct vm *vm, const struct vm_part *part);

/* Code breakpoints by linear address; vm_run stops before the instruction.
 * -1: no host memory. */
int vm_break_add(struct vm *vm, gla_t lin);
int vm_break_remove(struct vm *vm, gla_t lin);
/* Says whether to stop at the one met, with the guest standing there; else it
 * goes on.  NULL: always stop. */
void vm_on_break(struct vm *vm, bool (*fn)(void *arg, gla_t lin), void *arg);
/* The instruction that the guest stands at runs though it has one, or not. */
void vm_pass_break(struct vm *vm, bool pass);
/* Watched linear ranges, in the address space of the moment.  -1: no host
 * memory, or it was not there. */
enum { VM_WATCH_READ = 1, VM_WATCH_WRITE = 2 };
int vm_watch_add(struct vm *vm, gla_t lin, unsigned len, unsigned rw);
int vm_watch_remove(struct vm *vm, gla_t lin, unsigned len, unsigned rw);
/* Did the last STOP_WATCHPOINT touch this range? */
bool vm_watch_hit(struct vm *vm, gla_t lin, unsigned len);

/* Events to stop at, with STOP_CATCH, calls with STOP_BREAKPOINT.  `number` is
 * a vector, port, control register, enum bt_exit, row of core/bt/events.def
 * or call.  -1: too many, or not there. */
enum vm_event {
	VM_EVENT_EXCEPTION,
	VM_EVENT_INTERRUPT, /* from devices, and by INT */
	VM_EVENT_PORT_IN,
	VM_EVENT_PORT_OUT,
	VM_EVENT_CR, /* written */
	VM_EVENT_EXIT,
	VM_EVENT_BT,
	VM_EVENT_CALL, /* a paravirtual call, before it is made */
	VM_EVENT_DR, /* written */
	VM_EVENT_MSR, /* read or written, by index */
	VM_EVENT_TABLE, /* GDTR, IDTR, LDTR, TR loaded: vm_table_name() */
	VM_EVENT_INVLPG, /* of the page at that linear address */
	VM_EVENT_CPUID, /* by leaf */
	VM_EVENT_MMIO, /* an access to a device, by physical address */
	VM_EVENT_MODE, /* entered: vm_mode_name() */
	VM_EVENT_COUNT
};
/* Names of their numbers, "" after the last. */
const char *vm_table_name(unsigned number);
const char *vm_mode_name(unsigned number);
#define VM_ANY (~0u)
int vm_catch_add(struct vm *vm, enum vm_event what, u32 number);
int vm_catch_remove(struct vm *vm, enum vm_event what, u32 number);
/* Did the last stop come from this one? */
bool vm_catch_hit(struct vm *vm, enum vm_event what, u32 number);
/* The last event's own numbers: which, with what value (CR, DR, MSR, port and
 * device: the value moved; exception: error code; table: its base; CPUID: the
 * subleaf), and of #PF the address. */
struct vm_caught {
	u32 number;
	u64 value;
	gla_t address;
};
struct vm_caught vm_caught(struct vm *vm);
/* "#PF at 00000010, error code 0006": what the last one was. */
const char *vm_catch_text(struct vm *vm);

/* ---- save and load (snapshot.c) ---- */
/* Writes the whole machine to a file, or nothing at all.  What was learnt of
 * translations and mappings is forgotten, so that what follows here and in a
 * machine that loads the file is the same run. */
int vm_save(struct vm *vm, const char *path, struct err *e);
/* Takes the state of a file, which must be of a machine like this one.  -1:
 * why not, and nothing has changed. */
int vm_load(struct vm *vm, const char *path, struct err *e);
/* Fills in what makes a machine like the one in the file, its kernel's command
 * line too; the strings are to be freed with *strings.  CPUID's features are
 * set. */
int vm_saved_config(const char *path, struct vm_config *cfg, char **strings,
		    struct err *e);

/* ---- where the host's time goes (sampling.c) ---- */
enum vm_activity {
#define ACTIVITY(NAME, name, words, more) VM_ACTIVITY_##NAME,
#define FUNCTION(function, activity)
#include "core/vm/activities.def"
	VM_ACTIVITIES
};
const char *vm_activity_name(enum vm_activity a);
const char *vm_activity_text(enum vm_activity a);
const char *vm_activity_more(enum vm_activity a);
/* From now on samples are taken, or no more; then they are forgotten. */
int vm_set_sampling(struct vm *vm, bool on, struct err *e);
bool vm_samples(const struct vm *vm);
/* What was sampled is forgotten. */
void vm_sampled_reset(struct vm *vm);
/* Processor time of this thread since then, or since counters began anew. */
struct vm_sampled {
	u64 ns[VM_ACTIVITIES]; /* their sum: */
	u64 all_ns;
	u64 kernel_ns; /* of all, in the host's kernel, as that counts it */
	u64 wall_ns;
	u64 samples;
	u64 lost_ns; /* of them, in places too many to be kept apart */
};
struct vm_sampled vm_sampled(struct vm *vm);
/* The shares, a line each, or two with more words. */
void vm_show_sampled(struct vm *vm, bool more, bus_print *out, void *to);
/* Of the time in translated code, where. */
struct vm_sampled_place {
	gla_t pc;
	u32 cr3; /* of user code */
	bool user;
	u32 samples;
	u64 ns;
};
enum { VM_SAMPLED_PLACES = 1 << 15 }; /* at most */
unsigned vm_sampled_places(struct vm *vm, struct vm_sampled_place *list,
			   unsigned max);

void vm_show_exits(struct vm *vm, bus_print *out, void *to);
/* Counters begin anew; the instruction count, which is guest time, goes on. */
void vm_stats_reset(struct vm *vm);
/* The counters but for exits, a line each, for people; without zeros. */
void vm_show_stats(struct vm *vm, bus_print *out, void *to);
/* The few that a live view is made of. */
struct vm_counts {
	u64 icount, idle_ns, exceptions, interrupts;
};
struct vm_counts vm_counts(struct vm *vm);
/* All counters, as one JSON object. */
void vm_stats_json(struct vm *vm, bus_print *out, void *to);

#endif
