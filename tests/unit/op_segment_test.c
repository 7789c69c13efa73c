/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segment loads, selectors looked at, the stack and the flags. */
/* LINK: tests/unit/fake_mem.c core/cpu/raise.c core/cpu/reset.c core/base/err.c core/op/bcd.c core/op/control.c core/op/cpuid.c core/op/desc.c core/op/event.c core/op/far.c core/op/features.c core/op/flags.c core/op/fpustate.c core/op/frame.c core/op/io.c core/op/iret.c core/op/known.c core/op/msr.c core/op/operand.c core/op/seg_load.c core/op/stack.c core/op/string.c core/op/system.c core/op/task.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_mem.h"

static struct cpu cpu;

static int setup(void **state)
{
	(void)state;
	fake_machine(&cpu);
	return 0;
}

static void assert_raised(enum exc vector, u32 error)
{
	assert_true(cpu.exc.pending);
	assert_int_equal(cpu.exc.vector, vector);
	assert_int_equal(cpu.exc.error, error);
	cpu.exc.pending = false;
}

static void null_is_allowed_for_data_but_not_for_the_stack(void **state)
{
	(void)state;
	assert_true(seg_load(&cpu, SEG_DS, 3));
	assert_int_equal(cpu.seg[SEG_DS].attr, 0);
	assert_int_equal(cpu.seg[SEG_DS].sel, 3);
	assert_false(seg_load(&cpu, SEG_SS, 0));
	assert_raised(EXC_GP, 0);
}

static void load_fills_cache_and_sets_accessed(void **state)
{
	(void)state;
	fake_desc(SEL_FREE, 0x12345678, 0xabcde, 0xc92);
	cpu.mode_changed = false;
	assert_true(seg_load(&cpu, SEG_ES, SEL_FREE));
	assert_int_equal(cpu.seg[SEG_ES].base, 0x12345678);
	assert_int_equal(cpu.seg[SEG_ES].limit, 0xabcdefffu);
	assert_int_equal(cpu.seg[SEG_ES].attr, 0xc93);
	assert_int_equal(fake_get(FAKE_GDT + SEL_FREE + 5, 1), 0x93);
	assert_true(cpu.mode_changed);
}

static void data_privilege_and_type_are_checked(void **state)
{
	(void)state;
	fake_enter_user(&cpu);
	assert_false(seg_load(&cpu, SEG_DS, SEL_DATA0));
	assert_raised(EXC_GP, SEL_DATA0);
	fake_desc(SEL_FREE, 0, 0xfffff, 0xcf8); /* execute only */
	assert_false(seg_load(&cpu, SEG_DS, SEL_FREE));
	assert_raised(EXC_GP, SEL_FREE);
	fake_desc(SEL_FREE, 0, 0xfffff, 0xc9e); /* conforming, readable */
	assert_true(seg_load(&cpu, SEG_DS, SEL_FREE));
	fake_desc(SEL_FREE, 0, 0xfffff, 0xc72); /* not present */
	assert_false(seg_load(&cpu, SEG_DS, SEL_FREE));
	assert_raised(EXC_NP, SEL_FREE);
	assert_false(seg_load(&cpu, SEG_DS, SEL_FREE | 4));
	assert_raised(EXC_GP, SEL_FREE | 4);
}

static void stack_must_be_writable_of_this_privilege(void **state)
{
	(void)state;
	assert_false(seg_load(&cpu, SEG_SS, SEL_DATA3));
	assert_raised(EXC_GP, SEL_DATA3 & ~3);
	fake_desc(SEL_FREE, 0, 0xfffff, 0xc90); /* read only */
	assert_false(seg_load(&cpu, SEG_SS, SEL_FREE));
	assert_raised(EXC_GP, SEL_FREE);
	fake_desc(SEL_FREE, 0, 0xfffff, 0xc12);
	assert_false(seg_load(&cpu, SEG_SS, SEL_FREE));
	assert_raised(EXC_SS, SEL_FREE);
}

