/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LINK: core/debug/expr.o core/debug/value.o core/base/err.o */
/* Expressions: what a person types and what comes out, on a world of one
 * register, two symbols and sixteen bytes of memory at 1000h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/debug/expr.h"

static struct {
	u32 eax;
	u8 memory[16];
} world;

static bool reg(void *arg, const char *name, struct value *v)
{
	(void)arg;
	if (strcmp(name, "eax"))
		return false;
	*v = (struct value){.bits = world.eax, .type = {4, true, 0}};
	return true;
}

static int set_reg(void *arg, const char *name, u64 bits, struct err *e)
{
	(void)arg;
	(void)name;
	(void)e;
	world.eax = (u32)bits;
	return 0;
}

static bool symbol(void *arg, const char *name, u32 *addr)
{
	(void)arg;
	if (!strcmp(name, "table"))
		*addr = 0x1000;
	else if (!strcmp(name, "schedule.part.0"))
		*addr = 0xc0100000;
	else
		return false;
	return true;
}

static unsigned read_bytes(void *arg, u32 addr, void *buf, unsigned len)
{
	(void)arg;
	if (addr < 0x1000 || addr - 0x1000 + len > sizeof(world.memory))
		return 0;
	memcpy(buf, world.memory + (addr - 0x1000), len);
	return len;
}

static unsigned write_bytes(void *arg, u32 addr, const void *buf, unsigned len)
{
	(void)arg;
	if (addr < 0x1000 || addr - 0x1000 + len > sizeof(world.memory))
		return 0;
	memcpy(world.memory + (addr - 0x1000), buf, len);
	return len;
}

static const struct expr_env env = {.reg = reg,
				    .symbol = symbol,
				    .read = read_bytes,
				    .write = write_bytes,
				    .set_reg = set_reg};

static int setup(void **state)
{
	(void)state;
	world.eax = 0xfffffffe;
	for (unsigned i = 0; i < sizeof(world.memory); i++)
		world.memory[i] = (u8)(0x80 + i);
	return 0;
}

static s64 eval(const char *text)
{
	struct value v;
	struct err e;

	if (expr_eval(&env, text, NULL, &v, &e)) {
		print_message("%s: %s\n", text, e.text);
		fail();
	}
	return expr_signed(&v);
}

static void refuse(const char *text, const char *why)
{
	struct value v;
	struct err e = {""};

	assert_int_equal(expr_eval(&env, text, NULL, &v, &e), -1);
	if (!strstr(e.text, why)) {
		print_message("%s: %s\n", text, e.text);
		fail();
	}
}

static void numbers_in_every_base(void **state)
{
	(void)state;
	assert_int_equal(eval("42"), 42);
	assert_int_equal(eval("0x2A"), 42);
	assert_int_equal(eval("052"), 42);
	assert_int_equal(eval("'A'"), 65);
	assert_int_equal(eval("'\\n'"), 10);
	assert_int_equal(eval("0xffffffff"), 0xffffffffll);
	assert_int_equal(eval("0x123456789ab"), 0x123456789abll);
	refuse("0x", "hexadecimal");
	refuse("12ab", "bad number");
	refuse("0x10000000000000000", "64 bits");
}

static void operators_bind_as_in_c(void **state)
{
	(void)state;
	assert_int_equal(eval("1+2*3"), 7);
	assert_int_equal(eval("(1+2)*3"), 9);
	assert_int_equal(eval("1<<4|1"), 17);
	assert_int_equal(eval("10-4-3"), 3);
	assert_int_equal(eval("7/2"), 3);
	assert_int_equal(eval("-7/2"), -3);
	assert_int_equal(eval("-7%4"), -3);
	assert_int_equal(eval("1<2 == 2>1"), 1);
	assert_int_equal(eval("3&1 && 0"), 0);
	assert_int_equal(eval("~0"), -1);
	assert_int_equal(eval("!5 || !0"), 1);
	assert_int_equal(eval("1 ? 2 : 3"), 2);
	assert_int_equal(eval("0 ? 2 : 3"), 3);
	assert_int_equal(eval("-2147483647 - 1 < 0"), 1);
}

static void signs_follow_types(void **state)
{
	(void)state;
	assert_int_equal(eval("$eax"), -2);
	assert_int_equal(eval("$eax < 0"), 1);
	assert_int_equal(eval("$eax == 0xfffffffe"), 1);
	assert_int_equal(eval("(u32)$eax > 5"), 1);
	assert_int_equal(eval("(unsigned char)$eax"), 254);
	assert_int_equal(eval("(char)0x180"), -128);
	assert_int_equal(eval("0xffffffff + 1"), 0);
	assert_int_equal(eval("-1 >> 4"), -1);
	assert_int_equal(eval("0xffffffff >> 28"), 15);
	assert_int_equal(eval("1 << 40"), 0);
}

static void memory_is_loaded_by_type(void **state)
{
	(void)state;
	assert_int_equal((u32)eval("*table"), 0x83828180);
	assert_int_equal((u32)eval("*0x1004"), 0x87868584);
	assert_int_equal(eval("*(char*)0x1000"), -128);
	assert_int_equal(eval("*(unsigned char*)0x1001"), 0x81);
	assert_int_equal(eval("*((u8*)table + 2)"), 0x82);
	assert_int_equal(eval("*((u16*)table + 1)"), 0x8382);
	assert_int_equal(eval("((u8*)table)[3]"), 0x83);
	assert_int_equal((u32)eval("table[1]"), 0x87868584);
	assert_int_equal(eval("{unsigned char}0x1005"), 0x85);
	assert_int_equal(eval("&*table == table"), 1);
	assert_int_equal(eval("&table"), 0x1000);
	assert_int_equal(eval("schedule.part.0 + 4"), 0xc0100004ll);
	refuse("*0", "cannot read memory at 0x0");
}

static void assignments_change_the_world(void **state)
{
	(void)state;
	assert_int_equal(eval("$eax = 5"), 5);
	assert_int_equal(world.eax, 5);
	eval("{char}0x1000 = 0x1ff");
	assert_int_equal(world.memory[0], 0xff);
	assert_int_equal(world.memory[1], 0x81);
	eval("*(short*)0x1002 = 0x1234");
	assert_int_equal(world.memory[2], 0x34);
	assert_int_equal(world.memory[3], 0x12);
	refuse("5 = 6", "left side");
	refuse("*8 = 1", "memory at 0x8");
}

static void what_does_not_count_is_not_done(void **state)
{
	(void)state;
	assert_int_equal(eval("0 && *0"), 0);
	assert_int_equal(eval("1 || 1/0"), 1);
	assert_int_equal(eval("1 ? 7 : *0"), 7);
	assert_int_equal(eval("0 && ($eax = 9)"), 0);
	assert_int_equal(eval("$eax"), -2);
}

static void errors_say_what_was_expected(void **state)
{
	char deep[600];

	(void)state;
	refuse("", "expected a number");
	refuse("1 +", "expected a number");
	refuse("(1", "expected `)'");
	refuse("1 2", "unexpected `2'");
	refuse("1/0", "division by zero");
	refuse("nosuch", "no symbol `nosuch'");
	refuse("$nosuch", "no register or variable `$nosuch'");
	refuse("$7", "no result `$7' yet: `print' numbers them from $1 on");
	refuse("$$3", "no result `$$3' yet: `print' numbers them from $1 on");
	refuse("$", "no result `$' yet");
	refuse("&$eax", "no address");
	refuse("(char*", "expected `)'");
	refuse("{int 5", "expected `}'");
	refuse("1 ? 2", "expected `:'");
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	refuse(deep, "nested too deeply");
	memset(deep, '-', sizeof(deep) - 1);
	refuse(deep, "nested too deeply");
}

static void the_rest_of_a_list_is_left(void **state)
{
	struct value v;
	struct err e;
	const char *end;

	(void)state;
	assert_int_equal(expr_eval(&env, "1 + 2 , 3", &end, &v, &e), 0);
	assert_int_equal(v.bits, 3);
	assert_string_equal(end, ", 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(numbers_in_every_base, setup),
		cmocka_unit_test_setup(operators_bind_as_in_c, setup),
		cmocka_unit_test_setup(signs_follow_types, setup),
		cmocka_unit_test_setup(memory_is_loaded_by_type, setup),
		cmocka_unit_test_setup(assignments_change_the_world, setup),
		cmocka_unit_test_setup(what_does_not_count_is_not_done, setup),
		cmocka_unit_test_setup(errors_say_what_was_expected, setup),
		cmocka_unit_test_setup(the_rest_of_a_list_is_left, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
