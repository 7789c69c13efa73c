/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the kernel itself is wrong.
 *
 * Nothing sensible can be done, except to say what was seen and stop before
 * more is damaged.  The backtrace follows the chain of frame pointers: each
 * function has pushed its caller's ebp, and above it lies the address that it
 * returns to.  `addr2line -fe lantern.elf ADDRESS` gives them names.
 */
#include "kernel.h"

enum { DEPTH = 16, PANIC_STATUS = 0x3F };

static bool is_kernel_stack(u32 address)
{
	return !(address & 3) &&
	       ((address >= (u32)boot_stack &&
		 address < (u32)boot_stack_top - 8) ||
		(current->stack_top &&
		 address >= current->stack_top - 2 * PAGE_SIZE &&
		 address < current->stack_top - 8));
}

void print_backtrace(u32 frame_pointer)
{
	printk("called from:");
	for (u32 i = 0; i < DEPTH && is_kernel_stack(frame_pointer); i++) {
		const u32 *frame = (const u32 *)frame_pointer;

		printk(" %08x", frame[1]);
		if (frame[0] <= frame_pointer)
			break;
		frame_pointer = frame[0];
	}
	printk("\n");
}

void print_registers(const struct trap_frame *frame)
{
	printk("eip %08x cs %04x eflags %08x vector %u error %x\n",
	       frame->eip, frame->cs, frame->eflags, frame->vector,
	       frame->error);
	printk("eax %08x ebx %08x ecx %08x edx %08x\n",
	       frame->eax, frame->ebx, frame->ecx, frame->edx);
	printk("esi %08x edi %08x ebp %08x cr2 %08x\n",
	       frame->esi, frame->edi, frame->ebp, pv.read_cr2());
}

static void put(void *context, char c)
{
	(void)context;
	console_write(&c, 1);
}

void panic(const char *how, ...)
{
	va_list args;

	pv.cli();
	printk("\nlantern: panic: ");
	va_start(args, how);
	format(put, NULL, how, args);
	va_end(args);
	printk("\nprocess %d (%s), ", current->pid, current->name);
	print_backtrace(read_frame_pointer());
	out8(0xF4, PANIC_STATUS);
	pv.shutdown();
	__builtin_unreachable();
}
