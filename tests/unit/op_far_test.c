/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Far calls, jumps and returns, call gates, IRET, SYSENTER. */
/* LINK: tests/unit/fake_mem.c core/cpu/raise.c core/cpu/reset.c core/base/err.c core/op/bcd.c core/op/control.c core/op/cpuid.c core/op/desc.c core/op/event.c core/op/far.c core/op/features.c core/op/flags.c core/op/fpustate.c core/op/frame.c core/op/io.c core/op/iret.c core/op/known.c core/op/msr.c core/op/operand.c core/op/seg_load.c core/op/stack.c core/op/string.c core/op/system.c core/op/task.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_mem.h"

static struct cpu cpu;

enum { CALL32 = 0x8c, CALL16 = 0x84, DPL3 = 0x60 };

static int setup(void **state)
{
	(void)state;
	fake_machine(&cpu);
	return 0;
}

static struct insn far(unsigned opcode, u16 sel, u32 off)
{
	struct insn in = fake_insn(opcode, 4);

	in.len = 7;
	in.imm = off;
	in.imm2 = sel;
	return in;
}

static u32 pushed(unsigned i)
{
	return fake_get(cpu.gpr[ESP] + 4 * i, 4);
}

static void push(u32 value)
{
	cpu.gpr[ESP] -= 4;
	fake_put(cpu.gpr[ESP], value, 4);
}

static void assert_fault(enum op_result r, enum exc vector, u32 error)
{
	assert_int_equal(r, OP_FAULT);
	assert_int_equal(cpu.exc.vector, vector);
	assert_int_equal(cpu.exc.error, error);
	assert_int_equal(cpu.eip, 0x10000);
	cpu.exc.pending = false;
}

static void direct_call_pushes_cs_and_sets_accessed(void **state)
{
	struct insn in = far(0x9a, SEL_CODE0, 0x400);

	(void)state;
	assert_int_equal(op_call_far(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.eip, 0x400);
	assert_int_equal(pushed(0), 0x10007);
	assert_int_equal(pushed(1), SEL_CODE0);
	assert_true(fake_get(FAKE_GDT + SEL_CODE0 + 5, 1) & SEG_A);
}

static void jump_to_other_privilege_is_gp(void **state)
{
	struct insn in = far(0xea, SEL_CODE3, 0x400);

	(void)state;
	assert_fault(op_jmp_far(&cpu, &in), EXC_GP, SEL_CODE3 & ~3);
	in = far(0xea, 0, 0);
	assert_fault(op_jmp_far(&cpu, &in), EXC_GP, 0);
	in = far(0xea, 0x100, 0);
	assert_fault(op_jmp_far(&cpu, &in), EXC_GP, 0x100);
	in = far(0xea, SEL_DATA0, 0);
	assert_fault(op_jmp_far(&cpu, &in), EXC_GP, SEL_DATA0);
}

static void absent_code_segment_is_np(void **state)
{
	struct insn in = far(0xea, SEL_FREE, 0);

	(void)state;
	fake_desc(SEL_FREE, 0, 0xfffff, 0xc1a);
	assert_fault(op_jmp_far(&cpu, &in), EXC_NP, SEL_FREE);
}

static void target_beyond_limit_is_gp(void **state)
{
	struct insn in = far(0x9a, SEL_FREE, 0x100);

	(void)state;
	fake_desc(SEL_FREE, 0, 0xff, 0x49a);
	assert_fault(op_call_far(&cpu, &in), EXC_GP, 0);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0);
}

static void conforming_code_keeps_cpl(void **state)
{
	struct insn in = far(0xea, SEL_FREE, 0x100);

	(void)state;
	fake_enter_user(&cpu);
	fake_desc(SEL_FREE, 0, 0xfffff, 0xc9e);
	assert_int_equal(op_jmp_far(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.cpl, 3);
	assert_int_equal(cpu.seg[SEG_CS].sel, SEL_FREE | 3);
}

static void call_gate_switches_stack_and_copies_parameters(void **state)
{
	struct insn in = far(0x9a, SEL_FREE | 3, 0xbad);

	(void)state;
	fake_enter_user(&cpu);
	fake_gate(FAKE_GDT + SEL_FREE, SEL_CODE0, 0x700, CALL32 | DPL3, 2);
	push(0x22);
	push(0x11);
	assert_int_equal(op_call_far(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.eip, 0x700);
	assert_int_equal(cpu.cpl, 0);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0 - 24);
	assert_int_equal(pushed(0), 0x10007);
	assert_int_equal(pushed(1), SEL_CODE3);
	assert_int_equal(pushed(2), 0x11);
	assert_int_equal(pushed(3), 0x22);
	assert_int_equal(pushed(4), FAKE_STACK3 - 8);
	assert_int_equal(pushed(5), SEL_DATA3);
}

static void return_through_gate_releases_both_stacks(void **state)
{
	struct insn in = far(0xca, 0, 8);

	(void)state;
	call_gate_switches_stack_and_copies_parameters(state);
	cpu.seg[SEG_ES] = (struct seg){ .sel = SEL_DATA0, .attr = 0xc93 };
	assert_int_equal(op_ret_far(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.cpl, 3);
	assert_int_equal(cpu.eip, 0x10007);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK3);
	assert_int_equal(cpu.seg[SEG_ES].attr, 0);
	assert_int_equal(cpu.seg[SEG_DS].sel, SEL_DATA3);
}

static void gate_of_too_low_dpl_is_gp(void **state)
{
	struct insn in = far(0x9a, SEL_FREE, 0);

	(void)state;
	fake_enter_user(&cpu);
	fake_gate(FAKE_GDT + SEL_FREE, SEL_CODE0, 0x700, CALL32, 0);
	assert_fault(op_call_far(&cpu, &in), EXC_GP, SEL_FREE);
	fake_gate(FAKE_GDT + SEL_FREE, SEL_CODE0, 0x700, CALL32 | DPL3, 0);
	assert_fault(op_jmp_far(&cpu, &in), EXC_GP, SEL_CODE0);
}

static void iret_to_same_level_restores_flags(void **state)
{
	struct insn in = fake_insn(0xcf, 4);

	(void)state;
	push(EFL_IF | EFL_ZF | EFL_IOPL | EFL_ONE);
	push(SEL_CODE0);
	push(0x4321);
	cpu.nmi_blocked = true;
	assert_int_equal(op_iret(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.eip, 0x4321);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0);
	assert_int_equal(cpu_eflags(&cpu), EFL_IF | EFL_ZF | EFL_IOPL | EFL_ONE);
	assert_false(cpu.nmi_blocked);
}

static void iret_to_user_drops_kernel_segments(void **state)
{
	struct insn in = fake_insn(0xcf, 4);

	(void)state;
	push(SEL_DATA3);
	push(FAKE_STACK3);
	push(EFL_IF);
	push(SEL_CODE3);
	push(0x4321);
	assert_int_equal(op_iret(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.cpl, 3);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK3);
	assert_int_equal(cpu.seg[SEG_DS].sel, 0);
	assert_int_equal(cpu.seg[SEG_SS].sel, SEL_DATA3);
}

static void iret_in_user_mode_cannot_change_iopl_or_if(void **state)
{
	struct insn in = fake_insn(0xcf, 4);

	(void)state;
	fake_enter_user(&cpu);
	cpu_set_eflags(&cpu, EFL_IF);
	push(EFL_IOPL | EFL_CF);
	push(SEL_CODE3);
	push(0x10);
	assert_int_equal(op_iret(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu_eflags(&cpu), EFL_IF | EFL_CF | EFL_ONE);
}

static void iret_to_bad_stack_changes_nothing(void **state)
{
	struct insn in = fake_insn(0xcf, 4);

	(void)state;
	push(SEL_DATA0);
	push(FAKE_STACK3);
	push(0);
	push(SEL_CODE3);
	push(0x4321);
	assert_fault(op_iret(&cpu, &in), EXC_GP, SEL_DATA0);
	assert_int_equal(cpu.cpl, 0);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0 - 20);
}

static void iret_enters_vm86(void **state)
{
	struct insn in = fake_insn(0xcf, 4);

	(void)state;
	for (unsigned i = 0; i < 5; i++) /* GS FS DS ES SS */
		push(0x500 - i);
	push(0xfffe);
	push(EFL_VM | EFL_IF);
	push(0x123);
	push(0x456);
	/* the stack order is ESP, SS, ES, DS, FS, GS upward */
	assert_int_equal(op_iret(&cpu, &in), OP_JUMP);
	assert_true(cpu_is_vm86(&cpu));
	assert_int_equal(cpu.cpl, 3);
	assert_int_equal(cpu.seg[SEG_CS].base, 0x1230);
	assert_int_equal(cpu.seg[SEG_SS].sel, 0x4fc);
	assert_int_equal(cpu.seg[SEG_ES].sel, 0x4fd);
	assert_int_equal(cpu.seg[SEG_GS].sel, 0x500);
	assert_int_equal(cpu.gpr[ESP], 0xfffe);
}

