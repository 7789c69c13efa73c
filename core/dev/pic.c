/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two 8259A interrupt controllers, the second on IR2 of the first, and the
 * chip set's edge/level registers (ELCR, 4D0h and 4D1h).
 *
 * Registers are the data sheet's: ICW1-ICW4 arrive in sequence after a write
 * to the even port with bit 4 set; OCW1 is the mask at the odd port; OCW2
 * (EOI and rotation) and OCW3 (special mask, poll, which register is read)
 * are told apart by bits 3 and 4 of the even port.
 *
 *	line --edge or level--> IRR --not IMR, above ISR--> INT
 *	INTA: IRR bit (edge) cleared, ISR bit set; EOI clears it
 *
 * An edge-triggered request must stay high until it is acknowledged: a line
 * that falls takes its IRR bit along, as the data sheet says; if that happens
 * between INT and INTA the chip answers with IR7 and sets no ISR bit, which
 * is the spurious interrupt 7 (or 15, where the master's ISR bit 2 is set).
 *
 * `lowest` is the IR with the lowest priority (7 unless rotated); the one
 * after it is served first. */
#include "core/dev/dev_priv.h"
#include "trace/trace.h"

enum {
	ICW1_IC4 = 0x01,
	ICW1_SNGL = 0x02,
	ICW1_LTIM = 0x08,
	ICW1_INIT = 0x10,
	ICW4_AEOI = 0x02,
	ICW4_SFNM = 0x10,
	OCW3_SELECT = 0x08,
	OCW3_RIS = 0x01,
	OCW3_RR = 0x02,
	OCW3_POLL = 0x04,
	OCW3_SMM = 0x20,
	OCW3_ESMM = 0x40,
	CASCADE = 2,
	NONE = 8, /* a priority below all */
};

/* Which byte the odd port expects. */
enum icw_state { READY, WANT_ICW2, WANT_ICW3, WANT_ICW4 };

struct i8259 {
	u8 irr, imr, isr;
	u8 lines; /* as the wires stand */
	u8 elcr, elcr_mask;
	u8 icw1, icw2, icw3, icw4;
	u8 icw_state; /* enum icw_state */
	u8 lowest;
	bool rotate_on_aeoi;
	bool special_mask;
	bool poll;
	bool read_isr;
	bool is_master;
};

struct pic {
	struct bus *bus;
	struct i8259 chip[2]; /* master, slave */
};

static bool is_level(const struct i8259 *c, u8 bit)
{
	return (c->icw1 & ICW1_LTIM) || (c->elcr & bit);
}

/* Distance of the most urgent of `bits` from the top, NONE when empty. */
static unsigned priority(const struct i8259 *c, u8 bits)
{
	for (unsigned p = 0; p < 8; p++)
		if (bits & (1u << ((c->lowest + 1 + p) & 7)))
			return p;
	return NONE;
}

static unsigned ir_at(const struct i8259 *c, unsigned prio)
{
	return (c->lowest + 1 + prio) & 7;
}

/* The IR that would be served, -1 when INT is low. */
static int winner(const struct i8259 *c)
{
	unsigned request = priority(c, c->irr & ~c->imr);
	u8 in_service = c->isr;

	if (request == NONE)
		return -1;
	if (c->special_mask)
		in_service &= ~c->imr;
	if (c->is_master && (c->icw4 & ICW4_SFNM))
		in_service &= ~(1u << CASCADE);
	if (request >= priority(c, in_service))
		return -1;
	return (int)ir_at(c, request);
}

static bool is_cascade(const struct i8259 *c, unsigned ir)
{
	return c->is_master && ir == CASCADE;
}

static u8 line_of(const struct i8259 *c, unsigned ir)
{
	return (u8)(c->is_master ? ir : ir + 8);
}

static void request(struct i8259 *c, unsigned ir)
{
	u8 bit = 1u << ir;

	if (!(c->irr & bit) && !is_cascade(c, ir))
		TRACE(dev_irq_request, .controller = TRACE_controller_PIC,
		      .input = line_of(c, ir), .masked = !!(c->imr & bit));
	c->irr |= bit;
}

static void request_all(struct i8259 *c, u8 bits)
{
	for (unsigned ir = 0; ir < 8; ir++)
		if (bits >> ir & 1)
			request(c, ir);
}

static void set_ir(struct i8259 *c, unsigned ir, bool level)
{
	u8 bit = 1u << ir;

	if (level && (is_level(c, bit) || !(c->lines & bit)))
		request(c, ir);
	if (!level)
		c->irr &= ~bit;
	c->lines = level ? c->lines | bit : c->lines & ~bit;
}

static void carry_cascade(struct pic *p)
{
	set_ir(&p->chip[0], CASCADE, winner(&p->chip[1]) >= 0);
}

static void changed(struct pic *p)
{
	carry_cascade(p);
	bus_intr_update(p->bus);
}

void pic_set_line(void *dev, unsigned line, bool level)
{
	struct pic *p = dev;

	if (line == CASCADE)
		return;
	set_ir(&p->chip[line >> 3], line & 7, level);
	carry_cascade(p);
}

bool pic_output(const void *dev)
{
	const struct pic *p = dev;

	return winner(&p->chip[0]) >= 0;
}

static void tell_accepted(const struct i8259 *c, unsigned ir, bool spurious)
{
	if (!is_cascade(c, ir))
		TRACE(dev_irq_accept, .controller = TRACE_controller_PIC,
		      .input = line_of(c, ir), .spurious = spurious);
}

static void tell_ended(const struct i8259 *c, unsigned ir)
{
	if (!is_cascade(c, ir))
		TRACE(dev_irq_eoi, .controller = TRACE_controller_PIC,
		      .input = line_of(c, ir));
}

/* One INTA of one chip; returns the IR, 7 with no ISR bit when the request
 * has gone. */
static unsigned take(struct i8259 *c)
{
	int ir = winner(c);
	u8 bit;

	tell_accepted(c, ir < 0 ? 7 : (unsigned)ir, ir < 0);
	if (ir < 0)
		return 7;
	bit = 1u << ir;
	if (!is_level(c, bit))
		c->irr &= ~bit;
	if (!(c->icw4 & ICW4_AEOI)) {
		c->isr |= bit;
		return (unsigned)ir;
	}
	tell_ended(c, (unsigned)ir);
	if (c->rotate_on_aeoi)
		c->lowest = (u8)ir;
	return (unsigned)ir;
}

int pic_ack(void *dev)
{
	struct pic *p = dev;
	struct i8259 *master = &p->chip[0], *slave = &p->chip[1];
	unsigned ir = take(master);
	unsigned vector = (master->icw2 & 0xf8) + ir;

	if (ir == CASCADE)
		vector = (slave->icw2 & 0xf8) + take(slave);
	carry_cascade(p);
	return (int)vector;
}

/* ---- the command words ---- */

static void write_icw1(struct i8259 *c, u8 value)
{
	c->icw1 = value;
	c->icw4 = 0; /* all its functions are off unless IC4 asks */
	c->imr = 0;
	c->isr = 0;
	c->irr = 0; /* edge sense is reset; level inputs return below */
	request_all(c, c->icw1 & ICW1_LTIM ? c->lines : c->lines & c->elcr);
	c->lowest = 7;
	c->special_mask = false;
	c->read_isr = false;
	c->poll = false;
	c->rotate_on_aeoi = false;
	c->icw_state = WANT_ICW2;
}

static void end_of_interrupt(struct i8259 *c, bool specific, bool rotate,
			     unsigned level)
{
	u8 candidates = c->isr;
	unsigned prio;

	if (!specific) {
		/* Masked levels are passed over in special mask mode. */
		if (c->special_mask)
			candidates &= ~c->imr;
		prio = priority(c, candidates);
		if (prio == NONE)
			return;
		level = ir_at(c, prio);
	}
	if (c->isr >> level & 1)
		tell_ended(c, level);
	c->isr &= ~(1u << level);
	if (rotate)
		c->lowest = (u8)level;
}

static void write_ocw2(struct i8259 *c, u8 value)
{
	unsigned level = value & 7;

	switch (value >> 5) { /* R, SL, EOI */
	case 0:
		c->rotate_on_aeoi = false;
		break;
	case 1:
		end_of_interrupt(c, false, false, 0);
		break;
	case 2:
		break; /* no operation */
	case 3:
		end_of_interrupt(c, true, false, level);
		break;
	case 4:
		c->rotate_on_aeoi = true;
		break;
	case 5:
		end_of_interrupt(c, false, true, 0);
		break;
	case 6:
		c->lowest = (u8)level;
		break;
	case 7:
		end_of_interrupt(c, true, true, level);
		break;
	}
}

static void write_ocw3(struct i8259 *c, u8 value)
{
	if (value & OCW3_POLL)
		c->poll = true;
	if (value & OCW3_RR)
		c->read_isr = value & OCW3_RIS;
	if (value & OCW3_ESMM)
		c->special_mask = value & OCW3_SMM;
}

static void write_odd(struct i8259 *c, u8 value)
{
	switch (c->icw_state) {
	case READY:
		c->imr = value; /* OCW1 */
		return;
	case WANT_ICW2:
		c->icw2 = value;
		if (!(c->icw1 & ICW1_SNGL))
			c->icw_state = WANT_ICW3;
		else
			c->icw_state = c->icw1 & ICW1_IC4 ? WANT_ICW4 : READY;
		return;
	case WANT_ICW3:
		c->icw3 = value;
		c->icw_state = c->icw1 & ICW1_IC4 ? WANT_ICW4 : READY;
		return;
	case WANT_ICW4:
		c->icw4 = value;
		c->icw_state = READY;
		return;
	}
}

static void pic_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct pic *p = dev;
	struct i8259 *c = &p->chip[port >= 0xa0 && port <= 0xa1];

	(void)size;
	if (port >= 0x4d0) {
		c = &p->chip[port & 1];
		c->elcr = (u8)value & c->elcr_mask;
		/* A line that is high and now level is a request. */
		request_all(c, c->lines & c->elcr);
	} else if (port & 1) {
		write_odd(c, (u8)value);
	} else if (value & ICW1_INIT) {
		write_icw1(c, (u8)value);
	} else if (value & OCW3_SELECT) {
		write_ocw3(c, (u8)value);
	} else {
		write_ocw2(c, (u8)value);
	}
	changed(p);
}

