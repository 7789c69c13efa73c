/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console's heart: a line becomes a command, and lines come from a
 * terminal through readline, or from a file or a pipe as they are.
 *
 * Commands print into a buffer (c->to), never to standard output: the same
 * command answers the terminal, a test's pipe and gdb's `monitor`.  Before
 * the guest runs the buffer is shown, because that may take for ever.
 *
 * readline is driven through its callbacks and holds the terminal only while
 * a line is being typed: the handler is taken away before a command runs, so
 * the guest finds the terminal as host_guest_runs leaves it. */
#include "repl/repl_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "core/base/check.h"
#include "core/cpu/cpu.h"
#include "repl/vmi_args.h"

enum {
	CTRL_D = 4,
	CTRL_G = 7,
	CTRL_BRACKET = 0x1d,
	SOURCE_DEPTH = 16,
	LINE_WIDTH = 4096,
	HISTORY_LINES = 2000
};

const struct command commands[] = {
#define COMMAND(name, alias, arg, repeat, run, group, usage, help) \
	{name, alias, arg, repeat, cmd_##run, group, usage, help},
#include "repl/commands.def"
	{0},
};

const struct command infos[] = {
#define INFO(name, alias, arg, run, usage, help) \
	{name, alias, arg, ONCE, info_##run, "info", usage, help},
#include "repl/infos.def"
	{0},
};

const struct command explains[] = {
#define EXPLAIN(name, alias, arg, run, usage, help) \
	{name, alias, arg, ONCE, explain_##run, "explain", usage, help},
#include "repl/explains.def"
	{0},
};

const struct command *command_topics(const struct command *cmd)
{
	return cmd->run == cmd_info      ? infos
	       : cmd->run == cmd_explain ? explains
					 : NULL;
}

/* The line readline has just read; readline's callback has no argument. */
static struct {
	char *line;
	bool ready;
	bool ended; /* by Ctrl-D: it is what that typed */
} typed;

struct foreign {
	const char *word, *whose, *here;
};

/* The console whose prompt stands, or NULL. */
static struct console *prompting;

/* ---- finding ---- */

/* A name that is a slip away, or begins as the word does ("regs"). */
static const char *similar(const struct command *table, const char *word)
{
	const char *found = NULL;
	size_t n = strlen(word), most = 2;
	unsigned best = 3;

	for (const struct command *t = table; t->name; t++) {
		unsigned d = word_distance(word, t->name, best);

		if (d < best && d < n) {
			best = d;
			found = t->name;
		}
	}
	for (const struct command *t = table; !found && t->name; t++) {
		size_t same = 0;

		while (word[same] && word[same] == t->name[same])
			same++;
		if (same > most && 2 * same > n) {
			most = same;
			found = t->name;
		}
	}
	return found;
}

/* What another debugger's command is here; NULL: no such. */
static const struct foreign *foreign_named(const struct command *table,
					   const char *word)
{
	char line[64];

	static const struct foreign rows[] = {
#define FOREIGN(word, whose, here) {word, whose, here},
#include "repl/foreign.def"
	};

	snprintf(line, sizeof(line), "%s%.40s", table == infos ? "info " : "",
		 word);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((table == infos || table == commands) &&
		    !strcmp(rows[i].word, line))
			return &rows[i];
	return NULL;
}

static int ambiguous(const struct command *table, const char *what,
		     const char *word, struct err *e)
{
	struct buf names = {0};

	for (const struct command *t = table; t->name; t++)
		if (!strncmp(t->name, word, strlen(word)))
			buf_printf(&names, "%s%s", names.len ? ", " : "",
				   t->name);
	err_set(e, "%s `%s' is ambiguous: %s", what, word, buf_text(&names));
	buf_free(&names);
	return -1;
}

const struct command *command_find(const struct command *table,
				   const char *what, const char *word,
				   struct err *e)
{
	const struct command *only = NULL;
	const struct foreign *f;
	unsigned count = 0;
	const char *close;

	for (const struct command *t = table; t->name; t++) {
		if (!strcmp(t->name, word) ||
		    (*t->alias && !strcmp(t->alias, word)))
			return t;
		if (!strncmp(t->name, word, strlen(word))) {
			only = t;
			count++;
		}
	}
	if (count == 1)
		return only;
	close = similar(table, word);
	f = foreign_named(table, word);
	if (f)
		err_set(e, "`%s' is %s's; here: %s", f->word, f->whose,
			f->here);
	else if (count > 1)
		ambiguous(table, what, word, e);
	else if (close)
		err_set(e, "no %s `%.40s'; did you mean `%s'?", what, word,
			close);
	else
		err_set(e, "no %s `%.40s'; `help%s' lists them", what, word,
			table == infos      ? " info"
			: table == explains ? " explain"
					    : "");
	return NULL;
}

/* ---- executing ---- */

void console_flush(struct console *c)
{
	if (c->to != &c->out)
		return; /* somebody else's buffer */
	pager_write(&c->pager, c->host, c->interactive, buf_text(&c->out),
		    c->out.len);
	buf_clear(&c->out);
}

/* A line of `commands N` or `define NAME` … `end`. */
static void fill_actions(struct console *c, const char *line)
{
	if (!strcmp(line, "end"))
		c->filling = NULL;
	else
		buf_printf(c->filling, "%s\n", line);
}

static void keep_last(struct console *c, const char *line,
		      const struct command *cmd)
{
	char *copy = cmd->repeat == ONCE     ? NULL
		     : cmd->repeat == ONWARD ? check_copy(cmd->name)
					     : check_copy(line);

	free(c->last);
	c->last = copy;
}

/* Splits the command's word from its arguments: "x/8xw $esp", "!ls". */
static char *split(char *line, char *word, size_t size)
{
	size_t n = 0;

	if (*line == '!') {
		n = 1;
	} else {
		while (line[n] && !strchr(" \t/=", line[n]))
			n++;
	}
	snprintf(word, size, "%.*s", (int)(n < size ? n : size - 1), line);
	return words_trim(line + n);
}

static int execute_words(struct console *c, char *line, struct err *e)
{
	const struct command *cmd;
	char word[48], *args = split(line, word, sizeof(word));
	int failed;

	if (defined_run(c, word, args, &failed, e))
		return failed;
	cmd = command_find(commands, "command", word, e);
	if (!cmd)
		return -1;
	keep_last(c, line, cmd);
	return cmd->run(c, args, e);
}

static int execute(struct console *c, const char *text, struct err *e)
{
	char *line, *own = check_copy(text);
	int failed = 0;

	NEED_MEMORY(own, "a line");
	vmi_name_stubs(c);
	line = words_trim(own);
	if (c->filling) {
		fill_actions(c, line);
	} else if (*line && *line != '#') {
		failed = execute_words(c, line, e);
	}
	free(own);
	return failed;
}

int console_execute(struct console *c, const char *line, struct buf *out,
		    struct err *e)
{
	struct buf *before = c->to;
	int failed;

	if (out)
		c->to = out;
	failed = execute(c, line, e);
	c->to = before;
	if (!out)
		console_flush(c);
	return failed;
}

/* The next line of a file or pipe, without its newline: 1, 0 at the end, -1
 * and the reason when it is no line of text. */
static int read_line(FILE *in, char line[LINE_WIDTH], struct err *e)
{
	size_t n = 0;
	int byte;

	while ((byte = getc(in)) != EOF && byte != '\n') {
		if (!byte)
			return err_set(e,
				       "a zero byte: not a file of commands");
		if (n == LINE_WIDTH - 1)
			return err_set(e, "a line of more than %d bytes",
				       LINE_WIDTH - 1);
		line[n++] = (char)byte;
	}
	line[n] = '\0';
	if (byte == EOF && ferror(in) && errno != EINTR)
		return err_set(e, "%s", strerror(errno));
	return byte != EOF || n;
}

static int source_lines(struct console *c, const char *path, FILE *in,
			struct err *e)
{
	char line[LINE_WIDTH];
	unsigned number = 0;
	struct err why;

	while (!c->quit && !c->pager.quit && !host_must_end(c->host)) {
		int got = read_line(in, line, &why);

		number++;
		if (got < 0) {
			err_set(e, "%s:%u: %s", path, number, why.text);
			return SOURCE_UNREADABLE;
		}
		if (!got)
			break;
		if (console_execute(c, line, c->to == &c->out ? NULL : c->to,
				    &why))
			return err_set(e, "%s:%u: %s", path, number, why.text);
		if (c->user_stopped ||
		    (host_is_terminal(c->host) && host_interrupted(c->host)))
			return err_set(e, "%s:%u: stopped by the user", path,
				       number);
	}
	return 0;
}

int console_source(struct console *c, const char *path, struct err *e)
{
	FILE *in;
	int result;

	if (c->depth == SOURCE_DEPTH)
		return err_set(e,
			       "%s: files source one another more than "
			       "%d deep",
			       path, SOURCE_DEPTH);
	in = fopen(path, "re");
	if (!in) {
		err_set(e, "%s: %s", path, strerror(errno));
		return SOURCE_UNREADABLE;
	}
	c->depth++;
	result = source_lines(c, path, in, e);
	c->depth--;
	fclose(in);
	return result;
}

static void show_error(struct console *c, const struct err *e)
{
	bool red = pager_colors(&c->pager, STDERR_FILENO);
	struct buf text = {0};
	unsigned rows, columns;

	pager_measure(&rows, &columns);
	wrap_line(e->text, strlen(e->text), c->interactive ? columns : 0,
		  &text);
	fprintf(stderr, "%s%s%s\n", red ? "\033[31m" : "", buf_text(&text),
		red ? "\033[m" : "");
	buf_free(&text);
}

/* Runs a line for a person: the error is shown here. */
static bool answer(struct console *c, const char *line)
{
	struct err e;

	if (!console_execute(c, line, NULL, &e))
		return true;
	console_flush(c);
	show_error(c, &e);
	return false;
}

/* ---- lines from a terminal ---- */

/* Between \1 and \2 stands what takes no room on the screen. */
#define BOLD  "\1\033[1m\2"
#define PLAIN "\1\033[m\2"

static void make_prompt(struct console *c, char *to, size_t size)
{
	u32 offset, pc = debug_pc(c->d);
	const char *name = debug_name(c->d, pc, &offset);
	unsigned cpl = vm_cpu(debug_vm(c->d))->cpl;
	char where[96];
	bool bold;

	if (c->filling) {
		snprintf(to, size, ">");
		return;
	}
	if (debug_ended(c->d)) {
		snprintf(to, size, "%s [ended]> ", c->guest);
		return;
	}
	if (name && offset)
		snprintf(where, sizeof(where), "%.80s+0x%x", name, offset);
	else if (name)
		snprintf(where, sizeof(where), "%.80s", name);
	else
		snprintf(where, sizeof(where), "0x%08x", pc);
	bold = pager_colors(&c->pager, STDOUT_FILENO);
	snprintf(to, size, "%s%s:%s [%c %s]> %s", bold ? BOLD : "", c->guest,
		 where, cpl == 3 ? 'U' : 'K', shows_vmi(c) ? "vmi" : "bt",
		 bold ? PLAIN : "");
}

static void on_line(char *line)
{
	typed.line = line;
	typed.ready = true;
	rl_callback_handler_remove();
}

/* Ctrl-C: the line is not wanted, nor a search or a half-typed key, nor the
 * lines of `commands`. */
static void forget_line(struct console *c)
{
	char prompt[192];

	/* Half a key, a search, a count: Ctrl-G ends whatever waits for more
	 * within readline, which taking the handler away does not. */
	rl_stuff_char(CTRL_G);
	rl_callback_read_char();
	rl_point = rl_end;
	rl_redisplay();
	fputs("^C", rl_outstream); /* readline goes to the line's beginning */
	rl_callback_handler_remove();
	putchar('\n');
	c->filling = NULL;
	make_prompt(c, prompt, sizeof(prompt));
	rl_callback_handler_install(prompt, on_line);
}

/* One line, without its newline, owned by the caller; NULL at the end. */
static char *read_terminal(struct console *c)
{
	char prompt[192], key;

	pager_begin(&c->pager);
	c->user_stopped = false;
	make_prompt(c, prompt, sizeof(prompt));
	typed.ready = typed.ended = false;
	rl_callback_handler_install(prompt, on_line);
	prompting = c;
	while (!typed.ready && !host_must_end(c->host)) {
		if (host_typed_ahead(c->host, &key)) {
			rl_stuff_char(key);
			rl_callback_read_char();
		} else if (host_wait_key(c->host)) {
			rl_callback_read_char();
		} else if (host_interrupted(c->host)) {
			forget_line(c);
		} else if (host_resumed(c->host)) {
			rl_deprep_terminal(); /* it thinks it has it */
			rl_prep_terminal(1);
			rl_forced_update_display();
		}
	}
	prompting = NULL;
	if (!typed.ready) {
		rl_callback_handler_remove();
		return NULL;
	}
	if (typed.ended) {
		free(typed.line);
		typed.line = NULL;
	}
	return typed.line;
}

/* The line being typed waits while the guest runs. */
static void lend_terminal(struct console *c, bool on)
{
	static char *half;
	char prompt[192];

	if (!prompting)
		return;
	if (on) {
		half = check_copy(rl_line_buffer);
		rl_callback_handler_remove();
		putchar('\n');
		return;
	}
	make_prompt(c, prompt, sizeof(prompt));
	rl_callback_handler_install(prompt, on_line);
	if (half && *half) {
		rl_insert_text(half);
		rl_redisplay();
	}
	free(half);
	half = NULL;
}

void console_lends(struct console *c, bool on)
{
	if (on)
		lend_terminal(c, true);
	host_guest_runs(c->host, on);
	if (on)
		return;
	if (c->interactive) {
		console_stopped(c);
		console_flush(c);
	}
	lend_terminal(c, false);
}

void console_stands(struct console *c)
{
	c->stands = true;
}

/* Ctrl-D in an empty line types what it means.  (readline's own end of input
 * leaves an empty line in front of each answer from then on.) */
static int key_typed(FILE *from)
{
	int key = rl_getc(from);

	if (key != CTRL_D || rl_end || !prompting ||
	    RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH |
		       RL_STATE_METANEXT | RL_STATE_NUMERICARG))
		return key;
	typed.ended = true;
	rl_insert_text(prompting->filling ? "end" : "quit");
	rl_redisplay();
	return '\r';
}

/* Ctrl-] brings here, and does nothing more; readline would search for the
 * next key typed. */
static int no_key(int count, int key)
{
	(void)count;
	(void)key;
	return 0;
}

void console_history_path(char *to, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && *state)
		snprintf(to, size, "%s/vitrine", state);
	else
		snprintf(to, size, "%s/.local/state/vitrine",
			 home ? home : "/tmp");
	for (char *s = to + 1; *s; s++)
		if (*s == '/') {
			*s = '\0';
			mkdir(to, 0700);
			*s = '/';
		}
	mkdir(to, 0700);
	strncat(to, "/history", size - strlen(to) - 1);
}

/* Not again what the last one was.  It is in the file before it is obeyed, as
 * it may be what ends us. */
static void remember_line(const char *line, const char *path)
{
	const HIST_ENTRY *last =
		history_length ? history_get(history_base + history_length - 1)
			       : NULL;

	if (last && !strcmp(last->line, line))
		return;
	add_history(line);
	if (append_history(1, path))
		write_history(path); /* it was not there yet */
}

static void terminal_loop(struct console *c)
{
	char path[512], *line;

	console_history_path(path, sizeof(path));
	rl_readline_name = "vitrine";
	rl_catch_signals = 0;
	rl_getc_function = key_typed;
	complete_attach(c);
	rl_bind_key(CTRL_BRACKET, no_key);
	using_history();
	stifle_history(HISTORY_LINES);
	read_history(path);
	while (!c->quit && ((line = read_terminal(c)) || c->filling)) {
		if (!line) { /* Ctrl-D is as good as `end' */
			if (!typed.ended)
				printf("end\n");
			c->filling = NULL;
			continue;
		}
		if (*words_trim(line)) {
			remember_line(line, path);
			answer(c, line);
		} else if (c->last && !c->filling) {
			char *again = check_copy(c->last);

			c->repeating = true;
			answer(c, again);
			c->repeating = false;
			free(again);
		}
		free(line);
	}
	if (!c->quit && !typed.ended)
		printf("quit\n");
	history_truncate_file(path, HISTORY_LINES);
}

static int pipe_loop(struct console *c, struct err *e)
{
	char line[LINE_WIDTH];
	bool any = false;
	int got = 0;

	while (!c->quit && !host_must_end(c->host) &&
	       (got = read_line(stdin, line, e)) > 0) {
		if (c->settings.echo)
			printf("> %s\n", line);
		any = true;
		answer(c, line);
	}
	/* Nothing asked at all: as good as -batch. */
	if (!got && !any && !c->ran && !c->stands)
		console_run_to_end(c);
	return got < 0 ? -1 : 0;
}

int console_loop(struct console *c, struct err *e)
{
	c->interactive = host_is_terminal(c->host);
	if (!c->interactive)
		return pipe_loop(c, e);
	terminal_loop(c);
	return 0;
}

void console_init_path(char *to, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config)
		snprintf(to, size, "%s/vitrine/init", config);
	else
		snprintf(to, size, "%s/.config/vitrine/init", home ? home : "");
}

