/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What LTTng itself takes for an event: records one of ours in a loop, as often
 * as asked, in a session of our own.
 *
 *   trace_loop EVENT TIMES DIRECTORY
 *
 * Prints the thread's processor time for each, in ns. */
#include "trace/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static u64 thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

int main(int argc, char **argv)
{
	struct trace_extras none = {0};
	union {
		struct trace_vmi_call_entry entry;
		u8 bytes[4096];
	} record = {.entry = {.head = {1, 0xc0100000, 0x1000, 0}, .call = 38}};
	struct buf said = {0};
	struct err e;
	unsigned event = 0;
	u64 times, from, took;

	if (argc != 4)
		return 2;
	times = strtoull(argv[2], NULL, 0);
	while (event < TRACE_EVENTS &&
	       (!trace_row(event)->name ||
		strcmp(trace_row(event)->name, argv[1])))
		event++;
	trace_start_up();
	if (event == TRACE_EVENTS ||
	    trace_session_start(argv[1], argv[3], &none, &e) < 0) {
		fprintf(stderr, "%s\n",
			event == TRACE_EVENTS ? "no such event" : e.text);
		return 1;
	}
	from = thread_ns();
	for (u64 i = 0; i < times; i++) {
		record.entry.head.icount = i;
		trace_provider->of[event].record(&record.entry.head);
	}
	took = thread_ns() - from;
	printf("%.1f\n", (double)took / (double)times);
	if (trace_session_stop(&said, &e) < 0)
		fprintf(stderr, "%s\n", e.text);
	if (said.data && strstr(said.data, "WARNING"))
		fputs(said.data, stderr);
	buf_free(&said);
	return 0;
}
