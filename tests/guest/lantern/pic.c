/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two 8259 interrupt controllers of the PC.
 *
 * Each takes eight lines; the second one's output is the first one's line 2.
 * They wake up using vectors 8-15, which the processor wants for exceptions,
 * so the first thing is to move them to 32-47 with four commands in a row.
 */
#include "kernel.h"

enum { FIRST = 0x20, SECOND = 0xA0, DATA = 1 };
enum { INIT = 0x11, MODE_8086 = 0x01, END_OF_INTERRUPT = 0x20,
       READ_IN_SERVICE = 0x0B };
enum { CASCADE = 2, SPURIOUS = 7 };

static u16 masked = 0xFFFF & ~(1 << CASCADE);

static void write(u16 port, u8 value)
{
	out8(port, value);
	pv.io_delay();
}

static void write_mask(void)
{
	out8(FIRST + DATA, (u8)masked);
	out8(SECOND + DATA, (u8)(masked >> 8));
}

void pic_init(void)
{
	write(FIRST, INIT);
	write(SECOND, INIT);
	write(FIRST + DATA, VECTOR_IRQ);
	write(SECOND + DATA, VECTOR_IRQ + 8);
	write(FIRST + DATA, 1 << CASCADE);
	write(SECOND + DATA, CASCADE);
	write(FIRST + DATA, MODE_8086);
	write(SECOND + DATA, MODE_8086);
	write_mask();
}

void pic_unmask(u32 line)
{
	masked &= (u16)~(1 << line);
	write_mask();
}

/*
 * Accepts an interrupt, so that the next may come.  False if there was none: a
 * line that goes quiet too early is reported as the lowest one, 7 or 15, and
 * only the in-service register knows the difference.
 */
bool pic_begin(u32 line)
{
	u16 chip = line < 8 ? FIRST : SECOND;

	if (line % 8 == SPURIOUS) {
		out8(chip, READ_IN_SERVICE);
		if (!(in8(chip) & 1 << SPURIOUS)) {
			if (chip == SECOND)
				out8(FIRST, END_OF_INTERRUPT);
			return false;
		}
	}
	if (chip == SECOND)
		out8(SECOND, END_OF_INTERRUPT);
	out8(FIRST, END_OF_INTERRUPT);
	return true;
}
