/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Local APIC of the one processor, at FEE00000h (SDM 3A chapter 10).
 *
 * Fixed interrupts wait in IRR, are served when their class (vector >> 4) is
 * above the processor priority, and stand in ISR until EOI; TMR remembers
 * which were level-triggered, whose EOI is told to the IO-APIC.  The 8259's
 * INT wire ends at LINT0: in ExtINT mode it goes through to the processor
 * (virtual wire), in Fixed mode its rising edge is an interrupt like others.
 *
 * Firmware leaves the APIC enabled with LINT0 ExtINT and LINT1 NMI, so reset
 * does that too.  While the base MSR disables the APIC, INT goes straight
 * to the processor and nothing is delivered from IRR.
 *
 * The timer's bus clock is 1 GHz of guest time: one tick is one nanosecond
 * before the divider.  The current count is computed, never counted down.
 *
 * Messages to other processors go nowhere; INIT and start-up never reach
 * the sender. */
#include <string.h>

#include "core/dev/dev_priv.h"
#include "trace/trace.h"

enum {
	REG_ID = 0x020,
	REG_VERSION = 0x030,
	REG_TPR = 0x080,
	REG_APR = 0x090,
	REG_PPR = 0x0a0,
	REG_EOI = 0x0b0,
	REG_LDR = 0x0d0,
	REG_DFR = 0x0e0,
	REG_SVR = 0x0f0,
	REG_ISR = 0x100,
	REG_TMR = 0x180,
	REG_IRR = 0x200,
	REG_ESR = 0x280,
	REG_ICR_LOW = 0x300,
	REG_ICR_HIGH = 0x310,
	REG_LVT = 0x320,
	REG_TIMER_INITIAL = 0x380,
	REG_TIMER_CURRENT = 0x390,
	REG_TIMER_DIVIDE = 0x3e0,
	LVT_TIMER = 0,
	LVT_THERMAL,
	LVT_PERFORMANCE,
	LVT_LINT0,
	LVT_LINT1,
	LVT_ERROR,
	LVT_COUNT,
	LVT_MASKED = 0x10000,
	LVT_PERIODIC = 0x20000,
	MODE_FIXED = 0,
	MODE_LOWEST = 1,
	MODE_NMI = 4,
	MODE_INIT = 5,
	MODE_EXTINT = 7,
	SVR_ENABLED = 0x100,
	ESR_SEND_ILLEGAL = 0x20,
	ESR_RECEIVE_ILLEGAL = 0x40,
	ESR_ILLEGAL_REGISTER = 0x80,
	BASE_ENABLED = 0x800,
	VERSION = 0x00050014, /* six LVT entries, integrated */
};

struct lapic {
	struct bus *bus;
	bool globally_enabled;
	bool lint0; /* the wire */
	u32 id, tpr, ldr, dfr, svr;
	u32 isr[8], tmr[8], irr[8];
	u32 esr, esr_next; /* a write to ESR brings the next to sight */
	u32 icr_low, icr_high;
	u32 lvt[LVT_COUNT];
	u32 initial, divide;
	u64 started; /* guest ns when `initial` was written */
	struct timer timer;
};

/* ---- sets of vectors ---- */

static bool has(const u32 *set, unsigned vector)
{
	return set[vector >> 5] >> (vector & 31) & 1;
}

static void put(u32 *set, unsigned vector, bool on)
{
	u32 bit = 1u << (vector & 31);

	if (on)
		set[vector >> 5] |= bit;
	else
		set[vector >> 5] &= ~bit;
}

static int highest(const u32 *set)
{
	for (int i = 7; i >= 0; i--)
		if (set[i])
			return i * 32 + 31 - __builtin_clz(set[i]);
	return -1;
}

static u32 processor_priority(const struct lapic *l)
{
	int serving = highest(l->isr);
	u32 class = serving < 0 ? 0 : (u32)serving & 0xf0;

	return (l->tpr & 0xf0) >= class ? l->tpr : class;
}

static bool is_working(const struct lapic *l)
{
	return l->globally_enabled && (l->svr & SVR_ENABLED);
}

