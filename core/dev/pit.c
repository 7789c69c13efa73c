/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 8254 programmable interval timer, and port B (61h) through which the PC
 * gates channel 2 and watches its output.
 *
 * Nothing ticks here.  A channel remembers at which tick of the 1.193182 MHz
 * clock its counter was loaded; count and output are computed from guest time
 * when somebody asks.  Channel 0's output is ISA line 0; one timer is armed
 * for the tick at which that output next changes, so every edge is exact.
 *
 * `start` is the tick at which CR was copied to CE.  The chip does that one
 * clock after the count was written or the gate rose, hence the "+ 1" where
 * start is set.  With d = ticks since start and N the count (0 means 65536,
 * or 10000 in BCD), the output is
 *
 *	mode 0  high from d = N on		(interrupt on terminal count)
 *	mode 1  low while d < N, after a trigger	(one-shot)
 *	mode 2  low in the last tick of each N	(rate generator)
 *	mode 3  high in the first half of each N	(square wave)
 *	mode 4  low in tick d = N		(software strobe)
 *	mode 5  the same after a trigger		(hardware strobe)
 *
 * In modes 2 and 3 a count written while counting waits for the end of the
 * period (mode 3: half period) that is under way: `next` and `change_at`. */
#include <string.h>

#include "core/dev/dev_priv.h"

enum {
	PIT_HZ = 1193182,
	CONTROL = 3, /* the control word's port, counted from 40h */
	ACCESS_LATCH = 0,
	ACCESS_LOW = 1,
	ACCESS_HIGH = 2,
	ACCESS_BOTH = 3,
	READ_BACK = 3,
	PORT_B = 0x61,
};

struct channel {
	u32 count;     /* N in force */
	u32 next;      /* N that replaces it at change_at; 0: none */
	u64 change_at; /* ticks */
	u64 start;     /* ticks */
	u64 held;      /* d at which a low gate stopped modes 0 and 4 */
	u8 mode;
	u8 access;
	bool bcd;
	bool gate;
	bool counting; /* loaded (and triggered, where the mode wants it) */
	bool null_count;
	bool stopped; /* by the gate */
	u8 write_low;
	bool write_high_next;
	bool read_high_next;
	u8 latched; /* bytes of `latch` still to be read */
	u16 latch;
	bool status_latched;
	u8 status;
};

struct pit {
	struct bus *bus;
	struct channel channel[3];
	u8 port_b; /* bits 0 (gate 2) and 1 (speaker) */
	struct timer timer;
};

static u64 tick_now(const struct pit *p)
{
	return ticks_at(bus_now(p->bus), PIT_HZ);
}

/* ---- what a channel shows at tick t ---- */

static u64 elapsed(const struct channel *c, u64 t)
{
	if (c->stopped)
		return c->held;
	return t > c->start ? t - c->start : 0;
}

/* Lets a waiting count take over if its time has come. */
static void settle(struct channel *c, u64 t)
{
	if (!c->next || t < c->change_at)
		return;
	c->count = c->next;
	c->next = 0;
	c->start = c->change_at;
	c->null_count = false;
}

static bool output(const struct channel *c, u64 t)
{
	u64 d = elapsed(c, t);

	if (!c->counting)
		return c->mode != 0;
	switch (c->mode) {
	case 0:
		return d >= c->count;
	case 1:
		return t < c->start || d >= c->count;
	case 2:
		return c->stopped || d % c->count != c->count - 1;
	case 3:
		return c->stopped || d % c->count < (c->count + 1) / 2;
	default:
		return d != c->count || t < c->start;
	}
}

static u32 square_wave_count(const struct channel *c, u64 d)
{
	u64 phase = d % c->count;
	u64 high = (c->count + 1) / 2;

	if (phase >= high)
		phase -= high;
	return (u32)((c->count & ~1u) - 2 * phase);
}

static u16 to_bcd(u32 value)
{
	return (u16)(value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 |
		     value / 1000 % 10 << 12);
}

static u32 from_bcd(u32 value)
{
	return (value & 15) + (value >> 4 & 15) * 10 + (value >> 8 & 15) * 100 +
	       (value >> 12 & 15) * 1000;
}

