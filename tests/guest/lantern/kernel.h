/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole kernel on one page: what each file offers to the others, in the
 * order in which README.md suggests to read them.
 *
 * Three rules hold everywhere:
 *  - The kernel is not preempted: a process that runs kernel code keeps the
 *    processor until it sleeps or goes back to ring 3.  So data that only
 *    processes touch needs no lock.
 *  - Data that an interrupt handler touches too is used with interrupts off.
 *  - A physical address is a u32 and never dereferenced; phys_to_virt makes a
 *    pointer of it.
 */
#ifndef LANTERN_KERNEL_H
#define LANTERN_KERNEL_H

#include "common/abi.h"
#include "common/string.h"
#include "common/types.h"
#include "process.h"
#include "pv.h"
#include "x86.h"

static inline void *phys_to_virt(u32 physical)
{
	return (void *)(physical + PAGE_OFFSET);
}

static inline u32 virt_to_phys(const void *pointer)
{
	return (u32)pointer - PAGE_OFFSET;
}

static inline u32 round_up(u32 value, u32 unit)
{
	return (value + unit - 1) & ~(unit - 1);
}

/* link.ld and boot.S; the boot stack becomes that of the idle process */
extern u8 kernel_start[], kernel_end[];
extern u8 boot_stack[], boot_stack_top[];
extern u32 kernel_directory[1024];

/* multiboot.c: what the loader told us */
struct memory_range {
	u32 start, end;
};
extern struct memory_range memory_ranges[16];
extern u32 memory_range_count;
extern char command_line[256];
void multiboot_read(u32 magic, u32 info);

/* cpu.c: what the processor can do */
struct cpu_features {
	char name[52];
	bool tsc, large_pages, sysenter, fpu;
};
extern struct cpu_features cpu;
void cpu_identify(void);

/* console.c, serial.c: text out */
void console_init(void);
void console_write(const char *text, u32 length);
void printk(const char *how, ...) __attribute__((format(printf, 1, 2)));
void serial_init(void);
void serial_put(char c);
void serial_interrupt(void);

