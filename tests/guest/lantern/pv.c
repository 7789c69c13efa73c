/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The native side of the seam: each sensitive operation as the one
 * instruction, or the few, that the hardware offers for it.
 *
 * A kernel port to another privilege model would start by reading this file:
 * it is the complete list of what a kernel does that a program may not.
 */
#include "kernel.h"

static pv_call void native_cli(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static pv_call void native_sti(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static pv_call u32 native_save_flags(void)
{
	u32 flags;

	__asm__ volatile("pushfl\n\tpopl %0" : "=r"(flags) : : "memory");
	return flags & FLAG_IF;
}

static pv_call void native_restore_flags(u32 flags)
{
	if (flags & FLAG_IF)
		native_sti();
	else
		native_cli();
}

/* sti holds interrupts off for one more instruction, so none can slip in
 * before the hlt and leave us asleep with work to do (SDM 2B, STI). */
static pv_call void native_halt(void)
{
	__asm__ volatile("sti\n\thlt" : : : "memory");
}

static pv_call void native_shutdown(void)
{
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

/* The keyboard controller's last duty: its output line 0 resets the CPU. */
static pv_call void native_reboot(u32 hard)
{
	(void)hard;
	out8(0x64, 0xFE);
	native_shutdown();
}

static pv_call void native_load_gdt(const struct table_pointer *table)
{
	__asm__ volatile("lgdt %0" : : "m"(*table) : "memory");
}

static pv_call void native_load_idt(const struct table_pointer *table)
{
	__asm__ volatile("lidt %0" : : "m"(*table));
}

static pv_call void native_write_descriptor(u64 *table, u32 index, u32 low,
					    u32 high)
{
	table[index] = (u64)high << 32 | low;
}

static pv_call void native_load_tr(u32 selector)
{
	__asm__ volatile("ltr %w0" : : "r"(selector));
}

/* The processor reads the new stack from the TSS at the next trap; there is
 * nothing else to tell it. */
static pv_call void native_set_kernel_stack(u32 ss, u32 esp0)
{
	(void)ss;
	(void)esp0;
}

static pv_call u32 native_read_cr2(void)
{
	u32 value;

	__asm__ volatile("movl %%cr2, %0" : "=r"(value));
	return value;
}

static pv_call u32 native_read_cr3(void)
{
	u32 value;

	__asm__ volatile("movl %%cr3, %0" : "=r"(value));
	return value;
}

static pv_call void native_load_cr3(u32 directory)
{
	__asm__ volatile("movl %0, %%cr3" : : "r"(directory) : "memory");
}

static pv_call u32 native_read_cr0(void)
{
	u32 value;

	__asm__ volatile("movl %%cr0, %0" : "=r"(value));
	return value;
}

static pv_call u32 native_read_cr4(void)
{
	u32 value;

	__asm__ volatile("movl %%cr4, %0" : "=r"(value));
	return value;
}

static pv_call void native_write_cr4(u32 value)
{
	__asm__ volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}

static pv_call void native_write_cr0(u32 value)
{
	__asm__ volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}

static pv_call void native_clear_ts(void)
{
	__asm__ volatile("clts");
}

static pv_call void native_invlpg(u32 address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static pv_call void native_flush_tlb(u32 what)
{
	(void)what;
	native_load_cr3(native_read_cr3());
}

/* Volatile, because the processor reads tables behind the compiler's back. */
static pv_call void native_set_pte(u32 entry, u32 *where, u32 hint)
{
	(void)hint;
	*(volatile u32 *)where = entry;
}

static pv_call void native_pte_changed(u32 *where, u32 hint)
{
	(void)where;
	(void)hint;
}

static void native_table_changed(u32 frame, u32 kind)
{
	(void)frame;
	(void)kind;
}

static void native_direct_map(u32 pages)
{
	(void)pages;
}

static pv_call void native_batch(u32 kind)
{
	(void)kind;
}

static void native_cpuid(u32 leaf, struct cpuid_result *result)
{
	__asm__ volatile("cpuid"
			 : "=a"(result->eax), "=b"(result->ebx),
			   "=c"(result->ecx), "=d"(result->edx)
			 : "0"(leaf), "2"(0));
}

static pv_call void native_write_msr(u32 low, u32 high, u32 index)
{
	__asm__ volatile("wrmsr" : : "c"(index), "a"(low), "d"(high));
}

static pv_call u64 native_read_tsc(void)
{
	u64 value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

static pv_call u32 native_in8(u32 unused, u32 port)
{
	u8 value;

	(void)unused;
	__asm__ volatile("inb %w1, %0" : "=a"(value) : "d"(port));
	return value;
}

static pv_call void native_out8(u32 value, u32 port)
{
	__asm__ volatile("outb %b0, %w1" : : "a"(value), "d"(port));
}

static pv_call void native_out16(u32 value, u32 port)
{
	__asm__ volatile("outw %w0, %w1" : : "a"(value), "d"(port));
}

/* A write to the unused POST port takes about a microsecond on a real ISA
 * bus: time enough for the old interrupt controllers. */
static pv_call void native_io_delay(void)
{
	native_out8(0, 0x80);
}

/* Nothing tells how fast the time-stamp counter is, nor the year of the
 * century. */
static pv_call u64 native_unknown(void)
{
	return 0;
}

struct paravirt_ops pv = {
	.name = "native or binary translation",
	.cli = native_cli,
	.sti = native_sti,
	.save_flags = native_save_flags,
	.restore_flags = native_restore_flags,
	.halt = native_halt,
	.shutdown = native_shutdown,
	.reboot = native_reboot,
	.load_gdt = native_load_gdt,
	.load_idt = native_load_idt,
	.write_gdt = native_write_descriptor,
	.write_idt = native_write_descriptor,
	.load_tr = native_load_tr,
	.set_kernel_stack = native_set_kernel_stack,
	.read_cr2 = native_read_cr2,
	.read_cr3 = native_read_cr3,
	.load_cr3 = native_load_cr3,
	.read_cr0 = native_read_cr0,
	.write_cr0 = native_write_cr0,
	.read_cr4 = native_read_cr4,
	.write_cr4 = native_write_cr4,
	.clear_ts = native_clear_ts,
	.invlpg = native_invlpg,
	.flush_tlb = native_flush_tlb,
	.set_pte = native_set_pte,
	.pte_changed = native_pte_changed,
	.table_made = native_table_changed,
	.table_gone = native_table_changed,
	.direct_map = native_direct_map,
	.batch = native_batch,
	.cpuid = native_cpuid,
	.write_msr = native_write_msr,
	.read_tsc = native_read_tsc,
	.in8 = native_in8,
	.out8 = native_out8,
	.out16 = native_out16,
	.io_delay = native_io_delay,
	.start_timer = pit_start,
	.cycles_per_second = native_unknown,
	.wall_clock = native_unknown,
};

const char *hv_name(void)
{
	return pv.name;
}
