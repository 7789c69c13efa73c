/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host signals in translated code.
 *
 * The handler only notes what happened and turns the program counter to a
 * stub that saves the guest's state; everything else happens here, outside
 * signal context.  By I-bt-2 the guest instruction either can run again
 * (a page was mapped), or is translated anew the soft way, or raises the
 * guest exception that the host's stands for. */
#include "core/bt/bt_priv.h"

#include "core/mem/window.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* The one translator signals can belong to. */
static struct bt *current;

/* signal-safe; not static, for core/vm/activities.def names it */
void fault_signal(int sig, siginfo_t *si, void *context);
void fault_signal(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;
	const u8 *pc = (const u8 *)g[REG_RIP];
	struct bt *bt = current;

	if (!bt || pc < bt->code_x || pc >= bt->code_x + bt->code_size ||
	    si->si_code <= 0) {
		if (check_hook)
			check_hook("a signal");
		check_clean_up();
		signal(sig, SIG_DFL);
		if (si->si_code <= 0) /* somebody sent it */
			raise(sig);
		return; /* our own fault: happens again, and ends us */
	}
	for (unsigned i = 0; i < 2; i++) {
		u8 *end = bt->host_stack[i] - HOST_STACK;
		const u8 *at = si->si_addr;

		/* The host stack is full of returns: start it afresh. */
		if (sig == SIGSEGV && at >= end - GUEST_PAGE && at < end) {
			g[REG_RSP] = (greg_t)bt->live->stack_empty;
			return;
		}
	}
	if (sig == SIGSEGV &&
	    returns_missed(bt, pc, (u64)(uintptr_t)si->si_addr,
			   (u64)g[REG_R14])) {
		g[REG_RIP] = (greg_t)(uintptr_t)bt->stub_return;
		return;
	}
	bt->live->fault_pc = (u64)g[REG_RIP];
	bt->live->fault_trap = (u32)g[REG_TRAPNO];
	bt->live->fault_error = (u32)g[REG_ERR];
	bt->live->fault_address = (u64)(uintptr_t)si->si_addr;
	bt->live->exit = BT_EXIT_SIGNAL;
	g[REG_RIP] = (greg_t)(uintptr_t)bt->stub_fault;
}

int bt_install_signals(struct err *e)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct sigaction sa = { .sa_sigaction = fault_signal,
				.sa_flags = SA_SIGINFO | SA_ONSTACK |
					    SA_NODEFER };
	stack_t ss = { .ss_size = 128 << 10 };

	ss.ss_sp = mmap(NULL, ss.ss_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ss.ss_sp == MAP_FAILED || sigaltstack(&ss, NULL) < 0)
		return err_set(e, "signal stack: %s", strerror(errno));
	for (unsigned i = 0; i < ARRAY_LEN(signals); i++)
		if (sigaction(signals[i], &sa, NULL) < 0)
			return err_set(e, "sigaction: %s", strerror(errno));
	return 0;
}

void fault_set_current(struct bt *bt)
{
	current = bt;
}

unsigned block_insn_at(const struct block *b, const u8 *pc)
{
	unsigned i = b->insns - 1u, offset = (unsigned)(pc - b->host);

	while (i && b->marks[i].host > offset)
		i--;
	return i;
}

enum { TRAP_DE = 0, TRAP_UD = 6, TRAP_GP = 13, TRAP_PF = 14, TRAP_MF = 16,
       TRAP_AC = 17, TRAP_XM = 19 };

static enum bt_exit guest_exception(struct bt *bt, enum exc vector)
{
	bt->stats.guest_faults++;
	cpu_raise(bt->cpu, vector, 0);
	return BT_EXIT_EXCEPTION;
}

static enum bt_exit change_site(struct bt *bt, struct block *b, unsigned index,
				enum site site)
{
	site_change(bt, b, index, site,
		    site == SITE_SOFT	   ? TRACE_adapt_NO_WINDOW
		    : site == SITE_WATCHED ? TRACE_adapt_WATCHED
					   : TRACE_adapt_OTHER_WINDOW);
	return BT_EXIT_DEAD;
}

/* How to reach a page that is not in the window tried. */
static enum site other_window(struct bt *bt, const struct block *b,
			      unsigned index)
{
	enum site s = site_get(bt, block_insn_gpa(b, index));

	if (bt->mode & MODE_USER || s == SITE_EITHER)
		return SITE_SOFT;
	if (s == SITE_WINDOW)
		return SITE_USER;
	return bt->has_shrx ? SITE_EITHER : SITE_SOFT;
}

/*T:30 The page was not in the window: what now? */
static enum bt_exit page_fault(struct bt *bt, struct block *b, unsigned index)
{
	struct cpu *c = bt->cpu;
	const void *host = (const void *)(uintptr_t)bt->live->fault_address;
	gla_t lin;
	enum window_kind kind = window_find(c->mem, host, &lin);
	const u8 *base = kind == WINDOW_USER ? window_user(c->mem)
					     : window_supervisor(c->mem);
	bool write = bt->live->fault_error & 2;

