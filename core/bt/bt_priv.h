/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the translator share. */
#ifndef CORE_BT_BT_PRIV_H
#define CORE_BT_BT_PRIV_H

#include "core/base/check.h"
#include "core/bt/bt.h"
#include "core/bt/emit.h"
#include "core/cpu/cpu.h"
#include "core/mem/mem.h"
#include "core/op/op.h"
#include "core/x86/decode.h"
#include "core/x86/opcode.h"
#include "trace/trace.h"

/* ---- what translated code depends on besides its bytes ---- */
enum {
	MODE_CS32 = 1 << 0,
	MODE_CS_FLAT = 1 << 1,
	MODE_SS_FLAT = 1 << 2, /* base 0, 4 GiB, 32-bit stack */
	MODE_DS_FLAT = 1 << 3,
	MODE_ES_FLAT = 1 << 4,
	MODE_CPL0 = 1 << 5,
	MODE_USER = 1 << 6,
	MODE_V86 = 1 << 7,
	MODE_ALIGN = 1 << 8, /* alignment checks: all accesses soft */
	MODE_PAGED = 1 << 9, /* keeps blocks of before paging apart */
	MODE_CS_SHIFT = 16,  /* index into cs_forms, 0 when CS is flat */
};

struct cs_form {
	u32 base, limit;
	u16 attr;
};
enum { CS_FORMS_MAX = 4096 };

/* ---- how one memory instruction reaches memory ---- */
enum site {
	SITE_WINDOW, /* the window of the privilege level */
	SITE_USER,   /* the user window, from supervisor code */
	SITE_SOFT,
	/* Where it is mapped; the soft way if it is not: for code that keeps
	 * meeting pages for the first time (site.c). */
	SITE_COLD,
	/* In supervisor code, the same with both windows: for code that copies
	 * from user pages and to them. */
	SITE_EITHER,
	/* The soft way, in a page some of whose bytes are watched; with a
	 * table of lines in which none is (site.c). */
	SITE_WATCHED,
};

/* ---- blocks ---- */
struct block {
	gla_t eip; /* of the first instruction (offset in CS) */
	gla_t lin;
	gpa_t gpa;
	gpa_t gpa2; /* second page when the instruction straddles, else ~0 */
	/* The page that it depends on besides its own: the one of gpa2, or the
	 * ROM's, whose calls it has in line; ~0: none. */
	gpa_t page2;
	u32 mode;
	u8 *host; /* running address of the head */
	u32 host_len;
	u32 ways_len;
	/* Behind a check for x87 or SSE state, which who comes with it ready
	 * leaves out: what it is, as tr.fpu_ready, and bytes from the head; 0: no
	 * such check. */
	u8 needs;
	u16 ready_at;
	u8 *ways; /* its ways out to what is not linked, elsewhere */
	bool falls; /* its code runs on into that of the block at falls_to */
	u32 falls_to;
	u32 order; /* place in bt->order */
	u16 guest_len, insns;
	bool dead, temporary;
	bool moves; /* it can be copied elsewhere (rebase.c) */
	bool calls_rom; /* has calls of the ROM or of a thunk in line, */
	u32 rom_shift;	/* whose linear addresses less the physical are this */
	struct insn_mark *marks; /* insns + 1 of them */
	const u16 *fixups; /* where it depends on its place (emit.h); */
	u16 fixup_count, ways_fixup_count; /* the latter of the ways out */
	struct block *page_next, *page2_next;
	struct block **page_link, **page2_link; /* what leads to it there */
	struct block *copy; /* the one made of it last (rebase.c) */
	/* The dead blocks whose heads lead to it; of a dead one, the next of
	 * those that lead where it does. */
	struct block *led;
};

/* Where a branch leads that comes with that much of the state ready. */
static inline const u8 *block_entry(const struct block *b, unsigned ready)
{
	return b->needs & ~ready ? b->host : b->host + b->ready_at;
}

/* A branch to a known address, until it is linked. */
struct edge {
	struct block *from;
	u8 *site;    /* running address of the rel32 to patch, or NULL */
	gla_t target; /* eip */
	struct block *to; /* once it is linked; it may have died since */
	u8 ready; /* as tr.fpu_ready, where it leaves its block */
};

/* The jump cache: where a target of indirect branches is translated, by its
 * lower half and the context, which begins at a place of its own: so two
 * contexts have the same entry for targets that differ, and the target tells
 * all entries of a place apart.  Two targets that want the same place get one
 * in either way; the second is only looked at when the first is for another. */
struct jump_entry {
	u64 tag; /* ~target, 0: free */
	u64 host;
};
enum {
	JUMP_PLACES = 1 << 14, /* where contexts may begin */
	JUMP_WAY = JUMP_PLACES + (1 << 16),
	JUMP_CACHE_SIZE = 2 * JUMP_WAY,
};

