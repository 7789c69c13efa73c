/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line: one function an option, called by the table options.def.
 *
 * One dash or two, `-name VALUE` or `-name=VALUE`.  Everything is checked
 * before the machine is made, so a wrong option costs nothing.  Options that
 * refer to the machine (-e, -x, -symbols) are kept, to be done in order once
 * it stands. */
#include "core/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/debug/debug.h"
#include "core/op/op.h"
#include "gdbstub/gdbstub.h"

enum { RAM_MIN = 1 << 20 };
#define RAM_MAX (3ull << 30)

/* ---- one function an option ---- */

static int opt_kernel(struct options *o, char *value, struct err *e)
{
	if (!*value)
		return err_set(e, "-kernel: an empty file name");
	if (o->vm.kernel)
		return err_set(e, "two kernels: %s and %s", o->vm.kernel,
			       value);
	o->vm.kernel = value;
	return 0;
}

/* FILE[ ARGS][,FILE[ ARGS]...]: commas part modules. */
static int opt_initrd(struct options *o, char *value, struct err *e)
{
	char *module;

	while ((module = strsep(&value, ","))) {
		if (!*module)
			return err_set(e, "-initrd: an empty file name");
		if (o->vm.module_count == OPTIONS_LIST_MAX)
			return err_set(e, "-initrd: more than %d modules",
				       OPTIONS_LIST_MAX);
		o->modules[o->vm.module_count++] = module;
	}
	return 0;
}

static int opt_append(struct options *o, char *value, struct err *e)
{
	(void)e;
	o->vm.append = value;
	return 0;
}

/* `option` as the error names it, dash and all. */
static int number(const char *option, const char *value, u64 *n, struct err *e)
{
	char *end;

	errno = 0;
	*n = strtoull(value, &end, 0);
	if (*value < '0' || *value > '9' || *end || errno)
		return err_set(e, "%s%s: expected a number", option, value);
	return 0;
}

static int opt_load(struct options *o, char *value, struct err *e)
{
	u64 n;

	if (number("-load ", value, &n, e))
		return -1;
	if (n > UINT32_MAX)
		return err_set(e, "-load %s: beyond 4 GiB", value);
	o->vm.flat_load = (s64)n;
	return 0;
}

static int opt_loadvm(struct options *o, char *value, struct err *e)
{
	if (o->saved)
		return err_set(e, "two saved machines: %s and %s", o->saved,
			       value);
	o->saved = value;
	return 0;
}

static int opt_m(struct options *o, char *value, struct err *e)
{
	char *end;
	u64 n = strtoull(value, &end, 10);
	unsigned shift = 20;

	if (*end) {
		const char *unit = strchr("kKmMgG", *end);

		shift = !unit                ? 64
			: (*end | 32) == 'k' ? 10
			: (*end | 32) == 'm' ? 20
					     : 30;
		end++;
	}
	if (*value < '0' || *value > '9' || *end || shift == 64)
		return err_set(e, "-m %s: expected a size such as 64M or 1G",
			       value);
	if (n > RAM_MAX >> shift || n << shift < RAM_MIN)
		return err_set(e, "-m %s: guest memory is 1M to 3G", value);
	o->vm.ram = (n << shift) & ~4095ull;
	return 0;
}

static int opt_engine(struct options *o, char *value, struct err *e)
{
	if (strcmp(value, "bt") && strcmp(value, "vmi"))
		return err_set(e, "-engine %s: expected bt or vmi", value);
	o->vm.show_vmi = !strcmp(value, "vmi");
	return 0;
}

static bool is_feature(const char *name)
{
	const char *known;

	for (unsigned i = 0; (known = cpuid_feature_name(i)); i++)
		if (!strcmp(known, name))
			return true;
	return false;
}

static int unknown_feature(const char *word, struct err *e)
{
	struct buf known = {0};
	const char *name;

	for (unsigned i = 0; (name = cpuid_feature_name(i)); i++)
		buf_printf(&known, " %s", name);
	err_set(e, "-cpu %s: no such feature; there are:%s", word,
		buf_text(&known));
	buf_free(&known);
	return -1;
}

static int opt_cpu(struct options *o, char *value, struct err *e)
{
	char *word;
	struct err why;

	while ((word = strsep(&value, ","))) {
		bool on = *word == '+';

		if (*word != '+' && *word != '-')
			return err_set(e,
				       "-cpu %s: expected +FEATURE or "
				       "-FEATURE",
				       word);
		if (!is_feature(word + 1))
			return unknown_feature(word, e);
		if (cpuid_set_feature(word + 1, on, &why))
			return err_set(e, "-cpu %s: %s", word, why.text);
		if (!strcmp(word + 1, "apic"))
			o->vm.has_apic = on;
	}
	return 0;
}

