/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest that does anything to its devices: port and memory accesses of
 * every width, time in jumps, interrupts taken, host input.  Nothing may
 * crash, hang or overflow; a saved state must load.
 *
 * Four bytes are one action: what, where (two bytes), value. */
/* LINK: tests/unit/dev_fixture.c tests/unit/fake_phys.c core/base/err.c core/base/buf.c core/base/state.c core/base/crc.c */
/* LINK: core/base/check.c core/dev/bus.c core/dev/pic.c core/dev/lapic.c */
/* LINK: core/dev/ioapic.c core/dev/pit.c core/dev/rtc.c core/dev/kbd.c */
/* LINK: core/dev/uart.c core/dev/vga.c core/dev/pci.c core/dev/dma.c */
/* LINK: core/dev/ferr.c core/dev/fwcfg.c core/dev/acpi_pm.c core/dev/debugport.c core/dev/testdev.c core/dev/tables.c core/dev/bios.S */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "tests/unit/dev_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Most values of 16 bits are no port: spread over those that are. */
static u16 some_port(u16 raw)
{
	static const u16 bases[] = {0x00,  0x20,  0x40,  0x60,  0x70,  0x80,
				    0x90,  0xa0,  0xc0,  0xe8,  0xf0,  0x2f8,
				    0x3c0, 0x3d0, 0x3f8, 0x4d0, 0x600, 0xcf8};

	return bases[(raw >> 8) % ARRAY_LEN(bases)] + raw % 16;
}

static void take_time(struct machine *m, u64 ns)
{
	m->now += ns;
	/* A period of nanoseconds may fire often, not for ever. */
	for (unsigned i = 0; i < 1000 && bus_next_deadline(m->bus) <= m->now;
	     i++)
		bus_run_timers(m->bus, m->now);
	CHECK(bus_next_deadline(m->bus) > m->now, "a timer that never rests");
}

static void load(struct machine *m, const struct state_list *parts,
		 const struct buf *bytes)
{
	struct err e;

	CHECK(!state_list_load(parts, (const u8 *)bytes->data, bytes->len,
			       m->now, &e),
	      "%s", e.text);
	bus_loaded(m->bus);
}

static void snapshot(struct machine *m)
{
	struct state_list parts = {.count = 0};
	struct buf first = {0}, second = {0};

	bus_state(m->bus, &parts);
	state_list_save(&parts, &first);
	load(m, &parts, &first);
	state_list_save(&parts, &second);
	CHECK(!memcmp(first.data, second.data, first.len),
	      "a state that changes by loading");
	buf_free(&first);
	buf_free(&second);
}

/* A state with another byte: if it is taken, the machine must live with it. */
static void change_state(struct machine *m, u32 where, u8 value)
{
	struct state_list parts = {.count = 0};
	struct buf bytes = {0};

	bus_state(m->bus, &parts);
	state_list_save(&parts, &bytes);
	bytes.data[where % bytes.len] = (char)value;
	if (!state_list_load(&parts, (u8 *)bytes.data, bytes.len, m->now, NULL))
		bus_loaded(m->bus);
	buf_free(&bytes);
}

static void act(struct machine *m, const u8 *action)
{
	unsigned size = 1u << (action[0] >> 4 & 3) % 3;
	u16 where = (u16)(action[1] | action[2] << 8);
	u32 value = action[3] * 0x01010101u;
	u32 mmio = (where & 0x8000 ? 0xfee00000u : 0xfec00000u) +
		   (where & 0xfff & ~(size - 1));

	switch (action[0] & 15) {
	case 0:
		bus_port_in(m->bus, some_port(where), size);
		break;
	case 1:
		fake_mmio_read(m->mem, mmio, size);
		break;
	case 2:
		fake_mmio_write(m->mem, mmio, size, value);
		break;
	case 3:
		fake_mmio_write(m->mem, mmio, 4, action[3]);
		break;
	case 4:
		take_time(m, (u64)where << action[3] % 24);
		break;
	case 5:
		if (bus_intr_pending(m->bus))
			CHECK(bus_intr_ack(m->bus) >= 0, "nothing pending");
		break;
	case 6:
		bus_serial_in(m->bus, where & 1, action[3]);
		bus_key_in(m->bus, action[3]);
		break;
	case 7:
		if (where < 64)
			snapshot(m);
		else if (where & 1)
			change_state(m, where * 5u, action[3]);
		break;
	default:
		bus_port_out(m->bus, some_port(where), size,
			     size == 1 ? action[3] : value);
	}
}

/* One machine serves all runs; each begins from the same saved state. */
static struct machine *fresh_machine(void)
{
	static struct machine *m;
	static struct state_list parts;
	static struct buf saved;

	if (!m) {
		m = machine_new(true);
		bus_state(m->bus, &parts);
		state_list_save(&parts, &saved);
	}
	m->now = 0;
	m->text_len = 0;
	load(m, &parts, &saved);
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct machine *m = fresh_machine();

	for (size_t i = 0; i + 4 <= len; i += 4)
		act(m, bytes + i);
	if (len % 16 == 3) {
		bus_show_devices(m->bus, collect, m);
		bus_show_screen(m->bus, collect, m);
		bus_reset(m->bus);
	}
	return 0;
}
