/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VGA as far as text mode needs it.  The 80x25 cells at B8000h are plain
 * guest memory; `info screen` reads them, so a write to the screen costs the
 * guest nothing.  The registers remember what is written: CRTC (where the
 * screen starts, where the cursor is), sequencer, graphics and attribute
 * controllers, DAC.  Reading 3DAh resets the attribute flip-flop and shows
 * a retrace that comes and goes with guest time, for programs that wait. */
#include <string.h>

#include "core/dev/dev_priv.h"
#include "core/mem/mem.h"

enum {
	CRTC_START_HIGH = 0x0c,
	CRTC_CURSOR_HIGH = 0x0e,
	CRTC_COUNT = 0x19,
	COLUMNS = 80,
	ROWS = 25,
	TEXT_BASE = 0xb8000,
	TEXT_CELLS = 0x4000, /* 32 KiB of two-byte cells */
	LINE_NS = 31778,     /* 31.469 kHz */
	LINES = 449,
	SHOWN_LINES = 400,
};

struct vga {
	struct bus *bus;
	u8 crtc_index, crtc[32];
	u8 sequencer_index, sequencer[8];
	u8 graphics_index, graphics[16];
	u8 attribute_index, attribute[32];
	bool attribute_data_next; /* the flip-flop */
	u8 misc;
	u8 feature;
	u8 dac_mask;
	u16 dac_read, dac_write; /* colour * 3 + component */
	bool dac_reading;
	u8 dac[768];
};

static u8 input_status_1(struct vga *v)
{
	u64 now = bus_now(v->bus);
	u64 line = now / LINE_NS % LINES;
	bool vertical = line >= SHOWN_LINES;
	bool horizontal = now % LINE_NS > LINE_NS * 4 / 5;

	v->attribute_data_next = false;
	return (vertical ? 0x08 : 0) | (vertical || horizontal ? 0x01 : 0);
}

static u8 read_dac(struct vga *v)
{
	u8 value = v->dac[v->dac_read];

	v->dac_read = (v->dac_read + 1) % sizeof(v->dac);
	return value;
}

static u32 vga_in(void *dev, u16 port, unsigned size)
{
	struct vga *v = dev;

	(void)size;
	switch (port) {
	case 0x3c0:
		return v->attribute_index;
	case 0x3c1:
		return v->attribute[v->attribute_index & 31];
	case 0x3c2:
		return 0x10; /* switch sense: a monitor is there */
	case 0x3c4:
		return v->sequencer_index;
	case 0x3c5:
		return v->sequencer[v->sequencer_index & 7];
	case 0x3c6:
		return v->dac_mask;
	case 0x3c7:
		return v->dac_reading ? 3 : 0;
	case 0x3c8:
		return v->dac_write / 3;
	case 0x3c9:
		return read_dac(v);
	case 0x3ca:
		return v->feature;
	case 0x3cc:
		return v->misc;
	case 0x3ce:
		return v->graphics_index;
	case 0x3cf:
		return v->graphics[v->graphics_index & 15];
	case 0x3d4:
		return v->crtc_index;
	case 0x3d5:
		return v->crtc[v->crtc_index & 31];
	case 0x3da:
		return input_status_1(v);
	default:
		return 0xff;
	}
}

static void write_attribute(struct vga *v, u8 value)
{
	if (v->attribute_data_next)
		v->attribute[v->attribute_index & 31] = value;
	else
		v->attribute_index = value & 0x3f;
	v->attribute_data_next = !v->attribute_data_next;
}

static void write_dac(struct vga *v, u8 value)
{
	v->dac[v->dac_write] = value & 0x3f;
	v->dac_write = (v->dac_write + 1) % sizeof(v->dac);
}

static void vga_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct vga *v = dev;
	u8 byte = (u8)value;

	(void)size;
	switch (port) {
	case 0x3c0:
		write_attribute(v, byte);
		break;
	case 0x3c2:
		v->misc = byte;
		break;
	case 0x3c4:
		v->sequencer_index = byte;
		break;
	case 0x3c5:
		v->sequencer[v->sequencer_index & 7] = byte;
		break;
	case 0x3c6:
		v->dac_mask = byte;
		break;
	case 0x3c7:
		v->dac_read = (u16)(byte * 3);
		v->dac_reading = true;
		break;
	case 0x3c8:
		v->dac_write = (u16)(byte * 3);
		v->dac_reading = false;
		break;
	case 0x3c9:
		write_dac(v, byte);
		break;
	case 0x3ce:
		v->graphics_index = byte;
		break;
	case 0x3cf:
		v->graphics[v->graphics_index & 15] = byte;
		break;
	case 0x3d4:
		v->crtc_index = byte;
		break;
	case 0x3d5:
		if (v->crtc_index < CRTC_COUNT)
			v->crtc[v->crtc_index] = byte;
		break;
	case 0x3da:
		v->feature = byte;
		break;
	}
}

