/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens the provider, and looks who records.
 *
 * The program is not linked with LTTng, which would cost every start some
 * milliseconds and two threads.  The provider is a shared object beside the
 * program, opened when a session daemon's socket is there: as the process
 * starts, so that a session under way has every event, or later, so that
 * `lttng list -u' shows a machine that runs already; and when the user asks for
 * a trace. */
#include "trace/emit.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POLLS_A_LOOK = 256 };

/* How long LTTng's library may keep the process waiting until a daemon has
 * told it what is recorded, in ms.  One that is well needs a few; for who asked
 * for a trace the guest must not begin before that. */
#define REGISTER_MS       "500"
#define REGISTER_ASKED_MS "10000"

static bool failed;
static u64 started_ns, started_ticks;

static const struct trace_row rows[TRACE_EVENTS] = {
#define EVENT(provider, name, group, fields, text) \
	[TRACE_##provider##_##name] = {#provider, #name, #group, (text)},
#include "trace/events.def"
#define CALL(number, name, answer, how, native, args, result, meaning) \
	[TRACE_CALL + (number)] = {"vmi", #name, "calls", (meaning)},
#include "vmi/calls.def"
};

const struct trace_row *trace_row(unsigned event)
{
	return &rows[event];
}

/* ---- is there a daemon? ---- */

static bool any_file(const char *pattern)
{
	glob_t found;
	bool any = !glob(pattern, GLOB_NOSORT, NULL, &found);

	globfree(&found);
	return any;
}

/* Applications register at this socket, one of the user and one of root. */
static bool daemon_there(void)
{
	const char *home = getenv("LTTNG_HOME");
	char pattern[4096];

	if (any_file("/var/run/lttng/lttng-ust-sock-*"))
		return true;
	if (!home)
		home = getenv("HOME");
	if (!home ||
	    snprintf(pattern, sizeof(pattern), "%s/.lttng/lttng-ust-sock-*",
		     home) >= (int)sizeof(pattern))
		return false;
	return any_file(pattern);
}

/* ---- opening ---- */

/* Beside the program, or where `make install' puts it. */
bool trace_provider_path(char *path, size_t size)
{
	static const char *const places[] = {"vitrine-trace.so",
					     "../lib/vitrine/vitrine-trace.so"};
	char own[4096];
	char *slash;
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[n < 0 ? 0 : n] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		slash[1] = '\0';
	for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(path, size, "%s%s", own, places[i]);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

static void *open_provider(struct err *e)
{
	char path[TRACE_PATH];
	void *handle;

	if (!trace_provider_path(path, sizeof(path))) {
		err_set(e, "no tracing: there is no vitrine-trace.so beside "
			   "the program");
		return NULL;
	}
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		err_set(e, "no tracing: %s", dlerror());
	return handle;
}

static u64 host_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* Since the process started, which is long enough, and opening the provider
 * alone takes milliseconds. */
static void measure_clock(void)
{
	u64 ticks = __builtin_ia32_rdtsc() - started_ticks;

	if (ticks)
		trace_ns_per_tick =
			(u64)(((unsigned __int128)(host_ns() - started_ns)
			       << 32) /
			      ticks);
}

static int load(const char *patience, struct err *e)
{
	const struct trace_provider *p;
	void *handle;

	if (trace_provider)
		return 0;
	setenv("LTTNG_UST_REGISTER_TIMEOUT", patience, 0);
	setenv("LTTNG_UST_ALLOW_BLOCKING", "1", 0);
	handle = open_provider(e);
	if (!handle)
		return -1;
	p = dlsym(handle, "vitrine_trace_provider");
	if (!p || p->version != TRACE_VERSION || p->events != TRACE_EVENTS ||
	    p->layout != TRACE_LAYOUT)
		return err_set(
			e, "no tracing: vitrine-trace.so is of another build");
	measure_clock();
	trace_provider = p;
	return 0;
}

int trace_load(struct err *e)
{
	return load(REGISTER_ASKED_MS, e);
}

void trace_poll(void)
{
	static unsigned polls;
	bool differs = false;

	if (!trace_provider) {
		if (failed || ++polls % POLLS_A_LOOK || !daemon_there())
			return;
		failed = load(REGISTER_MS, NULL) < 0;
	}
	for (unsigned i = 0; trace_provider && i < TRACE_EVENTS; i++) {
		const struct trace_tracepoint *t = &trace_provider->of[i];
		bool on = t->on && t->on();

		differs |= trace_on[i] != on;
		trace_on[i] = on;
	}
	if (differs)
		trace_changed();
}

bool trace_any(void)
{
	for (unsigned i = 0; i < TRACE_EVENTS; i++)
		if (trace_on[i])
			return true;
	return false;
}

void trace_begin(void)
{
	started_ns = host_ns();
	started_ticks = __builtin_ia32_rdtsc();
}

void trace_start_up(void)
{
	if (daemon_there())
		failed = load(REGISTER_MS, NULL) < 0;
}
