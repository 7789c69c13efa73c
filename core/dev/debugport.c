/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ports that guests of emulators expect, and two of the PC's own that do a
 * thing or nothing:
 *
 *	E9h	prints a byte on the host; reads E9h, so a guest can tell
 *	F4h	ends the run with status (value << 1) | 1, as isa-debug-exit
 *	80h	POST code and the customary I/O delay; the last code is kept
 *	92h	port A: bit 1 gates A20, bit 0 resets the machine
 *	8A00h	asks for the debugger: 8A00h written to it opens it, then 8AE0h
 *		stops the guest (the I/O interface of Bochs' debugger)
 *
 * The exit port takes 1, 2 or 4 bytes; the status is what the host shell
 * sees, so only its low byte arrives there. */
#include "core/dev/dev_priv.h"

struct debugport {
	struct bus *bus;
	u8 post;
	u8 port_a;
	bool asked; /* 8A00h is open */
};

static u32 debugport_in(void *dev, u16 port, unsigned size)
{
	struct debugport *d = dev;

	(void)size;
	switch (port) {
	case 0xe9:
		return 0xe9;
	case 0x80:
		return d->post;
	case 0x92:
		return (d->port_a & ~2u) | (bus_a20(d->bus) ? 2 : 0);
	default:
		return 0;
	}
}

static void debugport_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct debugport *d = dev;
	const struct bus_config *cfg = bus_config(d->bus);

	(void)size;
	switch (port) {
	case 0xe9:
		if (cfg->debug_out)
			cfg->debug_out(cfg->owner, (u8)value);
		break;
	case 0xf4:
		bus_set_exit_status(d->bus, (int)(value << 1 | 1));
		bus_request(d->bus, BUS_EXIT);
		break;
	case 0x8a00:
		if (value == 0x8a00)
			d->asked = true;
		else if (value == 0x8ae0 && d->asked)
			bus_request(d->bus, BUS_BREAK);
		break;
	case 0x80:
		d->post = (u8)value;
		break;
	case 0x92:
		/* Only a rising bit 0 resets. */
		if ((value & 1) && !(d->port_a & 1))
			bus_request(d->bus, BUS_RESET);
		d->port_a = (u8)value;
		bus_set_a20(d->bus, value & 2);
		break;
	}
}

static void debugport_init(void *dev, struct bus *b,
			   const struct device_row *row)
{
	struct debugport *d = dev;

	(void)row;
	d->bus = b;
}

static void debugport_reset(void *dev)
{
	struct debugport *d = dev;

	d->post = 0;
	d->port_a = 2;
	d->asked = false;
}

static void debugport_show(void *dev, bus_print *out, void *to)
{
	struct debugport *d = dev;

	out(to, "  POST=%02x port_A=%02x A20=%d\n", d->post, d->port_a,
	    bus_a20(d->bus));
}

static const struct state_field debugport_state[] = {
	STATE(struct debugport, post, STATE_ANY),
	STATE(struct debugport, port_a, STATE_ANY),
	STATE(struct debugport, asked, 1),
	STATE_END,
};

const struct chip chip_debugport = {
	.name = "debug ports",
	.size = sizeof(struct debugport),
	.state = debugport_state,
	.init = debugport_init,
	.reset = debugport_reset,
	.show = debugport_show,
	.in = debugport_in,
	.out = debugport_out,
};
