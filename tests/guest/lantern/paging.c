/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Page tables.
 *
 * A 32-bit address is 10 bits of directory index, 10 bits of table index and
 * 12 bits of offset.  Every address space has its own directory, but the upper
 * quarter is the same in all, so the kernel finds itself at home wherever it
 * is entered:
 *
 *   00000000  the process (space.c)
 *   C0000000  all physical memory, at most 896 MiB: the direct map
 *   F8000000  kernel stacks, each above a page that is never mapped
 *   FC000000  left free: a hypervisor may live there
 *
 * The tables behind the upper quarter are made once, here, and never replaced.
 * So a new directory copies 256 entries and can never go out of date.
 */
#include "kernel.h"

#define STACK_AREA 0xF8000000u
enum { STACK_PAGES = 2, SLOT_PAGES = 4 };	/* two or more guard pages */

static u32 *table_of(u32 entry)
{
	return phys_to_virt(entry & PAGE_MASK);
}

/* The place of the entry for `address`, or NULL if it has no table. */
u32 *page_entry(u32 *directory, u32 address)
{
	u32 entry = directory[address >> 22];

	if (!(entry & PTE_PRESENT) || entry & PTE_LARGE)
		return NULL;
	return &table_of(entry)[address >> 12 & 1023];
}

/* The same, but makes the table; NULL when memory is exhausted. */
u32 *page_entry_make(u32 *directory, u32 address)
{
	u32 *where = &directory[address >> 22];
	u32 frame;

	if (!(*where & PTE_PRESENT)) {
		frame = frame_alloc_zeroed();
		if (!frame)
			return NULL;
		pv.table_made(frame, PV_PAGE_TABLE | PV_ZEROED);
		/* The table's entries decide what a process may do. */
		pv.set_pte(frame | PTE_PRESENT | PTE_WRITE | PTE_USER, where,
			   PV_DIRECTORY);
	}
	return page_entry(directory, address);
}

static u32 hint_of(const u32 *directory, u32 address)
{
	if (address >= PAGE_OFFSET || directory == current->space.directory)
		return PV_PAGE_TABLE | PV_CURRENT | (address & PAGE_MASK);
	return PV_PAGE_TABLE;
}

/* Changes the entry at `where`, which maps `address` in `directory`. */
void page_set(u32 *directory, u32 address, u32 *where, u32 entry)
{
	pv.set_pte(entry, where, hint_of(directory, address));
}

/* Flips bits in place, because the processor may be setting others meanwhile;
 * who calls this flushes the TLB afterwards. */
void page_flip_bits(u32 *directory, u32 address, u32 *where, u32 bits)
{
	__asm__ volatile("lock xorl %1, %0" : "+m"(*where) : "r"(bits) : "cc");
	pv.pte_changed(where, hint_of(directory, address) | PV_DEFER);
}

static void map_large(u32 address)
{
	pv.set_pte(address | PTE_PRESENT | PTE_WRITE | PTE_LARGE,
		   &kernel_directory[(PAGE_OFFSET + address) >> 22],
		   PV_DIRECTORY);
}

/* The first tables come from boot.S; the others are made here. */
static void map_small(u32 address)
{
	for (u32 i = 0; i < 1024; i++, address += PAGE_SIZE) {
		u32 *where = page_entry_make(kernel_directory,
					     PAGE_OFFSET + address);

		if (!where)
			panic("no memory for the direct map");
		pv.set_pte(address | PTE_PRESENT | PTE_WRITE, where,
			   PV_PAGE_TABLE | PV_CURRENT |
			   ((PAGE_OFFSET + address) & PAGE_MASK));
	}
}

/* The tables that boot.S made before there was anybody to tell. */
static void announce_tables(void)
{
	pv.direct_map(memory_top / PAGE_SIZE);
	for (u32 i = PAGE_OFFSET >> 22; i < 1024; i++)
		if (kernel_directory[i] & PTE_PRESENT)
			pv.table_made(kernel_directory[i] & PAGE_MASK,
				      PV_PAGE_TABLE);
	pv.table_made(virt_to_phys(kernel_directory), PV_DIRECTORY);
}

void paging_init(void)
{
	announce_tables();
	if (cpu.large_pages)
		pv.write_cr4(pv.read_cr4() | CR4_PSE);
	for (u32 at = 0; at < memory_top; at += LARGE_PAGE) {
		if (cpu.large_pages)
			map_large(at);
		else
			map_small(at);
	}
	/* The low view of boot.S has done its duty. */
	for (u32 i = 0; i < PAGE_OFFSET >> 22; i++)
		pv.set_pte(0, &kernel_directory[i], PV_DIRECTORY);
	if (!page_entry_make(kernel_directory, STACK_AREA))
		panic("no memory for the kernel stacks");
	current->space.directory = kernel_directory;
	pv.load_cr3(virt_to_phys(kernel_directory));
}

u32 kernel_stack_top(u32 slot)
{
	return STACK_AREA + (slot + 1) * SLOT_PAGES * PAGE_SIZE;
}

/* Stacks stay mapped when a process is gone: the next one will want it. */
bool kernel_stack_map(u32 slot)
{
	for (u32 i = 1; i <= STACK_PAGES; i++) {
		u32 address = kernel_stack_top(slot) - i * PAGE_SIZE;
		u32 *where = page_entry(kernel_directory, address);
		u32 frame;

		if (*where & PTE_PRESENT)
			continue;
		frame = frame_alloc();
		if (!frame)
			return false;
		page_set(kernel_directory, address, where,
			 frame | PTE_PRESENT | PTE_WRITE);
	}
	return true;
}
