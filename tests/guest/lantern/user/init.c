/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first program.  Reads the kernel's command line, runs what it asks for,
 * adopts orphans meanwhile, and switches the machine off at the end.
 *
 *   tour         the guided tour
 *   bench        all measurements
 *   test         all tests; leaves with status 0 or 1 through port F4h
 *   run=PROGRAM ARGUMENTS...   to the end of the line
 *   nothing      a shell
 */
#include "lantern.h"

enum { WORDS = 32 };

static char *shell[] = { "sh", NULL };
static char *tour[] = { "tour", NULL };
static char *bench[] = { "bench", NULL };
static char *test[] = { "selftest", NULL };

static char **choose(char **words)
{
	for (; *words; words++) {
		if (!strcmp(*words, "tour"))
			return tour;
		if (!strcmp(*words, "bench"))
			return bench;
		if (!strcmp(*words, "test"))
			return test;
		if (!strncmp(*words, "run=", 4)) {
			*words += 4;
			return words;
		}
	}
	return shell;
}

static void start(char **program)
{
	int pid = getpid();

	set_group(0, pid);
	foreground(program == shell ? 0 : pid);
	exec(program[0], program);
	print("init: there is no program %s\n", program[0]);
	exit(127);
}

int main(int argc, char **argv)
{
	char *words[WORDS];
	char **program;
	int pid, ended, status = 0;

	split_words(argc > 1 ? argv[1] : "", words, WORDS);
	program = choose(words);
	pid = fork();
	if (pid == 0)
		start(program);
	do {
		ended = wait(-1, &status, WAIT_BLOCK);
	} while (ended != pid && ended >= 0);

	if (program == test)
		power(POWER_DEBUG_EXIT, status != 0);
	if (status)
		print("init: %s ended with status %d\n", program[0], status);
	power(POWER_OFF, 0);
	return 0;
}
