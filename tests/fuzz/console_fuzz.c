/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any lines typed at the console of a real machine: each prints something or
 * fails with one line, and the machine stays whole.
 *
 * The whole program is linked.  Commands that reach for the host are left
 * out: those that take a file, and shell.  What takes long is stopped as a
 * person would, with a SIGINT. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/check.h"
#include "core/cpu/cpu.h"
#include "core/debug/debug.h"
#include "core/mem/mem.h"
#include "core/vm/vm.h"
#include "repl/host.h"
#include "repl/repl_priv.h"
#include "vmi/vmi.h"

enum { RAM = 2 << 20, LINES_MAX = 12, PATIENCE_MS = 3 };

static struct vm *vm;
static struct vmi *vmi;
static struct host *host;
static timer_t timer;

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len);

/* 00100000: a loop that calls, pushes, reads and writes, and calls VMI. */
static const u8 program[] = {
	0xbc, 0x00, 0x00, 0x18, 0x00,	     /* mov $180000, %esp */
	0x55, 0x89, 0xe5,		     /* push %ebp; mov %esp, %ebp */
	0xe8, 0x03, 0x00, 0x00, 0x00,	     /* call +3 */
	0x5d, 0xeb, 0xf5,		     /* pop %ebp; jmp to the push */
	0x40, 0xa3, 0x00, 0x00, 0x17, 0x00,  /* inc; mov %eax, 170000 */
	0xba, 0x00, 0x00, 0x17, 0x00,	     /* mov $170000, %edx */
	0xe8, 0x40, 0x83, 0xfc, 0xff,	     /* call c8360: SetPxE */
	0x8b, 0x0d, 0x00, 0x00, 0x17, 0x00,  /* mov 170000, %ecx */
	0xc3,				     /* ret */
};

static void impatience(unsigned ms)
{
	/* again and again: one that comes before the guest runs is not for it */
	struct itimerspec t = {.it_value.tv_nsec = ms * 1000000,
			       .it_interval.tv_nsec = ms * 1000000};

	timer_settime(timer, 0, &t, NULL);
}

static void make(void)
{
	struct vm_config cfg = {
		.ram = RAM, .flat_load = -1, .has_apic = true, .show_vmi = true};
	struct sigevent tell = {.sigev_notify = SIGEV_SIGNAL,
				.sigev_signo = SIGINT};
	struct err e;

	if (vm)
		return;
	vm = vm_new(&cfg, &e);
	CHECK(vm, "%s", e.text);
	vmi = vmi_new(vm, &e);
	CHECK(vmi, "%s", e.text);
	host = host_new(true);
	host_attach(host, vm);
	CHECK(!timer_create(CLOCK_MONOTONIC, &tell, &timer), "no timer");
}

static void reset(void)
{
	struct cpu *c = vm_cpu(vm);
	struct err e;

	CHECK(!vm_reset(vm, &e), "%s", e.text);
	memcpy(mem_phys_ptr(vm_mem(vm), 0x100000, sizeof(program)), program,
	       sizeof(program));
	c->cr0 |= CR0_PE;
	c->seg[SEG_CS] = (struct seg){
		.sel = 0x10, .attr = 0xc9b, .limit = ~0u};
	for (unsigned i = 0; i < 6; i++)
		if (i != SEG_CS)
			c->seg[i] = (struct seg){
				.sel = 0x18, .attr = 0xc93, .limit = ~0u};
	c->eip = 0x100000;
	c->mode_changed = true;
}

static bool reaches_the_host(const char *line)
{
	const struct command *cmd;
	char word[48];
	struct err e;

	line += strspn(line, " \t\n\r\v\f");
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(line, " \t/="), line);
	if (*line == '!')
		return true;
	cmd = command_find(commands, "command", word, &e);
	return cmd && (cmd->arg == ARG_FILE || cmd->run == cmd_shell ||
		       cmd->run == cmd_commands || cmd->run == cmd_run ||
		       cmd->run == cmd_reset);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len)
{
	char *text = strndup((const char *)bytes, len), *rest = text, *line;
	struct buf out = {0};
	struct console *console;
	struct debug *d;
	struct err e;

	make();
	reset();
	d = debug_new(vm);
	console = console_new(d, host, "fuzz", vmi);
	for (unsigned i = 0; i < LINES_MAX && (line = strsep(&rest, "\n"));
	     i++) {
		*e.text = '\0';
		if (reaches_the_host(line))
			continue;
		impatience(PATIENCE_MS);
		if (console_execute(console, line, &out, &e))
			CHECK(*e.text && !strchr(e.text, '\n'),
			      "`%s' fails with `%s'", line, e.text);
		impatience(0);
	}
	console_free(console);
	debug_free(d);
	buf_free(&out);
	free(text);
	return 0;
}
