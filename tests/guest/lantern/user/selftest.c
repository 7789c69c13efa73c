/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tests: one line each, and the status 0 only if all passed.
 *
 * Whatever a test does to a process it does in a child, which reports by the
 * status it ends with.  At the end the number of free page frames must be what
 * it was, or something leaked.
 */
#include "lantern.h"

enum { PAGE = 4096, MANY_PAGES = 32, SLOTS = 64, CHUNK = 4096 };

static int failures;

static void report(bool passed, const char *what)
{
	print("%s: user: %s\n", passed ? "PASS" : "FAIL", what);
	failures += !passed;
}

static int status_of(int pid)
{
	int status = -1;

	return wait(pid, &status, WAIT_BLOCK) == pid ? status : -1;
}

/* Runs it in a child, which ends with what it returns. */
static int in_child(int (*function)(void))
{
	int pid = fork();

	if (pid == 0)
		exit(function());
	return status_of(pid);
}

static void test_system_calls(void)
{
	void (*usual)(void) = system_gate;
	struct lantern_info info;
	int first, second;

	get_info(&info);
	first = getpid();
	system_gate = gate_int80;
	second = getpid();
	report(first == second && first > 1, "int 0x80 answers");
	if (info.has_sysenter) {
		system_gate = gate_sysenter;
		report(getpid() == first, "sysenter answers the same");
	}
	system_gate = usual;
	report(system_call(999, 0, 0, 0) == -E_NOSYS &&
	       system_call(0xFFFFFFFF, 0, 0, 0) == -E_NOSYS,
	       "unknown calls are refused");
	report(write(STDOUT, (void *)0xC0100000, 4) == -E_FAULT &&
	       write(STDOUT, (void *)0x10, 4) == -E_FAULT &&
	       open((char *)0x10, OPEN_READ) == -E_FAULT,
	       "bad addresses are refused");
	report(read(15, &info, 1) == -E_BADF && close(-1) == -E_BADF &&
	       dup2(1, 99) == -E_BADF, "bad descriptors are refused");
}

static int return_7(void)
{
	return 7;
}

static int make_orphan(void)
{
	if (fork() == 0) {
		nanosleep(0, 30000000);
		exit(getppid() == 1 ? 0 : 1);
	}
	return 3;
}

static int fill_table(void)
{
	u32 made = 0;
	int pid;

	while ((pid = fork()) > 0)
		made++;
	if (pid == 0) {
		nanosleep(0, 50000000);
		exit(0);
	}
	for (u32 i = 0; i < made; i++)
		if (wait(-1, NULL, WAIT_BLOCK) < 0)
			return 1;
	return pid == -E_AGAIN && made > SLOTS / 2 ? 0 : 1;
}

static void test_processes(void)
{
	char *nothing[] = { "nothing", NULL }, *poem[] = { "poem", NULL };
	char *fails[] = { "grep", NULL };
	int pid;

	report(in_child(return_7) == 7, "a child's status reaches its parent");
	report(wait(-1, NULL, WAIT_BLOCK) == -E_CHILD,
	       "waiting without children fails");
	report(in_child(make_orphan) == 3, "a parent may end first");
	report(exec("nothing", nothing) == -E_NOENT &&
	       exec("poem", poem) == -E_NOEXEC,
	       "exec of what is no program fails and returns");
	report(run(fails) == 2, "exec runs another program");
	pid = fork();
	if (pid == 0)
		nanosleep(1000, 0);
	report(wait(pid, NULL, WAIT_POLL) == 0, "polling does not wait");
	kill(pid);
	report(status_of(pid) == STATUS_KILLED, "a sleeper can be killed");
	pid = fork();
	while (pid == 0)
		;
	nanosleep(0, 20000000);
	kill(pid);
	report(status_of(pid) == STATUS_KILLED, "so can a busy loop");
	report(in_child(fill_table) == 0, "a full process table recovers");
}

static int divide(void)
{
	__asm__ volatile("xorl %%edx, %%edx\n\tdivl %%edx" : : "a"(1) : "edx");
	return 0;
}

static int mask_interrupts(void)
{
	__asm__ volatile("cli");
	return 0;
}

static int write_null(void)
{
	*(volatile u32 *)0 = 1;
	return 0;
}

static int write_code(void)
{
	*(volatile u8 *)write_code = 0;
	return 0;
}

static int read_kernel(void)
{
	return *(volatile u8 *)0xC0100000 & 1;
}