/* State that translated code and the stubs use, near the code. */
struct live {
	u64 c_rsp;
	u64 guest_rsp;
	u64 resume_pc;
	u64 op_return; /* host pc after the call of an operation */
	u64 r[4];      /* r8..r11 at a host fault */
	u64 tsc_base;  /* ticks of the time-stamp counter + r14, block paid */
	u64 budget;    /* r14 while C code runs: budget_base + instructions left */
	u64 context;   /* r13: the link table, identity of space and mode */
	u64 rom_context; /* the last of the kernel's that was looked at so */
	u64 context_number; /* which of the link tables there have been */
	u64 jumps; /* the jump cache's entries of this context begin here */
	u64 stack_empty; /* guest_rsp when no return is predicted */
	u64 window;    /* r15 */
	u64 user_window;
	u64 window_map, user_window_map; /* of these (window.h) */
	u64 spill;
	u64 string_source; /* a string instruction's, host address */
	struct jump_entry jump_miss; /* leads to the second way */
	u64 reach_age; /* where that is (mem.h) */
	u64 reach; /* struct reach_tables of the CPL */
	u64 seg_window[2]; /* FS, GS: window of the CPL, or nowhere */
	u64 calls[BT_CALLS_MAX]; /* paravirtual calls done (bt_calls) */
	u64 call_start; /* ticks at which a paravirtual call that is timed began */
	u32 call_timed; /* its number + 1, for its operation; 0: none */
	u32 call_made;	/* the same of one to be counted when it is done */
	u32 edge;
	u32 irq_waiting;
	u32 soft_post; /* work to do after a soft write */
	u32 fpu_blocked; /* x87 and MMX cannot run as things are */
	u32 sse_blocked;
	u32 sti_eip; /* interrupts wait one instruction at this eip */
	u32 rom_doubt; /* is the ROM where it is called in line? (in_line.c) */
	u32 unretired; /* instructions of the block not retired at a call */
	u32 indirect; /* target of an indirect branch that missed */
	u32 exit;	/* enum bt_exit */
	u32 fault_trap, fault_error;
	u64 fault_pc, fault_address;
	u64 recent; /* the next entry of the ring (recent.c) */
	u32 block; /* the number of the one that runs (profile.c) */
};


struct area {
	struct cpu cpu;
	struct live live;
};

enum { BLOCK_INSNS = 64, EDGES_MAX = 1 << 20 }; /* at most */
enum { FIXUPS_MAX = 1024, PLACES = 1 << 18, THUNKS = 1 << 12 };

enum { RETURNS_MISSED = 256 };

enum { BOUNCE_PAGES = 2, SITES_SIZE = 1 << 16, SITE_PAGES = 1 << 16 };

struct site_entry {
	u32 gpa;
	u8 site;
	u8 patience; /* host faults until it turns cold, doubled each time;
		      * 0: the entry is free */
	u8 left;     /* of these */
	u8 why;	     /* TRACE_adapt_ + 1, of its last change; 0: none */
};

/* Blocks that died lately, for who asks why one was made again. */
struct past {
	u64 icount;
	gpa_t gpa;
	gla_t lin;
	u8 why; /* TRACE_invalidate_ */
};
enum { PAST_MAX = 1 << 12 };

/* A page that cold sites reach the soft way, and how often they did. */
struct cold_page {
	u64 context;
	gla_t page;
	u32 count;
};
enum { COLD_PAGES = 1 << 10 };

/* A line of memory that translated code in flat segments may read and write,
 * by its number modulo REACHED_LINES (mem_reach_line). */
struct reached_line {
	u64 tag; /* -(*mem_reach_age() + number) */
	u64 host; /* address less the linear one */
};
enum { REACHED_LINES = 256 };

/* The same of a page, by its number modulo REACHED_PAGES, for cold sites. */
struct reached_page {
	u64 tag[2]; /* to read, to write; 0: not so */
	u64 host;
	u64 left; /* times until C code is to look whether it is worth a mapping */
};
enum { REACHED_PAGES = 256 };

/* What a privilege level reaches so. */
struct reach_tables {
	struct reached_line lines[REACHED_LINES];
	struct reached_page pages[REACHED_PAGES];
};

/* What a soft access left to do once its instruction has run. */
struct soft_pending {
	gpa_t gpa[2];
	u32 len[2];
	unsigned parts;
	u8 *bounce;
	gla_t lin;
};

/* One of DR0-DR3, as last looked at. */
struct debug_point {
	bool on;
	u8 type;
	gla_t lin; /* as masked by len */
	u8 len;
};

enum {
	CONTEXTS_MAX = 64,
	SLOTS_MAX = 1 << 17,
	SLOT_STUB = 12, /* bytes of what an empty slot leads to, */
	SLOT_STUBS = SLOTS_MAX * SLOT_STUB, /* and all of them */
	JUMP_PAGES = 1 << 14,
	TABLE_BYTES = SLOTS_MAX * 8,
	LINK_CHAINS = 128, /* of a context */
	LINKS_MAX = 1 << 18, /* of all */
	HOST_STACK = 128 << 10,
};

