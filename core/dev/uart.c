/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 16550A serial port.  Sending is immediate: a byte written to THR has left
 * before the next instruction, so LSR always says THRE and TEMT.  The THRE
 * interrupt is then raised by each write to THR and by enabling it, and
 * lowered by reading IIR, which is how drivers see an infinitely fast line.
 *
 * Receiving has a queue of 64 KiB before the chip's own FIFO.  The host may
 * deliver faster than a guest reads; a byte waits in the queue until the FIFO
 * (one byte when FIFOs are off) has room, so nothing is ever lost and LSR.OE
 * never set.  A FIFO below its trigger level reports the character timeout
 * at once: four character times are zero on such a line.
 *
 * A driver that starts clears the FIFO and reads RBR to be rid of stale bytes.
 * Host bytes are not stale: they go back to the queue, and arrive again one
 * character time later, as if they had still been on the line.
 *
 * The interrupt does not pass through MCR.OUT2 as it does on a PC card:
 * small kernels forget to set it, and no emulator holds them to it.
 *
 * Interrupt sources in order of priority (IIR): line status 06h, received
 * data 04h, timeout 0Ch, THR empty 02h, modem status 00h; 01h is none. */
#include "core/dev/dev_priv.h"

enum {
	QUEUE = 65536,
	FIFO = 16,
	RING = QUEUE + FIFO,   /* what goes back must fit */
	BIT_CLOCK_HZ = 115200, /* with a divisor of 1 */
	IER_RDA = 1,
	IER_THRE = 2,
	IER_LSI = 4,
	IER_MSI = 8,
	FCR_ENABLE = 1,
	FCR_CLEAR_RX = 2,
	LCR_BREAK = 0x40,
	LCR_DLAB = 0x80,
	MCR_DTR = 1,
	MCR_RTS = 2,
	MCR_OUT1 = 4,
	MCR_OUT2 = 8,
	MCR_LOOP = 0x10,
	LSR_DR = 1,
	LSR_OE = 2,
	LSR_BI = 0x10,
	LSR_THRE = 0x20,
	LSR_TEMT = 0x40,
	LSR_ERRORS = 0x1e,
	MSR_CTS = 0x10,
	MSR_DSR = 0x20,
	MSR_RI = 0x40,
	MSR_DCD = 0x80,
	IIR_NONE = 0x01,
	IIR_FIFOS = 0xc0,
};

struct uart {
	struct bus *bus;
	u8 ier, fcr, lcr, mcr, lsr_errors, msr, scr, dll, dlm;
	bool thre_pending;
	u8 irq;
	u8 port; /* 0 for COM1 */
	u32 fifo_len;
	u8 fifo[FIFO];
	bool fifo_is_looped; /* its bytes are our own */
	u64 quiet_until;     /* guest ns; nothing arrives before */
	struct timer arrival;
	u32 queue_head, queue_len;
	u8 queue[RING];
};

static u32 fifo_size(const struct uart *u)
{
	return u->fcr & FCR_ENABLE ? FIFO : 1;
}

