/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trace command: LTTng sessions of our own (trace/session.c), and what is
 * kept beside a trace for those who read it: docs/tracing.md says how these
 * files are made. */
#include "repl/repl_priv.h"

#include "core/base/version.h"
#include "core/bt/bt.h"
#include "core/mem/mem.h"
#include "core/vm/vm.h"
#include "trace/trace.h"
#include "vmi/vmi.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { VIEW_LINES = 20 };

/* ---- beside the trace ---- */

static void json_string(struct buf *b, const char *text)
{
	buf_byte(b, '"');
	for (; text && *text; text++) {
		unsigned char ch = (unsigned char)*text;

		if (ch < ' ' || ch == '"' || ch == '\\')
			buf_printf(b, "\\u%04x", ch);
		else
			buf_byte(b, *text);
	}
	buf_byte(b, '"');
}

static void json_calls(const struct console *c, struct buf *b)
{
	buf_printf(b, ",\n  \"calls\": [");
	for (unsigned i = 0; i < VMI_CALLS; i++) {
		const struct vmi_row *r = vmi_row(i);

		buf_printf(b,
			   "%s\n    {\"number\": %u, \"name\": \"%s\", "
			   "\"in_line\": %s, \"stub\": %u, \"arguments\": ",
			   i ? "," : "", i, r->name,
			   vmi_in_line(c->vmi, i) ? "true" : "false",
			   (u32)vmi_stub_linear(c->vmi, i));
		json_string(b, r->args);
		buf_printf(b, ", \"result\": ");
		json_string(b, r->result);
		buf_printf(b, ", \"native\": ");
		json_string(b, r->native);
		buf_printf(b, ", \"meaning\": ");
		json_string(b, r->meaning);
		buf_printf(b, "}");
	}
	buf_printf(b, "\n  ]");
}

static void machine_json(void *arg, struct buf *b)
{
	const struct console *c = arg;
	struct vm *vm = debug_vm(c->d);
	char line[4096] = "";
	FILE *f = fopen("/proc/self/cmdline", "re");
	size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;

	if (f)
		fclose(f);
	buf_printf(b, "{\n  \"version\": 1,\n  \"program\": \"vitrine " VERSION
		      "\",\n  \"guest\": ");
	json_string(b, c->guest);
	buf_printf(b, ",\n  \"command\": [");
	for (const char *word = line; word < line + n;
	     word += strlen(word) + 1) {
		if (word != line)
			buf_printf(b, ", ");
		json_string(b, word);
	}
	buf_printf(b,
		   "],\n  \"pid\": %d,\n  \"engine\": \"%s\",\n  \"ram\": "
		   "%llu,\n  \"icount\": %llu,\n  \"start_time\": %llu",
		   (int)getpid(), shows_vmi(c) ? "vmi" : "bt",
		   (unsigned long long)mem_ram_size(vm_mem(vm)),
		   (unsigned long long)vm_icount(vm),
		   (unsigned long long)vm_start_time(vm));
	if (shows_vmi(c))
		json_calls(c, b);
	buf_printf(b, "\n}\n");
}

/* Written anew when recording ends: by then a Linux has been found in memory,
 * and the ROM is where the guest wants it. */
static void symbols_text(void *arg, struct buf *b)
{
	const struct console *c = arg;
	struct buf found = {0};

	symbols_list(debug_symbols(c->d), &found);
	if (!found.len && debug_linux_symbols(c->d, NULL) >= 0)
		symbols_list(debug_symbols(c->d), &found);
	buf_append(b, buf_text(&found), found.len);
	buf_free(&found);
	for (unsigned i = 0; shows_vmi(c) && i < VMI_CALLS; i++)
		buf_printf(b, "%08x %x T VMI_%s\n",
			   (u32)vmi_stub_linear(c->vmi, i), VMI_STUB_LEN,
			   vmi_row(i)->name);
}

static void counters_json(void *arg, struct buf *b)
{
	const struct console *c = arg;

	vm_stats_json(debug_vm(c->d), buf_print, b);
}

static int start(struct console *c, const char *events, const char *dir,
		 struct err *e)
{
	struct trace_extras extras = {c, machine_json, symbols_text,
				      counters_json};

	return trace_session_start(events, dir, &extras, e);
}