static u32 pic_in(void *dev, u16 port, unsigned size)
{
	struct pic *p = dev;
	struct i8259 *c = &p->chip[port >= 0xa0 && port <= 0xa1];
	u32 value;

	(void)size;
	if (port >= 0x4d0)
		return p->chip[port & 1].elcr;
	if (c->poll) {
		c->poll = false;
		value = winner(c) >= 0 ? 0x80 | take(c) : 7;
		changed(p);
		return value;
	}
	if (port & 1)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static void pic_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct pic *p = dev;

	(void)row;
	p->bus = b;
}

/* As firmware leaves them: everything masked, vectors 08h and 70h, the
 * ACPI interrupt (line 9) level-triggered. */
static void pic_reset(void *dev)
{
	struct pic *p = dev;

	for (unsigned i = 0; i < 2; i++)
		p->chip[i] = (struct i8259){
			.imr = i ? 0x8e : 0xb8, /* as a BIOS leaves them */
			.lowest = 7,
			.icw1 = ICW1_INIT | ICW1_IC4,
			.icw2 = i ? 0x70 : 0x08,
			.icw3 = i ? CASCADE : 1u << CASCADE,
			.icw4 = 1,
			.elcr = i ? 0x02 : 0,
			.elcr_mask = i ? 0xde : 0xf8,
			.is_master = !i,
		};
}