static int opt_gdb(struct options *o, char *value, struct err *e)
{
	if (!gdbstub_knows(value))
		return err_set(e, "-gdb %s: expected tcp:[ADDR:]PORT or "
			       "unix:PATH", value);
	if (o->gdb)
		return err_set(e, "two places for gdb: %s and %s", o->gdb,
			       value);
	o->gdb = value;
	return 0;
}

static int opt_s(struct options *o, char *value, struct err *e)
{
	static char usual[] = "tcp:127.0.0.1:1234";

	(void)value;
	return opt_gdb(o, usual, e);
}

static int opt_S(struct options *o, char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->stand = true;
	return 0;
}

static int opt_serial(struct options *o, char *value, struct err *e)
{
	if (o->serials == HOST_PORTS)
		return err_set(e, "-serial %s: there are only COM1 and COM2",
			       value);
	if (!host_knows(value))
		return err_set(e,
			       "-serial %s: expected stdio, null, "
			       "file:PATH, pty or unix:PATH",
			       value);
	o->serial[o->serials++] = value;
	return 0;
}

static int opt_batch(struct options *o, char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->batch = true;
	return 0;
}

static int keep(struct options *o, char kind, const char *text, struct err *e)
{
	if (o->todos == OPTIONS_LIST_MAX)
		return err_set(e, "more than %d of -e, -x and -symbols",
			       OPTIONS_LIST_MAX);
	o->todo[o->todos++] = (struct todo){kind, text};
	return 0;
}

static int opt_e(struct options *o, char *value, struct err *e)
{
	return keep(o, 'e', value, e);
}

static int opt_x(struct options *o, char *value, struct err *e)
{
	return keep(o, 'x', value, e);
}

static int opt_symbols(struct options *o, char *value, struct err *e)
{
	return keep(o, 'y', value, e);
}

static int opt_clock(struct options *o, char *value, struct err *e)
{
	if (strcmp(value, "virtual") && strcmp(value, "host"))
		return err_set(e, "-clock %s: expected virtual or host", value);
	o->vm.clock_host = !strcmp(value, "host");
	o->has_clock = true;
	return 0;
}

static int opt_seed(struct options *o, char *value, struct err *e)
{
	return number("-seed ", value, &o->vm.seed, e);
}

static int opt_trace(struct options *o, char *value, struct err *e)
{
	if (value && !*value)
		return err_set(e, "-trace: an empty directory name");
	o->traces = true;
	o->trace = value;
	return 0;
}

static int opt_stats(struct options *o, char *value, struct err *e)
{
	(void)e;
	o->stats = value;
	return 0;
}

static int opt_perf_map(struct options *o, char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->perf_map = true;
	return 0;
}

static int opt_sample(struct options *o, char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->samples = true;
	return 0;
}

static int opt_no_reboot(struct options *o, char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->vm.no_reboot = true;
	return 0;
}

static int opt_sandbox(struct options *o, char *value, struct err *e)
{
	if (strcmp(value, "off") && strcmp(value, "on"))
		return err_set(e, "-sandbox %s: expected on or off", value);
	o->sandbox = strcmp(value, "off") ? SANDBOX_WANTED : SANDBOX_OFF;
	return 0;
}

/* Switches of the translator, for tests: the guest must not see them. */
static const struct {
	const char *word;
	size_t at; /* in struct vm_config, a bool or u64 */
	u64 least, most; /* 0: the word is all of it */
} translator_words[] = {
	{"windows=off", offsetof(struct vm_config, no_windows), 0, 0},
	{"links=off", offsetof(struct vm_config, no_links), 0, 0},
	{"gs=off", offsetof(struct vm_config, no_gs), 0, 0},
	{"returns=off", offsetof(struct vm_config, no_return_faults), 0, 0},
	{"step=on", offsetof(struct vm_config, step), 0, 0},
	{"count=twice", offsetof(struct vm_config, counts_twice), 0, 0},
	{"block=", offsetof(struct vm_config, max_insns), 1, 64},
	{"code=", offsetof(struct vm_config, code_size), 64 << 10, 1 << 30},
	{"chaos=", offsetof(struct vm_config, chaos), 1, UINT64_MAX},
	{"check=", offsetof(struct vm_config, check), 1, UINT64_MAX},
};

static int translator_word(struct vm_config *cfg, const char *word,
			   struct err *e)
{
	for (unsigned i = 0; i < ARRAY_LEN(translator_words); i++) {
		const char *name = translator_words[i].word;
		u64 least = translator_words[i].least, n;
		u64 most = translator_words[i].most;
		char *at = (char *)cfg + translator_words[i].at;

		if (!most && !strcmp(word, name)) {
			*(bool *)at = true;
			return 0;
		}
		if (!most || strncmp(word, name, strlen(name)))
			continue;
		if (number(name, word + strlen(name), &n, e))
			return err_set(e, "-translator %s: expected a number",
				       word);
		if (n < least || n > most)
			return err_set(e, "-translator %s: expected %llu to %llu",
				       word, (unsigned long long)least,
				       (unsigned long long)most);
		*(u64 *)(void *)at = n;
		return 0;
	}
	return err_set(e, "-translator %s: expected windows=off, links=off, "
			  "gs=off, returns=off, step=on, count=twice, block=N, "
			  "code=BYTES, chaos=SEED or check=N",
		       word);
}

