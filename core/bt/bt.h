/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The binary translator: runs the guest until something must be done by
 * others, and says what (exits.def).
 *
 * Invariants
 * I-bt-1: a block's host code is entered only at its head, and the head of
 *         a dead block leads back to the dispatcher, or to a live block
 *         with a new translation of the same code.
 * I-bt-2: at every host instruction that can fault, the guest registers are
 *         those before the guest instruction.
 * I-bt-3: every page that live blocks were made from is marked as code, so
 *         that no write to it goes unseen.
 * I-bt-4: code memory is never writable and executable at one address.
 */
#ifndef CORE_BT_BT_H
#define CORE_BT_BT_H

#include "core/base/err.h"
#include "core/base/state.h"
#include "core/base/types.h"

struct bt;
struct cpu;
struct insn;

enum bt_exit {
#define EXIT(name, text) BT_EXIT_##name,
#include "core/bt/exits.def"
	BT_EXIT_COUNT
};

/* How memory is reached, for tests and measurements. */
struct bt_config {
	u64 code_size;	 /* bytes of code memory */
	bool windows;	 /* false: every access the soft way */
	bool links;	 /* false: every block returns to the dispatcher */
	bool gs;	 /* false: GS is as on a host whose programs cannot set it */
	bool return_faults; /* false: stubs compare all returns (returns.c) */
	unsigned max_insns; /* per block, 1..64 */
	bool counts_twice;  /* the code that counts stands there twice */
};

/* Makes a translator and the CPU state it works on. */
struct bt *bt_new(const struct bt_config *cfg, struct err *e);
void bt_free(struct bt *bt);
struct cpu *bt_cpu(struct bt *bt);
/* After cpu->mem is set: reserves windows and hears of changed pages. */
int bt_attach(struct bt *bt, struct err *e);
/* Ends the process unless the invariants hold; between two runs, slow. */
void bt_check(const struct bt *bt);
/* For tests, between two runs: does what a translator may do at any time,
 * and none has to: forgets, unlinks, changes its mind.  `dice` says what. */
void bt_disturb(struct bt *bt, u64 dice);
/* Forgets all translations. */
void bt_flush(struct bt *bt, const char *why);
/* The same, and what was learnt about them and about memory. */
void bt_forget(struct bt *bt);
/* The CPU was reset: forgets all that, and what was still to happen. */
void bt_reset(struct bt *bt);

/* What is due at the next instructions, for who saves the machine. */
struct bt_due {
	u32 sti_eip;	/* where interrupts wait for one instruction */
	u32 debug_trap; /* bits of DR6 for a #DB after this instruction */
	u64 ss_icount;	/* no #DB at this boundary, behind a load of SS */
};
extern const struct state_field bt_due_state[];
struct bt_due bt_due(const struct bt *bt);
/* After bt_reset(). */
void bt_set_due(struct bt *bt, const struct bt_due *due);

/* Runs until cpu->icount reaches `limit` exactly, or an exit.  Exceptions
 * are left pending in cpu->exc with BT_EXIT_EXCEPTION. */
enum bt_exit bt_run(struct bt *bt, u64 limit);
/* `fn` may deliver an exception at once, which costs less than leaving bt_run
 * for it; false: it has not.  Not every exception comes this way. */
void bt_on_exception(struct bt *bt, bool (*fn)(void *arg), void *arg);

/* Signal-safe: makes bt_run return BT_EXIT_KICK when translated code is left
 * next, at the latest when its limit is reached. */
void bt_kick(struct bt *bt);
/* An interrupt waits (or not): bt_run returns BT_EXIT_IRQ as soon as the
 * guest can take it. */
void bt_set_irq(struct bt *bt, bool waiting);
/* May an interrupt be taken at this very boundary? False in the shadow of
 * STI, MOV SS, POP SS. */
bool bt_can_interrupt(const struct bt *bt);
/* Guest instructions retired, exact, also in the middle of an operation. */
u64 bt_icount(const struct bt *bt);

