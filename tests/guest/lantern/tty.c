/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal: between a person's keys and a program's lines.
 *
 * Keys arrive by interrupt, from the serial port or the keyboard.  They are
 * shown at once, and kept in a ring until the line is finished, because until
 * then they may be taken back.  Three counters run around the ring:
 *
 *     taken  <=  finished  <=  typed
 *
 * A program may read what lies between taken and finished; the backspace key
 * may eat what lies between finished and typed.
 */
#include "kernel.h"

enum { RING = 1024, CTRL_C = 3, CTRL_D = 4, CTRL_U = 21, RUBOUT = 127 };

static char ring[RING];
static u32 taken, finished, typed;
static int foreground;		/* group that ctrl-C ends; 0: none */

static bool rub_out(void)
{
	if (typed == finished)
		return false;
	typed--;
	console_write("\b \b", 3);
	return true;
}

static void finish_line(void)
{
	finished = typed;
	wake(ring);
}

static void type(char c)
{
	if (typed - taken < RING)
		ring[typed++ % RING] = c;
}

static void interrupt_job(void)
{
	console_write("^C\n", 3);
	typed = finished;
	if (foreground) {
		kill_group(foreground);
		return;
	}
	/* Nobody to end: give the shell an empty line, for a fresh prompt. */
	type('\n');
	finish_line();
}

/* Called from interrupt handlers. */
void tty_input(char c)
{
	switch (c) {
	case CTRL_C:
		interrupt_job();
		break;
	case CTRL_D:
		type(c);
		finish_line();
		break;
	case CTRL_U:
		while (rub_out())
			;
		break;
	case '\b':
	case RUBOUT:
		rub_out();
		break;
	case '\r':
	case '\n':
		console_write("\n", 1);
		type('\n');
		finish_line();
		break;
	default:
		/* Keep a place for the end of the line. */
		if (((u8)c < ' ' && c != '\t') || typed - taken >= RING - 1)
			break;
		type(c);
		console_write(&c, 1);
	}
}

/* Takes a line, or what of it fits.  Ctrl-D ends it without a new line, and on
 * an empty line that means the end of the file. */
static u32 take_line(char *to, u32 count)
{
	u32 length = 0;

	while (length < count && taken != finished) {
		char c = ring[taken++ % RING];

		if (c == CTRL_D)
			break;
		to[length++] = c;
		if (c == '\n')
			break;
	}
	return length;
}

int tty_read(char *to, u32 count)
{
	char line[256];
	u32 length;

	if (count > sizeof(line))
		count = sizeof(line);
	pv.cli();
	while (taken == finished && !current->killed)
		sleep_on(ring);
	length = current->killed ? 0 : take_line(line, count);
	pv.sti();
	if (copy_to_user(to, line, length))
		return -E_FAULT;
	return (int)length;
}

int tty_write(const char *from, u32 count)
{
	char part[128];

	for (u32 done = 0; done < count;) {
		u32 length = count - done;

		if (length > sizeof(part))
			length = sizeof(part);
		if (copy_from_user(part, from + done, length))
			return -E_FAULT;
		console_write(part, length);
		done += length;
	}
	return (int)count;
}

int sys_foreground(int group)
{
	foreground = group;
	return 0;
}
