/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guided tour: ten stops, each of which does something and explains what
 * was seen.  All numbers are measured while the reader watches.
 *
 * A tour is a program like any other.  It knows about the kernel only what
 * system calls tell, mainly the counters of SYS_info read before and after.
 */
#include "lantern.h"

enum { PAGE = 4096 };

static struct lantern_info info;	/* the latest reading */
static struct lantern_counters before;

/* Calls of the hypervisor: before, afterwards, and what looking costs. */
static bool has_hypervisor;
static struct lantern_calls calls_before, calls, calls_to_look;

/* Everything a stop did lies between start_counting and stop_counting. */
static void start_counting(void)
{
	get_info(&info);
	before = info.counters;
	if (has_hypervisor)
		get_calls(&calls_before);
}

static void stop_counting(void)
{
	if (has_hypervisor)
		get_calls(&calls);
	get_info(&info);
}

/* The number of the call made most often, and makes its count 0. */
static u32 take_most(struct lantern_calls *from, u32 *count)
{
	u32 most = 0;

	for (u32 i = 1; i < HYPERVISOR_CALLS; i++)
		if (from->count[i] > from->count[most])
			most = i;
	*count = from->count[most];
	from->count[most] = 0;
	return most;
}

/* What lay between the last start_counting and stop_counting. */
static void show_calls(void)
{
	enum { SHOWN = 6, PER_LINE = 3 };
	struct lantern_calls made;
	u32 all = 0, count;

	if (!has_hypervisor)
		return;
	for (u32 i = 0; i < HYPERVISOR_CALLS; i++) {
		made.count[i] = calls.count[i] - calls_before.count[i] -
				calls_to_look.count[i];
		all += made.count[i];
	}
	print("[VMI calls: %u", all);
	for (u32 i = 0; i < SHOWN; i++) {
		char name[NAME_LENGTH];
		u32 call = take_most(&made, &count);

		if (!count)
			break;
		get_call_name(call, name);
		print("%s%u %s", i % PER_LINE ? ", " : ",\n  ", count, name);
		all -= count;
	}
	if (all)
		print(",\n  %u others", all);
	print("]\n");
}

static void stop(u32 number, const char *title)
{
	print("\n%u. %s\n\n", number, title);
}

static void welcome(void)
{
	get_info(&info);
	print("\n"
	      "==========================================================\n"
	      " lantern, a teaching kernel: the guided tour\n"
	      " engine     %s\n"
	      " processor  %s\n"
	      " memory     %u KiB\n"
	      "==========================================================\n",
	      info.engine, info.processor, info.memory_kib);
}

static void show_boot(void)
{
	u32 here;

	stop(1, "Boot and paging");
	print("The loader put the kernel at physical %x and jumped to it with\n"
	      "paging off.  It ends at %x; of the memory behind it, %u page\n"
	      "frames of 4 KiB are free now.\n"
	      "Then boot.S turned paging on.  Since then every address goes\n"
	      "through tables.  All physical memory appears at C0000000 and\n"
	      "up, for the kernel alone, in pages of %s.  Below that each\n"
	      "process has a view of its own: this program's code is at\n"
	      "%08x, its stack at %08x, and so it is in every other.\n",
	      info.kernel_start, info.kernel_end, info.free_frames,
	      info.has_large_pages ? "4 MiB" : "4 KiB", (u32)show_boot,
	      (u32)&here);
}

static u32 count_routines(void)
{
	char name[NAME_LENGTH];
	u32 routines = 0;

	for (u32 i = 0; i < HYPERVISOR_CALLS; i++)
		routines += !get_call_name(i, name) && name[0];
	return routines;
}

/* What an empty stretch costs is what looking costs. */
static void measure_looking(void)
{
	start_counting();
	stop_counting();
	for (u32 i = 0; i < HYPERVISOR_CALLS; i++)
		calls_to_look.count[i] = calls.count[i] - calls_before.count[i];
}

static void show_below(void)
{
	stop(2, "Who is below");
	print("A kernel does what no program may: it masks interrupts, changes\n"
	      "page tables, returns from exceptions.  Whoever runs a kernel as\n"
	      "a guest must see to each of these.\n");
	has_hypervisor = count_calls(true) >= 0;
	if (!has_hypervisor) {
		print("Nobody here offers calls for them, so this kernel uses the\n"
		      "instructions themselves.  A processor runs them as they\n"
		      "are; a binary translator finds them in the code, and\n"
		      "this kernel cannot tell the difference.\n");
		return;
	}
	print("A binary translator finds them in the code.  Here the monitor\n"
	      "also offers calls, by VMware's Virtual Machine Interface (VMI).\n"
	      "At boot the kernel found the ROM that says so, took %u routines\n"
	      "from it, and put them in the places of its own instructions;\n"
	      "IRET and SYSEXIT it overwrote with calls.  The same image runs\n"
	      "without: vitrine -engine bt, or `novmi' on the command line.\n"
	      "From now on I count the calls, and tell the most frequent.\n",
	      count_routines());
	measure_looking();
}

