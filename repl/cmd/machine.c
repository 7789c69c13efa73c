/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands about the session: settings, symbols, files. */
#include "repl/repl_priv.h"
#include "core/bt/bt.h"
#include "repl/confine.h"
#include "repl/keys.h"

#include "core/cpu/cpu.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- set and show ---- */

static void show_setting(struct console *c, const struct setting *s)
{
	buf_printf(c->to, "%s is ", s->name);
	s->show(c);
	buf_printf(c->to, " (%s: %s)\n", s->values, s->help);
}

/* gdb: `set var $eax = 1`, `set variable`. */
static char *skip_var(char *args)
{
	if (!strncmp(args, "var ", 4))
		return words_trim(args + 4);
	if (!strncmp(args, "variable ", 9))
		return words_trim(args + 9);
	return args;
}

int cmd_set(struct console *c, char *args, struct err *e)
{
	size_t n = strcspn(args, " \t=");
	struct value v;
	char *text;

	if (!*args)
		return err_set(e, "expected: set $REG = EXPR, set {int}ADDR = "
				  "EXPR or set SETTING VALUE");
	for (const struct setting *s = settings; s->name; s++)
		if (strlen(s->name) == n && args[n] != '=' &&
		    !strncmp(s->name, args, n))
			return s->set(c, words_trim(args + n), e);
	text = skip_var(args);
	if (!strchr(text, '='))
		return err_set(e,
			       "no setting `%.40s'; `show' lists them, and "
			       "registers and memory need `='",
			       args);
	return debug_eval(c->d, text, NULL, &v, e);
}

int cmd_show(struct console *c, char *args, struct err *e)
{
	bool any = false;

	for (const struct setting *s = settings; s->name; s++)
		if (!*args || !strcmp(s->name, args)) {
			show_setting(c, s);
			any = true;
		}
	return any ? 0
		   : err_set(e, "no setting `%.40s'; `show' lists them", args);
}

/* ---- the whole machine ---- */

static char *one_file(char *args, const char *usage, struct err *e)
{
	if (!*args)
		err_set(e, "expected a file: %s FILE", usage);
	return *args ? args : NULL;
}

int cmd_save(struct console *c, char *args, struct err *e)
{
	char *path = one_file(args, "save", e);

	if (!path || debug_save(c->d, path, e))
		return -1;
	buf_printf(c->to, "Saved to %s, after %llu instructions.\n", path,
		   (unsigned long long)vm_icount(debug_vm(c->d)));
	return 0;
}

int cmd_load(struct console *c, char *args, struct err *e)
{
	char *path = one_file(args, "load", e);

	if (!path || debug_load(c->d, path, e))
		return -1;
	buf_printf(c->to, "The machine of %s, after %llu instructions.\n",
		   path, (unsigned long long)vm_icount(debug_vm(c->d)));
	console_stopped(c);
	return 0;
}

/* ---- symbols ---- */

static int add_symbols(struct console *c, struct symbols *to, const char *path,
		       s64 at, struct err *e)
{
	int n = symbols_add(to, path, at, e);

	if (n < 0)
		return -1;
	buf_printf(c->to, "%d symbols from %s\n", n, path);
	return 0;
}

/* What cannot be read costs nobody the symbols that he has. */
static bool can_read(const char *path, struct err *e)
{
	struct symbols *trial = symbols_new();
	int n = symbols_add(trial, path, -1, e);

	symbols_free(trial);
	return n >= 0;
}

int cmd_symbol_file(struct console *c, char *args, struct err *e)
{
	if (!*args)
		return err_set(e, "expected a file, ELF or System.map, or "
				  "-linux for those in Linux's memory");
	if (!strcmp(args, "-linux") ? debug_linux_symbols(c->d, NULL) < 0
				    : !can_read(args, e))
		return strcmp(args, "-linux")
			       ? -1
			       : err_set(e, "no Linux with symbols of its own "
					    "(CONFIG_KALLSYMS) runs here");
	debug_forget_guest(c->d);
	symbols_clear(debug_symbols(c->d));
	if (strcmp(args, "-linux"))
		return add_symbols(c, debug_symbols(c->d), args, -1, e);
	debug_linux_symbols(c->d, c->to);
	return 0;
}

