/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * System calls: the program asks, the kernel answers.
 *
 * The table is made from common/syscalls.def, so a call exists in one row
 * there and one function sys_... here.  Arguments come in ebx, esi and edi; a
 * function that wants fewer ignores the rest, as the C calling convention
 * allows.
 *
 * There are two doors (entry.S).  `int 0x80` works on every processor; it looks
 * up a gate, checks rights, and pushes five words.  `sysenter`, where it
 * exists, does nothing of that and is several times faster.
 */
#include "kernel.h"

typedef int (*system_function)(u32 a, u32 b, u32 c);

static const system_function functions[SYS_COUNT] = {
#define SYSTEM_CALL(number, name, help) \
	[number] = (system_function)(void *)sys_##name,
#include "common/syscalls.def"
};

struct lantern_counters counters;

void system_call(struct trap_frame *frame)
{
	u32 number = frame->eax;

	counters.system_calls++;
	pv.sti();
	if (number < SYS_COUNT && functions[number])
		frame->eax = (u32)functions[number](frame->ebx, frame->esi,
						    frame->edi);
	else
		frame->eax = (u32)-E_NOSYS;
}

void sysenter_init(void)
{
	enum { MSR_CS = 0x174, MSR_ESP = 0x175, MSR_EIP = 0x176 };

	if (!cpu.sysenter)
		return;
	pv.write_msr(KERNEL_CS, 0, MSR_CS);
	pv.write_msr(sysenter_stack(), 0, MSR_ESP);
	pv.write_msr((u32)sysenter_entry, 0, MSR_EIP);
}

int sys_info(struct lantern_info *to)
{
	struct lantern_info info = {
		.memory_kib = memory_top / 1024,
		.total_frames = frames_total,
		.free_frames = frames_free,
		.kernel_start = virt_to_phys(kernel_start),
		.kernel_end = virt_to_phys(kernel_end),
		.has_sysenter = cpu.sysenter,
		.has_tsc = cpu.tsc,
		.has_large_pages = cpu.large_pages,
		.counters = counters,
	};

	copy_text(info.engine, hv_name(), sizeof(info.engine));
	copy_text(info.processor, cpu.name, sizeof(info.processor));
	return copy_to_user(to, &info, sizeof(info));
}
