/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest memory as operations and devices see it: physical ranges, the page
 * walk with its faults and accessed/dirty bits, and segment-checked access.
 * Windows (the fast way translated code takes) are in window.h.
 *
 * Nothing here uses x87 or SSE registers or calls libc on the paths marked
 * fast: translated code's helpers run them with the guest's FPU state live. */
#ifndef CORE_MEM_MEM_H
#define CORE_MEM_MEM_H

#include "core/base/err.h"
#include "core/base/types.h"

struct cpu;
struct mem;

/* Kinds of access, OR-ed; read when neither WRITE nor EXEC is given. */
enum mem_access {
	MEM_READ = 0,
	MEM_WRITE = 1,
	MEM_EXEC = 2,
	MEM_USER = 4,	/* as CPL 3 */
	MEM_SYSTEM = 8, /* as CPL 0 whatever the CPL (descriptor tables, TSS) */
};

/* Makes RAM of `size` bytes (page multiple, 1 MiB to 3 GiB).  NULL on host
 * trouble, with the reason in `e`. */
struct mem *mem_new(u64 size, struct err *e);
void mem_free(struct mem *m);
/* Zeroes all RAM and forgets ROM protection. */
void mem_clear(struct mem *m);
u64 mem_ram_size(const struct mem *m);

/* What of physical memory is not its bytes: a byte per page of RAM, of which
 * MEM_KEPT bits are saved. */
enum { MEM_KEPT = 2 | 16 /* ROM; announced, see mem_announce_table() */ };
u8 mem_page_kept(const struct mem *m, gpa_t gpa);
/* After mem_clear(). */
void mem_keep_page(struct mem *m, gpa_t gpa, u8 bits);
/* The next page from gpa on that may not be all zero; mem_ram_size() at the
 * end. */
gpa_t mem_next_used(struct mem *m, gpa_t gpa);
/* The next page from gpa on that is all zero as nobody has touched it. */
gpa_t mem_next_unused(struct mem *m, gpa_t gpa);

/* Ends the process unless the invariants of this room hold (window_check.c);
 * slow. */
void mem_check(const struct mem *m);
/* Is the page of gpa marked by mem_mark_code()? */
bool mem_holds_code(const struct mem *m, gpa_t gpa);

/* ---- physical ---- */

/* Host pointer to guest RAM or ROM at [gpa, gpa+len), NULL when any byte of
 * it is not plain memory.  Writing through it bypasses ROM protection and
 * code tracking: loaders only. */
void *mem_phys_ptr(struct mem *m, gpa_t gpa, u64 len);

/* Physical access of any length; bytes that are nothing read FFh and ignore
 * writes; device ranges go to the device.  Writes invalidate translations. */
void mem_phys_read(struct mem *m, gpa_t gpa, void *buf, u64 len);
void mem_phys_write(struct mem *m, gpa_t gpa, const void *buf, u64 len);

/* A device range (MMIO).  size of an access is 1, 2 or 4 bytes; wider ones
 * are split.  [base, base+len) is page aligned. */
struct mmio {
	gpa_t base;
	u64 len;
	const char *name;
	void *dev; /* passed back */
	u32 (*read)(void *dev, u32 offset, unsigned size);
	void (*write)(void *dev, u32 offset, unsigned size, u32 value);
};
int mem_add_mmio(struct mem *m, const struct mmio *range, struct err *e);

/* Makes RAM pages in [base, base+len) read-only to the guest (ROM images). */
void mem_protect_rom(struct mem *m, gpa_t base, u64 len);

/* ---- linear: paging applied, faults raised in `c` ---- */

/* Walks to the physical address of `lin` for `access`; sets accessed and
 * dirty bits as the processor does.  Raises #PF and returns false. */
bool mem_translate(struct cpu *c, gla_t lin, unsigned access, gpa_t *gpa);
/* The same for [lin, lin+len), in at most two pages. */
bool mem_translate_range(struct cpu *c, gla_t lin, unsigned len,
			 unsigned access);

/* The same without side effects or faults, for debuggers; false when not
 * mapped. `access` bits other than MEM_EXEC are ignored. */
bool mem_probe(struct cpu *c, gla_t lin, gpa_t *gpa);
/* ... and only if its entries are marked accessed, so that using them would
 * change nothing. */
bool mem_probe_used(struct cpu *c, gla_t lin, gpa_t *gpa);

/* Copies len bytes; all pages are checked before the first byte moves.
 * MEM_USER/MEM_SYSTEM in `access`: neither means by the current CPL. */
bool mem_lin_read(struct cpu *c, gla_t lin, void *buf, unsigned len,
		  unsigned access);
bool mem_lin_write(struct cpu *c, gla_t lin, const void *buf, unsigned len,
		   unsigned access);

/* Raises #AC when alignment is checked and `lin` is not fit for an operand of
 * that size (SDM 3A table 6-7). */
bool mem_align_check(struct cpu *c, gla_t lin, unsigned len);

/* ---- by segment: limit, type and alignment checks, then linear ---- */

/* Checks [off, off+len) in segment SEG_xx for access MEM_READ, MEM_WRITE or
 * both ways; raises #GP or #SS (SDM 3A 5.3) and returns false. */