static u32 cycles_per_call(void (*gate)(void))
{
	enum { TIMES = 1000 };
	void (*usual)(void) = system_gate;
	u64 start;

	if (!info.has_tsc)
		return 0;
	system_gate = gate;
	getpid();
	start = cycles_now();
	for (u32 i = 0; i < TIMES; i++)
		getpid();
	start = cycles_now() - start;
	system_gate = usual;
	return (u32)divide_u64(start, TIMES, NULL);
}

static void show_system_calls(void)
{
	stop(3, "Two doors into the kernel");
	print("A program in ring 3 cannot touch a device or another process;\n"
	      "it must ask.  The question \"what is my number?\" is the\n"
	      "cheapest there is; my number is %d.\n", getpid());
	print("  int 0x80   %6u cycles: through a gate of the IDT\n",
	      cycles_per_call(gate_int80));
	if (info.has_sysenter)
		print("  sysenter   %6u cycles: straight to an address in an "
		      "MSR\n", cycles_per_call(gate_sysenter));
	else
		print("  sysenter   this processor does not have it\n");
	print("(Cycles are the guest's own.  Under a virtual machine monitor\n"
	      "they may be counted instructions; who wants real time looks at\n"
	      "a clock outside.)\n");
}

static void show_first_touch(void)
{
	enum { MEMORY = 1 << 20 };
	u8 *memory;

	stop(4, "Memory that appears when touched");
	start_counting();
	memory = mmap(NULL, MEMORY);
	stop_counting();
	print("I asked for 1 MiB and got it at %08x.  That cost %u pages.\n",
	      (u32)memory, info.counters.faults_zero - before.faults_zero);
	start_counting();
	memory[0] = memory[100 * PAGE] = memory[255 * PAGE] = 1;
	stop_counting();
	print("Now I wrote to three places: %u page faults, and three pages\n"
	      "of zeroes were put where I wanted them.  I did not notice.\n",
	      info.counters.faults_zero - before.faults_zero);
	show_calls();
	munmap(memory, MEMORY);
}

static void show_copy_on_write(void)
{
	enum { PAGES = 64, WRITTEN = 8 };
	u8 *memory = mmap(NULL, PAGES * PAGE);
	u32 copied_by_fork, free_before;
	int pid;

	stop(5, "Fork, and copy on write");
	for (u32 i = 0; i < PAGES; i++)
		memory[i * PAGE] = 'p';
	start_counting();
	free_before = info.free_frames;
	pid = fork();
	if (pid == 0) {
		nanosleep(0, 20000000);
		for (u32 i = 0; i < WRITTEN; i++)
			memory[i * PAGE] = 'c';
		exit(0);
	}
	stop_counting();
	copied_by_fork = info.counters.faults_copy - before.faults_copy;
	print("I have %u pages of memory, and forked child %d, which has the\n"
	      "same.  Fork took %u frames, most of them for its tables and\n"
	      "its kernel stack.  Pages copied so far: %u, the top of my own\n"
	      "stack, on which I write all the time.  The rest we own\n"
	      "together, and neither may write to it.\n", PAGES, pid,
	      free_before - info.free_frames, copied_by_fork);
	show_calls();
	start_counting();
	wait(pid, NULL, WAIT_BLOCK);
	stop_counting();
	print("The child wrote to %u of them.  Each write was a fault, and\n"
	      "each fault made a copy; pages copied meanwhile: %u.  My own\n"
	      "page still says '%c'.\n", WRITTEN,
	      info.counters.faults_copy - before.faults_copy, memory[0]);
	start_counting();
	memory[10 * PAGE] = 'q';
	stop_counting();
	print("Now that the child is gone I write to a page myself: %u\n"
	      "copied, %u kept, because its last owner may have it back.\n",
	      info.counters.faults_copy - before.faults_copy,
	      info.counters.faults_reuse - before.faults_reuse);
	munmap(memory, PAGES * PAGE);
}

static void shout(int from, int to)
{
	char text[64];
	int got;

	while ((got = read(from, text, sizeof(text))) > 0) {
		for (int i = 0; i < got; i++)
			if (text[i] >= 'a' && text[i] <= 'z')
				text[i] -= 'a' - 'A';
		write(to, text, (u32)got);
	}
	exit(0);
}

static void show_pipes(void)
{
	static const char *const words[] = { "a flame ", "that stands ",
					     "for all ", "to see" };
	int there[2], back[2], got;
	char answer[64];

	stop(6, "Pipes, and switching between processes");
	pipe(there);
	pipe(back);
	if (fork() == 0) {
		close(there[1]);
		shout(there[0], back[1]);
	}
	close(there[0]);
	print("I send words to a child, which sends them back in capitals:\n ");
	start_counting();
	for (u32 i = 0; i < 4; i++) {
		write(there[1], words[i], strlen(words[i]));
		got = read(back[0], answer, sizeof(answer) - 1);
		answer[got > 0 ? got : 0] = 0;
		print(" %s", answer);
	}
	stop_counting();
	print("\nFour words, %u switches.  I read from an empty pipe and had\n"
	      "to sleep; the child ran, wrote, found its own pipe empty,\n"
	      "slept; and I was awake.\n",
	      info.counters.switches - before.switches);
	show_calls();
	close(there[1]);
	wait(-1, NULL, WAIT_BLOCK);
	close(back[0]);
	close(back[1]);
}

