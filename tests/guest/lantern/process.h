/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel knows of a process.
 *
 *              fork              schedule
 *   UNUSED ----------> READY <------------> RUNNING
 *     ^                  ^                   |   |
 *     | wait             | wake     sleep_on |   | exit
 *     |                  +--- SLEEPING <-----+   |
 *     +----------------------------- ZOMBIE <----+
 *
 * Each arrow is one function: sys_fork, schedule, sleep_on, wake (or
 * process_kill), process_exit, sys_wait.
 */
#ifndef LANTERN_PROCESS_H
#define LANTERN_PROCESS_H

#include "common/abi.h"
#include "x86.h"

enum { PROCESSES = 64, REGIONS = 24, FIRST_PROCESS = 1 };

#define USER_STACK_TOP 0xBFFFF000
#define USER_STACK_SIZE 0x40000
#define USER_MAP_START 0x40000000
#define USER_MAP_END (USER_STACK_TOP - USER_STACK_SIZE - PAGE_SIZE)

enum process_state { UNUSED, READY, RUNNING, SLEEPING, ZOMBIE };

/* A range of addresses that a process may use.  Pages appear in it on first
 * touch: from `image` as far as that reaches, zeroed beyond. */
struct region {
	u32 start, end;		/* page aligned; unused when end is 0 */
	const u8 *image;
	u32 image_bytes;
	bool writable;
};

struct space {
	u32 *directory;
	struct region regions[REGIONS];
	u32 heap;		/* index of the region that sbrk grows */
	u32 heap_end;		/* in bytes, inside or at the end of heap */
};

struct __attribute__((aligned(16))) fpu_state {
	u8 saved[108];		/* as fnsave writes it */
};

struct file;

struct process {
	enum process_state state;
	int pid;
	struct process *parent;
	int group;
	char name[NAME_LENGTH];

	u32 kernel_esp;		/* where context_switch left off */
	u32 stack_top;		/* of the kernel stack */
	struct space space;
	struct file *files[PROCESS_FILES];

	const void *channel;	/* what a sleeper waits for */
	struct process *next_ready;
	bool killed;
	int exit_status;

	bool fpu_used;
	struct fpu_state fpu;

	u32 ticks, faults;
};

extern struct process processes[PROCESSES];
extern struct process *current;
extern struct process *const init_process;

/* The frame of the last entry from ring 3: always at the top of the stack. */
static inline struct trap_frame *user_frame(const struct process *process)
{
	return (struct trap_frame *)process->stack_top - 1;
}

#endif
