/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the windows share: the pool, a window, a slot.
 *
 * A window is divided into slots, the linear space of one directory entry:
 * 4 MiB, or 2 MiB with PAE.  A slot that has mappings keeps a record of each
 * page's mapping, and what they were made from: the directory entry and, if
 * that names a page table, a copy of the table.
 *
 * Invariants
 * I-win-1: a record that is not 0 was true of the guest's tables when the
 *          slot was last compared or the page filled; host mappings never
 *          allow more than the record says.
 * I-win-2: every record is in the chain of its physical frame, so what must
 *          hold for a frame can be enforced without a search.
 * I-win-3: no hole: every page of the reserved region is mapped, PROT_NONE
 *          if nothing else, so the host never puts anything of its own there.
 * I-win-4: a slot in the free list is all zero, save its link.
 *
 * I-win-5: a record that is not 0 has its host mapping, unless it is only
 *          followed, and except in a window
 *          marked broken, where mprotect must not be used: it would open
 *          the reservation.
 * I-win-6: a hollow page has no host mapping by its record; the host has one of
 *          its frame there, without any right. */
#ifndef CORE_MEM_WINDOW_PRIV_H
#define CORE_MEM_WINDOW_PRIV_H

#include "core/mem/mem_priv.h"
#include "core/mem/window.h"
#include "trace/trace.h"

enum {
	WINDOW_USERS = 64, /* user windows, if the host has room */
	WINDOW_SUPERVISORS = 8,	/* and supervisor windows */
	WINDOWS = WINDOW_SUPERVISORS + WINDOW_USERS,
	SLOT_PAGES = 1024, /* pages of a slot, 512 with PAE */
	SLOTS = 2048,      /* slots of a window with PAE, else 1024 */
	SLOT_LINES = 64,   /* cache lines of a page table */
	WINDOW_PAGES = 1 << 20,
	HOST_MAPPINGS = 65530, /* a process may have, if the host does not say */
};

/* A record: the frame's address in bits 31:12 and these. */
enum {
	REC_PRESENT = 1,
	REC_WRITE = 2,
	REC_GLOBAL = 4,
	REC_FOLLOWED = 8, /* watched for changes, but not mapped: code that no
			   * data access has met */
	REC_FRAME = ~0xfff,
};

struct slot {
	u64 pde;           /* as recorded; of a 4 KiB table, A always set */
	const u8 *table;   /* the guest's page table; NULL: one large page */
	u64 lines;         /* lines of the table that have a mapping */
	u64 lines_local;   /* ... one that is not global */
	u16 index;         /* which slot of the window */
	u16 used, local;   /* records not 0; of these not global */
	bool clean;        /* a large page mapped while its D was clear */
	struct slot *link; /* in the free list */
	u8 count[SLOT_LINES], count_local[SLOT_LINES];
	u32 rec[SLOT_PAGES];
	/* Chains by frame: (window << 20 | page) + 1, 0 ends. */
	u32 next[SLOT_PAGES], prev[SLOT_PAGES];
	/* Valid where lines says so. */
	u8 copy[GUEST_PAGE] __attribute__((aligned(64)));
};

/* Slots come many at a time, since that costs less than the first touches
 * of one. */
enum { CHUNK_SLOTS = 16 };
struct slot_chunk {
	struct slot slot[CHUNK_SLOTS];
	struct slot_chunk *next;
};

/* What is known of an address space whose page tables are announced
 * (window_told.c). */
struct trust {
	bool known;            /* what follows is filled in */
	bool asked, announced; /* whether all its tables are */
	u64 said;              /* how much had been said by then */
	u64 opened[2];         /* slots of its supervisor and user window */
	u64 pdpte[4];
};

/* A page that is not mapped any more, but whose host mapping is still there,
 * without any right: to take it away and make it anew costs the host four times
 * what it costs to change it.  Few, so that they do not count. */
