/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of a process: fork, exit, wait, kill.
 *
 * Fork is the odd one: one goes in, two come out.  The child gets a copy of
 * the memory (space_copy), the same open files, and a kernel stack that is
 * prepared so that context_switch "returns" into fork_return in entry.S, which
 * pops the copied frame and lands in ring 3 at the same instruction as the
 * parent, with 0 in eax.
 *
 * A dead process stays in the table as a zombie, because its parent may ask
 * how it ended.  Children of the dead are adopted by the first process, init.
 */
#include "kernel.h"

struct process processes[PROCESSES];
struct process *current = &processes[0];
struct process *const init_process = &processes[FIRST_PROCESS];
static int last_pid;

/* What context_switch pops when it first comes to a new process. */
struct first_switch {
	u32 edi, esi, ebx, ebp, eip;
};

void processes_init(void)
{
	processes[0].state = RUNNING;
	processes[0].stack_top = (u32)boot_stack_top;
	copy_text(processes[0].name, "idle", NAME_LENGTH);
}

static struct process *find_unused(void)
{
	for (u32 i = FIRST_PROCESS; i < PROCESSES; i++)
		if (processes[i].state == UNUSED)
			return &processes[i];
	return NULL;
}

struct process *process_find(int pid)
{
	for (u32 i = FIRST_PROCESS; i < PROCESSES; i++)
		if (processes[i].state != UNUSED && processes[i].pid == pid)
			return &processes[i];
	return NULL;
}

/* A process with a stack and a number, but neither memory nor files. */
static struct process *create(void)
{
	struct process *process = find_unused();
	struct first_switch *start;
	u32 slot;

	if (!process)
		return NULL;
	slot = (u32)(process - processes);
	if (!kernel_stack_map(slot))
		return NULL;
	memset(process, 0, sizeof(*process));
	process->pid = ++last_pid;
	process->parent = current;
	process->stack_top = kernel_stack_top(slot);
	start = (struct first_switch *)user_frame(process) - 1;
	*start = (struct first_switch){ .eip = (u32)fork_return };
	process->kernel_esp = (u32)start;
	return process;
}

/* The first process has nobody to copy: it begins by loading a program. */
void start_init(void)
{
	struct process *init = create();
	struct process *idle_process = current;
	char arguments[sizeof("init") + sizeof(command_line)];
	u32 length = strlen(command_line);

	if (!init || !space_create(&init->space))
		panic("no memory for the first process");
	memcpy(arguments, "init", 5);
	memcpy(arguments + 5, command_line, length + 1);
	file_attach_console(init);
	*user_frame(init) = (struct trap_frame){
		.ds = USER_DS, .es = USER_DS, .cs = USER_CS, .ss = USER_DS,
		.eflags = FLAG_FIXED | FLAG_IF,
	};
	current = init;		/* exec_load works on the current process */
	if (exec_load("init", arguments, 5 + length + 1, 2))
		panic("the file system has no init");
	user_frame(init)->eax = cpu.sysenter;
	current = idle_process;
	space_load(&current->space);
	make_ready(init);
}

int sys_fork(void)
{
	struct process *child = create();

	if (!child)
		return -E_AGAIN;
	if (!space_copy(&child->space, &current->space))
		return -E_NOMEM;
	memcpy(child->name, current->name, NAME_LENGTH);
	child->group = current->group;
	*user_frame(child) = *user_frame(current);
	user_frame(child)->eax = 0;
	for (u32 i = 0; i < PROCESS_FILES; i++) {
		child->files[i] = current->files[i];
		if (child->files[i])
			file_share(child->files[i]);
	}
	fpu_fork(child);
	counters.forks++;
	make_ready(child);
	return child->pid;
}

static void give_children_to_init(void)
{
	for (u32 i = FIRST_PROCESS; i < PROCESSES; i++)
		if (processes[i].parent == current)
			processes[i].parent = init_process;
	wake(init_process);
}

