/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 8042 keyboard controller with a keyboard and, on the auxiliary port,
 * nothing.
 *
 * Two queues lead to the output buffer at 60h: answers of the controller
 * itself, which go first, and bytes from the keyboard, which wait while the
 * keyboard's clock is held low.  Line 1 is up while the buffer holds a
 * byte and the command byte allows the interrupt; reading 60h lowers it and
 * lets the next byte in.
 *
 * Keys come from the host as set 1 codes, as the controller delivers them
 * after translation.  The keyboard itself speaks set 2 (or set 1 if told
 * so): with translation off, codes are turned back to what it would send.
 *
 * A probe for a mouse must fail quickly: the loop test answers, but not as
 * auxiliary data, and the interface test reports a stuck clock. */
#include <string.h>

#include "core/dev/dev_priv.h"

enum {
	STATUS_OBF = 0x01,
	STATUS_SYSTEM = 0x04,
	STATUS_COMMAND = 0x08,
	STATUS_UNLOCKED = 0x10,
	MODE_IRQ1 = 0x01,
	MODE_SYSTEM = 0x04,
	MODE_NO_KBD = 0x10,
	MODE_NO_AUX = 0x20,
	MODE_XLATE = 0x40,
	KBD_QUEUE = 256,
	ANSWERS = 4,
	ACK = 0xfa,
	RESEND = 0xfe,
};

struct kbd {
	struct bus *bus;
	u8 command_byte;
	u8 pending_command; /* waits for its byte at 60h; 0: none */
	bool last_was_command;
	bool obf;
	u8 output; /* the output buffer */
	u8 ram[32];
	u8 answer[ANSWERS];
	u8 answers;
	/* the keyboard */
	u8 queue[KBD_QUEUE];
	u32 queue_head, queue_len;
	u8 keyboard_command; /* waits for its argument; 0: none */
	u8 scancode_set;
	u8 leds;
	u8 rate;
	bool scanning;
	u8 last_sent;
};

/* Set 2 code of each set 1 code (make, without its top bit). */
/* clang-format off */
static const u8 set2[0x59] = {
	0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, /* Esc 1-6 */
	0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d, /* 7-0 - = BkSp Tab */
	0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, /* Q-I */
	0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b, /* O P [ ] Enter ^ A S */
	0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, /* D-L ; */
	0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a, /* ' ` Shift \ Z-V */
	0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, /* B-/ Shift KP* */
	0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03, /* Alt Space Caps F1-5 */
	0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, /* F6-10 Num Scroll 7 */
	0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69, /* keypad 8 9 - 4 5 6 + 1 */
	0x72, 0x7a, 0x70, 0x71, 0x84, 0x00, 0x61, 0x78, /* 2 3 0 . SysRq - < F11 */
	0x07, /* F12 */
};
/* clang-format on */

static u8 translate(u8 code)
{
	for (unsigned i = 1; i < sizeof(set2); i++)
		if (set2[i] == code)
			return (u8)i;
	/* F7 is 83h on the wire and 02h in the controller's table; 02h is
	 * also how the keyboard says that it speaks set 2. */
	return code == 0x02 ? 0x41 : code;
}

/* ---- the output buffer ---- */

static void update_line(struct kbd *k)
{
	bus_irq(k->bus, 1, k->obf && (k->command_byte & MODE_IRQ1));
}

static void fill_output(struct kbd *k)
{
	if (!k->obf && k->answers) {
		k->output = k->answer[0];
		k->answers--;
		memmove(k->answer, k->answer + 1, k->answers);
		k->obf = true;
	} else if (!k->obf && k->queue_len &&
		   !(k->command_byte & MODE_NO_KBD)) {
		k->output = k->queue[k->queue_head];
		k->queue_head = (k->queue_head + 1) % KBD_QUEUE;
		k->queue_len--;
		k->obf = true;
	}
	update_line(k);
}

static void answer(struct kbd *k, u8 byte)
{
	if (k->answers < ANSWERS)
		k->answer[k->answers++] = byte;
}

static void queue_byte(struct kbd *k, u8 byte)
{
	if (k->queue_len == KBD_QUEUE)
		return;
	k->queue[(k->queue_head + k->queue_len) % KBD_QUEUE] = byte;
	k->queue_len++;
}

/* A byte the keyboard sends on its wire, as it reaches the queue. */
static void keyboard_sends(struct kbd *k, u8 byte)
{
	k->last_sent = byte;
	queue_byte(k, k->command_byte & MODE_XLATE ? translate(byte) : byte);
}