int cmd_add_symbol_file(struct console *c, char *args, struct err *e)
{
	struct symbols *to = debug_symbols(c->d);
	char *file = words_next(&args);
	struct value v;

	if (file && !strcmp(file, "-here")) {
		if (!(vm_cpu(debug_vm(c->d))->cr0 & CR0_PG))
			return err_set(e, "paging is off: there is no address "
					  "space to keep them for");
		to = debug_space_symbols(c->d);
		file = words_next(&args);
	}
	if (!file)
		return err_set(e, "expected: add-symbol-file [-here] FILE "
				  "[ADDR]");
	if (!*args)
		return add_symbols(c, to, file, -1, e);
	if (debug_eval(c->d, args, NULL, &v, e))
		return -1;
	return add_symbols(c, to, file, (s64)(u32)v.bits, e);
}

/* ---- the engine ---- */

int cmd_engine(struct console *c, char *args, struct err *e)
{
	static const char *const names[] = {"bt", "vmi"};
	struct vm *vm = debug_vm(c->d);
	bool now = vm_shows_vmi(vm);

	if (*args && strcmp(args, names[0]) && strcmp(args, names[1]))
		return err_set(e, "expected bt or vmi, found `%.40s'", args);
	if (*args)
		vm_show_vmi(vm, !strcmp(args, names[1]));
	buf_printf(c->to, "engine %s: binary translation, with VMI's ROM %s\n",
		   names[now], now ? "shown to the guest" : "hidden");
	if (vm_will_show_vmi(vm) != now)
		buf_printf(c->to, "engine %s from the guest's next start on "
				  "(`run', `reset')\n",
			   names[!now]);
	bt_show_counts(vm_bt(vm), buf_print, c->to);
	return 0;
}

/* ---- the rest ---- */

int cmd_source(struct console *c, char *args, struct err *e)
{
	if (!*args)
		return err_set(e, "expected a file of commands");
	return console_source(c, args, e);
}

int cmd_shell(struct console *c, char *args, struct err *e)
{
	int status;

	if (!*args)
		return err_set(e, "expected a host command");
	console_flush(c);
	status = confine_shell(args, e);
	if (status == -1)
		return -1;
	if (status)
		buf_printf(c->to, "(status %d)\n", status >> 8 & 0xff);
	return 0;
}

int cmd_echo(struct console *c, char *args, struct err *e)
{
	size_t n = words_unescape(args);

	(void)e;
	buf_append(c->to, args, n);
	if (!n || args[n - 1] != '\n')
		buf_byte(c->to, '\n');
	return 0;
}

int cmd_send(struct console *c, char *args, struct err *e)
{
	static const char *const places[] = {"com1", "com2", "keys"};
	enum { COM1, COM2, KEYS } place = COM1;
	size_t n, taken;

	for (unsigned i = 0; i < ARRAY_LEN(places); i++)
		if (!strncmp(args, places[i], 4) &&
		    isspace((unsigned char)args[4])) {
			place = i;
			args = words_trim(args + 4);
			break;
		}
	if (!*args)
		return err_set(e, "expected the text to type");
	n = words_unescape(args);
	taken = place == KEYS ? keys_type(vm_bus(debug_vm(c->d)), args, n)
			      : host_type(c->host, place, args, n);
	if (taken < n)
		return err_set(e,
			       "only %zu of %zu bytes fit; let the guest "
			       "read them first",
			       taken, n);
	return 0;
}

int cmd_log(struct console *c, char *args, struct err *e)
{
	u64 n = 20;

	if (*args && !words_number(args, &n))
		return err_set(e, "expected how many lines, found `%.40s'",
			       args);
	log_show(&c->log, n > LOG_LINES ? LOG_LINES : (unsigned)n, c->to);
	return 0;
}