/* The counting element, as the guest reads it. */
static u16 counter(const struct channel *c, u64 t)
{
	u32 modulus = c->bcd ? 10000 : 0x10000;
	u64 d = elapsed(c, t);
	u32 value = c->count;

	if (c->counting && c->mode == 2)
		value = (u32)(c->count - d % c->count);
	else if (c->counting && c->mode == 3)
		value = square_wave_count(c, d);
	else if (c->counting) /* wraps and goes on */
		value = (u32)((c->count + modulus - d % modulus) % modulus);
	value %= modulus;
	return c->bcd ? to_bcd(value) : (u16)value;
}

/* The next tick after t at which the output may differ, 0 when never. */
static u64 next_change(const struct channel *c, u64 t)
{
	u64 d = elapsed(c, t), half;

	if (!c->counting || c->stopped)
		return 0;
	if (t < c->start)
		return c->start;
	switch (c->mode) {
	case 0:
	case 1:
		return d < c->count ? c->start + c->count : 0;
	case 2:
		return d % c->count == c->count - 1
			       ? t + 1
			       : t + (c->count - 1 - d % c->count);
	case 3:
		half = (c->count + 1) / 2;
		return d % c->count < half ? t + (half - d % c->count)
					   : t + (c->count - d % c->count);
	default:
		if (d <= c->count)
			return c->start + c->count + (d == c->count);
		return 0;
	}
}

/* ---- line 0 ---- */

/* Puts the output of tick t on the line and waits for the next change. */
static void drive_line(struct pit *p, u64 t)
{
	struct channel *c = &p->channel[0];
	u64 change;

	settle(c, t);
	bus_irq(p->bus, 0, output(c, t));
	change = next_change(c, t);
	if (c->next && (!change || c->change_at < change))
		change = c->change_at;
	if (change)
		bus_timer_arm(p->bus, &p->timer, ns_of_tick(change, PIT_HZ));
	else
		bus_timer_disarm(p->bus, &p->timer);
}

static void follow_output(struct pit *p)
{
	drive_line(p, tick_now(p));
}

/* The loop may come late; what was due still happens in order.  When whole
 * periods have gone by, one edge stands for all: nobody could have told
 * them apart. */
static void output_changes(void *dev, u64 now)
{
	struct pit *p = dev;
	struct channel *c = &p->channel[0];
	u64 t = ticks_at(p->timer.when, PIT_HZ), today = ticks_at(now, PIT_HZ);

	drive_line(p, t);
	if ((c->mode != 2 && c->mode != 3) || !c->counting || c->next ||
	    today < t + 3ull * c->count)
		return;
	bus_irq(p->bus, 0, false);
	bus_irq(p->bus, 0, true);
	drive_line(p, today);
}

/* ---- loading ---- */

/* Where the period (or half period) under way at tick t ends. */
static u64 reload_tick(const struct channel *c, u64 t)
{
	u64 d = elapsed(c, t);

	if (c->mode == 3 && d % c->count < (c->count + 1) / 2)
		return t - d % c->count + (c->count + 1) / 2;
	return t - d % c->count + c->count;
}

static void load(struct pit *p, struct channel *c, u32 raw)
{
	u64 t = tick_now(p);
	u32 count = c->bcd ? from_bcd(raw) : raw;

	if (!count)
		count = c->bcd ? 10000 : 0x10000;
	settle(c, t);
	c->null_count = true;
	if (c->counting && (c->mode == 2 || c->mode == 3) && !c->stopped) {
		c->change_at = t < c->start ? c->start : reload_tick(c, t);
		c->next = count;
	} else if (c->mode == 1 || c->mode == 5) {
		c->next = count; /* waits for a trigger */
		c->change_at = UINT64_MAX;
		if (!c->counting)
			c->count = count;
	} else {
		c->count = count;
		c->start = t + 1;
		c->held = 0;
		c->counting = true;
		c->stopped = !c->gate;
		c->null_count = false;
	}
	if (c == &p->channel[0])
		follow_output(p);
}