static int opt_translator(struct options *o, char *value, struct err *e)
{
	char *word;

	while ((word = strsep(&value, ",")))
		if (translator_word(&o->vm, word, e))
			return -1;
	return 0;
}

static int opt_version(struct options *o, char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->show_version = true;
	return 0;
}

static int opt_help(struct options *o, char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->show_help = true;
	return 0;
}

/* ---- the table ---- */

static const struct option_row {
	const char *name, *argument, *preset;
	int (*take)(struct options *o, char *value, struct err *e);
	const char *help;
} rows[] = {
#define OPTION(name, argument, preset, take, help) \
	{name, argument, preset, opt_##take, help},
#include "core/options.def"
};

void options_show(void)
{
	printf("usage: vitrine [options] [KERNEL]\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char head[64];

		snprintf(head, sizeof(head), "-%s %s", rows[i].name,
			 rows[i].argument);
		printf("  %-28s%s %s%s%s%s\n", head,
		       strlen(head) > 28 ? "\n                             "
					 : "",
		       rows[i].help, *rows[i].preset ? " (" : "",
		       rows[i].preset, *rows[i].preset ? ")" : "");
	}
	printf("-serial, -e, -x and -symbols may be given again.\n");
}

static const struct option_row *find_row(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strlen(rows[i].name) == n &&
		    !strncmp(rows[i].name, name, n))
			return &rows[i];
	return NULL;
}

static int unknown(const char *word, struct err *e)
{
	const char *name = word + strspn(word, "-"), *close = NULL;
	unsigned best = 3;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned d = word_distance(name, rows[i].name, best);

		if (d < best && d < strlen(name)) {
			best = d;
			close = rows[i].name;
		}
	}
	if (close)
		return err_set(e, "unknown option %s; did you mean -%s?", word,
			       close);
	return err_set(e, "unknown option %s; -help lists them", word);
}

/* What a saved machine brings with it. */
static bool makes_a_machine(const char *option)
{
	static const char *const names[] = {"kernel", "initrd", "append", "load",
					    "m", "engine", "cpu", "seed"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], option))
			return true;
	return false;
}

/* Takes argv[i] and perhaps the word after it; how many words, or -1. */
static int take_option(struct options *o, int i, int argc, char **argv,
		       struct err *e)
{
	char *word = argv[i], *name = word + (word[1] == '-' ? 2 : 1);
	const struct option_row *row = find_row(name, strcspn(name, "="));
	char *value = strchr(name, '=');
	int words = 1;

	if (!row)
		return unknown(word, e);
	if (value)
		value++;
	if (!*row->argument && value)
		return err_set(e, "-%s takes no value", row->name);
	if (*row->argument == '[') { /* may be left out */
		if (!value && i + 1 < argc && argv[i + 1][0] != '-') {
			value = argv[i + 1];
			words = 2;
		}
	} else if (*row->argument && !value) {
		if (i + 1 == argc)
			return err_set(e, "-%s needs a value: %s", row->name,
				       row->argument);
		value = argv[i + 1];
		words = 2;
	}
	if (makes_a_machine(row->name))
		o->makes = row->name;
	return row->take(o, value, e) ? -1 : words;
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	*o = (struct options){.vm = {.ram = 128u << 20, .flat_load = -1,
				     .has_apic = true, .show_vmi = true}};
	for (int i = 1; i < argc;) {
		int words = 1;

		if (argv[i][0] == '-' && argv[i][1])
			words = take_option(o, i, argc, argv, e);
		else if (opt_kernel(o, argv[i], e))
			words = -1;
		if (words < 0)
			return -1;
		i += words;
	}
	if (o->saved && o->makes)
		return err_set(e, "-loadvm %s brings its own -%s", o->saved,
			       o->makes);
	if (o->saved && o->vm.kernel)
		return err_set(e, "-loadvm %s brings its own kernel, not %s",
			       o->saved, o->vm.kernel);
	if (!o->vm.kernel && !o->saved && !o->show_help && !o->show_version)
		return err_set(e, "no kernel given (-kernel FILE); -help lists "
				  "the options");
	o->vm.has_person = !o->batch && isatty(STDIN_FILENO);
	if (!o->has_clock)
		o->vm.clock_host = o->vm.has_person;
	return 0;
}
