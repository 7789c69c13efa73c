/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a BIOS would have left in memory.  There is none, but kernels look
 * for its traces: the BIOS data area, the EBDA, the memory map, and the
 * tables that say how interrupts are wired.
 *
 *	00000	interrupt vectors, to the handlers of bios.S
 *	00400	BIOS data area: serial ports, base memory, video mode
 *	9FC00	EBDA, 1 KiB
 *	B8000	text screen, cleared
 *	F0000	RSDP, 20 bytes		(ACPI 1.0, 5.2.4)
 *	F0100	MP floating pointer	(MP 1.4, 4.1)
 *	F0200	MP configuration table
 *	F1000	FACS, then RSDT, FADT, MADT, DSDT
 *	FE000	bios.S
 *
 * Tables are written through a cursor that appends little-endian fields; a
 * length and a checksum are patched in at the end, so no number is said
 * twice.  The DSDT is small enough to be made the same way: AML is bytes,
 * and each helper below names the byte code it writes.
 *
 * Everything is active high except where a flag says otherwise; the ACPI
 * interrupt, line 9, is level-triggered. */
#include <string.h>

#include "core/base/check.h"
#include "core/dev/dev.h"
#include "core/mem/mem.h"

enum {
	VECTORS = 256,
	BIOS_DATA = 0x400,
	BIOS_DATA_LEN = 0x100,
	EBDA = 0x9fc00,
	EBDA_LEN = 0x400,
	SCREEN = 0xb8000,
	SCREEN_LEN = 0x8000,
	ROM = 0xf0000,
	ROM_LEN = 0x10000,
	MP_POINTER = 0xf0100,
	MP_TABLE = 0xf0200,
	ACPI_TABLES = 0xf1000,
	BIOS = 0xfe000,
	LAPIC_BASE = 0xfee00000,
	IOAPIC_BASE = 0xfec00000,
	IOAPIC_ID = 1,
	SCI = 9,
	PM_BASE = 0x600,
	ACTIVE_HIGH_LEVEL = 0x0d, /* MPS INTI flags */
};

/* ---- a place to write to ---- */

struct cursor {
	u8 *rom; /* host address of ROM */
	u32 at;  /* guest-physical */
};

static void put(struct cursor *c, u64 value, unsigned size)
{
	CHECK(c->at >= ROM && c->at + size <= ROM + ROM_LEN,
	      "firmware table at %x", c->at);
	for (unsigned i = 0; i < size; i++)
		c->rom[c->at++ - ROM] = (u8)(value >> (8 * i));
}

static void put_text(struct cursor *c, const char *text, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		put(c, (u8)text[i], 1);
}

static void put_zeroes(struct cursor *c, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		put(c, 0, 1);
}

static void patch(struct cursor *c, u32 at, u32 value, unsigned size)
{
	struct cursor there = {c->rom, at};

	put(&there, value, size);
}

/* Makes the bytes of [from, from + len) add up to zero. */
static void set_checksum(struct cursor *c, u32 from, u32 len, u32 field)
{
	u8 sum = 0;

	patch(c, field, 0, 1);
	for (u32 i = 0; i < len; i++)
		sum += c->rom[from + i - ROM];
	patch(c, field, (u8)-sum, 1);
}

/* ---- MP configuration table ---- */

static void mp_interrupt(struct cursor *c, unsigned type, unsigned flags,
			 unsigned irq, unsigned pin)
{
	put(c, 3, 1); /* I/O interrupt assignment */
	put(c, type, 1);
	put(c, flags, 2);
	put(c, 0, 1); /* bus 0, ISA */
	put(c, irq, 1);
	put(c, IOAPIC_ID, 1);
	put(c, pin, 1);
}

static void mp_local_interrupt(struct cursor *c, unsigned type, unsigned lapic,
			       unsigned lint)
{
	put(c, 4, 1); /* local interrupt assignment */
	put(c, type, 1);
	put(c, 0, 2);
	put(c, 0, 1);
	put(c, 0, 1);
	put(c, lapic, 1);
	put(c, lint, 1);
}

enum { MP_INT = 0, MP_NMI = 1, MP_EXTINT = 3 };

