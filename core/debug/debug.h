/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one model of debugging that the console and gdb share: go, stop, step,
 * break, name.  A front end reads its user and calls down; it never touches
 * the machine's run loop itself.
 *
 * I-debug-1: whatever is asked while the guest stands leaves guest memory,
 * accessed and dirty bits and guest time as they were.
 * I-debug-2: every go ends with `why` and the text of debug_describe_stop
 * current, whichever front end asked. */
#ifndef CORE_DEBUG_DEBUG_H
#define CORE_DEBUG_DEBUG_H

#include "core/base/buf.h"
#include "core/debug/agent.h"
#include "core/debug/expr.h"
#include "core/debug/symbols.h"
#include "core/vm/vm.h"

struct debug;

/* A debugger on a machine, which is borrowed.  Never fails. */
struct debug *debug_new(struct vm *vm);
void debug_free(struct debug *d);
struct vm *debug_vm(struct debug *d);
struct symbols *debug_symbols(struct debug *d);
/* Those that are asked first in the address space (CR3) of the moment; made
 * when there are none. */
struct symbols *debug_space_symbols(struct debug *d);

/* ---- go (step.c): each returns 0 when the guest has stopped for a reason
 * (see below), -1 and one line when it could not even start ---- */
int debug_continue(struct debug *d, struct err *e);
/* The same; fn looks at the guest after every `every` instructions that it
 * executed, at no time while it waits. */
int debug_continue_sampled(struct debug *d, u64 every, void (*fn)(void *arg),
			   void *arg, struct err *e);
int debug_stepi(struct debug *d, u64 n, struct err *e);
/* Instructions until one outside of [from, to) is next; at least one. */
int debug_step_range(struct debug *d, gla_t from, gla_t to, struct err *e);
/* Does a step that meets an interrupt end at its handler?  Else (at first)
 * the handler runs to its end and is not seen. */
void debug_set_step_interrupts(struct debug *d, bool on);
bool debug_step_interrupts(const struct debug *d);
/* Is the guest running, on behalf of any front end? */
bool debug_running(const struct debug *d);
int debug_nexti(struct debug *d, u64 n, struct err *e);
/* By source lines: into calls, over calls. */
int debug_step(struct debug *d, u64 n, struct err *e);
int debug_next(struct debug *d, u64 n, struct err *e);
/* Until the function returns. */
int debug_finish(struct debug *d, struct err *e);
/* Until addr is reached (or another reason comes first). */
int debug_advance(struct debug *d, gla_t addr, struct err *e);
/* Power-on state with the kernel loaded again. */
int debug_reset(struct debug *d, struct err *e);
/* The whole machine, to a file and from one; breakpoints stay as they are. */
int debug_save(struct debug *d, const char *path, struct err *e);
int debug_load(struct debug *d, const char *path, struct err *e);

/* Calls a function of the guest's (call.c).  `registers`: the first three
 * arguments are in EAX, EDX, ECX, as in Linux kernels; else all on the stack. */
enum { CALL_ARGS_MAX = 16 };
struct debug_call {
	gla_t function;
	bool registers;
	unsigned count;
	u32 args[CALL_ARGS_MAX];
};
/* 0: it ran.  *returned: its result is EDX:EAX, and the guest stands as
 * before; else something stopped it there.  -1: it could not start. */
int debug_call(struct debug *d, const struct debug_call *call, u64 *result,
	       bool *returned, struct err *e);
/* Puts back the registers from before one that did not return; false: there
 * is none. */
bool debug_call_undo(struct debug *d);

/* What somebody above knows of the call that the guest is about to make
 * (VM_EVENT_CALL): its arguments have names. */
struct debug_calls {
	void *arg;
	/* The argument of that name where the guest stands; false: none. */
	bool (*value)(void *arg, const char *name, struct value *v);
	/* Has call `number` (VM_ANY: any) an argument of that name? */
	bool (*has)(void *arg, u32 number, const char *name);
	/* Appends the call with its arguments. */
	void (*describe)(void *arg, struct buf *out);
};
void debug_set_calls(struct debug *d, const struct debug_calls *calls);

/* ---- stop (stop.c) ---- */
enum vm_stop debug_why(const struct debug *d);
/* Has the guest ended (powered off, triple fault…) so that only a reset
 * can make it go again? */
bool debug_ended(const struct debug *d);
/* "Breakpoint 2, 0xc0100040 in schedule+0x12", and what else belongs. */
void debug_describe_stop(struct debug *d, struct buf *out);
/* After a triple fault: what could not be delivered, and why (autopsy.c). */
void debug_autopsy(struct debug *d, struct buf *out);
/* The table's sentence for a reason. */
const char *debug_stop_sentence(enum vm_stop why);
int debug_stop_signal(enum vm_stop why);

/* ---- break (breaks.c) ---- */
enum break_kind {
	BREAK_CODE,
	BREAK_WRITE,
	BREAK_READ,
	BREAK_ACCESS,
	BREAK_EVENT,
	BREAK_TIME, /* a count of instructions since reset */
};

