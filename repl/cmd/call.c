/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `call FUNCTION(ARGS)': the guest's functions, from the prompt. */
#include "repl/repl_priv.h"

#include <string.h>

/* Cuts "f(a, g(b))" at the parenthesis that the last one closes; NULL: it is
 * not of that form. */
static char *cut_arguments(char *text)
{
	size_t at = strlen(text);
	unsigned depth = 0;

	if (!at || text[at - 1] != ')')
		return NULL;
	text[at - 1] = '\0';
	for (depth = 1, at--; at-- > 0;) {
		depth += text[at] == ')';
		depth -= text[at] == '(';
		if (!depth)
			break;
	}
	if (depth || !at)
		return NULL;
	text[at] = '\0';
	return text + at + 1;
}

static int read_arguments(struct console *c, const char *text,
			  struct debug_call *call, struct err *e)
{
	struct value v;

	while (*text) {
		if (call->count == CALL_ARGS_MAX)
			return err_set(e, "more than %d arguments",
				       CALL_ARGS_MAX);
		if (debug_eval(c->d, text, &text, &v, e))
			return -1;
		call->args[call->count++] = (u32)v.bits;
		text += strspn(text, " \t");
		if (*text && *text++ != ',')
			return err_set(e, "expected `,' between arguments");
	}
	return 0;
}

int cmd_call(struct console *c, char *args, struct err *e)
{
	struct debug_call call = {.registers = !strncmp(args, "/r ", 3)};
	char *inside;
	struct value v;
	bool returned;
	u64 result;

	if (!*args && debug_call_undo(c->d)) {
		console_stopped(c);
		return 0;
	}
	inside = cut_arguments(args);
	if (!inside)
		return err_set(e, "expected FUNCTION(ARGS), as in call f(1, $eax)");
	args += call.registers ? 3 : 0;
	if (debug_eval(c->d, args, NULL, &v, e) ||
	    read_arguments(c, words_trim(inside), &call, e))
		return -1;
	call.function = (gla_t)v.bits;
	console_begin(c);
	if (console_end(c, debug_call(c->d, &call, &result, &returned, e),
			false))
		return -1;
	if (!returned) {
		console_stopped(c);
		buf_printf(c->to, "The function has not returned.  `call' alone "
				  "puts back the registers from before.\n");
		return 0;
	}
	v = expr_u32((u32)result);
	buf_printf(c->to, "$%u = 0x%x (edx 0x%x)\n", debug_remember(c->d, &v),
		   (u32)result, (u32)(result >> 32));
	return 0;
}