/* Processor, bus, IO-APIC, then the wires; returns how many entries. */
static unsigned mp_entries(struct cursor *c)
{
	unsigned count = 3;

	put(c, 0, 1); /* processor */
	put(c, 0, 1); /* local APIC ID */
	put(c, 0x14, 1);
	put(c, 3, 1); /* enabled, bootstrap */
	put(c, 0x0630, 4);
	put(c, 0x0381, 4);
	put_zeroes(c, 8);
	put(c, 1, 1); /* bus */
	put(c, 0, 1);
	put_text(c, "ISA   ", 6);
	put(c, 2, 1); /* IO-APIC */
	put(c, IOAPIC_ID, 1);
	put(c, 0x11, 1);
	put(c, 1, 1); /* usable */
	put(c, IOAPIC_BASE, 4);
	mp_interrupt(c, MP_EXTINT, 0, 0, 0);
	mp_interrupt(c, MP_INT, 0, 0, 2);
	count += 2;
	for (unsigned irq = 1; irq < 16; irq++) {
		if (irq == 2)
			continue; /* the cascade */
		mp_interrupt(c, MP_INT, irq == SCI ? ACTIVE_HIGH_LEVEL : 0, irq,
			     irq);
		count++;
	}
	mp_local_interrupt(c, MP_EXTINT, 0, 0);
	mp_local_interrupt(c, MP_NMI, 0xff, 1);
	return count + 2;
}

static void write_mp(struct cursor *c)
{
	u32 count_field, len;

	c->at = MP_TABLE;
	put_text(c, "PCMP", 4);
	put(c, 0, 2); /* length, patched */
	put(c, 4, 1); /* MP 1.4 */
	put(c, 0, 1); /* checksum */
	put_text(c, "VITRINE ", 8);
	put_text(c, "GLASS CASE  ", 12);
	put_zeroes(c, 6); /* no OEM table */
	count_field = c->at;
	put(c, 0, 2);
	put(c, LAPIC_BASE, 4);
	put_zeroes(c, 4); /* no extended table */
	patch(c, count_field, mp_entries(c), 2);
	len = c->at - MP_TABLE;
	patch(c, MP_TABLE + 4, len, 2);
	set_checksum(c, MP_TABLE, len, MP_TABLE + 7);

	c->at = MP_POINTER;
	put_text(c, "_MP_", 4);
	put(c, MP_TABLE, 4);
	put(c, 1, 1); /* 16 bytes */
	put(c, 4, 1);
	put(c, 0, 1);     /* checksum */
	put_zeroes(c, 5); /* a table is present; virtual wire, no IMCR */
	set_checksum(c, MP_POINTER, 16, MP_POINTER + 10);
}

/* ---- ACPI table headers ---- */

static u32 begin_table(struct cursor *c, const char *signature, u8 revision)
{
	u32 start = c->at = (c->at + 15) & ~15u;

	put_text(c, signature, 4);
	put(c, 0, 4); /* length */
	put(c, revision, 1);
	put(c, 0, 1); /* checksum */
	put_text(c, "VITRIN", 6);
	put_text(c, "GLASCASE", 8);
	put(c, 1, 4);
	put_text(c, "VITR", 4);
	put(c, 1, 4);
	return start;
}

static void end_table(struct cursor *c, u32 start)
{
	u32 len = c->at - start;

	patch(c, start + 4, len, 4);
	set_checksum(c, start, len, start + 9);
}

/* ---- AML ---- */

/* A package length of two bytes: enough for 4095, and of known size. */
static u32 begin_package(struct cursor *c)
{
	u32 field = c->at;

	put(c, 0, 2);
	return field;
}

static void end_package(struct cursor *c, u32 field)
{
	u32 len = c->at - field;

	patch(c, field, 0x40 | (len & 15) | len >> 4 << 8, 2);
}

static void aml_name(struct cursor *c, const char *name)
{
	put(c, 0x08, 1); /* NameOp */
	put_text(c, name, 4);
}

static u32 begin_device(struct cursor *c, const char *name, u16 pnp_number)
{
	u32 package;

	put(c, 0x825b, 2); /* DeviceOp */
	package = begin_package(c);
	put_text(c, name, 4);
	aml_name(c, "_HID");
	put(c, 0x0c, 1);            /* DWordPrefix */
	put(c, 0xd041, 2);          /* "PNP" in five-bit letters, */
	put(c, pnp_number >> 8, 1); /* then the number, big end first */
	put(c, pnp_number & 0xff, 1);
	return package;
}

/* Name (_CRS, Buffer (n) { ... }); the resources follow. */
static u32 begin_resources(struct cursor *c)
{
	u32 package;

	aml_name(c, "_CRS");
	put(c, 0x11, 1); /* BufferOp */
	package = begin_package(c);
	put(c, 0x0b, 1); /* WordPrefix: the buffer's size */
	put(c, 0, 2);
	return package;
}

