/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TAB: what fits is known from the tables.  The first word is a command; what
 * follows is completed by the command's kind of argument.  readline asks for
 * one candidate after the other (`index` 0, 1, …) and its callbacks carry no
 * argument, so the console is kept in the one pointer below. */
#include "repl/repl_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <readline/readline.h>

#include "core/bt/bt.h"
#include "core/debug/regs.h"
#include "core/dev/dev.h"

enum { MANY = 100 }; /* matches to ask about before they are shown */

static struct {
	struct console *console;
	size_t index;
	char before[64]; /* the line between the command and the word */
} completing;

static char *from_table(const struct command *table, const char *text,
			int again)
{
	if (!again)
		completing.index = 0;
	while (table[completing.index].name) {
		const char *name = table[completing.index++].name;

		if (!strncmp(name, text, strlen(text)))
			return strdup(name);
	}
	return NULL;
}

static char *next_command(const char *text, int again)
{
	static size_t own;
	const char *name;
	char *found;

	if (!again)
		own = 0;
	found = from_table(commands, text, again);
	while (!found && (name = defined_name(completing.console, own))) {
		own++;
		if (!strncmp(name, text, strlen(text)))
			found = strdup(name);
	}
	return found;
}

static char *next_info(const char *text, int again)
{
	return from_table(infos, text, again);
}

static char *next_explain(const char *text, int again)
{
	return from_table(explains, text, again);
}

static const char *exit_name(unsigned i)
{
	return i < BT_EXIT_COUNT ? bt_exit_name(i) : NULL;
}

static char *next_exit(const char *text, int again)
{
	static unsigned i;
	const char *name;

	if (!again)
		i = 0;
	while ((name = exit_name(i++)))
		if (!strncasecmp(name, text, strlen(text)))
			return strdup(name);
	return NULL;
}

static char *next_register(const char *text, int again)
{
	char *name;

	if (!again)
		completing.index = 0;
	while (completing.index < REG_COUNT) {
		enum reg r = (enum reg)completing.index++;
		const char *reg = reg_name(r);

		if (!reg_is_wide(r) &&
		    !strncmp(reg, text + 1, strlen(text + 1)) &&
		    asprintf(&name, "$%s", reg) > 0)
			return name;
	}
	return NULL;
}

static char *next_symbol(const char *text, int again)
{
	const char *name;

	if (*text == '$')
		return next_register(text, again);
	if (!again)
		completing.index = 0;
	name = symbols_complete(debug_symbols(completing.console->d), text,
				completing.index++);
	return name ? strdup(name) : NULL;
}

static char *next_breakpoint(const char *text, int again)
{
	struct breakpoint *b = debug_breaks(completing.console->d);
	size_t i = 0;
	char *name;

	if (!again)
		completing.index = 0;
	for (; b; b = debug_break_next(b))
		if (i++ == completing.index) {
			completing.index++;
			if (asprintf(&name, "%d", b->number) < 0)
				return NULL;
			if (!strncmp(name, text, strlen(text)))
				return name;
			free(name);
		}
	return NULL;
}

static char *next_vmi(const char *text, int again)
{
	const char *name;

	if (!again)
		completing.index = 0;
	name = vmi_complete(text, &completing.index);
	return name ? strdup(name) : NULL;
}

static char *next_setting(const char *text, int again)
{
	if (*text == '$')
		return next_register(text, again);
	if (!again)
		completing.index = 0;
	while (settings[completing.index].name) {
		const char *name = settings[completing.index++].name;

		if (!strncmp(name, text, strlen(text)))
			return strdup(name);
	}
	return NULL;
}

static char *next_word(const char *(*word_of)(const char *before, unsigned i),
		       const char *text, int again)
{
	const char *word;

	if (!again)
		completing.index = 0;
	while ((word = word_of(completing.before,
			       (unsigned)completing.index))) {
		completing.index++;
		if (*word && !strncmp(word, text, strlen(text)))
			return strdup(word);
	}
	return NULL;
}

static char *next_of(const char *const *words, const char *text, int again)
{
	if (!again)
		completing.index = 0;
	while (words[completing.index]) {
		const char *word = words[completing.index++];

		if (!strncmp(word, text, strlen(text)))
			return strdup(word);
	}
	return NULL;
}

static char *next_stats(const char *text, int again)
{
	static const char *const words[] = {"json", "reset", NULL};

	return next_of(words, text, again);
}

static char *next_engine(const char *text, int again)
{
	static const char *const words[] = {"bt", "vmi", NULL};

	return next_of(words, text, again);
}

static char *next_top(const char *text, int again)
{
	return next_of(top_words, text, again);
}

static char *next_catch(const char *text, int again)
{
	return next_word(catch_word, text, again);
}

static char *next_inject(const char *text, int again)
{
	return next_word(inject_word, text, again);
}

static char *next_trace(const char *text, int again)
{
	return next_word(trace_word, text, again);
}

static char *next_device(const char *text, int again)
{
	const struct bus *b = vm_bus(debug_vm(completing.console->d));
	const char *name;

	if (!again)
		completing.index = 0;
	while ((name = bus_device_name(b, (unsigned)completing.index))) {
		completing.index++;
		if (*name && !strncmp(name, text, strlen(text)))
			return strdup(name);
	}
	return NULL;
}