/* Why one IR of a chip is not the winner; NULL: it is. */
static const char *held_up(const struct i8259 *c, unsigned ir)
{
	u8 bit = 1u << ir;
	unsigned at = priority(c, bit);

	if (c->icw_state != READY)
		return "its chip is being initialized";
	if (c->imr & bit)
		return "masked in IMR";
	if (c->isr & bit)
		return "in service: its EOI has not come";
	if (!(c->irr & bit))
		return c->lines & bit ? "its edge was taken; the line has to "
					"fall and rise again"
				      : "it does not ask";
	if (at > priority(c, c->irr & ~c->imr))
		return "one of higher priority goes first";
	if (winner(c) != (int)ir)
		return "one in service has priority: its EOI has not come";
	return NULL;
}

void pic_show_line(const void *dev, unsigned line, bus_print *out, void *to)
{
	const struct pic *p = dev;
	const struct i8259 *c = &p->chip[line >> 3];
	const char *why = held_up(c, line & 7);

	out(to, "PIC %s IR%u: ", c->is_master ? "master" : "slave", line & 7);
	if (why)
		out(to, "%s", why);
	else if (!c->is_master && held_up(&p->chip[0], CASCADE))
		out(to, "next of its chip, but at the master IR2 is held up: "
			"%s", held_up(&p->chip[0], CASCADE));
	else
		out(to, "next, with vector %02xh",
		    (c->icw2 & 0xf8u) | (line & 7));
}

