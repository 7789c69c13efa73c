/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 82093AA IO-APIC at FEC00000h: 24 pins, each with a redirection entry that
 * says which vector its interrupt becomes and where it goes.
 *
 * Registers are reached through an index (IOREGSEL, offset 0) and a window
 * (IOWIN, offset 10h).  An edge pin sends one message when its wire rises; a
 * masked edge is lost.  A level pin sends when its wire is up and Remote IRR
 * is clear, sets Remote IRR, and sends again at EOI if the wire is still up.
 *
 * Wires carry "asserted", so the polarity bit is only remembered.  ISA line
 * n is pin n, except the timer's, which is pin 2; pin 0 is the 8259's INT,
 * which counts only in ExtINT mode. */
#include <string.h>

#include "core/dev/dev_priv.h"

enum {
	PINS = 24,
	REG_ID = 0,
	REG_VERSION = 1,
	REG_ARBITRATION = 2,
	REG_REDIRECTION = 0x10,
	VERSION = (PINS - 1) << 16 | 0x11,
	RED_LOGICAL = 1 << 11,
	RED_REMOTE_IRR = 1 << 14,
	RED_LEVEL = 1 << 15,
	RED_MASKED = 1 << 16,
	RED_WRITABLE = 0x1afff, /* low half: all but status and Remote IRR */
	MODE_FIXED = 0,
	MODE_LOWEST = 1,
	MODE_NMI = 4,
	MODE_EXTINT = 7,
};

struct redirection {
	u32 low;
	u32 high;
};

struct ioapic {
	struct bus *bus;
	u32 id;
	u8 index;
	u32 wires;
	struct redirection pin[PINS];
};

static unsigned mode_of(const struct redirection *r)
{
	return r->low >> 8 & 7;
}

static void send(struct ioapic *a, struct redirection *r)
{
	void *lapic = bus_device(a->bus, DEV_lapic);
	bool level = r->low & RED_LEVEL;

	if (!lapic_is_destination(lapic, r->high >> 24, r->low & RED_LOGICAL))
		return;
	switch (mode_of(r)) {
	case MODE_FIXED:
	case MODE_LOWEST:
		if (level)
			r->low |= RED_REMOTE_IRR;
		lapic_deliver(lapic, r->low & 0xff, level);
		break;
	case MODE_NMI:
		bus_request(a->bus, BUS_NMI);
		break;
	}
}

static void send_if_level(struct ioapic *a, unsigned pin)
{
	struct redirection *r = &a->pin[pin];

	if ((a->wires >> pin & 1) &&
	    (r->low & (RED_LEVEL | RED_MASKED | RED_REMOTE_IRR)) == RED_LEVEL)
		send(a, r);
}

void ioapic_set_pin(void *dev, unsigned pin, bool level)
{
	struct ioapic *a = dev;
	struct redirection *r = &a->pin[pin];
	bool rises = level && !(a->wires >> pin & 1);

	a->wires = level ? a->wires | 1u << pin : a->wires & ~(1u << pin);
	if (r->low & RED_LEVEL)
		send_if_level(a, pin);
	else if (rises && !(r->low & RED_MASKED))
		send(a, r);
}

void ioapic_eoi(void *dev, unsigned vector)
{
	struct ioapic *a = dev;

	for (unsigned i = 0; i < PINS; i++) {
		struct redirection *r = &a->pin[i];

		if ((r->low & 0xff) != vector || !(r->low & RED_REMOTE_IRR))
			continue;
		r->low &= ~(u32)RED_REMOTE_IRR;
		send_if_level(a, i);
	}
}

bool ioapic_accepts_extint(const void *dev)
{
	const struct ioapic *a = dev;

	return mode_of(&a->pin[0]) == MODE_EXTINT &&
	       !(a->pin[0].low & RED_MASKED);
}

static u32 read_window(const struct ioapic *a)
{
	unsigned n = (a->index - REG_REDIRECTION) / 2u;

	switch (a->index) {
	case REG_ID:
	case REG_ARBITRATION:
		return a->id;
	case REG_VERSION:
		return VERSION;
	}
	if (a->index < REG_REDIRECTION || n >= PINS)
		return 0;
	return a->index & 1 ? a->pin[n].high : a->pin[n].low;
}