/* What a person wants at every start: settings, commands of their own. */
void console_greet(struct console *c)
{
	char path[512];
	struct err e;

	console_init_path(path, sizeof(path));
	if (!access(path, R_OK) && console_source(c, path, &e))
		show_error(c, &e);
}

/* ---- life ---- */

struct console *console_new(struct debug *d, struct host *h, const char *guest,
			    struct vmi *vmi)
{
	struct console *c = calloc(1, sizeof(*c));

	NEED_MEMORY(c, "the console");
	c->d = d;
	c->host = h;
	c->guest = guest;
	c->vmi = vmi;
	vmi_know_arguments(c);
	c->to = &c->out;
	c->next_display = 1;
	c->settings.listsize = 10;
	c->examine = (struct format){1, 'x', 'w'};
	return c;
}

void console_actions_free(struct console *c, struct actions *a)
{
	struct actions **at = &c->actions;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	buf_free(&a->lines);
	free(a);
}

void console_free(struct console *c)
{
	if (!c)
		return;
	while (c->displays) {
		struct display *gone = c->displays;

		c->displays = gone->next;
		free(gone->text);
		free(gone);
	}
	while (c->actions)
		console_actions_free(c, c->actions);
	defined_free(c);
	buf_free(&c->out);
	free(c->last);
	free(c->list_file);
	free(c->settings.tasks);
	free(c);
}

bool console_ran(const struct console *c)
{
	return c->ran;
}

bool console_quits(const struct console *c)
{
	return c->quit || host_must_end(c->host);
}