void kbd_key(void *dev, u8 scancode)
{
	struct kbd *k = dev;
	u8 make = scancode & 0x7f;
	bool untranslated = !(k->command_byte & MODE_XLATE);

	if (!k->scanning)
		return;
	if (!untranslated || k->scancode_set == 1 || scancode == 0xe0 ||
	    scancode == 0xe1) {
		queue_byte(k, scancode);
	} else if (make < sizeof(set2)) {
		if (scancode & 0x80)
			queue_byte(k, 0xf0);
		queue_byte(k, set2[make]);
	}
	fill_output(k);
}

unsigned kbd_room(const void *dev)
{
	const struct kbd *k = dev;

	return KBD_QUEUE - k->queue_len;
}

/* ---- commands to the keyboard ---- */

static void keyboard_defaults(struct kbd *k)
{
	k->scancode_set = 2;
	k->rate = 0x2b;
	k->keyboard_command = 0;
	k->scanning = true;
}

static void keyboard_argument(struct kbd *k, u8 value)
{
	u8 command = k->keyboard_command;

	k->keyboard_command = 0;
	keyboard_sends(k, ACK);
	if (command == 0xed)
		k->leds = value;
	else if (command == 0xf3)
		k->rate = value;
	else if (command == 0xf0 && !value)
		keyboard_sends(k, k->scancode_set);
	else if (command == 0xf0 && value <= 3)
		k->scancode_set = value;
}

static void keyboard_command(struct kbd *k, u8 value)
{
	switch (value) {
	case 0xed: /* LEDs */
	case 0xf0: /* scancode set */
	case 0xf3: /* typematic rate */
		k->keyboard_command = value;
		keyboard_sends(k, ACK);
		break;
	case 0xee: /* echo */
		keyboard_sends(k, 0xee);
		break;
	case 0xf2: /* identify */
		keyboard_sends(k, ACK);
		keyboard_sends(k, 0xab);
		keyboard_sends(k, 0x83);
		break;
	case 0xf4:
		k->scanning = true;
		keyboard_sends(k, ACK);
		break;
	case 0xf5:
		keyboard_defaults(k);
		k->scanning = false;
		keyboard_sends(k, ACK);
		break;
	case 0xf6:
		keyboard_defaults(k);
		keyboard_sends(k, ACK);
		break;
	case 0xfe:
		keyboard_sends(k, k->last_sent);
		break;
	case 0xff: /* reset and self test */
		k->queue_len = 0;
		keyboard_defaults(k);
		k->leds = 0;
		keyboard_sends(k, ACK);
		keyboard_sends(k, 0xaa);
		break;
	default:
		keyboard_sends(k, RESEND);
	}
}

/* ---- commands to the controller ---- */

static u8 output_port(const struct kbd *k)
{
	return 0xcd | (bus_a20(k->bus) ? 2 : 0) | (k->obf ? 0x10 : 0);
}

static void controller_argument(struct kbd *k, u8 value)
{
	u8 command = k->pending_command;

	k->pending_command = 0;
	if (command == 0x60)
		k->command_byte = value;
	else if (command > 0x60 && command < 0x80)
		k->ram[command & 31] = value;
	switch (command) {
	case 0xd1:
		bus_set_a20(k->bus, value & 2);
		if (!(value & 1))
			bus_request(k->bus, BUS_RESET);
		break;
	case 0xd2: /* as if the keyboard had sent it */
	case 0xd3: /* loop test: answered, but not as auxiliary data */
		answer(k, value);
		break;
	}
}

