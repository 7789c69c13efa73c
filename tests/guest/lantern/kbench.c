/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Measurements that only a kernel can make: changing a page table entry,
 * loading CR3, reading a port, turning interrupts off and on.
 *
 * On a processor these cost some hundred cycles at most.  Under a virtual
 * machine monitor they may cost thousands, and which of them do tells how the
 * monitor works.  The program user/bench.c asks for them.
 */
#include "kernel.h"

static void change_entries(u32 iterations)
{
	u32 address = USER_STACK_TOP - PAGE_SIZE;
	u32 *directory = current->space.directory;
	u32 *where = page_entry(directory, address);

	/* Our own stack's top page, which is present: flip a soft bit. */
	for (u32 i = 0; where && i < iterations; i++) {
		page_set(directory, address, where, *where ^ 0x800);
		pv.invlpg(address);
	}
}

static void load_directories(u32 iterations)
{
	for (u32 i = 0; i < iterations; i++)
		pv.load_cr3(pv.read_cr3());
}

static void read_ports(u32 iterations)
{
	for (u32 i = 0; i < iterations; i++)
		in8(0x80);
}

static void mask_interrupts(u32 iterations)
{
	for (u32 i = 0; i < iterations; i++)
		interrupts_restore(interrupts_off());
}

/* Not a measurement: shows what the guard page and the double fault are for.
 * The sum after the call keeps the compiler from making this a loop. */
static __attribute__((noinline)) u32 overflow(u32 depth)
{
	volatile u32 room[64];

	room[0] = depth;
	if (depth == 0)
		return 0;
	return overflow(depth - 1) + room[0];
}

int sys_kernel_bench(u32 which, u32 iterations, u64 *cycles)
{
	u64 start = cpu.tsc ? pv.read_tsc() : 0, spent;

	switch (which) {
	case BENCH_PTE:
		change_entries(iterations);
		break;
	case BENCH_CR3:
		load_directories(iterations);
		break;
	case BENCH_PORT:
		read_ports(iterations);
		break;
	case BENCH_MASK:
		mask_interrupts(iterations);
		break;
	case BENCH_OVERFLOW:
		overflow(iterations);
		break;
	default:
		return -E_INVAL;
	}
	spent = cpu.tsc ? pv.read_tsc() - start : 0;
	return copy_to_user(cycles, &spent, sizeof(spent));
}