	bt->stats.window_faults++;
	if (site_is_stale(bt, b, index)) {
		cache_kill(bt, b, TRACE_invalidate_ADAPTED);
		return BT_EXIT_DEAD;
	}
	if (kind == WINDOW_NONE || (u64)((const u8 *)host - base) >> 32)
		return change_site(bt, b, index, SITE_SOFT);
	switch (window_miss(c, lin, write, kind)) {
	case WINDOW_FILLED:
		/* run it again */
		return site_missed(bt, b, index) ? BT_EXIT_DEAD
						 : BT_EXIT_SIGNAL;
	case WINDOW_FAULT:
		site_missed(bt, b, index);
		bt->stats.guest_faults++;
		return BT_EXIT_EXCEPTION;
	case WINDOW_OTHER:
		return change_site(bt, b, index, other_window(bt, b, index));
	default:
		return change_site(bt, b, index,
				   mem_is_watched(c->mem, lin) ? SITE_WATCHED
							       : SITE_SOFT);
	}
}
/*T:*/

static enum bt_exit by_trap(struct bt *bt, struct block *b, unsigned index)
{
	switch (bt->live->fault_trap) {
	case TRAP_PF:
		return page_fault(bt, b, index);
	case TRAP_DE:
		return guest_exception(bt, EXC_DE);
	case TRAP_UD:
		return guest_exception(bt, EXC_UD);
	case TRAP_MF:
		bt->stats.guest_faults++;
		cpu_raise_x87(bt->cpu);
		return BT_EXIT_EXCEPTION;
	case TRAP_XM:
		return guest_exception(bt, bt->cpu->cr4 & CR4_OSXMMEXCPT ? EXC_XM
									 : EXC_UD);
	case TRAP_AC:
		return guest_exception(bt, EXC_AC);
	default:
		return guest_exception(bt, EXC_GP);
	}
}

/* Serves the signal just noted.  BT_EXIT_SIGNAL: go on at fault_pc;
 * BT_EXIT_DEAD: dispatch at eip; else as bt_run returns it. */
enum bt_exit fault_serve(struct bt *bt)
{
	struct live *l = bt->live;
	const u8 *pc = (const u8 *)(uintptr_t)l->fault_pc;
	const u8 *address = (const u8 *)(uintptr_t)l->fault_address;
	struct block *b = cache_by_host(bt, pc);
	enum bt_exit result;
	bool fpu_was_live = bt->cpu->fpu_live;
	unsigned index;

	CHECK(b, "host fault at %p (address %p, trap %u) outside any block",
	      (const void *)pc, (const void *)address, l->fault_trap);
	if (l->fault_trap == TRAP_PF && address < bt->budget_base &&
	    address >= bt->budget_base - GUEST_PAGE) {
		index = block_insn_at(b, pc);
		l->budget += b->marks[index].paid;
		l->unretired = 0;
		bt->eip_open = false;
		bt->cpu->eip = block_insn_eip(b, index);
		site_heat(bt, b);
		return BT_EXIT_LIMIT;
	}
	fpu_out(bt);
	index = block_insn_at(b, pc);
	bt->cpu->eip = block_insn_eip(b, index);
	bt->cpu->gpr[ESP] += (u32)b->marks[index].esp_due;
	if (b->marks[index].repeats)
		string_broken_off(bt, b, index);
	bt->eip_open = false;
	l->unretired = b->marks[index].paid;
	/* Not on Intel's processors, which do not fault then. */
	if (fpu_was_live && l->fault_trap == TRAP_PF &&
	    fpu_leaves_operand(bt, b, index))
		result = change_site(bt, b, index, SITE_SOFT);
	else
		result = by_trap(bt, b, index);
	if (result == BT_EXIT_EXCEPTION) {
		paravirt_faulted(bt, block_insn_gpa(b, index));
		if (fpu_was_live)
			fpu_faulted(bt, b, index);
	}
	if (result == BT_EXIT_SIGNAL && bt->wanted.exits >> BT_EXIT_SIGNAL & 1)
		result = BT_EXIT_DEAD; /* a stop is wanted in front of it */
	if (result == BT_EXIT_SIGNAL) {
		bt->cpu->gpr[ESP] -= (u32)b->marks[index].esp_due;
		if (b->marks[index].repeats)
			string_goes_on(bt, b, index);
	}
	if (result != BT_EXIT_SIGNAL) {
		l->budget += b->marks[index].paid;
		l->unretired = 0;
		l->soft_post = 0;
	} else if (fpu_was_live) {
		fpu_in(bt); /* the block goes on behind its own check */
	}
	return result;
}
