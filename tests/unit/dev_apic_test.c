/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Local APIC and IO-APIC: priorities, wires, messages, timer. */
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
	struct machine *m = machine_new(true);

	out8(m, 0x21, 0xff); /* the timer interrupts through LINT0 */
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	machine_free(*state);
	return 0;
}

#define LAPIC  0xfee00000u
#define IOAPIC 0xfec00000u

static u32 get(struct machine *m, u32 reg)
{
	return fake_mmio_read(m->mem, LAPIC + reg, 4);
}

static void set(struct machine *m, u32 reg, u32 value)
{
	fake_mmio_write(m->mem, LAPIC + reg, 4, value);
}

static void redirect(struct machine *m, u8 pin, u32 low)
{
	fake_mmio_write(m->mem, IOAPIC, 4, 0x11u + 2u * pin);
	fake_mmio_write(m->mem, IOAPIC + 0x10, 4, 0);
	fake_mmio_write(m->mem, IOAPIC, 4, 0x10u + 2u * pin);
	fake_mmio_write(m->mem, IOAPIC + 0x10, 4, low);
}

static u32 redirection(struct machine *m, u8 pin)
{
	fake_mmio_write(m->mem, IOAPIC, 4, 0x10u + 2u * pin);
	return fake_mmio_read(m->mem, IOAPIC + 0x10, 4);
}

static void virtual_wire_passes_the_pic_through(void **state)
{
	struct machine *m = *state;

	pic_setup(m);
	bus_irq(m->bus, 1, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x21);
	set(m, 0x350, 0x10700); /* mask LINT0 */
	out8(m, 0x20, 0x20);
	bus_irq(m->bus, 1, false);
	bus_irq(m->bus, 1, true);
	assert_false(bus_intr_pending(m->bus));
	bus_apic_base(m->bus, 0xfee00000); /* disabled: INTR again */
	assert_int_equal(bus_intr_ack(m->bus), 0x21);
}

static void self_ipi_waits_for_its_priority(void **state)
{
	struct machine *m = *state;

	set(m, 0x80, 0x50);
	set(m, 0x300, 0x40051);
	assert_false(bus_intr_pending(m->bus));
	set(m, 0x300, 0x40061);
	assert_int_equal(bus_intr_ack(m->bus), 0x61);
	set(m, 0x80, 0);
	assert_false(bus_intr_pending(m->bus)); /* 61h is in service */
	set(m, 0xb0, 0);
	assert_int_equal(bus_intr_ack(m->bus), 0x51);
	assert_int_equal(get(m, 0x100 + 0x10 * 2), 1 << 17);
}

static void init_to_others_changes_nothing(void **state)
{
	struct machine *m = *state;

	set(m, 0x310, 1u << 24);
	set(m, 0x300, 0x4500);
	set(m, 0x300, 0x0601);
	assert_int_equal(get(m, 0x300) & 0x1000, 0);
	assert_false(bus_intr_pending(m->bus));
	assert_int_equal(m->requests, 0);
}

static void edge_pin_sends_once(void **state)
{
	struct machine *m = *state;

	redirect(m, 4, 0x34);
	bus_irq(m->bus, 4, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x34);
	set(m, 0xb0, 0);
	assert_false(bus_intr_pending(m->bus));
}

static void level_pin_sends_again_at_eoi(void **state)
{
	struct machine *m = *state;

	redirect(m, 9, 0x8039);
	bus_irq(m->bus, 9, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x39);
	assert_int_equal(redirection(m, 9), 0xc039);
	set(m, 0xb0, 0);
	assert_int_equal(bus_intr_ack(m->bus), 0x39);
	bus_irq(m->bus, 9, false);
	set(m, 0xb0, 0);
	assert_int_equal(redirection(m, 9), 0x8039);
	assert_false(bus_intr_pending(m->bus));
}

