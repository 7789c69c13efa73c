/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keyboard, which does not send characters.
 *
 * It sends the number of the key that went down, and the same with bit 7 set
 * when it comes up again.  What the key means is the kernel's affair: a table
 * for plain keys, one for shifted ones, and the memory of which modifier is
 * held.
 */
#include "kernel.h"

enum { DATA = 0x60, STATUS = 0x64, STATUS_FULL = 1 };
enum { LEFT_SHIFT = 0x2A, RIGHT_SHIFT = 0x36, CTRL = 0x1D, RELEASED = 0x80,
       PREFIX = 0xE0 };

static const char plain[] =
	"\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`"
	"\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
	"\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~"
	"\0|ZXCVBNM<>?\0*\0 ";

static bool shift, ctrl;

void keyboard_init(void)
{
	/* Forget what the loader left; no controller reads as all ones. */
	for (u32 i = 0; i < 16 && in8(STATUS) & STATUS_FULL; i++)
		in8(DATA);
	pic_unmask(1);
}

static void key_down(u8 key)
{
	char c = 0;

	if (key < sizeof(plain) - 1)
		c = shift ? shifted[key] : plain[key];
	if (ctrl && c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 1);
	if (c)
		tty_input(c);
}

void keyboard_interrupt(void)
{
	u8 code = in8(DATA);
	u8 key = code & ~RELEASED;
	bool down = !(code & RELEASED);

	if (code == PREFIX)
		return;		/* arrows and the like look like plain keys */
	if (key == LEFT_SHIFT || key == RIGHT_SHIFT)
		shift = down;
	else if (key == CTRL)
		ctrl = down;
	else if (down)
		key_down(key);
}
