/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MC146818 real-time clock and its CMOS memory.
 *
 * The clock is not advanced; it is a second count `base` that was true at
 * guest time `epoch`.  Reading a time register breaks down base plus the
 * seconds passed since; writing one breaks down, changes the field and adds
 * up again.  While register B's SET bit is on, the fields rest in `ram` and
 * are added up when SET goes off, which is how a guest sets the clock.
 *
 * Flags of register C are found when somebody looks: a flag is set if its
 * event (periodic tick, update, alarm) lies between the last look and now.
 * Timers are armed only for events whose interrupt is enabled.  Line 8
 * stays up until register C is read.
 *
 * The other CMOS bytes hold what a BIOS stores for kernels: memory sizes,
 * floppy and equipment bytes, the century. */
#include <string.h>

#include "core/dev/dev_priv.h"

enum {
	SECONDS,
	SECONDS_ALARM,
	MINUTES,
	MINUTES_ALARM,
	HOURS,
	HOURS_ALARM,
	DAY_OF_WEEK,
	DAY_OF_MONTH,
	MONTH,
	YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	CENTURY = 0x32,
	A_UIP = 0x80,
	B_SET = 0x80,
	B_PIE = 0x40,
	B_AIE = 0x20,
	B_UIE = 0x10,
	B_DM = 0x04, /* binary, not BCD */
	B_24H = 0x02,
	C_IRQF = 0x80,
	C_PF = 0x40,
	C_AF = 0x20,
	C_UF = 0x10,
	D_VRT = 0x80,
	CRYSTAL_HZ = 32768,
	UIP_NS = 244000, /* UIP rises this long before the update */
	DAY = 86400,
};
#define LAST_SECOND (1ull << 40) /* no century and year are later */

struct rtc {
	struct bus *bus;
	u8 index;
	bool nmi_masked;
	u8 ram[128];
	u64 base;          /* seconds since 1970 at epoch */
	u64 epoch;         /* guest ns */
	u64 looked_second; /* up to where UF and AF were looked for */
	u64 looked_tick;   /* the same for PF, in crystal ticks */
	struct timer periodic;
	struct timer second;
};

/* ---- calendar ---- */

struct calendar {
	u32 second, minute, hour, weekday, day, month, year;
};

/* Days since 1970 of a civil date; March is month 0 of its year, so the
 * leap day comes last. */
