/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest memory for tests of operations: linear is physical, pages can be
 * taken away or made read-only; and a processor in protected mode with
 * tables that a test fills.  See fake_mem.c. */
#ifndef TESTS_UNIT_FAKE_MEM_H
#define TESTS_UNIT_FAKE_MEM_H

#include "core/op/op.h"

enum {
	FAKE_SIZE = 1 << 20,
	FAKE_GDT = 0x1000,
	FAKE_IDT = 0x2000,
	FAKE_TSS = 0x3000,
	FAKE_TSS2 = 0x3800,
	FAKE_STACK0 = 0x8000, /* top of the stack of CPL 0 */
	FAKE_STACK3 = 0xa000,
	FAKE_DEVICE = 0xf0000, /* a page that is no plain memory */

	SEL_CODE0 = 0x08,
	SEL_DATA0 = 0x10,
	SEL_CODE3 = 0x1b,
	SEL_DATA3 = 0x23,
	SEL_TSS = 0x28,
	SEL_TSS2 = 0x30,
	SEL_FREE = 0x38, /* the first that a test may define */
};

extern u8 fake_ram[FAKE_SIZE];
extern unsigned fake_device_accesses, fake_device_size;
extern u64 fake_allowance, fake_extra;

/* Protected mode at CPL 0 with flat segments, GDT, IDT and a 32-bit TSS. */
void fake_machine(struct cpu *c);
/* The same machine running at CPL 3. */
void fake_enter_user(struct cpu *c);
void fake_enter_vm86(struct cpu *c);

void fake_page(gla_t lin, bool present, bool writable);
void fake_desc(u16 sel, u32 base, u32 limit, unsigned attr);
/* Puts a gate into the GDT or IDT at `lin`. */
void fake_gate(gla_t lin, u16 sel, u32 off, unsigned access, unsigned count);
void fake_idt(unsigned vector, u16 sel, u32 off, unsigned access);
u32 fake_get(gla_t lin, unsigned size);
void fake_put(gla_t lin, u32 value, unsigned size);
struct insn fake_insn(unsigned opcode, unsigned opsize);

#endif
