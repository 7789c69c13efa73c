/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The measurements.
 *
 *     bench              every row, then a table
 *     bench ROW [TIMES]  one row
 *     bench list         the rows
 *
 * Each row prints a line when it starts and one when it ends:
 *
 *     BENCH start fork 2000
 *     BENCH end fork 2000 tsc=123456789
 *
 * The time-stamp counter of a virtual machine may count something else than
 * time.  Whoever wants to know how long it really took stamps these lines from
 * outside; they leave the serial port before the call that prints them
 * returns.
 */
#include "compute.h"
#include "lantern.h"

enum { PAGE = 4096, CHUNK = 256 };	/* pages touched between two unmaps */

static void system_calls(u32 times, void (*gate)(void))
{
	void (*usual)(void) = system_gate;

	system_gate = gate;
	while (times--)
		getpid();
	system_gate = usual;
}

static void bench_int80(u32 times)
{
	system_calls(times, gate_int80);
}

static void bench_sysenter(u32 times)
{
	system_calls(times, gate_sysenter);
}

static void bench_fork(u32 times)
{
	while (times--) {
		if (fork() == 0)
			exit(0);
		wait(-1, NULL, WAIT_BLOCK);
	}
}

static void bench_exec(u32 times)
{
	char *arguments[] = { "true", NULL };

	while (times--)
		run(arguments);
}

static void touch(u8 *memory, u32 pages)
{
	for (u32 i = 0; i < pages; i++)
		memory[i * PAGE] = 1;
}

static void bench_fault(u32 times)
{
	for (u32 left = times; left;) {
		u32 pages = left < CHUNK ? left : CHUNK;
		u8 *memory = mmap(NULL, pages * PAGE);

		touch(memory, pages);
		munmap(memory, pages * PAGE);
		left -= pages;
	}
}

static void bench_cow(u32 times)
{
	u8 *memory = mmap(NULL, CHUNK * PAGE);

	touch(memory, CHUNK);
	for (u32 left = times; left;) {
		u32 pages = left < CHUNK ? left : CHUNK;

		if (fork() == 0) {
			touch(memory, pages);
			exit(0);
		}
		wait(-1, NULL, WAIT_BLOCK);
		left -= pages;
	}
	munmap(memory, CHUNK * PAGE);
}

static void bench_mmap(u32 times)
{
	while (times--) {
		u8 *memory = mmap(NULL, 16 * PAGE);

		*memory = 1;
		munmap(memory, 16 * PAGE);
	}
}

/* A byte goes to the child and comes back: two switches. */
static void bench_switch(u32 times)
{
	int there[2], back[2];
	char byte = 0;

	pipe(there);
	pipe(back);
	if (fork() == 0) {
		close(there[1]);
		while (read(there[0], &byte, 1) == 1)
			write(back[1], &byte, 1);
		exit(0);
	}
	close(there[0]);
	while (times--) {
		write(there[1], &byte, 1);
		read(back[0], &byte, 1);
	}
	close(there[1]);
	wait(-1, NULL, WAIT_BLOCK);
	close(back[0]);
	close(back[1]);
}

static void bench_pipe(u32 times)
{
	static char block[PAGE];
	int ends[2];

	pipe(ends);
	if (fork() == 0) {
		close(ends[0]);
		while (times--)
			write(ends[1], block, PAGE);
		exit(0);
	}
	close(ends[1]);
	while (read(ends[0], block, PAGE) > 0)
		;
	wait(-1, NULL, WAIT_BLOCK);
	close(ends[0]);
}

static void bench_pte(u32 times)
{
	kernel_bench(BENCH_PTE, times);
}

static void bench_cr3(u32 times)
{
	kernel_bench(BENCH_CR3, times);
}

static void bench_port(u32 times)
{
	kernel_bench(BENCH_PORT, times);
}

static void bench_mask(u32 times)
{
	kernel_bench(BENCH_MASK, times);
}

static volatile u32 sink;	/* so that no result is thrown away */

static void bench_loop(u32 times)
{
	sink = compute_loop(times);
}

static void bench_fib(u32 times)
{
	sink = compute_fib(times);
}