/* An address space in one mode: branches between its pages are linked in a
 * table of its own. */
struct context {
	u32 mode;
	u64 user_window, supervisor_window; /* 0: it reaches no such pages */
	u8 *table;
	/* Its links, by page of the target; ~0 ends a chain. */
	u32 links[LINK_CHAINS];
};

/* A privilege level, supervisor or user (MODE_USER). */
struct level {
	/* What follows from this mode, which it was in last; or from none, with
	 * LEVEL_UNKNOWN, since windows or link tables changed (mode.c). */
	u32 mode;
	u64 window, window_map, reach, context, context_number, jumps;
	/* The host stack with its predicted returns, and in which context they
	 * were predicted; 0: in none. */
	u64 stack_empty, stack_owner, stack_rsp;
};
#define LEVEL_UNKNOWN (1u << 15)
/* The bits of a mode that no transfer between flat segments changes. */
#define LEVEL_SAME \
	(LEVEL_UNKNOWN | MODE_DS_FLAT | MODE_ES_FLAT | MODE_V86 | MODE_PAGED)

struct bt {
	struct area *area;
	struct cpu *cpu;
	struct live *live;
	struct bt_config cfg;
	/* code memory */
	u8 *code_x, *code_w;
	u64 code_size, stubs_size;
	struct emit emit;     /* where the next block goes, */
	struct emit ways;     /* and its ways out */
	u8 *ways_x;	      /* where that of ways out begins */
	u8 *temp_x;	      /* where a temporary block goes */
	bool temp_runs;	      /* the one there is */
	struct block *temp;   /* that one, and its metadata */
	u8 temp_meta[16 << 10] __attribute__((aligned(16)));
	/* Of the block that is being made; what is needed later is kept. */
	struct insn decoded[BLOCK_INSNS];
	struct insn_mark decoded_marks[BLOCK_INSNS + 1];
	u16 fixups[FIXUPS_MAX], ways_fixups[FIXUPS_MAX];
	u8 *host_stacks;     /* two, a guard page below each */
	u8 *host_stack[2];   /* their upper ends: supervisor, user */
	/* stubs (running addresses) */
	const u8 *stub_enter, *stub_resume, *stub_exit_edge, *stub_exit_plain,
		*stub_fault, *stub_op, *stub_soft, *stub_watched, *stub_post,
		*stub_jump, *stub_fpu, *stub_fpu_ahead, *stub_tell, *stub_dead, *stub_slot,
		*stub_return, *stub_returned, *stub_cold[2], *stub_cold_pages[2], *stub_pages[2], *stub_mapped[2],
		*stub_int, *stub_iret,
		*stub_sysenter, *stub_sysexit, *stub_inval_page;
	/* A load from [r14] at each block's head faults below this. */
	u8 *budget_base;
	u8 *nowhere; /* reserved space that no access may reach */
	/* metadata, forgotten together with the code */
	u8 *meta;
	u64 meta_size, meta_used;
	struct block **order; /* by host address */
	u32 block_count, block_max;
	struct edge *edges;
	u32 edge_count;
	/* Blocks by address and mode: open addressing. */
	struct place {
		u32 tag;    /* of the hash */
		u32 number; /* place in order + 1; 0: free */
	} *index;
	u32 index_bits;
	struct block **page_blocks; /* by physical page */
	/* By physical address and mode, one that can be copied (rebase.c). */
	struct block *places[PLACES];
	struct jump_entry *jump_cache;
	u64 thunks[THUNKS]; /* thunk.c */
	u32 thunk_count;
	struct bt_paravirt paravirt;
	u64 call_stops[BT_CALLS_MAX / 64]; /* paravirtual calls to stop at */
	bool stops_at_calls;		   /* any of them */
	bool tsc_counts; /* ticks are icount + skew */
	u64 skew;
	struct site_entry sites[SITES_SIZE];
	u64 site_pages[SITE_PAGES / 64]; /* a bit for each page that has any */
	struct cold_page cold_pages[COLD_PAGES];
	struct past past[PAST_MAX];
	u64 past_count;
	struct reach_tables reach[2]; /* supervisor, user */
	bool has_watched_sites;
	bool has_shrx, has_gs;
	bool returns_fault; /* those that went elsewhere (returns.c); */
	struct returned {
		const u8 *pc;
		u64 icount;
	} returned[RETURNS_MISSED]; /* the last at these places */
	u32 site_count;
	struct cs_form cs_forms[CS_FORMS_MAX];
	u32 cs_form_count;
	/* breakpoint.c */
	struct bt_break *breaks; /* hashed; break_room places */
	u32 break_room, break_used, break_count;
	u32 *break_changes;	 /* as many places */
	bool breaks_changed;	 /* since blocks were made to suit them */
	struct pass {
		bool on;
		gla_t lin;
		u32 esp;
	} pass; /* the instruction there runs though it has one */
	bool (*on_break)(void *arg, gla_t lin);
	void *break_arg;
	u8 lin_has_code[1 << 17]; /* bit per linear page */
	u32 mode; /* of the CPU now */
	u64 supervisor_window;
	struct level level[2];
	bool observed; /* somebody is to hear of transfers; no level is known */
	u64 limit; /* icount at which the budget is zero */
	struct soft_pending soft;
	u64 x87_host; /* where the last soft x87 operand was given out */
	gla_t x87_lin; /* ... and what it is to the guest */
	u8 bounce[3 * 64] __attribute__((aligned(64)));
	bool invalidated; /* translations died during an operation */
	volatile int kick;
	bool in_code;	 /* C code was called from translated code */
	bool running;	 /* the budget counts, not cpu->icount */
	bool eip_open;	 /* cpu->eip is not set: live->op_return tells */
	/* link.c */
	struct context contexts[CONTEXTS_MAX];
	u32 context_count;
	u8 *tables;	/* reserved for link tables, each used once */
	u64 tables_used;
	int template_fd; /* a link table in which nothing is linked */
	gla_t slot_target[SLOTS_MAX];
	struct link {
		u32 slot, next;
	} *links;
	u32 link_count, link_free; /* ever used; chain of those given back */
	/* Entries of the jump cache in use, as index + 1, by the same hash. */
	u32 jump_pages[JUMP_PAGES];
	u32 jump_next[JUMP_CACHE_SIZE], jump_prev[JUMP_CACHE_SIZE];
	u32 jump_target[JUMP_CACHE_SIZE];
	u32 slot_hash[2 * SLOTS_MAX]; /* slot + 1, by target */
	u32 slot_count;
	struct followed {
		u64 context;
		gpa_t gpa;
		gla_t page;
	} followed[1024];
	bool kernel_in_user; /* supervisor code runs in user pages */
	struct level *entered; /* whose host stack is in use */
	bool stack_void; /* predicted returns must not be used any more */
	bool tss_known;	/* translations name the TSS: */
	struct seg tss;
	u64 rf_icount; /* see run_suspend_rf; else ~0 */
	u64 raised_icount; /* when an exception was last delivered at once */
	bool followed_entry; /* mem tells when the page of the block that was
			      * entered last is mapped elsewhere */
	struct debug_point points[4];
	u32 points_on;	/* any of DR7's enable bits */
	u32 debug_trap; /* DR6 bits of a #DB due after this instruction */
	u64 ss_icount;	/* the boundary after a load of SS: no #DB there */
	bool alone;	/* run the instruction at eip in a block of its own */
	bool (*on_watch)(void *arg, gla_t lin, unsigned len, bool write,
			 bool tell);
	void *watch_arg;
	bool (*on_exception)(void *arg);
	void *exception_arg;
	void (*on_mode)(void *arg);
	void *mode_arg;
	void (*on_block)(void *arg, const struct bt_block_view *b);
	void *block_arg;
	bool records; /* recent.c */
	u8 *ring_map;
	struct recent_entry *ring;
	bool profiles; /* profile.c */
	struct bt_profile *profile; /* by number; NULL: there never was one */
	struct bt_stats stats;
	struct bt_caught wanted, caught; /* catch.c */
	struct bt_stats seen;
	struct callers {
		gla_t page[4]; /* at which the ROM is called in line */
		u32 pages;
		u32 losses; /* times that it was not there any more */
	} callers; /* in_line.c */
};