/* The same and eip, as they are for an event at any time, also in the middle
 * of an access. */
struct trace_head;
void bt_where(const struct bt *bt, struct trace_head *head);

/* A REP in progress: how many iterations it may do now, and how many it did
 * beyond the first, which its block already paid for. */
u64 bt_rep_allowance(const struct bt *bt);
void bt_rep_done(struct bt *bt, u64 extra);
/* Must a REP end after the iterations it has done? */
bool bt_rep_must_end(const struct bt *bt);
/* Something is not watched any more: what was made to be careful with it is
 * made anew. */
void bt_unwatched(struct bt *bt);
/* Whom to ask besides the guest's debug registers about bytes of watched
 * pages: as `watched` in mem.h.  Who is told kicks. */
void bt_on_watch(struct bt *bt,
		 bool (*fn)(void *arg, gla_t lin, unsigned len, bool write,
			    bool tell),
		 void *arg);

/* The time-stamp counter's ticks are the instruction count plus skew, as of
 * the next bt_run; said before each.  Never said: op_hooks.tsc is asked. */
void bt_set_skew(struct bt *bt, u64 skew);

/* The guest did port I/O: its own debug registers may want to know. */
void bt_port_touched(struct bt *bt, u16 port, unsigned size);

/* Paravirtual calls: UD1 with an absolute operand, the call's number, read
 * at level 0 from [rom, rom + rom_len).  native[number] is the instruction
 * that does the same, its length that of the UD1, or NULL; bt_calls()[number]
 * goes up when that one is done, faults[number] when a call raised an
 * exception; to ticks[number], if that is not NULL, is added
 * what each call takes, by the host's time-stamp counter.  Tables are
 * borrowed.  Forgets all translations. */
enum { BT_CALLS_MAX = 128, BT_TELLS_NOTHING = 0xff };
enum bt_call_step { BT_CALL_BEGINS, BT_CALL_DONE, BT_CALL_FAULTS };
struct bt_paravirt {
	u64 rom;
	u32 rom_len;
	u32 first, stride; /* call n's UD1 is at rom + first + n * stride */
	unsigned calls;    /* at most BT_CALLS_MAX */
	bool in_line; /* false: every call is an operation */
	const struct insn *const *native;
	u64 *faults, *ticks;
	/* Where bt_lazy_mode notes eax; if that is not below lazy_modes,
	 * senseless[number] goes up. */
	u32 *lazy, lazy_modes;
	u64 *senseless;
	/* entry_told[number]: the register that becomes cpu.entry_told when such
	 * a call is done, or BT_TELLS_NOTHING. */
	const u8 *entry_told;
	/* Of these (bit n: call n) that are not operations `told` hears each
	 * step, before the instruction counts as done. */
	u64 tells[BT_CALLS_MAX / 64];
	void (*told)(void *arg, unsigned call, enum bt_call_step step);
	void *told_arg;
};
void bt_set_paravirt(struct bt *bt, const struct bt_paravirt *p);
/* Calls done that were not operations, by number, since somebody took them:
 * who reads them sets them to 0. */
u64 *bt_calls(struct bt *bt);
/* From now on bt_run stops before these calls (bit n: call n) as at a
 * breakpoint, wherever the ROM is mapped. */
void bt_stop_at_calls(struct bt *bt, const u64 bits[BT_CALLS_MAX / 64]);
/* The call that the guest is about to make in the ROM; -1: none. */
int bt_call_here(const struct bt *bt);
/* Instructions that no opcode names: eax := IF at bit 9 (as in EFLAGS), IF :=
 * bit 9 of eax, mem_announce_table() of page eax if the immediate is 1, ... */
struct opcode;
extern const struct opcode bt_get_if, bt_set_if, bt_kernel_stack, bt_call_iret,
	bt_call_sysexit, bt_announce, bt_lazy_mode, bt_set_long;
/* The row of a call that is an operation: its number and its place in the
 * ROM, at level 0, were looked at when it was translated. */
extern const struct opcode bt_paravirt_call;

