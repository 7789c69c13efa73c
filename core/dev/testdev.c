/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's `pc-testdev', by which test suites for processors and platforms see
 * what a machine does with devices, without having to know one:
 *
 *	E0h	four bytes that read as they were written
 *	E4h	a page number: QEMU then gives the page away; here it is kept
 *	2000h	16 ports: ISA line N is raised by a write of not 0 to 2000h+N,
 *		lowered by 0
 *	FF000000h	64 KiB of device memory that holds what is written
 *
 * The memory is a device's: no instruction reaches it without asking here, in
 * pieces of at most four bytes, so it shows whether an operand of any form is
 * carried to a device as to memory. */
#include <string.h>

#include "core/dev/dev_priv.h"

enum { PORT_ECHO = 0xe0, PORT_LINES = 0x2000, MEMORY = 0x10000 };

struct testdev {
	struct bus *bus;
	u8 echo[4];
	u8 memory[MEMORY];
};

static u32 load(const u8 *at, unsigned size)
{
	u32 value = 0;

	memcpy(&value, at, size);
	return value;
}

static u32 testdev_in(void *dev, u16 port, unsigned size)
{
	struct testdev *d = dev;

	if (port - PORT_ECHO < 4)
		return load(d->echo + (port & 3), size);
	return 0;
}

static void testdev_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct testdev *d = dev;

	if (port >= PORT_LINES)
		bus_irq(d->bus, port - PORT_LINES, value != 0);
	else if (port - PORT_ECHO < 4)
		memcpy(d->echo + (port & 3), &value, size);
}

static u32 testdev_mmio_read(void *dev, u32 offset, unsigned size)
{
	struct testdev *d = dev;

	return load(d->memory + offset, size);
}

static void testdev_mmio_write(void *dev, u32 offset, unsigned size, u32 value)
{
	struct testdev *d = dev;

	memcpy(d->memory + offset, &value, size);
}

static void testdev_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct testdev *d = dev;

	(void)row;
	d->bus = b;
}

static void testdev_reset(void *dev)
{
	struct testdev *d = dev;

	memset(d->echo, 0, sizeof(d->echo));
}

static void testdev_show(void *dev, bus_print *out, void *to)
{
	struct testdev *d = dev;

	out(to, "  echo=%08x\n", load(d->echo, 4));
}

static const struct state_field testdev_state[] = {
	STATE_ARRAY(struct testdev, echo, STATE_ANY),
	STATE_ARRAY(struct testdev, memory, STATE_ANY),
	STATE_END,
};

const struct chip chip_testdev = {
	.name = "test device",
	.size = sizeof(struct testdev),
	.state = testdev_state,
	.init = testdev_init,
	.reset = testdev_reset,
	.show = testdev_show,
	.in = testdev_in,
	.out = testdev_out,
	.mmio_read = testdev_mmio_read,
	.mmio_write = testdev_mmio_write,
};