static void end_resources(struct cursor *c, u32 package)
{
	put(c, 0x0079, 2); /* EndTag, no checksum */
	patch(c, package + 3, c->at - (package + 5), 2);
	end_package(c, package);
}

static void io_resource(struct cursor *c, u16 port, u8 len)
{
	put(c, 0x0147, 2); /* IO, 16-bit decode */
	put(c, port, 2);
	put(c, port, 2);
	put(c, 1, 1);
	put(c, len, 1);
}

static void irq_resource(struct cursor *c, unsigned irq)
{
	put(c, 0x22, 1); /* IRQNoFlags: edge, active high */
	put(c, 1u << irq, 2);
}

enum { RANGE_MEMORY = 0, RANGE_IO = 1, RANGE_BUS = 2 };

/* An address range a bridge passes on; size is 2 (word) or 4. */
static void range_resource(struct cursor *c, unsigned kind, unsigned size,
			   u32 min, u32 max)
{
	put(c, size == 2 ? 0x88 : 0x87, 1);
	put(c, 3 + 5 * size, 2);
	put(c, kind, 1);
	put(c, 0x0c, 1); /* producer; both ends fixed */
	put(c, kind == RANGE_BUS ? 0 : kind == RANGE_IO ? 3 : 1, 1);
	put(c, 0, size);
	put(c, min, size);
	put(c, max, size);
	put(c, 0, size);
	put(c, (u64)max - min + 1, size);
}

static void pci_root(struct cursor *c)
{
	u32 device = begin_device(c, "PCI0", 0x0a03);
	u32 resources = begin_resources(c);

	range_resource(c, RANGE_BUS, 2, 0, 0xff);
	io_resource(c, 0xcf8, 8);
	range_resource(c, RANGE_IO, 2, 0, 0xcf7);
	range_resource(c, RANGE_IO, 2, 0xd00, 0xffff);
	range_resource(c, RANGE_MEMORY, 4, 0xa0000, 0xbffff);
	range_resource(c, RANGE_MEMORY, 4, 0xc0000000, 0xfebfffff);
	end_resources(c, resources);
	end_package(c, device);
}

struct legacy_device {
	char name[5];
	u16 pnp_number;
	u8 irq;
	u16 port;
	u8 ports;
	u16 second_port; /* 0: none */
};

static void legacy_devices(struct cursor *c)
{
	static const struct legacy_device devices[] = {
		{"RTC_", 0x0b00, 8, 0x70, 2, 0},
		{"KBD_", 0x0303, 1, 0x60, 1, 0x64},
		{"COM1", 0x0501, 4, 0x3f8, 8, 0},
		{"COM2", 0x0501, 3, 0x2f8, 8, 0},
	};

	for (unsigned i = 0; i < ARRAY_LEN(devices); i++) {
		const struct legacy_device *d = &devices[i];
		u32 device = begin_device(c, d->name, d->pnp_number), resources;

		if (d->pnp_number == 0x0501) {
			aml_name(c, "_UID");
			put(c, 0x0a, 1); /* BytePrefix */
			put(c, (u8)d->name[3] - '0', 1);
		}
		resources = begin_resources(c);
		io_resource(c, d->port, d->ports);
		if (d->second_port)
			io_resource(c, d->second_port, 1);
		irq_resource(c, d->irq);
		end_resources(c, resources);
		end_package(c, device);
	}
}

static u32 write_dsdt(struct cursor *c)
{
	u32 start = begin_table(c, "DSDT", 1), package;

	/* Name (\_S5, Package (4) { 0, 0, 0, 0 }): SLP_TYP 0 is off */
	put(c, 0x08, 1);
	put_text(c, "\\_S5_", 5);
	put(c, 0x12, 1); /* PackageOp */
	package = begin_package(c);
	put(c, 4, 1);
	put_zeroes(c, 4); /* ZeroOp */
	end_package(c, package);
	/* Scope (\_SB) */
	put(c, 0x10, 1);
	package = begin_package(c);
	put_text(c, "\\_SB_", 5);
	pci_root(c);
	legacy_devices(c);
	end_package(c, package);
	end_table(c, start);
	return start;
}

/* ---- the other ACPI tables ---- */

static u32 write_facs(struct cursor *c)
{
	u32 start = c->at = (c->at + 63) & ~63u;

	put_text(c, "FACS", 4);
	put(c, 64, 4);
	put_zeroes(c, 56);
	return start;
}

