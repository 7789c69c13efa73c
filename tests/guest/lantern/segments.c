/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Segments: as few as the processor lets us have.
 *
 * Paging does all the protecting here, so every segment spans the whole
 * address space, and the only thing that differs is the ring.  Two task state
 * segments remain.  The first tells the processor which stack to use when a
 * process traps into the kernel.  The second is for the double fault: when the
 * kernel's own stack has overflowed there is no stack to push a frame on, and
 * a task switch, slow and old, brings a fresh one.
 */
#include "kernel.h"

enum { SEGMENTS = 7, CODE = 0x9A, DATA = 0x92, RING3 = 0x60, TSS32 = 0x89 };
enum { FLAT = 0xC };		/* 4 KiB units, 32 bits */

static u64 gdt[SEGMENTS] __attribute__((aligned(8)));

/*
 * sysenter starts with the stack pointer it finds in an MSR.  That points at
 * the TSS, from where entry.S fetches the real one.  Should a debug trap hit in
 * between, its frame needs room: hence the small stack below the TSS.
 */
static struct {
	u8 stack[1024];
	struct tss tss;
} entry __attribute__((aligned(2048)));	/* no page border in the TSS */

static struct tss double_fault_tss __attribute__((aligned(128)));
static u8 double_fault_stack[PAGE_SIZE] __attribute__((aligned(16)));

static u64 descriptor(u32 base, u32 limit, u32 type, u32 flags)
{
	u32 high = (base & 0xFF000000) | flags << 20 | (limit & 0xF0000) |
		   type << 8 | (base >> 16 & 0xFF);
	u32 low = base << 16 | (limit & 0xFFFF);

	return (u64)high << 32 | low;
}

static void set(u32 selector, u32 base, u32 limit, u32 type, u32 flags)
{
	u64 value = descriptor(base, limit, type, flags);

	pv.write_gdt(gdt, selector / 8, (u32)value, (u32)(value >> 32));
}

/* A new table takes effect only when the selectors are loaded again; cs can
 * be loaded by a far jump only.  ss alone must be of our own ring. */
static void reload_selectors(void)
{
	__asm__ volatile("ljmp %0, $1f\n"
			 "1:\tmovl %1, %%ds\n\t"
			 "movl %1, %%es\n\t"
			 "movl %2, %%ss\n\t"
			 "movl %3, %%fs\n\t"
			 "movl %3, %%gs"
			 : : "i"(KERNEL_CS), "r"(KERNEL_DS),
			     "r"(KERNEL_DS | read_ring()), "r"(0) : "memory");
}

/* The processor switched tasks: the old one's registers are in its TSS. */
static void double_fault(void)
{
	const struct tss *old = &entry.tss;

	printk("\nlantern: double fault at eip %08x, esp %08x: "
	       "the kernel stack overflowed\n", old->eip, old->esp);
	print_backtrace(old->ebp);
	panic("double fault");
}

static void double_fault_init(void)
{
	double_fault_tss = (struct tss){
		.cr3 = virt_to_phys(kernel_directory),
		.eip = (u32)double_fault,
		.esp = (u32)(double_fault_stack + sizeof(double_fault_stack)),
		.eflags = FLAG_FIXED,
		.cs = KERNEL_CS, .ds = KERNEL_DS, .es = KERNEL_DS,
		.ss = KERNEL_DS, .ss0 = KERNEL_DS,
		.io_map = sizeof(struct tss),
	};
}

/* May be called again, by who would like to see it done. */
void segments_init(void)
{
	struct table_pointer table = { sizeof(gdt) - 1, (u32)gdt };

	set(KERNEL_CS, 0, 0xFFFFF, CODE, FLAT);
	set(KERNEL_DS, 0, 0xFFFFF, DATA, FLAT);
	set(USER_CS, 0, 0xFFFFF, CODE | RING3, FLAT);
	set(USER_DS, 0, 0xFFFFF, DATA | RING3, FLAT);
	set(TSS_SELECTOR, (u32)&entry.tss, sizeof(struct tss) - 1, TSS32, 0);
	set(DOUBLE_FAULT_SELECTOR, (u32)&double_fault_tss,
	    sizeof(struct tss) - 1, TSS32, 0);

	entry.tss.ss0 = KERNEL_DS;
	entry.tss.io_map = sizeof(struct tss);	/* ring 3 gets no ports */
	double_fault_init();
	pv.load_gdt(&table);
	reload_selectors();
	pv.load_tr(TSS_SELECTOR);
}

/* Where the next trap from ring 3 will push its frame. */
void segments_set_stack(u32 top)
{
	entry.tss.esp0 = top;
	pv.set_kernel_stack(KERNEL_DS, top);
}

u32 sysenter_stack(void)
{
	return (u32)&entry.tss;
}

bool on_sysenter_stack(u32 address)
{
	return address >= (u32)entry.stack &&
	       address <= (u32)&entry.tss + sizeof(struct tss);
}
