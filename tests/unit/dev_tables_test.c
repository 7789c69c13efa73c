/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware tables: signatures where kernels search, sums of zero. */
/* LINK: tests/unit/dev_fixture.c tests/unit/fake_phys.c core/base/err.c core/base/buf.c core/base/state.c core/base/crc.c */
/* LINK: core/base/check.c core/dev/bus.c core/dev/pic.c core/dev/lapic.c */
/* LINK: core/dev/ioapic.c core/dev/pit.c core/dev/rtc.c core/dev/kbd.c */
/* LINK: core/dev/uart.c core/dev/vga.c core/dev/pci.c core/dev/dma.c */
/* LINK: core/dev/acpi_pm.c core/dev/debugport.c core/dev/testdev.c core/dev/ferr.c core/dev/fwcfg.c core/dev/tables.c core/dev/bios.S */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/dev_fixture.h"

static int set_up(void **state)
{
	*state = machine_new(true);
	return 0;
}

static int tear_down(void **state)
{
	machine_free(*state);
	return 0;
}

static u8 sum(const u8 *bytes, unsigned len)
{
	u8 total = 0;

	while (len--)
		total += *bytes++;
	return total;
}

static u32 u32_at(const u8 *at)
{
	u32 value;

	memcpy(&value, at, 4);
	return value;
}

static u8 *made(struct machine *m, bool has_apic)
{
	struct bus_config cfg = {.has_apic = has_apic};

	tables_write(m->mem, &cfg);
	return mem_phys_ptr(m->mem, 0, 0x100000);
}

static void vectors_lead_into_the_bios(void **state)
{
	const u8 *ram = made(*state, true);

	for (unsigned n = 0; n < 256; n++) {
		u32 to = u32_at(ram + 4 * n);
		u32 linear = (to >> 16) * 16 + (to & 0xffff);
		int service = n >= 0x10 && n <= 0x1a ? (int)n : -1;

		assert_in_range(linear, 0xfe000, 0xffff0);
		assert_int_equal(tables_bios_service(linear), service);
		if (service >= 0)
			assert_int_equal(ram[linear], 0xf4);
	}
	assert_int_equal(ram[0xffff0], 0xea);
	assert_memory_equal(ram + 0xffff5, "01/01/07\0\xfc", 10);
}

static void acpi_tables_hang_together(void **state)
{
	struct machine *m = *state;
	const u8 *ram = made(m, true);
	const u8 *rsdt, *table;
	u32 len;

	assert_memory_equal(ram + TABLES_RSDP, "RSD PTR ", 8);
	assert_int_equal(sum(ram + TABLES_RSDP, 20), 0);
	rsdt = ram + u32_at(ram + TABLES_RSDP + 16);
	len = u32_at(rsdt + 4);
	assert_memory_equal(rsdt, "RSDT", 4);
	assert_int_equal(sum(rsdt, len), 0);
	assert_int_equal(len, 36 + 8);
	for (u32 i = 36; i < len; i += 4) {
		table = ram + u32_at(rsdt + i);
		assert_int_equal(sum(table, u32_at(table + 4)), 0);
	}
	table = ram + u32_at(rsdt + 36);
	assert_memory_equal(table, "FACP", 4);
	assert_int_equal(u32_at(table + 4), 116);
	assert_int_equal(u32_at(table + 76), 0x608);
	assert_memory_equal(ram + u32_at(table + 36), "FACS", 4);
	table = ram + u32_at(table + 40);
	assert_memory_equal(table, "DSDT", 4);
	assert_int_equal(sum(table, u32_at(table + 4)), 0);
}

static void mp_table_lists_what_it_says(void **state)
{
	struct machine *m = *state;
	const u8 *ram = made(m, true), *at;
	static const u8 sizes[] = {20, 8, 8, 8, 8};
	unsigned entries;

	assert_memory_equal(ram + 0xf0100, "_MP_", 4);
	assert_int_equal(sum(ram + 0xf0100, 16), 0);
	at = ram + u32_at(ram + 0xf0104);
	assert_memory_equal(at, "PCMP", 4);
	assert_int_equal(sum(at, at[4] | at[5] << 8), 0);
	entries = at[34];
	for (unsigned offset = 44; entries; entries--) {
		assert_in_range(at[offset], 0, 4);
		offset += sizes[at[offset]];
		assert_true(offset <= (unsigned)(at[4] | at[5] << 8));
		if (entries == 1)
			assert_int_equal(offset, at[4] | at[5] << 8);
	}
}

static void without_an_apic_there_is_no_trace_of_one(void **state)
{
	struct machine *m = *state;
	const u8 *ram = made(m, false);
	const u8 *rsdt = ram + u32_at(ram + TABLES_RSDP + 16);

	assert_int_equal(u32_at(rsdt + 4), 36 + 4);
	assert_null(memmem(ram + 0xe0000, 0x20000, "_MP_", 4));
}

static void bios_data_names_the_serial_ports(void **state)
{
	struct machine *m = *state;
	const u8 *ram = made(m, true);

	assert_int_equal(u32_at(ram + 0x400), 0x02f803f8);
	assert_int_equal(ram[0x40e] | ram[0x40f] << 8, 0x9fc0);
	assert_int_equal(ram[0x413] | ram[0x414] << 8, 639);
	assert_int_equal(ram[0x9fc00], 1);
}

static void memory_map_covers_ram(void **state)
{
	struct machine *m = *state;
	struct e820_entry map[8];
	unsigned count = tables_e820(64 << 20, map, 8);

	(void)m;
	assert_int_equal(count, 4);
	assert_int_equal(map[0].len, 0x9fc00);
	assert_int_equal(map[3].base + map[3].len, 64 << 20);
	assert_int_equal(tables_e820(64 << 20, map, 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(vectors_lead_into_the_bios,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(acpi_tables_hang_together,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(mp_table_lists_what_it_says,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_an_apic_there_is_no_trace_of_one, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			bios_data_names_the_serial_ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_map_covers_ram, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