static u32 trigger_level(const struct uart *u)
{
	static const u8 levels[] = {1, 4, 8, 14};

	return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

/* The interrupt identification, without the FIFO bits. */
static u8 identify(const struct uart *u)
{
	if ((u->ier & IER_LSI) && (u->lsr_errors & LSR_ERRORS))
		return 0x06;
	if ((u->ier & IER_RDA) && u->fifo_len >= trigger_level(u))
		return 0x04;
	if ((u->ier & IER_RDA) && u->fifo_len)
		return 0x0c;
	if ((u->ier & IER_THRE) && u->thre_pending)
		return 0x02;
	if ((u->ier & IER_MSI) && (u->msr & 0x0f))
		return 0x00;
	return IIR_NONE;
}

static void update_line(struct uart *u)
{
	bus_irq(u->bus, u->irq, identify(u) != IIR_NONE);
}

static void fill_fifo(struct uart *u)
{
	if (u->mcr & MCR_LOOP)
		return; /* the wire is cut from the receiver */
	if (bus_now(u->bus) < u->quiet_until)
		return;
	while (u->queue_len && u->fifo_len < fifo_size(u)) {
		u->fifo[u->fifo_len++] = u->queue[u->queue_head];
		u->queue_head = (u->queue_head + 1) % RING;
		u->queue_len--;
	}
}

/* Ten bits at the rate the divisor latch gives. */
static u64 character_time(const struct uart *u)
{
	u32 divisor = (u32)u->dlm << 8 | u->dll;

	return 10 * NS_PER_S * (divisor ? divisor : 65536) / BIT_CLOCK_HZ;
}

static void arrives(void *dev, u64 now)
{
	struct uart *u = dev;

	(void)now;
	fill_fifo(u);
	update_line(u);
}

static void clear_fifo(struct uart *u)
{
	if (u->fifo_len && !u->fifo_is_looped) {
		for (u32 i = u->fifo_len; i; i--) {
			u->queue_head = (u->queue_head + RING - 1) % RING;
			u->queue[u->queue_head] = u->fifo[i - 1];
		}
		u->queue_len += u->fifo_len;
		u->quiet_until = bus_now(u->bus) + character_time(u);
		bus_timer_arm(u->bus, &u->arrival, u->quiet_until);
	}
	u->fifo_len = 0;
	u->fifo_is_looped = false;
}

bool uart_receive(void *dev, u8 byte)
{
	struct uart *u = dev;

	if (u->queue_len >= QUEUE)
		return false;
	u->queue[(u->queue_head + u->queue_len) % RING] = byte;
	u->queue_len++;
	fill_fifo(u);
	update_line(u);
	return true;
}

static u8 read_rbr(struct uart *u)
{
	u8 byte = u->fifo_len ? u->fifo[0] : 0;

	if (!u->fifo_len)
		return 0;
	u->fifo_len--;
	for (u32 i = 0; i < u->fifo_len; i++)
		u->fifo[i] = u->fifo[i + 1];
	if (!u->fifo_len)
		u->fifo_is_looped = false;
	fill_fifo(u);
	return byte;
}

/* Loopback ties the sender to the receiver inside the chip. */
static void loop_byte(struct uart *u, u8 byte)
{
	if (u->fifo_len < fifo_size(u)) {
		u->fifo[u->fifo_len++] = byte;
		u->fifo_is_looped = true;
		return;
	}
	u->lsr_errors |= LSR_OE;
	if (!(u->fcr & FCR_ENABLE))
		u->fifo[0] = byte; /* RBR is overwritten */
}

static void write_thr(struct uart *u, u8 byte)
{
	const struct bus_config *cfg = bus_config(u->bus);

	if (u->mcr & MCR_LOOP)
		loop_byte(u, byte);
	else if (cfg->serial_out)
		cfg->serial_out(cfg->owner, u->port, byte);
	u->thre_pending = true;
}

/* The modem lines: a peer that is always ready, or in loopback our own
 * outputs.  Bits 0-3 note what changed (RI: only its trailing edge). */
static void update_modem(struct uart *u)
{
	u8 was = u->msr, lines = MSR_CTS | MSR_DSR | MSR_DCD;

	if (u->mcr & MCR_LOOP)
		lines = (u->mcr & MCR_RTS ? MSR_CTS : 0) |
			(u->mcr & MCR_DTR ? MSR_DSR : 0) |
			(u->mcr & MCR_OUT1 ? MSR_RI : 0) |
			(u->mcr & MCR_OUT2 ? MSR_DCD : 0);
	u->msr = lines | (was & 0x0f) | ((was ^ lines) >> 4 & 0x0b) |
		 ((was & ~lines & MSR_RI) >> 4);
}

static void write_fcr(struct uart *u, u8 value)
{
	/* Turning the FIFOs on or off empties them. */
	if (((value ^ u->fcr) & FCR_ENABLE) ||
	    ((value & FCR_ENABLE) && (value & FCR_CLEAR_RX)))
		clear_fifo(u);
	u->fcr = value & FCR_ENABLE ? value & 0xc9 : 0;
	fill_fifo(u);
}

static void write_ier(struct uart *u, u8 value)
{
	if ((value & IER_THRE) && !(u->ier & IER_THRE))
		u->thre_pending = true;
	u->ier = value & 0x0f;
}

static void write_lcr(struct uart *u, u8 value)
{
	/* A break sent in loopback is received as one. */
	if ((u->mcr & MCR_LOOP) && (value & LCR_BREAK) &&
	    !(u->lcr & LCR_BREAK)) {
		loop_byte(u, 0);
		u->lsr_errors |= LSR_BI;
	}
	u->lcr = value;
}

static void uart_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct uart *u = dev;
	bool dlab = u->lcr & LCR_DLAB;
	u8 byte = (u8)value;

	(void)size;
	switch (port & 7) {
	case 0:
		if (dlab)
			u->dll = byte;
		else
			write_thr(u, byte);
		break;
	case 1:
		if (dlab)
			u->dlm = byte;
		else
			write_ier(u, byte);
		break;
	case 2:
		write_fcr(u, byte);
		break;
	case 3:
		write_lcr(u, byte);
		break;
	case 4:
		if ((byte & MCR_LOOP) && !(u->mcr & MCR_LOOP))
			clear_fifo(u); /* what follows is our own */
		u->mcr = byte & 0x1f;
		update_modem(u);
		fill_fifo(u);
		break;
	case 7:
		u->scr = byte;
		break;
	} /* 5 and 6, LSR and MSR, are read only */
	update_line(u);
}

