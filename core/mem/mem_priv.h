/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this room share.
 *
 * Invariants
 * I-mem-1: a software-TLB write tag never names a page that holds
 *          translated code, is watched, is ROM, or is not plain memory.
 * I-mem-2: a TLB entry (or a window mapping) is never used after a flush
 *          the manual makes the guest rely on.
 * I-mem-3: no window maps a page writable that I-mem-1 forbids.
 */
#ifndef CORE_MEM_MEM_PRIV_H
#define CORE_MEM_MEM_PRIV_H

#include "core/base/copy.h"
#include "core/cpu/cpu.h"
#include "core/mem/mem.h"

enum { TLB_SIZE = 512, MMIO_MAX = 8 };
/* Tags of the software TLB: a page address, and in the low bits the epoch in
 * which the entry is good, and whether some of the page's bytes are watched.
 * Epochs begin with 2, so TLB_EMPTY is never one. */
enum { TLB_EMPTY = 0, TLB_WATCHED = 1 << 11, TLB_EPOCHS = TLB_WATCHED };

struct tlb_entry {
	gla_t read, write, exec; /* tags */
	u32 pad;
	u8 *host;	 /* of the page's first byte */
};

/* One walk's result. */
struct walk {
	gpa_t gpa;	/* of the byte asked for */
	bool writable;	/* by the access's privilege, with CR0.WP */
	bool page_rw;	/* R/W of all levels, WP aside */
	bool user;	/* U/S of all levels */
	bool global;
	bool nx;
	bool dirty;	/* D of the leaf is set now */
	bool large;	/* mapped by a PDE: 4 MiB, or 2 MiB with PAE */
	gpa_t leaf;	/* where the leaf entry stands */
	gpa_t pde;	/* where the directory entry stands */
	u64 leaf_value;
};

/* page_flags[] of each physical page below 4 GiB. */
enum {
	PAGE_RAM = 1,
	PAGE_ROM = 2,
	PAGE_MMIO = 4,
	PAGE_CODE = 8,	 /* translations were made from it */
	PAGE_TABLE = 16, /* announced (mem_announce_table) */
};

enum { QUIET_PAGES = 8 };

struct window_pool;

struct mem {
	int fd;		/* memfd holding RAM at offset = gpa */
	u8 *ram;	/* the whole of it, read-write */
	u64 ram_size;
	u8 *page_flags; /* 2^20 bytes */
	u16 *watched;	/* watches in each of the 2^20 linear pages */
	u16 *read_watched; /* those of them that mean reads, too */
	/* Of watched pages, the lines of MEM_LINE bytes that nobody watches. */
	struct quiet {
		u64 lines; /* a bit each, when it is known */
		gla_t page;    /* number; ~0: none */
	} quiet[QUIET_PAGES];
	struct mmio mmio[MMIO_MAX];
	unsigned mmio_count;
	struct tlb_entry tlb[2][TLB_SIZE]; /* supervisor, user */
	/* The epoch of translations, and that of global ones: a flush begins
	 * a new one, so that it need not visit entries (tlb.c). */
	u32 tlb_epoch, tlb_global_epoch;
	u64 reach_age; /* see mem_reach_age() */
	/* A bit for each 4 MiB of which entries were made from a large page:
	 * INVLPG anywhere in it is for all of them. */
	u64 tlb_large[1024 / 64];
	struct window_pool *windows;
	struct mem_hooks hooks;
	void (*on_mmio)(void *arg, gpa_t gpa, unsigned size, bool write,
			u32 value);
	void *mmio_arg;
	u64 (*said)(void *arg); /* see mem_on_announced() */
	void *said_arg;
	u64 table_pokes; /* a debugger's stores to announced tables */
};

/* Walks for `access` (MEM_USER given = user).  Returns 0 and sets accessed
 * and dirty bits, or the page-fault error code | 0x80000000. */
u32 walk_page(struct cpu *c, gla_t lin, unsigned access, struct walk *w);
#define WALK_FAULT 0x80000000u

static inline unsigned page_flags(const struct mem *m, gpa_t gpa)
{
	return gpa >> 32 ? 0 : m->page_flags[gpa >> 12];
}

static inline bool access_is_user(const struct cpu *c, unsigned access)
{
	return (access & MEM_USER) || (!(access & MEM_SYSTEM) && c->cpl == 3);
}

void tlb_init(struct mem *m);
void tlb_flush_all(struct mem *m);

/* What a device range answers (SDM: bus cycles of 1, 2, 4 bytes). */
void mmio_read(struct mem *m, gpa_t gpa, void *buf, unsigned len);
void mmio_write(struct mem *m, gpa_t gpa, const void *buf, unsigned len);

#endif
