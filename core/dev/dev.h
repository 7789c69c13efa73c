/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a device is: ports, device memory, interrupt lines, time.  A device
 * is one file and one row of devices.def; it knows the bus and nothing of
 * CPU, translator or debugger. */
#ifndef CORE_DEV_DEV_H
#define CORE_DEV_DEV_H

#include "core/base/err.h"
#include "core/base/state.h"
#include "core/base/types.h"

struct bus;
struct mem;

/* A timer: guest nanoseconds since reset (virtual time).  Embedded in its
 * device; armed and disarmed through the bus. */
struct timer {
	u64 when; /* guest ns; meaningful while armed */
	void (*fire)(void *dev, u64 now);
	void *dev;
	bool armed;
	u32 order; /* ties fire in the order in which timers were added */
	const char *name;
};

void bus_timer_init(struct bus *b, struct timer *t, const char *name,
		    void (*fire)(void *dev, u64 now), void *dev);
void bus_timer_arm(struct bus *b, struct timer *t, u64 when);
void bus_timer_disarm(struct bus *b, struct timer *t);
/* Earliest armed deadline, UINT64_MAX when none. */
u64 bus_next_deadline(const struct bus *b);
/* Fires, in order, everything due at `now`. */
void bus_run_timers(struct bus *b, u64 now);

/* Guest time now, in ns. */
u64 bus_now(const struct bus *b);

/* ISA interrupt lines 0..15, level semantics: the PIC and the IO-APIC see
 * both.  ISA line 0 is IO-APIC pin 2. */
void bus_irq(struct bus *b, unsigned line, bool level);
bool bus_irq_level(const struct bus *b, unsigned line);

/* The processor met an x87 error with CR0.NE clear: FERR#. */
void bus_ferr(struct bus *b);

/* Would an interrupt be delivered if IF were set?  And which: acknowledges
 * it (PIC INTA cycle or local APIC), returns the vector or -1. */
bool bus_intr_pending(struct bus *b);
int bus_intr_ack(struct bus *b);

/* Port access, size 1, 2 or 4: ports nobody claims read all ones. */
u32 bus_port_in(struct bus *b, u16 port, unsigned size);
void bus_port_out(struct bus *b, u16 port, unsigned size, u32 value);

/* What a device asks of the machine (bits are collected, the loop acts). */
enum bus_request {
	BUS_RESET = 1,	   /* reset the machine (0xcf9, 8042 FEh) */
	BUS_POWER_OFF = 2, /* ACPI S5, port 604h */
	BUS_EXIT = 4,	   /* debug-exit port: status in bus_exit_status */
	BUS_BREAK = 8,	   /* the guest asks for the debugger */
	BUS_NMI = 16,	   /* a non-maskable interrupt arrived */
};

struct bus_config {
	void *owner;			 /* passed to hooks */
	u64 (*now)(void *owner);	 /* guest ns */
	void (*intr_changed)(void *owner); /* look at bus_intr_pending again */
	void (*request)(void *owner, enum bus_request what);
	u64 start_time; /* seconds since 1970, for the CMOS clock */
	u64 seed;	/* what the guest sees as randomness */
	bool has_apic;
	u64 ram_size;
	/* Bytes a serial port sends; `port` 0 or 1. */
	void (*serial_out)(void *owner, unsigned port, u8 byte);
	void (*debug_out)(void *owner, u8 byte); /* port E9h */
	void (*ignne)(void *owner); /* the processor is to ignore x87 errors */
	/* bus_next_deadline() moved; may be NULL. */
	void (*deadline_changed)(void *owner);
};

/* Makes all devices of devices.def; MMIO ranges are added to `m`. */
struct bus *bus_new(const struct bus_config *cfg, struct mem *m,
		    struct err *e);
void bus_free(struct bus *b);
void bus_reset(struct bus *b);
int bus_exit_status(const struct bus *b);

/* Host input: a byte for a serial port; false when its queue is full. */
bool bus_serial_in(struct bus *b, unsigned port, u8 byte);
/* A key, as a set-1 scancode byte; lost when there is no room. */
void bus_key_in(struct bus *b, u8 scancode);
unsigned bus_key_room(const struct bus *b);

/* Text for `info irq`, `info devices`, `info screen`: appends lines to out
 * through the printf-like function given. */
typedef void bus_print(void *to, const char *fmt, ...);
void bus_show_irq(struct bus *b, bus_print *out, void *to);
/* The one device of that name; false: there is none. */
bool bus_show_named(struct bus *b, const char *name, bus_print *out, void *to);
/* Names in order, "" for one that this machine lacks, NULL after the last. */
const char *bus_device_name(const struct bus *b, unsigned i);
void bus_show_devices(struct bus *b, bus_print *out, void *to);
void bus_show_screen(struct bus *b, bus_print *out, void *to);

/* The local APIC's timer entry (LVTT) goes off, whatever its counter does. */
void bus_apic_timer_event(struct bus *b);

/* Local APIC as the CPU sees its base MSR (IA32_APIC_BASE). */
void bus_apic_base(struct bus *b, u64 value);

/* The state of the bus and its devices; after it was changed, bus_loaded(). */
void bus_state(struct bus *b, struct state_list *to);
void bus_loaded(struct bus *b);
/* Ends the process unless what the bus keeps is what devices say. */
void bus_check(const struct bus *b);
/* A timer's, for who embeds one. */
extern const struct state_field timer_state[];

/* Firmware tables the kernel looks for: MP table, ACPI, BIOS data area,
 * written into guest memory at reset (tables.c). */
void tables_write(struct mem *m, const struct bus_config *cfg);

/* The memory map as BIOS call E820h tells it; returns how many entries it
 * wrote.  type 1 is usable, 2 reserved. */
struct e820_entry {
	u64 base;
	u64 len;
	u32 type;
};
unsigned tables_e820(u64 ram_size, struct e820_entry *out, unsigned max);

/* The vector whose BIOS service begins at this linear address, -1: none.
 * A service is one HLT. */
int tables_bios_service(u32 linear);

/* Where tables_write() put the ACPI RSDP (20 bytes). */
#define TABLES_RSDP 0xf0000u

#endif