static u64 days_of_date(u32 year, u32 month, u32 day)
{
	u64 y = month <= 2 ? year - 1 : year;
	u64 m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

static bool is_leap(u32 year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static u32 month_length(u32 year, u32 month)
{
	static const u8 length[] = {31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31};

	return length[month - 1] + (month == 2 && is_leap(year));
}

static void break_down(u64 seconds, struct calendar *c)
{
	u64 days = seconds / DAY;

	c->second = seconds % 60;
	c->minute = seconds / 60 % 60;
	c->hour = seconds / 3600 % 24;
	c->weekday = (days + 4) % 7 + 1; /* 1 is Sunday */
	c->year = 1970;
	while (days >= 365u + is_leap(c->year)) {
		days -= 365u + is_leap(c->year);
		c->year++;
	}
	c->month = 1;
	while (days >= month_length(c->year, c->month)) {
		days -= month_length(c->year, c->month);
		c->month++;
	}
	c->day = (u32)days + 1;
}

/* ---- fields in the guest's format ---- */

static u8 encode(const struct rtc *r, u32 value)
{
	if (r->ram[REG_B] & B_DM)
		return (u8)value;
	return (u8)(value / 10 % 10 << 4 | value % 10);
}

static u32 decode(const struct rtc *r, u8 value)
{
	if (r->ram[REG_B] & B_DM)
		return value;
	return (value >> 4) * 10u + (value & 15);
}

static u8 encode_hour(const struct rtc *r, u32 hour)
{
	if (r->ram[REG_B] & B_24H)
		return encode(r, hour);
	return encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0);
}

static u32 decode_hour(const struct rtc *r, u8 value)
{
	if (r->ram[REG_B] & B_24H)
		return decode(r, value);
	return decode(r, value & 0x7f) % 12 + (value & 0x80 ? 12 : 0);
}

static void fields_from_time(struct rtc *r, u64 seconds)
{
	struct calendar c;

	break_down(seconds, &c);
	r->ram[SECONDS] = encode(r, c.second);
	r->ram[MINUTES] = encode(r, c.minute);
	r->ram[HOURS] = encode_hour(r, c.hour);
	r->ram[DAY_OF_WEEK] = encode(r, c.weekday);
	r->ram[DAY_OF_MONTH] = encode(r, c.day);
	r->ram[MONTH] = encode(r, c.month);
	r->ram[YEAR] = encode(r, c.year % 100);
	/* The century byte is the BIOS's, and BCD always. */
	r->ram[CENTURY] = (u8)(c.year / 1000 << 4 | c.year / 100 % 10);
}

static u32 at_most(u32 value, u32 most)
{
	return value > most ? most : value;
}

static u64 time_from_fields(const struct rtc *r)
{
	u32 century = (r->ram[CENTURY] >> 4) * 10u + (r->ram[CENTURY] & 15);
	u32 year = century * 100 + at_most(decode(r, r->ram[YEAR]), 99);
	u32 month = at_most(decode(r, r->ram[MONTH]), 12);
	u32 day = at_most(decode(r, r->ram[DAY_OF_MONTH]), 31);

	if (year < 1970)
		year = 1970;
	if (!month)
		month = 1;
	if (!day)
		day = 1;
	return days_of_date(year, month, day) * DAY +
	       at_most(decode_hour(r, r->ram[HOURS]), 23) * 3600 +
	       at_most(decode(r, r->ram[MINUTES]), 59) * 60 +
	       at_most(decode(r, r->ram[SECONDS]), 59);
}

/* ---- passing time ---- */

static u64 seconds_passed(const struct rtc *r)
{
	return (bus_now(r->bus) - r->epoch) / NS_PER_S;
}

static u64 ticks_passed(const struct rtc *r)
{
	return ticks_at(bus_now(r->bus), CRYSTAL_HZ);
}

static bool is_set(const struct rtc *r)
{
	return r->ram[REG_B] & B_SET;
}

/* Crystal ticks between periodic events, 0 for none. */
static u32 periodic_ticks(const struct rtc *r)
{
	u32 rate = r->ram[REG_A] & 15;

	if (!rate)
		return 0;
	if (rate <= 2)
		rate += 7;
	return 1u << (rate - 1);
}

/* An alarm field of C0h-FFh matches anything. */
static bool alarm_field(u8 alarm, u32 wanted, u32 value)
{
	return alarm >= 0xc0 || wanted == value;
}

/* The first second after `from` (since 1970) at which the alarm matches,
 * 0 when there is none: hours, then minutes, are passed over whole. */
static u64 next_alarm(const struct rtc *r, u64 from)
{
	const u8 *ram = r->ram;
	u64 t = from + 1, end = from + DAY;

	while (t <= end) {
		if (!alarm_field(ram[HOURS_ALARM],
				 decode_hour(r, ram[HOURS_ALARM]),
				 t / 3600 % 24))
			t = (t / 3600 + 1) * 3600;
		else if (!alarm_field(ram[MINUTES_ALARM],
				      decode(r, ram[MINUTES_ALARM]),
				      t / 60 % 60))
			t = (t / 60 + 1) * 60;
		else if (!alarm_field(ram[SECONDS_ALARM],
				      decode(r, ram[SECONDS_ALARM]), t % 60))
			t++;
		else
			return t;
	}
	return 0;
}

/* Sets the flags of what happened since the last look. */
static void look(struct rtc *r)
{
	u64 second = seconds_passed(r), tick = ticks_passed(r), alarm;
	u32 period = periodic_ticks(r);

	if (period && tick / period != r->looked_tick / period)
		r->ram[REG_C] |= C_PF;
	r->looked_tick = tick;
	if (!is_set(r) && second > r->looked_second) {
		r->ram[REG_C] |= C_UF;
		alarm = next_alarm(r, r->base + r->looked_second);
		if (alarm && alarm <= r->base + second)
			r->ram[REG_C] |= C_AF;
	}
	r->looked_second = second;
}

static void update_line(struct rtc *r)
{
	u8 enabled = r->ram[REG_B] & (C_PF | C_AF | C_UF);
	bool irq = r->ram[REG_C] & enabled;

	if (irq)
		r->ram[REG_C] |= C_IRQF;
	else
		r->ram[REG_C] &= ~C_IRQF;
	bus_irq(r->bus, 8, irq);
}

static void arm_timers(struct rtc *r)
{
	u32 period = periodic_ticks(r);
	u8 b = r->ram[REG_B];
	u64 tick, alarm, next = 0;

	if (period && (b & B_PIE)) {
		tick = (r->looked_tick / period + 1) * period;
		bus_timer_arm(r->bus, &r->periodic,
			      ns_of_tick(tick, CRYSTAL_HZ));
	} else {
		bus_timer_disarm(r->bus, &r->periodic);
	}
	if (!is_set(r) && (b & B_UIE)) {
		next = r->looked_second + 1;
	} else if (!is_set(r) && (b & B_AIE)) {
		alarm = next_alarm(r, r->base + r->looked_second);
		next = alarm ? alarm - r->base : 0;
	}
	if (next)
		bus_timer_arm(r->bus, &r->second, r->epoch + next * NS_PER_S);
	else
		bus_timer_disarm(r->bus, &r->second);
}

static void event(void *dev, u64 now)
{
	struct rtc *r = dev;

	(void)now;
	look(r);
	update_line(r);
	arm_timers(r);
}

/* From here on the clock shows `seconds`, and its next second begins
 * `ns_into` earlier than a whole second from now. */
static void restart(struct rtc *r, u64 seconds, u64 ns_into)
{
	u64 now = bus_now(r->bus);

	/* Guest time may be younger than half a second. */
	if (now < ns_into)
		ns_into = now;
	r->epoch = now - ns_into;
	r->base = seconds;
	r->looked_second = 0;
}

/* ---- registers ---- */

static bool is_time_field(unsigned index)
{
	return index == SECONDS || index == MINUTES || index == HOURS ||
	       (index >= DAY_OF_WEEK && index <= YEAR) || index == CENTURY;
}

static void write_a(struct rtc *r, u8 value)
{
	bool was_held = (r->ram[REG_A] & 0x60) == 0x60;

	r->ram[REG_A] = value & 0x7f;
	/* Half a second after the divider is let go comes an update. */
	if (was_held && (value & 0x60) != 0x60)
		restart(r, r->base + seconds_passed(r), NS_PER_S / 2);
}

static void write_b(struct rtc *r, u8 value)
{
	bool was_set = is_set(r);
	u64 seconds = r->base + seconds_passed(r);

	if (!was_set && (value & B_SET))
		fields_from_time(r, seconds);
	if (value & B_SET)
		value &= ~B_UIE; /* the data sheet: SET clears UIE */
	r->ram[REG_B] = value;
	if (was_set && !(value & B_SET))
		restart(r, time_from_fields(r), 0);
}

static void write_time_field(struct rtc *r, u8 value)
{
	u64 into = (bus_now(r->bus) - r->epoch) % NS_PER_S;

	if (is_set(r)) {
		r->ram[r->index] = value;
		return;
	}
	fields_from_time(r, r->base + seconds_passed(r));
	r->ram[r->index] = value;
	restart(r, time_from_fields(r), into);
}

static void write_register(struct rtc *r, u8 value)
{
	look(r);
	switch (r->index) {
	case REG_A:
		write_a(r, value);
		break;
	case REG_B:
		write_b(r, value);
		break;
	case REG_C:
	case REG_D:
		return; /* read only */
	default:
		if (is_time_field(r->index))
			write_time_field(r, value);
		else
			r->ram[r->index] = value;
	}
	update_line(r);
	arm_timers(r);
}

static bool update_in_progress(const struct rtc *r)
{
	u64 into = (bus_now(r->bus) - r->epoch) % NS_PER_S;

	return !is_set(r) && into >= NS_PER_S - UIP_NS;
}

static u8 read_c(struct rtc *r)
{
	u8 value;

	look(r);
	update_line(r);
	value = r->ram[REG_C];
	r->ram[REG_C] = 0;
	update_line(r);
	return value;
}

static u8 read_register(struct rtc *r)
{
	switch (r->index) {
	case REG_A:
		return r->ram[REG_A] | (update_in_progress(r) ? A_UIP : 0);
	case REG_C:
		return read_c(r);
	case REG_D:
		return D_VRT;
	}
	if (is_time_field(r->index) && !is_set(r))
		fields_from_time(r, r->base + seconds_passed(r));
	return r->ram[r->index];
}

static u32 rtc_in(void *dev, u16 port, unsigned size)
{
	struct rtc *r = dev;

	(void)size;
	if (port == 0x70)
		return 0xff; /* write only */
	return read_register(r);
}

static void rtc_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct rtc *r = dev;

	(void)size;
	if (port == 0x70) {
		r->index = value & 0x7f;
		r->nmi_masked = value & 0x80;
	} else {
		write_register(r, (u8)value);
	}
}