static void vga_init(void *dev, struct bus *b, const struct device_row *row)
{
	struct vga *v = dev;

	(void)row;
	v->bus = b;
}

/* Mode 3 as firmware sets it: 80x25 at 9x16. */
static void vga_reset(void *dev)
{
	static const u8 crtc[CRTC_COUNT] = {
		0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
		0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
		0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
	};
	static const u8 sequencer[] = {0x03, 0x00, 0x03, 0x00, 0x02};
	static const u8 graphics[] = {0x00, 0x00, 0x00, 0x00, 0x00,
				      0x10, 0x0e, 0x0f, 0xff};
	struct vga *v = dev;
	struct bus *bus = v->bus;

	memset(v, 0, sizeof(*v));
	v->bus = bus;
	memcpy(v->crtc, crtc, sizeof(crtc));
	memcpy(v->sequencer, sequencer, sizeof(sequencer));
	memcpy(v->graphics, graphics, sizeof(graphics));
	for (u8 i = 0; i < 16; i++)
		v->attribute[i] = i < 8 ? (i == 6 ? 0x14 : i) : 0x30 + i;
	v->attribute[0x10] = 0x0c;
	v->attribute[0x12] = 0x0f;
	v->attribute[0x13] = 0x08;
	v->misc = 0x67;
	v->dac_mask = 0xff;
}

static u32 crtc_pair(const struct vga *v, unsigned high)
{
	return (u32)v->crtc[high] << 8 | v->crtc[high + 1];
}

static void vga_show(void *dev, bus_print *out, void *to)
{
	struct vga *v = dev;

	out(to, "  start=%04x cursor=%04x misc=%02x CRTC index=%02x\n",
	    crtc_pair(v, CRTC_START_HIGH), crtc_pair(v, CRTC_CURSOR_HIGH),
	    v->misc, v->crtc_index);
}

/* One row of the screen as text, without the blanks at its end. */
static void show_row(const u8 *text, u32 cell, bus_print *out, void *to)
{
	char line[COLUMNS + 1];
	unsigned len = 0;

	for (unsigned i = 0; i < COLUMNS; i++) {
		u8 c = text[(cell + i) % TEXT_CELLS * 2];

		line[i] = c >= 0x20 && c < 0x7f ? (char)c : c ? '.' : ' ';
		if (line[i] != ' ')
			len = i + 1;
	}
	line[len] = 0;
	out(to, "%s\n", line);
}

void vga_show_screen(void *dev, bus_print *out, void *to)
{
	struct vga *v = dev;
	const u8 *text =
		mem_phys_ptr(bus_mem(v->bus), TEXT_BASE, TEXT_CELLS * 2);
	u32 start = crtc_pair(v, CRTC_START_HIGH);
	u32 cursor = crtc_pair(v, CRTC_CURSOR_HIGH) - start;

	if (!text) {
		out(to, "no text memory at %x\n", TEXT_BASE);
		return;
	}
	for (unsigned row = 0; row < ROWS; row++)
		show_row(text, start + row * COLUMNS, out, to);
	if (cursor < COLUMNS * ROWS)
		out(to, "cursor at row %u, column %u\n", cursor / COLUMNS,
		    cursor % COLUMNS);
}

static const struct state_field vga_state[] = {
	STATE(struct vga, crtc_index, STATE_ANY),
	STATE_ARRAY(struct vga, crtc, STATE_ANY),
	STATE(struct vga, sequencer_index, STATE_ANY),
	STATE_ARRAY(struct vga, sequencer, STATE_ANY),
	STATE(struct vga, graphics_index, STATE_ANY),
	STATE_ARRAY(struct vga, graphics, STATE_ANY),
	STATE(struct vga, attribute_index, STATE_ANY),
	STATE_ARRAY(struct vga, attribute, STATE_ANY),
	STATE(struct vga, attribute_data_next, 1),
	STATE(struct vga, misc, STATE_ANY),
	STATE(struct vga, feature, STATE_ANY),
	STATE(struct vga, dac_mask, STATE_ANY),
	STATE(struct vga, dac_read, 767),
	STATE(struct vga, dac_write, 767),
	STATE(struct vga, dac_reading, 1),
	STATE_ARRAY(struct vga, dac, STATE_ANY),
	STATE_END,
};

const struct chip chip_vga = {
	.name = "VGA",
	.size = sizeof(struct vga),
	.state = vga_state,
	.init = vga_init,
	.reset = vga_reset,
	.show = vga_show,
	.in = vga_in,
	.out = vga_out,
};
