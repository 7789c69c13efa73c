/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a guest kernel keeps its tasks, as `info tasks` needs it. */
#ifndef CORE_DEBUG_TASKS_H
#define CORE_DEBUG_TASKS_H

#include "core/debug/debug.h"

enum { TASK_NAME_MAX = 32, TASK_NONE = -1 };

struct task_layout {
	bool is_array;
	u32 first;         /* its address; of a list, one that is in it */
	u32 stride, count; /* of an array */
	s32 link;          /* offsets; TASK_NONE: not known */
	s32 pid, name, state, space, esp, top, stack;
	u32 length;      /* of a name */
	u32 stack_size;  /* bytes; of a stack whose lowest address is known */
	s32 leader;      /* the task whose thread it is; its own, if none */
	s32 threads;     /* links of a ring of these; NONE: not seen yet */
	s32 page_tables; /* offset in what `space` points to; NONE: itself */
	u32 base;        /* linear less physical address of page tables */
	u32 current;     /* address of the one that runs; 0: by its stack */
	bool is_linux;   /* states are Linux's bits */
	u32 sched_from, sched_to;    /* code of the scheduler, or 0 */
	char states[128], skip[128]; /* names with commas between; "": none */
};

/* Linux's, found by looking at the tasks themselves; -1 and what did not
 * fit. */
int tasks_find_linux(struct debug *d, struct task_layout *l, struct err *e);

#endif
