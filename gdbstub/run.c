/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets that let the guest run, and what is said when it has stopped.
 *
 * Such a packet is answered when the guest stops, which may take for ever: all
 * of it happens inside the handler, and the client's Ctrl-C arrives by way of
 * the machine's looks at the host (server.c).
 *
 * A guest that has ended by itself (power off, debug-exit) is an exit for gdb.
 * One that cannot go on (triple fault, halted for good, a request that the
 * monitor cannot serve) stands where it fell, to be looked at; letting it go
 * on only says so again. */
#include "gdbstub/stub_priv.h"

#include <string.h>

#include "core/cpu/cpu.h"
#include "core/debug/regs.h"

/* ---- stop replies ---- */

bool run_is_over(struct gdbstub *g)
{
	switch (debug_why(g->d)) {
	case STOP_POWER_OFF:
	case STOP_DEBUG_EXIT:
	case STOP_RESET:
		return true;
	default:
		return g->killed || g->detached;
	}
}

static int signal_now(struct gdbstub *g)
{
	int number = debug_stop_signal(debug_why(g->d));

	return number ? number : 5; /* halted for good: a trap to look at */
}

static void expedite(struct gdbstub *g, enum reg r, enum reg from)
{
	u8 number = (u8)r, bytes[16];

	reg_read_bytes(vm_cpu(g->vm), from, bytes);
	hex_encode(&g->reply, &number, 1);
	buf_byte(&g->reply, ':');
	hex_encode(&g->reply, bytes, reg_size(r));
	buf_byte(&g->reply, ';');
}

static void say_watch(struct gdbstub *g, const struct breakpoint *b)
{
	reply(g, "%s:%x;",
	      b->kind == BREAK_WRITE  ? "watch"
	      : b->kind == BREAK_READ ? "rwatch"
				      : "awatch",
	      b->addr);
}

static void say_cause(struct gdbstub *g)
{
	const struct breakpoint *b = debug_client_hit(g->d);

	if (!b)
		return;
	if (b->kind != BREAK_CODE)
		say_watch(g, b);
	else if (b->hardware && g->knows_hwbreak)
		reply(g, "hwbreak:;");
	else if (!b->hardware && g->knows_swbreak)
		reply(g, "swbreak:;");
}

void run_stop_reply(struct gdbstub *g)
{
	buf_clear(&g->reply);
	if (g->killed || debug_why(g->d) == STOP_RESET) {
		reply(g, g->killed ? "X09" : "W00");
		return;
	}
	if (run_is_over(g)) {
		reply(g, "W%02x",
		      debug_why(g->d) == STOP_DEBUG_EXIT
			      ? (unsigned)bus_exit_status(vm_bus(g->vm)) & 0xff
			      : 0);
		return;
	}
	if (library_moved(g))
		reply(g, "T05library:;");
	else
		reply(g, "T%02x", signal_now(g));
	say_cause(g);
	buf_append(&g->reply, "thread:1;core:0;", 16);
	for (enum reg r = REG_eax; r <= REG_gs; r++)
		expedite(g, r, r == REG_eip ? REG_pc : r);
}

/* What gdb has no word for: console's breakpoints and catches, and how a
 * guest fell. */
static void say_why(struct gdbstub *g)
{
	const struct breakpoint *b = debug_hit(g->d);
	struct buf text = {0};

	switch (debug_why(g->d)) {
	case STOP_TRIPLE_FAULT:
		debug_autopsy(g->d, &text);
		break;
	case STOP_BREAKPOINT:
	case STOP_WATCHPOINT:
	case STOP_CATCH:
		if (b && !debug_client_hit(g->d))
			debug_describe_stop(g->d, &text);
		break;
	case STOP_LIMIT:
	case STOP_INTERRUPT:
		break;
	default:
		buf_printf(&text, "Vitrine: %s.\n", vm_stop_text(g->vm));
	}
	if (text.len)
		server_say(g, text.data, text.len);
	buf_free(&text);
}

void packet_why(struct gdbstub *g, struct args *a)
{
	(void)a;
	run_stop_reply(g);
}

/* ---- going ---- */

enum how { GO, STEP, RANGE };

struct going {
	enum how how;
	gla_t from, to; /* RANGE */
};

static int go_by(struct gdbstub *g, const struct going *how, struct err *e)
{
	switch (how->how) {
	case GO:
		return debug_continue(g->d, e);
	case STEP:
		return debug_stepi(g->d, 1, e);
	default:
		return debug_step_range(g->d, how->from, how->to, e);
	}
}

/* Runs, and answers if the client that asked is still there. */
static void go(struct gdbstub *g, const struct going *how)
{
	const struct gdbstub_owner *o = &g->cfg.owner;
	u64 session = g->session;
	bool quick = how->how == STEP;
	struct err e;

	g->was_running = true;
	g->killed = false;
	if (!quick) {
		server_async(g, true);
		o->runs(o->arg, true);
	}
	g->goes = true;
	if (go_by(g, how, &e) && session == g->session)
		server_say(g, "The guest cannot go on.\n", 24);
	g->goes = false;
	if (!quick) {
		o->runs(o->arg, false);
		if (session == g->session)
			server_async(g, false);
	}
	if (session != g->session || g->client < 0)
		return;
	say_why(g);
	run_stop_reply(g);
}