bool mem_seg_check(struct cpu *c, unsigned seg, u32 off, unsigned len,
		   unsigned access, gla_t *lin);
bool mem_read(struct cpu *c, unsigned seg, u32 off, void *buf, unsigned len);
bool mem_write(struct cpu *c, unsigned seg, u32 off, const void *buf,
	       unsigned len);
/* Checks that the write would succeed, without writing. */
bool mem_check_write(struct cpu *c, unsigned seg, u32 off, unsigned len);

/* The CPU was reset: nothing is remembered of any address space. */
void mem_reset(struct cpu *c);

/* ---- flushes, called when the guest does so ---- */
void mem_flush_all(struct cpu *c);	/* CR0.PG, CR4 changes: globals too */
void mem_flush_cr3(struct cpu *c);	/* CR3 was loaded: non-global */
/* The same, and it is another CR3: all that mem_announce_table() below was
 * told of may be taken on trust. */
bool mem_switch_cr3(struct cpu *c); /* true: it was */
void mem_flush_page(struct cpu *c, gla_t lin); /* INVLPG */

/* Host pointer for an access of `len` bytes that lies in one page of plain
 * memory which may be touched without anyone being told; else NULL, without
 * raising anything.  Fast. */
void *mem_host_ptr(struct cpu *c, gla_t lin, unsigned len, unsigned access);

/* Upward calls, set once by the machine. */
struct mem_hooks {
	void *arg;
	/* Bytes of a page that holds translated code are about to change. */
	void (*code_written)(void *arg, gpa_t gpa, u64 len);
	/* Translations of linear pages in the supervisor window, or in the
	 * current user window, were dropped or changed; len 0: all of them. */
	void (*unmapped)(void *arg, bool user, gla_t lin, u32 len);
	/* Does somebody watch one of these bytes of a watched page (debugger
	 * or guest debug registers)?  tell: the access is being made. */
	bool (*watched)(void *arg, gla_t lin, unsigned len, bool write,
			bool tell);
};
/* Called after each access to a device range; NULL: nobody wants to know. */
void mem_on_mmio(struct mem *m,
		 void (*fn)(void *arg, gpa_t gpa, unsigned size, bool write,
			    u32 value),
		 void *arg);
void mem_set_hooks(struct mem *m, const struct mem_hooks *hooks);

/* Calls `watched` for the part of [lin, lin+len) that lies in watched pages. */
bool mem_ask_watch(struct cpu *c, gla_t lin, unsigned len, bool write,
		   bool tell);
/* Marks a physical page as holding translated code, or not any more; while
 * marked every guest, device and debugger write to it calls code_written. */
void mem_mark_code(struct cpu *c, gpa_t gpa, bool holds_code);
/* Makes writes to these linear addresses, and reads if asked for, call
 * `watched`, wherever they lead now or later, or not any more.  Counts. */
void mem_watch(struct cpu *c, gla_t lin, unsigned len, bool reads, bool watch);
/* As mem_host_ptr, also in a watched page, for bytes that nobody watches; not
 * to execute. */
void *mem_reach(struct cpu *c, gla_t lin, unsigned len, unsigned access);
/* Host address of the MEM_LINE bytes that lin is among, when the CPL of the
 * moment may read and write all of them and nobody is to be told; else NULL.
 * Good until the number at mem_reach_age() changes, whose lower 26 bits
 * are 0: there is room for the line's. */
enum { MEM_LINE = 64 };
void *mem_reach_line(struct cpu *c, gla_t lin);
const u64 *mem_reach_age(const struct mem *m);
/* Does anybody watch bytes of that page? */
bool mem_is_watched(const struct mem *m, gla_t lin);

/* A kernel may promise to say when a page becomes a page table or directory,
 * or is one no more, and to say so whenever it changes an entry in one.  `said`
 * counts all it said; NULL: nobody promises anything, as at first. */
void mem_on_announced(struct mem *m, u64 (*said)(void *arg), void *arg);
/* What it says of the page of gpa. */
void mem_announce_table(struct mem *m, gpa_t gpa, bool is_table);
/* For who says so in line: a byte for each of the pages of RAM, in which `bit`
 * is set if it is a table. */
u8 *mem_announced(struct mem *m, u8 *bit, u32 *pages);
/* Nothing was said. */
void mem_forget_tables(struct mem *m);

/* It may also tell of which linear page it changed an entry: in bits 31:12 of
 * cpu.entry_told, with ENTRY_CURRENT if that is a page of the address space in
 * use.  Asked when user code is about to go on, this maps the page at once
 * where that saves work.  What was told need not be true. */
enum { ENTRY_CURRENT = 0x10 };
void mem_entry_told(struct cpu *c);

/* Debugger access: no faults, no accessed/dirty bits; returns bytes moved
 * before the first that is no memory.  Writes reach ROM as well. */
unsigned mem_debug_read(struct cpu *c, gla_t lin, void *buf, unsigned len);
unsigned mem_debug_write(struct cpu *c, gla_t lin, const void *buf,
			 unsigned len);

#endif