/* Code breakpoints by linear address, counted; seen before the instruction
 * runs.  -1: no host memory. */
int bt_break_add(struct bt *bt, gla_t lin);
void bt_break_remove(struct bt *bt, gla_t lin);
/* Called whenever the guest's mode may be another; NULL: nobody wants to
 * know. */
void bt_on_mode(struct bt *bt, void (*fn)(void *arg), void *arg);
/* Who says whether the guest stops at one; NULL: it always does. */
void bt_on_break(struct bt *bt, bool (*fn)(void *arg, gla_t lin), void *arg);
/* The instruction at eip runs though it has one, or not. */
void bt_pass_break(struct bt *bt, bool pass);

/* The exceptions of guest instructions raised by signals: installs handlers
 * for the whole process, once. */
int bt_install_signals(struct err *e);

struct bt_stats {
	u64 exits[BT_EXIT_COUNT];
	u64 blocks, insns, guest_bytes, host_bytes;
	u64 lookups, links, flushes, invalidated, adapted, window_faults,
		returns_missed, guest_faults, op_calls, soft_calls, partial_blocks, copied_blocks,
		unlinks, code_full;
};
const struct bt_stats *bt_stats(const struct bt *bt);
void bt_stats_reset(struct bt *bt);
const char *bt_exit_name(enum bt_exit exit);

/* What the translator does besides running (events.def). */
enum bt_event {
#define BT_EVENT(name, counter, text) BT_EVENT_##name,
#include "core/bt/events.def"
	BT_EVENT_COUNT
};
const char *bt_event_name(enum bt_event event);
const char *bt_event_text(enum bt_event event);
const char *bt_exit_text(enum bt_exit exit);

/* From now on bt_run returns soon after one of these exits or events (bits
 * by enum), and bt_caught says which there were since it was asked last. */
struct bt_caught {
	u32 exits, events;
};
void bt_catch(struct bt *bt, u32 exits, u32 events);
struct bt_caught bt_caught(struct bt *bt);

/* Text for `info blocks` and `info exits`; what never was is left out. */
typedef void bt_print(void *to, const char *fmt, ...);
void bt_show_counts(const struct bt *bt, bt_print *out, void *to);
void bt_show_exits(const struct bt *bt, bt_print *out, void *to);
/* "kernel, 32-bit, flat": what translations of that mode are for. */
void bt_show_mode(u32 mode, bt_print *out, void *to);

bool bt_mode_is_32(u32 mode);
bool bt_mode_is_user(u32 mode);

enum { REPEATS_DEST = 1, REPEATS_BOTH };

/* One instruction of a block. */
struct insn_mark {
	u32 guest; /* its address less the block's */
	u16 host; /* offset of its first host byte in the block */
	s16 esp_due; /* when it begins, r12 lacks this to be esp */
	u8 paid; /* so many, from it on, were taken from the budget with it */
	u8 site; /* how it was made to reach memory: bt's own */
	/* It is the host's own repeated string instruction: of edi and esi,
	 * these hold host addresses when it faults; an element's size, as a
	 * shift; and it begins so many host bytes behind `host`. */
	u16 repeats : 2, shift : 2, begins : 6;
	u16 rom : 1; /* it is in the ROM or a thunk, called in line */
};

/* Notes which blocks run, from now on; costs some host instructions each.  Off
 * at first. */
int bt_record(struct bt *bt, bool on, struct err *e);
bool bt_recording(const struct bt *bt);
/* Counts how often each block runs and how translated code is left from it,
 * from now on; costs some host instructions each.  Off at first. */
int bt_profile(struct bt *bt, bool on, struct err *e);
bool bt_profiling(const struct bt *bt);
struct bt_profile {
	u64 runs;
	u32 exits[BT_EXIT_COUNT]; /* of host faults, what they came to */
};
/* Host bytes of the blocks that ran, as often as they did, since all were
 * forgotten last; 0: that is not counted. */
