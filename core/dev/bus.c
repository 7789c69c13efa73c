/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bus puts the devices of devices.def together: it finds who answers a
 * port, keeps the timers in order, carries interrupt lines to the PIC and
 * the IO-APIC, and passes what devices ask of the machine to its owner.
 *
 * A device is a row and a file; this file knows none of them by name except
 * the interrupt controllers, because arbitration between the 8259's INT wire
 * and the local APIC is the bus's own work:
 *
 *	devices --line--> PIC ---INT---> LINT0 (virtual wire) --+
 *	            |                                           +--> CPU
 *	            +---> IO-APIC --message--> local APIC IRR --+
 *
 * Port ranges are sorted once; a look-up is a binary search over some twenty
 * rows.  There are about ten timers, so the earliest is found by looking at
 * all of them when one is armed, and kept: asking for the deadline is a load.
 *
 * Whatever can change the answer to "is an interrupt pending" ends in
 * bus_intr_update(); the owner's hook runs when the answer changes. */
#include "core/dev/dev.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/dev/dev_priv.h"
#include "trace/trace.h"
#include "core/mem/mem.h"

enum {
	TIMER_MAX = 32,
};

struct port_range {
	u16 first;
	u16 last;
	u8 width;
	u8 device;
};

static const struct device_row device_rows[DEV_COUNT] = {
#define DEVICE(id, kind, base, irq, needs_apic, what) \
	[DEV_##id] = {#id, what, &chip_##kind, base, irq, needs_apic},
#include "core/dev/devices.def"
};

static const struct port_range port_rows[] = {
#define PORTS(id, first, count, width) \
	{first, (first) + (count)-1, width, DEV_##id},
#include "core/dev/devices.def"
};

struct mmio_row {
	gpa_t base;
	u64 len;
	u8 device;
};

static const struct mmio_row mmio_rows[] = {
#define MMIO(id, base, len) {base, len, DEV_##id},
#include "core/dev/devices.def"
};

/* The part of the bus that a snapshot keeps besides the devices. */
struct bus_state {
	u32 lines; /* ISA lines that are asserted */
	int exit_status;
	bool intr;
	bool a20;
};

struct bus {
	struct bus_config cfg;
	struct mem *mem;
	struct bus_state state;
	void *device[DEV_COUNT];
	struct port_range ports[ARRAY_LEN(port_rows)];
	unsigned port_count;
	u8 port_range[1 << 16]; /* place in ports + 1; 0: nobody's */
	struct timer *timers[TIMER_MAX];
	unsigned timer_count;
	u64 deadline;
};

/* ---- small services ---- */

void *bus_device(const struct bus *b, enum device_id id)
{
	return b->device[id];
}

const struct bus_config *bus_config(const struct bus *b)
{
	return &b->cfg;
}

struct mem *bus_mem(const struct bus *b)
{
	return b->mem;
}

u64 bus_now(const struct bus *b)
{
	return b->cfg.now(b->cfg.owner);
}

void bus_request(struct bus *b, enum bus_request what)
{
	if (b->cfg.request)
		b->cfg.request(b->cfg.owner, what);
}

int bus_exit_status(const struct bus *b)
{
	return b->state.exit_status;
}

void bus_set_exit_status(struct bus *b, int status)
{
	b->state.exit_status = status;
}

bool bus_a20(const struct bus *b)
{
	return b->state.a20;
}

void bus_set_a20(struct bus *b, bool on)
{
	b->state.a20 = on;
}

/* ---- timers ---- */

static bool fires_before(const struct timer *a, const struct timer *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static struct timer *earliest(const struct bus *b)
{
	struct timer *best = NULL;

	for (unsigned i = 0; i < b->timer_count; i++) {
		struct timer *t = b->timers[i];

		if (t->armed && (!best || fires_before(t, best)))
			best = t;
	}
	return best;
}

static void update_deadline(struct bus *b)
{
	struct timer *t = earliest(b);
	u64 deadline = t ? t->when : UINT64_MAX;

	if (deadline == b->deadline)
		return;
	b->deadline = deadline;
	if (b->cfg.deadline_changed)
		b->cfg.deadline_changed(b->cfg.owner);
}

void bus_timer_init(struct bus *b, struct timer *t, const char *name,
		    void (*fire)(void *dev, u64 now), void *dev)
{
	CHECK(b->timer_count < TIMER_MAX, "no room for timer %s", name);
	*t = (struct timer){
		.fire = fire,
		.dev = dev,
		.name = name,
		.order = b->timer_count,
	};
	b->timers[b->timer_count++] = t;
}

void bus_timer_arm(struct bus *b, struct timer *t, u64 when)
{
	t->when = when;
	t->armed = true;
	update_deadline(b);
}

void bus_timer_disarm(struct bus *b, struct timer *t)
{
	if (!t->armed)
		return;
	t->armed = false;
	update_deadline(b);
}

u64 bus_next_deadline(const struct bus *b)
{
	return b->deadline;
}

void bus_run_timers(struct bus *b, u64 now)
{
	while (b->deadline <= now) {
		struct timer *t = earliest(b);

		if (!t) /* a deadline of UINT64_MAX means none */
			return;
		t->armed = false;
		TRACE(dev_timer, .device = t->name, .due_ns = t->when);
		t->fire(t->dev, now);
		update_deadline(b);
	}
}

/* ---- interrupts ---- */

static bool extint_accepted(const struct bus *b)
{
	const void *lapic = b->device[DEV_lapic];

	return !lapic || lapic_accepts_extint(lapic) ||
	       ioapic_accepts_extint(b->device[DEV_ioapic]);
}

static bool look_for_interrupt(const struct bus *b)
{
	const void *lapic = b->device[DEV_lapic];

	if (lapic && lapic_pending(lapic))
		return true;
	return pic_output(b->device[DEV_pic]) && extint_accepted(b);
}

void bus_intr_update(struct bus *b)
{
	void *lapic = b->device[DEV_lapic];
	bool intr;

	if (lapic)
		lapic_lint0(lapic, pic_output(b->device[DEV_pic]));
	intr = look_for_interrupt(b);
	if (intr == b->state.intr)
		return;
	b->state.intr = intr;
	if (b->cfg.intr_changed)
		b->cfg.intr_changed(b->cfg.owner);
}

bool bus_intr_pending(struct bus *b)
{
	return b->state.intr;
}

int bus_intr_ack(struct bus *b)
{
	void *lapic = b->device[DEV_lapic];
	int vector = -1;

	if (lapic)
		vector = lapic_ack(lapic);
	if (vector < 0 && extint_accepted(b) && b->state.intr)
		vector = pic_ack(b->device[DEV_pic]);
	bus_intr_update(b);
	return vector;
}

bool bus_irq_level(const struct bus *b, unsigned line)
{
	return b->state.lines >> line & 1;
}

void bus_irq(struct bus *b, unsigned line, bool level)
{
	void *ioapic = b->device[DEV_ioapic];
	u32 bit = 1u << line;

	CHECK(line < 16, "ISA line %u", line);
	if (!(b->state.lines & bit) == !level)
		return;
	b->state.lines = level ? b->state.lines | bit : b->state.lines & ~bit;
	if (level)
		TRACE(dev_irq_raise, .line = (u8)line);
	else
		TRACE(dev_irq_lower, .line = (u8)line);
	pic_set_line(b->device[DEV_pic], line, level);
	/* The timer's line goes to pin 2, where the MP table says it is. */
	if (ioapic)
		ioapic_set_pin(ioapic, line ? line : 2, level);
	bus_intr_update(b);
}

void bus_apic_timer_event(struct bus *b)
{
	if (!b->device[DEV_lapic])
		return;
	lapic_timer_event(b->device[DEV_lapic]);
	bus_intr_update(b);
}

void bus_apic_base(struct bus *b, u64 value)
{
	if (!b->device[DEV_lapic])
		return;
	lapic_set_base(b->device[DEV_lapic], value);
	bus_intr_update(b);
}

/* ---- ports ---- */

static const struct port_range *find_port(const struct bus *b, u16 port)
{
	unsigned place = b->port_range[port];

	return place ? &b->ports[place - 1] : NULL;
}

static bool takes_whole(const struct port_range *r, u16 port, unsigned size)
{
	return size <= r->width && (unsigned)port + size - 1 <= r->last;
}

u32 bus_port_in(struct bus *b, u16 port, unsigned size)
{
	const struct port_range *r = find_port(b, port);
	u32 value = 0;

	if (r && takes_whole(r, port, size))
		return device_rows[r->device].chip->in(b->device[r->device],
						       port, size);
	if (size == 1)
		return 0xff;
	for (unsigned i = 0; i < size; i++) {
		unsigned at = port + i; /* beyond FFFFh there is nothing */

		value |= (at > 0xffff ? 0xff : bus_port_in(b, (u16)at, 1))
			 << (8 * i);
	}
	return value;
}

void bus_port_out(struct bus *b, u16 port, unsigned size, u32 value)
{
	const struct port_range *r = find_port(b, port);

	if (r && takes_whole(r, port, size)) {
		device_rows[r->device].chip->out(b->device[r->device], port,
						 size, value);
		return;
	}
	if (size == 1)
		return;
	for (unsigned i = 0; i < size && port + i <= 0xffff; i++)
		bus_port_out(b, (u16)(port + i), 1, (value >> (8 * i)) & 0xff);
}

/* An overlap is a mistake in devices.def. */
static void add_ports(struct bus *b, const struct port_range *row)
{
	_Static_assert(ARRAY_LEN(port_rows) < 256, "places are bytes");
	b->ports[b->port_count++] = *row;
	for (unsigned port = row->first; port <= row->last; port++) {
		CHECK(!b->port_range[port], "port %x claimed twice", port);
		b->port_range[port] = (u8)b->port_count;
	}
}

/* ---- making and unmaking ---- */

static bool is_present(const struct bus *b, unsigned device)
{
	return b->cfg.has_apic || !device_rows[device].needs_apic;
}

static int add_device_memory(struct bus *b, struct err *e)
{
	for (unsigned i = 0; i < ARRAY_LEN(mmio_rows); i++) {
		const struct mmio_row *row = &mmio_rows[i];
		const struct device_row *device = &device_rows[row->device];
		struct mmio range = {
			.base = row->base,
			.len = row->len,
			.name = device->id,
			.dev = b->device[row->device],
			.read = device->chip->mmio_read,
			.write = device->chip->mmio_write,
		};

		if (range.dev && mem_add_mmio(b->mem, &range, e))
			return -1;
	}
	return 0;
}

struct bus *bus_new(const struct bus_config *cfg, struct mem *m, struct err *e)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (!b) {
		err_set(e, "devices: out of memory");
		return NULL;
	}
	b->cfg = *cfg;
	b->mem = m;
	b->deadline = UINT64_MAX;
	for (unsigned i = 0; i < DEV_COUNT; i++) {
		if (!is_present(b, i))
			continue;
		b->device[i] = calloc(1, device_rows[i].chip->size);
		if (!b->device[i]) {
			err_set(e, "%s: out of memory", device_rows[i].id);
			bus_free(b);
			return NULL;
		}
	}
	for (unsigned i = 0; i < DEV_COUNT; i++)
		if (b->device[i])
			device_rows[i].chip->init(b->device[i], b,
						  &device_rows[i]);
	for (unsigned i = 0; i < ARRAY_LEN(port_rows); i++)
		if (b->device[port_rows[i].device])
			add_ports(b, &port_rows[i]);
	if (add_device_memory(b, e)) {
		bus_free(b);
		return NULL;
	}
	bus_reset(b);
	return b;
}

void bus_free(struct bus *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < DEV_COUNT; i++)
		free(b->device[i]);
	free(b);
}

/* Interrupt controllers come first in devices.def, so a device that moves
 * its line while it is reset finds them ready. */
void bus_reset(struct bus *b)
{
	for (unsigned i = 0; i < b->timer_count; i++)
		b->timers[i]->armed = false;
	b->state = (struct bus_state){.a20 = true};
	for (unsigned i = 0; i < DEV_COUNT; i++)
		if (b->device[i])
			device_rows[i].chip->reset(b->device[i]);
	update_deadline(b);
	bus_intr_update(b);
}

/* ---- what is saved ---- */

const struct state_field timer_state[] = {
	STATE(struct timer, when, STATE_ANY),
	STATE(struct timer, armed, 1),
	STATE_END,
};

static const struct state_field lines_state[] = {
	STATE(struct bus_state, lines, 0xffff),
	STATE(struct bus_state, exit_status, STATE_ANY),
	STATE(struct bus_state, intr, 1),
	STATE(struct bus_state, a20, 1),
	STATE_END,
};

void bus_state(struct bus *b, struct state_list *to)
{
	state_list_add(to, &(struct state_part){.name = "bus",
						.fields = lines_state,
						.at = &b->state,
						.size = sizeof(b->state)});
	for (unsigned i = 0; i < DEV_COUNT; i++) {
		const struct chip *chip = device_rows[i].chip;

		if (b->device[i])
			state_list_add(to, &(struct state_part){
						   device_rows[i].id,
						   chip->state, b->device[i],
						   chip->size, chip->wrong});
	}
}

void bus_check(const struct bus *b)
{
	const struct timer *t = earliest(b);

	CHECK(b->deadline == (t ? t->when : UINT64_MAX),
	      "the next timer is not the earliest");
	CHECK(b->state.intr == look_for_interrupt(b),
	      "an interrupt came or went unnoticed");
}

void bus_loaded(struct bus *b)
{
	update_deadline(b);
	b->state.intr = look_for_interrupt(b); /* a file may lie */
	b->cfg.intr_changed(b->cfg.owner);
}

/* ---- the outside world ---- */

bool bus_serial_in(struct bus *b, unsigned port, u8 byte)
{
	return uart_receive(b->device[port ? DEV_com2 : DEV_com1], byte);
}

void bus_key_in(struct bus *b, u8 scancode)
{
	kbd_key(b->device[DEV_kbd], scancode);
}

unsigned bus_key_room(const struct bus *b)
{
	return kbd_room(b->device[DEV_kbd]);
}

static void show_device(struct bus *b, unsigned i, bus_print *out, void *to)
{
	const struct device_row *row = &device_rows[i];

	if (!b->device[i])
		return;
	out(to, "%s: %s\n", row->id, row->what);
	if (row->chip->show)
		row->chip->show(b->device[i], out, to);
}

static const char *line_owner(unsigned line)
{
	for (unsigned i = 0; i < DEV_COUNT; i++)
		if (device_rows[i].irq == (int)line)
			return device_rows[i].id;
	return "a device";
}

/* An asserted line, and what the controllers make of it. */
static void show_line(const struct bus *b, unsigned line, bus_print *out,
		      void *to)
{
	void *ioapic = b->device[DEV_ioapic];

	out(to, "IRQ %u (%s) is high: ", line, line_owner(line));
	pic_show_line(b->device[DEV_pic], line, out, to);
	if (ioapic) {
		out(to, "; ");
		ioapic_show_pin(ioapic, line ? line : 2, out, to);
	}
	out(to, "\n");
}

void bus_show_irq(struct bus *b, bus_print *out, void *to)
{
	for (unsigned line = 0; line < 16; line++)
		if (b->state.lines >> line & 1)
			show_line(b, line, out, to);
	if (!b->state.lines)
		out(to, "no IRQ is high\n");
	if (b->device[DEV_lapic])
		lapic_show_waiting(b->device[DEV_lapic], out, to);
	if (pic_output(b->device[DEV_pic]) && !extint_accepted(b))
		out(to, "the PIC's INT is not passed on: LINT0 of the local "
			"APIC is masked or not ExtINT\n");
	show_device(b, DEV_pic, out, to);
	show_device(b, DEV_lapic, out, to);
	show_device(b, DEV_ioapic, out, to);
}

const char *bus_device_name(const struct bus *b, unsigned i)
{
	if (i >= DEV_COUNT)
		return NULL;
	return b->device[i] ? device_rows[i].id : "";
}

bool bus_show_named(struct bus *b, const char *name, bus_print *out, void *to)
{
	for (unsigned i = 0; i < DEV_COUNT; i++)
		if (b->device[i] && !strcmp(device_rows[i].id, name)) {
			show_device(b, i, out, to);
			return true;
		}
	return false;
}

void bus_show_devices(struct bus *b, bus_print *out, void *to)
{
	for (unsigned i = 0; i < DEV_COUNT; i++)
		show_device(b, i, out, to);
	for (unsigned i = 0; i < b->timer_count; i++)
		if (b->timers[i]->armed)
			out(to, "timer %s: at %llu ns\n", b->timers[i]->name,
			    (unsigned long long)b->timers[i]->when);
}

void bus_show_screen(struct bus *b, bus_print *out, void *to)
{
	vga_show_screen(b->device[DEV_vga], out, to);
}
