/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the console's files share. */
#ifndef REPL_REPL_PRIV_H
#define REPL_REPL_PRIV_H

#include "core/base/log.h"
#include "core/debug/debug.h"
#include "repl/format.h"
#include "repl/host.h"
#include "repl/repl.h"
#include "repl/term/pager.h"

/* What a command's argument is, for completion. */
enum arg {
	ARG_NONE,
	ARG_NUMBER,
	ARG_EXPR,  /* symbols and registers */
	ARG_PLACE, /* symbols */
	ARG_FILE,
	ARG_COMMAND,
	ARG_INFO,
	ARG_EXPLAIN,
	ARG_BREAK, /* breakpoint numbers */
	ARG_SETTING,
	ARG_VMI, /* names of VMI's calls */
	ARG_CATCH,
	ARG_DEVICE,
	ARG_ENGINE,
	ARG_INJECT,
	ARG_EXIT,
	ARG_STATS, /* words of stats, of top */
	ARG_TOP,
	ARG_TRACE,
	ARG_REST, /* anything */
};

/* What Enter on an empty line does after it. */
enum repeat { ONCE, AGAIN, ONWARD /* its name without arguments */ };

struct display {
	struct display *next;
	int number;
	struct format format;
	char *text; /* owned */
};

struct actions { /* `commands N` */
	struct actions *next;
	int number;
	struct buf lines;
};

struct settings {
	u64 listsize;
	bool intel;
	bool echo;
	char *tasks; /* owned; NULL: auto */
};

struct console {
	struct debug *d;
	struct host *host;
	const char *guest;
	struct vmi *vmi; /* asked only if its ROM is shown */
	gla_t vmi_at;	 /* where its stubs are named */
	struct buf out;
	struct buf *to; /* where the current command's text goes */
	struct log log;
	bool interactive, quit, ran;
	bool user_stopped; /* by Ctrl-C, since the last prompt */
	bool stands; /* somebody else says when the guest runs */
	bool repeating; /* Enter on an empty line */
	unsigned depth; /* of source within source */
	char *last;     /* owned; what Enter repeats */
	enum repeat last_repeat;
	struct display *displays;
	int next_display;
	struct actions *actions;
	struct buf *filling; /* takes lines until `end`: of `commands', `define' */
	struct defined *defined; /* commands of the user's own */
	struct format examine;   /* of the last x */
	u32 examine_at;
	bool examined; /* and it is from a command, not yet $pc */
	u32 list_line; /* after the last line shown */
	char *list_file;
	struct settings settings;
	struct pager pager;
	unsigned tour_step; /* where `tour' goes on */
};

typedef int command_fn(struct console *c, char *args, struct err *e);

struct command {
	const char *name, *alias;
	enum arg arg;
	enum repeat repeat;
	command_fn *run;
	const char *group, *usage, *help;
};

extern const struct command commands[], infos[], explains[]; /* end: name
							      * NULL */

#define COMMAND(name, alias, arg, repeat, run, group, usage, help) \
	command_fn cmd_##run;
#include "repl/commands.def"
#define INFO(name, alias, arg, run, usage, help) command_fn info_##run;
#include "repl/infos.def"
#define EXPLAIN(name, alias, arg, run, usage, help) command_fn explain_##run;
#include "repl/explains.def"

/* The table of a command's topics; NULL: it has none. */
const struct command *command_topics(const struct command *cmd);

/* Finds by name, alias or unambiguous beginning; NULL and the reason. */
const struct command *command_find(const struct command *table,
				   const char *what, const char *word,
				   struct err *e);

/* Shows what was printed so far, before something takes time. */
void console_flush(struct console *c);
/* Before and after a command lets the guest run: what was printed so far is
 * shown, the terminal is the guest's in between.  `failed` comes back; when it
 * is 0 and `tells`, where the guest stands is told. */
void console_begin(struct console *c);
int console_end(struct console *c, int failed, bool tells);
/* After the guest has stopped: where, displays, commands of breakpoints. */
void console_stopped(struct console *c);
/* The source line of an address, when there is one and it can be read. */
void console_show_source(struct console *c, gla_t pc);
void console_show_displays(struct console *c);
/* repl/cmd/define.c: runs one of the user's own; false: there is none of that
 * name.  Its names in order, NULL after the last. */
bool defined_run(struct console *c, const char *name, char *args, int *failed,
		 struct err *e);
const char *defined_name(const struct console *c, size_t i);
void defined_free(struct console *c);
void console_actions_free(struct console *c, struct actions *a);

/* repl/cmd/catch.c: word i of those that may follow `before` the word being
 * typed; NULL after the last, "" for none. */
const char *catch_word(const char *before, unsigned i);

/* repl/cmd/top.c: its tables' names, up to NULL */
extern const char *const top_words[];
/* repl/cmd/trace.c: the same for `trace'. */
const char *trace_word(const char *before, unsigned i);

/* The exception of that name or number; -1: none. */
int exception_named(const char *typed);

/* repl/cmd/inject.c: the same for `inject'. */
const char *inject_word(const char *before, unsigned i);

/* repl/complete.c */
char **complete_line(const char *text, int start, int end);
void complete_attach(struct console *c);

static inline bool shows_vmi(const struct console *c)
{
	return vm_shows_vmi(debug_vm(c->d));
}

/* repl/cmd/vmi.c: `help vmi [CALL]', and the next call from *index on whose
 * name begins so, or NULL. */
/* Its meaning, arguments, native equivalent; what it has cost so far. */
void vmi_show_call(struct console *c, unsigned number);
void vmi_show_cost(struct console *c, unsigned number);
int help_vmi(struct console *c, char *args, struct err *e);
/* The number of the call named, or of the only one that begins so; -1. */
int vmi_named(const char *word, struct err *e);
/* Names the ROM's stubs VMI_... where the kernel calls them and where they
 * lie in physical memory; again when either has changed. */
void vmi_name_stubs(struct console *c);
const char *vmi_complete(const char *text, size_t *index);

/* repl/words.c: pure */
/* Cuts leading and trailing blanks, in place. */
char *words_trim(char *s);
/* Takes the first blank-separated word off *rest, in place; NULL: none. */
char *words_next(char **rest);
/* A whole number in any C base; false when it is anything else. */
bool words_number(const char *s, u64 *n);
/* Cuts "LOC if COND" in two, in place; the condition, or NULL. */
char *words_split_if(char *args);
/* Turns \n \r \t \e \\ \xNN and ^C into bytes, in place; the length. */
size_t words_unescape(char *s);

/* settings.c: rows up to one without a name. */
extern const struct setting {
	const char *name, *values, *help;
	int (*set)(struct console *c, const char *value, struct err *e);
	void (*show)(struct console *c);
} settings[];

/* Where the lines typed are kept (its directory is made), and the commands of
 * every start. */
void console_history_path(char *to, size_t size);
void console_init_path(char *to, size_t size);

#endif