/* "[ADDR]": where to go on. */
static bool set_pc(struct gdbstub *g, struct args *a)
{
	u64 pc;

	if (!a->len)
		return true;
	if (!args_hex(a, &pc) || a->len || pc > UINT32_MAX) {
		reply_errno(g, 1);
		return false;
	}
	return !reg_write(vm_cpu(g->vm), REG_pc, pc, NULL);
}

static bool set_signal_pc(struct gdbstub *g, struct args *a)
{
	u64 number;

	if (!args_hex(a, &number) || (a->len && !args_char(a, ';'))) {
		reply_errno(g, 1);
		return false;
	}
	return set_pc(g, a);
}

void packet_continue(struct gdbstub *g, struct args *a)
{
	if (set_pc(g, a))
		go(g, &(struct going){.how = GO});
}

void packet_step(struct gdbstub *g, struct args *a)
{
	if (set_pc(g, a))
		go(g, &(struct going){.how = STEP});
}

void packet_continue_signal(struct gdbstub *g, struct args *a)
{
	if (set_signal_pc(g, a))
		go(g, &(struct going){.how = GO});
}

void packet_step_signal(struct gdbstub *g, struct args *a)
{
	if (set_signal_pc(g, a))
		go(g, &(struct going){.how = STEP});
}

void packet_cont_query(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "vCont;c;C;s;S;t;r");
}

/* One action of vCont; false when it is none. */
static bool parse_action(struct args *a, struct going *how)
{
	u64 from = 0, to = 0;

	if (args_char(a, 'c') || args_char(a, 't'))
		how->how = GO;
	else if (args_char(a, 's'))
		how->how = STEP;
	else if (args_char(a, 'C') && args_hex(a, &from))
		how->how = GO;
	else if (args_char(a, 'S') && args_hex(a, &from))
		how->how = STEP;
	else if (args_char(a, 'r') && args_hex(a, &from) && args_char(a, ',') &&
		 args_hex(a, &to) && from <= UINT32_MAX && to <= UINT32_MAX)
		*how = (struct going){RANGE, (u32)from, (u32)to};
	else
		return false;
	return true;
}

/* ":THREAD", or nothing: is it for ours? */
static bool parse_thread(struct args *a, bool *ours)
{
	u64 id = 1;

	*ours = true;
	if (!args_char(a, ':'))
		return true;
	if (args_char(a, 'p') && (!args_hex(a, &id) || !args_char(a, '.')))
		return false;
	if (args_word(a, "-1"))
		return true;
	if (!args_hex(a, &id))
		return false;
	*ours = id <= 1;
	return true;
}

/* The first action for our thread counts. */
void packet_cont(struct gdbstub *g, struct args *a)
{
	struct going how = {GO, 0, 0}, one;
	bool ours, chosen = false;

	do {
		one = (struct going){GO, 0, 0};
		if (!parse_action(a, &one) || !parse_thread(a, &ours) ||
		    (a->len && *a->at != ';')) {
			reply_errno(g, 1);
			return;
		}
		if (ours && !chosen)
			how = one;
		chosen |= ours;
	} while (args_char(a, ';'));
	if (how.how == RANGE && how.from == how.to)
		how.how = STEP;
	go(g, &how);
}

void packet_ctrl_c(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply_ok(g);
}

/* ---- starting and ending ---- */

/* The guest is the client's again. */
static void hold(struct gdbstub *g)
{
	if (!g->detached)
		return;
	g->detached = g->wants_run = false;
	server_async(g, false);
	vm_stop_at_double_fault(g->vm, true);
}

/* The guest is let go, and the client stays; it may attach again. */
static void let_go(struct gdbstub *g)
{
	trace_forget(g);
	btrace_forget(g);
	vm_stop_at_double_fault(g->vm, false);
	debug_client_gone(g->d);
	g->detached = g->wants_run = true;
	server_async(g, true);
}

void packet_extended(struct gdbstub *g, struct args *a)
{
	(void)a;
	g->extended = true;
	reply_ok(g);
}

void packet_attach(struct gdbstub *g, struct args *a)
{
	(void)a;
	g->killed = false;
	g->libraries_told = false; /* it will ask */
	hold(g);
	run_stop_reply(g);
}

static bool reset(struct gdbstub *g)
{
	struct err e;

	g->killed = false;
	hold(g);
	if (!debug_reset(g->d, &e))
		return true;
	reply_error(g, "%s", e.text);
	return false;
}

void packet_run(struct gdbstub *g, struct args *a)
{
	(void)a;
	if (reset(g))
		run_stop_reply(g);
}

/* Has no reply: the client asks `?' next. */
void packet_restart(struct gdbstub *g, struct args *a)
{
	(void)a;
	reset(g);
	buf_clear(&g->reply);
}

void packet_detach(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply_ok(g);
	g->was_running = !run_is_over(g);
	if (g->extended && g->was_running) {
		let_go(g);
		return;
	}
	server_send(g);
	server_drop(g);
}

/* In extended mode the machine stays, at its first instruction. */
void packet_kill(struct gdbstub *g, struct args *a)
{
	(void)a;
	if (g->extended) {
		packet_vkill(g, a);
		buf_clear(&g->reply);
		return;
	}
	g->was_running = false;
	g->ends_with_client = true;
	server_drop(g);
}

void packet_vkill(struct gdbstub *g, struct args *a)
{
	(void)a;
	debug_client_gone(g->d);
	if (!reset(g))
		return;
	g->killed = true;
	g->was_running = false;
	g->ends_with_client = !g->extended;
	reply_ok(g);
}
