/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Z and z packets: breakpoints and watchpoints, with conditions and commands
 * that run here.
 *
 *	Z0,ADDR,KIND[;X LEN,CODE]...[;cmds:PERSIST,X LEN,CODE...]
 */
#include "gdbstub/stub_priv.h"

#include <stdlib.h>

#include "core/base/check.h"

enum { AGENTS_MAX = 64 };

static const enum break_kind kinds[] = {BREAK_CODE, BREAK_CODE, BREAK_WRITE,
					BREAK_READ, BREAK_ACCESS};

/* "XLEN,CODE" */
static int parse_agent(struct args *a, struct agents *to, struct err *e)
{
	struct agent *agent;
	u64 len;
	u8 *code;

	if (!args_char(a, 'X') || !args_hex(a, &len) || !args_char(a, ',') ||
	    len > a->len / 2 || to->count == AGENTS_MAX)
		return err_set(e, "no expression where one is expected");
	code = malloc(len + 1);
	NEED_MEMORY(code, "an expression");
	if (!hex_decode(a->at, len, code)) {
		free(code);
		return err_set(e, "an expression is not hexadecimal");
	}
	agent = agent_new(code, len, e);
	free(code);
	if (!agent)
		return -1;
	a->at += 2 * len;
	a->len -= 2 * len;
	if (!to->list)
		to->list = malloc(AGENTS_MAX * sizeof(agent));
	NEED_MEMORY(to->list, "an expression");
	to->list[to->count++] = agent;
	return 0;
}

/* One list of them may follow another without anything between. */
static int parse_agents(struct args *a, struct agents *to, struct err *e)
{
	do {
		if (parse_agent(a, to, e))
			return -1;
	} while (a->len && *a->at == 'X');
	return 0;
}

static int parse_options(struct args *a, struct client_break *b, struct err *e)
{
	u64 persistent;

	while (args_char(a, ';')) {
		if (args_word(a, "cmds:")) {
			if (!args_hex(a, &persistent) || !args_char(a, ','))
				return err_set(e, "cmds: without a number");
			b->persistent = persistent;
			if (parse_agents(a, &b->commands, e))
				return -1;
		} else if (parse_agents(a, &b->conditions, e)) {
			return -1;
		}
	}
	return a->len ? err_set(e, "something follows the breakpoint") : 0;
}

/* "TYPE,ADDR,KIND" */
static bool parse_place(struct args *a, struct client_break *b)
{
	u64 type;
	u32 kind;

	if (!args_hex(a, &type) || type >= ARRAY_LEN(kinds) ||
	    !args_char(a, ',') || !args_range(a, &b->addr, &kind))
		return false;
	b->kind = kinds[type];
	b->hardware = type == 1;
	b->len = b->kind == BREAK_CODE ? 0 : kind;
	return b->kind == BREAK_CODE || kind;
}

void packet_insert(struct gdbstub *g, struct args *a)
{
	struct client_break b = {0};
	struct err e;

	if (!parse_place(a, &b)) {
		reply_errno(g, 1);
	} else if (parse_options(a, &b, &e)) {
		agents_free(&b.conditions);
		agents_free(&b.commands);
		reply_error(g, "%s", e.text);
	} else if (debug_client_add(g->d, &b, &e)) {
		reply_error(g, "%s", e.text);
	} else {
		reply_ok(g);
	}
}

/* Taking away what is not there is no error: gdb may ask twice. */
void packet_remove(struct gdbstub *g, struct args *a)
{
	struct client_break b = {0};

	if (!parse_place(a, &b) || a->len) {
		reply_errno(g, 1);
		return;
	}
	debug_client_remove(g->d, b.kind, b.addr, b.len, b.hardware);
	reply_ok(g);
}
