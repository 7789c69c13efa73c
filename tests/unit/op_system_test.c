/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control registers, MSRs, CPUID, ports and FPU state. */
/* LINK: tests/unit/fake_mem.c core/cpu/raise.c core/cpu/reset.c core/base/err.c core/op/bcd.c core/op/control.c core/op/cpuid.c core/op/desc.c core/op/event.c core/op/far.c core/op/features.c core/op/flags.c core/op/fpustate.c core/op/frame.c core/op/io.c core/op/iret.c core/op/known.c core/op/msr.c core/op/operand.c core/op/seg_load.c core/op/stack.c core/op/string.c core/op/system.c core/op/task.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_mem.h"

static struct cpu cpu;

static int setup(void **state)
{
	(void)state;
	fake_machine(&cpu);
	return 0;
}

static void invalid_cr0_combinations_are_gp(void **state)
{
	(void)state;
	assert_false(ctl_set_cr0(&cpu, CR0_PG));
	cpu.exc.pending = false;
	assert_false(ctl_set_cr0(&cpu, CR0_PE | CR0_NW));
	cpu.exc.pending = false;
	assert_true(ctl_set_cr0(&cpu, CR0_PE | CR0_PG));
	assert_true(cpu.cr0 & CR0_ET);
}

static void cr4_follows_cpuid(void **state)
{
	(void)state;
	assert_true(ctl_set_cr4(&cpu, CR4_PSE | CR4_PGE));
	assert_false(ctl_set_cr4(&cpu, CR4_VME));
	cpu.exc.pending = false;
	assert_int_equal(cpuid_set_feature("pge", false, NULL), 0);
	assert_false(ctl_set_cr4(&cpu, CR4_PGE));
	assert_int_equal(cpuid_set_feature("pge", true, NULL), 0);
	assert_int_equal(cpuid_set_feature("frobs", true, NULL), -1);
}

static void pae_loads_pointers_and_checks_them(void **state)
{
	(void)state;
	cpu.cr0 |= CR0_PG;
	fake_put(0x5020, 0x6001, 4);
	fake_put(0x5028, 0x7003, 4); /* reserved bit 1 */
	cpu.cr3 = 0x5020;
	assert_false(ctl_set_cr4(&cpu, CR4_PAE));
	assert_int_equal(cpu.cr4, 0);
	cpu.exc.pending = false;
	fake_put(0x5028, 0x7001, 4);
	assert_true(ctl_set_cr4(&cpu, CR4_PAE));
	assert_int_equal(cpu.pdpte[1], 0x7001);
}

static void unknown_msr_is_refused(void **state)
{
	u64 value;

	(void)state;
	assert_false(msr_read(&cpu, 0x12345, &value));
	assert_false(msr_write(&cpu, 0xc0000080, 1));
	assert_true(msr_write(&cpu, 0xc0000080, EFER_NXE));
	assert_true(msr_write(&cpu, 0x277, 0x0007010600070106ull));
	assert_false(msr_write(&cpu, 0x277, 2));
	assert_true(msr_write(&cpu, 0x250, 0x0606060606060606ull));
	assert_true(msr_read(&cpu, 0x250, &value));
	assert_true(value == 0x0606060606060606ull);
}

static void cpuid_names_the_vendor_and_brand(void **state)
{
	u32 out[4];

	(void)state;
	cpuid_leaf(&cpu, 0, 0, out);
	assert_memory_equal(&out[1], "Genu", 4);
	cpuid_leaf(&cpu, 0x80000002, 0, out);
	assert_memory_equal(out, "Vitrine translat", 16);
}

static void io_bitmap_decides_for_user_code(void **state)
{
	struct insn in = fake_insn(0xee, 4);

	(void)state;
	fake_enter_user(&cpu);
	cpu.gpr[EDX] = 0x3f8;
	fake_put(FAKE_TSS + 102, 104, 2);
	assert_int_equal(op_out(&cpu, &in), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_GP);
}

static void debug_register_with_gd_raises_debug_fault(void **state)
{
	struct insn in = fake_insn(0x23, 4);

	(void)state;
	in.reg = 7;
	cpu.dr[7] |= 1u << 13;
	assert_int_equal(op_mov_to_dr(&cpu, &in), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_DB);
	assert_int_equal(cpu.exc.dr6, 1u << 13);
}

static struct insn at(unsigned opcode, unsigned opsize, u32 address)
{
	struct insn in = fake_insn(opcode, opsize);

