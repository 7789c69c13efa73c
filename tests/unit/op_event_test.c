/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Delivery of interrupts and exceptions through gates, and double faults. */
/* LINK: tests/unit/fake_mem.c core/cpu/raise.c core/cpu/reset.c core/base/err.c core/op/bcd.c core/op/control.c core/op/cpuid.c core/op/desc.c core/op/event.c core/op/far.c core/op/features.c core/op/flags.c core/op/fpustate.c core/op/frame.c core/op/io.c core/op/iret.c core/op/known.c core/op/msr.c core/op/operand.c core/op/seg_load.c core/op/stack.c core/op/string.c core/op/system.c core/op/task.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_mem.h"

static struct cpu cpu;

enum { INT32 = 0x8e, TRAP32 = 0x8f, INT16 = 0x86, TASK = 0x85, DPL3 = 0x60 };

static int setup(void **state)
{
	(void)state;
	fake_machine(&cpu);
	return 0;
}

static u32 pushed(unsigned i)
{
	return fake_get(cpu.gpr[ESP] + 4 * i, 4);
}

static void interrupt_at_same_level_pushes_three_words(void **state)
{
	(void)state;
	fake_idt(0x20, SEL_CODE0, 0x12345678, INT32);
	cpu.seg[SEG_CS].limit = 0xffffffffu;
	cpu_set_eflags(&cpu, EFL_IF | EFL_CF | EFL_TF);
	event_deliver_interrupt(&cpu, 0x20);
	assert_int_equal(cpu.eip, 0x12345678);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0 - 12);
	assert_int_equal(pushed(0), 0x10000);
	assert_int_equal(pushed(1), SEL_CODE0);
	assert_int_equal(pushed(2), EFL_IF | EFL_CF | EFL_TF | EFL_ONE);
	assert_int_equal(cpu_eflags(&cpu), EFL_CF | EFL_ONE);
}

static void trap_gate_leaves_interrupts_on(void **state)
{
	(void)state;
	fake_idt(0x80, SEL_CODE0, 0x500, TRAP32);
	cpu_set_eflags(&cpu, EFL_IF);
	event_deliver_interrupt(&cpu, 0x80);
	assert_int_equal(cpu.iflag, EFL_IF);
}

static void gate_of_sixteen_bits_pushes_words(void **state)
{
	(void)state;
	fake_idt(0x20, SEL_CODE0, 0x500, INT16);
	event_deliver_interrupt(&cpu, 0x20);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0 - 6);
	assert_int_equal(cpu.eip, 0x500);
}

static void interrupt_from_user_switches_stack(void **state)
{
	(void)state;
	fake_enter_user(&cpu);
	fake_idt(0x20, SEL_CODE0, 0x500, INT32);
	event_deliver_interrupt(&cpu, 0x20);
	assert_int_equal(cpu.cpl, 0);
	assert_int_equal(cpu.seg[SEG_SS].sel, SEL_DATA0);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0 - 20);
	assert_int_equal(pushed(3), FAKE_STACK3);
	assert_int_equal(pushed(4), SEL_DATA3);
	assert_int_equal(cpu.seg[SEG_DS].sel, SEL_DATA3);
}

static void interrupt_from_vm86_pushes_and_nulls_segments(void **state)
{
	(void)state;
	fake_enter_vm86(&cpu);
	fake_idt(0x20, SEL_CODE0, 0x500, INT32);
	event_deliver_interrupt(&cpu, 0x20);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0 - 36);
	assert_int_equal(pushed(2), EFL_VM | EFL_IF | EFL_ONE);
	assert_int_equal(pushed(4), 0x100 + SEG_SS);
	assert_int_equal(pushed(5), 0x100 + SEG_ES);
	assert_int_equal(pushed(8), 0x100 + SEG_GS);
	assert_int_equal(cpu.seg[SEG_DS].attr, 0);
	assert_false(cpu_is_vm86(&cpu));
	assert_int_equal(cpu.cpl, 0);
}

static void software_interrupt_checks_gate_privilege(void **state)
{
	(void)state;
	fake_enter_user(&cpu);
	fake_idt(0x21, SEL_CODE0, 0x500, INT32);
	assert_int_equal(event_software(&cpu, 0x21, 0x10002), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_GP);
	assert_int_equal(cpu.exc.error, 0x21 * 8 + 2);
	cpu.exc.pending = false;
	fake_idt(0x21, SEL_CODE0, 0x500, INT32 | DPL3);
	assert_int_equal(event_software(&cpu, 0x21, 0x10002), OP_JUMP);
	assert_int_equal(pushed(0), 0x10002);
}

static void page_fault_sets_cr2_rf_and_error_code(void **state)
{
	(void)state;
	fake_idt(EXC_PF, SEL_CODE0, 0x500, INT32);
	cpu_raise_pf(&cpu, 0xdeadb000, PF_W);
	event_deliver_exception(&cpu);
	assert_int_equal(cpu.cr2, 0xdeadb000);
	assert_int_equal(pushed(0), PF_W);
	assert_int_equal(pushed(1), 0x10000);
	assert_true(pushed(3) & EFL_RF);
	assert_false(cpu.exc.pending);
}

static void debug_trap_sets_dr6_and_pushes_no_rf(void **state)
{
	(void)state;
	cpu.dr[7] |= 1u << 13;
	fake_idt(EXC_DB, SEL_CODE0, 0x500, INT32);
	cpu_raise(&cpu, EXC_DB, 0);
	cpu.exc.kind = EVENT_TRAP;
	cpu.exc.dr6 = 1u << 14;
	event_deliver_exception(&cpu);
	assert_true(cpu.dr[6] & 1u << 14);
	assert_false(cpu.dr[7] & 1u << 13);
	assert_int_equal(pushed(0), 0x10000);
	assert_false(pushed(2) & EFL_RF);
}

static void int1_is_a_debug_exception_after_itself(void **state)
{
	struct insn in = fake_insn(0xf1, 4);

	(void)state;
	in.len = 1;
	cpu.dr[7] |= 1u << 13;
	fake_idt(EXC_DB, SEL_CODE0, 0x500, INT32);
	assert_int_equal(op_int1(&cpu, &in), OP_JUMP);
	assert_int_equal(pushed(0), 0x10001);
	assert_int_equal(cpu.dr[6], 0xffff0ff0);
	assert_false(cpu.dr[7] & 1u << 13);
}

static void missing_gate_is_gp_with_ext(void **state)
{
	(void)state;
	fake_idt(EXC_GP, SEL_CODE0, 0x600, INT32);
	event_deliver_interrupt(&cpu, 0x30);
	assert_int_equal(cpu.eip, 0x600);
	assert_int_equal(pushed(0), 0x30 * 8 + 3);
}

static void gp_during_gp_is_double_fault(void **state)
{
	(void)state;
	fake_idt(EXC_DF, SEL_CODE0, 0x700, INT32);
	cpu_raise(&cpu, EXC_GP, 0);
	event_deliver_exception(&cpu);
	assert_int_equal(cpu.eip, 0x700);
	assert_int_equal(pushed(0), 0);
	assert_false(cpu.shutdown);
}

static void page_fault_during_gp_is_delivered_in_turn(void **state)
{
	(void)state;
	cpu.idtr.base = 0x4f98; /* the gate of #GP lies in the absent page */
	fake_gate(0x5008, SEL_CODE0, 0x900, INT32, 0);
	fake_gate(0x4f98 + 8 * EXC_GP, SEL_CODE0, 0x800, INT32, 0);
	fake_gate(0x4f98 + 8 * EXC_PF, SEL_CODE0, 0x900, INT32, 0);
	fake_gate(0x4f98 + 8 * EXC_DF, SEL_CODE0, 0x700, INT32, 0);
	fake_desc(SEL_FREE, 0, 0xfffff, 0xc9a);
	fake_gate(0x4f98 + 8 * EXC_GP, 0x1000 | 4, 0, INT32, 0);
	cpu.ldtr = (struct seg){ .sel = 0x40, .attr = 0x82, .base = 0xb000,
				 .limit = 0xffff };
	fake_page(0xc000, false, true);
	cpu_raise(&cpu, EXC_GP, 0);
	event_deliver_exception(&cpu);
	assert_int_equal(cpu.eip, 0x900);
	assert_int_equal(cpu.cr2, 0xc000);
}

