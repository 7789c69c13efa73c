/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations: the instructions that cannot be copied, each a C function on
 * the whole CPU state.  Translated code calls them with struct cpu complete:
 * c->eip is the instruction's own address.  An operation checks everything,
 * then acts; when it raises an exception no guest state has changed except
 * what the manual says changes (REP strings keep the iterations done). */
#ifndef CORE_OP_OP_H
#define CORE_OP_OP_H

#include "core/base/types.h"
#include "core/cpu/cpu.h"
#include "core/x86/decode.h"

enum op_result {
	OP_NEXT, /* done; go on after the instruction (eip not yet advanced) */
	OP_JUMP, /* done; c->eip is where to go on, mode may have changed */
	OP_FAULT, /* c->exc holds an exception */
	OP_AGAIN, /* a REP was interrupted between iterations: eip unchanged */
	OP_HALT, /* HLT executed; eip already after it, c->halted set */
};

typedef enum op_result op_fn(struct cpu *c, const struct insn *in);

/* One declaration per row of ops.def. */
#define OP(name, speed) op_fn op_##name;
#include "core/op/ops.def"

/* The functions by enum operation (core/x86/opcode.h); [0] is NULL. */
extern op_fn *const op_table[];

/* ---- events (event.c) ---- */

/* Delivers c->exc (merging double and triple faults) and clears it; the
 * vector whose handler was called, after a shutdown the last one tried. */
u8 event_deliver_exception(struct cpu *c);
/* What could not be delivered when the processor shut down, in order: each was
 * tried, and raised the next instead, which table 6-5 of SDM 3A may have made
 * a double fault.  For who asks afterwards. */
enum { CHAIN_MAX = 8 };
struct event_chain {
	int interrupt; /* what it began with, if that was one; else -1 */
	unsigned count;
	struct {
		struct exception tried, raised;
	} part[CHAIN_MAX];
};
const struct event_chain *event_chain(void);
/* Delivers vector as a hardware interrupt. */
void event_deliver_interrupt(struct cpu *c, u8 vector);
/* INT n, INT3, INTO: c->eip is the instruction's, next is after it. */
enum op_result event_software(struct cpu *c, u8 vector, u32 next_eip);

/* Effective address (offset in the segment) of the memory operand. */
u32 op_ea(const struct cpu *c, const struct insn *in);

/* Makes TOP 0; the registers stay where they are, as do their tags. */
void fpu_clear_top(struct cpu *c);

/* Effects of writing control registers, shared with VMI. They check, raise
 * #GP, flush what must be flushed and set mode_changed. */
bool ctl_set_cr0(struct cpu *c, u32 value);
bool ctl_set_cr3(struct cpu *c, u32 value);
bool ctl_set_cr4(struct cpu *c, u32 value);
bool ctl_load_pdptes(struct cpu *c, u32 cr3);

/* Loads a segment register with the manual's checks; raises and returns
 * false (seg_load.c). */
bool seg_load(struct cpu *c, unsigned seg, u16 selector);
/* Recomputes c->cpl-dependent state; sets mode_changed. */
void seg_set_cpl(struct cpu *c, unsigned cpl);

/* MSRs: false when the number is unknown or the value not allowed. */
bool msr_read(struct cpu *c, u32 index, u64 *value);
bool msr_write(struct cpu *c, u32 index, u64 value);

/* What CPUID answers; `cpu_features` (cpuid.c) can switch bits off. */
void cpuid_leaf(const struct cpu *c, u32 leaf, u32 subleaf, u32 out[4]);

/* Switches the feature of that name (features.def) on or off, before the
 * guest starts; on only where the host can do it. */
struct err;
int cpuid_set_feature(const char *name, bool on, struct err *e);
/* Name of row i of features.def, NULL after the last; and is it on? */
const char *cpuid_feature_name(unsigned i);
bool cpuid_feature_on(unsigned i);

/* What an instruction has done that somebody may want to stop at; number and
 * value are, for each:
 * DR, MSR_READ, MSR_WRITTEN: register, its value; TABLE: enum op_table_name,
 * base; INVLPG: linear address, 0; CPUID: leaf, subleaf. */
enum op_note {
	OP_NOTE_DR,
	OP_NOTE_MSR_READ,
	OP_NOTE_MSR_WRITTEN,
	OP_NOTE_TABLE,
	OP_NOTE_INVLPG,
	OP_NOTE_CPUID,
};
enum op_table_name { OP_GDT, OP_IDT, OP_LDT, OP_TR };

/* The world outside the CPU, set by vm: port I/O and time. */
struct op_hooks {
	/* size 1, 2 or 4 */
	u32 (*port_in)(void *vm, u16 port, unsigned size);
	void (*port_out)(void *vm, u16 port, unsigned size, u32 value);
	u64 (*tsc)(void *vm); /* guest clock ticks since reset */
	void (*apic_base_changed)(void *vm);
	/* REP strings ask every iteration batch how many they may do now
	 * (instruction budget left, at least 1) and say how many they did
	 * beyond the first. */
	u64 (*rep_allowance)(void *vm);
	void (*rep_done)(void *vm, u64 extra_iterations);
	/* Did an iteration do what must be looked at before the next? */
	bool (*rep_must_end)(void *vm);
	/* UD1 with an absolute operand, which nothing else uses; may be NULL.
	 * Answers as an operation, #UD where it means nothing. */
	enum op_result (*paravirt)(void *paravirt_arg, struct cpu *c,
				   const struct insn *in);
	void *paravirt_arg;
	/* Somebody wants to know; NULL when nobody does. */
	void (*interrupted)(void *catch_arg, u8 vector); /* by INT */
	void (*cr_written)(void *catch_arg, unsigned number, u32 old, u32 new);
	void (*noted)(void *catch_arg, enum op_note what, u32 number, u64 value);
	void *catch_arg;
};
extern struct op_hooks op_hooks;

static inline void op_note(enum op_note what, u32 number, u64 value)
{
	if (op_hooks.noted)
		op_hooks.noted(op_hooks.catch_arg, what, number, value);
}

#endif