static void trigger_mode_is_kept_until_the_next_acceptance(void **state)
{
	struct machine *m = *state;
	u32 bit = 1u << (0x39 & 31);

	redirect(m, 9, 0x8039);
	bus_irq(m->bus, 9, true);
	assert_int_equal(bus_intr_ack(m->bus), 0x39);
	bus_irq(m->bus, 9, false);
	set(m, 0xb0, 0);
	assert_int_equal(get(m, 0x190) & bit, bit);
	redirect(m, 9, 0x0039);
	bus_irq(m->bus, 9, true);
	assert_int_equal(get(m, 0x190) & bit, 0);
}

static void timer_line_is_pin_2(void **state)
{
	struct machine *m = *state;

	redirect(m, 2, 0x30);
	out8(m, 0x43, 0x34);
	out8(m, 0x40, 0xa9);
	out8(m, 0x40, 0x04);
	if (bus_intr_pending(m->bus)) {
		bus_intr_ack(m->bus);
		set(m, 0xb0, 0);
	}
	pass(m, 3 * MS);
	assert_int_equal(bus_intr_ack(m->bus), 0x30);
}

static void timer_counts_nanoseconds(void **state)
{
	struct machine *m = *state;

	set(m, 0x3e0, 0x3); /* by 16 */
	set(m, 0x320, 0x40);
	set(m, 0x380, 1000);
	pass(m, 8000);
	assert_int_equal(get(m, 0x390), 500);
	pass(m, 7999);
	assert_false(bus_intr_pending(m->bus));
	pass(m, 1);
	assert_int_equal(bus_intr_ack(m->bus), 0x40);
	assert_int_equal(get(m, 0x390), 0);
	assert_true(bus_next_deadline(m->bus) > m->now + MS);
}

static void periodic_timer_repeats(void **state)
{
	struct machine *m = *state;
	unsigned seen = 0;

	set(m, 0x3e0, 0xb); /* by 1 */
	set(m, 0x320, 0x20040);
	set(m, 0x380, 1000000);
	for (unsigned i = 0; i < 100; i++) {
		pass(m, MS / 2);
		if (bus_intr_ack(m->bus) == 0x40) {
			set(m, 0xb0, 0);
			seen++;
		}
	}
	assert_int_equal(seen, 50);
}

static void disabling_masks_the_vector_table(void **state)
{
	struct machine *m = *state;

	set(m, 0xf0, 0xff);
	assert_int_equal(get(m, 0x350), 0x10700);
	set(m, 0x320, 0x40);
	assert_int_equal(get(m, 0x320), 0x10040);
	set(m, 0xf0, 0x1ff);
	assert_int_equal(get(m, 0x320), 0x10040);
}

static void registers_read_as_the_manual_says(void **state)
{
	struct machine *m = *state;

	assert_int_equal(get(m, 0x20), 0);
	assert_int_equal(get(m, 0x30) & 0xff, 0x14);
	assert_int_equal(get(m, 0xe0), 0xffffffff);
	set(m, 0x280, 0);
	set(m, 0x300, 0x40005); /* vector 5 is illegal */
	set(m, 0x280, 0);
	assert_int_equal(get(m, 0x280), 0x20);
	fake_mmio_write(m->mem, IOAPIC, 4, 1);
	assert_int_equal(fake_mmio_read(m->mem, IOAPIC + 0x10, 4), 0x170011);
	assert_int_equal(redirection(m, 0), 0x10000);
}

static void nmi_wires_ask_the_machine(void **state)
{
	struct machine *m = *state;

	set(m, 0x300, 0x40400);
	assert_int_equal(m->requests, BUS_NMI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			virtual_wire_passes_the_pic_through, set_up, tear_down),
		cmocka_unit_test_setup_teardown(self_ipi_waits_for_its_priority,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(init_to_others_changes_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(edge_pin_sends_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			trigger_mode_is_kept_until_the_next_acceptance, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(level_pin_sends_again_at_eoi,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(timer_line_is_pin_2, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(timer_counts_nanoseconds,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(periodic_timer_repeats, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			disabling_masks_the_vector_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			registers_read_as_the_manual_says, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nmi_wires_ask_the_machine,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