static void fault_during_double_fault_shuts_down(void **state)
{
	(void)state;
	cpu_raise(&cpu, EXC_GP, 0);
	event_deliver_exception(&cpu);
	assert_true(cpu.shutdown);
	assert_false(cpu.exc.pending);
}

static void stack_that_does_not_fit_changes_nothing(void **state)
{
	(void)state;
	fake_enter_user(&cpu);
	fake_idt(0x20, SEL_CODE0, 0x500, INT32);
	fake_page(FAKE_STACK0 - 4096, false, true);
	assert_int_equal(event_software(&cpu, 0x20, 0), OP_FAULT);
	cpu.exc.pending = false;
	fake_idt(0x20, SEL_CODE0, 0x500, INT32 | DPL3);
	assert_int_equal(event_software(&cpu, 0x20, 0), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_PF);
	assert_int_equal(cpu.cpl, 3);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK3);
	assert_int_equal(cpu.eip, 0x10000);
}

static void bad_stack_selector_is_invalid_tss(void **state)
{
	(void)state;
	fake_enter_user(&cpu);
	fake_idt(0x20, SEL_CODE0, 0x500, INT32 | DPL3);
	fake_put(FAKE_TSS + 8, SEL_DATA3, 2);
	event_software(&cpu, 0x20, 0);
	assert_int_equal(cpu.exc.vector, EXC_TS);
	assert_int_equal(cpu.exc.error, SEL_DATA3 & ~3);
}

