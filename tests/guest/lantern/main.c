/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order in which a kernel comes to life.
 *
 * Each step needs the ones before it, and a kernel's boot is mostly the art of
 * finding that order.  First a voice, to be able to complain.  Then the ways in
 * from programs and devices, and a look at what is below us; then memory; then
 * time.  At last there is a process to run, and what began as boot code becomes
 * the idle process.
 */
#include "kernel.h"

void kernel_main(u32 magic, u32 info) __attribute__((noreturn));

/* boot.S leaves paging on, interrupts off, and a stack. */
void kernel_main(u32 magic, u32 info)
{
	processes_init();
	console_init();
	multiboot_read(magic, info);
	segments_init();
	traps_init();
	vmi_start();
	pv_patch();
	printk("\nlantern: a teaching kernel, on %s\n", hv_name());

	cpu_identify();
	frames_init();
	paging_init();
	printk("lantern: %s, %u KiB of memory, %u free frames, %s pages\n",
	       cpu.name, memory_top / 1024, frames_free,
	       cpu.large_pages ? "4 MiB" : "4 KiB");

	sysenter_init();
	fpu_init();
	pic_init();

	clock_read();
	timer_init();
	keyboard_init();
	pic_unmask(4);		/* the serial port may speak from now on */

	ramfs_init();
	start_init();
	idle();
}
