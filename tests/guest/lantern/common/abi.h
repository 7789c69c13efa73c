/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The treaty between kernel and programs: numbers, errors, and the
 * structures that cross the border.
 */
#ifndef LANTERN_COMMON_ABI_H
#define LANTERN_COMMON_ABI_H

#include "types.h"

enum {
#define SYSTEM_CALL(number, name, help) SYS_##name = number,
#include "syscalls.def"
	SYS_COUNT
};

enum error {
	E_NOENT = 2,		/* no such file */
	E_SRCH = 3,		/* no such process */
	E_INTR = 4,		/* the process was killed while it waited */
	E_2BIG = 7,		/* arguments too long */
	E_NOEXEC = 8,		/* not a program */
	E_BADF = 9,		/* no such descriptor, or of the wrong kind */
	E_CHILD = 10,		/* no child to wait for */
	E_AGAIN = 11,		/* no process slot left */
	E_NOMEM = 12,
	E_FAULT = 14,		/* an address outside the process */
	E_INVAL = 22,
	E_MFILE = 24,		/* too many open files */
	E_NOSPC = 28,
	E_PIPE = 32,		/* nobody reads this pipe any more */
	E_NOSYS = 38,
};

enum { OPEN_READ = 0, OPEN_CREATE = 1 };	/* CREATE empties the file */
enum { WAIT_BLOCK = 0, WAIT_POLL = 1 };
enum power_how { POWER_OFF, POWER_REBOOT, POWER_DEBUG_EXIT };

/* Exit status of a process that the kernel ended, plus the vector. */
#define STATUS_EXCEPTION 128
#define STATUS_KILLED 255

enum { NAME_LENGTH = 24, PROCESS_FILES = 16 };

struct lantern_time {
	u64 cycles;		/* the time-stamp counter; 0 without one */
	u32 cycles_per_tick;
	u32 ticks;		/* since boot */
	u32 ticks_per_second;
	u32 boot_seconds;	/* seconds since midnight on the RTC at boot */
};

struct lantern_counters {
	u32 system_calls;
	u32 interrupts;
	u32 switches;		/* from one process to another */
	u32 preemptions;	/* ... because its time slice ran out */
	u32 faults_zero;	/* page made on first touch */
	u32 faults_image;	/* page filled from a program's file */
	u32 faults_copy;	/* copy-on-write: page copied */
	u32 faults_reuse;	/* copy-on-write: last owner kept the page */
	u32 fpu_loads;		/* device-not-available faults */
	u32 forks;
};

struct lantern_info {
	char engine[48];
	char processor[52];
	u32 memory_kib;
	u32 total_frames;
	u32 free_frames;
	u32 kernel_start;	/* physical, bytes */
	u32 kernel_end;
	u8 has_sysenter;
	u8 has_tsc;
	u8 has_large_pages;
	u8 reserved;
	struct lantern_counters counters;
};

struct lantern_process {
	int pid;
	int parent;
	int group;
	u32 state;		/* an index into "unused ready running ..." */
	u32 ticks;
	u32 faults;
	u32 resident_kib;
	char name[NAME_LENGTH];
};

struct lantern_file {
	char name[NAME_LENGTH];
	u32 size;
	u32 is_program;
};

/* How often each call of the hypervisor was made since counting began. */
enum { HYPERVISOR_CALLS = 80 };
struct lantern_calls {
	u32 count[HYPERVISOR_CALLS];
};

/* Count from now on, or not (1 or 0); tell the counts; tell the name of call
 * number `index`, "" for one that the kernel does not make. */
enum hypervisor_what { HYPERVISOR_COUNT, HYPERVISOR_COUNTS, HYPERVISOR_NAME };

/* Rows of the benchmark that run inside the kernel. */
enum kernel_bench { BENCH_PTE, BENCH_CR3, BENCH_PORT, BENCH_MASK,
		    BENCH_OVERFLOW };

#endif
