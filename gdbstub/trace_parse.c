/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a tracepoint collects, from QTDP packets (gdb manual, "Tracepoint
 * Packets"): R MASK registers, M BASE,OFFSET,LEN memory, X LEN,CODE an
 * expression; after S all are for while-stepping. */
#include "gdbstub/stub_priv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

enum { ACTIONS_MAX = 256 };

static int parse_memory(struct args *a, struct trace_action *t, struct err *e)
{
	u64 base = 0, offset, len;

	if (args_word(a, "-1"))
		t->base = -1;
	else if (args_hex(a, &base) && base < INT32_MAX)
		t->base = (int)base;
	else if (base == 0xffffffff || base == ~0ull)
		t->base = -1;
	else
		return err_set(e, "memory to collect without a base");
	if (!args_char(a, ',') || !args_hex(a, &offset) || !args_char(a, ',') ||
	    !args_hex(a, &len) || len > 0xffff)
		return err_set(e, "memory to collect: address or length");
	t->offset = (u32)offset;
	t->len = (u32)len;
	return 0;
}

static int parse_agent(struct args *a, struct trace_action *t, struct err *e)
{
	u64 len;
	u8 *code;

	if (!args_hex(a, &len) || !args_char(a, ',') || len > a->len / 2)
		return err_set(e, "an expression without its length");
	code = malloc(len + 1);
	NEED_MEMORY(code, "an expression");
	if (hex_decode(a->at, len, code))
		t->agent = agent_new(code, len, e);
	else
		err_set(e, "an expression is not hexadecimal");
	free(code);
	a->at += 2 * len;
	a->len -= 2 * len;
	return t->agent ? 0 : -1;
}

static int parse_one(struct args *a, struct trace_action *t, struct err *e)
{
	if (args_char(a, 'R')) {
		t->kind = ACTION_REGISTERS; /* all: they are cheap */
		for (; a->len && hex_digit(*a->at) >= 0; a->len--)
			a->at++; /* the mask */
		return 0;
	}
	t->kind = ACTION_MEMORY;
	if (args_char(a, 'M'))
		return parse_memory(a, t, e);
	t->kind = ACTION_AGENT;
	if (args_char(a, 'X'))
		return parse_agent(a, t, e);
	return err_set(e, "to collect that is not supported: %.1s", a->at);
}

int trace_parse_actions(struct args *a, struct trace_action **list,
			unsigned *count, struct err *e)
{
	bool stepping = false;

	while (a->len && *a->at != '-') {
		struct trace_action t = {0};

		if (args_char(a, 'S'))
			stepping = true;
		if (*count == ACTIONS_MAX)
			return err_set(e, "more than %d things to collect",
				       ACTIONS_MAX);
		if (parse_one(a, &t, e))
			return -1;
		t.when_stepping = stepping;
		*list = realloc(*list, (*count + 1) * sizeof(t));
		NEED_MEMORY(*list, "a tracepoint");
		(*list)[(*count)++] = t;
	}
	return 0;
}
