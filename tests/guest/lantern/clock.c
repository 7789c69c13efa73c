/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The date, from the battery-backed clock that shares a chip with the CMOS
 * memory.
 *
 * Registers are chosen by port 70h and read at 71h; the numbers are binary
 * coded decimal, 59h meaning fifty-nine.  Once a second the chip is busy
 * updating and tells nonsense, so we wait for a moment when it is not.
 *
 * A hypervisor would rather be asked for the nanoseconds since 1970.
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

static void say(u32 year, u32 month, u32 day)
{
	printk("lantern: the clock says %u-%02u-%02u %02u:%02u:%02u\n", year,
	       month, day, boot_seconds / 3600, boot_seconds / 60 % 60,
	       boot_seconds % 60);
}

static bool is_leap_year(u32 year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static void say_days(u32 days)
{
	static const u8 lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
				      30, 31 };
	u32 year = 1970, month = 0, length;

	for (; days >= (length = 365 + is_leap_year(year)); year++)
		days -= length;
	for (; days >= (length = lengths[month] +
			(month == 1 && is_leap_year(year))); month++)
		days -= length;
	say(year, month + 1, days + 1);
}

static void ask_hypervisor(u64 nanoseconds)
{
	u64 seconds = divide_u64(nanoseconds, 1000000000, NULL);
	u64 days = divide_u64(seconds, 24 * 60 * 60, &boot_seconds);

	say_days((u32)days);
}

static void ask_chip(void)
{
	u32 second, minute, hour;

	for (u32 tries = 0; tries < 100000; tries++)
		if (!(read(STATUS_A) & UPDATING))
			break;
	second = read_decimal(SECONDS);
	minute = read_decimal(MINUTES);
	hour = read_decimal(HOURS);
	boot_seconds = hour * 3600 + minute * 60 + second;
	say(2000 + read_decimal(YEAR), read_decimal(MONTH), read_decimal(DAY));
}

void clock_read(void)
{
	u64 nanoseconds = pv.wall_clock();

	if (nanoseconds)
		ask_hypervisor(nanoseconds);
	else
		ask_chip();
}