	in.has_modrm = true;
	in.disp = (s32)address;
	return in;
}

static void put_st(unsigned slot, u16 exponent, u8 top_byte)
{
	u8 *st = cpu.fxsave + 32 + 16 * slot;

	st[7] = top_byte;
	st[8] = exponent;
	st[9] = exponent >> 8;
}

static void fnsave_converts_tags_and_initializes(void **state)
{
	struct insn in = at(0xdd, 4, 0x6000);

	(void)state;
	cpu.fxsave[3] = 6 << 3; /* TOP 6: ST(0) is R6, ST(1) is R7 */
	cpu.fxsave[4] = 0xc0;
	put_st(0, 0x3fff, 0x80);
	put_st(1, 0x7fff, 0x80);
	assert_int_equal(op_fnsave(&cpu, &in), OP_NEXT);
	assert_int_equal(fake_get(0x6008, 2), 0x8fff);
	assert_int_equal(fake_get(0x6000 + 28 + 8, 2), 0x3fff);
	assert_int_equal(cpu.fxsave[4], 0);
	assert_int_equal(cpu.fxsave[0], 0x7f);
	in.modrm = 0;
	assert_int_equal(op_frstor(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.fxsave[4], 0xc0);
	assert_int_equal(cpu.fxsave[32 + 8], 0xff);
	assert_int_equal(cpu.fxsave[3], 6 << 3);
}

static void fldenv_moves_top_but_not_registers(void **state)
{
	struct insn in = at(0xd9, 4, 0x6000);

	(void)state;
	cpu.fxsave[4] = 0x01; /* TOP 0: ST(0) is R0 */
	put_st(0, 0x3fff, 0x80);
	assert_int_equal(op_fnstenv(&cpu, &in), OP_NEXT);
	fake_put(0x6004, 7u << 11, 2);
	assert_int_equal(op_fldenv(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.fxsave[32 + 16 + 9], 0x3f); /* R0 is ST(1) */
	assert_int_equal(cpu.fxsave[4], 0x01);
}

static void fxrstor_checks_alignment_and_mxcsr(void **state)
{
	struct insn in = at(0xae, 4, 0x6008);

	(void)state;
	cpu.cr4 = CR4_OSFXSR;
	assert_int_equal(op_fxrstor(&cpu, &in), OP_FAULT);
	cpu.exc.pending = false;
	in.disp = 0x6000;
	assert_int_equal(op_fxsave(&cpu, &in), OP_NEXT);
	fake_put(0x6018, 0x10000, 4);
	assert_int_equal(op_fxrstor(&cpu, &in), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_GP);
	cpu.exc.pending = false;
	fake_put(0x6018, 0x1f80, 4);
	assert_int_equal(op_fxrstor(&cpu, &in), OP_NEXT);
}

static void task_switched_flag_makes_fpu_instructions_fault(void **state)
{
	struct insn in = at(0xae, 4, 0x6000);

	(void)state;
	cpu.cr0 |= CR0_TS;
	assert_int_equal(op_fxsave(&cpu, &in), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_NM);
}

static void maskmov_writes_selected_bytes_only(void **state)
{
	struct insn in = fake_insn(0xf7, 4);

	(void)state;
	cpu.cr4 = CR4_OSFXSR;
	in.opsize_prefix = true;
	in.has_modrm = true;
	in.mod = 3;
	in.reg = 0;
	in.rm = 1;
	memset(cpu.fxsave + 160, 0x5a, 16);
	cpu.fxsave[160 + 16 + 3] = 0x80;
	cpu.gpr[EDI] = 0x6000;
	fake_page(0x7000, false, true);
	cpu.gpr[EDI] = 0x6ffa;
	assert_int_equal(op_maskmov(&cpu, &in), OP_NEXT);
	assert_int_equal(fake_ram[0x6ffd], 0x5a);
	assert_int_equal(fake_ram[0x6ffc], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
		T(invalid_cr0_combinations_are_gp),
		T(cr4_follows_cpuid),
		T(pae_loads_pointers_and_checks_them),
		T(unknown_msr_is_refused),
		T(cpuid_names_the_vendor_and_brand),
		T(io_bitmap_decides_for_user_code),
		T(debug_register_with_gd_raises_debug_fault),
		T(fnsave_converts_tags_and_initializes),
		T(fldenv_moves_top_but_not_registers),
		T(fxrstor_checks_alignment_and_mxcsr),
		T(task_switched_flag_makes_fpu_instructions_fault),
		T(maskmov_writes_selected_bytes_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
