/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine for a fuzzer, whose guest may get nowhere: then its run ends. */
#ifndef TESTS_FUZZ_MACHINE_H
#define TESTS_FUZZ_MACHINE_H

#include "core/base/check.h"
#include "core/vm/vm.h"

static struct vm *vm;
static unsigned polls; /* in this run */

/* Called once as a run begins, then only when the guest gets nowhere. */
static void poll(void *arg, int timeout_ms)
{
	(void)arg;
	if (vm && (timeout_ms || polls++))
		vm_interrupt(vm);
}

static void make_machine(u64 ram, bool show_vmi, u64 code_size)
{
	struct vm_config config = {
		.ram = ram, .flat_load = -1, .no_reboot = true,
		.has_apic = true, .show_vmi = show_vmi, .poll = poll,
		.code_size = code_size,
	};
	struct err e;

	vm = vm_new(&config, &e);
	CHECK(vm, "%s", e.text);
}

#endif