static void write_count(struct pit *p, struct channel *c, u8 value)
{
	switch (c->access) {
	case ACCESS_LOW:
		load(p, c, value);
		break;
	case ACCESS_HIGH:
		load(p, c, (u32)value << 8);
		break;
	case ACCESS_BOTH:
		c->write_high_next = !c->write_high_next;
		if (c->write_high_next) {
			c->write_low = value;
			/* In mode 0 the first byte stops the count. */
			if (c->mode == 0 && c->counting) {
				c->counting = false;
				if (c == &p->channel[0])
					follow_output(p);
			}
		} else {
			load(p, c, (u32)value << 8 | c->write_low);
		}
		break;
	}
}

static void latch_count(struct channel *c, u64 t)
{
	if (c->latched)
		return; /* until it is read, a second latch is ignored */
	settle(c, t);
	c->latch = counter(c, t);
	c->latched = c->access == ACCESS_BOTH ? 2 : 1;
}

static void latch_status(struct channel *c, u64 t)
{
	if (c->status_latched)
		return;
	settle(c, t);
	c->status = (u8)(output(c, t) << 7 | c->null_count << 6 |
			 c->access << 4 | c->mode << 1 | c->bcd);
	c->status_latched = true;
}

static void write_control(struct pit *p, u8 value)
{
	u64 t = tick_now(p);
	unsigned select = value >> 6, mode = value >> 1 & 7;
	struct channel *c;

	if (select == READ_BACK) {
		for (unsigned i = 0; i < 3; i++) {
			if (!(value & (2u << i)))
				continue;
			if (!(value & 0x20))
				latch_count(&p->channel[i], t);
			if (!(value & 0x10))
				latch_status(&p->channel[i], t);
		}
		return;
	}
	c = &p->channel[select];
	if ((value >> 4 & 3) == ACCESS_LATCH) {
		latch_count(c, t);
		return;
	}
	c->access = value >> 4 & 3;
	c->mode = (u8)(mode > 5 ? mode - 4 : mode); /* 6 and 7 are 2 and 3 */
	c->bcd = value & 1;
	c->counting = false;
	c->stopped = false;
	c->next = 0;
	c->null_count = true;
	c->write_high_next = false;
	c->read_high_next = false;
	c->latched = 0;
	c->status_latched = false;
	if (select == 0)
		follow_output(p);
}

static u8 read_count(struct pit *p, struct channel *c)
{
	u64 t = tick_now(p);
	u16 value;
	bool high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	settle(c, t);
	value = c->latched ? c->latch : counter(c, t);
	if (c->latched)
		c->latched--;
	high = c->access == ACCESS_HIGH;
	if (c->access == ACCESS_BOTH) {
		high = c->read_high_next;
		c->read_high_next = !high;
	}
	return high ? value >> 8 : value & 0xff;
}

/* ---- gate of channel 2 ---- */

static void set_gate(struct channel *c, bool gate, u64 t)
{
	bool rises = gate && !c->gate, falls = !gate && c->gate;

	c->gate = gate;
	if (rises && (c->mode == 1 || c->mode == 5)) {
		if (c->next)
			c->count = c->next;
		c->next = 0;
		c->null_count = false;
		c->start = t + 1;
		c->counting = c->count != 0;
	} else if (rises && c->stopped) {
		c->stopped = false;
		c->start = c->mode == 2 || c->mode == 3 ? t + 1 : t - c->held;
	} else if (falls && c->counting && c->mode != 1 && c->mode != 5) {
		settle(c, t);
		c->held = elapsed(c, t);
		c->stopped = true;
	}
}

static u32 read_port_b(struct pit *p)
{
	u64 now = bus_now(p->bus), t = ticks_at(now, PIT_HZ);
	struct channel *c = &p->channel[2];
	/* Bit 4 toggles with each memory refresh, 15.085 us apart. */
	u32 refresh = ticks_at(now, 66291) & 1;

	settle(c, t);
	return p->port_b | refresh << 4 | (u32)output(c, t) << 5;
}

/* ---- the bus's side ---- */

static u32 pit_in(void *dev, u16 port, unsigned size)
{
	struct pit *p = dev;

	(void)size;
	if (port == PORT_B)
		return read_port_b(p);
	if ((port & 3) == CONTROL)
		return 0xff; /* write only */
	return read_count(p, &p->channel[port & 3]);
}