/* Expressions of a client, owned. */
struct agents {
	struct agent **list;
	unsigned count;
};

struct breakpoint {
	struct breakpoint *next;
	int number;
	enum break_kind kind;
	gla_t addr;
	unsigned len; /* watched bytes */
	enum vm_event event;
	u32 event_number;
	u64 icount; /* of BREAK_TIME */
	bool enabled, temporary;
	bool hidden; /* made by a step, not by a person */
	bool pending;    /* code: at a name that is not known yet, nowhere */
	bool is_its_own; /* the name is told by the guest itself (pending.c) */
	bool alone;  /* when it is met, others there are not: they were before */
	bool client; /* gdb's (see debug_client_add) */
	bool hardware, persistent, parked;
	struct breakpoint *here; /* code: next in its bucket */
	bool (*probe)(void *arg); /* see debug_probe_add */
	void *probe_arg;
	struct agents conditions, commands; /* of a client */
	enum { FRAME_ANY, FRAME_ABOVE, FRAME_SAME } frame; /* hidden: only in */
	u32 frame_esp, frame_cr3;
	u8 frame_cpl;
	u64 hits, ignore;
	u64 met;      /* hits, and when its condition was false */
	u64 met_at;   /* instructions done when it was met last */
	u64 since;    /* from the time before to that; ~0: none */
	char *condition; /* owned; NULL: none */
	char *what;      /* owned; as the person typed it */
	u64 old;         /* watched value at the last stop */
	u64 before;      /* and the one before it */
};

/* Adds one; `condition` may be NULL.  NULL and the reason when it cannot. */
struct breakpoint *debug_break_add(struct debug *d, enum break_kind kind,
				   gla_t addr, unsigned len, const char *what,
				   const char *condition, struct err *e);
/* At a location as a person types it, or "" where the guest stands.  A name
 * that the guest may still tell of is waited for: the breakpoint is pending. */
struct breakpoint *debug_break_at(struct debug *d, const char *text,
				  const char *condition, struct err *e);
/* The same for an event; `what` is "exception #PF". */
struct breakpoint *debug_catch_add(struct debug *d, enum vm_event event,
				   u32 number, const char *what,
				   const char *condition, struct err *e);
/* ... for when so many instructions have been done since reset. */
struct breakpoint *debug_time_add(struct debug *d, u64 icount,
				  const char *condition, struct err *e);
void debug_break_delete(struct debug *d, struct breakpoint *b);
int debug_break_enable(struct debug *d, struct breakpoint *b, bool on,
		       struct err *e);
/* NULL or "" takes the condition away; a bad expression is refused. */
int debug_break_condition(struct debug *d, struct breakpoint *b,
			  const char *condition, struct err *e);
struct breakpoint *debug_break_find(struct debug *d, int number);
/* The one that the guest stands at since the last stop, or NULL. */
struct breakpoint *debug_hit(struct debug *d);
/* Those that a person or a client has made, oldest first. */
struct breakpoint *debug_breaks(struct debug *d);
struct breakpoint *debug_break_next(struct breakpoint *b);
void debug_break_show(struct debug *d, struct buf *out);

/* ---- a client's breakpoints (client.c) ----
 * gdb takes all of its breakpoints away at each stop and puts them back when
 * it goes on.  One that was taken away is parked: it keeps its number and the
 * machine is not told, until the guest runs on without it. */
struct client_break {
	enum break_kind kind;
	gla_t addr;
	unsigned len;
	bool hardware;	 /* as the client calls it; for its stop reply */
	bool persistent; /* stays when the client has gone */
	/* Stop if any of these is true or fails; none: always.  With commands
	 * they run, and the guest goes on. */
	struct agents conditions, commands;
};
/* Adds it, or takes the one of that kind and place back with these
 * expressions, which it owns from now on, also when it fails. */
int debug_client_add(struct debug *d, const struct client_break *want,
		     struct err *e);
/* Parks it; -1: there is none. */
int debug_client_remove(struct debug *d, enum break_kind kind, gla_t addr,
			unsigned len, bool hardware);
/* Calls fn each time the guest is about to execute the instruction at addr,
 * which goes on unless fn says true: then it stops there.  NULL: no memory. */
struct breakpoint *debug_probe_add(struct debug *d, gla_t addr,
				   bool (*fn)(void *arg), void *arg);
/* From within fn: `after` is called after each of the next n instructions. */
void debug_probe_steps(struct debug *d, u64 n, void (*after)(void *arg),
		       void *arg);
/* The client has gone, and its breakpoints with it. */
void debug_client_gone(struct debug *d);
/* The client's breakpoint that the guest stands at, or NULL. */
struct breakpoint *debug_client_hit(struct debug *d);
void agents_free(struct agents *a);
/* What expressions of a client can reach; the caller may add callbacks. */
void debug_agent_env(struct debug *d, struct agent_env *env);
/* Where their printf goes; NULL: nowhere. */
void debug_on_print(struct debug *d,
		    void (*fn)(void *arg, const char *text, size_t len),
		    void *arg);