/* Without it the guest runs as well, so it is no reason not to. */
void console_trace(struct console *c, const char *dir)
{
	struct err e;

	if (start(c, NULL, dir, &e) < 0)
		fprintf(stderr, "vitrine: %s; running without\n", e.text);
	else
		fprintf(stderr, "vitrine: recording events into %s\n",
			trace_session_directory());
}

/* ---- subcommands ---- */

static int trace_start(struct console *c, char *args, struct err *e)
{
	struct buf events = {0};
	char *word, *dir = NULL;
	int result = 0;

	while (!result && (word = words_next(&args))) {
		if (!strncmp(word, "--output=", 9)) {
			dir = word + 9;
		} else if (!strcmp(word, "--output") || !strcmp(word, "-o")) {
			dir = words_next(&args);
			if (!dir)
				result = err_set(e,
						 "--output needs a directory");
		} else if (*word == '-') {
			result = err_set(
				e,
				"trace start: no option `%.40s'; expected: "
				"trace start [EVENTS] [--output DIR]",
				word);
		} else {
			buf_printf(&events, "%s%s", events.len ? "," : "",
				   word);
		}
	}
	console_flush(c);
	if (!result)
		result =
			start(c, events.len ? buf_text(&events) : NULL, dir, e);
	if (!result)
		buf_printf(c->to, "recording %s into %s\n",
			   events.len ? buf_text(&events) : "all",
			   trace_session_directory());
	buf_free(&events);
	return result;
}

static int trace_stop(struct console *c, char *args, struct err *e)
{
	(void)args;
	return trace_session_stop(c->to, e);
}

static int trace_status(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	trace_session_status(c->to);
	return 0;
}

static int trace_view(struct console *c, char *args, struct err *e)
{
	u64 n = VIEW_LINES;

	if (*args && (!words_number(args, &n) || !n || n > 1000000))
		return err_set(
			e, "trace view: expected how many events, not `%.40s'",
			args);
	return trace_session_view((unsigned)n, c->to, e);
}

static int trace_events(struct console *c, char *args, struct err *e)
{
	bool any = false;

	trace_poll();
	for (unsigned i = 0; i < TRACE_EVENTS; i++) {
		const struct trace_row *r = trace_row(i);
		char full[80];

		if (!r->name || (*args && strcasecmp(args, r->group) &&
				 strcasecmp(args, r->provider) &&
				 strcasecmp(args, r->name)))
			continue;
		any = true;
		snprintf(full, sizeof(full), "vitrine_%s:%s", r->provider,
			 r->name);
		buf_printf(c->to, "%-7s %-34s%c %s\n", r->group, full,
			   trace_on[i] ? '*' : ' ', r->text);
	}
	if (!any)
		return err_set(
			e,
			"no event or group `%.40s': `trace events' lists them",
			args);
	buf_printf(c->to, "(* is recorded now; by name or by group: trace "
			  "start vmi,bt:translate,SetPxE)\n");
	return 0;
}

static const struct {
	const char *name;
	command_fn *run;
} subs[] = {
	{"start", trace_start},   {"stop", trace_stop},
	{"status", trace_status}, {"events", trace_events},
	{"view", trace_view},
};

int cmd_trace(struct console *c, char *args, struct err *e)
{
	char *word = words_next(&args);

	for (size_t i = 0; i < ARRAY_LEN(subs); i++)
		if (!word ? subs[i].run == trace_status
			  : !strncmp(subs[i].name, word, strlen(word)) &&
				    (strlen(word) > 2 || !strcmp(word, "v")))
			return subs[i].run(c, args ? words_trim(args) : args,
					   e);
	return err_set(
		e, "trace %.40s: expected start, stop, status, events or view",
		word);
}

/* Words that may follow `trace', and events and groups after `trace start'. */
const char *trace_word(const char *before, unsigned i)
{
	static const char *const groups[] = {"vmi", "bt",    "mmu",   "irq",
					     "io",  "all",   "calls", "cpu",
					     "dbg", "stacks"};
	const struct trace_row *r;

	if (!strstr(before, "start") && !strstr(before, "events"))
		return i < ARRAY_LEN(subs) ? subs[i].name : NULL;
	if (i < ARRAY_LEN(groups))
		return groups[i];
	i -= ARRAY_LEN(groups);
	if (i >= TRACE_EVENTS)
		return NULL;
	r = trace_row(i);
	return r->name ? r->name : "";
}
