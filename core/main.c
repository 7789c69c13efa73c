/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line, and the life of one run: options, machine, console, exit
 * status.
 *
 * Options come from the table options.def; one dash or two, `-name VALUE` or
 * `-name=VALUE`.  Everything is checked before the machine is made, so a
 * wrong option costs nothing.  Options that refer to the machine (-e, -x,
 * -symbols) are kept and done in order once it stands.
 *
 * Exit status: 0 the guest ended well or the user quit; the guest's own value
 * from the debug-exit port; 2 wrong usage; 3 the guest cannot go on (-batch);
 * 4 trouble with the host.  Only this file exits, and it says why in one
 * line on standard error. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/err.h"
#include "core/base/version.h"
#include "core/debug/debug.h"
#include "core/op/op.h"
#include "core/sandbox/sandbox.h"
#include "core/vm/vm.h"
#include "gdbstub/gdbstub.h"
#include "repl/confine.h"
#include "repl/host.h"
#include "repl/repl.h"
#include "trace/trace.h"
#include "vmi/vmi.h"

enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_GUEST = 3, EXIT_HOST = 4 };
enum { LIST_MAX = 64, RAM_MIN = 1 << 20 };
#define RAM_MAX (3ull << 30)

/* A console command, file or symbol file of the command line, in order. */
struct todo {
	char kind; /* 'e', 'x' or 'y' */
	const char *text;
};

struct options {
	struct vm_config vm;
	char *modules[LIST_MAX];
	const char *serial[HOST_PORTS];
	unsigned serials;
	struct todo todo[LIST_MAX];
	unsigned todos;
	const char *stats; /* path */
	const char *saved; /* a machine to begin with; NULL: power-on */
	char *strings;	   /* of its command line, owned */
	const char *makes; /* an option given that makes a machine */
	const char *gdb; /* where the stub listens; NULL: there is none */
	const char *trace; /* directory */
	bool traces, samples, perf_map;
	bool batch, stand, has_clock, show_help, show_version;
	enum { SANDBOX_USUAL, SANDBOX_WANTED, SANDBOX_OFF } sandbox;
};

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
		if (o->vm.module_count == LIST_MAX)
			return err_set(e, "-initrd: more than %d modules",
				       LIST_MAX);
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
	if (o->todos == LIST_MAX)
		return err_set(e, "more than %d of -e, -x and -symbols",
			       LIST_MAX);
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
			  "step=on, count=twice, block=N, code=BYTES, "
			  "chaos=SEED or check=N",
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

static void show_help(void)
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