/* ---- names (names.c) ---- */
/* Evaluates with the guest's registers, memory and symbols; `end` as in
 * expr_eval. */
int debug_eval(struct debug *d, const char *text, const char **end,
	       struct value *v, struct err *e);
/* A place to stop at: *ADDR, symbol, file.c:12, 12 (a line where the guest
 * stands in a source), expression. */
int debug_location(struct debug *d, const char *text, gla_t *addr,
		   struct err *e);
/* Keeps a value as $1, $2, …; returns its number. */
unsigned debug_remember(struct debug *d, const struct value *v);
/* Appends "0xc0100040 <foo+4>"; "0xc0100040" without a symbol. */
void debug_address(struct debug *d, u32 addr, struct buf *out);
/* Symbol and source line of a linear address; before paging is on, of the
 * place where what lies there is linked. */
const char *debug_name(struct debug *d, u32 addr, u32 *offset);
/* The same in another address space. */
const char *debug_name_in(struct debug *d, u32 cr3, u32 addr, u32 *offset);
bool debug_line(struct debug *d, u32 addr, struct source_line *l);
/* Start of the function after the one that holds addr; 0 when unknown. */
u32 debug_next_name(struct debug *d, u32 addr);
/* How the caller's registers are found there, if a file says it. */
bool debug_frame(struct debug *d, u32 addr, struct cfi_row *row);
/* Linear address of the next instruction. */
gla_t debug_pc(struct debug *d);
unsigned debug_read(struct debug *d, gla_t at, void *buf, unsigned len);
unsigned debug_write(struct debug *d, gla_t at, const void *buf, unsigned len);

/* ---- what the guest says of itself (linux.c) ---- */
/* If no symbols are known, looks now and then whether it is a Linux that has
 * its own; tells of them in `out`, if that is not NULL. */
void debug_know_guest(struct debug *d, struct buf *out);
/* Looks now.  How many came, -1: there are none. */
int debug_linux_symbols(struct debug *d, struct buf *out);
/* Where in physical memory does the Linux begin that told of itself? */
bool debug_linux_text(struct debug *d, gpa_t *at);
/* Another guest is there now. */
void debug_forget_guest(struct debug *d);

/* ---- for perf (perfmap.c) ---- */
/* Notes blocks from now on; the end writes /tmp/perf-PID.map and says what is
 * in it. */
int debug_perf_map(struct debug *d, struct err *e);
int debug_perf_map_end(struct debug *d, struct buf *said, struct err *e);

/* ---- text (disasm, backtrace, paging, tables) ---- */
/* One instruction as gdb prints it; its length, 0 when unreadable. */
unsigned debug_show_insn(struct debug *d, gla_t at, struct buf *out);
unsigned debug_show_bytes_and_insn(struct debug *d, gla_t at, struct buf *out);
void debug_set_intel(struct debug *d, bool on);
void debug_backtrace(struct debug *d, unsigned limit, struct buf *out);
/* ---- the frame looked at (frame.c): 0 is where the guest stands ---- */
unsigned debug_frame_level(struct debug *d);
int debug_frame_select(struct debug *d, unsigned level, struct err *e);
/* Its next instruction; not `exact': what it returns to, behind a call. */
gla_t debug_frame_pc(struct debug *d, bool *exact);
/* "#1  0xc010550f <system_call+63> at syscall.c:33"; and its stack and caller.
 */
void debug_frame_show(struct debug *d, struct buf *out);
void debug_frame_describe(struct debug *d, struct buf *out);

/* The walk for one address, level by level. */
void debug_show_paging(struct debug *d, gla_t at, struct buf *out);
/* All that the current page tables map, in runs of equal rights; by frame:
 * also of frames side by side; as QEMU: in the form of its `info mem'. */
enum debug_maps { MAPS, MAPS_BY_FRAME, MAPS_AS_QEMU };
void debug_show_maps(struct debug *d, enum debug_maps how, struct buf *out);
/* The guest kernel's tasks: as `description` says (tasks.def), or, when NULL,
 * those of a kernel that is known. */
int debug_show_tasks(struct debug *d, const char *description, struct buf *out,
		     struct err *e);
/* What asks for an interrupt, and what the next one waits for. */
void debug_show_irq(struct debug *d, struct buf *out);
void debug_show_gdt(struct debug *d, struct buf *out);
void debug_show_idt(struct debug *d, struct buf *out);
void debug_show_ldt(struct debug *d, struct buf *out);
/* One entry: what a selector names, the gate of a vector.  -1: there is none. */
int debug_show_descriptor(struct debug *d, u32 selector, struct buf *out,
			  struct err *e);
int debug_show_vector(struct debug *d, u32 vector, struct buf *out,
		      struct err *e);
void debug_show_tss(struct debug *d, struct buf *out);

#endif
