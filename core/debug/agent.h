/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gdb's agent expressions: conditions, commands and what tracepoints
 * collect, as bytecode that a client sends and that runs here.  A pure
 * function of the code and some callbacks. */
#ifndef CORE_DEBUG_AGENT_H
#define CORE_DEBUG_AGENT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct agent;

/* Checks the code and prepares it; NULL with the reason when an operation is
 * unknown or not supported, a jump leads nowhere, or the stack could run over
 * or under. */
struct agent *agent_new(const u8 *code, size_t len, struct err *e);
void agent_free(struct agent *a);

/* What the code can reach; a callback that is NULL makes what needs it fail. */
struct agent_env {
	void *arg;
	/* A register by gdb's number. */
	bool (*reg)(void *arg, unsigned number, u64 *value);
	unsigned (*read)(void *arg, u32 addr, void *buf, unsigned len);
	/* Trace state variables. */
	bool (*get)(void *arg, unsigned number, s64 *value);
	bool (*set)(void *arg, unsigned number, s64 value);
	/* Memory, or a trace state variable, is to be recorded. */
	void (*trace)(void *arg, u32 addr, u32 len);
	void (*trace_variable)(void *arg, unsigned number);
	/* What printf says. */
	void (*print)(void *arg, const char *text, size_t len);
};

/* Runs it; the value on top of the stack at its end goes to *result (0 when
 * there is none).  -1 with the reason: memory that is not there, division by
 * zero, too many steps. */
int agent_run(const struct agent *a, const struct agent_env *env, u64 *result,
	      struct err *e);

#endif