static void mov_ss_holds_interrupts_off(void **state)
{
	struct insn in = fake_insn(0x8e, 4);

	(void)state;
	in.has_modrm = true;
	in.mod = 3;
	in.reg = SEG_SS;
	cpu.gpr[EAX] = SEL_DATA0;
	assert_int_equal(op_mov_to_seg(&cpu, &in), OP_NEXT);
	assert_true(cpu.shadow);
	in.reg = SEG_CS;
	assert_int_equal(op_mov_to_seg(&cpu, &in), OP_FAULT);
	assert_raised(EXC_UD, 0);
}

static void real_mode_load_keeps_the_limit(void **state)
{
	(void)state;
	cpu.cr0 = 0;
	cpu.seg[SEG_DS].limit = 0xffffffffu;
	assert_true(seg_load(&cpu, SEG_DS, 0x1234));
	assert_int_equal(cpu.seg[SEG_DS].base, 0x12340);
	assert_int_equal(cpu.seg[SEG_DS].limit, 0xffffffffu);
}

static struct insn of_register(unsigned opcode)
{
	struct insn in = fake_insn(opcode, 4);

	in.has_modrm = true;
	in.mod = 3;
	in.reg = ECX;
	in.rm = EAX;
	return in;
}

static void lar_and_lsl_answer_in_zf(void **state)
{
	struct insn in = of_register(0x02);

	(void)state;
	cpu.gpr[EAX] = SEL_CODE0;
	op_lar(&cpu, &in);
	assert_int_equal(cpu.gpr[ECX], 0xcf9a00);
	assert_true(cpu.arith & EFL_ZF);
	op_lsl(&cpu, &in);
	assert_int_equal(cpu.gpr[ECX], 0xffffffffu);
	fake_enter_user(&cpu);
	cpu.gpr[ECX] = 7;
	op_lsl(&cpu, &in);
	assert_int_equal(cpu.gpr[ECX], 7);
	assert_false(cpu.arith & EFL_ZF);
	cpu.gpr[EAX] = 0x7ff8;
	assert_int_equal(op_verr(&cpu, &in), OP_NEXT);
	assert_false(cpu.arith & EFL_ZF);
}

static void lar_is_undefined_outside_protected_mode(void **state)
{
	struct insn in = of_register(0x02);

	(void)state;
	fake_enter_vm86(&cpu);
	assert_int_equal(op_lar(&cpu, &in), OP_FAULT);
	assert_raised(EXC_UD, 0);
}

static void ltr_marks_the_task_busy(void **state)
{
	struct insn in = of_register(0x00);

	(void)state;
	cpu.gpr[EAX] = SEL_TSS2;
	assert_int_equal(op_ltr(&cpu, &in), OP_NEXT);
	assert_int_equal(fake_get(FAKE_GDT + SEL_TSS2 + 5, 1), 0x8b);
	assert_int_equal(op_ltr(&cpu, &in), OP_FAULT);
	assert_raised(EXC_GP, SEL_TSS2);
}

static void pop_to_esp_relative_memory_uses_the_new_esp(void **state)
{
	struct insn in = fake_insn(0x8f, 4);

	(void)state;
	in.has_modrm = true;
	in.base = ESP;
	in.seg = SEG_SS;
	in.disp = 8;
	cpu.gpr[ESP] = 0x5000;
	fake_put(0x5000, 0x1234, 4);
	assert_int_equal(op_pop(&cpu, &in), OP_NEXT);
	assert_int_equal(fake_get(0x500c, 4), 0x1234);
	fake_page(0x5000, true, false);
	cpu.gpr[ESP] = 0x5000;
	assert_int_equal(op_pop(&cpu, &in), OP_FAULT);
	assert_int_equal(cpu.gpr[ESP], 0x5000);
}

