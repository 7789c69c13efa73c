/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The library: printing, reading lines, running programs.
 *
 * Printing gathers characters and writes them at the end of the call, because
 * a system call for every character would be a hundred times slower.
 */
#include "lantern.h"

struct output {
	int fd;
	u32 length;
	char text[256];
};

bool write_all(int fd, const char *from, u32 count)
{
	while (count) {
		int done = write(fd, from, count);

		if (done <= 0)
			return false;
		from += done;
		count -= (u32)done;
	}
	return true;
}

static void flush(struct output *output)
{
	/* A reader that left (yes | head) ends us, as it should. */
	if (!write_all(output->fd, output->text, output->length))
		exit(1);
	output->length = 0;
}

static void put(void *context, char c)
{
	struct output *output = context;

	output->text[output->length++] = c;
	if (output->length == sizeof(output->text))
		flush(output);
}

void print(const char *how, ...)
{
	struct output output = { .fd = STDOUT };
	va_list args;

	va_start(args, how);
	format(put, &output, how, args);
	va_end(args);
	flush(&output);
}

void print_to(int fd, const char *how, ...)
{
	struct output output = { .fd = fd };
	va_list args;

	va_start(args, how);
	format(put, &output, how, args);
	va_end(args);
	flush(&output);
}

u32 split_words(char *line, char **words, u32 most)
{
	u32 count = 0;

	for (;;) {
		while (*line == ' ' || *line == '\t')
			*line++ = 0;
		if (!*line || count == most - 1)
			break;
		words[count++] = line;
		while (*line && *line != ' ' && *line != '\t')
			line++;
	}
	words[count] = NULL;
	return count;
}

int run(char **arguments)
{
	int status, pid = fork();

	if (pid < 0)
		return pid;
	if (pid == 0) {
		exec(arguments[0], arguments);
		print_to(STDERR, "%s: no such program\n", arguments[0]);
		exit(127);
	}
	wait(pid, &status, WAIT_BLOCK);
	return status;
}

int open_input(const char *program, const char *path)
{
	int fd = path ? open(path, OPEN_READ) : STDIN;

	if (fd < 0) {
		print_to(STDERR, "%s: no file %s\n", program, path);
		exit(1);
	}
	return fd;
}

static bool next_char(struct lines *lines, char *c)
{
	if (lines->next == lines->end) {
		int got = read(lines->fd, lines->buffer, sizeof(lines->buffer));

		if (got <= 0)
			return false;
		lines->next = 0;
		lines->end = (u32)got;
	}
	*c = lines->buffer[lines->next++];
	return true;
}

bool next_line(struct lines *lines, char *to, u32 size)
{
	u32 length = 0;
	bool any = false;
	char c;

	while (next_char(lines, &c)) {
		any = true;
		if (c == '\n')
			break;
		if (length < size - 1)
			to[length++] = c;
	}
	to[length] = 0;
	return any;
}
