/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of core/dev share and nobody else sees: what a chip is,
 * how it reaches the bus, and the few calls that run between the interrupt
 * controllers.
 *
 * I-dev-1: a device's whole state is in one plain struct of `chip.size` bytes,
 * and `chip.state` names all of it that may change after `init`.
 * I-dev-2: nothing here reads host time or host randomness.
 * I-dev-3: no handler allocates or uses floating point. */
#ifndef CORE_DEV_DEV_PRIV_H
#define CORE_DEV_DEV_PRIV_H

#include "core/dev/dev.h"

/* One row of devices.def. */
struct device_row {
	const char *id;
	const char *what;
	const struct chip *chip;
	u16 base;
	int irq;
	bool needs_apic;
};

/* A kind of device.  Handlers a chip does not need are NULL. */
struct chip {
	const char *name;
	size_t size; /* of its struct, which the bus allocates zeroed */
	const struct state_field *state;
	/* As in struct state_part; NULL: values that are possible are good. */
	const char *(*wrong)(const void *dev, u64 now);
	/* Once: remember the bus and the row, make timers known. */
	void (*init)(void *dev, struct bus *b, const struct device_row *row);
	void (*reset)(void *dev);
	void (*show)(void *dev, bus_print *out, void *to);
	u32 (*in)(void *dev, u16 port, unsigned size);
	void (*out)(void *dev, u16 port, unsigned size, u32 value);
	u32 (*mmio_read)(void *dev, u32 offset, unsigned size);
	void (*mmio_write)(void *dev, u32 offset, unsigned size, u32 value);
};

enum device_id {
#define DEVICE(id, kind, base, irq, needs_apic, what) DEV_##id,
#include "core/dev/devices.def"
	DEV_COUNT
};

#define DEVICE(id, kind, base, irq, needs_apic, what) \
	extern const struct chip chip_##kind;
#include "core/dev/devices.def"

/* ---- what chips ask of the bus ---- */

/* The device's struct, NULL when this machine lacks it. */
void *bus_device(const struct bus *b, enum device_id id);
const struct bus_config *bus_config(const struct bus *b);
struct mem *bus_mem(const struct bus *b);
void bus_request(struct bus *b, enum bus_request what);
void bus_set_exit_status(struct bus *b, int status);
/* The PIC's INT or the local APIC's opinion may have changed. */
void bus_intr_update(struct bus *b);
/* A20 and the NMI mask are kept by the bus: several chips touch them. */
bool bus_a20(const struct bus *b);
void bus_set_a20(struct bus *b, bool on);

/* ---- 8259A ---- */
void pic_set_line(void *pic, unsigned line, bool level);
bool pic_output(const void *pic);
int pic_ack(void *pic);

/* ---- APICs ---- */
bool lapic_pending(const void *lapic);
int lapic_ack(void *lapic); /* vector, -1 when none is deliverable */
bool lapic_accepts_extint(const void *lapic);
void lapic_lint0(void *lapic, bool level); /* the PIC's INT wire */
void lapic_timer_event(void *lapic); /* LVTT goes off */
void lapic_deliver(void *lapic, unsigned vector, bool level_triggered);
void lapic_set_base(void *lapic, u64 base_msr);
bool lapic_is_destination(const void *lapic, u8 destination, bool logical);
void ioapic_set_pin(void *ioapic, unsigned pin, bool level);
void ioapic_eoi(void *ioapic, unsigned vector);
bool ioapic_accepts_extint(const void *ioapic);

/* Where a request stands and what holds it up, in words: a line of the PIC, a
 * pin of the IO-APIC, the most urgent vector of the local APIC (if any). */
void pic_show_line(const void *pic, unsigned line, bus_print *out, void *to);
void ioapic_show_pin(const void *ioapic, unsigned pin, bus_print *out,
		     void *to);
void lapic_show_waiting(const void *lapic, bus_print *out, void *to);

/* ---- others ---- */
bool uart_receive(void *uart, u8 byte);
void kbd_key(void *kbd, u8 scancode);
unsigned kbd_room(const void *kbd);
void vga_show_screen(void *vga, bus_print *out, void *to);

/* ---- clocks: exact conversions without overflow for 500 years ---- */

#define NS_PER_S 1000000000ull

/* Whole ticks of an `hz` clock that have passed at `ns`. */
static inline u64 ticks_at(u64 ns, u32 hz)
{
	return ns / NS_PER_S * hz + ns % NS_PER_S * hz / NS_PER_S;
}

/* First nanosecond at which `ticks` ticks have passed. */
static inline u64 ns_of_tick(u64 ticks, u32 hz)
{
	return ticks / hz * NS_PER_S + (ticks % hz * NS_PER_S + hz - 1) / hz;
}

#endif
