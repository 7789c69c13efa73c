/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The seam between this kernel and whatever it runs on.
 *
 * A handful of instructions are sensitive: they read or change the state of
 * the machine rather than of the program.  On bare hardware, and under binary
 * translation, they simply run.  A paravirtual hypervisor would rather be
 * called.  So every one goes through this table, which starts out filled with
 * the real instructions (pv.c) and which a later boot step may fill with
 * something better.  The rest of the kernel cannot tell.
 *
 * The members take their arguments in eax, edx and ecx, which is the
 * convention of VMware's VMI, so that its entry points fit without glue.
 *
 * Two instructions cannot be calls, because no register is free when they
 * run: iret and sysexit.  Their places in entry.S are five bytes long, the
 * length of a call or a jump, and labelled pv_site_iret and pv_site_sysexit.
 */
#ifndef LANTERN_PV_H
#define LANTERN_PV_H

#include "x86.h"

#define pv_call __attribute__((regparm(3)))

/* What set_pte is told beside the entry: the kind of table, whether the
 * address space is the loaded one, and then the page that is mapped. */
enum pv_hint {
	PV_PAGE_TABLE = 0x01,
	PV_DIRECTORY = 0x02,
	PV_CURRENT = 0x10,
	PV_DEFER = 0x20,	/* may wait for the end of the batch */
	PV_ADDRESS = 0x80,	/* bits 31-12 hold the linear address */
};

enum pv_batch { PV_BATCH_NONE, PV_BATCH_PAGES };

struct cpuid_result {
	u32 eax, ebx, ecx, edx;
};

struct paravirt_ops {
	const char *name;

	pv_call void (*cli)(void);
	pv_call void (*sti)(void);
	pv_call u32 (*save_flags)(void);	/* only FLAG_IF has a meaning */
	pv_call void (*restore_flags)(u32 flags);
	pv_call void (*halt)(void);	/* sti and hlt, nothing in between */
	pv_call void (*shutdown)(void);	/* hlt with interrupts off */

	pv_call void (*load_gdt)(const struct table_pointer *table);
	pv_call void (*load_idt)(const struct table_pointer *table);
	pv_call void (*load_tr)(u32 selector);
	pv_call void (*set_kernel_stack)(u32 ss, u32 esp0);

	pv_call u32 (*read_cr2)(void);
	pv_call u32 (*read_cr3)(void);
	pv_call void (*load_cr3)(u32 directory);
	pv_call u32 (*read_cr0)(void);
	pv_call void (*write_cr0)(u32 value);
	pv_call u32 (*read_cr4)(void);
	pv_call void (*write_cr4)(u32 value);
	pv_call void (*clear_ts)(void);
	pv_call void (*invlpg)(u32 address);

	pv_call void (*set_pte)(u32 entry, u32 *where, u32 hint);
	pv_call void (*table_made)(u32 frame, u32 kind);
	pv_call void (*table_gone)(u32 frame, u32 kind);
	pv_call void (*batch)(u32 kind);

	void (*cpuid)(u32 leaf, struct cpuid_result *result);
	pv_call void (*io_delay)(void);
	void (*start_timer)(u32 ticks_per_second);
};

extern struct paravirt_ops pv;

/* What the machine calls itself; the tour and the boot message print it. */
const char *hv_name(void);

/* Interrupts off until the matching restore; sections may nest. */
static inline u32 interrupts_off(void)
{
	u32 flags = pv.save_flags();

	pv.cli();
	return flags;
}

static inline void interrupts_restore(u32 flags)
{
	pv.restore_flags(flags);
}

#endif
