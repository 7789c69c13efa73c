/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be typed: the commands on one screen, a group or a command in
 * full, and all that has to do with a word; all of it from the tables. */
#include "repl/repl_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 79, HEAD = 30 };

static void help_line(struct console *c, const struct command *cmd,
		      const char *before)
{
	struct buf head = {0};

	buf_printf(&head, "%s%s%s%s", before, cmd->name, *cmd->usage ? " " : "",
		   cmd->usage);
	if (head.len > HEAD)
		buf_printf(c->to, "  %s\n  %-*s %s\n", buf_text(&head), HEAD,
			   "", cmd->help);
	else
		buf_printf(c->to, "  %-*s %s\n", HEAD, buf_text(&head),
			   cmd->help);
	buf_free(&head);
}

/* ---- one screen ---- */

/* The group's names, wrapped behind the head. */
static void show_names(struct console *c, const char *group)
{
	enum { indent = 10 };
	unsigned column = indent;
	const char *comma = "";

	for (const struct command *cmd = commands; cmd->name; cmd++) {
		unsigned n = (unsigned)strlen(cmd->name);

		if (strcmp(cmd->group, group))
			continue;
		if (column + n + 2 >= WIDTH) {
			buf_printf(c->to, ",\n%*s", indent, "");
			column = indent;
			comma = "";
		}
		buf_printf(c->to, "%s%s", comma, cmd->name);
		column += n + 2;
		comma = ", ";
	}
	buf_byte(c->to, '\n');
}

static void help_screen(struct console *c)
{
	const char *group = "";

	for (const struct command *cmd = commands; cmd->name; cmd++)
		if (strcmp(group, cmd->group)) {
			group = cmd->group;
			buf_printf(c->to, "%-9s ", group);
			show_names(c, group);
		}
	buf_printf(
		c->to,
		"\nTry next: `info registers', `break LOC', `continue', "
		"`backtrace', `x/5i $pc',\n`info paging ADDR'; `tour' shows "
		"around in ten minutes.\n"
		"help COMMAND or GROUP tells more, help all everything; "
		"apropos WORD finds.\nTAB completes, any beginning that fits "
		"one command works, Enter repeats a step.\n"
		"While the guest runs, Ctrl-] or Ctrl-C comes back here.\n");
}

static void help_all(struct console *c)
{
	const char *group = "";

	for (const struct command *cmd = commands; cmd->name; cmd++) {
		if (strcmp(group, cmd->group))
			buf_printf(c->to, "%s:\n", cmd->group);
		group = cmd->group;
		help_line(c, cmd, "");
	}
}

/* ---- a group, a command ---- */

/* `stop' is enough for "stop on". */
static const char *group_named(const char *word)
{
	size_t n = strlen(word);

	for (const struct command *cmd = commands; cmd->name; cmd++)
		if (!strncmp(cmd->group, word, n) &&
		    (!cmd->group[n] || cmd->group[n] == ' '))
			return cmd->group;
	return NULL;
}

static void help_group(struct console *c, const char *group)
{
	for (const struct command *cmd = commands; cmd->name; cmd++)
		if (!strcmp(cmd->group, group))
			help_line(c, cmd, "");
}

static void show_examples(struct console *c, const struct command *cmd)
{
	static const struct {
		const char *command, *line, *text;
	} rows[] = {
#define EXAMPLE(command, line, text) {command, line, text},
#include "repl/examples.def"
	};
	const char *head = "For example:\n";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].command, cmd->name)) {
			struct command as = {.name = rows[i].line,
					     .usage = "",
					     .help = rows[i].text};

			buf_printf(c->to, "%s", head);
			help_line(c, &as, "");
			head = "";
		}
}

static void help_command(struct console *c, const struct command *cmd)
{
	const struct command *topics = command_topics(cmd);
	char before[24];

	buf_printf(c->to, "%s%s%s\n%s\n", cmd->name, *cmd->usage ? " " : "",
		   cmd->usage, cmd->help);
	if (*cmd->alias)
		buf_printf(c->to, "Short: %s\n", cmd->alias);
	snprintf(before, sizeof(before), "%s ", cmd->name);
	for (const struct command *t = topics; t && t->name; t++)
		help_line(c, t, before);
	if (cmd->run == cmd_set || cmd->run == cmd_show)
		for (const struct setting *s = settings; s->name; s++)
			buf_printf(c->to, "  %s %s %s\n", cmd->name, s->name,
				   cmd->run == cmd_set ? s->values : "");
	show_examples(c, cmd);
	if (!topics)
		buf_printf(c->to, "Group: %s\n", cmd->group);
}

static int help_topic(struct console *c, const struct command *cmd,
		      const char *word, struct err *e)
{
	const struct command *topic =
		command_find(command_topics(cmd), "topic", word, e);

	if (!topic)
		return -1;
	buf_printf(c->to, "%s %s %s\n%s\n", cmd->name, topic->name,
		   topic->usage, topic->help);
	if (*topic->alias)
		buf_printf(c->to, "Short: %s %s\n", cmd->name, topic->alias);
	return 0;
}

static bool help_setting(struct console *c, const char *name)
{
	for (const struct setting *s = settings; s->name; s++)
		if (!strcmp(s->name, name)) {
			buf_printf(c->to, "set %s %s\n%s\n", s->name, s->values,
				   s->help);
			return true;
		}
	return false;
}

int cmd_help(struct console *c, char *args, struct err *e)
{
	const struct command *cmd;
	char *word = words_next(&args);
	const char *group;

	if (!word) {
		help_screen(c);
		return 0;
	}
	if (!strcmp(word, "all")) {
		help_all(c);
		return 0;
	}
	if (!strcmp(word, "vmi"))
		return help_vmi(c, args, e);
	group = group_named(word);
	cmd = command_find(commands, "command", word, group ? NULL : e);
	if (group && (!cmd || strcmp(cmd->name, word))) {
		help_group(c, group);
		return 0;
	}
	if (!cmd)
		return -1;
	args = words_trim(args);
	if (*args && command_topics(cmd))
		return help_topic(c, cmd, args, e);
	if (*args && (cmd->run == cmd_set || cmd->run == cmd_show) &&
	    help_setting(c, args))
		return 0;
	help_command(c, cmd);
	if (group && strcmp(group, cmd->group)) {
		buf_printf(c->to, "Group `%s':\n", group);
		help_group(c, group);
	}
	return 0;
}

/* ---- apropos ---- */

static void search_table(struct console *c, const struct command *table,
			 const char *before, const char *word, bool *any)
{
	for (const struct command *cmd = table; cmd->name; cmd++)
		if (strcasestr(cmd->name, word) ||
		    strcasestr(cmd->usage, word) ||
		    strcasestr(cmd->help, word)) {
			help_line(c, cmd, before);
			*any = true;
		}
}

static void search_settings(struct console *c, const char *word, bool *any)
{
	for (const struct setting *s = settings; s->name; s++)
		if (strcasestr(s->name, word) || strcasestr(s->values, word) ||
		    strcasestr(s->help, word)) {
			struct command as = {
				.name = s->name,
				.usage = s->values,
				.help = s->help,
			};

			help_line(c, &as, "set ");
			*any = true;
		}
}

int cmd_apropos(struct console *c, char *args, struct err *e)
{
	bool any = false;

	if (!*args)
		return err_set(e, "expected a word to look for: apropos page");
	search_table(c, commands, "", args, &any);
	search_table(c, infos, "info ", args, &any);
	search_table(c, explains, "explain ", args, &any);
	search_settings(c, args, &any);
	if (!any)
		return err_set(e, "no command's help has `%.40s'", args);
	return 0;
}