static int parse(struct options *o, int argc, char **argv, struct err *e)
{
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

/* ---- the run ---- */

struct run {
	struct options o;
	struct host *host;
	struct vm *vm;
	struct vmi *vmi;
	struct debug *debug;
	struct console *console;
	struct gdbstub *gdb; /* NULL: none */
	char *symbol_files[LIST_MAX];
	FILE *stats;
	char guest[40];
};

/* One line whatever names the user gave. */
static void complain(struct err *e)
{
	for (char *c = e->text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	fprintf(stderr, "vitrine: %s\n", e->text);
}

/* "lantern" for build/lantern.elf: the prompt's first word. */
static void name_guest(struct run *r)
{
	const char *path = r->o.vm.kernel ? r->o.vm.kernel : r->o.saved;
	const char *slash = strrchr(path, '/');

	snprintf(r->guest, sizeof(r->guest), "%s", slash ? slash + 1 : path);
	if (strrchr(r->guest, '.') > r->guest)
		*strrchr(r->guest, '.') = '\0';
}

/* A socket that is there now, and goes with us. */
static void grant_socket(const char *place)
{
	if (!strncmp(place, "unix:", 5))
		sandbox_grant(SANDBOX_LEAVES, place + 5);
}

/* Places outside that the run writes to; a long run shall not end with the
 * news that one of them never existed. */
static int connect_outside(struct run *r, struct err *e)
{
	static const char *const presets[HOST_PORTS] = {"stdio", "null"};

	r->host = host_new(r->o.batch);
	for (unsigned i = 0; i < HOST_PORTS; i++)
		if (host_connect(r->host, i,
				 r->o.serial[i] ? r->o.serial[i] : presets[i],
				 e))
			return -1;
		else if (r->o.serial[i])
			grant_socket(r->o.serial[i]);
	if (!r->o.stats)
		return 0;
	r->stats = fopen(r->o.stats, "we");
	if (!r->stats)
		return err_set(e, "-stats %s: %s", r->o.stats, strerror(errno));
	return 0;
}

/* ---- gdb ---- */

static int monitor(void *arg, const char *line, struct buf *out, struct err *e)
{
	struct run *r = arg;

	return console_execute(r->console, line, out, e);
}

static void lend(void *arg, bool on)
{
	struct run *r = arg;

	console_lends(r->console, on);
}

static bool must_end(void *arg)
{
	struct run *r = arg;

	return console_quits(r->console) ||
	       (r->o.batch && host_interrupted(r->host));
}

static unsigned gdb_fds(void *arg, struct pollfd *fds)
{
	struct run *r = arg;

	return gdbstub_fds(r->gdb, fds);
}

/* Also while the prompt stands: then a guest that a debugger has left to
 * itself runs from there. */
static void gdb_ready(void *arg)
{
	struct run *r = arg;

	gdbstub_ready(r->gdb);
	while (host_is_terminal(r->host) && !debug_running(r->debug) &&
	       !debug_ended(r->debug) && gdbstub_wants_run(r->gdb)) {
		console_lends(r->console, true);
		debug_continue(r->debug, NULL);
		console_lends(r->console, false);
		gdbstub_ready(r->gdb); /* what it was stopped for, perhaps */
	}
}

static int make_gdb(struct run *r, struct err *e)
{
	struct gdbstub_config c = {
		.d = r->debug,
		.vmi = r->vmi,
		.kernel = r->o.vm.kernel,
		.symbol_files = r->symbol_files,
		.owner = {r, monitor, lend, must_end},
	};
	struct host_peer peer = {r, gdb_fds, gdb_ready};

	_Static_assert((int)GDBSTUB_FDS <= (int)HOST_PEER_FDS, "room for its files");
	for (unsigned i = 0; i < r->o.todos; i++)
		if (r->o.todo[i].kind == 'y')
			r->symbol_files[c.symbol_file_count++] =
				(char *)r->o.todo[i].text;
	r->gdb = gdbstub_new(&c);
	host_set_peer(r->host, &peer);
	if (r->o.stand)
		console_stands(r->console);
	if (gdbstub_listen(r->gdb, r->o.gdb, e))
		return -1;
	grant_socket(r->o.gdb);
	return 0;
}

/* Without a console: the guest runs, and stands while a debugger is there. */
static void run_for_gdb(struct run *r, bool stands)
{
	for (;;) {
		if (!stands) {
			console_run_to_end(r->console);
			if (!gdbstub_has_client(r->gdb) &&
			    !gdbstub_wants_run(r->gdb))
				return;
		}
		stands = false;
		gdbstub_serve(r->gdb);
		if (!gdbstub_wants_run(r->gdb))
			return;
	}
}

/* ---- the sandbox ---- */

static bool has_console(const struct run *r)
{
	return !r->o.batch && isatty(STDIN_FILENO);
}

/* Without one where this machine has none, unless it was asked for. */
static int no_sandbox(struct run *r, struct err *e)
{
	if (r->o.sandbox == SANDBOX_WANTED)
		return -1;
	complain(e);
	*e->text = '\0';
	return 0;
}

/* A module is FILE[ ARGS], symbols are FILE[@ADDR]. */
static void grant_file(const char *text)
{
	char *path = check_copy(text);

	sandbox_grant(SANDBOX_READ, path);
	path[strcspn(path, " @")] = '\0';
	sandbox_grant(SANDBOX_READ, path);
	free(path);
}

/* What the command line names is the machine's to use. */
static void grant_files(struct run *r)
{
	const struct vm_config *vm = &r->o.vm;

	if (vm->kernel)
		grant_file(vm->kernel);
	for (unsigned i = 0; i < vm->module_count; i++)
		grant_file(vm->modules[i]);
	if (r->o.saved)
		grant_file(r->o.saved);
	for (unsigned i = 0; i < r->o.todos; i++) {
		const struct todo *t = &r->o.todo[i];

		if (t->kind == 'x')
			sandbox_grant_commands(t->text);
		else if (t->kind == 'e')
			sandbox_grant(SANDBOX_SAID, t->text);
		else
			grant_file(t->text);
	}
	if (has_console(r))
		confine_grant_console();
}

/* All that the process needs is open. */
static int lock(struct run *r, struct err *e)
{
	if (!sandbox_is_on())
		return 0;
	grant_files(r);
	return confine_lock(e) ? no_sandbox(r, e) : 0;
}

/* ---- making it all ---- */

static int make(struct run *r, struct err *e)
{
	struct err no_symbols;

	if (r->o.sandbox != SANDBOX_OFF && sandbox_is_built() &&
	    confine_begin(r->o.batch, e))
		return -1;
	trace_start_up();
	if (connect_outside(r, e))
		return -1;
	r->o.vm.modules = r->o.modules;
	if (r->o.saved &&
	    vm_saved_config(r->o.saved, &r->o.vm, &r->o.strings, e))
		return -1;
	r->o.vm.bare = r->o.saved;
	r->o.vm.arg = r->host;
	r->o.vm.serial_out = host_serial_out;
	r->o.vm.poll = host_poll;
	r->vm = vm_new(&r->o.vm, e);
	if (!r->vm)
		return -1;
	if (r->o.samples && vm_set_sampling(r->vm, true, e))
		return -1;
	r->vmi = vmi_new(r->vm, e);
	if (!r->vmi)
		return -1;
	if (r->o.saved && vm_load(r->vm, r->o.saved, e))
		return -1;
	host_attach(r->host, r->vm);
	name_guest(r);
	r->debug = debug_new(r->vm);
	if (r->o.perf_map && debug_perf_map(r->debug, e))
		return -1;
	/* A bzImage has none; that is no error. */
	if (r->o.vm.kernel)
		symbols_add(debug_symbols(r->debug), r->o.vm.kernel, -1,
			    &no_symbols);
	if (r->o.saved && !r->o.batch)
		debug_know_guest(r->debug, NULL);
	r->console = console_new(r->debug, r->host, r->guest, r->vmi);
	if (r->o.gdb && make_gdb(r, e))
		return -1;
	if (r->o.traces)
		console_trace(r->console, r->o.trace);
	return lock(r, e);
}

/* FILE[@ADDR]; a status, 0 when done. */
static int add_symbols(struct run *r, const char *text, struct err *e)
{
	char *path = check_copy(text), *at = strrchr(path, '@');
	struct value v = {0};
	int status = EXIT_OK;
	struct err why;

	if (at && at[1]) {
		*at = '\0';
		if (debug_eval(r->debug, at + 1, NULL, &v, &why)) {
			err_set(e, "-symbols %s: %s", text, why.text);
			status = EXIT_USAGE;
		}
	}
	if (!status && symbols_add(debug_symbols(r->debug), path,
				   at ? (s64)(u32)v.bits : -1, e) < 0)
		status = EXIT_HOST;
	free(path);
	return status;
}

static int do_todo(struct run *r, const struct todo *t, struct err *e)
{
	int result;

	switch (t->kind) {
	case 'y':
		return add_symbols(r, t->text, e);
	case 'x':
		result = console_source(r->console, t->text, e);
		return result == SOURCE_UNREADABLE ? EXIT_HOST
		       : result                    ? EXIT_USAGE
						   : EXIT_OK;
	default:
		return console_execute(r->console, t->text, NULL, e)
			       ? EXIT_USAGE
			       : EXIT_OK;
	}
}

/* -e, -x and -symbols in order.  A file that cannot be read ends it, in
 * -batch also a command that fails.  The exit status, 0 to go on. */
static int do_todos(struct run *r, struct err *e)
{
	for (unsigned i = 0; i < r->o.todos; i++) {
		int status = do_todo(r, &r->o.todo[i], e);

		if (console_quits(r->console))
			return EXIT_OK;
		if (status == EXIT_HOST || (status && r->o.batch))
			return status;
		if (status)
			fprintf(stderr, "%s\n", e->text);
	}
	return EXIT_OK;
}

/* As a shell says of a process that a signal ended. */
static int killed(struct run *r, struct err *e)
{
	int number = host_must_end(r->host);

	err_set(e, "ended by SIG%s", sigabbrev_np(number));
	return 128 + number;
}

/* How a batch run ended: the line to say, and the status. */
static int status_of(struct run *r, struct err *e)
{
	*e->text = '\0';
	if (r->gdb && gdbstub_wants_end(r->gdb)) {
		err_set(e, "ended by gdb");
		return EXIT_OK;
	}
	if (!debug_ended(r->debug) && host_must_end(r->host))
		return killed(r, e);
	if (console_quits(r->console) && !debug_ended(r->debug))
		return EXIT_OK;
	err_set(e, "%s", vm_stop_text(r->vm));
	switch (debug_why(r->debug)) {
	case STOP_DEBUG_EXIT:
		return bus_exit_status(vm_bus(r->vm));
	case STOP_TRIPLE_FAULT:
	case STOP_UNIMPLEMENTED:
		return EXIT_GUEST;
	case STOP_INTERRUPT:
		return 128 + SIGINT;
	default:
		return EXIT_OK;
	}
}

static void show_banner(struct run *r)
{
	bool runs = !r->o.stand;

	printf("Vitrine %s: %s %s (%llu MiB, %s VMI)\n", VERSION, r->guest,
	       runs ? "runs" : "stands at its first instruction",
	       (unsigned long long)(r->o.vm.ram >> 20),
	       vm_shows_vmi(r->vm) ? "with" : "without");
	printf(runs ? "Ctrl-] or Ctrl-C looks inside; there `help' says how, and "
		      "`tour' shows around.\n"
		    : "`help' says what there is, `tour' shows around, "
		      "`continue' lets it run.\n");
	fflush(stdout);
}

/* The status; e is empty when there is nothing to say. */
static int run(struct run *r, struct err *e)
{
	int status;

	if (host_is_terminal(r->host) && !r->o.batch)
		console_greet(r->console);
	status = do_todos(r, e);

	if (status)
		return status;
	if (r->o.batch) {
		if (!console_quits(r->console) && r->gdb)
			run_for_gdb(r, r->o.stand);
		else if (!console_quits(r->console))
			console_run_to_end(r->console);
		return status_of(r, e);
	}
	if (host_is_terminal(r->host) && !console_ran(r->console) &&
	    !console_quits(r->console))
		show_banner(r);
	if (host_is_terminal(r->host) && !r->o.stand &&
	    !console_ran(r->console) && !console_quits(r->console)) {
		if (console_execute(r->console, "continue", NULL, e))
			fprintf(stderr, "%s\n", e->text);
	}
	*e->text = '\0';
	if (!console_quits(r->console) && console_loop(r->console, e))
		return EXIT_USAGE;
	if (r->gdb && !console_quits(r->console) &&
	    !host_is_terminal(r->host))
		run_for_gdb(r, true);
	return host_must_end(r->host) ? killed(r, e) : EXIT_OK;
}

static int write_stats(struct run *r, struct err *e)
{
	struct buf json = {0};
	bool bad;

	vm_stats_json(r->vm, buf_print, &json);
	bad = fwrite(buf_text(&json), 1, json.len, r->stats) != json.len;
	bad |= fclose(r->stats) != 0;
	buf_free(&json);
	return bad ? err_set(e, "-stats %s: %s", r->o.stats, strerror(errno))
		   : 0;
}

/* What came of sampling and of the trace is said on standard error, whatever
 * else was said. */
static void say_sampled(struct run *r)
{
	struct buf text = {0};

	vm_show_sampled(r->vm, false, buf_print, &text);
	if (r->console)
		console_show_timed(r->console, 20, &text);
	fputs(buf_text(&text), stderr);
	buf_free(&text);
}

static int end_perf_map(struct run *r, struct err *e)
{
	struct buf said = {0};
	int failed = debug_perf_map_end(r->debug, &said, e);

	if (said.len)
		fprintf(stderr, "vitrine: %s\n", buf_text(&said));
	buf_free(&said);
	return failed;
}

static int end_trace(void)
{
	struct buf said = {0};
	struct err e = {""};
	int failed = trace_session_end(&said, &e);

	for (char *line, *rest = said.data; (line = strsep(&rest, "\n"));)
		if (*line)
			fprintf(stderr, "vitrine: %s\n", line);
	if (failed)
		complain(&e);
	buf_free(&said);
	return failed;
}

/* A file opened on a closed standard output would be written to as if it
 * were one. */
static void open_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct run r = {
		.o.vm = {.ram = 128u << 20, .flat_load = -1, .has_apic = true,
			 .show_vmi = true}};
	struct err e = {""};
	int status = EXIT_USAGE;

	open_standard_files();
	trace_begin();
	signal(SIGXFSZ, SIG_IGN); /* a full disk is an error like others */
	signal(SIGPIPE, SIG_IGN);
	if (!parse(&r.o, argc, argv, &e)) {
		status = EXIT_OK;
		if (r.o.show_help)
			show_help();
		else if (r.o.show_version)
			printf("vitrine %s\n", VERSION);
		else if (make(&r, &e))
			status = EXIT_HOST;
		else
			status = run(&r, &e);
	}
	if (r.host && host_trouble(r.host, &e))
		status = EXIT_HOST;
	if (r.stats && r.vm && write_stats(&r, &e))
		status = EXIT_HOST;
	if (end_perf_map(&r, &e))
		status = EXIT_HOST;
	if (*e.text)
		complain(&e);
	if (r.o.samples && r.vm)
		say_sampled(&r);
	if (end_trace())
		status = EXIT_HOST;
	gdbstub_free(r.gdb);
	console_free(r.console);
	debug_free(r.debug);
	vmi_free(r.vmi);
	vm_free(r.vm);
	host_free(r.host);
	free(r.o.strings);
	sandbox_end();
	return status;
}
