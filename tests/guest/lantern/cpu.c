/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can this processor do?
 *
 * CPUID tells, if it exists: on the oldest processors bit 21 of the flags
 * cannot be changed, and that is how one finds out.  Whatever is missing, the
 * kernel has a second way: 4 KiB pages instead of 4 MiB ones, `int 0x80`
 * instead of `sysenter`.
 */
#include "kernel.h"

#define FLAG_ID 0x200000

enum { EDX_FPU = 1 << 0, EDX_PSE = 1 << 3, EDX_TSC = 1 << 4,
       EDX_MSR = 1 << 5, EDX_SEP = 1 << 11 };

struct cpu_features cpu;

static bool has_cpuid(void)
{
	u32 before, after;

	__asm__ volatile("pushfl\n\tpopl %0\n\t"
			 "movl %0, %1\n\txorl %2, %1\n\t"
			 "pushl %1\n\tpopfl\n\t"
			 "pushfl\n\tpopl %1\n\t"
			 "pushl %0\n\tpopfl"
			 : "=&r"(before), "=&r"(after) : "i"(FLAG_ID) : "cc");
	return (before ^ after) & FLAG_ID;
}

/* Processors name themselves in three leaves of 16 characters, or at least
 * their maker in one of 12. */
static void read_name(const struct cpuid_result *vendor)
{
	struct cpuid_result part;

	memcpy(cpu.name, &vendor->ebx, 4);
	memcpy(cpu.name + 4, &vendor->edx, 4);
	memcpy(cpu.name + 8, &vendor->ecx, 4);
	pv.cpuid(0x80000000, &part);
	if (part.eax < 0x80000004 || !(part.eax & 0x80000000))
		return;
	for (u32 i = 0; i < 3; i++) {
		pv.cpuid(0x80000002 + i, &part);
		memcpy(cpu.name + 16 * i, &part, 16);
	}
}

void cpu_identify(void)
{
	struct cpuid_result leaf, vendor;
	u32 family, model;

	if (!has_cpuid()) {
		copy_text(cpu.name, "without CPUID", sizeof(cpu.name));
		return;
	}
	pv.cpuid(0, &vendor);
	read_name(&vendor);
	pv.cpuid(1, &leaf);
	family = leaf.eax >> 8 & 15;
	model = leaf.eax >> 4 & 15;
	cpu.fpu = leaf.edx & EDX_FPU;
	cpu.large_pages = leaf.edx & EDX_PSE;
	cpu.tsc = leaf.edx & EDX_TSC;
	cpu.sysenter = leaf.edx & EDX_SEP && leaf.edx & EDX_MSR;
	/* The first Pentium Pros promise sysenter but do not keep it. */
	if (family == 6 && model < 3 && (leaf.eax & 15) < 3)
		cpu.sysenter = false;
}
