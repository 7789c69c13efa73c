/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Raising exceptions.
 *
 * An exception is noted in struct cpu and the raiser returns false all the
 * way up; delivery (core/op/event.c) happens when the instruction has been
 * left.  It is sticky: when an instruction raises a second exception while
 * unwinding, the first is the one reported, so callers need not look
 * whether one is pending already.
 *
 * Everything raised here is a fault, reported with the address of the
 * instruction itself.  Traps (#DB after a step) set exc.kind and
 * advance EIP afterwards; INT1, INT3 and INTO are no exceptions here but
 * software interrupts. */
#include "core/cpu/cpu.h"

struct exception_row {
	const char *name;
	bool has_error;
};

static const struct exception_row rows[32] = {
#define EXCEPTION(vec, name, class, err, text) [vec] = { "#" #name, err },
#include "core/cpu/exceptions.def"
};

void cpu_record(struct cpu *c, enum exc vector, u32 error)
{
	if (c->exc.pending)
		return;
	c->exc = (struct exception){
		.pending = true,
		.vector = vector,
		.has_error = rows[vector & 31].has_error,
		.error = rows[vector & 31].has_error ? error : 0,
		.kind = EVENT_FAULT,
	};
}

void cpu_record_pf(struct cpu *c, gla_t lin, u32 error)
{
	if (c->exc.pending)
		return;
	cpu_record(c, EXC_PF, error);
	c->exc.cr2 = lin;
}

bool cpu_raise_x87(struct cpu *c)
{
	if (c->cr0 & CR0_NE)
		return cpu_raise(c, EXC_MF, 0);
	c->ferr = true;
	return false;
}

const char *cpu_exception_name(unsigned vector)
{
	if (vector >= ARRAY_LEN(rows) || !rows[vector].name)
		return "reserved";
	return rows[vector].name;
}