enum { HOLLOW_MAX = 64, HOLLOW_RUN = 16 };
struct hollow {
	u32 page, frame; /* number; address */
};

struct window {
	u8 *base;
	u8 *map;           /* see window_map() */
	bool user;
	bool loose;        /* has pages writable only as long as CR0.WP is 0 */
	bool lost;         /* mappings went while it was not current */
	bool broken;       /* host mappings went, records did not (I-win-5) */
	u8 shift;          /* page number >> shift = slot: 10, or 9 with PAE */
	u32 format;        /* the paging mode its records are of */
	unsigned mappings; /* edges between unlike pages = host mappings */
	u64 last_used, generation;
	u64 opened;        /* slots opened so far */
	unsigned hollows;
	struct hollow hollow[HOLLOW_MAX];
	struct trust trust; /* of a user window */
	u64 live[SLOTS / 64];  /* slots that exist */
	u64 local[SLOTS / 64]; /* ... that have pages not global */
	struct slot *slot[SLOTS];
};

/* A page that user code met so that it was mapped, in whatever space; or that
 * it got the right to write.  The score rises by that and sinks each time that
 * its entry was told of and nothing was done, so that it is hot if four of five
 * times use follows: a mapping in vain costs that much more than one too late. */
struct hot_page {
	u32 page; /* number */
	bool gains;
	u8 score;
	u8 left; /* so often it is mapped before it has to show that again */
};
enum { HOT_PAGES = 256, HOT_TIMES = 16, HOT_USED = 5, HOT_TOLD = 4, HOT_SCORE = 10 };

struct window_pool {
	u8 *region;
	u64 region_len;
	u8 *maps;                  /* of all windows */
	bool enabled;
	unsigned users;            /* from win[WINDOW_SUPERVISORS] on */
	unsigned supervisors;      /* from win[0] on */
	unsigned supervisor, user; /* the two in use */
	unsigned limit;            /* of host mappings */
	unsigned fail;             /* tests: so many host mappings fail */
	u64 clock;                 /* counts switches, for last_used */
	unsigned tidied;           /* the next whose map is */
	u64 generation;            /* counts flushes that reach global pages */
	u64 key[WINDOWS];          /* a user's CR3 and format, 0 = unused */
	u8 partner[WINDOWS];       /* the supervisor used with it last */
	u32 *head;                 /* chain of each frame of RAM */
	struct slot *free;
	struct slot_chunk *chunks;
	unsigned hollows;          /* of all windows */
	struct hot_page hot[HOT_PAGES];
	struct window_stats stats;
	struct window win[WINDOWS];
};

/* Bits of struct window format; 0 = paging off. */
enum { FORMAT_PG = 1, FORMAT_PAE = 2, FORMAT_PSE = 4, FORMAT_NXE = 8 };

static inline bool window_is_current(const struct window_pool *p,
				     const struct window *w)
{
	return w == &p->win[p->supervisor] || w == &p->win[p->user];
}

/* The one in use of that kind. */
static inline unsigned window_index(const struct window_pool *p, bool user)
{
	return user ? p->user : p->supervisor;
}

/* All windows of the pool in turn: for (i = 0; i < WINDOWS; i = next). */
static inline unsigned window_next(const struct window_pool *p, unsigned i)
{
	if (++i == p->supervisors)
		return WINDOW_SUPERVISORS;
	return i == WINDOW_SUPERVISORS + p->users ? WINDOWS : i;
}

static inline u32 slot_first_page(const struct window *w, const struct slot *s)
{
	return (u32)s->index << w->shift;
}

static inline u32 slot_pages(const struct window *w)
{
	return 1u << w->shift;
}

/* 16 entries of 4 bytes or 8 of 8 to a line of 64 bytes. */
static inline unsigned slot_line(const struct window *w, u32 i)
{
	return (i >> (w->shift - 6)) % SLOT_LINES;
}