static void bench_sieve(u32 times)
{
	sink = compute_sieve(times);
}

static void bench_memcpy(u32 times)
{
	sink = compute_memcpy(times);
}

static void bench_x87(u32 times)
{
	sink = compute_x87(times);
}

static void bench_indirect(u32 times)
{
	sink = compute_indirect(times);
}

static struct row {
	const char *name, *what;
	u32 times;		/* by default */
	void (*function)(u32 times);
	u64 cycles;		/* of the last run */
} rows[] = {
	{ "int80", "getpid by int 0x80", 200000, bench_int80, 0 },
	{ "sysenter", "getpid by sysenter", 200000, bench_sysenter, 0 },
	{ "fork", "fork, exit, wait", 2000, bench_fork, 0 },
	{ "exec", "fork, exec, exit, wait", 1000, bench_exec, 0 },
	{ "fault", "first touch of a page", 20000, bench_fault, 0 },
	{ "cow", "write to a page shared by fork", 20000, bench_cow, 0 },
	{ "mmap", "mmap, one touch, munmap", 20000, bench_mmap, 0 },
	{ "switch", "a byte there and back by pipe", 20000, bench_switch, 0 },
	{ "pipe", "4 KiB through a pipe", 20000, bench_pipe, 0 },
	{ "pte", "page table entry changed", 100000, bench_pte, 0 },
	{ "cr3", "CR3 loaded", 50000, bench_cr3, 0 },
	{ "portin", "port read", 50000, bench_port, 0 },
	{ "mask", "interrupts off and on", 500000, bench_mask, 0 },
	{ "loop", "1000 steps of arithmetic", 100000, bench_loop, 0 },
	{ "fib", "fib(15), 1973 calls", 10000, bench_fib, 0 },
	{ "sieve", "primes below 8192", 3000, bench_sieve, 0 },
	{ "memcpy", "64 KiB by rep movs", 5000, bench_memcpy, 0 },
	{ "x87", "500 terms of a series", 20000, bench_x87, 0 },
	{ "indirect", "1000 indirect calls", 20000, bench_indirect, 0 },
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

static bool has_tsc, has_sysenter;

static bool is_possible(const struct row *row)
{
	return has_sysenter || row->function != bench_sysenter;
}

static u64 cycles(void)
{
	return has_tsc ? cycles_now() : 0;
}

/* A sixteenth of the work goes first, to warm what can be warmed. */
static void measure(struct row *row, u32 times)
{
	u64 start;

	if (!is_possible(row)) {
		print("BENCH skip %s\n", row->name);
		return;
	}
	row->function(times / 16 + 1);
	print("BENCH start %s %u\n", row->name, times);
	start = cycles();
	row->function(times);
	row->cycles = cycles() - start;
	print("BENCH end %s %u tsc=%llu\n", row->name, times, row->cycles);
}

static void print_table(void)
{
	print("\n%-10s %9s %12s  %s\n", "row", "times", "cycles each", "what");
	for (u32 i = 0; i < ROWS; i++)
		if (is_possible(&rows[i]))
			print("%-10s %9u %12llu  %s\n", rows[i].name,
			      rows[i].times,
			      divide_u64(rows[i].cycles, rows[i].times, NULL),
			      rows[i].what);
}

static struct row *find_row(const char *name)
{
	for (u32 i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct lantern_info info;
	struct row *row;

	get_info(&info);
	has_tsc = info.has_tsc;
	has_sysenter = info.has_sysenter;
	if (argc > 1 && !strcmp(argv[1], "list")) {
		for (u32 i = 0; i < ROWS; i++)
			print("%-10s %7u  %s\n", rows[i].name, rows[i].times,
			      rows[i].what);
	} else if (argc > 1) {
		row = find_row(argv[1]);
		if (!row) {
			print_to(STDERR, "bench: no row %s\n", argv[1]);
			return 2;
		}
		measure(row, argc > 2 ? parse_number(argv[2]) : row->times);
	} else {
		print("BENCH engine %s\n", info.engine);
		for (u32 i = 0; i < ROWS; i++)
			measure(&rows[i], rows[i].times);
		print_table();
	}
	return 0;
}
