/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a program and tells which calls of the hypervisor the kernel made
 * meanwhile: vmi ls */
#include "lantern.h"

int main(int argc, char **argv)
{
	struct lantern_calls calls;
	char name[NAME_LENGTH];
	int status;

	if (argc < 2) {
		print_to(STDERR, "vmi: which program?\n");
		return 2;
	}
	if (count_calls(true) < 0) {
		print_to(STDERR, "vmi: there is no hypervisor to call\n");
		return 1;
	}
	status = run(argv + 1);
	get_calls(&calls);
	count_calls(false);
	for (u32 i = 0; i < HYPERVISOR_CALLS; i++)
		if (calls.count[i] && !get_call_name(i, name))
			print("%8u  %s\n", calls.count[i], name);
	return status;
}