/* ---- one translation in the making ---- */
enum {
	BLOCK_ROOM = 16 << 10, /* host bytes a block may need, */
	WAYS_ROOM = 4 << 10,   /* and its ways out */
	WAYS = 5, /* 32nds of the code memory are these */
	WAY_LEN = 11, /* bytes of a way out */
	HEAD_LEN = 15, /* bytes of a dead block's head; no block is shorter */
	/* Blocks made at once since each falls into the next: of the kernel's,
	 * which are made once, and of programs', to be copied for each. */
	FALLS_MAX = 4,
	FALLS_MAX_USER = 1,
	/* The first few edges belong to the temporary block. */
	EDGES_TEMPORARY = BLOCK_INSNS + 8,
};

struct tr {
	struct bt *bt;
	struct emit e, ways;
	struct block *b;
	struct insn *in;     /* current */
	const u8 *code;	     /* bytes of the block's page */
	unsigned index;	     /* of the current instruction */
	u32 eip, next;	     /* of and after it */
	u32 mode;
	enum site site;
	unsigned fpu_ready; /* 1: x87 and MMX, 2: SSE checked */
	bool ended;
	struct insn *insns;  /* bt->decoded */
	u64 temp_used;	     /* of temp_meta */
	u8 call[BLOCK_INSNS]; /* paravirtual call in line + 1, 0: none */
	u8 timed[BLOCK_INSNS]; /* paravirtual call to be timed + 1 */
	bool op_made;	     /* the current instruction calls an operation */
	/* edge stubs to be made after the block */
	struct {
		u8 *patch; /* written address of the rel32 that leads there */
		u32 target;
		unsigned ready; /* fpu_ready there */
	} cold[BLOCK_INSNS + 8];
	unsigned cold_count;
	u8 *tail;	 /* the last jump made, while it is the block's end */
	unsigned falls;	 /* blocks that fell into one another up to this */
	s32 esp_due;	 /* r12 has yet to move by this (rules_stack.c) */
	bool esp_waits;	 /* ... and the current instruction leaves it so */
	bool stays;	 /* the block cannot be copied elsewhere */
	bool soft_write; /* the instruction wrote the soft way */
	struct trace_bt_translate *record; /* NULL: nobody records it */
	bool trial;	 /* somebody looks: without what measures */
};

