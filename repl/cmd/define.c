/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands of the user's own: `define NAME', lines, `end'.  When NAME is typed
 * its lines run one after the other, with $arg0, $arg1, ... replaced by the
 * words behind NAME, and $argc by their number, as in gdb. */
#include "repl/repl_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

enum { WORDS_MAX = 10, DEPTH_MAX = 16 };

struct defined {
	struct defined *next;
	char *name; /* owned */
	struct buf lines;
};

struct words {
	char *word[WORDS_MAX];
	unsigned count;
};

static struct defined *find(const struct console *c, const char *name)
{
	struct defined *d = c->defined;

	while (d && strcmp(d->name, name))
		d = d->next;
	return d;
}

const char *defined_name(const struct console *c, size_t i)
{
	const struct defined *d = c->defined;

	while (d && i--)
		d = d->next;
	return d ? d->name : NULL;
}

void defined_free(struct console *c)
{
	while (c->defined) {
		struct defined *d = c->defined;

		c->defined = d->next;
		free(d->name);
		buf_free(&d->lines);
		free(d);
	}
}

/* ---- running ---- */

/* Appends the line with its words in place. */
static int fill_in(const char *line, const struct words *w, struct buf *to,
		   struct err *e)
{
	const char *at;

	for (; (at = strstr(line, "$arg")); line = at + 5) {
		buf_append(to, line, (size_t)(at - line));
		if (at[4] == 'c') {
			buf_printf(to, "%u", w->count);
		} else if (!isdigit((unsigned char)at[4])) {
			buf_append(to, at, 4);
			at--; /* some other name */
		} else if ((unsigned)(at[4] - '0') < w->count) {
			buf_printf(to, "%s", w->word[at[4] - '0']);
		} else {
			return err_set(e,
				       "there is no $arg%c: %u words were "
				       "given",
				       at[4], w->count);
		}
	}
	buf_printf(to, "%s", line);
	return 0;
}

static int run_line(struct console *c, const char *line, const struct words *w,
		    struct err *e)
{
	struct buf filled = {0};
	int failed = fill_in(line, w, &filled, e);

	if (!failed)
		failed = console_execute(c, buf_text(&filled),
					 c->to == &c->out ? NULL : c->to, e);
	buf_free(&filled);
	return failed;
}

/* From a copy: a line may define it anew. */
static int run_lines(struct console *c, const struct defined *d,
		     const struct words *w, struct err *e)
{
	char *lines = check_copy(buf_text(&d->lines)), *rest = lines, *line;
	int failed = 0;

	NEED_MEMORY(lines, "a command");
	while (!failed && rest && *rest && !c->quit && !c->user_stopped &&
	       (line = strsep(&rest, "\n")))
		failed = run_line(c, line, w, e);
	free(lines);
	return failed;
}

bool defined_run(struct console *c, const char *name, char *args, int *failed,
		 struct err *e)
{
	const struct defined *d = find(c, name);
	struct words w = {.count = 0};
	char *word;

	if (!d)
		return false;
	while ((word = words_next(&args)) && w.count < WORDS_MAX)
		w.word[w.count++] = word;
	if (c->depth == DEPTH_MAX) {
		*failed = err_set(e,
				  "%s: commands within commands, more than "
				  "%d deep",
				  name, DEPTH_MAX);
		return true;
	}
	c->depth++;
	*failed = run_lines(c, d, &w, e);
	c->depth--;
	return true;
}

/* ---- defining ---- */

static bool is_name(const char *name)
{
	if (!isalpha((unsigned char)*name))
		return false;
	while (isalnum((unsigned char)*name) || *name == '_' || *name == '-')
		name++;
	return !*name;
}

static bool is_taken(const char *name)
{
	for (const struct command *cmd = commands; cmd->name; cmd++)
		if (!strcmp(cmd->name, name) || !strcmp(cmd->alias, name))
			return true;
	return false;
}

int cmd_define(struct console *c, char *args, struct err *e)
{
	struct defined *d;

	if (!*args) {
		for (d = c->defined; d; d = d->next)
			buf_printf(c->to, "define %s\n%send\n", d->name,
				   buf_text(&d->lines));
		return 0;
	}
	if (!is_name(args) || strlen(args) > 40)
		return err_set(e,
			       "expected a name of letters, digits, - and _, "
			       "found `%.40s'",
			       args);
	if (is_taken(args))
		return err_set(e, "`%s' is a command already", args);
	d = find(c, args);
	if (!d) {
		d = calloc(1, sizeof(*d));
		NEED_MEMORY(d, "a command");
		d->name = check_copy(args);
		d->next = c->defined;
		c->defined = d;
	}
	buf_clear(&d->lines);
	c->filling = &d->lines;
	return 0;
}
