/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guests of this folder share: the ROM as a kernel finds it, calls
 * from C, and fragments (tests/guest/cpu/rt.h) in which `vmi NAME` is a call
 * site of five bytes that is patched before it runs, as kernels do. */
#ifndef TESTS_GUEST_VMI_VMI_H
#define TESTS_GUEST_VMI_VMI_H

#include "tests/guest/cpu/rt.h"

/* The calls in the order of their numbers; not from the table of the
 * monitor, which is what is tested. */
#define VMI_NAMES                                                           \
	N(CPUID) N(WRMSR) N(RDMSR) N(SetGDT) N(SetLDT) N(SetIDT) N(SetTR)   \
	N(GetGDT) N(GetLDT) N(GetIDT) N(GetTR) N(WriteGDTEntry)             \
	N(WriteLDTEntry) N(WriteIDTEntry) N(UpdateKernelStack) N(SetCR0)    \
	N(SetCR2) N(SetCR3) N(SetCR4) N(GetCR0) N(GetCR2) N(GetCR3)         \
	N(GetCR4) N(WBINVD) N(SetDR) N(GetDR) N(RDPMC) N(RDTSC) N(CLTS)     \
	N(EnableInterrupts) N(DisableInterrupts) N(GetInterruptMask)        \
	N(SetInterruptMask) N(IRET) N(SYSEXIT) N(Halt) N(Reboot)            \
	N(Shutdown) N(SetPxE) N(SetPxELong) N(UpdatePxE) N(UpdatePxELong)   \
	N(MachineToPhysical) N(PhysicalToMachine) N(AllocatePage)           \
	N(ReleasePage) N(InvalPage) N(FlushTLB) N(SetLinearMapping) N(INL)  \
	N(INB) N(INW) N(INSL) N(INSB) N(INSW) N(OUTL) N(OUTB) N(OUTW)       \
	N(OUTSL) N(OUTSB) N(OUTSW) N(SetIOPLMask) N(SetInitialAPState)      \
	N(APICWrite) N(APICRead) N(IODelay) N(GetCycleFrequency)            \
	N(GetCycleCounter) N(SetAlarm) N(CancelAlarm) N(GetWallclockTime)   \
	N(WallclockUpdated) N(SetCallbacks) N(SetLazyMode)

enum {
#define N(name) VMI_##name,
	VMI_NAMES
#undef N
	VMI_CALLS
};

/* e8, the number, "VMI": patch() makes a displacement of it. */
#define N(name) ".set VMI_" #name ", vmi_number\n.set vmi_number, vmi_number + 1\n"
asm(".set vmi_number, 0\n" VMI_NAMES
    ".macro vmi name\n.byte 0xe8\n.long 0x494d5600 + VMI_\\name\n.endm");
#undef N

extern u32 rom;		      /* linear address of the ROM, 0: there is none */
extern u32 stub[VMI_CALLS]; /* what get_reloc said; 0: not to be called */

/* Looks for the ROM as Linux does, then asks for all calls.  vmi_init is
 * called when `start` says so. */
void find_rom(bool start);
/* get_reloc: {type, address} in {edx, eax}. */
u64 reloc(u32 number);
/* A call from C: arguments in eax, edx, ecx and on the stack; edx:eax. */
u64 vmi5(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e);
#define vmi(number, a, b, c) vmi5(VMI_##number, a, b, c, 0, 0)

/* Fills in the call sites of a fragment; its address. */
u32 patch(u32 code);
/* run and show; a stop in a stub is told as such. */
struct state go(const char *name, struct state from);
#define VMI(cpl, text) go(text, at(cpl, patch(FRAG(text))))
/* The same with no data segment to be had. */
#define BARE(text)                                            \
	({                                                    \
		struct state s_ = at(0, patch(FRAG(text)));   \
		s_.ds = s_.es = s_.fs = s_.gs = 0;            \
		go(text, s_);                                 \
	})

#endif