/* codemem.c */
int codemem_init(struct bt *bt, struct err *e);
void codemem_free(struct bt *bt);
void codemem_patch_jump(struct bt *bt, u8 *site, const u8 *target);
static inline u8 *codemem_written(const struct bt *bt, const u8 *running)
{
	return bt->code_w + (running - bt->code_x);
}

/* stubs.c */
void stubs_emit(struct bt *bt);
void emit_lookup(struct bt *bt, struct emit *e, unsigned kind);

/* cache.c */
struct block *cache_find(struct bt *bt, gla_t lin, gpa_t gpa, u32 mode);
struct block *cache_look(const struct bt *bt, gla_t lin, gpa_t gpa, u32 mode);
void cache_insert(struct bt *bt, struct block *b);
struct block *cache_by_host(const struct bt *bt, const u8 *pc);
void *meta_alloc(struct bt *bt, u64 size);
void cache_watch_temporary(struct bt *bt);
void cache_code_written(void *arg, gpa_t gpa, u64 len);
void cache_kill(struct bt *bt, struct block *b, enum trace_word why);
void cache_revive(struct bt *bt, struct block *dead, struct block *to);
struct block *cache_next_in_page(struct block *b, gpa_t page);
void link_purge_jumps(struct bt *bt);
void cache_reset(struct bt *bt);

/* site.c */
/* What was learnt of the instruction; NULL: nothing. */
const struct site_entry *site_entry(const struct bt *bt, gpa_t gpa);
/* explain.c: a block dies. */
void past_note(struct bt *bt, const struct block *b, enum trace_word why);
enum site site_get(const struct bt *bt, gpa_t gpa);
void site_forget_all(struct bt *bt);
/* From now on instruction `index` of b reaches memory that way. */
void site_change(struct bt *bt, struct block *b, unsigned index, enum site s,
		 enum trace_word why);
/* Instruction `index` of b met a page that is not mapped yet; true: b is
 * dead now. */
bool site_missed(struct bt *bt, struct block *b, unsigned index);
/* Has the site changed since the block was translated, by what another block
 * with the same instruction met? */
bool site_is_stale(struct bt *bt, const struct block *b, unsigned index);
/* The block is seen to run often: its cold sites reach for the window. */
void site_heat(struct bt *bt, struct block *b);
/* A cold site reached RAM at lin the soft way.  False: it will again, since it
 * does not look in the window that the page belongs to. */
bool site_soft_hit(struct bt *bt, gla_t lin, bool write);
/* A watched site reached lin the soft way: does it go on without, next time? */
void site_reached(struct bt *bt, gla_t lin);

/* record.c: a block was made, for an event. */
void record_insn(struct tr *t);
void record_block(struct tr *t, u64 ticks);
void record_mode_change(u32 from, u32 to);

/* translate.c: NULL with an exception pending in cpu->exc. */
/* What is made next is no continuation of what was made last.  Copies begin
 * closer to one another: the programs that a shell runs, each at another
 * address, have to fit into code memory. */
enum { ROW_ALIGN = 64, ROW_ALIGN_COPY = 32 };
void begin_row(struct bt *bt, unsigned align);
struct block *translate(struct bt *bt, gla_t lin, gpa_t gpa,
			unsigned max_insns, bool temporary);
bool translate_out_of_room(const struct bt *bt);
/* rebase.c: the block for lin, copied from one for another linear address;
 * NULL: there is none. */
