/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hardware task switches. */
/* LINK: tests/unit/fake_mem.c core/cpu/raise.c core/cpu/reset.c core/base/err.c core/op/bcd.c core/op/control.c core/op/cpuid.c core/op/desc.c core/op/event.c core/op/far.c core/op/features.c core/op/flags.c core/op/fpustate.c core/op/frame.c core/op/io.c core/op/iret.c core/op/known.c core/op/msr.c core/op/operand.c core/op/seg_load.c core/op/stack.c core/op/string.c core/op/system.c core/op/task.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_mem.h"

static struct cpu cpu;

enum { EIP = 32, EFLAGS = 36, ESP_AT = 56, ES_AT = 72, CS_AT = 76, SS_AT = 80,
       DS_AT = 84, LDT = 96, TRAP = 100 };

static int setup(void **state)
{
	(void)state;
	fake_machine(&cpu);
	fake_put(FAKE_TSS2 + EIP, 0x4444, 4);
	fake_put(FAKE_TSS2 + EFLAGS, EFL_CF | EFL_ONE, 4);
	fake_put(FAKE_TSS2 + ESP_AT, FAKE_STACK3, 4);
	fake_put(FAKE_TSS2 + CS_AT, SEL_CODE3, 2);
	fake_put(FAKE_TSS2 + SS_AT, SEL_DATA3, 2);
	fake_put(FAKE_TSS2 + DS_AT, SEL_DATA3, 2);
	return 0;
}

static enum op_result far(unsigned opcode, u16 sel)
{
	struct insn in = fake_insn(opcode, 4);

	in.len = 7;
	in.imm2 = sel;
	return opcode == 0xea ? op_jmp_far(&cpu, &in) : op_call_far(&cpu, &in);
}

static unsigned type_of(u16 sel)
{
	return fake_get(FAKE_GDT + sel + 5, 1) & 15;
}

static void jump_saves_and_loads_registers(void **state)
{
	(void)state;
	cpu.gpr[EBX] = 0x12345678;
	assert_int_equal(far(0xea, SEL_TSS2), OP_JUMP);
	assert_int_equal(cpu.eip, 0x4444);
	assert_int_equal(cpu.cpl, 3);
	assert_int_equal(cpu.tr.sel, SEL_TSS2);
	assert_int_equal(cpu_eflags(&cpu), EFL_CF | EFL_ONE);
	assert_true(cpu.cr0 & CR0_TS);
	assert_int_equal(type_of(SEL_TSS), SYS_TSS32);
	assert_int_equal(type_of(SEL_TSS2), SYS_TSS32_BUSY);
	assert_int_equal(fake_get(FAKE_TSS + EIP, 4), 0x10007);
	assert_int_equal(fake_get(FAKE_TSS + 52, 4), 0x12345678);
	assert_int_equal(fake_get(FAKE_TSS + CS_AT, 2), SEL_CODE0);
}

static void call_links_back_and_iret_returns(void **state)
{
	struct insn in = fake_insn(0xcf, 4);

	(void)state;
	assert_int_equal(far(0x9a, SEL_TSS2), OP_JUMP);
	assert_int_equal(fake_get(FAKE_TSS2, 2), SEL_TSS);
	assert_true(cpu.sysflags & EFL_NT);
	assert_int_equal(type_of(SEL_TSS), SYS_TSS32_BUSY);
	in.len = 1;
	assert_int_equal(op_iret(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.tr.sel, SEL_TSS);
	assert_int_equal(cpu.eip, 0x10007);
	assert_int_equal(cpu.cpl, 0);
	assert_int_equal(type_of(SEL_TSS2), SYS_TSS32);
	assert_int_equal(fake_get(FAKE_TSS2 + EIP, 4), 0x4445);
	assert_false(fake_get(FAKE_TSS2 + EFLAGS, 4) & EFL_NT);
}

static void busy_task_is_gp(void **state)
{
	(void)state;
	assert_int_equal(far(0xea, SEL_TSS), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_GP);
	assert_int_equal(cpu.exc.error, SEL_TSS);
}

static void short_tss_is_invalid_and_changes_nothing(void **state)
{
	(void)state;
	fake_desc(SEL_TSS2, FAKE_TSS2, 102, 0x089);
	assert_int_equal(far(0xea, SEL_TSS2), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_TS);
	assert_int_equal(cpu.tr.sel, SEL_TSS);
	assert_int_equal(type_of(SEL_TSS), SYS_TSS32_BUSY);
}

static void unwritable_table_faults_before_anything_changes(void **state)
{
	(void)state;
	fake_page(FAKE_TSS, true, false);
	assert_int_equal(far(0xea, SEL_TSS2), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_PF);
	assert_int_equal(type_of(SEL_TSS), SYS_TSS32_BUSY);
	assert_int_equal(type_of(SEL_TSS2), SYS_TSS32);
	assert_int_equal(cpu.eip, 0x10000);
}

static void bad_segment_faults_in_the_new_task(void **state)
{
	(void)state;
	fake_put(FAKE_TSS2 + DS_AT, SEL_DATA0, 2);
	assert_int_equal(far(0xea, SEL_TSS2), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_TS);
	assert_int_equal(cpu.exc.error, SEL_DATA0);
	assert_int_equal(cpu.tr.sel, SEL_TSS2);
	assert_int_equal(cpu.eip, 0x4444);
}

static void trap_bit_raises_debug_trap(void **state)
{
	(void)state;
	fake_put(FAKE_TSS2 + TRAP, 1, 2);
	assert_int_equal(far(0xea, SEL_TSS2), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_DB);
	assert_int_equal(cpu.exc.kind, EVENT_TRAP);
	assert_int_equal(cpu.exc.dr6, 1u << 15);
	assert_int_equal(cpu.eip, 0x4444);
}

static void exception_through_task_gate_pushes_error_code(void **state)
{
	(void)state;
	fake_idt(EXC_DF, SEL_TSS2, 0, 0x85);
	cpu_raise(&cpu, EXC_DF, 0);
	event_deliver_exception(&cpu);
	assert_int_equal(cpu.tr.sel, SEL_TSS2);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK3 - 4);
	assert_int_equal(fake_get(FAKE_TSS + EIP, 4), 0x10000);
	assert_int_equal(fake_get(FAKE_TSS2, 2), SEL_TSS);
}

static void task_of_sixteen_bits_keeps_cr3(void **state)
{
	(void)state;
	fake_desc(SEL_TSS2, FAKE_TSS2, 43, 0x081);
	fake_put(FAKE_TSS2 + 14, 0x4321, 2);
	fake_put(FAKE_TSS2 + 16, EFL_ZF | EFL_ONE, 2);
	fake_put(FAKE_TSS2 + 26, 0x7ff0, 2);
	fake_put(FAKE_TSS2 + 34, 0, 2);
	fake_put(FAKE_TSS2 + 36, SEL_CODE0, 2);
	fake_put(FAKE_TSS2 + 38, SEL_DATA0, 2);
	fake_put(FAKE_TSS2 + 40, 0, 2);
	fake_put(FAKE_TSS2 + 42, 0, 2);
	cpu.cr3 = 0x5000;
	assert_int_equal(far(0xea, SEL_TSS2), OP_JUMP);
	assert_int_equal(cpu.eip, 0x4321);
	assert_int_equal(cpu.cr3, 0x5000);
	assert_int_equal(cpu.gpr[ESP], 0xffff7ff0u);
	assert_int_equal(cpu.seg[SEG_FS].attr, 0);
}

static void task_gate_in_gdt_is_called(void **state)
{
	(void)state;
	fake_gate(FAKE_GDT + SEL_FREE, SEL_TSS2, 0, 0x85, 0);
	assert_int_equal(far(0x9a, SEL_FREE), OP_JUMP);
	assert_int_equal(cpu.tr.sel, SEL_TSS2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
		T(jump_saves_and_loads_registers),
		T(call_links_back_and_iret_returns),
		T(busy_task_is_gp),
		T(short_tss_is_invalid_and_changes_nothing),
		T(unwritable_table_faults_before_anything_changes),
		T(bad_segment_faults_in_the_new_task),
		T(trap_bit_raises_debug_trap),
		T(exception_through_task_gate_pushes_error_code),
		T(task_of_sixteen_bits_keeps_cr3),
		T(task_gate_in_gdt_is_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