static void push_esp_stores_the_old_value(void **state)
{
	struct insn in = fake_insn(0x54, 4);

	(void)state;
	assert_int_equal(op_push(&cpu, &in), OP_NEXT);
	assert_int_equal(fake_get(FAKE_STACK0 - 4, 4), FAKE_STACK0);
	in.opcode = 0x5c;
	assert_int_equal(op_pop(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0);
}

static void stack_of_sixteen_bits_wraps(void **state)
{
	struct insn in = fake_insn(0x60, 2);

	(void)state;
	cpu.seg[SEG_SS] = (struct seg){ .sel = 0x10, .attr = 0x93,
					.base = 0x20000, .limit = 0xffff };
	cpu.gpr[ESP] = 0xabcd0006u;
	cpu.gpr[EAX] = 0x1111;
	cpu.gpr[EDI] = 0x8888;
	assert_int_equal(op_pusha(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[ESP], 0xabcdfff6u);
	assert_int_equal(fake_get(0x20004, 2), 0x1111);
	assert_int_equal(fake_get(0x2fff6, 2), 0x8888);
	cpu.gpr[EAX] = cpu.gpr[EDI] = 0;
	assert_int_equal(op_popa(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[EAX], 0x1111);
	assert_int_equal(cpu.gpr[EDI], 0x8888);
	assert_int_equal(cpu.gpr[ESP], 0xabcd0006u);
}

static void enter_with_nesting_copies_frame_pointers(void **state)
{
	struct insn in = fake_insn(0xc8, 4);

	(void)state;
	in.imm = 0x20;
	in.imm2 = 3;
	cpu.gpr[EBP] = 0x6000;
	fake_put(0x5ffc, 0xaaaa, 4);
	fake_put(0x5ff8, 0xbbbb, 4);
	assert_int_equal(op_enter(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[EBP], FAKE_STACK0 - 4);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0 - 16 - 0x20);
	assert_int_equal(fake_get(FAKE_STACK0 - 8, 4), 0xaaaa);
	assert_int_equal(fake_get(FAKE_STACK0 - 12, 4), 0xbbbb);
	assert_int_equal(fake_get(FAKE_STACK0 - 16, 4), FAKE_STACK0 - 4);
	assert_int_equal(op_leave(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[EBP], 0x6000);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0);
}

static void near_call_of_sixteen_bits_masks_the_target(void **state)
{
	struct insn in = fake_insn(0xe8, 2);

	(void)state;
	cpu.eip = 0xfff0;
	in.imm = 0x20;
	assert_int_equal(op_call_near(&cpu, &in), OP_JUMP);
	assert_int_equal(cpu.eip, 0x12);
	assert_int_equal(cpu.gpr[ESP], FAKE_STACK0 - 2);
}

static void popf_obeys_cpl_and_iopl(void **state)
{
	struct insn in = fake_insn(0x9d, 4);

	(void)state;
	fake_enter_user(&cpu);
	cpu.gpr[ESP] -= 4;
	fake_put(cpu.gpr[ESP], EFL_IF | EFL_IOPL | EFL_CF | EFL_VM | EFL_AC, 4);
	assert_int_equal(op_popf(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu_eflags(&cpu), EFL_CF | EFL_AC | EFL_ONE);
	assert_int_equal(op_cli(&cpu, &in), OP_FAULT);
	assert_raised(EXC_GP, 0);
}

static void sti_shadows_only_when_interrupts_were_off(void **state)
{
	struct insn in = fake_insn(0xfb, 4);

	(void)state;
	assert_int_equal(op_sti(&cpu, &in), OP_NEXT);
	assert_true(cpu.shadow);
	cpu.shadow = false;
	assert_int_equal(op_sti(&cpu, &in), OP_NEXT);
	assert_false(cpu.shadow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
		T(null_is_allowed_for_data_but_not_for_the_stack),
		T(load_fills_cache_and_sets_accessed),
		T(data_privilege_and_type_are_checked),
		T(stack_must_be_writable_of_this_privilege),
		T(mov_ss_holds_interrupts_off),
		T(real_mode_load_keeps_the_limit),
		T(lar_and_lsl_answer_in_zf),
		T(lar_is_undefined_outside_protected_mode),
		T(ltr_marks_the_task_busy),
		T(pop_to_esp_relative_memory_uses_the_new_esp),
		T(push_esp_stores_the_old_value),
		T(stack_of_sixteen_bits_wraps),
		T(enter_with_nesting_copies_frame_pointers),
		T(near_call_of_sixteen_bits_masks_the_target),
		T(popf_obeys_cpl_and_iopl),
		T(sti_shadows_only_when_interrupts_were_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
