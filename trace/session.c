/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording session of our own: made, watched and ended with LTTng's
 * program, so that whatever else the user does with LTTng goes on beside it.
 *
 * Buffers are large enough for all that one thread can produce, and when the
 * consumer still falls behind the guest waits for it, a while at most: guest
 * time is not the host's, so nothing but the host's time is lost.  What was
 * discarded all the same is said when the session ends. */
#include "core/base/check.h"
#include "trace/emit.h"
#include "trace/lttng.h"
#include "core/sandbox/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUBBUF_SIZE  "--subbuf-size=4M"
#define SUBBUF_COUNT "--num-subbuf=8"

enum { WAIT_MS = 5000, NAME_MAX_LEN = 64, PATH_LEN = 3000 };

static struct {
	bool active;
	char name[NAME_MAX_LEN];
	char dir[PATH_LEN];
	struct buf chosen; /* as the user said it */
	bool want[TRACE_EVENTS];
	u64 before[TRACE_EVENTS]; /* trace_count() when it began */
	u64 left_out_before;      /* trace_left_out() then */
	struct trace_extras extras;
} session;

/* ---- which events ---- */

static bool choose(bool want[TRACE_EVENTS], const char *word)
{
	bool any = false;

	for (unsigned i = 0; i < TRACE_EVENTS; i++) {
		const struct trace_row *r = trace_row(i);
		char full[80];

		if (!r->name)
			continue;
		snprintf(full, sizeof(full), "vitrine_%s:%s", r->provider,
			 r->name);
		if ((strcasecmp(word, "all") || !strcmp(r->group, "stacks")) &&
		    strcasecmp(word, r->group) && strcasecmp(word, r->name) &&
		    strcasecmp(word, full) &&
		    strcasecmp(word, full + strlen("vitrine_")))
			continue;
		want[i] = any = true;
	}
	return any;
}

static int choose_all(bool want[TRACE_EVENTS], const char *list, struct err *e)
{
	char *copy = check_copy(list ? list : "all"), *rest = copy, *word;
	int result = 0;

	memset(want, 0, TRACE_EVENTS * sizeof(*want));
	while (!result && (word = strsep(&rest, ", \t")))
		if (*word && !choose(want, word))
			result = err_set(e,
					 "no event or group `%s': `trace "
					 "events' lists them",
					 word);
	free(copy);
	return result;
}

/* "vitrine_bt:link,vitrine_bt:unlink,...": what lttng takes. */
static void list_names(struct buf *out)
{
	for (unsigned i = 0; i < TRACE_EVENTS; i++)
		if (session.want[i])
			buf_printf(out, "%svitrine_%s:%s", out->len ? "," : "",
				   trace_row(i)->provider, trace_row(i)->name);
}

/* ---- its directory ---- */

static int make_directory(const char *dir, struct err *e)
{
	char made[80];
	time_t now = time(NULL);

	if (!dir) {
		strftime(made, sizeof(made), "vitrine-trace-%Y%m%d-%H%M%S",
			 localtime(&now));
		dir = made;
	}
	if (mkdir(dir, 0777) < 0 &&
	    (errno != EEXIST || rmdir(dir) < 0 || mkdir(dir, 0777) < 0))
		return err_set(e, "trace directory %s: %s", dir,
			       errno == ENOTEMPTY ? "there is something in it"
						  : strerror(errno));
	if (!realpath(dir, session.dir))
		return err_set(e, "trace directory %s: %s", dir,
			       strerror(errno));
	sandbox_grant(SANDBOX_OWN_BELOW, session.dir);
	return 0;
}

/* One of the files that are kept beside the trace. */
static int write_beside(const char *name,
			void (*fill)(void *arg, struct buf *b), struct err *e)
{
	char path[PATH_LEN + 64];
	struct buf b = {0};
	bool bad;
	FILE *f;

	if (!fill)
		return 0;
	snprintf(path, sizeof(path), "%s/vitrine", session.dir);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/vitrine/%s", session.dir, name);
	f = fopen(path, "we");
	if (!f)
		return err_set(e, "%s: %s", path, strerror(errno));
	fill(session.extras.arg, &b);
	bad = fwrite(buf_text(&b), 1, b.len, f) != b.len;
	bad |= fclose(f) != 0;
	buf_free(&b);
	return bad ? err_set(e, "%s: %s", path, strerror(errno)) : 0;
}