static int undefined(void)
{
	__asm__ volatile("ud2");
	return 0;
}

static int load_bad_segment(void)
{
	__asm__ volatile("movl %0, %%es" : : "r"(0x10));
	return 0;
}

static int trace_sysenter(void)
{
	/* TF makes every instruction trap; the first one ends us. */
	__asm__ volatile("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tnop"
			 : : : "memory");
	return 0;
}

/* The trap comes after sysenter, when the kernel has no stack yet. */
static int step_into_sysenter(void)
{
	int pid = getpid(), answer;

	__asm__ volatile("pushfl\n\torl $0x100, (%%esp)\n\t"
			 "leal 4(%%esp), %%ecx\n\tmovl $1f, %%edx\n\t"
			 "popfl\n\tsysenter\n1:"
			 : "=a"(answer) : "0"(SYS_getpid)
			 : "ecx", "edx", "memory");
	return answer != pid;
}

static int null_segments(void)
{
	__asm__ volatile("pushl %%es\n\tmovl %0, %%es\n\t"
			 "movl $20, %%eax\n\tint $0x80\n\tpopl %%es"
			 : : "r"(0) : "eax", "memory");
	return 0;
}

static void test_exceptions(void)
{
	struct lantern_info info;

	report(in_child(divide) == STATUS_EXCEPTION + 0,
	       "dividing by zero ends a process");
	report(in_child(mask_interrupts) == STATUS_EXCEPTION + 13,
	       "cli ends a process");
	report(in_child(write_null) == STATUS_EXCEPTION + 14,
	       "writing to address 0 ends a process");
	report(in_child(write_code) == STATUS_EXCEPTION + 14,
	       "a program's code is read-only");
	report(in_child(read_kernel) == STATUS_EXCEPTION + 14,
	       "the kernel's memory cannot be read");
	report(in_child(undefined) == STATUS_EXCEPTION + 6,
	       "ud2 ends a process");
	report(in_child(load_bad_segment) == STATUS_EXCEPTION + 13,
	       "the kernel's segments cannot be loaded");
	report(in_child(trace_sysenter) == STATUS_EXCEPTION + 1,
	       "a debug trap ends a process");
	report(in_child(null_segments) == 0,
	       "a null segment survives a system call");
	get_info(&info);
	if (info.has_sysenter)
		report(in_child(step_into_sysenter) == 0,
		       "single-stepping into sysenter harms nobody");
}

static u8 *shared;

static int write_shared(void)
{
	for (u32 i = 0; i < MANY_PAGES; i++) {
		if (shared[i * PAGE] != 1)
			return 1;
		shared[i * PAGE] = 2;
	}
	return 0;
}

static int touch_shared(void)
{
	return *(volatile u8 *)(shared + PAGE) & 1;
}

/* Reads into pages that are shared: the kernel's own writes must copy, too. */
static int kernel_writes_shared(void)
{
	int fd = open("poem", OPEN_READ);

	return read(fd, shared, PAGE) > 0 && shared[0] == 'T' ? 0 : 1;
}

/* Leaves a page table behind that maps nothing any more. */
static int map_and_unmap(void)
{
	u8 *memory = mmap((void *)0x70000000, PAGE);

	memory[0] = 1;
	return munmap(memory, PAGE);
}

static int take_all_memory(void)
{
	for (;;) {
		u8 *memory = mmap(NULL, CHUNK * PAGE);

		if (is_error(memory))
			return 1;
		for (u32 i = 0; i < CHUNK; i++)
			memory[i * PAGE] = 1;
	}
}

static bool all_are(u8 wanted)
{
	for (u32 i = 0; i < MANY_PAGES; i++)
		if (shared[i * PAGE] != wanted)
			return false;
	return true;
}