struct block *rebase(struct bt *bt, gla_t lin, gpa_t gpa, bool begins);
bool rebase_can(const struct tr *t);
void rebase_note(struct bt *bt, struct block *b);
/* thunk.c */
unsigned thunk_called(struct tr *t, unsigned index, unsigned at, unsigned max);
void thunk_head(struct tr *t);
void thunk_forget_all(struct bt *bt);
void rule_thunk(struct tr *t);
/* mode.c */
u32 mode_now(struct bt *bt);
void mode_refresh_fs_gs(struct bt *bt);
/* The host's GS base, which is the thread's, := the user window. */
void mode_point_gs(const struct bt *bt);
/* Windows or link tables are not what they were. */
static inline void mode_forget_levels(struct bt *bt)
{
	bt->level[0].mode |= LEVEL_UNKNOWN;
	bt->level[1].mode |= LEVEL_UNKNOWN;
}
static inline struct level *level_of(struct bt *bt, bool user)
{
	return &bt->level[user];
}

/* paravirt.c: what instruction `index`, just decoded, becomes; and the count
 * around the current one. */
void paravirt_decoded(struct tr *t, unsigned index, struct insn *in);
void paravirt_before(struct tr *t);
/* Is C called around the current instruction, for somebody who hears of it? */
bool paravirt_tells(const struct tr *t);
/* In front of a call of C that may be the end of the instruction; and when C
 * is done, OP_AGAIN if the instruction goes on in translated code. */
void paravirt_at_c(struct tr *t);
void paravirt_done(struct bt *bt, enum op_result r);
/* The instruction at gpa raised an exception. */
void paravirt_faulted(struct bt *bt, gpa_t gpa);
/* A mode may be another one: so may TR. */
void paravirt_refresh(struct bt *bt);
/* The call whose stub begins at gpa, -1: none; does somebody want to stop
 * before it? */
int paravirt_call_at(const struct bt *bt, gpa_t gpa);
bool paravirt_stops(const struct bt *bt, gpa_t gpa);
bool paravirt_stops_here(const struct bt *bt);
void paravirt_after(struct tr *t);
void rule_get_if(struct tr *t);
void rule_set_if(struct tr *t);
void rule_announce(struct tr *t);
void rule_lazy_mode(struct tr *t);
void rule_set_long(struct tr *t);

/* in_line.c */
/* If the CALL at `index`, which ends at offset `at`, calls a stub, what it calls
 * and its RET are made the next instructions: how many; 1 ends the block. */
unsigned in_line_called(struct tr *t, unsigned index, unsigned at, unsigned max);
/* A page, any page, or what is loaded changed: is the ROM where it is called? */
void in_line_unmapped(struct bt *bt, gla_t page);
void in_line_doubt(struct bt *bt);
static inline void in_line_context(struct bt *bt)
{
	struct live *l = bt->live;

	if (l->context == l->rom_context || bt->mode & MODE_USER)
		return;
	l->rom_context = l->context;
	in_line_doubt(bt);
}
/* Can code of the kernel go on?  And makes sure that it can. */
bool in_line_settled(struct bt *bt);
void in_line_settle(struct bt *bt);
/* Somebody wants to stop, or no more, at lin. */
void in_line_forget_at(struct bt *bt, gla_t lin);

/* rules */
void rule_copy(struct tr *t);
void rule_control(struct tr *t);
void rule_call_in_line(struct tr *t);
void rule_kernel_stack(struct tr *t);
void rule_call_leaves(struct tr *t);
void rule_stack(struct tr *t);
void rule_string(struct tr *t);
/* For the index-th instruction, one of the host's that repeats (marks), in
 * which there was a fault: makes the state exact, and lets it go on. */
void string_broken_off(struct bt *bt, const struct block *b, unsigned index);
void string_goes_on(struct bt *bt, const struct block *b, unsigned index);
void rule_odd(struct tr *t);
void rule_system(struct tr *t);
/* Does the rule take care that the block can go on behind the instruction? */
bool rule_system_goes_on(const struct tr *t, const struct insn *in);
/* r12 moves by what is due; the place where an instruction may leave it due. */
void stack_settle(struct tr *t);
bool stack_waits(const struct tr *t);
bool stack_top_is_own(const struct tr *t);
/* esp moves, now or later. */
void stack_move(struct tr *t, s32 by);
/* Pushes or pops a host register on a flat 32-bit stack. */
void emit_push(struct tr *t, unsigned reg);

/* memory operands (address.c) */
struct addr {
	int base, index;
	unsigned scale;
	s32 disp;
	bool user; /* from the host's GS base on, in 32 bits (mode_point_gs) */
};
struct addr address_of(struct tr *t, unsigned seg, unsigned size,
		       unsigned access);
/* [esp + disp], and [ebp], on a flat 32-bit stack. */
struct addr address_stack(struct tr *t, s32 disp, unsigned size,
			  unsigned access);
struct addr address_frame(struct tr *t, unsigned size, unsigned access);
/* The same with the offset already in r8d; and whether address_of, and
 * address_stack, would use a window. */
struct addr address_given(struct tr *t, unsigned seg, unsigned size,
			  unsigned access);
/* With rcx in live.spill: if the map of a window says that the page of linear
 * address r8d is mapped, r8 := its host address and rcx is back; else jumps:
 * the jump's place is returned.  r9 is lost. */
