/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ps: the processes. */
#include "lantern.h"

int main(void)
{
	static const char *const states[] = { "unused", "ready", "running",
					      "sleeping", "zombie" };
	struct lantern_process process;

	print("  PID PARENT GROUP STATE     TICKS FAULTS    KIB NAME\n");
	for (u32 i = 0; get_process(i, &process) >= 0; i++)
		if (process.state)
			print("%5d %6d %5d %-8s %6u %6u %6u %s\n", process.pid,
			      process.parent, process.group,
			      states[process.state], process.ticks,
			      process.faults, process.resident_kib,
			      process.name);
	return 0;
}
