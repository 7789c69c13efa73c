/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cowtest: parent and child write the same pages; neither may see the other. */
#include "lantern.h"

enum { PAGES = 64, PAGE = 4096 };

static bool all_are(const u8 *memory, u8 wanted)
{
	for (u32 i = 0; i < PAGES; i++)
		if (memory[i * PAGE] != wanted)
			return false;
	return true;
}

static void fill(u8 *memory, u8 value)
{
	for (u32 i = 0; i < PAGES; i++)
		memory[i * PAGE] = value;
}

int main(void)
{
	struct lantern_info before, after;
	u8 *memory = mmap(NULL, PAGES * PAGE);
	int status = 1;

	fill(memory, 1);
	get_info(&before);
	if (fork() == 0) {
		bool shared = all_are(memory, 1);

		fill(memory, 2);
		exit(shared && all_are(memory, 2) ? 0 : 1);
	}
	wait(-1, &status, WAIT_BLOCK);
	get_info(&after);
	status |= !all_are(memory, 1);
	print("cowtest: %u pages copied for the %u that the child wrote: %s\n",
	      after.counters.faults_copy - before.counters.faults_copy, PAGES,
	      status ? "WRONG" : "good");
	return status;
}
