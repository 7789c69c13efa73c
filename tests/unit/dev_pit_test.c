/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 8254: modes, latches, gate, and the exact moments of line 0. */
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

#define TICK(n) (((n)*SECOND + 1193181) / 1193182)

static void program(struct machine *m, unsigned channel, u8 control, u16 count)
{
	out8(m, 0x43, (u8)(channel << 6 | 0x30 | control));
	out8(m, (u16)(0x40 + channel), (u8)count);
	out8(m, (u16)(0x40 + channel), (u8)(count >> 8));
}

static u16 latched(struct machine *m, unsigned channel)
{
	u16 value;

	out8(m, 0x43, (u8)(channel << 6));
	value = in8(m, (u16)(0x40 + channel));
	return (u16)(value | in8(m, (u16)(0x40 + channel)) << 8);
}

static void rate_generator_interrupts_every_period(void **state)
{
	struct machine *m = *state;
	unsigned seen = 0;

	pic_setup(m);
	program(m, 0, 2 << 1, 11932);
	while (bus_intr_pending(m->bus)) {
		bus_intr_ack(m->bus);
		out8(m, 0x20, 0x20);
	}
	for (unsigned i = 0; i < 1000; i++) {
		pass(m, MS);
		if (!bus_intr_pending(m->bus))
			continue;
		assert_int_equal(bus_intr_ack(m->bus), 0x20);
		out8(m, 0x20, 0x20);
		seen++;
	}
	assert_int_equal(seen, 99); /* 1193182 / 11932 */
}

static void terminal_count_comes_one_tick_late(void **state)
{
	struct machine *m = *state;
	u64 end;

	pic_setup(m);
	program(m, 0, 0, 1000);
	assert_false(bus_intr_pending(m->bus));
	end = TICK(1001);
	assert_int_equal(bus_next_deadline(m->bus), TICK(1));
	pass(m, end - 1);
	assert_false(bus_intr_pending(m->bus));
	pass(m, 1);
	assert_true(bus_intr_pending(m->bus));
	assert_int_equal(bus_next_deadline(m->bus), UINT64_MAX);
}

static void count_is_latched_until_read(void **state)
{
	struct machine *m = *state;
	u16 first;

	program(m, 0, 2 << 1, 10000);
	pass(m, TICK(101));
	out8(m, 0x43, 0);
	first = in8(m, 0x40);
	pass(m, MS);
	first |= (u16)(in8(m, 0x40) << 8);
	assert_int_equal(first, 9900);
	assert_int_not_equal(latched(m, 0), 9900);
}

static void square_wave_counts_by_two(void **state)
{
	struct machine *m = *state;

	program(m, 0, 3 << 1, 1000);
	pass(m, TICK(101));
	assert_int_equal(latched(m, 0), 800);
	out8(m, 0x43, 0xe2); /* read back status of channel 0 */
	assert_int_equal(in8(m, 0x40), 0xb6);
	m->now = TICK(601); /* second half: low */
	out8(m, 0x43, 0xe2);
	assert_int_equal(in8(m, 0x40), 0x36);
	assert_int_equal(latched(m, 0), 800);
}

static void bcd_counts_in_decimal(void **state)
{
	struct machine *m = *state;

	program(m, 0, 2 << 1 | 1, 0x1000);
	pass(m, TICK(2));
	assert_int_equal(latched(m, 0), 0x0999);
	program(m, 0, 2 << 1 | 1, 0);
	pass(m, TICK(2));
	assert_int_equal(latched(m, 0), 0x9999);
}

static void new_count_waits_for_the_end_of_the_period(void **state)
{
	struct machine *m = *state;

	program(m, 0, 2 << 1, 1000);
	m->now = TICK(501);
	out8(m, 0x40, 100);
	out8(m, 0x40, 0);
	m->now = TICK(601);
	assert_int_equal(latched(m, 0), 400);
	m->now = TICK(1011);
	assert_int_equal(latched(m, 0), 90);
}

static void channel_2_obeys_its_gate(void **state)
{
	struct machine *m = *state;

	out8(m, 0x61, 0);
	program(m, 2, 0, 1000);
	pass(m, 10 * MS);
	assert_int_equal(in8(m, 0x61) & 0x20, 0); /* OUT */
	out8(m, 0x61, 1);
	pass(m, TICK(500));
	assert_int_equal(in8(m, 0x61) & 0x20, 0);
	pass(m, TICK(502));
	assert_int_equal(in8(m, 0x61) & 0x21, 0x21);
}

static void one_shot_starts_at_the_gate(void **state)
{
	struct machine *m = *state;

	out8(m, 0x61, 0);
	program(m, 2, 1 << 1, 100);
	pass(m, MS);
	assert_int_equal(in8(m, 0x61) & 0x20, 0x20);
	out8(m, 0x61, 1);
	pass(m, TICK(50));
	assert_int_equal(in8(m, 0x61) & 0x20, 0);
	pass(m, TICK(60));
	assert_int_equal(in8(m, 0x61) & 0x20, 0x20);
}

static void software_strobe_pulses_once(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	program(m, 0, 4 << 1, 100);
	if (bus_intr_pending(m->bus))
		bus_intr_ack(m->bus);
	out8(m, 0x20, 0x20);
	pass(m, TICK(90));
	assert_false(bus_intr_pending(m->bus));
	pass(m, TICK(20));
	assert_true(bus_intr_pending(m->bus));
	bus_intr_ack(m->bus);
	out8(m, 0x20, 0x20);
	pass(m, SECOND);
	assert_false(bus_intr_pending(m->bus));
}

static void a_long_pause_loses_no_edge_and_ends(void **state)
{
	struct machine *m = *state;

	program(m, 0, 2 << 1, 1193);
	m->now = SECOND;
	bus_run_timers(m->bus, m->now);
	assert_true(bus_next_deadline(m->bus) > m->now);
	assert_true(bus_next_deadline(m->bus) < m->now + 2 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			rate_generator_interrupts_every_period, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			terminal_count_comes_one_tick_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(count_is_latched_until_read,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(square_wave_counts_by_two,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(bcd_counts_in_decimal, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			new_count_waits_for_the_end_of_the_period, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(channel_2_obeys_its_gate,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_shot_starts_at_the_gate,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(software_strobe_pulses_once,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_long_pause_loses_no_edge_and_ends, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
