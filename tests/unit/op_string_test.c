/* SPDX-License-Identifier: GPL-3.0-or-later */
/* String instructions: batches, faults in the middle, overlap, devices. */
/* LINK: tests/unit/fake_mem.c core/cpu/raise.c core/cpu/reset.c core/base/err.c core/op/bcd.c core/op/control.c core/op/cpuid.c core/op/desc.c core/op/event.c core/op/far.c core/op/features.c core/op/flags.c core/op/fpustate.c core/op/frame.c core/op/io.c core/op/iret.c core/op/known.c core/op/msr.c core/op/operand.c core/op/seg_load.c core/op/stack.c core/op/string.c core/op/system.c core/op/task.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_mem.h"

static struct cpu cpu;

enum { SRC = 0x20000, DST = 0x30000 };

static int setup(void **state)
{
	(void)state;
	fake_machine(&cpu);
	cpu.gpr[ESI] = SRC;
	cpu.gpr[EDI] = DST;
	for (unsigned i = 0; i < 0x8000; i++)
		fake_ram[SRC + i] = i * 7 + i / 256;
	return 0;
}

static struct insn rep(unsigned opcode, unsigned prefix)
{
	struct insn in = fake_insn(opcode, 4);

	in.rep = prefix;
	return in;
}

static void rep_with_zero_count_does_nothing(void **state)
{
	struct insn in = rep(0xa5, 0xf3);

	(void)state;
	assert_int_equal(op_movs(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[ESI], SRC);
}

static void rep_movs_copies_over_pages(void **state)
{
	struct insn in = rep(0xa5, 0xf3);

	(void)state;
	cpu.gpr[ESI] = SRC + 3;
	cpu.gpr[EDI] = DST + 6;
	cpu.gpr[ECX] = 0x700;
	assert_int_equal(op_movs(&cpu, &in), OP_NEXT);
	assert_memory_equal(fake_ram + SRC + 3, fake_ram + DST + 6, 0x1c00);
	assert_int_equal(cpu.gpr[ECX], 0);
	assert_int_equal(cpu.gpr[ESI], SRC + 3 + 0x1c00);
	assert_int_equal(cpu.gpr[EDI], DST + 6 + 0x1c00);
	assert_int_equal(fake_extra, 0x6ff);
}

static void rep_movs_stops_exactly_at_a_page_fault(void **state)
{
	struct insn in = rep(0xa5, 0xf3);

	(void)state;
	fake_page(DST + 0x1000, false, true);
	cpu.gpr[EDI] = DST + 2;
	cpu.gpr[ECX] = 0x500;
	assert_int_equal(op_movs(&cpu, &in), OP_AGAIN);
	assert_false(cpu.exc.pending);
	assert_int_equal(op_movs(&cpu, &in), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_PF);
	assert_int_equal(cpu.exc.cr2, DST + 0x1000);
	assert_int_equal(cpu.gpr[ECX], 0x500 - 0x3ff);
	assert_int_equal(cpu.gpr[EDI], DST + 2 + 0x3ff * 4);
	assert_int_equal(fake_get(DST + 0xffe, 2), 0);
}

static void rep_stops_when_the_allowance_is_used_up(void **state)
{
	struct insn in = rep(0xa4, 0xf3);

	(void)state;
	fake_allowance = 10;
	cpu.gpr[ECX] = 25;
	assert_int_equal(op_movs(&cpu, &in), OP_AGAIN);
	assert_int_equal(cpu.gpr[ECX], 15);
	assert_int_equal(op_movs(&cpu, &in), OP_AGAIN);
	assert_int_equal(op_movs(&cpu, &in), OP_NEXT);
	assert_memory_equal(fake_ram + SRC, fake_ram + DST, 25);
	assert_int_equal(fake_extra, 22);
}

static void overlapping_movs_repeats_the_pattern(void **state)
{
	struct insn in = rep(0xa4, 0xf3);

	(void)state;
	cpu.gpr[EDI] = SRC + 3;
	cpu.gpr[ECX] = 9;
	assert_int_equal(op_movs(&cpu, &in), OP_NEXT);
	for (unsigned i = 3; i < 12; i++)
		assert_int_equal(fake_ram[SRC + i], fake_ram[SRC + i - 3]);
}

static void movs_downward(void **state)
{
	struct insn in = rep(0xa5, 0xf3);

	(void)state;
	cpu.dflag = EFL_DF;
	cpu.gpr[ESI] = SRC + 0x1000;
	cpu.gpr[EDI] = DST + 0x1000;
	cpu.gpr[ECX] = 3;
	assert_int_equal(op_movs(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[EDI], DST + 0x1000 - 12);
	assert_memory_equal(fake_ram + SRC + 0xff8, fake_ram + DST + 0xff8, 12);
}

static void downward_movs_moves_overlapping_memory(void **state)
{
	static u8 before[0x3000];
	struct insn in = rep(0xa5, 0xf3);

	(void)state;
	for (unsigned i = 0; i < sizeof(before); i++)
		before[i] = fake_ram[SRC + i];
	cpu.dflag = EFL_DF;
	cpu.gpr[ESI] = SRC + 0x2ffc;
	cpu.gpr[EDI] = SRC + 0x2ffc + 0x26;
	cpu.gpr[ECX] = 0xc00;
	assert_int_equal(op_movs(&cpu, &in), OP_NEXT);
	assert_memory_equal(fake_ram + SRC + 0x26, before, sizeof(before));
	assert_int_equal(cpu.gpr[ESI], SRC - 4);
	assert_int_equal(cpu.gpr[EDI], SRC - 4 + 0x26);
}

static void addresses_of_sixteen_bits_wrap(void **state)
{
	struct insn in = rep(0xaa, 0xf3);

	(void)state;
	in.addrsize = 2;
	cpu.gpr[EDI] = 0x1fffe;
	cpu.gpr[ECX] = 0x10004;
	cpu.gpr[EAX] = 0x77;
	assert_int_equal(op_stos(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[EDI], 0x10002);
	assert_int_equal(cpu.gpr[ECX], 0x10000);
	assert_int_equal(fake_ram[0xffff], 0x77);
	assert_int_equal(fake_ram[1], 0x77);
	assert_int_equal(fake_ram[0x10000], 0);
}

static void stos_fills_with_every_size(void **state)
{
	static const u32 fill[] = { 0, 0x12345678 };
	struct insn in = rep(0xab, 0xf3);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		cpu.gpr[EDI] = DST;
		cpu.gpr[ECX] = 0x801;
		cpu.gpr[EAX] = fill[i];
		assert_int_equal(op_stos(&cpu, &in), OP_NEXT);
		assert_int_equal(fake_get(DST + 0x2000, 4), fill[i]);
		assert_int_equal(fake_get(DST + 0x2004, 4), 0);
	}
}

static void device_sees_each_element(void **state)
{
	struct insn in = rep(0xab, 0xf3);

	(void)state;
	in.opsize = 2;
	cpu.gpr[EDI] = FAKE_DEVICE;
	cpu.gpr[ECX] = 5;
	assert_int_equal(op_stos(&cpu, &in), OP_NEXT);
	assert_int_equal(fake_device_accesses, 5);
	assert_int_equal(fake_device_size, 2);
}

static void repne_scas_finds_the_byte(void **state)
{
	struct insn in = rep(0xae, 0xf2);

	(void)state;
	cpu.gpr[EDI] = DST;
	fake_ram[DST + 100] = 0x80;
	cpu.gpr[EAX] = 0x80;
	cpu.gpr[ECX] = 0xffffffffu;
	assert_int_equal(op_scas(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[EDI], DST + 101);
	assert_int_equal(cpu.gpr[ECX], 0xffffffffu - 101);
	assert_int_equal(cpu.arith, EFL_ZF | EFL_PF);
}

static void repe_cmps_stops_at_the_difference(void **state)
{
	struct insn in = rep(0xa6, 0xf3);

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		fake_ram[DST + i] = fake_ram[SRC + i];
	fake_ram[SRC + 40] = 1;
	fake_ram[DST + 40] = 2;
	cpu.gpr[ECX] = 64;
	assert_int_equal(op_cmps(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[ECX], 23);
	assert_int_equal(cpu.gpr[ESI], SRC + 41);
	assert_int_equal(cpu.arith, EFL_CF | EFL_SF | EFL_AF | EFL_PF);
}

static void single_lods_loads_its_size_only(void **state)
{
	struct insn in = rep(0xac, 0);

	(void)state;
	cpu.gpr[EAX] = 0xffffff00u;
	cpu.gpr[ESI] = SRC + 1;
	assert_int_equal(op_lods(&cpu, &in), OP_NEXT);
	assert_int_equal(cpu.gpr[EAX], 0xffffff07u);
	assert_int_equal(cpu.gpr[ESI], SRC + 2);
}

static void segment_limit_ends_the_batch(void **state)
{
	struct insn in = rep(0xab, 0xf3);

	(void)state;
	cpu.seg[SEG_ES].limit = DST + 9;
	cpu.gpr[ECX] = 4;
	assert_int_equal(op_stos(&cpu, &in), OP_AGAIN);
	assert_int_equal(op_stos(&cpu, &in), OP_FAULT);
	assert_int_equal(cpu.exc.vector, EXC_GP);
	assert_int_equal(cpu.gpr[ECX], 2);
	assert_int_equal(cpu.gpr[EDI], DST + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
		T(rep_with_zero_count_does_nothing),
		T(rep_movs_copies_over_pages),
		T(rep_movs_stops_exactly_at_a_page_fault),
		T(rep_stops_when_the_allowance_is_used_up),
		T(overlapping_movs_repeats_the_pattern),
		T(movs_downward),
		T(downward_movs_moves_overlapping_memory),
		T(addresses_of_sixteen_bits_wrap),
		T(stos_fills_with_every_size),
		T(device_sees_each_element),
		T(repne_scas_finds_the_byte),
		T(repe_cmps_stops_at_the_difference),
		T(single_lods_loads_its_size_only),
		T(segment_limit_ends_the_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