static void controller_command(struct kbd *k, u8 value)
{
	if (value >= 0x20 && value < 0x40) {
		answer(k, value == 0x20 ? k->command_byte : k->ram[value & 31]);
		return;
	}
	if (value >= 0x60 && value < 0x80) {
		k->pending_command = value;
		return;
	}
	if (value >= 0xf0) { /* pulses output lines; line 0 is reset */
		if (!(value & 1))
			bus_request(k->bus, BUS_RESET);
		return;
	}
	switch (value) {
	case 0xa7:
		k->command_byte |= MODE_NO_AUX;
		break;
	case 0xa8:
		k->command_byte &= ~MODE_NO_AUX;
		break;
	case 0xa9: /* auxiliary interface: clock stuck high */
		answer(k, 0x02);
		break;
	case 0xaa:
		k->command_byte |= MODE_SYSTEM;
		answer(k, 0x55);
		break;
	case 0xab: /* keyboard interface: no error */
		answer(k, 0x00);
		break;
	case 0xad:
		k->command_byte |= MODE_NO_KBD;
		break;
	case 0xae:
		k->command_byte &= ~MODE_NO_KBD;
		break;
	case 0xc0: /* input port: unlocked, colour display */
		answer(k, 0xa0);
		break;
	case 0xd0:
		answer(k, output_port(k));
		break;
	case 0xd1:
	case 0xd2:
	case 0xd3:
	case 0xd4: /* to the mouse that is not there */
		k->pending_command = value;
		break;
	case 0xdd:
		bus_set_a20(k->bus, false);
		break;
	case 0xdf:
		bus_set_a20(k->bus, true);
		break;
	}
}

static u8 status(const struct kbd *k)
{
	return (k->obf ? STATUS_OBF : 0) | (k->command_byte & STATUS_SYSTEM) |
	       (k->last_was_command ? STATUS_COMMAND : 0) | STATUS_UNLOCKED;
}

static u32 kbd_in(void *dev, u16 port, unsigned size)
{
	struct kbd *k = dev;
	u8 value = k->output;

	(void)size;
	if (port == 0x64)
		return status(k);
	/* The line falls before the next byte raises it: an edge each. */
	k->obf = false;
	update_line(k);
	fill_output(k);
	return value;
}

static void kbd_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct kbd *k = dev;
	u8 byte = (u8)value;

	(void)size;
	k->last_was_command = port == 0x64;
	if (port == 0x64) {
		k->pending_command = 0;
		controller_command(k, byte);
	} else if (k->pending_command) {
		controller_argument(k, byte);
	} else {
		k->command_byte &= ~MODE_NO_KBD; /* sending turns it on */
		if (k->keyboard_command && byte < 0xed)
			keyboard_argument(k, byte);
		else
			keyboard_command(k, byte);
	}
	fill_output(k);
}

static void kbd_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct kbd *k = dev;

	(void)row;
	k->bus = b;
}

/* As firmware leaves it: tested, translating, interrupting. */
static void kbd_reset(void *dev)
{
	struct kbd *k = dev;
	struct bus *bus = k->bus;

	memset(k, 0, sizeof(*k));
	k->bus = bus;
	k->command_byte = MODE_XLATE | MODE_NO_AUX | MODE_SYSTEM | MODE_IRQ1;
	keyboard_defaults(k);
	update_line(k);
}

static void kbd_show(void *dev, bus_print *out, void *to)
{
	struct kbd *k = dev;

	out(to,
	    "  status=%02x command byte=%02x output=%02x answers=%u "
	    "keys=%u set=%u leds=%x%s A20=%d\n",
	    status(k), k->command_byte, k->output, k->answers, k->queue_len,
	    k->scancode_set, k->leds, k->scanning ? "" : " (not scanning)",
	    bus_a20(k->bus));
}

static const struct state_field kbd_state[] = {
	STATE(struct kbd, command_byte, STATE_ANY),
	STATE(struct kbd, pending_command, STATE_ANY),
	STATE(struct kbd, last_was_command, 1),
	STATE(struct kbd, obf, 1),
	STATE(struct kbd, output, STATE_ANY),
	STATE_ARRAY(struct kbd, ram, STATE_ANY),
	STATE_ARRAY(struct kbd, answer, STATE_ANY),
	STATE(struct kbd, answers, ANSWERS),
	STATE_ARRAY(struct kbd, queue, STATE_ANY),
	STATE(struct kbd, queue_head, KBD_QUEUE - 1),
	STATE(struct kbd, queue_len, KBD_QUEUE),
	STATE(struct kbd, keyboard_command, STATE_ANY),
	STATE(struct kbd, scancode_set, STATE_ANY),
	STATE(struct kbd, leds, STATE_ANY),
	STATE(struct kbd, rate, STATE_ANY),
	STATE(struct kbd, scanning, 1),
	STATE(struct kbd, last_sent, STATE_ANY),
	STATE_END,
};

const struct chip chip_kbd = {
	.name = "8042",
	.size = sizeof(struct kbd),
	.state = kbd_state,
	.init = kbd_init,
	.reset = kbd_reset,
	.show = kbd_show,
	.in = kbd_in,
	.out = kbd_out,
};
