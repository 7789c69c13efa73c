/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uptime: how long, how late, and how busy. */
#include "lantern.h"

int main(void)
{
	struct lantern_time time;
	struct lantern_info info;
	u32 seconds, clock;

	get_time(&time);
	get_info(&info);
	seconds = time.ticks / time.ticks_per_second;
	clock = time.boot_seconds + seconds;
	print("%02u:%02u:%02u, up %u.%02u s, %u switches, %u system calls, "
	      "%u interrupts\n", clock / 3600 % 24, clock / 60 % 60, clock % 60,
	      seconds, time.ticks % time.ticks_per_second,
	      info.counters.switches, info.counters.system_calls,
	      info.counters.interrupts);
	return 0;
}