void process_exit(int status)
{
	struct space space = current->space;

	if (current == init_process)
		panic("the first process ended with status %d", status);
	pv.sti();
	for (u32 i = 0; i < PROCESS_FILES; i++)
		if (current->files[i])
			file_close(current->files[i]);
	fpu_forget(current);
	/* Nobody may stand on a directory that is being taken apart. */
	current->space.directory = kernel_directory;
	space_load(&current->space);
	space_destroy(&space);
	give_children_to_init();

	pv.cli();
	current->exit_status = status;
	current->state = ZOMBIE;
	wake(current->parent);
	schedule();
	panic("a dead process runs");
}

int sys_exit(int status)
{
	process_exit(status & 255);
}

static bool is_wanted_child(const struct process *child, int pid)
{
	return child->state != UNUSED && child->parent == current &&
	       (pid < 0 || child->pid == pid);
}

/* A child that ended, or NULL; `any` tells whether waiting makes sense. */
static struct process *find_zombie(int pid, bool *any)
{
	*any = false;
	for (u32 i = FIRST_PROCESS; i < PROCESSES; i++) {
		if (!is_wanted_child(&processes[i], pid))
			continue;
		*any = true;
		if (processes[i].state == ZOMBIE)
			return &processes[i];
	}
	return NULL;
}

/* Waits for child `pid`, or any if negative.  Returns its number; with
 * WAIT_POLL, 0 if none has ended. */
int sys_wait(int pid, int *status, u32 flags)
{
	struct process *child;
	bool any;
	int found;

	/* Only processes change these states, and we are not preempted. */
	while (!(child = find_zombie(pid, &any))) {
		if (!any)
			return -E_CHILD;
		if (current->killed)
			return -E_INTR;
		if (flags & WAIT_POLL)
			return 0;
		pv.cli();
		sleep_on(current);	/* an exiting child wakes its parent */
		pv.sti();
	}
	if (status && copy_to_user(status, &child->exit_status, sizeof(int)))
		return -E_FAULT;
	found = child->pid;
	child->state = UNUSED;
	return found;
}

/* It dies when it next leaves the kernel; see to it that it does. */
void process_kill(struct process *process)
{
	u32 flags = interrupts_off();

	process->killed = true;
	if (process->state == SLEEPING)
		make_ready(process);
	need_switch = true;
	interrupts_restore(flags);
}

void kill_group(int group)
{
	for (u32 i = FIRST_PROCESS + 1; group && i < PROCESSES; i++)
		if (processes[i].state != UNUSED && processes[i].group == group)
			process_kill(&processes[i]);
}

int sys_kill(int pid)
{
	struct process *process = process_find(pid);

	if (pid < 0) {
		kill_group(-pid);
		return 0;
	}
	if (!process || process == init_process)
		return -E_SRCH;
	process_kill(process);
	return 0;
}

int sys_getpid(void)
{
	return current->pid;
}

int sys_getppid(void)
{
	return current->parent->pid;
}

int sys_set_group(int pid, int group)
{
	struct process *process = pid ? process_find(pid) : current;

	if (!process)
		return -E_SRCH;
	process->group = group;
	return 0;
}

int sys_process_info(u32 index, struct lantern_process *to)
{
	const struct process *process = &processes[index];
	struct lantern_process info = { 0 };

	if (index >= PROCESSES)
		return -E_INVAL;
	info.pid = process->pid;
	info.parent = process->parent ? process->parent->pid : 0;
	info.group = process->group;
	info.state = process->state;
	info.ticks = process->ticks;
	info.faults = process->faults;
	if (index && process->state != UNUSED && process->state != ZOMBIE)
		info.resident_kib = space_resident_kib(&process->space);
	copy_text(info.name, process->name, NAME_LENGTH);
	return copy_to_user(to, &info, sizeof(info));
}

/* Debuggers know where these are (core/debug/tasks.def). */
_Static_assert(offsetof(struct process, state) == 0 &&
	       offsetof(struct process, pid) == 4 &&
	       offsetof(struct process, name) == 16 && NAME_LENGTH == 24 &&
	       offsetof(struct process, kernel_esp) == 40 &&
	       offsetof(struct process, stack_top) == 44 &&
	       offsetof(struct process, space.directory) == 48 &&
	       sizeof(struct process) == 752, "tasks.def says so");
