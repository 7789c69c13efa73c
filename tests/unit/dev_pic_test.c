/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 8259A: priorities, modes, spurious interrupts, commands. */
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

static void edge_is_taken_once(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	bus_irq(m->bus, 4, true);
	assert_true(bus_intr_pending(m->bus));
	assert_int_equal(bus_intr_ack(m->bus), 0x24);
	assert_false(bus_intr_pending(m->bus));
	out8(m, 0x20, 0x20);
	assert_false(bus_intr_pending(m->bus));
	bus_irq(m->bus, 4, false);
	bus_irq(m->bus, 4, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x24);
}

static void higher_priority_nests_and_lower_waits(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	bus_irq(m->bus, 4, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x24);
	bus_irq(m->bus, 5, true);
	assert_false(bus_intr_pending(m->bus));
	bus_irq(m->bus, 1, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x21);
	out8(m, 0x20, 0x20);
	assert_false(bus_intr_pending(m->bus));
	out8(m, 0x20, 0x64); /* specific EOI of 4 */
	assert_int_equal(bus_intr_ack(m->bus), 0x25);
}

static void slave_goes_through_cascade(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	bus_irq(m->bus, 14, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x2e);
	out8(m, 0x20, 0x0b); /* OCW3: read ISR */
	out8(m, 0xa0, 0x0b);
	assert_int_equal(in8(m, 0x20), 0x04);
	assert_int_equal(in8(m, 0xa0), 0x40);
	out8(m, 0xa0, 0x20);
	out8(m, 0x20, 0x20);
	assert_int_equal(in8(m, 0x20), 0);
	assert_int_equal(in8(m, 0xa0), 0);
}

static void level_line_interrupts_again_after_eoi(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	out8(m, 0x4d1, 0x08); /* 11 */
	bus_irq(m->bus, 11, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x2b);
	assert_false(bus_intr_pending(m->bus));
	out8(m, 0xa0, 0x20);
	out8(m, 0x20, 0x20);
	assert_int_equal(bus_intr_ack(m->bus), 0x2b);
	bus_irq(m->bus, 11, false);
	out8(m, 0xa0, 0x20);
	out8(m, 0x20, 0x20);
	assert_false(bus_intr_pending(m->bus));
}

static void request_that_went_away_is_spurious(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	bus_irq(m->bus, 3, true);
	bus_irq(m->bus, 3, false);
	assert_false(bus_intr_pending(m->bus));
	out8(m, 0x20, 0x0c); /* poll finds nothing */
	assert_int_equal(in8(m, 0x20) & 0x80, 0);
	out8(m, 0x20, 0x0b);
	assert_int_equal(in8(m, 0x20), 0);
}

static void mask_holds_a_request_back(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	out8(m, 0x21, 0x10);
	bus_irq(m->bus, 4, true);
	assert_false(bus_intr_pending(m->bus));
	out8(m, 0x20, 0x0a);
	assert_int_equal(in8(m, 0x20), 0x10);
	out8(m, 0x21, 0);
	assert_int_equal(bus_intr_ack(m->bus), 0x24);
	assert_int_equal(in8(m, 0x21), 0);
}

static void special_mask_lets_lower_priorities_in(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	bus_irq(m->bus, 1, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x21);
	bus_irq(m->bus, 6, true);
	assert_false(bus_intr_pending(m->bus));
	out8(m, 0x21, 0x02);
	out8(m, 0x20, 0x68); /* set special mask mode */
	assert_int_equal(bus_intr_ack(m->bus), 0x26);
}

static void rotation_moves_the_lowest_priority(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	out8(m, 0x20, 0xc4); /* 4 is lowest, 5 highest */
	bus_irq(m->bus, 0, false);
	bus_irq(m->bus, 1, true);
	bus_irq(m->bus, 5, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x25);
	out8(m, 0x20, 0xa0); /* rotate on EOI: 5 is lowest */
	bus_irq(m->bus, 6, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x26);
}

static void automatic_eoi_leaves_nothing_in_service(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	out8(m, 0x20, 0x11);
	out8(m, 0x21, 0x40);
	out8(m, 0x21, 0x04);
	out8(m, 0x21, 0x03);
	bus_irq(m->bus, 1, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x41);
	out8(m, 0x20, 0x0b);
	assert_int_equal(in8(m, 0x20), 0);
}

static void poll_acknowledges(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	bus_irq(m->bus, 3, true);
	out8(m, 0x20, 0x0c);
	assert_int_equal(in8(m, 0x20), 0x83);
	assert_false(bus_intr_pending(m->bus));
	out8(m, 0x20, 0x0b);
	assert_int_equal(in8(m, 0x20), 0x08);
}

static void state_survives_a_snapshot(void **state)
{
	struct machine *m = *state;
	struct state_list parts = {.count = 0};
	struct buf bytes = {0};
	struct err e;

	bus_state(m->bus, &parts);
	pic_setup(m);
	bus_irq(m->bus, 4, true);
	state_list_save(&parts, &bytes);
	assert_int_equal(bus_intr_ack(m->bus), 0x24);
	assert_int_equal(state_list_load(&parts, (u8 *)bytes.data,
					 bytes.len - 1, m->now, &e),
			 -1);
	assert_int_equal(state_list_load(&parts, (u8 *)bytes.data, bytes.len,
					 m->now, &e),
			 0);
	bus_loaded(m->bus);
	buf_free(&bytes);
	assert_int_equal(bus_intr_ack(m->bus), 0x24);
	pass(m, SECOND); /* timers kept their functions */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(edge_is_taken_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			higher_priority_nests_and_lower_waits, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(slave_goes_through_cascade,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			level_line_interrupts_again_after_eoi, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			request_that_went_away_is_spurious, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mask_holds_a_request_back,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			special_mask_lets_lower_priorities_in, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			rotation_moves_the_lowest_priority, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			automatic_eoi_leaves_nothing_in_service, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(poll_acknowledges, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(state_survives_a_snapshot,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
