/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MC146818: time in its formats, flags, interrupts, CMOS memory. */
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

static u8 get(struct machine *m, u8 index)
{
	out8(m, 0x70, index);
	return in8(m, 0x71);
}

static void set(struct machine *m, u8 index, u8 value)
{
	out8(m, 0x70, index);
	out8(m, 0x71, value);
}

static void time_passes_over_midnight_and_month(void **state)
{
	struct machine *m = *state;

	assert_int_equal(get(m, 0), 0x59);
	assert_int_equal(get(m, 4), 0x23);
	assert_int_equal(get(m, 7), 0x28);
	assert_int_equal(get(m, 6), 4); /* a Wednesday */
	pass(m, SECOND);
	assert_int_equal(get(m, 0), 0);
	assert_int_equal(get(m, 2), 0);
	assert_int_equal(get(m, 4), 0);
	assert_int_equal(get(m, 7), 1);
	assert_int_equal(get(m, 8), 3);
	assert_int_equal(get(m, 9), 7);
	assert_int_equal(get(m, 0x32), 0x20);
}

static void formats_follow_register_b(void **state)
{
	struct machine *m = *state;

	set(m, 0x0b, 0x06);
	assert_int_equal(get(m, 4), 23);
	set(m, 0x0b, 0x04);
	assert_int_equal(get(m, 4), 0x80 | 11);
	set(m, 0x0b, 0x00);
	assert_int_equal(get(m, 4), 0x91);
}

static void clock_can_be_set(void **state)
{
	struct machine *m = *state;

	set(m, 0x0b, 0x82);
	set(m, 0x32, 0x20);
	set(m, 9, 0x24);
	set(m, 8, 0x02);
	set(m, 7, 0x29);
	set(m, 4, 0x12);
	set(m, 2, 0x34);
	set(m, 0, 0x56);
	pass(m, 10 * SECOND);
	assert_int_equal(get(m, 0), 0x56);
	set(m, 0x0b, 0x02);
	pass(m, 4 * SECOND);
	assert_int_equal(get(m, 2), 0x35);
	assert_int_equal(get(m, 0), 0x00);
	assert_int_equal(get(m, 7), 0x29);
	assert_int_equal(get(m, 6), 5); /* Thursday */
}

static void update_in_progress_precedes_the_second(void **state)
{
	struct machine *m = *state;

	assert_int_equal(get(m, 0x0a) & 0x80, 0);
	pass(m, SECOND - 100000);
	assert_int_equal(get(m, 0x0a) & 0x80, 0x80);
	pass(m, 100000);
	assert_int_equal(get(m, 0x0a) & 0x80, 0);
}

static void periodic_interrupt_comes_until_c_is_read(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	set(m, 0x0b, 0x42); /* 1024 Hz */
	pass(m, MS);
	assert_int_equal(bus_intr_ack(m->bus), 0x28);
	out8(m, 0xa0, 0x20);
	out8(m, 0x20, 0x20);
	pass(m, 5 * MS);
	assert_false(bus_intr_pending(m->bus)); /* the line never fell */
	assert_int_equal(get(m, 0x0c), 0xc0);
	pass(m, MS);
	assert_int_equal(bus_intr_ack(m->bus), 0x28);
}

static void alarm_fires_at_its_second(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	set(m, 5, 0xc0);
	set(m, 3, 0x01);
	set(m, 1, 0x30);
	set(m, 0x0b, 0x22);
	pass(m, 91 * SECOND - 1);
	assert_false(bus_intr_pending(m->bus));
	pass(m, 1);
	assert_true(bus_intr_pending(m->bus));
	assert_int_equal(get(m, 0x0c) & 0xa0, 0xa0);
}

static void update_interrupt_comes_each_second(void **state)
{
	struct machine *m = *state;
	unsigned seen = 0;

	pic_setup(m);
	set(m, 0x0b, 0x12);
	for (unsigned i = 0; i < 50; i++) {
		pass(m, 100 * MS);
		seen += get(m, 0x0c) >> 4 & 1;
	}
	assert_int_equal(seen, 5);
}

static void cmos_tells_the_memory_size(void **state)
{
	struct machine *m = *state;

	assert_int_equal(get(m, 0x15) | get(m, 0x16) << 8, 640);
	assert_int_equal(get(m, 0x30) | get(m, 0x31) << 8, 63 * 1024);
	assert_int_equal(get(m, 0x34) | get(m, 0x35) << 8, 48 * 16);
	set(m, 0x40, 0x5a);
	assert_int_equal(get(m, 0xc0), 0x5a); /* NMI bit is no address */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			time_passes_over_midnight_and_month, set_up, tear_down),
		cmocka_unit_test_setup_teardown(formats_follow_register_b,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(clock_can_be_set, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			update_in_progress_precedes_the_second, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			periodic_interrupt_comes_until_c_is_read, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(alarm_fires_at_its_second,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			update_interrupt_comes_each_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cmos_tells_the_memory_size,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