/* panic.c, power.c: the ends of the story */
void panic(const char *how, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void print_backtrace(u32 frame_pointer);
void print_registers(const struct trap_frame *frame);
int sys_power(u32 how, u32 value);
void power_off(void) __attribute__((noreturn));
void debug_exit(u8 value) __attribute__((noreturn));

/* frames.c: physical memory, page by page.  Frames come back 0 when memory is
 * exhausted; a frame is freed when its last owner releases it. */
void frames_init(void);
u32 frame_alloc(void);
u32 frame_alloc_zeroed(void);
void frame_share(u32 frame);
void frame_release(u32 frame);
u32 frame_owners(u32 frame);
extern u32 frames_total, frames_free, memory_top;

/* paging.c: page tables */
void paging_init(void);
u32 *page_entry(u32 *directory, u32 address);
u32 *page_entry_make(u32 *directory, u32 address);
void page_set(u32 *directory, u32 address, u32 *where, u32 entry);
void page_flip_bits(u32 *directory, u32 address, u32 *where, u32 bits);
bool kernel_stack_map(u32 slot);
u32 kernel_stack_top(u32 slot);

/* space.c, fault.c: the memory of a process */
bool space_create(struct space *space);
bool space_copy(struct space *to, struct space *from);
void space_destroy(struct space *space);
void space_load(const struct space *space);
void space_switch(const struct space *space);
struct region *region_find(struct space *space, u32 address);
struct region *region_add(struct space *space, u32 start, u32 end,
			  bool writable);
u32 space_resident_kib(const struct space *space);
void page_fault(struct trap_frame *frame);
int sys_sbrk(u32 delta);
int sys_mmap(u32 hint, u32 length);
int sys_munmap(u32 start, u32 length);

/* user.c, copy_user.S: memory that a system call's arguments point to */
int copy_from_user(void *to, const void *from, u32 count);
int copy_to_user(void *to, const void *from, u32 count);
int copy_text_from_user(char *to, const char *from, u32 size);
u32 copy_bytes(void *to, const void *from, u32 count);

/* segments.c, traps.c, entry.S: the ways into the kernel */
void segments_init(void);
void segments_set_stack(u32 top);
u32 sysenter_stack(void);
bool on_sysenter_stack(u32 address);
void traps_init(void);
void trap_dispatch(struct trap_frame *frame);
void fork_return(void);
void sysenter_entry(void);
extern const u32 trap_stubs[49];

/* vmi.c: also starts it, see pv.h */
int sys_hypervisor(u32 what, u32 index, void *to);

/* pic.c, timer.c, clock.c: interrupts and time */
void pic_init(void);
void pic_unmask(u32 line);
bool pic_begin(u32 line);
void pit_start(u32 ticks_per_second);
void timer_init(void);
void timer_interrupt(void);
void clock_read(void);
extern u32 boot_seconds;
int sys_time(struct lantern_time *to);
int sys_nanosleep(u32 seconds, u32 nanoseconds);
extern volatile u32 ticks;
enum { TICKS_PER_SECOND = 100, SLICE_TICKS = 2 };

/* sched.c, switch.S: who runs */
void schedule(void);
void make_ready(struct process *process);
void sleep_on(const void *channel);
void wake(const void *channel);
void leave_kernel(void);
void idle(void) __attribute__((noreturn));
int sys_yield(void);
void context_switch(u32 *save_esp, u32 load_esp);
extern bool need_switch;

/* process.c, exec.c: being born, changing, dying */
void processes_init(void);
void start_init(void);
struct process *process_find(int pid);
void process_exit(int status) __attribute__((noreturn));
void process_kill(struct process *process);
void kill_group(int group);
int sys_exit(int status);
int sys_fork(void);
int sys_wait(int pid, int *status, u32 flags);
int sys_kill(int pid);
int sys_getpid(void);
int sys_getppid(void);
int sys_set_group(int pid, int group);
int sys_process_info(u32 index, struct lantern_process *to);
int exec_load(const char *path, char *arguments, u32 length, u32 count);
int sys_exec(const char *path, char **arguments);

/* fpu.c: the coprocessor's registers, moved only when somebody wants them */
void fpu_init(void);
void fpu_switch(const struct process *next);
void fpu_load(void);
void fpu_fork(struct process *child);
void fpu_forget(const struct process *process);

/* file.c, ramfs.c, pipe.c, tty.c: what descriptors stand for */
void files_init(void);
void file_attach_console(struct process *process);
void file_share(struct file *file);
void file_close(struct file *file);
int sys_read(int fd, char *to, u32 count);
int sys_write(int fd, const char *from, u32 count);
int sys_open(const char *path, u32 flags);
int sys_close(int fd);
int sys_dup2(int from, int to);
int sys_pipe(int *fds);
int sys_unlink(const char *path);
int sys_directory(u32 index, struct lantern_file *to);

struct inode;
void ramfs_init(void);
struct inode *inode_open(const char *name, bool create);
void inode_close(struct inode *inode);
int inode_read(struct inode *inode, u32 offset, char *to, u32 count);
int inode_write(struct inode *inode, u32 offset, const char *from, u32 count);
const u8 *inode_image(const struct inode *inode, u32 *size);

struct pipe;
struct pipe *pipe_create(void);
void pipe_close(struct pipe *pipe, bool writer);
int pipe_read(struct pipe *pipe, char *to, u32 count);
int pipe_write(struct pipe *pipe, const char *from, u32 count);

void tty_input(char c);
int tty_read(char *to, u32 count);
int tty_write(const char *from, u32 count);
int sys_foreground(int group);
void keyboard_init(void);
void keyboard_interrupt(void);

/* syscall.c */
void system_call(struct trap_frame *frame);
void sysenter_init(void);
int sys_info(struct lantern_info *to);
extern struct lantern_counters counters;

/* kbench.c, selftest.c: looking at ourselves */
int sys_kernel_bench(u32 which, u32 iterations, u64 *cycles);
int sys_self_test(void);

#endif
