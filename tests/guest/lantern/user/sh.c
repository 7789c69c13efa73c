/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shell.
 *
 * A line is jobs separated by `;` or `&`, a job is commands joined by `|`, and
 * a command is words, with `< file` and `> file` among them.  Every command
 * becomes a process.  The shell's art is what happens between fork and exec:
 * the child rearranges its own descriptors, and the program that it then
 * becomes knows nothing of pipes and files.
 *
 *     sh             asks for lines
 *     sh -c WORDS    runs one line
 */
#include "lantern.h"

enum { LINE = 256, WORDS = 32, COMMANDS = 8 };

struct command {
	char *words[WORDS];
	char *input, *output;
};

static void syntax_error(const char *what)
{
	print_to(STDERR, "sh: %s\n", what);
}

/* Takes `< file` and `> file` out of the words. */
static bool parse_command(char *text, struct command *command)
{
	u32 count = split_words(text, command->words, WORDS), kept = 0;

	command->input = command->output = NULL;
	for (u32 i = 0; i < count; i++) {
		char *word = command->words[i], *path;

		if (*word != '<' && *word != '>') {
			command->words[kept++] = word;
			continue;
		}
		if (!word[1] && ++i == count) {
			syntax_error("a file name is missing");
			return false;
		}
		path = word[1] ? word + 1 : command->words[i];
		if (*word == '<')
			command->input = path;
		else
			command->output = path;
	}
	command->words[kept] = NULL;
	if (!kept)
		syntax_error("a command is missing");
	return kept;
}

/* Cuts the job at its bars; returns the number of commands, 0 on error. */
static u32 parse_job(char *text, struct command *commands)
{
	for (u32 count = 0; count < COMMANDS; count++) {
		char *bar = strchr(text, '|');

		if (bar)
			*bar = 0;
		if (!parse_command(text, &commands[count]))
			return 0;
		if (!bar)
			return count + 1;
		text = bar + 1;
	}
	syntax_error("too many pipes");
	return 0;
}

static void redirect(const char *path, u32 flags, int fd)
{
	int file = open(path, flags);

	if (file < 0) {
		print_to(STDERR, "sh: cannot open %s\n", path);
		exit(1);
	}
	dup2(file, fd);
	close(file);
}

/* In the child.  `in` and `out` are pipes to the neighbours, or negative. */
static void become(struct command *command, int in, int out)
{
	if (in >= 0) {
		dup2(in, STDIN);
		close(in);
	}
	if (out >= 0) {
		dup2(out, STDOUT);
		close(out);
	}
	if (command->input)
		redirect(command->input, OPEN_READ, STDIN);
	if (command->output)
		redirect(command->output, OPEN_CREATE, STDOUT);
	exec(command->words[0], command->words);
	print_to(STDERR, "sh: no program %s; try help\n", command->words[0]);
	exit(127);
}

/* Starts command `i`; *in is where it reads, and becomes where the next one
 * will.  The first child's number names the group of the whole job. */
static int start(struct command *commands, u32 i, u32 count, int *in,
		 int *group)
{
	int ends[2] = { -1, -1 };
	int pid;

	if (i + 1 < count && pipe(ends) < 0) {
		syntax_error("cannot make a pipe");
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		set_group(0, *group ? *group : getpid());
		if (ends[0] >= 0)
			close(ends[0]);
		become(&commands[i], *in, ends[1]);
	}
	if (pid > 0 && !*group)
		*group = pid;
	if (pid > 0)
		set_group(pid, *group);
	else
		syntax_error("cannot make a process");
	if (*in >= 0)
		close(*in);
	if (ends[1] >= 0)
		close(ends[1]);
	*in = ends[0];
	return pid;
}

static int run_job(char *text, bool background)
{
	static struct command commands[COMMANDS];
	int pids[COMMANDS], in = -1, group = 0, status = 0;
	u32 count = parse_job(text, commands), started = 0;

	for (; started < count; started++) {
		pids[started] = start(commands, started, count, &in, &group);
		if (pids[started] < 0)
			break;
	}
	if (in >= 0)
		close(in);
	if (background && group) {
		print("[%d]\n", group);
		return 0;
	}
	foreground(group);
	for (u32 i = 0; i < started; i++)
		wait(pids[i], &status, WAIT_BLOCK);
	foreground(0);
	return count ? status : 2;
}

static void help(void)
{
	struct lantern_file file;
	u32 shown = 0;

	print("A line is  program words | program words > file &\n"
	      "Also < file, and ; between jobs.  Ctrl-C ends a job, ctrl-D the "
	      "shell.\nThe shell itself knows help and exit.  Programs:");
	for (u32 i = 0; get_file(i, &file) >= 0; i++)
		if (file.is_program)
			print("%s%-11s", shown++ % 7 ? "" : "\n  ", file.name);
	print("\n");
}

/* True if the shell did it itself. */
static bool built_in(const char *job)
{
	while (*job == ' ')
		job++;
	if (!strcmp(job, "help"))
		help();
	else if (!strcmp(job, "exit"))
		exit(0);
	else
		return !*job;
	return true;
}

static int run_line(char *line)
{
	int status = 0;

	while (*line) {
		char *end = line, separator;

		while (*end && *end != ';' && *end != '&')
			end++;
		separator = *end;
		*end = 0;
		if (!built_in(line))
			status = run_job(line, separator == '&');
		line = separator ? end + 1 : end;
	}
	return status;
}

static void report_ended(void)
{
	int status, pid;

	while ((pid = wait(-1, &status, WAIT_POLL)) > 0)
		print("[%d] ended with status %d\n", pid, status);
}

static int run_words(char **words)
{
	char line[LINE];
	u32 length = 0;

	for (; *words; words++)
		length += format_text(line + length, sizeof(line) - length,
				      "%s ", *words);
	return run_line(line);
}

int main(int argc, char **argv)
{
	static struct lines input = { .fd = STDIN };
	char line[LINE];

	if (argc > 2 && !strcmp(argv[1], "-c"))
		return run_words(argv + 2);
	print("Welcome to lantern.  Type help for what there is.\n");
	for (;;) {
		report_ended();
		print("lantern$ ");
		if (!next_line(&input, line, sizeof(line)))
			break;
		run_line(line);
	}
	print("exit\n");
	return 0;
}