static int deliverable(const struct lapic *l)
{
	int vector = is_working(l) ? highest(l->irr) : -1;

	if (vector < 0 ||
	    ((u32)vector & 0xf0) <= (processor_priority(l) & 0xf0))
		return -1;
	return vector;
}

/* ---- what others see ---- */

bool lapic_pending(const void *dev)
{
	return deliverable(dev) >= 0;
}

int lapic_ack(void *dev)
{
	struct lapic *l = dev;
	int vector = deliverable(l);

	if (vector < 0)
		return -1;
	TRACE(dev_irq_accept, .controller = TRACE_controller_APIC,
	      .input = (u8)vector);
	put(l->irr, (unsigned)vector, false);
	put(l->isr, (unsigned)vector, true);
	return vector;
}

static unsigned delivery_mode(u32 lvt)
{
	return lvt >> 8 & 7;
}

bool lapic_accepts_extint(const void *dev)
{
	const struct lapic *l = dev;
	u32 lvt = l->lvt[LVT_LINT0];

	return !l->globally_enabled ||
	       (!(lvt & LVT_MASKED) && delivery_mode(lvt) == MODE_EXTINT);
}

static void note_error(struct lapic *l, u32 bit)
{
	u32 lvt = l->lvt[LVT_ERROR];

	if (l->esr_next & bit)
		return;
	l->esr_next |= bit;
	if (!(lvt & LVT_MASKED) && (lvt & 0xff) >= 16)
		lapic_deliver(l, lvt & 0xff, false);
}

void lapic_deliver(void *dev, unsigned vector, bool level_triggered)
{
	struct lapic *l = dev;

	if (!is_working(l))
		return;
	if (vector < 16) {
		note_error(l, ESR_RECEIVE_ILLEGAL);
		return;
	}
	TRACE(dev_irq_request, .controller = TRACE_controller_APIC,
	      .input = (u8)vector);
	put(l->irr, vector, true);
	put(l->tmr, vector, level_triggered);
}

/* Sends what an unmasked LVT entry says. */
static void fire_lvt(struct lapic *l, u32 lvt)
{
	if (lvt & LVT_MASKED)
		return;
	if (delivery_mode(lvt) == MODE_NMI)
		bus_request(l->bus, BUS_NMI);
	else if (delivery_mode(lvt) == MODE_FIXED)
		lapic_deliver(l, lvt & 0xff, false);
}

void lapic_lint0(void *dev, bool level)
{
	struct lapic *l = dev;
	bool rises = level && !l->lint0;

	l->lint0 = level;
	if (rises && l->globally_enabled)
		fire_lvt(l, l->lvt[LVT_LINT0]);
}

void lapic_set_base(void *dev, u64 base_msr)
{
	struct lapic *l = dev;

	l->globally_enabled = base_msr & BASE_ENABLED;
}

bool lapic_is_destination(const void *dev, u8 destination, bool logical)
{
	const struct lapic *l = dev;
	u8 mine = l->ldr >> 24;

	if (!logical)
		return destination == 0xff || destination == l->id >> 24;
	if (l->dfr >> 28 == 0xf) /* flat */
		return destination & mine;
	return destination == 0xff || /* cluster: equal group, common bit */
	       (!((destination ^ mine) & 0xf0) && (destination & mine & 0x0f));
}

/* ---- timer ---- */

/* Divide configuration: bits 3, 1, 0; 111 divides by one. */
static unsigned divider_shift(const struct lapic *l)
{
	return (((l->divide & 3) | (l->divide >> 1 & 4)) + 1) & 7;
}

static u64 timer_period(const struct lapic *l)
{
	return (u64)l->initial << divider_shift(l);
}

static u32 timer_current(const struct lapic *l)
{
	u64 passed = (bus_now(l->bus) - l->started) >> divider_shift(l);

	if (!l->initial)
		return 0;
	if (l->lvt[LVT_TIMER] & LVT_PERIODIC)
		return (u32)(l->initial - passed % l->initial);
	return passed < l->initial ? (u32)(l->initial - passed) : 0;
}

/* Arms the end of the period under way.  A one-shot that has ended stays
 * ended when only its mode or mask is written. */
