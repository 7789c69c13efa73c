/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The date, from the battery-backed clock that shares a chip with the CMOS
 * memory.
 *
 * Registers are chosen by port 70h and read at 71h; the numbers are binary
 * coded decimal, 59h meaning fifty-nine.  Once a second the chip is busy
 * updating and tells nonsense, so we wait for a moment when it is not.
 */
#include "kernel.h"

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, DAY = 7, MONTH = 8, YEAR = 9,
       STATUS_A = 10, UPDATING = 0x80 };

u32 boot_seconds;

static u8 read(u8 which)
{
	out8(0x70, which);
	return in8(0x71);
}

static u32 read_decimal(u8 which)
{
	u8 value = read(which);

	return (value >> 4) * 10u + (value & 15u);
}

void clock_read(void)
{
	u32 second, minute, hour;

	for (u32 tries = 0; tries < 100000; tries++)
		if (!(read(STATUS_A) & UPDATING))
			break;
	second = read_decimal(SECONDS);
	minute = read_decimal(MINUTES);
	hour = read_decimal(HOURS);
	boot_seconds = hour * 3600 + minute * 60 + second;
	printk("lantern: the clock says 20%02u-%02u-%02u %02u:%02u:%02u\n",
	       read_decimal(YEAR), read_decimal(MONTH), read_decimal(DAY),
	       hour, minute, second);
}