static void put16(u8 *at, u64 value)
{
	if (value > 0xffff)
		value = 0xffff;
	at[0] = (u8)value;
	at[1] = (u8)(value >> 8);
}

/* Sizes in KiB from 1 MiB (15h's is base memory) and, from 16 MiB, in
 * 64 KiB units. */
static void fill_cmos(struct rtc *r, u64 ram_size)
{
	u64 extended = ram_size > 0x100000 ? (ram_size - 0x100000) / 1024 : 0;
	u64 above_16m =
		ram_size > 0x1000000 ? (ram_size - 0x1000000) / 65536 : 0;

	put16(&r->ram[0x15], 640);
	put16(&r->ram[0x17], extended);
	put16(&r->ram[0x30], extended);
	put16(&r->ram[0x34], above_16m);
	r->ram[0x14] = 0x06; /* equipment: FPU, mouse port; 80-column VGA */
	r->ram[0x3d] = 0x02; /* boot device order: hard disk */
}

static void rtc_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct rtc *r = dev;

	(void)row;
	r->bus = b;
	r->epoch = bus_now(b);
	r->base = bus_config(b)->start_time;
	bus_timer_init(b, &r->periodic, "rtc periodic", event, r);
	bus_timer_init(b, &r->second, "rtc second", event, r);
}

