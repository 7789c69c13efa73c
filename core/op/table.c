/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From an operation's number, which the opcode table holds, to the function
 * that does it. */
#include "core/op/op.h"

op_fn *const op_table[] = {
	NULL,
#define OP(name, speed) op_##name,
#include "core/op/ops.def"
};

enum op_result op_limit(struct cpu *c, const struct insn *in)
{
	(void)in;
	cpu_raise(c, EXC_GP, 0);
	return OP_FAULT;
}