u8 *emit_if_mapped(const struct bt *bt, struct emit *e, bool user, bool write);
bool address_is_window(const struct tr *t, unsigned seg);
bool address_stack_is_window(const struct tr *t);
void address_after_write(struct tr *t);
void address_after_push(struct tr *t, const u32 *target);
void emit_ea(struct tr *t, unsigned reg);

static inline void e_addr(struct emit *e, unsigned w, unsigned op,
			  unsigned reg, struct addr a)
{
	if (a.user)
		e_from_gs(e);
	e_rm(e, w, op, reg, a.base, a.index, a.scale, a.disp);
}

/* translate.c */
void emit_op(struct tr *t);
void emit_op_at(struct tr *t); /* eip is set already */
void emit_fpu_check(struct tr *t);
void emit_jump_to(struct tr *t, u32 target); /* direct branch, unconditional */
void emit_jcc_to(struct tr *t, unsigned cc, u32 target);
void emit_indirect(struct tr *t); /* target in r8d */
/* Calls that the host's return predictor knows: to a direct target, or to
 * r8d; go on with the code at the return address. */
void emit_call_to(struct tr *t, u32 target);
void emit_call_indirect(struct tr *t);
void emit_return(struct tr *t); /* guest return address in r8d */
/* Are the block's branches linked? */
bool emit_linking(const struct tr *t);
/* Instructions of the block from the current one on: paid for, not done. */
unsigned tr_unretired(const struct tr *t);
/* The budget gets back what the block has paid for behind the current one. */
void emit_give_back(struct tr *t);
void emit_way_of_edge(const struct bt *bt, struct emit *e, u32 edge);
void emit_exit(struct tr *t, enum bt_exit why); /* at t->next */
void emit_look(struct tr *t);
void emit_count(struct tr *t, unsigned reg, u32 low, unsigned shift);
enum { BUDGET_MAX = 16 << 20 };

/* returns.c */
void returns_init(struct bt *bt);
void returns_free(struct bt *bt);
void returns_forget(struct bt *bt); /* places in code memory */
void returns_emit_stub(struct bt *bt, struct emit *e);
/* Behind a host call: goes on at t->next if r8d, where the guest returned to,
 * is that. */
void emit_continuation(struct tr *t);
/* Is a host fault, of an access to that address made at pc with that in r14, a
 * return that went elsewhere than behind its call?  Then its target is in r8d.
 * Where that happens often it is made not to fault.  Signal-safe. */
bool returns_missed(struct bt *bt, const u8 *pc, u64 address, u64 budget);

/* helpers called from translated code (helpers.c); fast */
u64 bt_soft_access(struct bt *bt, u32 offset, u32 how);
u64 bt_soft_post(struct bt *bt, u32 unretired);
u64 bt_call_op(struct bt *bt, const struct insn *in, u32 unretired);
u64 bt_inval_page(struct bt *bt, const struct insn *in, u32 unretired);
/* The same for what may be done with less (transfer.c). */
u64 bt_int(struct bt *bt, const struct insn *in, u32 unretired);
u64 bt_iret(struct bt *bt, const struct insn *in, u32 unretired);
u64 bt_sysenter(struct bt *bt, const struct insn *in, u32 unretired);
u64 bt_sysexit(struct bt *bt, const struct insn *in, u32 unretired);
u64 bt_fpu_needed(struct bt *bt, u32 form, u32 unretired);
u64 bt_fpu_ahead(struct bt *bt, u32 form);
u64 bt_tell_call(struct bt *bt, u32 what, u32 unretired); /* paravirt.c */
/* Where in its block the call out of translated code stands. */
struct block *calling_block(const struct bt *bt, unsigned *index);

/* how: */
enum { SOFT_SEG = 7, SOFT_WRITE = 8, SOFT_READ = 16, SOFT_COLD = 32,
       SOFT_FPU = 64 /* x87 or MMX */, SOFT_WATCHED = 128,
       SOFT_SIZE_SHIFT = 8, SOFT_COUNT_SHIFT = 16, SOFT_COUNT = 0x7fff };
#define SOFT_ALIGNED (1u << 31) /* #GP if it is not */
enum { SOFT_CALL = 1 << 16 }; /* of bt_soft_post */

/* fpu.c: the guest's x87/SSE state in or out of the host registers */
void fpu_out(struct bt *bt);
/* Does an unmasked x87 exception wait, in the state stored? */
bool fpu_error(const struct cpu *c);
void fpu_in(struct bt *bt);
void fpu_refresh(struct bt *bt);

/* fpu_operand.c */
/* What an x87 or MMX instruction, its state in the host's registers, does with
 * its operand, to be asked before the operand is looked at: uses it; raises
 * #MF first; stores nothing. */
