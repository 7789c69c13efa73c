/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's firmware configuration device, the part that flat test kernels use
 * in place of a BIOS: how many processors, how much memory.
 *
 *	510h	word: selects an item and starts at its first byte
 *	511h	byte: the item's next byte; past its end 0
 *
 * Items are little endian.  There are no files (item 19h says so), no DMA
 * interface (bit 1 of item 1), and an unknown item is empty. */
#include "core/dev/dev_priv.h"

enum {
	SELECT = 0x510,
	ITEM_SIGNATURE = 0x00,
	ITEM_ID = 0x01,
	ITEM_RAM_SIZE = 0x03,
	ITEM_PROCESSORS = 0x05,
	ITEM_MAX_PROCESSORS = 0x0f,
};

struct fwcfg {
	struct bus *bus;
	u16 item;
	u16 at; /* next byte; never past the 8 that an item can have */
};

static u64 item_value(const struct fwcfg *f)
{
	switch (f->item) {
	case ITEM_SIGNATURE:
		return 0x554d4551; /* "QEMU" */
	case ITEM_ID:
	case ITEM_PROCESSORS:
	case ITEM_MAX_PROCESSORS:
		return 1;
	case ITEM_RAM_SIZE:
		return bus_config(f->bus)->ram_size;
	default:
		return 0;
	}
}

static u32 fwcfg_in(void *dev, u16 port, unsigned size)
{
	struct fwcfg *f = dev;

	(void)size;
	if (port == SELECT)
		return f->item & 0xff;
	if (f->at >= sizeof(u64))
		return 0;
	return (u8)(item_value(f) >> 8 * f->at++);
}

static void fwcfg_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct fwcfg *f = dev;

	if (port != SELECT || size != 2)
		return;
	f->item = (u16)value;
	f->at = 0;
}

static void fwcfg_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct fwcfg *f = dev;

	(void)row;
	f->bus = b;
}

static void fwcfg_reset(void *dev)
{
	struct fwcfg *f = dev;

	f->item = f->at = 0;
}

static void fwcfg_show(void *dev, bus_print *out, void *to)
{
	struct fwcfg *f = dev;

	out(to, "  item=%04x byte=%u\n", f->item, f->at);
}

static const struct state_field fwcfg_state[] = {
	STATE(struct fwcfg, item, STATE_ANY),
	STATE(struct fwcfg, at, 8),
	STATE_END,
};

const struct chip chip_fwcfg = {
	.name = "firmware configuration",
	.size = sizeof(struct fwcfg),
	.state = fwcfg_state,
	.init = fwcfg_init,
	.reset = fwcfg_reset,
	.show = fwcfg_show,
	.in = fwcfg_in,
	.out = fwcfg_out,
};
