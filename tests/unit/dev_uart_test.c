/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 16550A: interrupts by priority, FIFO and queue, loopback, divisor. */
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

static void sends_at_once(void **state)
{
	struct machine *m = *state;

	out8(m, 0x3f8, 'A');
	out8(m, 0x2f8, 'B');
	assert_int_equal(m->sent[0][0], 'A');
	assert_int_equal(m->sent[1][0], 'B');
	assert_int_equal(in8(m, 0x3fd), 0x60);
}

static void divisor_latch_hides_data(void **state)
{
	struct machine *m = *state;

	out8(m, 0x3fb, 0x83);
	out8(m, 0x3f8, 1);
	out8(m, 0x3f9, 2);
	assert_int_equal(m->sent_len[0], 0);
	assert_int_equal(in8(m, 0x3f8), 1);
	assert_int_equal(in8(m, 0x3f9), 2);
	out8(m, 0x3fb, 3);
	assert_int_equal(in8(m, 0x3f9), 0);
	out8(m, 0x3ff, 0x5a);
	assert_int_equal(in8(m, 0x3ff), 0x5a);
}

static void thre_interrupt_follows_each_byte(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	out8(m, 0x3f9, 2);
	assert_int_equal(bus_intr_ack(m->bus), 0x24);
	assert_int_equal(in8(m, 0x3fa), 0x02);
	assert_int_equal(in8(m, 0x3fa), 0x01);
	out8(m, 0x20, 0x20);
	out8(m, 0x3f8, 'x');
	assert_int_equal(bus_intr_ack(m->bus), 0x24);
	assert_int_equal(in8(m, 0x3fa), 0x02);
}

static void received_data_outranks_thre(void **state)
{
	struct machine *m = *state;

	out8(m, 0x3f9, 3);
	assert_true(bus_serial_in(m->bus, 0, 'q'));
	assert_int_equal(in8(m, 0x3fa), 0x04);
	assert_int_equal(in8(m, 0x3fd), 0x61);
	assert_int_equal(in8(m, 0x3f8), 'q');
	assert_int_equal(in8(m, 0x3fa), 0x02);
}

static void below_the_trigger_the_timeout_tells(void **state)
{
	struct machine *m = *state;

	out8(m, 0x3fa, 0xc1); /* FIFO, trigger at 14 */
	out8(m, 0x3f9, 1);
	bus_serial_in(m->bus, 0, 'a');
	assert_int_equal(in8(m, 0x3fa), 0xcc);
	for (unsigned i = 0; i < 13; i++)
		bus_serial_in(m->bus, 0, 'b');
	assert_int_equal(in8(m, 0x3fa), 0xc4);
}

static void queue_loses_nothing_until_it_is_full(void **state)
{
	struct machine *m = *state;
	unsigned accepted = 0;

	while (bus_serial_in(m->bus, 1, (u8)accepted))
		accepted++;
	assert_int_equal(accepted, 65536 + 1);
	for (unsigned i = 0; i < accepted; i++) {
		assert_int_equal(in8(m, 0x2fd) & 3, 1);
		assert_int_equal(in8(m, 0x2f8), (u8)i);
	}
	assert_int_equal(in8(m, 0x2fd) & 1, 0);
}

static void loopback_stays_inside(void **state)
{
	struct machine *m = *state;

	out8(m, 0x3fc, 0x1f);
	assert_int_equal(in8(m, 0x3fe) & 0xf0, 0xf0);
	out8(m, 0x3fc, 0x12);
	assert_int_equal(in8(m, 0x3fe), 0x16 | 0xa8 >> 4);
	assert_int_equal(in8(m, 0x3fe), 0x10);
	out8(m, 0x3f8, 0xae);
	assert_int_equal(m->sent_len[0], 0);
	assert_int_equal(in8(m, 0x3f8), 0xae);
}

static void clearing_delays_host_bytes(void **state)
{
	struct machine *m = *state;

	bus_serial_in(m->bus, 0, 'a');
	bus_serial_in(m->bus, 0, 'b');
	out8(m, 0x3f9, 1);
	out8(m, 0x3fa, 0x07);
	assert_int_equal(in8(m, 0x3fd) & 1, 0);
	assert_int_equal(in8(m, 0x3f8), 0);
	assert_int_equal(in8(m, 0x3fa), 0xc1);
	pass(m, 2 * MS);
	assert_int_equal(in8(m, 0x3fa) & 0x0f, 0x04);
	assert_int_equal(in8(m, 0x3f8), 'a');
	assert_int_equal(in8(m, 0x3f8), 'b');
}

static void turning_fifos_off_empties_them(void **state)
{
	struct machine *m = *state;

	out8(m, 0x3fa, 1);
	out8(m, 0x3fc, 0x10);
	out8(m, 0x3f8, 1);
	out8(m, 0x3f8, 2);
	out8(m, 0x3fa, 0);
	assert_int_equal(in8(m, 0x3fd) & 1, 0);
	assert_int_equal(in8(m, 0x3fa), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sends_at_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(divisor_latch_hides_data,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			thre_interrupt_follows_each_byte, set_up, tear_down),
		cmocka_unit_test_setup_teardown(received_data_outranks_thre,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			below_the_trigger_the_timeout_tells, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			queue_loses_nothing_until_it_is_full, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(loopback_stays_inside, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(clearing_delays_host_bytes,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(turning_fifos_off_empties_them,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
