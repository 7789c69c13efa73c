/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bus, and the devices too small for a file of their own. */
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
	*state = machine_new(false);
	return 0;
}

static int tear_down(void **state)
{
	machine_free(*state);
	return 0;
}

static void nobody_answers_with_all_ones(void **state)
{
	struct machine *m = *state;

	assert_int_equal(in8(m, 0x1234), 0xff);
	assert_int_equal(in32(m, 0x1234), 0xffffffff);
	assert_int_equal(bus_port_in(m->bus, 0xffff, 2), 0xffff);
}

static void wide_access_reaches_byte_devices_in_order(void **state)
{
	struct machine *m = *state;

	bus_port_out(m->bus, 0x70, 2, 0x5a40); /* index, then data */
	out8(m, 0x70, 0x40);
	assert_int_equal(in8(m, 0x71), 0x5a);
}

static void exit_port_ends_with_an_odd_status(void **state)
{
	struct machine *m = *state;

	out32(m, 0xf4, 0x110);
	assert_int_equal(m->requests, BUS_EXIT);
	assert_int_equal(bus_exit_status(m->bus), 0x221);
}

static u32 item(struct machine *m, u16 number, unsigned bytes)
{
	u32 value = 0;

	bus_port_out(m->bus, 0x510, 2, number);
	for (unsigned i = 0; i < bytes; i++)
		value |= (u32)in8(m, 0x511) << 8 * i;
	return value;
}

static void firmware_items_tell_processors_and_memory(void **state)
{
	struct machine *m = *state;

	assert_int_equal(item(m, 0, 4), 0x554d4551);
	assert_int_equal(item(m, 5, 2), 1);
	assert_int_equal(item(m, 3, 4), 64 << 20);
	assert_int_equal(item(m, 0x19, 4), 0); /* no files */
	assert_int_equal(item(m, 0xffff, 4), 0);
	item(m, 3, 8);
	assert_int_equal(in8(m, 0x511), 0); /* past the end */
}

static void debug_port_prints_and_names_itself(void **state)
{
	struct machine *m = *state;

	out8(m, 0xe9, '!');
	assert_int_equal(m->debug[0], '!');
	assert_int_equal(in8(m, 0xe9), 0xe9);
}

static void host_bridge_is_alone_on_the_bus(void **state)
{
	struct machine *m = *state;

	out32(m, 0xcf8, 0x80000000);
	assert_int_equal(in32(m, 0xcfc), 0x12378086);
	assert_int_equal(bus_port_in(m->bus, 0xcfe, 2), 0x1237);
	out32(m, 0xcf8, 0x80000008);
	assert_int_equal(in8(m, 0xcff), 6);
	out32(m, 0xcf8, 0x80000800);
	assert_int_equal(in32(m, 0xcfc), 0xffffffff);
	assert_int_equal(in32(m, 0xcf8), 0x80000800);
	out8(m, 0xcf9, 0x06);
	assert_int_equal(m->requests, BUS_RESET);
}

static void sleep_type_0_powers_off(void **state)
{
	struct machine *m = *state;

	bus_port_out(m->bus, 0x604, 2, 0x2400); /* S1 is not there */
	assert_int_equal(m->requests, 0);
	bus_port_out(m->bus, 0x604, 2, 0x2000);
	assert_int_equal(m->requests, BUS_POWER_OFF);
	assert_int_equal(bus_port_in(m->bus, 0x604, 2), 1);
}

static void pm_timer_counts_and_interrupts(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	pass(m, SECOND);
	assert_int_equal(in32(m, 0x608), 3579545);
	bus_port_out(m->bus, 0x602, 2, 1);
	pass(m, 2 * SECOND);
	assert_int_equal(bus_port_in(m->bus, 0x600, 2), 1);
	assert_int_equal(bus_intr_ack(m->bus), 0x29);
	bus_port_out(m->bus, 0x600, 2, 1);
	assert_int_equal(bus_port_in(m->bus, 0x600, 2), 0);
}

static void screen_shows_what_is_in_text_memory(void **state)
{
	struct machine *m = *state;
	u8 *text = mem_phys_ptr(m->mem, 0xb8000, 4000);

	for (unsigned i = 0; i < 5; i++)
		text[160 + 2 * i] = (u8) "hello"[i];
	out8(m, 0x3d4, 0x0f);
	out8(m, 0x3d5, 85);
	bus_show_screen(m->bus, collect, m);
	assert_non_null(strstr(m->text, "\nhello\n"));
	assert_non_null(strstr(m->text, "cursor at row 1, column 5"));
	in8(m, 0x3da);
	out8(m, 0x3c0, 0x10);
	out8(m, 0x3c0, 0x0c);
	assert_int_equal(in8(m, 0x3c1), 0x0c);
}

static void dma_registers_keep_their_bytes(void **state)
{
	struct machine *m = *state;

	out8(m, 0x0c, 0);
	out8(m, 0x02, 0x34);
	out8(m, 0x02, 0x12);
	out8(m, 0x0c, 0);
	assert_int_equal(in8(m, 0x02), 0x34);
	assert_int_equal(in8(m, 0x02), 0x12);
	out8(m, 0x83, 0x77);
	assert_int_equal(in8(m, 0x83), 0x77);
}

static void every_device_shows_itself(void **state)
{
	struct machine *m = *state;

	bus_show_devices(m->bus, collect, m);
	bus_show_irq(m->bus, collect, m);
	assert_non_null(strstr(m->text, "com2: 16550A"));
	assert_non_null(strstr(m->text, "timer pit channel 0: at "));
	assert_null(strstr(m->text, "lapic"));
}

static void reset_leaves_time_to_the_machine(void **state)
{
	struct machine *m = *state;

	pass(m, 60 * SECOND);
	bus_reset(m->bus);
	assert_true(bus_next_deadline(m->bus) > m->now);
}

static void test_device_echoes_and_drives_lines(void **state)
{
	struct machine *m = *state;

	out32(m, 0xe0, 0x12345678);
	out8(m, 0xe2, 0xab);
	assert_int_equal(in32(m, 0xe0), 0x12ab5678);
	assert_int_equal(bus_port_in(m->bus, 0xe1, 2), 0xab56);
	out8(m, 0x200e, 1);
	assert_true(bus_irq_level(m->bus, 14));
	out8(m, 0x200e, 0);
	assert_false(bus_irq_level(m->bus, 14));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_answers_with_all_ones,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			wide_access_reaches_byte_devices_in_order, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			exit_port_ends_with_an_odd_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			firmware_items_tell_processors_and_memory, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			debug_port_prints_and_names_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(host_bridge_is_alone_on_the_bus,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(sleep_type_0_powers_off, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(pm_timer_counts_and_interrupts,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			screen_shows_what_is_in_text_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dma_registers_keep_their_bytes,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_device_echoes_and_drives_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_device_shows_itself,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			reset_leaves_time_to_the_machine, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
