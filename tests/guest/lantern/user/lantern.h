/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a program may use: the system calls as functions, and a small library.
 * Calls return a negative error of common/abi.h when they fail.
 */
#ifndef LANTERN_USER_LANTERN_H
#define LANTERN_USER_LANTERN_H

#include "../common/abi.h"
#include "../common/string.h"

/* start.S: the two doors, and the one that this processor should use. */
void gate_int80(void);
void gate_sysenter(void);
extern void (*system_gate)(void);

static inline int system_call(u32 number, u32 a, u32 b, u32 c)
{
	int result;

	__asm__ volatile("call *system_gate"
			 : "=a"(result)
			 : "0"(number), "b"(a), "S"(b), "D"(c)
			 : "ecx", "edx", "memory", "cc");
	return result;
}

static inline void __attribute__((noreturn)) exit(int status)
{
	for (;;)
		system_call(SYS_exit, (u32)status, 0, 0);
}

static inline int fork(void)
{
	return system_call(SYS_fork, 0, 0, 0);
}

static inline int read(int fd, void *to, u32 count)
{
	return system_call(SYS_read, (u32)fd, (u32)to, count);
}

static inline int write(int fd, const void *from, u32 count)
{
	return system_call(SYS_write, (u32)fd, (u32)from, count);
}

static inline int open(const char *path, u32 flags)
{
	return system_call(SYS_open, (u32)path, flags, 0);
}

static inline int close(int fd)
{
	return system_call(SYS_close, (u32)fd, 0, 0);
}

static inline int wait(int pid, int *status, u32 flags)
{
	return system_call(SYS_wait, (u32)pid, (u32)status, flags);
}

static inline int unlink(const char *path)
{
	return system_call(SYS_unlink, (u32)path, 0, 0);
}

static inline int exec(const char *path, char **arguments)
{
	return system_call(SYS_exec, (u32)path, (u32)arguments, 0);
}

static inline int pipe(int *fds)
{
	return system_call(SYS_pipe, (u32)fds, 0, 0);
}

static inline int dup2(int from, int to)
{
	return system_call(SYS_dup2, (u32)from, (u32)to, 0);
}

static inline int getpid(void)
{
	return system_call(SYS_getpid, 0, 0, 0);
}

static inline int getppid(void)
{
	return system_call(SYS_getppid, 0, 0, 0);
}

static inline int kill(int pid)
{
	return system_call(SYS_kill, (u32)pid, 0, 0);
}

/* Addresses may look negative; the last page of them is errors. */
static inline bool is_error(const void *pointer)
{
	return (u32)pointer > (u32)-4096;
}

static inline void *sbrk(int delta)
{
	return (void *)system_call(SYS_sbrk, (u32)delta, 0, 0);
}

static inline void *mmap(void *hint, u32 length)
{
	return (void *)system_call(SYS_mmap, (u32)hint, length, 0);
}

static inline int munmap(void *start, u32 length)
{
	return system_call(SYS_munmap, (u32)start, length, 0);
}

static inline int yield(void)
{
	return system_call(SYS_yield, 0, 0, 0);
}

static inline int nanosleep(u32 seconds, u32 nanoseconds)
{
	return system_call(SYS_nanosleep, seconds, nanoseconds, 0);
}

static inline int get_time(struct lantern_time *to)
{
	return system_call(SYS_time, (u32)to, 0, 0);
}

static inline int get_info(struct lantern_info *to)
{
	return system_call(SYS_info, (u32)to, 0, 0);
}

static inline int get_process(u32 index, struct lantern_process *to)
{
	return system_call(SYS_process_info, index, (u32)to, 0);
}

static inline int get_file(u32 index, struct lantern_file *to)
{
	return system_call(SYS_directory, index, (u32)to, 0);
}

static inline int set_group(int pid, int group)
{
	return system_call(SYS_set_group, (u32)pid, (u32)group, 0);
}

static inline int foreground(int group)
{
	return system_call(SYS_foreground, (u32)group, 0, 0);
}

static inline int power(enum power_how how, u32 value)
{
	return system_call(SYS_power, how, value, 0);
}

static inline int kernel_bench(enum kernel_bench which, u32 iterations)
{
	u64 cycles;

	return system_call(SYS_kernel_bench, which, iterations, (u32)&cycles);
}

static inline int self_test(void)
{
	return system_call(SYS_self_test, 0, 0, 0);
}

/* Negative where there is no hypervisor to call. */
static inline int count_calls(bool on)
{
	return system_call(SYS_hypervisor, HYPERVISOR_COUNT, on, 0);
}

static inline int get_calls(struct lantern_calls *to)
{
	return system_call(SYS_hypervisor, HYPERVISOR_COUNTS, 0, (u32)to);
}

static inline int get_call_name(u32 number, char name[NAME_LENGTH])
{
	return system_call(SYS_hypervisor, HYPERVISOR_NAME, number, (u32)name);
}

static inline u64 cycles_now(void)
{
	u64 value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

/* lib.c */
enum { STDIN, STDOUT, STDERR };
void print(const char *how, ...) __attribute__((format(printf, 1, 2)));
void print_to(int fd, const char *how, ...)
	__attribute__((format(printf, 2, 3)));
/* Writes all, however many calls that takes; false if it cannot. */
bool write_all(int fd, const char *from, u32 count);
/* Cuts a line at its blanks; returns the number of words. */
u32 split_words(char *line, char **words, u32 most);
/* Runs a program to its end and returns its status, or an error. */
int run(char **arguments);
/* Opens the file, or standard input without a name; ends the program with a
 * message if that fails. */
int open_input(const char *program, const char *path);

/* Lines from a descriptor, read by the bufferful. */
struct lines {
	int fd;
	u32 next, end;
	char buffer[1024];
};
/* One line without its end; false when there are no more. */
bool next_line(struct lines *lines, char *to, u32 size);

#endif