static void test_memory(void)
{
	struct lantern_info info;
	u8 *heap = sbrk(0);
	u32 free_before;

	shared = mmap(NULL, MANY_PAGES * PAGE);
	report(!is_error(shared) && all_are(0), "fresh memory is zeroed");
	for (u32 i = 0; i < MANY_PAGES; i++)
		shared[i * PAGE] = 1;
	report(in_child(write_shared) == 0 && all_are(1),
	       "after fork neither sees what the other writes");
	report(in_child(kernel_writes_shared) == 0 && all_are(1),
	       "nor what the kernel writes for the other");
	munmap(shared + PAGE, PAGE);
	report(in_child(touch_shared) == STATUS_EXCEPTION + 14,
	       "unmapped memory is gone");
	report(shared[0] == 1 && shared[2 * PAGE] == 1,
	       "its neighbours are not");
	munmap(shared, MANY_PAGES * PAGE);

	report(sbrk(3 * PAGE) == heap, "the heap grows");
	heap[0] = heap[3 * PAGE - 1] = 1;
	sbrk(-3 * PAGE);
	sbrk(3 * PAGE);
	report(heap[3 * PAGE - 1] == 0, "what it gave back comes back zeroed");
	sbrk(-3 * PAGE);

	get_info(&info);
	free_before = info.free_frames;
	report(in_child(map_and_unmap) == 0, "a child maps and unmaps");
	get_info(&info);
	report(info.free_frames == free_before, "and takes nothing with it");
	if (info.memory_kib <= 65536)
		report(in_child(take_all_memory) == STATUS_EXCEPTION + 14,
		       "a process that takes all memory is ended");
}

static int write_without_reader(void)
{
	int ends[2];

	pipe(ends);
	close(ends[0]);
	return write(ends[1], "x", 1) == -E_PIPE ? 0 : 1;
}

static void test_pipes(void)
{
	static char block[3 * PAGE];
	u32 total = 0;
	int ends[2], got, pid;

	pipe(ends);
	pid = fork();
	if (pid == 0) {
		memset(block, 'p', sizeof(block));
		exit(write(ends[1], block, sizeof(block)) == sizeof(block) ?
		     0 : 1);
	}
	close(ends[1]);
	while ((got = read(ends[0], block, 1000)) > 0)
		total += (u32)got;
	report(status_of(pid) == 0 && total == sizeof(block) && got == 0,
	       "a pipe carries more than it holds, then ends");
	close(ends[0]);
	report(in_child(write_without_reader) == 0,
	       "writing to a pipe that nobody reads fails");
	report(pipe((int *)0x10) == -E_FAULT && pipe(ends) == 0 &&
	       close(ends[0]) == 0 && close(ends[1]) == 0,
	       "a pipe that cannot be handed over is taken back");
}

static void test_files(void)
{
	static char block[5000];
	int fd = open("test-file", OPEN_CREATE);
	bool same = true;

	for (u32 i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 7);
	report(fd >= 0 && write(fd, block, sizeof(block)) == sizeof(block) &&
	       close(fd) == 0, "a file is written");
	memset(block, 0, sizeof(block));
	fd = open("test-file", OPEN_READ);
	report(read(fd, block, sizeof(block)) == sizeof(block), "and read");
	for (u32 i = 0; i < sizeof(block); i++)
		same &= block[i] == (char)(i * 7);
	report(same, "and is the same, across its pages");
	report(read(fd, block, 1) == 0, "and ends");
	unlink("test-file");
	report(open("test-file", OPEN_READ) == -E_NOENT, "a file is removed");
	close(fd);
	report(open("no-such-file", OPEN_READ) == -E_NOENT,
	       "a missing file is not opened");
}

static int compute(int seed)
{
	double sum = 0.0, step = 1.0 / seed;

	for (int i = 0; i < 1000000; i++)
		sum += step;
	return (int)(sum * seed / 1000) - 1000;
}

static void test_time(void)
{
	struct lantern_time before, after;
	int pids[3], bad = 0;

	get_time(&before);
	nanosleep(0, 50000000);
	get_time(&after);
	report(after.ticks - before.ticks >= 5 &&
	       after.ticks - before.ticks < 20, "sleep takes its time");
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			int result = compute(i + 3);

			exit(result < -1 || result > 1);
		}
	}
	bad = compute(7);
	for (int i = 0; i < 3; i++)
		bad |= status_of(pids[i]);
	report(bad >= -1 && bad <= 1, "x87 registers survive preemption");
}

int main(void)
{
	struct lantern_info before, after;

	failures = self_test();
	in_child(fill_table);	/* so that all kernel stacks are there */
	get_info(&before);
	test_system_calls();
	test_processes();
	test_exceptions();
	test_memory();
	test_pipes();
	test_files();
	test_time();
	nanosleep(0, 50000000);	/* let the orphan end */
	get_info(&after);
	/* The tests made a few pages of our own memory appear. */
	report(before.free_frames <= after.free_frames + 8,
	       "no page frame was lost");
	print("%s: %d failures\n", failures ? "FAILED" : "ALL PASSED",
	      failures);
	return failures != 0;
}