u64 bt_host_bytes_run(const struct bt *bt);
/* Of a block since it was made; NULL: that is not counted. */
const struct bt_profile *bt_block_profile(const struct bt *bt, u64 number);
/* Stretches of code executed last, the latest first; how many. */
struct bt_recent {
	gla_t lin;
	unsigned insns;
};
enum { BT_RECENT_MAX = 4096 };
unsigned bt_recent(const struct bt *bt, struct bt_recent *list, unsigned max);

/* One block, for those who look. */
struct bt_block_view {
	gla_t lin;
	gpa_t gpa;
	u32 mode;
	unsigned insns, guest_len, host_len, ways_len;
	const u8 *host;
	const u8 *ways; /* code for what it leads to, until that is linked */
	u64 number; /* in the order they were made */
	const struct insn_mark *marks; /* insns + 1 of them, the last the ends */
};
/* The youngest live block older than number `before` (~0 at first), and, when
 * `any` is false, with `lin` in it; false when there is none. */
bool bt_next_block(const struct bt *bt, u64 before, bool any, gla_t lin,
		   struct bt_block_view *view);
/* Why its index-th instruction is as it is (explain.c); false: its bytes cannot
 * be read, or not in one piece. */
struct bt_story {
	const char *not_copied; /* NULL: it is the host's as it stands */
	const char *memory;	/* how it reaches memory; NULL: not at all */
	const char *memory_why; /* NULL: as all do at first */
};
bool bt_story(const struct bt *bt, const struct bt_block_view *v,
	      unsigned index, struct bt_story *story);
/* Blocks whose branches were patched to lead to it; what its own branches name,
 * and whether they lead there.  number ~0: there is no such block. */
struct bt_link {
	gla_t place;
	u64 number;
	bool linked;
};
unsigned bt_links_in(const struct bt *bt, u64 number, struct bt_link *list,
		     unsigned max);
unsigned bt_links_out(const struct bt *bt, u64 number, struct bt_link *list,
		      unsigned max);
/* What else leads to it: slots of link tables, entries of the jump cache. */
struct bt_tables {
	unsigned slots, jumps;
};
struct bt_tables bt_tables_to(const struct bt *bt, u64 number);
/* Blocks that were there before and died, the latest first. */
struct bt_past_view {
	u64 icount;
	const char *why;
};
unsigned bt_past(const struct bt *bt, gpa_t gpa, gla_t lin,
		 struct bt_past_view *list, unsigned max);
/* The block that would be made of the code at lin in a flat 32-bit kernel, at
 * most `insns` long, as things are now.  Nothing of it is kept: the view is
 * good until a block is made.  False: there is no such code. */
bool bt_try(struct bt *bt, gla_t lin, gpa_t gpa, unsigned insns,
	    struct bt_block_view *view);
/* Called for each block that is made; NULL: nobody wants to know. */
void bt_on_block(struct bt *bt,
		 void (*fn)(void *arg, const struct bt_block_view *b),
		 void *arg);
/* The index-th piece of host code that is no block, in the order of their
 * addresses; false: there are no more. */
struct bt_stub_view {
	const u8 *host;
	u32 len;
	const char *name;
};
bool bt_stub(const struct bt *bt, unsigned index, struct bt_stub_view *view);
/* What a host pc stands in; signal-safe.  lin, user: of BT_SPOT_CODE, a guest
 * instruction's. */
enum bt_spot_kind {
	BT_SPOT_NONE, /* C */
	BT_SPOT_CODE,
	BT_SPOT_LOOKUP, /* the jump cache is asked */
	BT_SPOT_FAULT,	/* back from a signal's handler */
	BT_SPOT_EXIT,	/* out of translated code or into it */
};
struct bt_spot {
	enum bt_spot_kind kind;
	gla_t lin;
	bool user;
};
struct bt_spot bt_spot(const struct bt *bt, const void *pc);
/* What lies at a host address that translated code names, such as
 * "cpu.iflag"; NULL: nothing with a name. */
const char *bt_host_name(const struct bt *bt, u64 at);

#endif
