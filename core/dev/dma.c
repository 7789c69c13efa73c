/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two 8237A DMA controllers and their page registers, as plain registers.
 * No device of this machine does ISA DMA; kernels still program and read
 * back the controllers when they start.
 *
 * Address and count registers are 16 bits behind one 8-bit port, with a
 * flip-flop that chooses the byte and that port 0Ch (D8h) clears.  The second
 * controller is the same chip with its ports two apart. */
#include <string.h>

#include "core/dev/dev_priv.h"

struct i8237 {
	u16 reg[8]; /* address, count of channels 0-3 */
	u8 command;
	u8 mask;
	bool high_byte; /* the flip-flop */
};

struct dma {
	struct bus *bus;
	struct i8237 chip[2];
	u8 page[16];
};

static u32 dma_in(void *dev, u16 port, unsigned size)
{
	struct dma *d = dev;
	struct i8237 *c = &d->chip[port >= 0xc0];
	unsigned reg = port >= 0xc0 ? (port - 0xc0u) / 2 : port;
	u32 value;

	(void)size;
	if (port >= 0x80 && port < 0x90)
		return d->page[port & 15];
	if (reg >= 8)
		return reg == 15 ? c->mask : 0; /* status: nothing pending */
	value = c->high_byte ? c->reg[reg] >> 8 : c->reg[reg] & 0xff;
	c->high_byte = !c->high_byte;
	return value;
}

static void dma_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct dma *d = dev;
	struct i8237 *c = &d->chip[port >= 0xc0];
	unsigned reg = port >= 0xc0 ? (port - 0xc0u) / 2 : port;
	u8 bit = 1u << (value & 3);

	(void)size;
	if (port >= 0x80 && port < 0x90) {
		d->page[port & 15] = (u8)value;
		return;
	}
	if (reg < 8) {
		if (c->high_byte)
			c->reg[reg] = (u16)((c->reg[reg] & 0xff) | value << 8);
		else
			c->reg[reg] = (u16)((c->reg[reg] & 0xff00) | value);
		c->high_byte = !c->high_byte;
		return;
	}
	switch (reg) {
	case 8:
		c->command = (u8)value;
		break;
	case 10: /* one mask bit */
		c->mask = value & 4 ? c->mask | bit : c->mask & ~bit;
		break;
	case 12:
		c->high_byte = false;
		break;
	case 13: /* master clear */
		memset(c, 0, sizeof(*c));
		c->mask = 15;
		break;
	case 14:
		c->mask = 0;
		break;
	case 15:
		c->mask = value & 15;
		break;
	}
}

static void dma_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct dma *d = dev;

	(void)row;
	d->bus = b;
}

static void dma_reset(void *dev)
{
	struct dma *d = dev;

	memset(d->chip, 0, sizeof(d->chip));
	memset(d->page, 0, sizeof(d->page));
	d->chip[0].mask = 15;
	d->chip[1].mask = 15;
}

static void dma_show(void *dev, bus_print *out, void *to)
{
	struct dma *d = dev;

	out(to, "  masks %x %x, commands %02x %02x\n", d->chip[0].mask,
	    d->chip[1].mask, d->chip[0].command, d->chip[1].command);
}

static const struct state_field i8237_state[] = {
	STATE_ARRAY(struct i8237, reg, STATE_ANY),
	STATE(struct i8237, command, STATE_ANY),
	STATE(struct i8237, mask, STATE_ANY),
	STATE(struct i8237, high_byte, 1),
	STATE_END,
};

static const struct state_field dma_state[] = {
	STATE_ARRAY_OF(struct dma, chip, i8237_state),
	STATE_ARRAY(struct dma, page, STATE_ANY),
	STATE_END,
};

const struct chip chip_dma = {
	.name = "8237A",
	.size = sizeof(struct dma),
	.state = dma_state,
	.init = dma_init,
	.reset = dma_reset,
	.show = dma_show,
	.in = dma_in,
	.out = dma_out,
};
