/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Page faults, the kernel's way to be lazy.
 *
 * A fault is not an error but a question: "the program wants this page; may it
 * have it?"  There are four answers:
 *
 *   touched for the first time   give it a zeroed page, or one filled from the
 *                                program's file
 *   written, marked PTE_COW,
 *     and others own it too      give it a copy of its own
 *     and nobody else does       let it keep the page, now writable
 *   anything else                no: the program has a bug, and ends
 *
 * The question can also come from the kernel, when it copies to or from a
 * program in copy_bytes.  The answers are the same, except that "no" becomes
 * an error of the system call.
 */
#include "kernel.h"

enum { ERROR_PRESENT = 1, ERROR_WRITE = 2 };

extern u8 copy_bytes_words[], copy_bytes_rest[], copy_bytes_failed[];

/* A page that was touched for the first time. */
static bool fill_page(struct space *space, const struct region *region,
		      u32 page)
{
	u32 offset = page - region->start;
	u32 *where = page_entry_make(space->directory, page);
	u32 frame = where ? frame_alloc_zeroed() : 0;
	u32 entry = frame | PTE_PRESENT | PTE_USER;

	if (!frame)
		return false;
	if (region->image && offset < region->image_bytes) {
		u32 left = region->image_bytes - offset;

		memcpy(phys_to_virt(frame), region->image + offset,
		       left < PAGE_SIZE ? left : PAGE_SIZE);
		counters.faults_image++;
	} else {
		counters.faults_zero++;
	}
	if (region->writable)
		entry |= PTE_WRITE;
	page_set(space->directory, page, where, entry);
	return true;
}

/* A write to a page that fork left shared. */
static bool copy_page(struct space *space, u32 page, u32 *where)
{
	u32 old = *where & PAGE_MASK;
	u32 entry = (*where & ~PTE_COW) | PTE_WRITE;
	u32 frame;

	if (frame_owners(old) == 1) {
		page_set(space->directory, page, where, entry);
		counters.faults_reuse++;
	} else {
		frame = frame_alloc();
		if (!frame)
			return false;
		memcpy(phys_to_virt(frame), phys_to_virt(old), PAGE_SIZE);
		page_set(space->directory, page, where,
			 frame | (entry & ~PAGE_MASK));
		frame_release(old);
		counters.faults_copy++;
	}
	pv.invlpg(page);
	return true;
}

static bool answer(struct space *space, u32 address, u32 error)
{
	const struct region *region = region_find(space, address);
	u32 page = address & PAGE_MASK;
	u32 *where;

	if (!region || (error & ERROR_WRITE && !region->writable))
		return false;
	current->faults++;
	where = page_entry(space->directory, page);
	if (!where || !(*where & PTE_PRESENT))
		return fill_page(space, region, page);
	if (error & ERROR_WRITE && *where & PTE_COW)
		return copy_page(space, page, where);
	/* The entry allows it: the processor used an older copy of it. */
	return !(error & ERROR_WRITE) || *where & PTE_WRITE;
}

void page_fault(struct trap_frame *frame)
{
	u32 address = pv.read_cr2();

	if (address < PAGE_OFFSET && current != &processes[0] &&
	    answer(&current->space, address, frame->error))
		return;
	if (frame_is_user(frame)) {
		printk("lantern: process %d (%s) killed: page fault at eip "
		       "%08x, %s %08x\n", current->pid, current->name,
		       frame->eip, frame->error & ERROR_WRITE ? "writing" :
		       "reading", address);
		process_exit(STATUS_EXCEPTION + 14);
	}
	if (frame->eip == (u32)copy_bytes_words ||
	    frame->eip == (u32)copy_bytes_rest) {
		frame->eip = (u32)copy_bytes_failed;
		return;
	}
	print_registers(frame);
	print_backtrace(frame->ebp);
	panic("page fault in the kernel, at %08x", address);
}
