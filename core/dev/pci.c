/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI configuration space by mechanism 1: an address at CF8h, data at CFCh.
 * There is one function, the host bridge 8086:1237 at 00:00.0; everything
 * else reads as absent, all ones.
 *
 * CF8h is an address only as a 32-bit write; the byte at CF9h between is the
 * chip set's reset control register, where a rising bit 2 resets. */
#include <string.h>

#include "core/dev/dev_priv.h"

enum {
	CONFADD = 0xcf8,
	RESET_CONTROL = 0xcf9,
	CONFDATA = 0xcfc,
	ENABLED = 1u << 31,
	RESET_CPU = 4,
};

struct pci {
	struct bus *bus;
	u32 address;
	u8 reset_control;
	u8 bridge[256]; /* configuration space of 00:00.0 */
};

static u32 part(u32 value, unsigned shift, unsigned size)
{
	value >>= shift * 8;
	return size == 4 ? value : value & ((1u << size * 8) - 1);
}

/* Where the data port points, NULL when nobody is there. */
static u8 *target(struct pci *p, u16 port)
{
	if (!(p->address & ENABLED) || (p->address & 0xffff00))
		return NULL;
	return &p->bridge[(p->address & 0xfc) + (port & 3)];
}

static u32 pci_in(void *dev, u16 port, unsigned size)
{
	struct pci *p = dev;
	u32 value = 0;
	const u8 *at;

	if (port == RESET_CONTROL && size == 1)
		return p->reset_control;
	if (port < CONFDATA)
		return part(p->address, port & 3, size);
	at = target(p, port);
	if (!at || (port & 3) + size > 4)
		return part(~0u, 0, size);
	memcpy(&value, at, size);
	return value;
}

/* Only the command register's bits and the chip set's own space above 40h
 * can be written; the identification cannot. */
static void write_bridge(struct pci *p, unsigned reg, u8 value)
{
	if (reg == 4)
		p->bridge[reg] = (value & 0x04) | 0x03;
	else if (reg >= 0x40)
		p->bridge[reg] = value;
}

static void pci_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct pci *p = dev;
	u8 *at;

	if (port == CONFADD && size == 4) {
		p->address = value & 0x80fffffc;
		return;
	}
	if (port == RESET_CONTROL && size == 1) {
		if ((value & RESET_CPU) && !(p->reset_control & RESET_CPU))
			bus_request(p->bus, BUS_RESET);
		p->reset_control = value & 0x0e;
		return;
	}
	at = port >= CONFDATA ? target(p, port) : NULL;
	if (!at || (port & 3) + size > 4)
		return;
	for (unsigned i = 0; i < size; i++)
		write_bridge(p, (unsigned)(at - p->bridge) + i,
			     (u8)(value >> (8 * i)));
}

static void pci_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct pci *p = dev;

	(void)row;
	p->bus = b;
}

static void pci_reset(void *dev)
{
	static const u8 identity[16] = {
		0x86, 0x80, 0x37, 0x12, /* Intel 82441FX */
		0x03, 0x00, 0x00, 0x02, /* command, status: medium DEVSEL */
		0x02, 0x00, 0x00, 0x06, /* revision 2, host bridge */
	};
	struct pci *p = dev;

	p->address = 0;
	p->reset_control = 0;
	memset(p->bridge, 0, sizeof(p->bridge));
	memcpy(p->bridge, identity, sizeof(identity));
}

static void pci_show(void *dev, bus_print *out, void *to)
{
	struct pci *p = dev;

	out(to, "  CONFADD=%08x; 00:00.0 8086:1237 host bridge\n", p->address);
}

static const struct state_field pci_state[] = {
	STATE(struct pci, address, STATE_ANY),
	STATE(struct pci, reset_control, STATE_ANY),
	STATE_ARRAY(struct pci, bridge, STATE_ANY),
	STATE_END,
};

const struct chip chip_pci = {
	.name = "PCI",
	.size = sizeof(struct pci),
	.state = pci_state,
	.init = pci_init,
	.reset = pci_reset,
	.show = pci_show,
	.in = pci_in,
	.out = pci_out,
};