enum fpu_operand { FPU_OPERAND_USED, FPU_OPERAND_WAITS, FPU_OPERAND_LEFT };
enum fpu_operand fpu_operand(struct bt *bt, u32 how);
/* Is it one of the latter two?  After fpu_out. */
bool fpu_leaves_operand(struct bt *bt, const struct block *b, unsigned index);
/* An exception of its operand is raised: what the instruction did before. */
void fpu_faulted(struct bt *bt, const struct block *b, unsigned index);
/* Reads the guest's instruction again. */
bool fpu_insn(struct bt *bt, const struct block *b, unsigned index,
	      struct insn *in);

/* fault.c */
enum bt_exit fault_serve(struct bt *bt);
void fault_set_current(struct bt *bt);

static inline struct bt_block_view block_view(const struct block *b)
{
	return (struct bt_block_view){
		b->lin,	     b->gpa,	  b->mode, b->insns, b->guest_len,
		b->host_len, b->ways_len, b->host, b->ways,  b->order,
		b->marks };
}

/* Which instruction of `b` is pc in? */
unsigned block_insn_at(const struct block *b, const u8 *pc);
static inline u32 block_insn_eip(const struct block *b, unsigned index)
{
	return b->eip + b->marks[index].guest;
}
static inline gpa_t block_insn_gpa(const struct block *b, unsigned index)
{
	const struct insn_mark *m = &b->marks[index];

	return m->rom ? (u32)(b->lin + m->guest - b->rom_shift)
		      : b->gpa + m->guest;
}

/* breakpoint.c */
bool break_at(const struct bt *bt, gla_t lin);
/* Might something stop at an instruction in there? */
bool break_between(const struct bt *bt, gla_t from, u32 len);
/* Does the block begin where the dispatcher must look? */
bool break_begins(const struct bt *bt, const struct block *b);
void breaks_apply(struct bt *bt);
void breaks_free(struct bt *bt);
bool break_stops(struct bt *bt);
void break_passed(struct bt *bt, gla_t from);

/* recent.c */
void recent_emit(struct tr *t);
void recent_enter(struct bt *bt);
void recent_free(struct bt *bt);

/* profile.c */
void profile_emit(struct tr *t);
void profile_emit_here(struct tr *t);
void profile_exit(struct bt *bt, enum bt_exit why);
void profile_free(struct bt *bt);

/* debugreg.c */
void debugreg_refresh(struct bt *bt);
bool debugreg_at(const struct bt *bt, gla_t lin);
void debugreg_before(struct bt *bt);
bool debugreg_data(struct bt *bt, gla_t lin, unsigned len, bool write,
		   bool tell);
void debugreg_stepped(struct bt *bt, gla_t lin);
void bt_forget_at(struct bt *bt, gla_t lin);

/* link.c */
int link_init(struct bt *bt, struct err *e);
void link_reset(struct bt *bt);
void link_forget_tables(struct bt *bt);
u64 link_context(struct bt *bt);
u64 link_number(const struct bt *bt, u64 context);
struct jump_entry *link_jumps(struct bt *bt);
int link_slot(struct bt *bt, gla_t target); /* -1: no more */
bool link_follow(struct bt *bt, gla_t lin, gpa_t gpa);
/* Is the page of a window, whichever may hold it, and recorded as gpa? */
bool link_holds(const struct bt *bt, gla_t lin, gpa_t gpa);
void link_remember(struct bt *bt, u32 target, struct block *to, bool slot);
void link_unmapped(void *arg, bool user, gla_t lin, u32 len);

/* catch.c: after an exit, and before bt_run returns */
void catch_note(struct bt *bt);
static inline bool catch_any(const struct bt *bt)
{
	return bt->wanted.exits | bt->wanted.events;
}

/* What a call from translated code answers (stubs.c). */
enum call_answer {
	CALL_GO_ON,
	CALL_LEAVE,
	CALL_RESUME, /* at resume_pc */
	/* The same, and of what C code saves only esp is another. */
	CALL_STRAIGHT,
};

/* run.c */
/* The edge's branch leads to `to` from now on. */
void link_jump(struct bt *bt, struct edge *edge, struct block *to);
void run_refresh_mode(struct bt *bt);
/* A page was mapped in the middle of a block.  If mappings or link tables had
 * to go for that, the block goes on with a new table, and what the host stack
 * predicts is of no use. */
void run_made_room(struct bt *bt);
/* Guest instructions retired, from a call out of translated code that has
 * given back what its block has not retired. */
u64 run_icount(const struct bt *bt);
/* RF is set, for the instruction that comes after `icount` others: while it
 * is under way RF is clear, and comes back if it is not done. */
void run_suspend_rf(struct bt *bt, u64 icount);
static inline bool irq_deliverable(const struct bt *bt)
{
	return bt->live->irq_waiting && bt->cpu->iflag;
}

static inline bool nmi_deliverable(const struct bt *bt)
{
	return bt->cpu->nmi_pending && !bt->cpu->nmi_blocked;
}

#endif
