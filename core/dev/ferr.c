/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a PC does with x87 errors while CR0.NE is clear (SDM 1 8.7.2): the
 * processor's FERR# raises IRQ 13, and any write to port F0h takes that back
 * and asserts IGNNE#, which holds until the error is gone. */
#include "core/dev/dev_priv.h"

struct ferr {
	struct bus *bus;
	unsigned irq;
	bool error; /* the latch behind IRQ 13 */
};

static u32 ferr_in(void *dev, u16 port, unsigned size)
{
	(void)dev;
	(void)port;
	(void)size;
	return 0xff;
}

static void ferr_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct ferr *f = dev;
	const struct bus_config *cfg = bus_config(f->bus);

	(void)port;
	(void)size;
	(void)value;
	if (!f->error)
		return;
	f->error = false;
	bus_irq(f->bus, f->irq, false);
	if (cfg->ignne)
		cfg->ignne(cfg->owner);
}

void bus_ferr(struct bus *b)
{
	struct ferr *f = bus_device(b, DEV_ferr);

	f->error = true;
	bus_irq(b, f->irq, true);
}

static void ferr_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct ferr *f = dev;

	f->bus = b;
	f->irq = (unsigned)row->irq;
}

static void ferr_reset(void *dev)
{
	struct ferr *f = dev;

	f->error = false;
}

static void ferr_show(void *dev, bus_print *out, void *to)
{
	const struct ferr *f = dev;

	out(to, f->error ? "an x87 error waits for a write to F0h\n"
			 : "no x87 error\n");
}

static const struct state_field ferr_state[] = {
	STATE(struct ferr, error, 1),
	STATE_END,
};

const struct chip chip_ferr = {
	.name = "ferr",
	.size = sizeof(struct ferr),
	.state = ferr_state,
	.init = ferr_init,
	.reset = ferr_reset,
	.show = ferr_show,
	.in = ferr_in,
	.out = ferr_out,
};
