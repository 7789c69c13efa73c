/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ACPI fixed hardware (ACPI 1.0, 4.7.3), at ports the FADT names:
 *
 *	600h PM1a_STS   604h PM1a_CNT   608h PM_TMR
 *	602h PM1a_EN
 *
 * There is no system management mode, so ACPI is always on: SCI_EN reads 1.
 * Writing PM1a_CNT with SLP_EN and the SLP_TYP of S5, which \_S5 in the DSDT
 * gives as 0, powers the machine off; that is the word 2000h to 604h which
 * small guests write.  Other sleep types do not exist.
 *
 * PM_TMR counts 24 bits at 3.579545 MHz of guest time.  TMR_STS is set
 * whenever its top bit changes; like the clock's flags it is found when
 * somebody looks, and a timer runs only while TMR_EN wants the interrupt
 * (line 9, level). */
#include "core/dev/dev_priv.h"

enum {
	PM_TIMER_HZ = 3579545,
	PM1_STS = 0,
	PM1_EN = 2,
	PM1_CNT = 4,
	PM_TMR = 8,
	TMR_STS = 1,
	STS_BITS = 0x8731, /* timer, bus master, global, buttons, RTC, wake */
	EN_BITS = 0x0721,
	CNT_SCI_EN = 1,
	CNT_SLP_TYP = 0x1c00,
	CNT_SLP_EN = 0x2000,
	HALF_TURN = 1 << 23,
};

struct acpi_pm {
	struct bus *bus;
	u16 sts, en, cnt;
	u64 looked_turn; /* half turns of PM_TMR already noted */
	struct timer timer;
};

static u64 pm_ticks(const struct acpi_pm *a)
{
	return ticks_at(bus_now(a->bus), PM_TIMER_HZ);
}

static void look(struct acpi_pm *a)
{
	u64 turn = pm_ticks(a) / HALF_TURN;

	if (turn != a->looked_turn)
		a->sts |= TMR_STS;
	a->looked_turn = turn;
}

static void update(struct acpi_pm *a)
{
	bus_irq(a->bus, 9, a->sts & a->en & EN_BITS);
	if (a->en & TMR_STS)
		bus_timer_arm(a->bus, &a->timer,
			      ns_of_tick((a->looked_turn + 1) * HALF_TURN,
					 PM_TIMER_HZ));
	else
		bus_timer_disarm(a->bus, &a->timer);
}

static void half_turn(void *dev, u64 now)
{
	struct acpi_pm *a = dev;

	(void)now;
	look(a);
	update(a);
}

/* The register block as bytes, so that any width can be read. */
static u8 read_byte(const struct acpi_pm *a, unsigned offset)
{
	u64 block = (u64)a->sts | (u64)a->en << 16 |
		    (u64)(a->cnt | CNT_SCI_EN) << 32;

	if (offset >= PM_TMR)
		return (u8)((pm_ticks(a) & 0xffffff) >> (offset - PM_TMR) * 8);
	return (u8)(block >> offset * 8);
}

static u32 acpi_pm_in(void *dev, u16 port, unsigned size)
{
	struct acpi_pm *a = dev;
	u32 value = 0;

	look(a);
	for (unsigned i = 0; i < size; i++)
		value |= (u32)read_byte(a, (port & 15u) + i) << (8 * i);
	return value;
}

static void write_byte(struct acpi_pm *a, unsigned offset, u8 value)
{
	unsigned shift = offset % 2 * 8;
	u16 bits = (u16)(value << shift);
	u16 others = (u16)(0xff00 >> shift);

	switch (offset & ~1u) {
	case PM1_STS:
		a->sts &= ~(bits & STS_BITS); /* a one clears */
		break;
	case PM1_EN:
		a->en = ((a->en & others) | bits) & EN_BITS;
		break;
	case PM1_CNT:
		a->cnt = (a->cnt & others) | bits;
		break;
	}
}

static void acpi_pm_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct acpi_pm *a = dev;

	look(a);
	for (unsigned i = 0; i < size; i++)
		write_byte(a, (port & 15u) + i, (u8)(value >> (8 * i)));
	if ((a->cnt & CNT_SLP_EN) && !(a->cnt & CNT_SLP_TYP))
		bus_request(a->bus, BUS_POWER_OFF);
	a->cnt &= ~CNT_SLP_EN; /* write only */
	update(a);
}

static void acpi_pm_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct acpi_pm *a = dev;

	(void)row;
	a->bus = b;
	bus_timer_init(b, &a->timer, "acpi timer", half_turn, a);
}

static void acpi_pm_reset(void *dev)
{
	struct acpi_pm *a = dev;

	a->sts = a->en = a->cnt = 0;
	a->looked_turn = pm_ticks(a) / HALF_TURN;
	update(a);
}

static void acpi_pm_show(void *dev, bus_print *out, void *to)
{
	struct acpi_pm *a = dev;

	out(to, "  PM1a_STS=%04x PM1a_EN=%04x PM1a_CNT=%04x PM_TMR=%06x\n",
	    a->sts, a->en, a->cnt | CNT_SCI_EN, (u32)(pm_ticks(a) & 0xffffff));
}

static const struct state_field acpi_pm_state[] = {
	STATE(struct acpi_pm, sts, STATE_ANY),
	STATE(struct acpi_pm, en, STATE_ANY),
	STATE(struct acpi_pm, cnt, STATE_ANY),
	STATE(struct acpi_pm, looked_turn, STATE_TIME),
	STATE_OF(struct acpi_pm, timer, timer_state),
	STATE_END,
};

const struct chip chip_acpi_pm = {
	.name = "ACPI PM",
	.size = sizeof(struct acpi_pm),
	.state = acpi_pm_state,
	.init = acpi_pm_init,
	.reset = acpi_pm_reset,
	.show = acpi_pm_show,
	.in = acpi_pm_in,
	.out = acpi_pm_out,
};