static void pic_show(void *dev, bus_print *out, void *to)
{
	struct pic *p = dev;

	for (unsigned i = 0; i < 2; i++) {
		struct i8259 *c = &p->chip[i];

		out(to,
		    "  %s IRR=%02x IMR=%02x ISR=%02x lines=%02x ELCR=%02x "
		    "vectors=%02x lowest=IR%u%s%s%s%s INT=%d\n",
		    i ? "slave " : "master", c->irr, c->imr, c->isr, c->lines,
		    c->elcr, c->icw2 & 0xf8, c->lowest,
		    c->icw4 & ICW4_AEOI ? " AEOI" : "",
		    c->icw4 & ICW4_SFNM ? " SFNM" : "",
		    c->special_mask ? " SMM" : "",
		    c->icw_state != READY ? " (initializing)" : "",
		    winner(c) >= 0);
	}
}

static const struct state_field i8259_state[] = {
	STATE(struct i8259, irr, STATE_ANY),
	STATE(struct i8259, imr, STATE_ANY),
	STATE(struct i8259, isr, STATE_ANY),
	STATE(struct i8259, lines, STATE_ANY),
	STATE(struct i8259, elcr, STATE_ANY),
	STATE(struct i8259, elcr_mask, STATE_ANY),
	STATE(struct i8259, icw1, STATE_ANY),
	STATE(struct i8259, icw2, STATE_ANY),
	STATE(struct i8259, icw3, STATE_ANY),
	STATE(struct i8259, icw4, STATE_ANY),
	STATE(struct i8259, icw_state, WANT_ICW4),
	STATE(struct i8259, lowest, 7),
	STATE(struct i8259, rotate_on_aeoi, 1),
	STATE(struct i8259, special_mask, 1),
	STATE(struct i8259, poll, 1),
	STATE(struct i8259, read_isr, 1),
	STATE(struct i8259, is_master, 1),
	STATE_END,
};

static const struct state_field pic_state[] = {
	STATE_ARRAY_OF(struct pic, chip, i8259_state),
	STATE_END,
};

const struct chip chip_pic = {
	.name = "8259A",
	.size = sizeof(struct pic),
	.state = pic_state,
	.init = pic_init,
	.reset = pic_reset,
	.show = pic_show,
	.in = pic_in,
	.out = pic_out,
};
