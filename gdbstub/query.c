/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about both sides, threads, and `monitor'. */
#include "gdbstub/stub_priv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/cpu/cpu.h"

/* ---- what both sides can do ---- */

static bool has_word(const struct args *a, const char *word)
{
	return a->len && memmem(a->at, a->len, word, strlen(word));
}

void packet_supported(struct gdbstub *g, struct args *a)
{
	g->knows_swbreak = has_word(a, "swbreak+");
	g->knows_hwbreak = has_word(a, "hwbreak+");
	reply(g, "PacketSize=%x", PACKET_SIZE);
	packet_words(&g->reply);
	xfer_words(&g->reply);
}

/* Takes effect with this packet's reply: its acknowledgement is not waited
 * for either way. */
void packet_no_ack(struct gdbstub *g, struct args *a)
{
	(void)a;
	g->no_ack = true;
	reply_ok(g);
}

void packet_symbol(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply_ok(g);
}

void packet_host_info(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "triple:");
	hex_encode(&g->reply, "i386-unknown-none", 17);
	reply(g, ";endian:little;ptrsize:4;hostname:");
	hex_encode(&g->reply, "vitrine", 7);
	reply(g, ";");
}

void packet_process_info(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "pid:1;triple:");
	hex_encode(&g->reply, "i386-unknown-none", 17);
	reply(g, ";endian:little;ptrsize:4;");
}

/* ---- the one thread ---- */

/* "1", "0", "-1", and what multiprocess clients say; false: another one. */
static bool is_thread(struct args *a)
{
	u64 id;

	if (args_char(a, 'p')) {
		if (!args_word(a, "-1") && !args_hex(a, &id))
			return false;
		if (!args_char(a, '.'))
			return true;
	}
	if (args_word(a, "-1"))
		return true;
	return args_hex(a, &id) && id <= 1;
}

void packet_thread(struct gdbstub *g, struct args *a)
{
	if (!a->len || !strchr("gcs", *a->at) || !args_char(a, *a->at) ||
	    !is_thread(a))
		reply_errno(g, 1);
	else
		reply_ok(g);
}

void packet_alive(struct gdbstub *g, struct args *a)
{
	if (is_thread(a) && !run_is_over(g))
		reply_ok(g);
	else
		reply_errno(g, 1);
}

void packet_current(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "QC1");
}

void packet_first_threads(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, run_is_over(g) ? "l" : "m1");
}

void packet_more_threads(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "l");
}

/* "CPL 0, 32-bit, paging on, VMI" */
void thread_text(struct gdbstub *g, struct buf *out)
{
	const struct cpu *c = vm_cpu(g->vm);

	buf_printf(out, "CPL %u, %s, paging %s%s%s%s", c->cpl,
		   cpu_is_real(c)                 ? "real mode"
		   : cpu_is_vm86(c)               ? "virtual-8086"
		   : c->seg[SEG_CS].attr & SEG_DB ? "32-bit"
						  : "16-bit",
		   !(c->cr0 & CR0_PG) ? "off"
		   : c->cr4 & CR4_PAE ? "on (PAE)"
				      : "on",
		   c->iflag ? "" : ", interrupts off",
		   c->halted ? ", halted" : "", vm_shows_vmi(g->vm) ? ", VMI" : ", BT");
}

void packet_thread_extra(struct gdbstub *g, struct args *a)
{
	struct buf text = {0};

	if (!is_thread(a)) {
		reply_errno(g, 1);
		return;
	}
	thread_text(g, &text);
	hex_encode(&g->reply, text.data, text.len);
	buf_free(&text);
}

void packet_attached(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "1");
}

bool make_threads(struct gdbstub *g, const char *annex, struct buf *out)
{
	if (*annex)
		return false;
	buf_printf(out, "<?xml version=\"1.0\"?>\n<threads>\n");
	if (!run_is_over(g)) {
		buf_printf(out, "<thread id=\"1\" core=\"0\" name=\"cpu0\">");
		thread_text(g, out);
		buf_printf(out, "</thread>\n");
	}
	buf_printf(out, "</threads>\n");
	return true;
}

/* ---- monitor ---- */

/* The registers that a client has seen, for a comparison. */
struct seen {
	u32 gpr[8], eip;
};

static struct seen see(const struct gdbstub *g)
{
	const struct cpu *c = vm_cpu(g->vm);
	struct seen s = {.eip = c->eip};

	memcpy(s.gpr, c->gpr, sizeof(s.gpr));
	return s;
}

/* No answer to a command makes gdb read registers again. */
static void tell_moved(struct gdbstub *g, const struct seen *before,
		       struct buf *text)
{
	struct seen now = see(g);

	if (g->told_moved || !memcmp(before, &now, sizeof(now)))
		return;
	g->told_moved = true;
	buf_printf(text, "(gdb does not see that registers changed: "
			 "`maintenance flush register-cache' tells it)\n");
}

void packet_monitor(struct gdbstub *g, struct args *a)
{
	const struct gdbstub_owner *o = &g->cfg.owner;
	struct seen before = see(g);
	struct buf text = {0};
	u64 session = g->session;
	struct err e;
	char *line = malloc(a->len / 2 + 1);

	NEED_MEMORY(line, "a line");
	if (a->len % 2 || !hex_decode(a->at, a->len / 2, line)) {
		free(line);
		reply_errno(g, 1);
		return;
	}
	line[a->len / 2] = '\0';
	server_async(g, true); /* the command may let the guest run */
	g->monitors = true;
	if (o->monitor(o->arg, line, &text, &e))
		buf_printf(&text, "%s\n", e.text);
	g->monitors = false;
	free(line);
	if (session == g->session && g->client >= 0) {
		server_async(g, false);
		tell_moved(g, &before, &text);
		if (text.len && !g->given_up)
			server_say(g, text.data, text.len);
		reply_ok(g);
	}
	buf_free(&text);
}

/* ---- as QEMU's stub ---- */

enum { SSTEP_ENABLE = 1, SSTEP_NOIRQ = 2, SSTEP_NOTIMER = 4 };

void packet_sstep_bits(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "ENABLE=%x,NOIRQ=%x,NOTIMER=%x", SSTEP_ENABLE, SSTEP_NOIRQ,
	      SSTEP_NOTIMER);
}

void packet_sstep(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "0x%x",
	      debug_step_interrupts(g->d)
		      ? SSTEP_ENABLE
		      : SSTEP_ENABLE | SSTEP_NOIRQ | SSTEP_NOTIMER);
}

void packet_set_sstep(struct gdbstub *g, struct args *a)
{
	u64 bits;

	if (args_word(a, "0x") && !a->len) {
		reply_errno(g, 1);
		return;
	}
	if (!args_hex(a, &bits) || a->len || bits > 7) {
		reply_errno(g, 0x22);
		return;
	}
	debug_set_step_interrupts(g->d, !(bits & SSTEP_NOIRQ));
	reply_ok(g);
}