static void arm_timer(struct lapic *l)
{
	u64 period = timer_period(l), now = bus_now(l->bus), periods;

	bus_timer_disarm(l->bus, &l->timer);
	if (!period)
		return;
	periods = (now - l->started) / period;
	if (periods && !(l->lvt[LVT_TIMER] & LVT_PERIODIC))
		return;
	bus_timer_arm(l->bus, &l->timer, l->started + (periods + 1) * period);
}

void lapic_timer_event(void *dev)
{
	struct lapic *l = dev;

	fire_lvt(l, l->lvt[LVT_TIMER]);
}

static void timer_fires(void *dev, u64 now)
{
	struct lapic *l = dev;

	(void)now;
	lapic_timer_event(l);
	if (l->lvt[LVT_TIMER] & LVT_PERIODIC)
		arm_timer(l);
	bus_intr_update(l->bus);
}

/* The divider changes the pace from here on, not what has passed. */
static void write_divide(struct lapic *l, u32 value)
{
	u64 now = bus_now(l->bus);
	u32 passed = l->initial - timer_current(l);

	l->divide = value & 0xb;
	l->started = now - ((u64)passed << divider_shift(l));
	if (now < (u64)passed << divider_shift(l))
		l->started = 0;
	arm_timer(l);
}

/* ---- interrupt command ---- */

static bool icr_names_us(const struct lapic *l)
{
	switch (l->icr_low >> 18 & 3) {
	case 1: /* self */
	case 2: /* all */
		return true;
	case 3: /* all but self */
		return false;
	default:
		return lapic_is_destination(l, l->icr_high >> 24,
					    l->icr_low & 0x800);
	}
}

static void send_ipi(struct lapic *l)
{
	unsigned vector = l->icr_low & 0xff;

	if (!icr_names_us(l))
		return;
	switch (delivery_mode(l->icr_low)) {
	case MODE_FIXED:
	case MODE_LOWEST:
		if (vector < 16)
			note_error(l, ESR_SEND_ILLEGAL);
		else
			lapic_deliver(l, vector, false);
		break;
	case MODE_NMI:
		bus_request(l->bus, BUS_NMI);
		break;
	}
}

static void end_of_interrupt(struct lapic *l)
{
	int vector = highest(l->isr);

	if (vector < 0)
		return;
	TRACE(dev_irq_eoi, .controller = TRACE_controller_APIC,
	      .input = (u8)vector);
	put(l->isr, (unsigned)vector, false);
	/* TMR is kept: the next acceptance rewrites it (SDM 3A 10.8.4). */
	if (has(l->tmr, (unsigned)vector))
		ioapic_eoi(bus_device(l->bus, DEV_ioapic), (unsigned)vector);
}

/* ---- registers ---- */

static void write_svr(struct lapic *l, u32 value)
{
	l->svr = value & 0x3ff;
	if (!(l->svr & SVR_ENABLED))
		for (unsigned i = 0; i < LVT_COUNT; i++)
			l->lvt[i] |= LVT_MASKED;
}

static void write_lvt(struct lapic *l, unsigned entry, u32 value)
{
	static const u32 writable[LVT_COUNT] = {
		[LVT_TIMER] = 0x300ff,       [LVT_THERMAL] = 0x107ff,
		[LVT_PERFORMANCE] = 0x107ff, [LVT_LINT0] = 0x1a7ff,
		[LVT_LINT1] = 0x1a7ff,       [LVT_ERROR] = 0x100ff,
	};
	bool wire = l->lint0;

	value &= writable[entry];
	if (!(l->svr & SVR_ENABLED))
		value |= LVT_MASKED;
	l->lvt[entry] = value;
	if (entry == LVT_TIMER)
		arm_timer(l);
	/* A wire that is already up counts as an edge when unmasked. */
	if (entry == LVT_LINT0) {
		l->lint0 = false;
		lapic_lint0(l, wire);
	}
}