static u32 write_fadt(struct cursor *c, u32 facs, u32 dsdt, bool has_apic)
{
	u32 start = begin_table(c, "FACP", 1);

	put(c, facs, 4);
	put(c, dsdt, 4);
	put(c, has_apic, 1); /* INT_MODEL */
	put(c, 0, 1);
	put(c, SCI, 2);
	put_zeroes(c, 8);   /* no SMI_CMD: ACPI is always on */
	put(c, PM_BASE, 4); /* PM1a_EVT_BLK */
	put(c, 0, 4);
	put(c, PM_BASE + 4, 4); /* PM1a_CNT_BLK */
	put_zeroes(c, 8);
	put(c, PM_BASE + 8, 4); /* PM_TMR_BLK */
	put_zeroes(c, 8);       /* no GPE blocks */
	put(c, 4, 1);           /* PM1_EVT_LEN */
	put(c, 2, 1);           /* PM1_CNT_LEN */
	put(c, 0, 1);
	put(c, 4, 1); /* PM_TM_LEN */
	put_zeroes(c, 4);
	put(c, 0xffff, 2); /* P_LVL2_LAT: no C2 */
	put(c, 0xffff, 2); /* P_LVL3_LAT: no C3 */
	put_zeroes(c, 8);
	put(c, 0x32, 1); /* CENTURY, in CMOS memory */
	put_zeroes(c, 3);
	put(c, 0x75, 4); /* WBINVD, PROC_C1, no fixed buttons, no RTC wake */
	end_table(c, start);
	return start;
}

static void madt_override(struct cursor *c, unsigned irq, unsigned pin,
			  unsigned flags)
{
	put(c, 0x0a02, 2); /* interrupt source override, 10 bytes */
	put(c, 0, 1);
	put(c, irq, 1);
	put(c, pin, 4);
	put(c, flags, 2);
}

static u32 write_madt(struct cursor *c)
{
	u32 start = begin_table(c, "APIC", 1);

	put(c, LAPIC_BASE, 4);
	put(c, 1, 4);      /* PCAT_COMPAT: there are 8259s too */
	put(c, 0x0800, 2); /* local APIC, 8 bytes */
	put(c, 0, 2);      /* processor 0, APIC ID 0 */
	put(c, 1, 4);      /* enabled */
	put(c, 0x0c01, 2); /* IO-APIC, 12 bytes */
	put(c, IOAPIC_ID, 2);
	put(c, IOAPIC_BASE, 4);
	put(c, 0, 4);
	madt_override(c, 0, 2, 0);
	madt_override(c, SCI, SCI, ACTIVE_HIGH_LEVEL);
	put(c, 0x0604, 2); /* local APIC NMI, 6 bytes */
	put(c, 0xff, 1);   /* all processors */
	put(c, 0, 2);
	put(c, 1, 1); /* LINT1 */
	end_table(c, start);
	return start;
}

static void write_acpi(struct cursor *c, bool has_apic)
{
	u32 facs, dsdt, fadt, madt = 0, rsdt;

	c->at = ACPI_TABLES;
	facs = write_facs(c);
	dsdt = write_dsdt(c);
	fadt = write_fadt(c, facs, dsdt, has_apic);
	if (has_apic)
		madt = write_madt(c);
	rsdt = begin_table(c, "RSDT", 1);
	put(c, fadt, 4);
	if (madt)
		put(c, madt, 4);
	end_table(c, rsdt);

	c->at = TABLES_RSDP;
	put_text(c, "RSD PTR ", 8);
	put(c, 0, 1); /* checksum */
	put_text(c, "VITRIN", 6);
	put(c, 0, 1); /* ACPI 1.0 */
	put(c, rsdt, 4);
	set_checksum(c, TABLES_RSDP, 20, TABLES_RSDP + 8);
}

/* ---- BIOS data ---- */

static void put16(u8 *at, u16 value)
{
	at[0] = (u8)value;
	at[1] = (u8)(value >> 8);
}