static u8 read_iir(struct uart *u)
{
	u8 id = identify(u);

	if (id == 0x02)
		u->thre_pending = false;
	return id | (u->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}

static u8 read_lsr(struct uart *u)
{
	u8 value = LSR_THRE | LSR_TEMT | u->lsr_errors |
		   (u->fifo_len ? LSR_DR : 0);

	u->lsr_errors = 0;
	return value;
}

static u8 read_msr(struct uart *u)
{
	u8 value = u->msr;

	u->msr &= 0xf0;
	return value;
}

static u8 read_register(struct uart *u, unsigned reg)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case 0:
		return dlab ? u->dll : read_rbr(u);
	case 1:
		return dlab ? u->dlm : u->ier;
	case 2:
		return read_iir(u);
	case 3:
		return u->lcr;
	case 4:
		return u->mcr;
	case 5:
		return read_lsr(u);
	case 6:
		return read_msr(u);
	default:
		return u->scr;
	}
}

static u32 uart_in(void *dev, u16 port, unsigned size)
{
	struct uart *u = dev;
	u8 value = read_register(u, port & 7);

	(void)size;
	update_line(u);
	return value;
}

static void uart_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct uart *u = dev;

	u->bus = b;
	u->irq = (u8)row->irq;
	u->port = row->base == 0x2f8;
	bus_timer_init(b, &u->arrival, row->id, arrives, u);
}

/* Host bytes that wait in the queue survive a reset of the machine: whoever
 * typed them did not know of it. */
static void uart_reset(void *dev)
{
	struct uart *u = dev;

	clear_fifo(u);
	bus_timer_disarm(u->bus, &u->arrival);
	u->quiet_until = 0;
	u->ier = u->fcr = u->mcr = u->lsr_errors = u->scr = 0;
	u->lcr = 3;  /* 8N1 and */
	u->dll = 12; /* 9600 baud, as firmware leaves it */
	u->dlm = 0;
	u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
	u->thre_pending = false;
	fill_fifo(u);
	update_line(u);
}

/* The registers in words: speed and format, what may interrupt, the wires. */
static void show_words(const struct uart *u, bus_print *out, void *to)
{
	static const char *const parity[] = {"N", "O", "N", "E",
					     "N", "M", "N", "S"};
	static const char *const interrupts[] = {" received", " empty",
						 " line", " modem"};
	static const char *const wires[] = {" DTR", " RTS", " OUT1", " OUT2",
					    " loop"};
	unsigned divisor = u->dlm * 256u + u->dll;

	out(to, "  %u baud %u%s%s, interrupts:",
	    divisor ? BIT_CLOCK_HZ / divisor : 0, (u->lcr & 3u) + 5,
	    parity[u->lcr >> 3 & 7], u->lcr & 4 ? "2" : "1");
	for (unsigned i = 0; i < ARRAY_LEN(interrupts); i++)
		if (u->ier >> i & 1)
			out(to, "%s", interrupts[i]);
	out(to, "%s; outputs:", u->ier & 15 ? "" : " none");
	for (unsigned i = 0; i < ARRAY_LEN(wires); i++)
		if (u->mcr >> i & 1)
			out(to, "%s", wires[i]);
	out(to, "%s\n", u->mcr & 31 ? "" : " none");
}

static void uart_show(void *dev, bus_print *out, void *to)
{
	struct uart *u = dev;

	out(to,
	    "  IER=%02x FCR=%02x LCR=%02x MCR=%02x MSR=%02x SCR=%02x "
	    "DL=%04x IIR=%02x FIFO %u, waiting %u\n",
	    u->ier, u->fcr, u->lcr, u->mcr, u->msr, u->scr,
	    u->dlm << 8 | u->dll, identify(u), u->fifo_len, u->queue_len);
	show_words(u, out, to);
}

static const struct state_field uart_state[] = {
	STATE(struct uart, ier, STATE_ANY),
	STATE(struct uart, fcr, STATE_ANY),
	STATE(struct uart, lcr, STATE_ANY),
	STATE(struct uart, mcr, STATE_ANY),
	STATE(struct uart, lsr_errors, STATE_ANY),
	STATE(struct uart, msr, STATE_ANY),
	STATE(struct uart, scr, STATE_ANY),
	STATE(struct uart, dll, STATE_ANY),
	STATE(struct uart, dlm, STATE_ANY),
	STATE(struct uart, thre_pending, 1),
	STATE(struct uart, fifo_len, FIFO),
	STATE_ARRAY(struct uart, fifo, STATE_ANY),
	STATE(struct uart, fifo_is_looped, 1),
	STATE(struct uart, quiet_until, STATE_TIME),
	STATE_OF(struct uart, arrival, timer_state),
	STATE(struct uart, queue_head, RING - 1),
	STATE(struct uart, queue_len, RING),
	STATE_ARRAY(struct uart, queue, STATE_ANY),
	STATE_END,
};

const struct chip chip_uart = {
	.name = "16550A",
	.size = sizeof(struct uart),
	.state = uart_state,
	.init = uart_init,
	.reset = uart_reset,
	.show = uart_show,
	.in = uart_in,
	.out = uart_out,
};