/* Counts as far as it gets in so many ticks, and tells the pipe. */
static void race(int pipe_end, u32 runner, u32 ticks)
{
	struct lantern_time start, now;
	u32 result[2] = { runner, 0 };

	get_time(&start);
	do {
		for (volatile u32 i = 0; i < 2000; i++)
			;
		result[1]++;
		get_time(&now);
	} while (now.ticks - start.ticks < ticks);
	write(pipe_end, result, sizeof(result));
	exit(0);
}

static void show_preemption(void)
{
	enum { TICKS = 30, RUNNERS = 2 };
	u32 result[2], laps[RUNNERS] = { 0 };
	int ends[2];

	stop(7, "Preemption");
	pipe(ends);
	start_counting();
	for (u32 i = 0; i < RUNNERS; i++)
		if (fork() == 0)
			race(ends[1], i, TICKS);
	for (u32 i = 0; i < RUNNERS; i++) {
		read(ends[0], result, sizeof(result));
		laps[result[0]] = result[1];
		wait(-1, NULL, WAIT_BLOCK);
	}
	stop_counting();
	print("Two children ran in circles for %u ticks of 10 ms.  Neither\n"
	      "ever offered to stop, yet both got on: %u laps and %u laps.\n"
	      "The timer interrupted, and the kernel took the processor away\n"
	      "from whoever had it, %u times.\n", TICKS, laps[0], laps[1],
	      info.counters.preemptions - before.preemptions);
	show_calls();
	close(ends[0]);
	close(ends[1]);
}

static int pi_in_millionths(int terms)
{
	double sum = 0, sign = 4;

	for (int i = 0; i < terms; i++) {
		sum += sign / (2 * i + 1);
		sign = -sign;
	}
	return (int)(sum * 1000000);
}

static void show_fpu(void)
{
	int ends[2], result;

	stop(8, "Floating point, lazily");
	pipe(ends);
	start_counting();
	for (int i = 1; i <= 2; i++)
		if (fork() == 0) {
			result = pi_in_millionths(2000000 * i);
			write(ends[1], &result, sizeof(result));
			exit(0);
		}
	for (int i = 1; i <= 2; i++) {
		read(ends[0], &result, sizeof(result));
		print("  a child says that pi is %d.%06d\n", result / 1000000,
		      result % 1000000);
		wait(-1, NULL, WAIT_BLOCK);
	}
	stop_counting();
	print("There is one set of floating-point registers, and %u switches\n"
	      "happened meanwhile.  But the kernel moved registers only when\n"
	      "somebody used them after a switch, and found out by a fault:\n"
	      "%u times.\n", info.counters.switches - before.switches,
	      info.counters.fpu_loads - before.fpu_loads);
	close(ends[0]);
	close(ends[1]);
}

static void show_exception(void)
{
	char *divide[] = { "crash", "divide", NULL };
	char *kernel[] = { "crash", "kernel", NULL };
	int status;

	stop(9, "Programs that break the rules");
	print("One divides by zero, one writes to the kernel:\n");
	status = run(divide);
	print("  it ended with status %d, which is 128 plus exception %d\n",
	      status, status - STATUS_EXCEPTION);
	status = run(kernel);
	print("  it ended with status %d, which is 128 plus exception %d\n",
	      status, status - STATUS_EXCEPTION);
	print("The processor noticed and the kernel drew the line.  Everybody\n"
	      "else, me for one, is as well as before.\n");
}

static void show_shell(void)
{
	char *words[] = { "sh", "-c", "cat", "poem", "|", "grep", "light", "|",
			  "wc", NULL };

	stop(10, "All of it together");
	print("The shell runs  cat poem | grep light | wc  for me:\n");
	start_counting();
	run(words);
	stop_counting();
	print("For that one line: %u forks, %u system calls, %u switches;\n"
	      "%u pages filled from program files, %u zeroed, and %u copied\n"
	      "on write.\n",
	      info.counters.forks - before.forks,
	      info.counters.system_calls - before.system_calls,
	      info.counters.switches - before.switches,
	      info.counters.faults_image - before.faults_image,
	      info.counters.faults_zero - before.faults_zero,
	      info.counters.faults_copy - before.faults_copy);
	show_calls();
}

int main(void)
{
	welcome();
	show_boot();
	show_below();
	show_system_calls();
	show_first_touch();
	show_copy_on_write();
	show_pipes();
	show_preemption();
	show_fpu();
	show_exception();
	show_shell();
	if (has_hypervisor)
		count_calls(false);
	get_info(&info);
	print("\nThat was lantern: %u system calls, %u interrupts and %u\n"
	      "switches since boot.  The source is meant to be read; begin\n"
	      "with its README.  Good night.\n",
	      info.counters.system_calls, info.counters.interrupts,
	      info.counters.switches);
	return 0;
}