/* `bda` is 400h; the offsets are the usual addresses less 400h. */
static void write_bios_data(u8 *bda)
{
	memset(bda, 0, BIOS_DATA_LEN);
	put16(bda + 0x00, 0x3f8); /* COM1 */
	put16(bda + 0x02, 0x2f8); /* COM2 */
	put16(bda + 0x0e, EBDA >> 4);
	put16(bda + 0x10, 0x0422); /* FPU, 80x25 colour, two serial ports */
	put16(bda + 0x13, 639);    /* base memory, KiB */
	put16(bda + 0x1a, 0x1e);   /* keyboard buffer: empty */
	put16(bda + 0x1c, 0x1e);
	bda[0x49] = 3;             /* video mode */
	put16(bda + 0x4a, 80);     /* columns */
	put16(bda + 0x4c, 0x1000); /* bytes of a page */
	put16(bda + 0x60, 0x0607); /* cursor shape */
	put16(bda + 0x63, 0x3d4);  /* CRTC */
	put16(bda + 0x80, 0x1e);   /* keyboard buffer's ends */
	put16(bda + 0x82, 0x3e);
	bda[0x84] = 24;        /* rows less one */
	put16(bda + 0x85, 16); /* height of a character */
	bda[0x87] = 0x60;      /* EGA information: 256 KiB */
	bda[0x88] = 0x09;
	bda[0x96] = 0x10; /* 101-key keyboard */
}

/* ---- what real-mode interrupts lead to ---- */

extern const u8 bios_image[], bios_image_end[], bios_services[], bios_timer[],
	bios_keyboard[], bios_master[], bios_clock[], bios_slave[],
	bios_iret[];

enum { FIRST_SERVICE = 0x10, LAST_SERVICE = 0x1a };

/* The 8259s' vectors are those of reset: 08h and 70h. */
static const u8 *vector_handler(unsigned n)
{
	if (n == 0x08)
		return bios_timer;
	if (n == 0x09)
		return bios_keyboard;
	if (n >= 0x0a && n <= 0x0f)
		return bios_master;
	if (n == 0x70)
		return bios_clock;
	if (n >= 0x71 && n <= 0x77)
		return bios_slave;
	if (n >= FIRST_SERVICE && n <= LAST_SERVICE)
		return bios_services + n;
	return bios_iret;
}

static u32 bios_address(const u8 *label)
{
	return BIOS + (u32)(label - bios_image);
}

static void write_bios(u8 *vectors, u8 *bios)
{
	/* cppcheck-suppress comparePointers; both are labels of bios.S */
	CHECK(bios_image_end - bios_image == ROM + ROM_LEN - BIOS,
	      "bios.S has %d bytes", (int)(bios_image_end - bios_image));
	memcpy(bios, bios_image, ROM + ROM_LEN - BIOS);
	for (unsigned n = 0; n < VECTORS; n++) {
		put16(vectors + 4 * n,
		      (u16)(bios_address(vector_handler(n)) - ROM));
		put16(vectors + 4 * n + 2, ROM >> 4);
	}
}

int tables_bios_service(u32 linear)
{
	u32 first = bios_address(bios_services);

	return linear - first < VECTORS ? (int)(linear - first) : -1;
}

void tables_write(struct mem *m, const struct bus_config *cfg)
{
	u8 *vectors = mem_phys_ptr(m, 0, 4 * VECTORS);
	u8 *bda = mem_phys_ptr(m, BIOS_DATA, BIOS_DATA_LEN);
	u8 *ebda = mem_phys_ptr(m, EBDA, EBDA_LEN);
	u8 *screen = mem_phys_ptr(m, SCREEN, SCREEN_LEN);
	struct cursor c = {.rom = mem_phys_ptr(m, ROM, ROM_LEN)};

	CHECK(bda && ebda && screen && c.rom && vectors, "no memory below 1 MiB");
	write_bios_data(bda);
	memset(ebda, 0, EBDA_LEN);
	ebda[0] = EBDA_LEN / 1024;
	for (unsigned i = 0; i < SCREEN_LEN; i += 2) {
		screen[i] = ' ';
		screen[i + 1] = 0x07;
	}
	memset(c.rom, 0, ROM_LEN);
	write_acpi(&c, cfg->has_apic);
	if (cfg->has_apic)
		write_mp(&c);
	write_bios(vectors, c.rom + (BIOS - ROM));
}

unsigned tables_e820(u64 ram_size, struct e820_entry *out, unsigned max)
{
	const struct e820_entry map[] = {
		{0, EBDA, 1},
		{EBDA, 0xa0000 - EBDA, 2},
		{ROM, ROM_LEN, 2},
		{0x100000, ram_size > 0x100000 ? ram_size - 0x100000 : 0, 1},
	};
	unsigned count = 0;

	for (unsigned i = 0; i < ARRAY_LEN(map) && count < max; i++)
		if (map[i].len)
			out[count++] = map[i];
	return count;
}
