/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs LTTng's programs and, where there is none, its session daemon.
 *
 * A daemon serves a user (root: everybody).  One that answers is used.  Else
 * one is started without the kernel's part, and its number is left in a file
 * beside its sockets: whoever of us finds at its end that no session is left
 * ends the daemon that this file names.  When the user's home cannot be
 * written, LTTNG_HOME becomes a directory of our own. */
#include "trace/lttng.h"
#include "core/sandbox/sandbox.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 20000,
	READ_MS = 120000,
	FILES_MAX = 16384,
	END_MS = 10000
};

static int locked = -1;
static char own_home[64]; /* a directory that we made, "" if we did not */

/* ---- programs ---- */

/* A daemon closes every file that there could be, one by one. */
static void limit_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur <= FILES_MAX)
		return;
	files.rlim_cur = FILES_MAX;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void become(const char *const argv[], int out)
{
	int nothing = open("/dev/null", O_RDWR);
	sigset_t none;

	limit_files();

	dup2(nothing, STDIN_FILENO);
	dup2(out >= 0 ? out : nothing, STDOUT_FILENO);
	dup2(out >= 0 ? out : nothing, STDERR_FILENO);
	close_range(3, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	setsid(); /* Ctrl-C at the terminal is for the guest */
	setenv("LC_ALL", "C", 1);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static s64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until it closes its output; false: it took too long. */
static bool gather(int fd, int patience_ms, struct buf *out)
{
	s64 end = now_ms() + patience_ms;

	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		s64 left = end - now_ms();
		ssize_t n;

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) < 0 && errno == EINTR)
			continue;
		if (!p.revents)
			return false;
		buf_reserve(out, 4096);
		n = read(fd, out->data + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

/* Starts it; -1: cannot. */
static pid_t start(const char *const argv[], int out)
{
	pid_t child = fork();

	if (!child)
		become(argv, out);
	return child;
}

/* False: it has not ended in time, and was made to. */
static bool ends(pid_t child, int *status)
{
	s64 end = now_ms() + PATIENCE_MS;

	while (waitpid(child, status, WNOHANG) == 0) {
		if (now_ms() > end) {
			kill(child, SIGKILL);
			while (waitpid(child, status, 0) < 0 && errno == EINTR)
				;
			return false;
		}
		usleep(1000);
	}
	return true;
}

static int run(const char *const argv[], int patience_ms, struct buf *out,
	       struct err *e)
{
	int pipes[2] = {-1, -1}, status = 0;
	bool answered = true;
	pid_t child = -1;

	if (!out || !pipe2(pipes, O_CLOEXEC))
		child = start(argv, pipes[1]);
	if (child < 0)
		err_set(e, "%s: %s", argv[0], strerror(errno));
	if (pipes[1] >= 0)
		close(pipes[1]);
	if (child > 0) {
		if (out && !gather(pipes[0], patience_ms, out)) {
			answered = false;
			kill(child, SIGKILL);
		}
		answered = ends(child, &status) && answered;
	}
	if (pipes[0] >= 0)
		close(pipes[0]);
	if (child < 0)
		return -1;
	if (!answered)
		return err_set(e, "%s", "no answer from the session daemon");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(e,
			       "no tracing: there is no program `%s' (Debian: "
			       "lttng-tools)",
			       argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int lttng_run(const char *const argv[], struct buf *out, struct err *e)
{
	return run(argv, PATIENCE_MS, out, e);
}

static int view(const char *dir, const char *n, struct buf *out,
		struct err *e)
{
	char tail[] = "/tmp/vitrine-view-XXXXXX";
	bool made = mkdtemp(tail);
	const char *from =
		made && !lttng_tail(dir, strtoull(n, NULL, 10), tail) ? tail
								      : dir;
	static const char script[] = "babeltrace2 --no-delta --clock-seconds "
				     "\"$1\" 2>&1 | tail -n \"$2\"";
	const char *const show[] = {"sh", "-c", script, "sh", from, n, NULL};
	const char *const remove[] = {"rm", "-rf", tail, NULL};
	int status = run(show, READ_MS, out, NULL);

	if (made)
		run(remove, PATIENCE_MS, NULL, NULL);
	return status < 0
		       ? err_set(e, "it takes too long to read the trace here")
		       : status;
}

/* The line of `text` that tells most: the first that begins with Error. */
static const char *trouble(char *text)
{
	char *at = strstr(text, "Error: ");

	if (!at)
		at = text;
	else
		at += strlen("Error: ");
	at[strcspn(at, "\n")] = '\0';
	return *at ? at : "it failed";
}

/* ---- the session that `lttng' means when none is named: `create' makes ours
 * that one, which it must not stay ---- */

static bool current_file(char *path, size_t size)
{
	const char *home = getenv("LTTNG_HOME");

	if (!home)
		home = getenv("HOME");
	return home && snprintf(path, size, "%s/.lttngrc", home) < (int)size;
}

static void current(struct buf *text)
{
	char path[4096], some[512];
	size_t n;
	FILE *f;

	if (!current_file(path, sizeof(path)) || !(f = fopen(path, "re")))
		return;
	while ((n = fread(some, 1, sizeof(some), f)) > 0)
		buf_append(text, some, n);
	fclose(f);
}

static void make_current(const struct buf *text)
{
	char path[4096];
	FILE *f;

	if (!current_file(path, sizeof(path)))
		return;
	if (!text->len) {
		unlink(path);
		return;
	}
	f = fopen(path, "we");
	if (!f)
		return;
	fwrite(text->data, 1, text->len, f);
	fclose(f);
}

static int command(const char *const argv[], struct buf *out, struct err *e)
{
	struct buf said = {0}, users = {0};
	bool creates = !strcmp(argv[2], "create");
	int status;

	if (creates)
		current(&users);
	status = lttng_run(argv, &said, e);
	if (creates)
		make_current(&users);
	buf_free(&users);
	if (out && status >= 0)
		buf_append(out, buf_text(&said), said.len);
	if (status > 0) {
		buf_byte(&said, '\0');
		err_set(e, "lttng %s: %s", argv[2], trouble(said.data));
	}
	buf_free(&said);
	return status ? -1 : 0;
}

/* ---- the daemon ---- */

/* Where a daemon of this user has its sockets. */
static bool run_directory(char *path, size_t size)
{
	const char *home = getenv("LTTNG_HOME");

	if (!geteuid())
		return snprintf(path, size, "/var/run/lttng") > 0;
	if (!home)
		home = getenv("HOME");
	return home && snprintf(path, size, "%s/.lttng", home) < (int)size;
}

static bool file_in_run_directory(const char *name, char *path, size_t size)
{
	size_t n;

	if (!run_directory(path, size))
		return false;
	n = strlen(path);
	return snprintf(path + n, size - n, "/%s", name) < (int)(size - n);
}

static int read_number(const char *name)
{
	char path[4096];
	FILE *f;
	int n = 0;

	if (!file_in_run_directory(name, path, sizeof(path)))
		return 0;
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

static void leave_mark(void)
{
	char path[4096];
	FILE *f;

	if (!file_in_run_directory("vitrine-daemon", path, sizeof(path)))
		return;
	f = fopen(path, "we");
	if (!f)
		return;
	fprintf(f, "%d\n", read_number("lttng-sessiond.pid"));
	fclose(f);
}

static int answers(struct err *e)
{
	static const char *const list[] = {"lttng", "--no-sessiond", "list",
					   NULL};
	struct buf said = {0};
	int status = lttng_run(list, &said, e);

	buf_free(&said);
	return status;
}

/* A daemon puts its files into LTTNG_HOME, or the home directory. */
static int need_home(struct err *e)
{
	const char *home = getenv("LTTNG_HOME");

	if (!home)
		home = getenv("HOME");
	if (!geteuid() || (home && !access(home, W_OK | X_OK)))
		return 0;
	snprintf(own_home, sizeof(own_home), "/tmp/vitrine-lttng-XXXXXX");
	if (!mkdtemp(own_home)) {
		*own_home = '\0';
		return err_set(e,
			       "no tracing: no place for a session daemon: %s",
			       strerror(errno));
	}
	setenv("LTTNG_HOME", own_home, 1);
	return 0;
}

/* A daemon that ends takes away the sockets of one that has just begun; so
 * those of us that begin and end one do it one after another. */
static int lock(void)
{
	char path[64];
	struct stat s;
	int fd;

	snprintf(path, sizeof(path), "/tmp/vitrine-lttng-%d.lock",
		 (int)geteuid());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && (fstat(fd, &s) || s.st_uid != geteuid() ||
			!S_ISREG(s.st_mode) || flock(fd, LOCK_EX))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void daemon_needed(void)
{
	if (locked >= 0)
		close(locked);
	locked = -1;
}

static bool any_file(const char *pattern)
{
	glob_t found;
	bool any = !glob(pattern, GLOB_NOSORT, NULL, &found);

	globfree(&found);
	return any;
}

/* Does the one that answers still listen to programs? */
static int listens(struct err *e)
{
	char path[4096];

	if (any_file("/var/run/lttng/lttng-ust-sock-*") ||
	    (file_in_run_directory("lttng-ust-sock-*", path, sizeof(path)) &&
	     any_file(path)))
		return 0;
	return err_set(e,
		       "no tracing: the session daemon has lost its sockets: "
		       "end lttng-sessiond, then try again");
}

static int daemon_need(struct err *e)
{
	static const char *const start[] = {"lttng-sessiond", "--no-kernel",
					    "--background", "--quiet", NULL};
	int status;

	locked = lock();
	status = answers(e);
	if (status <= 0)
		return status ? -1 : listens(e);
	if (need_home(e) < 0)
		return -1;
	status = lttng_run(start, NULL, e); /* it would keep our pipe */
	if (!status) {
		leave_mark();
	} else if (status > 0) { /* somebody else may be starting one */
		for (int i = 0; status > 0 && i < 100; i++) {
			usleep(50000);
			status = answers(e);
		}
		if (status > 0)
			err_set(e, "no tracing: the session daemon does not "
				   "start");
	}
	return status ? -1 : 0;
}

/* Sessions of those of us that were killed: "  1) vitrine-123-1 [active]". */
static void end_orphans(const char *listed)
{
	const char *at = listed;
	char name[64];
	int pid, n;

	for (; (at = strstr(at, ") vitrine-")); at++) {
		const char *const destroy[] = {"lttng",   "--no-sessiond",
					       "destroy", "--no-wait",
					       name,      NULL};
		struct buf said = {0};

		if (sscanf(at, ") vitrine-%d-%d ", &pid, &n) != 2 ||
		    !kill(pid, 0) || errno != ESRCH)
			continue;
		snprintf(name, sizeof(name), "vitrine-%d-%d", pid, n);
		lttng_run(destroy, &said, NULL);
		buf_free(&said);
	}
}

static bool sessions_left(void)
{
	static const char *const list[] = {"lttng", "--no-sessiond", "list",
					   NULL};
	struct buf said = {0};
	int status = lttng_run(list, &said, NULL);
	bool left;

	if (!status) {
		end_orphans(buf_text(&said));
		buf_clear(&said);
		status = lttng_run(list, &said, NULL);
	}
	left = status || !strstr(buf_text(&said), "no available");

	buf_free(&said);
	return left;
}

static void remove_own_home(void)
{
	static const char *const remove[] = {"rm", "-rf", own_home, NULL};
	struct buf said = {0};

	if (*own_home)
		lttng_run(remove, &said, NULL);
	buf_free(&said);
	*own_home = '\0';
}

/* A process that nobody waits for, with nothing open but the lock. */
enum where { HERE, THERE, ELSEWHERE };

static enum where detach(void)
{
	pid_t child = fork();
	int nothing;

	if (child < 0)
		return HERE;
	if (child > 0) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		return ELSEWHERE;
	}
	if (fork() > 0)
		_exit(0);
	setsid();
	nothing = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	if (locked >= 0)
		locked = dup2(locked, 3);
	close_range(locked < 0 ? 3 : 4, ~0u, 0);
	return THERE;
}

static void see_the_end(int pid)
{
	char path[4096];

	for (int i = 0; i < END_MS / 20 && !kill(pid, 0); i++)
		usleep(20000);
	if (file_in_run_directory("vitrine-daemon", path, sizeof(path)))
		unlink(path);
	remove_own_home();
}

/* A daemon that knew programs takes a second or two to end.  The lock is held
 * until then, by a process of its own. */
static void daemon_done(void)
{
	enum where at;
	int pid;

	daemon_needed();
	locked = lock();
	pid = read_number("vitrine-daemon");
	if (pid > 1 && pid == read_number("lttng-sessiond.pid") &&
	    !sessions_left()) {
		kill(pid, SIGTERM);
		at = detach();
		if (at != ELSEWHERE)
			see_the_end(pid);
		if (at == THERE)
			_exit(0);
		*own_home = '\0';
	}
	daemon_needed();
}

/* ---- here, or as errands of the sandbox's broker ---- */

static unsigned count(const char *const argv[])
{
	unsigned n = 0;

	while (argv[n])
		n++;
	return n;
}

int lttng_command(const char *const argv[], struct buf *out, struct err *e)
{
	return sandbox_is_on()
		       ? sandbox_errand("lttng", count(argv), argv, out, e)
		       : command(argv, out, e);
}

int lttng_view(const char *dir, const char *n, struct buf *out, struct err *e)
{
	const char *const words[] = {dir, n};

	return sandbox_is_on() ? sandbox_errand("view", 2, words, out, e)
			       : view(dir, n, out, e);
}

/* Where the daemon is that the broker has begun, LTTng's library of ours has
 * to know. */
int lttng_daemon_need(struct err *e)
{
	struct buf home = {0};
	int result;

	if (!sandbox_is_on())
		return daemon_need(e);
	result = sandbox_errand("daemon-need", 0, NULL, &home, e);
	if (home.len)
		setenv("LTTNG_HOME", buf_text(&home), 1);
	buf_free(&home);
	return result;
}

void lttng_daemon_needed(void)
{
	if (sandbox_is_on())
		sandbox_errand("daemon-needed", 0, NULL, NULL, NULL);
	else
		daemon_needed();
}

void lttng_daemon_done(void)
{
	if (sandbox_is_on())
		sandbox_errand("daemon-done", 0, NULL, NULL, NULL);
	else
		daemon_done();
}

/* ---- the errands: words come from a process that may be the guest's ---- */

static bool is_list_of_numbers(const char *text)
{
	return *text && !text[strspn(text, "0123456789,")];
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* vitrine-PID-N of our machine. */
static bool is_own_session(const char *name)
{
	char head[48];

	snprintf(head, sizeof(head), "vitrine-%d-", sandbox_machine());
	return !strncmp(name, head, strlen(head)) &&
	       is_number(name + strlen(head));
}

static bool is_event_list(const char *names)
{
	return !strncmp(names, "vitrine_", 8) &&
	       !names[strspn(names, "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:,")];
}

/* A word of session.c's commands behind the verb. */
static bool is_usual(const char *word)
{
	static const char *const words[] = {"--userspace", "--no-wait",
					    "--channel=vitrine", "vitrine"};
	static const struct {
		const char *head;
		bool (*rest)(const char *text);
	} heads[] = {
		{"--session=", is_own_session}, {"--output=", sandbox_has_made},
		{"--num-subbuf=", is_number},   {"--blocking-timeout=", is_number},
		{"--vpid=", is_list_of_numbers},         {"", is_own_session},
		{"", is_event_list},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(word, words[i]))
			return true;
	if (!strncmp(word, "--subbuf-size=", 14))
		return isdigit((unsigned char)word[14]);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		size_t n = strlen(heads[i].head);

		if (!strncmp(word, heads[i].head, n) && heads[i].rest(word + n))
			return true;
	}
	return false;
}

static bool is_usual_command(unsigned argc, char **argv)
{
	static const char *const verbs[] = {
		"create", "enable-channel", "track", "enable-event",
		"start",  "stop",           "list",  "destroy"};
	bool known = false;

	if (argc < 3 || strcmp(argv[0], "lttng") ||
	    strcmp(argv[1], "--no-sessiond"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		known |= !strcmp(argv[2], verbs[i]);
	for (unsigned i = 3; known && i < argc; i++)
		known = is_usual(argv[i]);
	/* `destroy' and `stop' without a name are for whatever is current. */
	return known && argc > 3;
}

int lttng_errand(unsigned argc, char **argv, struct buf *out, struct err *e)
{
	if (!is_usual_command(argc, argv))
		return err_set(e, "the sandbox does not run that");
	return command((const char *const *)argv, out, e);
}

int lttng_view_errand(unsigned argc, char **argv, struct buf *out,
		      struct err *e)
{
	if (argc != 2 || !sandbox_has_made(argv[0]) || !is_number(argv[1]))
		return err_set(e, "the sandbox does not run that");
	return view(argv[0], argv[1], out, e);
}

int lttng_daemon_errand(unsigned argc, char **argv, struct buf *out,
			struct err *e)
{
	int result = daemon_need(e);

	(void)argc;
	(void)argv;
	buf_printf(out, "%s", own_home);
	return result;
}

int lttng_daemon_needed_errand(unsigned argc, char **argv, struct buf *out,
			       struct err *e)
{
	(void)argc;
	(void)argv;
	(void)out;
	(void)e;
	daemon_needed();
	return 0;
}

int lttng_daemon_done_errand(unsigned argc, char **argv, struct buf *out,
			     struct err *e)
{
	(void)argc;
	(void)argv;
	(void)out;
	(void)e;
	daemon_done();
	return 0;
}
