/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows: 4 GiB of host address space in which a guest-linear page that has
 * a mapping is an mmap of guest RAM, so the host's MMU translates.
 *
 * A supervisor window holds pages whose U/S bit is clear (and everything when
 * paging is off); address spaces whose directories agree there share one.
 * A user window holds pages with U/S set, for one CR3.  Of each kind there
 * is a pool, and one in use.  A window is a TLB: filled by faults, stale until
 * the guest flushes.
 *
 * At a flush the page tables a window was filled from are compared with
 * copies kept of them, and only mappings whose entries changed are dropped.
 * Pages that hold translated code, are watched, or are ROM are never mapped
 * writable; devices are never mapped (I-mem-3). */
#ifndef CORE_MEM_WINDOW_H
#define CORE_MEM_WINDOW_H

#include "core/base/err.h"
#include "core/base/types.h"

struct cpu;
struct mem;
struct walk;

/* Reserved host addresses around each window; any guest address plus a
 * displacement below this stays in reserved space. */
#define WINDOW_GUARD (1ull << 30)

/* Reserves address space.  Without windows (soft mode, `enabled` false) the
 * bases below still point at reserved space where every access faults. */
int window_init(struct mem *m, bool enabled, struct err *e);
void window_free(struct mem *m);
void window_reset(struct cpu *c);

/* Host address of guest-linear 0 in the supervisor window and in the user
 * window in use, those of the current CR3. */
u8 *window_supervisor(struct mem *m);
u8 *window_user(struct mem *m);

/* A byte per page of that window, not 0 if the page is mapped, and after these
 * one per page that is not 0 if it is mapped writable. */
const u8 *window_map_supervisor(struct mem *m);
const u8 *window_map_user(struct mem *m);
#define WINDOW_MAP_WRITABLE (1u << 20)

/* Which window holds host address `host`: 0 none, 1 a supervisor, 2 a user
 * one; *lin is the guest-linear address. */
enum window_kind { WINDOW_NONE, WINDOW_SUPERVISOR, WINDOW_USER };
enum window_kind window_find(struct mem *m, const void *host, gla_t *lin);

enum window_fill {
	WINDOW_FILLED, /* mapped: run the instruction again */
	WINDOW_FAULT,  /* the guest gets #PF; raised in c */
	WINDOW_OTHER,  /* mapped in the other window, or rights differ: this
			* access cannot use the window it tried */
	WINDOW_SOFT,   /* device, code page, watch, ROM: needs the soft way */
};
/* An access by translated code at the current CPL missed in `kind`. */
enum window_fill window_miss(struct cpu *c, gla_t lin, bool write,
			     enum window_kind kind);

/* As window_miss for reading, for code: the page is recorded, so that a change
 * of its mapping will be told, and mapped only when data accesses meet it. */
enum window_fill window_follow(struct cpu *c, gla_t lin,
			       enum window_kind kind);

/* Is lin recorded in the window (of the current CR3) as mapped to the page of
 * gpa?  Then a change of that will be told (mem.h, unmapped). */
bool window_holds(const struct mem *m, enum window_kind kind, gla_t lin,
		  gpa_t gpa);

/* What the window in use of that kind holds for a page (window_look.c). */
struct window_view {
	bool is_on; /* windows are in use at all */
	bool is_watched, is_read_watched;
	bool is_recorded; /* else all that follows is 0 */
	bool is_mapped;	  /* else only followed: code was met there, no data */
	bool is_writable, is_global;
	gpa_t frame;
	bool has_entry; /* ... that it was made from: */
	u64 entry;
};
struct window_view window_look(const struct cpu *c, gla_t lin, bool user);
/* What lies at a physical address, as far as windows care. */
enum window_page {
	WINDOW_PAGE_RAM,
	WINDOW_PAGE_CODE, /* translations were made from it */
	WINDOW_PAGE_ROM,
	WINDOW_PAGE_DEVICE,
	WINDOW_PAGE_NOTHING,
};
enum window_page window_page_kind(const struct mem *m, gpa_t gpa);

/* Maps a page of user code for all that its entry allows, if it is one that was
 * met often.  Changes nothing of the guest's. */
void window_expect(struct cpu *c, gla_t lin);

/* CR3 was loaded (all false), or everything incl. globals must go (all). */
void window_flush(struct cpu *c, bool all);
/* Another CR3 was loaded.  True: by what was announced nothing has changed
 * since its windows were last compared, and they are the current ones now. */
bool window_switch_told(struct cpu *c);
void window_flush_page(struct cpu *c, gla_t lin);
/* Takes write permission for the physical page away everywhere. */
void window_protect(struct cpu *c, gpa_t gpa);
/* Removes the linear page from every window. */
void window_drop_page(struct mem *m, gla_t lin);

/* For tests, between two runs: forgets, makes room, or has the host refuse
 * what it is asked for next.  `dice` says what. */
void window_disturb(struct cpu *c, u64 dice);

struct window_stats {
	u64 maps, pages, unmaps, protects, compares, compared_differ, evictions,
		switches, misses;
	unsigned mappings;
};
const struct window_stats *window_stats(const struct mem *m);
/* Text for `info windows`. */
void window_show(const struct cpu *c, void (*out)(void *to, const char *fmt, ...),
		 void *to);
/* What is counted begins anew; what there is now stays. */
void window_stats_reset(struct mem *m);

#endif