static void iret_in_vm86_needs_iopl(void **state)
{
	struct insn in = fake_insn(0xcf, 2);

	(void)state;
	fake_enter_vm86(&cpu);
	cpu.eip = 0x10000;
	assert_fault(op_iret(&cpu, &in), EXC_GP, 0);
	cpu_set_eflags(&cpu, EFL_VM | EFL_IOPL);
	assert_int_equal(op_iret(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu_iopl(&cpu), 3);
}

static void sysenter_and_sysexit_switch_flat_segments(void **state)
{
	struct insn in = fake_insn(0x34, 4);

	(void)state;
	fake_enter_user(&cpu);
	assert_fault(op_sysenter(&cpu, &in), EXC_GP, 0);
	cpu.sysenter_cs = 0x60;
	cpu.sysenter_eip = 0x1234;
	cpu.sysenter_esp = 0x5678;
	cpu_set_eflags(&cpu, EFL_IF);
	assert_int_equal(op_sysenter(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.cpl, 0);
	assert_int_equal(cpu.iflag, 0);
	assert_int_equal(cpu.seg[SEG_SS].sel, 0x68);
	assert_int_equal(cpu.eip, 0x1234);
	assert_int_equal(cpu.gpr[ESP], 0x5678);
	cpu.gpr[EDX] = 0x9999;
	cpu.gpr[ECX] = 0xaaaa;
	assert_int_equal(op_sysexit(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.cpl, 3);
	assert_int_equal(cpu.seg[SEG_CS].sel, 0x73);
	assert_int_equal(cpu.seg[SEG_SS].sel, 0x7b);
	assert_int_equal(cpu.gpr[ESP], 0xaaaa);
}

static void real_mode_far_jump_sets_base(void **state)
{
	struct insn in = far(0xea, 0x1234, 0x10);

	(void)state;
	cpu_reset(&cpu);
	in.opsize = 2;
	assert_int_equal(op_jmp_far(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.seg[SEG_CS].base, 0x12340);
	assert_int_equal(cpu.eip, 0x10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
		T(direct_call_pushes_cs_and_sets_accessed),
		T(jump_to_other_privilege_is_gp),
		T(absent_code_segment_is_np),
		T(target_beyond_limit_is_gp),
		T(conforming_code_keeps_cpl),
		T(call_gate_switches_stack_and_copies_parameters),
		T(return_through_gate_releases_both_stacks),
		T(gate_of_too_low_dpl_is_gp),
		T(iret_to_same_level_restores_flags),
		T(iret_to_user_drops_kernel_segments),
		T(iret_in_user_mode_cannot_change_iopl_or_if),
		T(iret_to_bad_stack_changes_nothing),
		T(iret_enters_vm86),
		T(iret_in_vm86_needs_iopl),
		T(sysenter_and_sysexit_switch_flat_segments),
		T(real_mode_far_jump_sets_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