static void write_register(struct lapic *l, u32 reg, u32 value)
{
	switch (reg) {
	case REG_ID:
		l->id = value & 0xff000000;
		break;
	case REG_TPR:
		l->tpr = value & 0xff;
		break;
	case REG_EOI:
		end_of_interrupt(l);
		break;
	case REG_LDR:
		l->ldr = value & 0xff000000;
		break;
	case REG_DFR:
		l->dfr = value | 0x0fffffff;
		break;
	case REG_SVR:
		write_svr(l, value);
		break;
	case REG_ESR:
		l->esr = l->esr_next;
		l->esr_next = 0;
		break;
	case REG_ICR_LOW:
		l->icr_low = value & 0xccfff; /* never "send pending" */
		send_ipi(l);
		break;
	case REG_ICR_HIGH:
		l->icr_high = value & 0xff000000;
		break;
	case REG_TIMER_INITIAL:
		l->initial = value;
		l->started = bus_now(l->bus);
		arm_timer(l);
		break;
	case REG_TIMER_DIVIDE:
		write_divide(l, value);
		break;
	default:
		if (reg >= REG_LVT && reg < REG_LVT + 16 * LVT_COUNT)
			write_lvt(l, (reg - REG_LVT) / 16, value);
		else
			note_error(l, ESR_ILLEGAL_REGISTER);
	}
}

static u32 read_register(struct lapic *l, u32 reg)
{
	switch (reg) {
	case REG_ID:
		return l->id;
	case REG_VERSION:
		return VERSION;
	case REG_TPR:
		return l->tpr;
	case REG_APR:
	case REG_PPR:
		return processor_priority(l);
	case REG_EOI:
		return 0;
	case REG_LDR:
		return l->ldr;
	case REG_DFR:
		return l->dfr;
	case REG_SVR:
		return l->svr;
	case REG_ESR:
		return l->esr;
	case REG_ICR_LOW:
		return l->icr_low;
	case REG_ICR_HIGH:
		return l->icr_high;
	case REG_TIMER_INITIAL:
		return l->initial;
	case REG_TIMER_CURRENT:
		return timer_current(l);
	case REG_TIMER_DIVIDE:
		return l->divide;
	}
	if (reg >= REG_LVT && reg < REG_LVT + 16 * LVT_COUNT)
		return l->lvt[(reg - REG_LVT) / 16];
	if (reg >= REG_ISR && reg < REG_TMR)
		return l->isr[(reg - REG_ISR) / 16];
	if (reg >= REG_TMR && reg < REG_IRR)
		return l->tmr[(reg - REG_TMR) / 16];
	if (reg >= REG_IRR && reg < REG_ESR)
		return l->irr[(reg - REG_IRR) / 16];
	note_error(l, ESR_ILLEGAL_REGISTER);
	return 0;
}

/* Registers are 32 bits on 16-byte boundaries; narrower reads get their
 * part, anything between the registers is nothing. */
static u32 lapic_read(void *dev, u32 offset, unsigned size)
{
	struct lapic *l = dev;
	u32 value;

	if ((offset & 15) + size > 4)
		return 0;
	value = read_register(l, offset & ~15u) >> (offset & 3) * 8;
	return size == 4 ? value : value & ((1u << size * 8) - 1);
}

static void lapic_write(void *dev, u32 offset, unsigned size, u32 value)
{
	struct lapic *l = dev;

	(void)size;
	if (offset & 15)
		return;
	write_register(l, offset, value);
	bus_intr_update(l->bus);
}

static void lapic_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct lapic *l = dev;

	(void)row;
	l->bus = b;
	bus_timer_init(b, &l->timer, "local APIC", timer_fires, l);
}

static void lapic_reset(void *dev)
{
	struct lapic *l = dev;
	struct timer timer = l->timer;
	struct bus *bus = l->bus;

	*l = (struct lapic){.bus = bus, .timer = timer};
	l->globally_enabled = true;
	l->dfr = 0xffffffff;
	l->svr = SVR_ENABLED | 0xff;
	for (unsigned i = 0; i < LVT_COUNT; i++)
		l->lvt[i] = LVT_MASKED;
	l->lvt[LVT_LINT0] = MODE_EXTINT << 8;
	l->lvt[LVT_LINT1] = MODE_NMI << 8;
}

static void show_set(const char *name, const u32 *set, bus_print *out, void *to)
{
	out(to, "  %s", name);
	for (unsigned v = 0; v < 256; v++)
		if (has(set, v))
			out(to, " %02x", v);
	out(to, "\n");
}

