/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/mem_window_fixture.h"

#include <signal.h>

struct cpu cpu;
struct mem *mem;
unsigned misses, told;
gla_t told_lin;
u32 told_len;

void cpu_record_pf(struct cpu *c, gla_t lin, u32 error)
{
	c->exc.pending = true;
	c->exc.vector = EXC_PF;
	c->exc.error = error;
	c->exc.cr2 = lin;
}

static void on_unmapped(void *arg, bool user, gla_t lin, u32 len)
{
	(void)arg;
	(void)user;
	told++;
	told_lin = lin;
	told_len = len;
}

static void on_code_written(void *arg, gpa_t gpa, u64 len)
{
	(void)arg;
	(void)gpa;
	(void)len;
}

/* ---- the guest ---- */

static sigjmp_buf back;
static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

/* The runner sets handlers of its own before each test. */
static bool touch(volatile u8 *at, int write)
{
	struct sigaction sa = {.sa_handler = on_segv, .sa_flags = SA_NODEFER};

	sigaction(SIGSEGV, &sa, NULL);
	if (sigsetjmp(back, 1))
		return false;
	if (write)
		*at = *at; /* cppcheck-suppress selfAssignment; a volatile one */
	else
		(void)*at;
	return true;
}

u8 *in_window(enum window_kind kind, gla_t lin)
{
	return (kind == WINDOW_USER ? window_user(mem)
				    : window_supervisor(mem)) +
	       lin;
}

enum window_fill reach(gla_t lin, int write, enum window_kind kind)
{
	cpu.exc.pending = false;
	misses = 0;
	while (!touch(in_window(kind, lin), write)) {
		enum window_fill r = window_miss(&cpu, lin, write, kind);
		gla_t found;

		assert_int_equal(window_find(mem, in_window(kind, lin), &found),
				 kind);
		assert_int_equal(found, lin);
		if (r != WINDOW_FILLED)
			return r;
		assert_true(++misses < 3);
	}
	return WINDOW_FILLED;
}

bool mapped(gla_t lin, int write, enum window_kind kind)
{
	return touch(in_window(kind, lin), write);
}

u32 *word(gpa_t gpa)
{
	return (u32 *)(void *)(mem->ram + gpa);
}

u64 *quad(gpa_t gpa)
{
	return (u64 *)(void *)(mem->ram + gpa);
}

void set_pde(gpa_t dir, gla_t lin, u32 v)
{
	word(dir)[lin >> 22] = v;
}

void set_pte(gpa_t table, gla_t lin, u32 v)
{
	word(table)[lin >> 12 & 1023] = v;
}

void mode(u32 cr4)
{
	cpu.cr0 = CR0_PE | CR0_PG | CR0_WP;
	cpu.cr4 = cr4;
	mem_flush_all(&cpu);
}

void load_cr3(u32 cr3)
{
	cpu.cr3 = cr3;
	for (int i = 0; i < 4; i++)
		cpu.pdpte[i] = cpu.cr4 & CR4_PAE ? quad(cr3)[i] : 0;
	mem_flush_cr3(&cpu);
}

int set_up(void **state)
{
	struct err e;
	struct mem_hooks hooks = {.unmapped = on_unmapped,
				  .code_written = on_code_written};

	(void)state;
	cpu = (struct cpu){.cr0 = CR0_PE};
	mem = mem_new(RAM, &e);
	assert_non_null(mem);
	cpu.mem = mem;
	assert_int_equal(window_init(mem, true, &e), 0);
	mem_set_hooks(mem, &hooks);
	/* 0-4M by TABLE for the user, C0000000 by TABLE+1000 for the kernel */
	set_pde(DIR, 0, TABLE | RWU);
	set_pde(DIR, 0xc0000000, (TABLE + 0x1000) | RWS);
	mode(CR4_PGE);
	load_cr3(DIR);
	told = 0;
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	window_free(mem);
	mem_free(mem);
	return 0;
}
