/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 8042: commands, keyboard, translation, A20 and reset. */
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

static u8 answer(struct machine *m)
{
	assert_int_equal(in8(m, 0x64) & 1, 1);
	return in8(m, 0x60);
}

static u8 command(struct machine *m, u8 value)
{
	out8(m, 0x64, value);
	return answer(m);
}

static void controller_tests_itself(void **state)
{
	struct machine *m = *state;

	assert_int_equal(command(m, 0xaa), 0x55);
	assert_int_equal(command(m, 0xab), 0x00);
	assert_int_equal(command(m, 0x20) & 0x41, 0x41);
	assert_int_equal(in8(m, 0x64) & 1, 0);
}

static void no_mouse_answers(void **state)
{
	struct machine *m = *state;

	out8(m, 0x64, 0xd3);
	out8(m, 0x60, 0x5a);
	assert_int_equal(in8(m, 0x64) & 0x21, 0x01);
	assert_int_equal(answer(m), 0x5a);
	assert_int_equal(command(m, 0xa9), 0x02);
}

static void keyboard_identifies_itself(void **state)
{
	struct machine *m = *state;

	out8(m, 0x60, 0xf2);
	assert_int_equal(answer(m), 0xfa);
	assert_int_equal(answer(m), 0xab);
	assert_int_equal(answer(m), 0x41); /* 83h, translated */
	out8(m, 0x60, 0xff);
	assert_int_equal(answer(m), 0xfa);
	assert_int_equal(answer(m), 0xaa);
	out8(m, 0x60, 0xed);
	assert_int_equal(answer(m), 0xfa);
	out8(m, 0x60, 0x02);
	assert_int_equal(answer(m), 0xfa);
}

static void each_key_is_an_edge(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	bus_key_in(m->bus, 0x1e);
	bus_key_in(m->bus, 0x9e);
	assert_int_equal(bus_intr_ack(m->bus), 0x21);
	assert_int_equal(in8(m, 0x60), 0x1e);
	out8(m, 0x20, 0x20);
	assert_int_equal(bus_intr_ack(m->bus), 0x21);
	assert_int_equal(in8(m, 0x60), 0x9e);
}

static void untranslated_keys_are_set_2(void **state)
{
	struct machine *m = *state;

	out8(m, 0x64, 0x60);
	out8(m, 0x60, 0x01);
	bus_key_in(m->bus, 0x9e); /* A released */
	assert_int_equal(answer(m), 0xf0);
	assert_int_equal(answer(m), 0x1c);
}

static void disabled_keyboard_keeps_its_keys(void **state)
{
	struct machine *m = *state;

	out8(m, 0x64, 0xad);
	bus_key_in(m->bus, 0x1e);
	assert_int_equal(in8(m, 0x64) & 1, 0);
	out8(m, 0x64, 0xae);
	assert_int_equal(answer(m), 0x1e);
}

static void reset_and_a20_by_the_output_port(void **state)
{
	struct machine *m = *state;

	assert_int_equal(command(m, 0xd0) & 2, 2);
	out8(m, 0x64, 0xd1);
	out8(m, 0x60, 0xdd);
	assert_int_equal(in8(m, 0x92) & 2, 0);
	out8(m, 0x64, 0xfe);
	assert_int_equal(m->requests, BUS_RESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(controller_tests_itself, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(no_mouse_answers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(keyboard_identifies_itself,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_key_is_an_edge, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(untranslated_keys_are_set_2,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			disabled_keyboard_keeps_its_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			reset_and_a20_by_the_output_port, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