static void pit_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct pit *p = dev;

	(void)size;
	if (port == PORT_B) {
		p->port_b = value & 0x0f;
		set_gate(&p->channel[2], value & 1, tick_now(p));
	} else if ((port & 3) == CONTROL) {
		write_control(p, (u8)value);
	} else {
		write_count(p, &p->channel[port & 3], (u8)value);
	}
}

static void pit_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct pit *p = dev;

	(void)row;
	p->bus = b;
	bus_timer_init(b, &p->timer, "pit channel 0", output_changes, p);
}

/* As firmware leaves it: channel 0 at 18.2 Hz in mode 3, channel 1 for
 * memory refresh, channel 2 silent. */
static void pit_reset(void *dev)
{
	struct pit *p = dev;

	memset(p->channel, 0, sizeof(p->channel));
	p->port_b = 0;
	for (unsigned i = 0; i < 3; i++) {
		struct channel *c = &p->channel[i];

		c->gate = i != 2;
		c->access = ACCESS_BOTH;
		c->mode = i == 1 ? 2 : 3;
		c->count = i == 1 ? 18 : 0x10000;
		c->start = tick_now(p);
		c->counting = true;
		c->stopped = !c->gate;
	}
	follow_output(p);
}

static void pit_show(void *dev, bus_print *out, void *to)
{
	static const char *const modes[] = {
		"interrupt on terminal count", "one-shot", "rate generator",
		"square wave", "software strobe", "hardware strobe"};
	struct pit *p = dev;
	u64 t = tick_now(p);

	for (unsigned i = 0; i < 3; i++) {
		struct channel c = p->channel[i];

		settle(&c, t);
		out(to,
		    "  channel %u mode=%u (%s) %s N=%u CE=%04x OUT=%d GATE=%d%s",
		    i, c.mode, modes[c.mode], c.bcd ? "BCD" : "binary", c.count,
		    counter(&c, t), output(&c, t), c.gate,
		    c.null_count ? " (null count)" : "");
		if (c.counting && (c.mode == 2 || c.mode == 3))
			out(to, ", %u.%02u Hz", PIT_HZ / c.count,
			    PIT_HZ % c.count * 100 / c.count);
		out(to, "\n");
	}
	out(to, "  port B=%02x\n", read_port_b(p));
}

static const struct state_field channel_state[] = {
	STATE(struct channel, count, 0x10000),
	STATE(struct channel, next, 0x10000),
	STATE(struct channel, change_at, STATE_TIME),
	STATE(struct channel, start, STATE_TIME),
	STATE(struct channel, held, STATE_TIME),
	STATE(struct channel, mode, 5),
	STATE(struct channel, access, ACCESS_BOTH),
	STATE(struct channel, bcd, 1),
	STATE(struct channel, gate, 1),
	STATE(struct channel, counting, 1),
	STATE(struct channel, null_count, 1),
	STATE(struct channel, stopped, 1),
	STATE(struct channel, write_low, STATE_ANY),
	STATE(struct channel, write_high_next, 1),
	STATE(struct channel, read_high_next, 1),
	STATE(struct channel, latched, 2),
	STATE(struct channel, latch, STATE_ANY),
	STATE(struct channel, status_latched, 1),
	STATE(struct channel, status, STATE_ANY),
	STATE_END,
};

static const struct state_field pit_state[] = {
	STATE_ARRAY_OF(struct pit, channel, channel_state),
	STATE(struct pit, port_b, STATE_ANY),
	STATE_OF(struct pit, timer, timer_state),
	STATE_END,
};

/* The chip copies a count one tick after it was told to. */
static const char *pit_wrong(const void *dev, u64 now)
{
	const struct pit *p = dev;

	for (unsigned i = 0; i < ARRAY_LEN(p->channel); i++) {
		const struct channel *c = &p->channel[i];

		if (c->counting && !c->count)
			return "a channel counts from nothing";
		if (c->start > ticks_at(now, PIT_HZ) + 1)
			return "a channel was loaded in the future";
	}
	return NULL;
}

const struct chip chip_pit = {
	.name = "8254",
	.size = sizeof(struct pit),
	.state = pit_state,
	.wrong = pit_wrong,
	.init = pit_init,
	.reset = pit_reset,
	.show = pit_show,
	.in = pit_in,
	.out = pit_out,
};