/* The clock runs on a battery: a reset stops interrupts, not time.  Only at
 * time 0 was the machine just switched on. */
static void rtc_reset(void *dev)
{
	struct rtc *r = dev;
	u64 now = bus_now(r->bus);

	if (!now) {
		r->epoch = now;
		r->base = bus_config(r->bus)->start_time;
	}
	memset(r->ram, 0, sizeof(r->ram));
	fill_cmos(r, bus_config(r->bus)->ram_size);
	r->ram[REG_A] = 0x26; /* 32768 Hz crystal, 1024 Hz periodic */
	r->ram[REG_B] = B_24H;
	r->index = 0;
	r->nmi_masked = false;
	r->looked_second = seconds_passed(r);
	r->looked_tick = ticks_passed(r);
	update_line(r);
}

static void rtc_show(void *dev, bus_print *out, void *to)
{
	struct rtc *r = dev;
	struct calendar c;

	break_down(r->base + seconds_passed(r), &c);
	out(to,
	    "  %04u-%02u-%02u %02u:%02u:%02u A=%02x B=%02x C=%02x "
	    "index=%02x NMI %s\n",
	    c.year, c.month, c.day, c.hour, c.minute, c.second, r->ram[REG_A],
	    r->ram[REG_B], r->ram[REG_C], r->index,
	    r->nmi_masked ? "masked" : "open");
}

static const struct state_field rtc_state[] = {
	STATE(struct rtc, index, 127),
	STATE(struct rtc, nmi_masked, 1),
	STATE_ARRAY(struct rtc, ram, STATE_ANY),
	STATE(struct rtc, base, LAST_SECOND),
	STATE(struct rtc, epoch, STATE_ANY),
	STATE(struct rtc, looked_second, STATE_TIME),
	STATE(struct rtc, looked_tick, STATE_TIME),
	STATE_OF(struct rtc, periodic, timer_state),
	STATE_OF(struct rtc, second, timer_state),
	STATE_END,
};

static const char *rtc_wrong(const void *dev, u64 now)
{
	const struct rtc *r = dev;

	/* Set within the guest's first second, it may wrap. */
	return now - r->epoch > STATE_TIME ? "its clock was set in the future"
					   : NULL;
}

const struct chip chip_rtc = {
	.name = "MC146818",
	.size = sizeof(struct rtc),
	.state = rtc_state,
	.wrong = rtc_wrong,
	.init = rtc_init,
	.reset = rtc_reset,
	.show = rtc_show,
	.in = rtc_in,
	.out = rtc_out,
};
