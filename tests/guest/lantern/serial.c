/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * COM1, a 16550 serial port: the kernel's mouth and its first ear.
 *
 * Sending is polled: wait until the port can take a byte, give it one.  That
 * makes every message complete when the call returns, which is what one wants
 * of a kernel that may be about to crash.  Receiving is by interrupt, because
 * nobody knows when a person will type.
 */
#include "kernel.h"

#define PORT 0x3F8

enum {
	DATA = 0, INTERRUPTS = 1, FIFO = 2, LINE = 3, MODEM = 4,
	LINE_STATUS = 5,
	DIVISOR_LOW = 0, DIVISOR_HIGH = 1,	/* while LINE has bit 7 set */
};

enum { STATUS_RECEIVED = 0x01, STATUS_CAN_SEND = 0x20 };

static bool present;

void serial_init(void)
{
	out8(PORT + INTERRUPTS, 0);
	out8(PORT + LINE, 0x80);
	out8(PORT + DIVISOR_LOW, 1);		/* 115200 baud */
	out8(PORT + DIVISOR_HIGH, 0);
	out8(PORT + LINE, 0x03);		/* 8 bits, no parity, 1 stop */
	out8(PORT + FIFO, 0x07);		/* on, both emptied */
	out8(PORT + MODEM, 0x0B);		/* DTR, RTS, interrupt line */
	out8(PORT + INTERRUPTS, 0x01);		/* on received data */
	/* An empty bus reads as all ones. */
	present = in8(PORT + LINE_STATUS) != 0xFF;
}

void serial_put(char c)
{
	if (!present)
		return;
	if (c == '\n')
		serial_put('\r');
	while (!(in8(PORT + LINE_STATUS) & STATUS_CAN_SEND))
		;
	out8(PORT + DATA, (u8)c);
}

void serial_interrupt(void)
{
	while (present && in8(PORT + LINE_STATUS) & STATUS_RECEIVED)
		tty_input((char)in8(PORT + DATA));
}