/* What completes an argument of that kind; NULL: nothing does. */
static rl_compentry_func_t *generator(enum arg kind)
{
	static rl_compentry_func_t *const generators[] = {
		[ARG_EXPR] = next_symbol,
		[ARG_PLACE] = next_symbol,
		[ARG_COMMAND] = next_command,
		[ARG_INFO] = next_info,
		[ARG_EXPLAIN] = next_explain,
		[ARG_BREAK] = next_breakpoint,
		[ARG_SETTING] = next_setting,
		[ARG_VMI] = next_vmi,
		[ARG_CATCH] = next_catch,
		[ARG_DEVICE] = next_device,
		[ARG_ENGINE] = next_engine,
		[ARG_STATS] = next_stats,
		[ARG_TOP] = next_top,
		[ARG_TRACE] = next_trace,
		[ARG_INJECT] = next_inject,
		[ARG_EXIT] = next_exit,
		[ARG_REST] = NULL,
	};

	return generators[kind];
}

/* For the word at `start` of a line whose command is known.  A command with
 * topics takes a topic, then what that takes; `help' takes a command, then its
 * topic. */
static rl_compentry_func_t *for_word(const struct command *cmd,
				     const char *line, int start)
{
	size_t at = strcspn(line, " \t"), word = at + strspn(line + at, " \t");
	const struct command *table = command_topics(cmd), *topic;
	char name[48];

	if (word == (size_t)start)
		return generator(cmd->arg);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(line + word, " \t"),
		 line + word);
	if (cmd->arg == ARG_COMMAND) {
		if (!strcmp(name, "vmi"))
			return next_vmi;
		topic = command_find(commands, "command", name, NULL);
		return topic && command_topics(topic) ? generator(topic->arg)
		       : topic && topic->arg == ARG_SETTING ? next_setting
							    : NULL;
	}
	if (!table)
		return generator(cmd->arg);
	topic = command_find(table, "topic", name, NULL);
	return topic ? generator(topic->arg) : NULL;
}

/* The command of the line being typed, from its first word on; NULL. */
static const struct command *typed_command(char word[48])
{
	const char *line = rl_line_buffer + strspn(rl_line_buffer, " \t");

	snprintf(word, 48, "%.*s", (int)strcspn(line, " \t/"), line);
	return command_find(commands, "command", word, NULL);
}

/* $ belongs to a word, operators do not; but they do to a file's name. */
static char *word_breaks(void)
{
	static char expression[] = " \t\n+-*/%&|^!~<>=(){}[],",
		    file[] = " \t\n";
	char word[48];
	const struct command *cmd = typed_command(word);

	return cmd && cmd->arg == ARG_FILE ? file : expression;
}

char **complete_line(const char *text, int start, int end)
{
	char word[48];
	const struct command *cmd;
	int from = (int)strspn(rl_line_buffer, " \t");
	rl_compentry_func_t *next;

	(void)end;
	rl_attempted_completion_over = 1;
	if (start <= from)
		return rl_completion_matches(text, next_command);
	cmd = typed_command(word);
	if (!cmd)
		return NULL;
	if (cmd->arg == ARG_FILE) { /* readline's own */
		rl_attempted_completion_over = 0;
		return NULL;
	}
	snprintf(completing.before, sizeof(completing.before), "%.*s",
		 start - from - (int)strlen(word),
		 rl_line_buffer + from + strlen(word));
	next = for_word(cmd, rl_line_buffer + from, start - from);
	rl_sort_completion_matches = next != next_symbol; /* they are */
	return next ? rl_completion_matches(text, next) : NULL;
}

/* ---- the list of what fits ---- */

/* In columns, as readline's own. */
static void lay_out(char **matches, int n, int longest, struct buf *out)
{
	unsigned rows, columns, across, down;

	pager_measure(&rows, &columns);
	across = columns / ((unsigned)longest + 2);
	if (!across)
		across = 1;
	down = ((unsigned)n + across - 1) / across;
	for (unsigned row = 0; row < down; row++)
		for (unsigned i = row; i < (unsigned)n; i += down)
			buf_printf(out, "%-*s%s",
				   i + down < (unsigned)n ? longest + 2 : 0,
				   matches[i + 1],
				   i + down < (unsigned)n ? "" : "\n");
}

static bool are_wanted(struct host *h, int n)
{
	int key;

	if (n <= MANY)
		return true;
	printf("Show all %d? (y or n) ", n);
	fflush(stdout);
	do
		key = host_read_key(h);
	while (key >= 0 && !strchr("yYnNqQ \r\n\003\033", key));
	printf("\n");
	return key == 'y' || key == 'Y' || key == ' ';
}

/* readline neither asks nor turns pages when it is called back. */
static void show_matches(char **matches, int n, int longest)
{
	struct console *c = completing.console;
	struct buf text = {0};

	rl_crlf();
	rl_deprep_terminal();
	if (are_wanted(c->host, n)) {
		lay_out(matches, n, longest, &text);
		pager_begin(&c->pager);
		pager_write(&c->pager, c->host, true, buf_text(&text),
			    text.len);
		buf_free(&text);
		pager_begin(&c->pager);
	}
	rl_prep_terminal(1);
	rl_on_new_line();
	rl_forced_update_display();
}

void complete_attach(struct console *c)
{
	rl_completion_display_matches_hook = show_matches;
	completing.console = c;
	rl_attempted_completion_function = complete_line;
	rl_completion_word_break_hook = word_breaks;
}