static void real_mode_uses_the_vector_table(void **state)
{
	(void)state;
	cpu_reset(&cpu);
	fake_put(0x21 * 4, 0x01230456, 4);
	cpu_set_eflags(&cpu, EFL_IF);
	cpu.gpr[ESP] = 0x1000;
	assert_int_equal(event_software(&cpu, 0x21, 0xfff2), OP_JUMP);
	assert_int_equal(cpu.eip, 0x456);
	assert_int_equal(cpu.seg[SEG_CS].base, 0x1230);
	assert_int_equal(cpu.gpr[ESP], 0xffa);
	assert_int_equal(fake_get(0xffa, 2), 0xfff2);
	assert_int_equal(cpu.iflag, 0);
}

static void vm86_int_needs_iopl_but_int3_does_not(void **state)
{
	struct insn in = fake_insn(0xcd, 2);

	(void)state;
	fake_enter_vm86(&cpu);
	fake_idt(3, SEL_CODE0, 0x500, INT32 | DPL3);
	in.imm = 3;
	assert_int_equal(op_int_n(&cpu, &in), OP_FAULT);
	assert_int_equal(cpu.exc.error, 0);
	cpu.exc.pending = false;
	assert_int_equal(op_int3(&cpu, &in), OP_JUMP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
		T(interrupt_at_same_level_pushes_three_words),
		T(trap_gate_leaves_interrupts_on),
		T(gate_of_sixteen_bits_pushes_words),
		T(interrupt_from_user_switches_stack),
		T(interrupt_from_vm86_pushes_and_nulls_segments),
		T(software_interrupt_checks_gate_privilege),
		T(page_fault_sets_cr2_rf_and_error_code),
		T(debug_trap_sets_dr6_and_pushes_no_rf),
		T(int1_is_a_debug_exception_after_itself),
		T(missing_gate_is_gp_with_ext),
		T(gp_during_gp_is_double_fault),
		T(page_fault_during_gp_is_delivered_in_turn),
		T(fault_during_double_fault_shuts_down),
		T(stack_that_does_not_fit_changes_nothing),
		T(bad_stack_selector_is_invalid_tss),
		T(real_mode_uses_the_vector_table),
		T(vm86_int_needs_iopl_but_int3_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