static inline u64 table_entry(const struct window *w, const u8 *table, u32 i)
{
	return w->shift == 9 ? ((const u64 *)(const void *)table)[i]
			     : ((const u32 *)(const void *)table)[i];
}

/* For events. */
static inline u8 window_word(const struct window *w)
{
	return w->user ? TRACE_window_USER : TRACE_window_SUPERVISOR;
}

static inline void copy_entry(const struct window *w, struct slot *s, u32 i,
			      u64 entry)
{
	if (w->shift == 9)
		((u64 *)(void *)s->copy)[i] = entry;
	else
		((u32 *)(void *)s->copy)[i] = (u32)entry;
}

/* ---- window_map.c: records and host mappings ---- */

/* The record as far as the host knows. */
static inline u32 rec_mapped(u32 rec)
{
	return rec & REC_FOLLOWED ? 0 : rec;
}
/* Of a page number; 0: it has none, or is none. */
u32 page_record(const struct window *w, u32 page);
/* Records a page without mapping it. */
void page_follow(struct mem *m, struct window *w, struct slot *s, u32 page,
		 u32 rec);

struct slot *slot_new(struct window_pool *p, struct window *w, u32 index);
/* Returns the slot to the pool if it has no records. */
void slot_settle(struct window_pool *p, struct window *w, struct slot *s);
/* Maps n pages of a slot to consecutive frames, `rec` being the first's.
 * False: the host refused; nothing is mapped there now. */
bool pages_map(struct mem *m, struct window *w, struct slot *s, u32 page, u32 n,
	       u32 rec);
void pages_unmap(struct mem *m, struct window *w, struct slot *s, u32 page,
		 u32 n);
void pages_protect(struct mem *m, struct window *w, struct slot *s, u32 page,
		   u32 n);
/* Unmaps all of a slot, and frees it. */
void slot_drop(struct mem *m, struct window *w, struct slot *s);
/* Unmaps all of a window. */
void window_drop(struct mem *m, struct window *w);
/* Tells whoever links translations that nothing is known any more. */
void window_tell_all(struct mem *m, bool user);

/* ---- window.c ---- */

/* Makes room among the host's mappings: windows not in use, oldest first,
 * then those in use; `all`: every window. */
void window_evict(struct mem *m, bool all);
u32 window_format(const struct cpu *c);
/* Empties the window if it was filled under another paging mode. */
void window_set_format(struct cpu *c, struct window *w);
/* Makes the windows of the CR3 now loaded the current ones. */
void window_choose(struct cpu *c);

/* The window of the pool for the CR3 now loaded; 0: none. */
unsigned window_of_cr3(const struct cpu *c);
/* The window of index i takes the place of the one of its kind in use.
 * Others hear of what it lost meanwhile. */
void window_make_current(struct mem *m, unsigned i);

/* ---- window_told.c ---- */

/* The windows in use have just been compared with the tables now loaded. */
void window_compared(struct cpu *c);

/* ---- window_fill.c ---- */

/* The record that a page with these entries ought to have; 0: none. */
u32 window_want(const struct cpu *c, struct window *w, u64 pde, u32 page,
		u64 entry);
/* The entry of page i of a slot: of its table, or as if it had one. */
u64 slot_entry(const struct window *w, const struct slot *s, u32 i);

/* ---- window_sync.c ---- */

/* The directory entry of a slot by the tables now loaded, 0 when it stands
 * in no RAM. */
u64 slot_read_pde(const struct cpu *c, const struct window *w, u32 index,
		  gpa_t *at);
bool pde_is_large(const struct cpu *c, u64 pde);
/* How many slots with pages that are not global agree with the directory now
 * loaded, and how many do not. */
void window_compare(const struct cpu *c, const struct window *w,
		    unsigned *agree, unsigned *differ);
/* Compares the directory entry; false when the slot had to go. */
bool slot_sync_pde(struct cpu *c, struct window *w, struct slot *s);

#endif