void lapic_show_waiting(const void *dev, bus_print *out, void *to)
{
	const struct lapic *l = dev;
	int vector = highest(l->irr);

	if (vector < 0)
		return;
	out(to, "local APIC: vector %02xh ", (unsigned)vector);
	if (!is_working(l))
		out(to, "waits: the APIC is switched off (%s)\n",
		    l->globally_enabled ? "SVR bit 8" : "IA32_APIC_BASE");
	else if (deliverable(l) >= 0)
		out(to, "is next\n");
	else if (highest(l->isr) >= 0 &&
		 ((u32)highest(l->isr) & 0xf0) >= ((u32)vector & 0xf0))
		out(to, "waits for the EOI of vector %02xh\n",
		    (unsigned)highest(l->isr));
	else
		out(to, "waits: the task priority (TPR) is %02xh\n", l->tpr);
}

static void lapic_show(void *dev, bus_print *out, void *to)
{
	static const char *const names[] = {"timer", "thermal", "perf",
					    "LINT0", "LINT1",   "error"};
	static const char *const modes[] = {"fixed", "lowest", "SMI", "?3",
					    "NMI", "INIT", "?6", "ExtINT"};
	struct lapic *l = dev;

	out(to, "  ID=%08x TPR=%02x PPR=%02x LDR=%08x DFR=%08x SVR=%03x%s\n",
	    l->id, l->tpr, processor_priority(l), l->ldr, l->dfr, l->svr,
	    l->globally_enabled ? "" : " (off in IA32_APIC_BASE)");
	show_set("IRR", l->irr, out, to);
	show_set("ISR", l->isr, out, to);
	show_set("TMR", l->tmr, out, to);
	for (unsigned i = 0; i < LVT_COUNT; i++)
		out(to, "  LVT %-7s %05x %s vector=%02x%s%s\n", names[i],
		    l->lvt[i], modes[delivery_mode(l->lvt[i])],
		    l->lvt[i] & 0xff,
		    i == LVT_TIMER && l->lvt[i] & LVT_PERIODIC ? " periodic"
							       : "",
		    l->lvt[i] & LVT_MASKED ? " masked" : "");
	out(to,
	    "  ICR=%08x%08x ESR=%02x timer initial=%08x current=%08x "
	    "divide=%x\n",
	    l->icr_high, l->icr_low, l->esr, l->initial, timer_current(l),
	    l->divide);
}

static const struct state_field lapic_state[] = {
	STATE(struct lapic, globally_enabled, 1),
	STATE(struct lapic, lint0, 1),
	STATE(struct lapic, id, STATE_ANY),
	STATE(struct lapic, tpr, STATE_ANY),
	STATE(struct lapic, ldr, STATE_ANY),
	STATE(struct lapic, dfr, STATE_ANY),
	STATE(struct lapic, svr, STATE_ANY),
	STATE_ARRAY(struct lapic, isr, STATE_ANY),
	STATE_ARRAY(struct lapic, tmr, STATE_ANY),
	STATE_ARRAY(struct lapic, irr, STATE_ANY),
	STATE(struct lapic, esr, STATE_ANY),
	STATE(struct lapic, esr_next, STATE_ANY),
	STATE(struct lapic, icr_low, STATE_ANY),
	STATE(struct lapic, icr_high, STATE_ANY),
	STATE_ARRAY(struct lapic, lvt, STATE_ANY),
	STATE(struct lapic, initial, STATE_ANY),
	STATE(struct lapic, divide, STATE_ANY),
	STATE(struct lapic, started, STATE_TIME),
	STATE_OF(struct lapic, timer, timer_state),
	STATE_END,
};

static const char *lapic_wrong(const void *dev, u64 now)
{
	const struct lapic *l = dev;

	return l->started > now ? "its timer was started in the future" : NULL;
}

const struct chip chip_lapic = {
	.name = "local APIC",
	.size = sizeof(struct lapic),
	.state = lapic_state,
	.wrong = lapic_wrong,
	.init = lapic_init,
	.reset = lapic_reset,
	.show = lapic_show,
	.mmio_read = lapic_read,
	.mmio_write = lapic_write,
};
