/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts a kernel, its modules and its command line into guest memory and says
 * in which state the processor enters it.  The kind of file is found by its
 * content.
 *
 * Work is split in two.  A plan is made from the file's bytes alone: which
 * bytes go where, and the entry point; it trusts nothing in the file and
 * touches no memory, so a fuzzer can run it.  Applying a plan checks it
 * against the machine's RAM, then copies. */
#ifndef CORE_VM_LOAD_H
#define CORE_VM_LOAD_H

#include "core/base/err.h"
#include "core/base/types.h"

struct mem;

enum load_kind {
	LOAD_LINUX, /* bzImage, 32-bit boot protocol */
	LOAD_MULTIBOOT1,
	LOAD_MULTIBOOT2,
	LOAD_ELF,  /* plain ELF32 */
	LOAD_FLAT, /* bytes at an address, entered at the first */
	LOAD_KINDS
};

struct load_request {
	struct mem *m;
	const char *kernel;         /* path */
	const char *const *initrds; /* each "FILE" or "FILE ARGS" */
	unsigned initrd_count;
	const char *append; /* command line, NULL for none */
	s64 load_at;        /* flat image's address, -1 to look at content */
};

/* Protected mode, flat segments, paging off, IF clear; registers not named
 * here are zero.  cs and ds are selectors in the GDT. */
struct load_result {
	enum load_kind kind;
	u32 eip, esp, eax, ebx, esi;
	u16 cs, ds;
	u32 gdt_base;
	u16 gdt_limit;
	bool is_elf; /* the kernel file itself may hold symbols */
};

/* 0, or -1 and one line that names the file and the reason.  Call it after
 * tables_write(): multiboot 2 passes a copy of the ACPI pointer. */
int load_kernel(const struct load_request *rq, struct load_result *out,
		struct err *e);

const char *load_kind_name(enum load_kind kind);

/* ---- plans ---- */

enum { LOAD_PARTS = 64 };

struct load_part {
	u64 offset; /* in the file */
	u64 len;    /* bytes copied */
	u64 gpa;
	u64 memsz; /* bytes occupied; those after len are zeroed */
};

struct load_plan {
	enum load_kind kind;
	u32 entry;
	unsigned parts;
	struct load_part part[LOAD_PARTS];
	bool is_elf;
	bool wants_screen; /* multiboot 1: tell what the screen is */
	/* Linux only */
	u16 protocol;
	u32 header_end;  /* of the setup header, an offset in the file */
	u64 initrd_max;  /* last address an initrd may occupy */
	u32 cmdline_max; /* bytes, without the final zero */
	u64 needs;       /* end of memory the kernel uses while it unpacks */
};

/* Plans for bytes of any origin; load_at as in the request.  The error text
 * gives the reason without a file name. */
int load_plan(const u8 *bytes, u64 len, s64 load_at, struct load_plan *p,
	      struct err *e);

/* Is everything in RAM of that size, apart from each other and from what
 * the machine keeps between A0000h and 1 MiB? */
int load_plan_check(const struct load_plan *p, u64 ram_size, struct err *e);

#endif
