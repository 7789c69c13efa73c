/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sandbox's errands, and what is granted beforehand.
 *
 * A command of `shell' is run only if the user gave it with the program (-e,
 * -x) or says so when asked: a client of gdb's stub, or a guest that has got
 * hold of the machine, could ask for any. */
#include "repl/confine.h"
#include "core/base/check.h"
#include "core/sandbox/sandbox.h"
#include "repl/repl_priv.h"
#include "trace/lttng.h"
#include "trace/trace.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUESTION_MAX = 400 };

/* ---- shell ---- */

/* A child of the machine's, which waits for it: $PPID is as ever. */
static pid_t start_shell(const char *command)
{
	pid_t child =
		(pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

	if (child)
		return child;
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int shell_errand(unsigned argc, char **argv, struct buf *out,
			struct err *e)
{
	char question[QUESTION_MAX + 8];
	pid_t child;

	(void)out;
	if (argc != 1)
		return err_set(e, "the sandbox does not run that");
	snprintf(question, sizeof(question), "run %.*s", QUESTION_MAX, argv[0]);
	if (!sandbox_was_said("shell", argv[0]) &&
	    (strlen(argv[0]) > QUESTION_MAX || !sandbox_ask(question)))
		return err_set(e, "the sandbox runs no command that was not "
				  "given with -e or -x; -sandbox off does");
	child = start_shell(argv[0]);
	return child < 0 ? err_set(e, "the command could not be started: %s",
				   strerror(errno))
			 : (int)child;
}

int confine_shell(const char *command, struct err *e)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, was[2];
	int child, status = -1;

	if (!sandbox_is_on()) {
		status = system(command);
		return status == -1 ? err_set(e, "the command could not be "
						 "started")
				    : status;
	}
	sigaction(SIGINT, &ignore, &was[0]);
	sigaction(SIGQUIT, &ignore, &was[1]);
	child = sandbox_errand("shell", 1, &command, NULL, e);
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR) {
			err_set(e, "the command's end was missed");
			status = -1;
			break;
		}
	sigaction(SIGINT, &was[0], NULL);
	sigaction(SIGQUIT, &was[1], NULL);
	return status;
}

/* ---- the whole ---- */

static const struct sandbox_errand errands[] = {
	{"shell", shell_errand},
	{"lttng", lttng_errand},
	{"view", lttng_view_errand},
	{"daemon-need", lttng_daemon_errand},
	{"daemon-needed", lttng_daemon_needed_errand},
	{"daemon-done", lttng_daemon_done_errand},
	{NULL, NULL},
};

int confine_begin(bool batch, struct err *e)
{
	return sandbox_begin(errands,
			     batch                  ? SANDBOX_NOBODY
			     : isatty(STDIN_FILENO) ? SANDBOX_PERSON
						    : SANDBOX_SCRIPT,
			     e);
}

static void grant_home(enum sandbox_right right, const char *name)
{
	const char *home = getenv("HOME");
	char path[4096];

	if (!home)
		return;
	snprintf(path, sizeof(path), "%s/%s", home, name);
	sandbox_grant(right, path);
}

void confine_grant_console(void)
{
	const char *inputrc = getenv("INPUTRC");
	char path[4096];

	grant_home(SANDBOX_FILE, ".inputrc");
	grant_home(SANDBOX_READ, ".terminfo/x");
	if (inputrc)
		sandbox_grant(SANDBOX_FILE, inputrc);
	console_init_path(path, sizeof(path));
	sandbox_grant_commands(path);
	console_history_path(path, sizeof(path));
	*strrchr(path, '/') = '\0';
	sandbox_grant(SANDBOX_OWN_BELOW, path);
}

/* The terminal is left as it was. */
static void stopped(const char *text)
{
	if (check_hook)
		check_hook(text);
	check_clean_up();
}

int confine_lock(struct err *e)
{
	char path[TRACE_PATH];

	if (trace_provider_path(path, sizeof(path)))
		sandbox_grant(SANDBOX_CODE, path);
	return sandbox_lock(stopped, e);
}
