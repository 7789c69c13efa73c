/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The seam between this kernel and whatever it runs on.
 *
 * A handful of instructions are sensitive: they read or change the state of
 * the machine rather than of the program.  On bare hardware, and under binary
 * translation, they simply run.  A paravirtual hypervisor would rather be
 * called.  So every one goes through this table, which starts out filled with
 * the real instructions (pv.c) and which vmi.c fills with calls where there is
 * somebody to call.  The rest of the kernel cannot tell.
 *
 * The members take their arguments in eax, edx and ecx and then on the stack,
 * which is the convention of VMware's VMI, so that most of its entry points
 * fit without glue.
 *
 * Calls through it are made direct ones once it is filled (pv_patch).
 *
 * Two instructions cannot be calls, because no register is free when they
 * run: iret and sysexit.  Their places in entry.S are five bytes long, the
 * length of a call or a jump, and labelled pv_site_iret and pv_site_sysexit.
 */
#ifndef LANTERN_PV_H
#define LANTERN_PV_H

#include "x86.h"

#define pv_call __attribute__((regparm(3)))

/* What is said of an entry beside its value. */
enum pv_hint {
	PV_PAGE_TABLE = 0x01,	/* the kind of table it is in */
	PV_DIRECTORY = 0x02,
	PV_CURRENT = 0x10,	/* the table is in use now, and bits 31-12 are
				   the linear address of the page */
	PV_DEFER = 0x20,	/* a flush follows: it may wait for that */
	PV_ZEROED = 0x40,	/* of a new table: it is empty */
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
	pv_call void (*reboot)(u32 hard);

	pv_call void (*load_gdt)(const struct table_pointer *table);
	pv_call void (*load_idt)(const struct table_pointer *table);
	pv_call void (*write_gdt)(u64 *table, u32 index, u32 low, u32 high);
	pv_call void (*write_idt)(u64 *table, u32 index, u32 low, u32 high);
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
	pv_call void (*flush_tlb)(u32 what);	/* see PV_FLUSH */

	/* Page tables.  An entry is stored by set_pte, or stored in place and
	 * then told; a table is told before it is used and when it is no
	 * more; the direct map is where they are all found. */
	pv_call void (*set_pte)(u32 entry, u32 *where, u32 hint);
	pv_call void (*pte_changed)(u32 *where, u32 hint);
	void (*table_made)(u32 frame, u32 kind);
	void (*table_gone)(u32 frame, u32 kind);
	void (*direct_map)(u32 pages);
	pv_call void (*batch)(u32 kind);

	void (*cpuid)(u32 leaf, struct cpuid_result *result);
	pv_call void (*write_msr)(u32 low, u32 high, u32 index);
	pv_call u64 (*read_tsc)(void);
	pv_call u32 (*in8)(u32 unused, u32 port);
	pv_call void (*out8)(u32 value, u32 port);
	pv_call void (*out16)(u32 value, u32 port);
	pv_call void (*io_delay)(void);

	void (*start_timer)(u32 ticks_per_second);
	pv_call u64 (*cycles_per_second)(void);	/* 0: measure it */
	pv_call u64 (*wall_clock)(void);	/* ns since 1970; 0: none */
};

enum { PV_FLUSH = 1 };	/* all that is not global */

extern struct paravirt_ops pv;

/* sites.c: the table has changed, and calls lead to what it names now. */
void pv_patch(void);

/* vmi.c: looks for a hypervisor to call. */
void vmi_start(void);

/* What the machine calls itself; the tour and the boot message print it. */
const char *hv_name(void);

static inline bool interrupts_are_on(void)
{
	return pv.save_flags() & FLAG_IF;
}

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

static inline u8 in8(u16 port)
{
	return (u8)pv.in8(0, port);
}

static inline void out8(u16 port, u8 value)
{
	pv.out8(value, port);
}

#endif
