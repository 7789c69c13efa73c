/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where text goes: to the serial port, and to the screen as a mirror of it.
 *
 * The VGA text screen is 80 by 25 cells of two bytes, character and colour, at
 * physical B8000h.  There is no command to print: one stores a word and it is
 * seen.  Scrolling is a copy.
 */
#include "kernel.h"

enum { COLUMNS = 80, ROWS = 25, GREY_ON_BLACK = 0x0700 };

static u16 *const screen = (u16 *)(PAGE_OFFSET + 0xB8000);
static u32 row, column;

static void clear_row(u32 which)
{
	for (u32 i = 0; i < COLUMNS; i++)
		screen[which * COLUMNS + i] = GREY_ON_BLACK | ' ';
}

static void new_line(void)
{
	column = 0;
	if (row < ROWS - 1) {
		row++;
		return;
	}
	memmove(screen, screen + COLUMNS, (ROWS - 1) * COLUMNS * 2);
	clear_row(ROWS - 1);
}

/* The cursor is the controller's: registers 14 and 15 hold its cell. */
static void show_cursor(void)
{
	u32 cell = row * COLUMNS + column;

	out8(0x3D4, 14);
	out8(0x3D5, (u8)(cell >> 8));
	out8(0x3D4, 15);
	out8(0x3D5, (u8)cell);
}

static void screen_put(char c)
{
	if (c == '\n') {
		new_line();
	} else if (c == '\r') {
		column = 0;
	} else if (c == '\b') {
		if (column)
			column--;
	} else {
		if (column == COLUMNS)
			new_line();
		screen[row * COLUMNS + column++] = GREY_ON_BLACK | (u8)c;
	}
}

void console_init(void)
{
	serial_init();
	for (u32 i = 0; i < ROWS; i++)
		clear_row(i);
}

void console_write(const char *text, u32 length)
{
	u32 flags = interrupts_off();

	for (u32 i = 0; i < length; i++) {
		serial_put(text[i]);
		screen_put(text[i]);
	}
	show_cursor();
	interrupts_restore(flags);
}

static void put_on_console(void *context, char c)
{
	(void)context;
	serial_put(c);
	screen_put(c);
}

void printk(const char *how, ...)
{
	u32 flags = interrupts_off();
	va_list args;

	va_start(args, how);
	format(put_on_console, NULL, how, args);
	va_end(args);
	show_cursor();
	interrupts_restore(flags);
}
