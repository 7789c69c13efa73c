/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See dev_fixture.h. */
#include "tests/unit/dev_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"

static u64 now(void *owner)
{
	struct machine *m = owner;

	return m->now;
}

static void intr_changed(void *owner)
{
	struct machine *m = owner;

	m->intr_changes++;
}

static void request(void *owner, enum bus_request what)
{
	struct machine *m = owner;

	m->requests |= what;
}

static void serial_out(void *owner, unsigned port, u8 byte)
{
	struct machine *m = owner;

	m->sent[port][m->sent_len[port]++ % 256] = byte;
}

static void debug_out(void *owner, u8 byte)
{
	struct machine *m = owner;

	m->debug[m->debug_len++ % 64] = byte;
}

struct machine *machine_new(bool has_apic)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct bus_config cfg = {
		.owner = m,
		.now = now,
		.intr_changed = intr_changed,
		.request = request,
		.serial_out = serial_out,
		.debug_out = debug_out,
		.start_time = 1172707199, /* 2007-02-28 23:59:59 */
		.has_apic = has_apic,
		.ram_size = 64 << 20,
	};
	struct err e;

	m->mem = mem_new(cfg.ram_size, &e);
	CHECK(m->mem, "%s", e.text);
	m->bus = bus_new(&cfg, m->mem, &e);
	CHECK(m->bus, "%s", e.text);
	return m;
}

void machine_free(struct machine *m)
{
	bus_free(m->bus);
	mem_free(m->mem);
	free(m);
}

void pass(struct machine *m, u64 ns)
{
	u64 end = m->now + ns;

	while (bus_next_deadline(m->bus) <= end) {
		m->now = bus_next_deadline(m->bus);
		bus_run_timers(m->bus, m->now);
	}
	m->now = end;
}

u8 in8(struct machine *m, u16 port)
{
	return (u8)bus_port_in(m->bus, port, 1);
}

void out8(struct machine *m, u16 port, u8 value)
{
	bus_port_out(m->bus, port, 1, value);
}

u32 in32(struct machine *m, u16 port)
{
	return bus_port_in(m->bus, port, 4);
}

void out32(struct machine *m, u16 port, u32 value)
{
	bus_port_out(m->bus, port, 4, value);
}

void pic_setup(struct machine *m)
{
	static const u8 words[2][4] = {{0x11, 0x20, 0x04, 0x01},
				       {0x11, 0x28, 0x02, 0x01}};

	for (unsigned chip = 0; chip < 2; chip++) {
		u16 port = chip ? 0xa0 : 0x20;

		out8(m, port, words[chip][0]);
		for (unsigned i = 1; i < 4; i++)
			out8(m, port + 1, words[chip][i]);
		out8(m, port + 1, 0);
	}
}

void collect(void *to, const char *fmt, ...)
{
	struct machine *m = to;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->text + m->text_len, sizeof(m->text) - m->text_len, fmt,
		      ap);
	va_end(ap);
	CHECK(n >= 0 && m->text_len + (unsigned)n < sizeof(m->text),
	      "too much text");
	m->text_len += (unsigned)n;
}
