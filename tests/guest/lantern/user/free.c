/* SPDX-License-Identifier: GPL-3.0-or-later */
/* free: what machine this is, and how much memory is left. */
#include "lantern.h"

int main(void)
{
	struct lantern_info info;

	get_info(&info);
	print("engine     %s\n", info.engine);
	print("processor  %s\n", info.processor);
	print("memory     %u KiB, %u of %u frames free\n", info.memory_kib,
	      info.free_frames, info.total_frames);
	print("faults     %u zeroed, %u from files, %u copied, %u kept\n",
	      info.counters.faults_zero, info.counters.faults_image,
	      info.counters.faults_copy, info.counters.faults_reuse);
	return 0;
}
