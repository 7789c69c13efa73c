/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The processor, as far as the kernel speaks of it: selectors, flags, page
 * table bits, the frame that a trap leaves on the stack, and the few
 * instructions that C has no word for.
 *
 * Instructions that a hypervisor would like to hear about are not here but
 * behind `pv` (pv.h).
 */
#ifndef LANTERN_X86_H
#define LANTERN_X86_H

/* The kernel's view of all memory starts here; below it live processes. */
#define PAGE_OFFSET 0xC0000000
#define PAGE_SIZE 0x1000
#define PAGE_MASK 0xFFFFF000
#define LARGE_PAGE 0x400000

/* sysenter and sysexit want these four in this order (SDM 3A 5.8.7). */
#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS 0x1B
#define USER_DS 0x23
#define TSS_SELECTOR 0x28
#define DOUBLE_FAULT_SELECTOR 0x30

#define VECTOR_IRQ 0x20		/* sixteen of them */
#define VECTOR_SYSCALL 0x80
#define VECTOR_SYSENTER 0x81	/* no gate: marks the frame only */

#define FLAG_FIXED 0x002		/* always set */
#define FLAG_TF 0x100
#define FLAG_IF 0x200

#define CR0_TS 0x00000008
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_PG 0x80000000
#define CR4_PSE 0x00000010

/*
 * A page table entry:
 *  31            12 11  9 8 7 6 5 4 3 2 1 0
 * | frame address | soft |G|S|D|A| | |U|W|P|
 */
#define PTE_PRESENT 0x001
#define PTE_WRITE 0x002
#define PTE_USER 0x004
#define PTE_ACCESSED 0x020
#define PTE_DIRTY 0x040
#define PTE_LARGE 0x080
#define PTE_COW 0x200		/* ours: shared until somebody writes */

/* Offsets that assembly needs; pinned by static asserts in traps.c. */
#define FRAME_EIP 44
#define FRAME_ESP 56
#define TSS_ESP0 4

#ifndef __ASSEMBLER__

#include "common/types.h"

struct trap_frame {
	u32 edi, esi, ebp, ebx, edx, ecx, eax;	/* pushed by entry.S */
	u32 es, ds;
	u32 vector, error;
	u32 eip, cs, eflags;			/* pushed by the processor */
	u32 esp, ss;				/* ... if it left ring 3 */
};

/* Ring 3 or not; a hypervisor may run us in ring 1, so do not test for 0. */
static inline bool frame_is_user(const struct trap_frame *frame)
{
	return (frame->cs & 3) == 3;
}

/* The 32-bit task state segment.  We use one for its ring-0 stack, and a
 * second for the double fault. */
struct tss {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2;
	u32 cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, io_map;
};

struct __attribute__((packed)) table_pointer {
	u16 limit;
	u32 base;
};

/* The ring that we run in. */
static inline u32 read_ring(void)
{
	u32 selector;

	__asm__ volatile("movl %%cs, %0" : "=r"(selector));
	return selector & 3;
}

static inline u32 read_frame_pointer(void)
{
	u32 value;

	__asm__ volatile("movl %%ebp, %0" : "=r"(value));
	return value;
}

#endif
#endif