static void write_redirection(struct ioapic *a, unsigned n, u32 value)
{
	struct redirection *r = &a->pin[n];

	if (a->index & 1) {
		r->high = value & 0xff000000;
		return;
	}
	r->low = (r->low & RED_REMOTE_IRR) | (value & RED_WRITABLE);
	/* An edge pin has no Remote IRR; kernels clear a stuck one so. */
	if (!(r->low & RED_LEVEL))
		r->low &= ~(u32)RED_REMOTE_IRR;
	send_if_level(a, n);
}

static void write_window(struct ioapic *a, u32 value)
{
	unsigned n = (a->index - (unsigned)REG_REDIRECTION) / 2;

	if (a->index == REG_ID)
		a->id = value & 0x0f000000;
	else if (a->index >= REG_REDIRECTION && n < PINS)
		write_redirection(a, n, value);
}

static u32 ioapic_read(void *dev, u32 offset, unsigned size)
{
	struct ioapic *a = dev;
	u32 value = 0;

	if (offset == 0)
		value = a->index;
	else if (offset == 0x10)
		value = read_window(a);
	return size == 4 ? value : value & ((1u << size * 8) - 1);
}

static void ioapic_write(void *dev, u32 offset, unsigned size, u32 value)
{
	struct ioapic *a = dev;

	if (offset == 0)
		a->index = (u8)value;
	else if (offset == 0x10 && size == 4)
		write_window(a, value);
	bus_intr_update(a->bus);
}

static void ioapic_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct ioapic *a = dev;

	(void)row;
	a->bus = b;
}

static void ioapic_reset(void *dev)
{
	struct ioapic *a = dev;

	a->id = 1u << 24; /* as the MP table and the MADT say */
	a->index = 0;
	a->wires = 0;
	for (unsigned i = 0; i < PINS; i++)
		a->pin[i] = (struct redirection){.low = RED_MASKED};
}

void ioapic_show_pin(const void *dev, unsigned pin, bus_print *out, void *to)
{
	const struct ioapic *a = dev;
	const struct redirection *r = &a->pin[pin];

	out(to, "IO-APIC pin %u: ", pin);
	if (r->low & RED_MASKED)
		out(to, "masked");
	else if (r->low & RED_REMOTE_IRR)
		out(to, "sent as vector %02xh; its EOI has not come",
		    r->low & 0xffu);
	else if (!(r->low & RED_LEVEL))
		out(to, "sent as vector %02xh when its line rose",
		    r->low & 0xffu);
	else if (!lapic_is_destination(bus_device(a->bus, DEV_lapic),
				       (u8)(r->high >> 24),
				       r->low & RED_LOGICAL))
		out(to, "goes to APIC %02x, which is not there", r->high >> 24);
	else
		out(to, "is sent as vector %02xh", r->low & 0xffu);
}

static void ioapic_show(void *dev, bus_print *out, void *to)
{
	struct ioapic *a = dev;

	out(to, "  ID=%08x IOREGSEL=%02x wires=%06x\n", a->id, a->index,
	    a->wires);
	for (unsigned i = 0; i < PINS; i++) {
		const struct redirection *r = &a->pin[i];

		if (r->low == RED_MASKED && !r->high)
			continue;
		out(to, "  pin %u: vector=%02x mode=%u to %02x %s %s%s%s\n", i,
		    r->low & 0xff, mode_of(r), r->high >> 24,
		    r->low & RED_LOGICAL ? "logical" : "physical",
		    r->low & RED_LEVEL ? "level" : "edge",
		    r->low & RED_REMOTE_IRR ? " remote-IRR" : "",
		    r->low & RED_MASKED ? " masked" : "");
	}
}

static const struct state_field redirection_state[] = {
	STATE(struct redirection, low, STATE_ANY),
	STATE(struct redirection, high, STATE_ANY),
	STATE_END,
};

static const struct state_field ioapic_state[] = {
	STATE(struct ioapic, id, STATE_ANY),
	STATE(struct ioapic, index, STATE_ANY),
	STATE(struct ioapic, wires, STATE_ANY),
	STATE_ARRAY_OF(struct ioapic, pin, redirection_state),
	STATE_END,
};

const struct chip chip_ioapic = {
	.name = "82093AA",
	.size = sizeof(struct ioapic),
	.state = ioapic_state,
	.init = ioapic_init,
	.reset = ioapic_reset,
	.show = ioapic_show,
	.mmio_read = ioapic_read,
	.mmio_write = ioapic_write,
};
