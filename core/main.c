/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of one run: options, machine, console, exit status.
 *
 * Exit status: 0 the guest ended well or the user quit; the guest's own value
 * from the debug-exit port; 2 wrong usage; 3 the guest cannot go on (-batch);
 * 4 trouble with the host; 5 the sandbox has stopped us; 128 and a signal's
 * number.  Only this file and the sandbox exit, and they say why in one line
 * on standard error. */
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
#include "core/options.h"
#include "core/sandbox/sandbox.h"
#include "core/vm/vm.h"
#include "gdbstub/gdbstub.h"
#include "repl/confine.h"
#include "repl/host.h"
#include "repl/repl.h"
#include "trace/trace.h"
#include "vmi/vmi.h"

enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_GUEST = 3, EXIT_HOST = 4 };

struct run {
	struct options o;
	char *strings; /* of a saved machine's command line, owned */
	struct host *host;
	struct vm *vm;
	struct vmi *vmi;
	struct debug *debug;
	struct console *console;
	struct gdbstub *gdb; /* NULL: none */
	char *symbol_files[OPTIONS_LIST_MAX];
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
	const char *slash;

	CHECK(path, "neither a kernel nor a saved machine");
	slash = strrchr(path, '/');
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
	for (;; stands = false) {
		if (!stands)
			console_run_to_end(r->console);
		if (stands || gdbstub_has_client(r->gdb))
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

/* What the command line names is the machine's to use; not what a saved
 * machine does, which may be a stranger's. */
static void grant_files(struct run *r)
{
	const struct vm_config *vm = &r->o.vm;

	if (r->o.saved)
		grant_file(r->o.saved);
	else if (vm->kernel)
		grant_file(vm->kernel);
	for (unsigned i = 0; !r->o.saved && i < vm->module_count; i++)
		grant_file(vm->modules[i]);
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

/* A bzImage has none; that is no error. */
static void add_kernel_symbols(struct run *r)
{
	struct err none;

	if (r->o.vm.kernel)
		symbols_add(debug_symbols(r->debug), r->o.vm.kernel, -1, &none);
}

static int make(struct run *r, struct err *e)
{
	if (r->o.sandbox != SANDBOX_OFF && sandbox_is_built() &&
	    confine_begin(r->o.batch, e))
		return -1;
	trace_start_up();
	if (connect_outside(r, e))
		return -1;
	r->o.vm.modules = r->o.modules;
	if (r->o.saved &&
	    vm_saved_config(r->o.saved, &r->o.vm, &r->strings, e))
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
	if (!r->o.saved)
		add_kernel_symbols(r);
	r->console = console_new(r->debug, r->host, r->guest, r->vmi);
	if (r->o.gdb && make_gdb(r, e))
		return -1;
	if (r->o.traces)
		console_trace(r->console, r->o.trace);
	if (lock(r, e))
		return -1;
	if (r->o.saved) /* its names are judged like any that a guest gives */
		add_kernel_symbols(r);
	if (r->o.saved && !r->o.batch)
		debug_know_guest(r->debug, NULL);
	return 0;
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
	struct run r = {0};
	struct err e = {""};
	int status = EXIT_USAGE;

	open_standard_files();
	trace_begin();
	signal(SIGXFSZ, SIG_IGN); /* a full disk is an error like others */
	signal(SIGPIPE, SIG_IGN);
	if (!options_parse(&r.o, argc, argv, &e)) {
		status = EXIT_OK;
		if (r.o.show_help)
			options_show();
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
	free(r.strings);
	sandbox_end();
	return status;
}
