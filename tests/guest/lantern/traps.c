/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What to do when the processor leaves the program.
 *
 * Exceptions 0-31 are the processor's own, 32-47 are devices, 128 is a program
 * asking for service.  All come through entry.S to trap_dispatch, and all go
 * back through its last lines, where a process may lose the processor or its
 * life.
 *
 * Every gate turns interrupts off.  System calls turn them on again, the
 * others are short enough to do without.
 */
#include "kernel.h"

_Static_assert(offsetof(struct trap_frame, eip) == FRAME_EIP, "entry.S");
_Static_assert(offsetof(struct trap_frame, esp) == FRAME_ESP, "entry.S");
_Static_assert(sizeof(struct trap_frame) == 64, "entry.S, describe_frame");
_Static_assert(offsetof(struct tss, esp0) == TSS_ESP0, "entry.S");
_Static_assert(sizeof(struct tss) == 104, "SDM 3A figure 8-2");

enum { EXCEPTIONS = 32, IRQS = 16, GATES = 256 };
enum { DEBUG = 1, DOUBLE_FAULT = 8, NO_FPU = 7, PAGE_FAULT = 14 };
enum { TIMER_LINE = 0, KEYBOARD_LINE = 1, SERIAL_LINE = 4 };
enum { GATE_INTERRUPT = 0x8E, GATE_TASK = 0x85, GATE_RING3 = 0x60 };

static u64 idt[GATES] __attribute__((aligned(8)));

static const char *const exception_names[EXCEPTIONS] = {
	"divide error", "debug trap", "NMI", "breakpoint", "overflow",
	"bound exceeded", "invalid opcode", "no coprocessor", "double fault",
	"coprocessor overrun", "invalid TSS", "segment not present",
	"stack fault", "general protection fault", "page fault", "reserved",
	"floating-point error", "alignment check", "machine check",
	"SIMD error",
};

static void set_gate(u32 vector, u32 selector, u32 target, u32 type)
{
	u32 low = selector << 16 | (target & 0xFFFF);
	u32 high = (target & 0xFFFF0000) | type << 8;

	pv.write_idt(idt, vector, low, high);
}

void traps_init(void)
{
	struct table_pointer table = { sizeof(idt) - 1, (u32)idt };

	for (u32 i = 0; i < EXCEPTIONS + IRQS; i++)
		set_gate(i, KERNEL_CS, trap_stubs[i], GATE_INTERRUPT);
	set_gate(DOUBLE_FAULT, DOUBLE_FAULT_SELECTOR, 0, GATE_TASK);
	set_gate(VECTOR_SYSCALL, KERNEL_CS, trap_stubs[EXCEPTIONS + IRQS],
		 GATE_INTERRUPT | GATE_RING3);
	/* int3 and into are instructions that a program may use. */
	set_gate(3, KERNEL_CS, trap_stubs[3], GATE_INTERRUPT | GATE_RING3);
	set_gate(4, KERNEL_CS, trap_stubs[4], GATE_INTERRUPT | GATE_RING3);
	pv.load_idt(&table);
}

static void interrupt(u32 line)
{
	if (!pic_begin(line))
		return;
	counters.interrupts++;
	switch (line) {
	case TIMER_LINE:
		timer_interrupt();
		break;
	case KEYBOARD_LINE:
		keyboard_interrupt();
		break;
	case SERIAL_LINE:
		serial_interrupt();
		break;
	}
}

static void unexpected(struct trap_frame *frame)
{
	const char *name = exception_names[frame->vector];

	if (!name)
		name = "reserved exception";
	if (frame_is_user(frame)) {
		printk("lantern: process %d (%s) killed: %s at eip %08x\n",
		       current->pid, current->name, name, frame->eip);
		process_exit(STATUS_EXCEPTION + (int)frame->vector);
	}
	print_registers(frame);
	print_backtrace(frame->ebp);
	panic("%s in the kernel", name);
}

static void exception(struct trap_frame *frame)
{
	if (frame->vector == PAGE_FAULT) {
		page_fault(frame);
	} else if (frame->vector == NO_FPU && frame_is_user(frame) && cpu.fpu) {
		fpu_load();
	} else if (frame->vector == DEBUG && on_sysenter_stack((u32)frame)) {
		/* A program single-stepped itself into sysenter. */
		frame->eflags &= ~(u32)FLAG_TF;
	} else {
		unexpected(frame);
	}
}

/* frame may be changed: the program goes on with what is left in it. */
void trap_dispatch(struct trap_frame *frame)
{
	if (frame->vector < EXCEPTIONS)
		exception(frame);
	else if (frame->vector < EXCEPTIONS + IRQS)
		interrupt(frame->vector - VECTOR_IRQ);
	else
		system_call(frame);

	if (frame_is_user(frame))
		leave_kernel();
}