/* ---- beginning ---- */

static int command(struct buf *out, struct err *e, const char *verb,
		   const char *a, const char *b, const char *c, const char *d,
		   const char *f, const char *g)
{
	const char *const argv[] = {
		"lttng", "--no-sessiond", verb, a, b, c, d, f, g, NULL};

	return lttng_command(argv, out, e);
}

static int set_up(struct err *e)
{
	struct buf names = {0}, output = {0}, pid = {0};
	char of[NAME_MAX_LEN + 16], waits[48];
	int bad;

	snprintf(waits, sizeof(waits), "--blocking-timeout=%d", /* us */
		 TRACE_BLOCK_MS * 1000);
	snprintf(of, sizeof(of), "--session=%s", session.name);
	buf_printf(&output, "--output=%s", session.dir);
	/* A connection that the sandbox's broker made counts as its own. */
	buf_printf(&pid, "--vpid=%d", (int)getpid());
	if (sandbox_broker() > 0)
		buf_printf(&pid, ",%d", sandbox_broker());
	list_names(&names);
	bad = command(NULL, e, "create", session.name, buf_text(&output), NULL,
		      NULL, NULL, NULL) < 0;
	lttng_daemon_needed();
	if (!bad) {
		session.active = true;
		bad = command(NULL, e, "enable-channel", of, "--userspace",
			      SUBBUF_SIZE, SUBBUF_COUNT, waits,
			      "vitrine") < 0 ||
		      command(NULL, e, "track", of, "--userspace",
			      buf_text(&pid), NULL, NULL, NULL) < 0 ||
		      command(NULL, e, "enable-event", of, "--userspace",
			      "--channel=vitrine", buf_text(&names), NULL,
			      NULL) < 0 ||
		      command(NULL, e, "start", session.name, NULL, NULL, NULL,
			      NULL, NULL) < 0;
	}
	buf_free(&names);
	buf_free(&output);
	buf_free(&pid);
	return bad ? -1 : 0;
}

static bool all_on(void)
{
	trace_poll();
	for (unsigned i = 0; i < TRACE_EVENTS; i++)
		if (session.want[i] && !trace_on[i])
			return false;
	return true;
}

/* The daemon tells the library, which has threads of its own. */
static int wait_until_on(struct err *e)
{
	for (int ms = 0; ms < WAIT_MS; ms += 2) {
		if (all_on())
			return 0;
		usleep(2000);
	}
	return err_set(e, "the session daemon has not turned the events on");
}

static void drop(void)
{
	struct buf said = {0};

	if (session.active)
		command(&said, NULL, "destroy", "--no-wait", session.name, NULL,
			NULL, NULL, NULL);
	session.active = false;
	buf_free(&said);
	trace_poll();
	lttng_daemon_done();
}

int trace_session_start(const char *events, const char *dir,
			const struct trace_extras *extras, struct err *e)
{
	static unsigned number;

	if (session.active)
		return err_set(e, "a trace is being recorded already, into %s",
			       session.dir);
	if (choose_all(session.want, events, e) < 0 ||
	    make_directory(dir, e) < 0)
		return -1;
	session.extras = *extras;
	buf_clear(&session.chosen);
	buf_printf(&session.chosen, "%s", events ? events : "all");
	snprintf(session.name, sizeof(session.name), "vitrine-%d-%u",
		 (int)getpid(), ++number);
	if (lttng_daemon_need(e) < 0) {
		lttng_daemon_needed();
		return -1;
	}
	/* Turning events on may flush translations, which is one already. */
	if (set_up(e) < 0 || trace_load(e) < 0 ||
	    write_beside("counters-start.json", extras->counters, e) < 0 ||
	    wait_until_on(e) < 0 ||
	    write_beside("machine.json", extras->machine, e) < 0 ||
	    write_beside("symbols", extras->symbols, e) < 0) {
		drop();
		return -1;
	}
	for (unsigned i = 0; i < TRACE_EVENTS; i++)
		session.before[i] = trace_count(i);
	session.left_out_before = trace_left_out();
	return 0;
}

bool trace_session_active(void)
{
	return session.active;
}

const char *trace_session_directory(void)
{
	return session.dir;
}

/* ---- what it has ---- */

static u64 recorded(void)
{
	u64 sum = session.left_out_before - trace_left_out();

	for (unsigned i = 0; i < TRACE_EVENTS; i++)
		if (session.want[i])
			sum += trace_count(i) - session.before[i];
	return sum;
}

