/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the next interrupt waits for, from the device to the processor: the
 * controllers tell for themselves (core/dev), the processor here (SDM 3A 6.8).
 */
#include "core/debug/debug_priv.h"

static void show_processor(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	bool asks = bus_intr_pending(vm_bus(d->vm));

	if (c->nmi_pending)
		buf_printf(out,
			   c->nmi_blocked
				   ? "processor: an NMI waits for the IRET "
				     "of the one being served\n"
				   : "processor: an NMI is next\n");
	buf_printf(out, "processor: %s, %s: ",
		   asks ? "INTR is asserted" : "INTR is not asserted",
		   c->iflag ? "IF is set" : "IF is clear");
	if (!asks)
		buf_printf(out, c->iflag ? "it would take one at once\n"
					 : "it would not take one\n");
	else if (!c->iflag)
		buf_printf(out, "taken after STI, POPF or IRET has set IF\n");
	else if (c->shadow != SHADOW_NONE)
		buf_printf(out,
			   "taken after the next instruction, as %s holds "
			   "interrupts off until then\n",
			   c->shadow == SHADOW_SS ? "a load of SS" : "STI");
	else
		buf_printf(out, "taken before the next instruction\n");
}

void debug_show_irq(struct debug *d, struct buf *out)
{
	show_processor(d, out);
	bus_show_irq(vm_bus(d->vm), buf_print, out);
}