/* Events that found no room, as LTTng counts them; at times its sum has bit 63
 * set, and is right without.  -1: it does not say. */
static s64 discarded(struct err *e)
{
	struct buf said = {0};
	s64 sum = -1;
	const char *at;

	if (command(&said, e, "list", session.name, NULL, NULL, NULL, NULL,
		    NULL) == 0)
		for (at = buf_text(&said);
		     (at = strstr(at, "Discarded events:"));) {
			at += strlen("Discarded events:");
			sum = (sum < 0 ? 0 : sum) +
			      (s64)(strtoull(at, NULL, 10) & INT64_MAX);
		}
	buf_free(&said);
	return sum;
}

/* Those that LTTng counts, and those it was spared. */
static void say_discarded(s64 lost, struct buf *out)
{
	u64 left_out = trace_left_out() - session.left_out_before;

	if (left_out)
		buf_printf(out,
			   "WARNING: nobody took events any more (is the disk "
			   "full?): %llu were NOT RECORDED\n",
			   (unsigned long long)left_out);
	if (lost > 0)
		buf_printf(out,
			   "WARNING: %lld events were DISCARDED: the trace is "
			   "not complete\n",
			   (long long)lost);
}

void trace_session_status(struct buf *out)
{
	struct err e;
	s64 lost;

	trace_poll();
	if (!session.active) {
		buf_printf(out, "no trace is being recorded%s\n",
			   trace_any() ? ", but for others' sessions" : "");
		return;
	}
	lost = discarded(&e);
	buf_printf(out, "recording %s into %s: %llu events\n",
		   buf_text(&session.chosen), session.dir,
		   (unsigned long long)recorded());
	if (lost < 0)
		buf_printf(out, "WARNING: %s\n", e.text);
	say_discarded(lost, out);
}

/* ---- ending ---- */

int trace_session_stop(struct buf *out, struct err *e)
{
	struct err why = {""};
	u64 count = recorded();
	s64 lost = -1;
	bool still_on, whole;

	if (!session.active)
		return err_set(e, "no trace is being recorded");
	trace_poll();
	still_on = all_on();
	if (!command(NULL, &why, "stop", session.name, NULL, NULL, NULL, NULL,
		     NULL))
		lost = discarded(&why);
	whole = lost >= 0;
	if (write_beside("symbols", session.extras.symbols, &why) < 0 ||
	    write_beside("counters.json", session.extras.counters, &why) < 0)
		whole = false;
	drop();
	say_discarded(lost, out);
	if (!whole)
		return err_set(e, "the trace in %s is not whole: %s",
			       session.dir, why.text);
	if (!still_on)
		buf_printf(out, "WARNING: events were turned off by somebody "
				"else meanwhile\n");
	buf_printf(out, "%llu events in %s\n", (unsigned long long)count,
		   session.dir);
	return 0;
}

int trace_session_end(struct buf *out, struct err *e)
{
	return session.active ? trace_session_stop(out, e) : 0;
}

/* ---- looking ---- */

static void keep_last_lines(const struct buf *all, unsigned n, struct buf *out)
{
	const char *text = buf_text(all), *at = text + all->len;

	if (at > text && at[-1] == '\n')
		at--;
	for (; at > text; at--)
		if (at[-1] == '\n' && !--n)
			break;
	buf_printf(out, "%s", at);
}

/* The consumer writes whole sub-buffers, and what is in them when a session
 * is stopped; so it is stopped for the while. */
int trace_session_view(unsigned n, struct buf *out, struct err *e)
{
	char limit[32];
	struct buf said = {0};
	int status;

	if (!*session.dir)
		return err_set(e, "no trace was recorded yet");
	snprintf(limit, sizeof(limit), "%u", n);
	if (session.active && command(NULL, e, "stop", session.name, NULL, NULL,
				      NULL, NULL, NULL) < 0)
		return -1;
	status = lttng_view(session.dir, limit, &said, e);
	if (!status)
		keep_last_lines(&said, n, out);
	buf_free(&said);
	if (session.active && (command(NULL, e, "start", session.name, NULL,
				       NULL, NULL, NULL, NULL) < 0 ||
			       wait_until_on(e) < 0))
		return -1;
	return status < 0 ? -1 : 0;
}
