/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LINK: core/debug/agent.c core/base/buf.c core/base/check.c core/base/err.c */
/* Agent expressions: every operation, what is refused, what fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/debug/agent.h"

static u8 memory[64];
static char said[256], traced[256];
static s64 variable;

static bool reg(void *arg, unsigned number, u64 *v)
{
	(void)arg;
	*v = 0x80000000u + number;
	return number < 10;
}

static unsigned read_bytes(void *arg, u32 addr, void *to, unsigned len)
{
	(void)arg;
	if (addr >= sizeof(memory) || len > sizeof(memory) - addr)
		return 0;
	memcpy(to, memory + addr, len);
	return len;
}

static bool get(void *arg, unsigned number, s64 *v)
{
	(void)arg;
	*v = variable;
	return number == 7;
}

static bool set(void *arg, unsigned number, s64 v)
{
	(void)arg;
	variable = v;
	return number == 7;
}

static void trace(void *arg, u32 addr, u32 len)
{
	(void)arg;
	sprintf(traced + strlen(traced), "%x+%x ", addr, len);
}

static void print(void *arg, const char *text, size_t len)
{
	(void)arg;
	snprintf(said, sizeof(said), "%.*s", (int)len, text);
}

static const struct agent_env env = {
	.reg = reg,
	.read = read_bytes,
	.get = get,
	.set = set,
	.trace = trace,
	.print = print,
};

static size_t bytes_of(const char *hex, u8 *code)
{
	size_t n = 0;
	unsigned byte;

	for (; sscanf(hex, " %2x", &byte) == 1; n++) {
		code[n] = (u8)byte;
		hex += strspn(hex, " ") + 2;
	}
	return n;
}

static u64 run(const char *hex)
{
	u8 code[256];
	size_t n = bytes_of(hex, code);
	struct err e = {""};
	struct agent *a = agent_new(code, n, &e);
	u64 v = 0xbad;

	assert_string_equal(e.text, "");
	assert_int_equal(agent_run(a, &env, &v, &e), 0);
	agent_free(a);
	return v;
}

static void fails(const char *hex, const char *why)
{
	u8 code[256];
	size_t n = bytes_of(hex, code);
	struct err e = {""};
	struct agent *a = agent_new(code, n, &e);
	u64 v;

	assert_non_null(a);
	assert_int_equal(agent_run(a, &env, &v, &e), -1);
	assert_non_null(strstr(e.text, why));
	agent_free(a);
}

static void refused(const char *hex, const char *why)
{
	u8 code[256];
	size_t n = bytes_of(hex, code);
	struct err e = {""};

	assert_null(agent_new(code, n, &e));
	assert_non_null(strstr(e.text, why));
}

static void operations(void **state)
{
	(void)state;
	assert_int_equal(run("22 05 22 03 02 27"), 8);
	assert_int_equal(run("22 05 22 03 03 27"), 2);
	assert_int_equal(run("22 05 22 03 04 27"), 15);
	assert_int_equal(run("22 f9 16 08 22 02 05 27"), (u64)-3);
	assert_int_equal(run("22 07 22 02 06 27"), 3);
	assert_int_equal(run("22 f9 16 08 22 02 07 27"), (u64)-1);
	assert_int_equal(run("22 07 22 04 08 27"), 3);
	assert_int_equal(run("22 01 22 3f 09 22 3f 0b 27"), 1);
	assert_int_equal(run("22 01 22 40 09 27"), 0);
	assert_int_equal(run("22 01 22 3f 09 22 3f 0a 27"), (u64)-1);
	assert_int_equal(run("22 00 0e 27"), 1);
	assert_int_equal(run("22 0c 22 0a 0f 27"), 8);
	assert_int_equal(run("22 0c 22 0a 10 27"), 14);
	assert_int_equal(run("22 0c 22 0a 11 27"), 6);
	assert_int_equal(run("22 00 12 27"), ~0ull);
	assert_int_equal(run("22 05 22 05 13 27"), 1);
	assert_int_equal(run("22 ff 16 08 22 05 14 27"), 1);
	assert_int_equal(run("22 ff 16 08 22 05 15 27"), 0);
	assert_int_equal(run("23 12 34 24 00 00 00 01 02 27"), 0x1235);
	assert_int_equal(run("25 80 00 00 00 00 00 00 00 27"), 1ull << 63);
	assert_int_equal(run("26 00 03 27"), 0x80000003u);
	assert_int_equal(run("22 05 28 02 27"), 10);
	assert_int_equal(run("22 05 22 06 29 27"), 5);
	assert_int_equal(run("24 ff ff ff ff 2a 10 27"), 0xffff);
	assert_int_equal(run("22 05 22 03 2b 03 27"), (u64)-2);
	assert_int_equal(run("22 01 22 02 22 03 32 02 27"), 1);
	assert_int_equal(run("22 01 22 02 22 03 33 29 27"), 1); /* 3 1 2 */
	assert_int_equal(run("22 01 20 00 08 22 63 27 22 42 27"), 0x42);
	assert_int_equal(run("22 00 20 00 08 22 63 27 22 42 27"), 0x63);
	assert_int_equal(run("21 00 05 22 63 22 42 27"), 0x42);
	assert_int_equal(run("27"), 0);
	/* The smallest by minus one has no quotient. */
	assert_int_equal(run("25 80 00 00 00 00 00 00 00 22 ff 16 08 05 27"),
			 1ull << 63);
	assert_int_equal(run("25 80 00 00 00 00 00 00 00 22 ff 16 08 07 27"),
			 0);
}

static void memory_and_what_reaches_out(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(memory); i++)
		memory[i] = (u8)(0x81 + i);
	assert_int_equal(run("22 04 17 27"), 0x85);
	assert_int_equal(run("22 04 18 27"), 0x8685);
	assert_int_equal(run("22 04 19 27"), 0x88878685);
	assert_int_equal(run("22 00 1a 27"), 0x8887868584838281);
	/* Addresses are 32 bits wide. */
	assert_int_equal(run("25 00 00 00 01 00 00 00 04 17 27"), 0x85);
	assert_int_equal(run("22 2a 2d 00 07 29 2c 00 07 27"), 42);
	*traced = '\0';
	run("22 10 22 08 0c 22 20 0d 04 29 22 30 30 01 00 29 22 04 22 03 2f "
	    "27");
	assert_string_equal(traced, "10+8 20+4 30+100 4+3 ");
	strcpy((char *)memory + 8, "eight");
	run("22 08 22 ff 16 08 22 2a 22 00 22 00 34 03 00 10 "
	    "25 64 7c 25 2d 34 78 7c 25 73 25 25 5c 6e 21 00 27");
	assert_string_equal(said, "42|ffffffff|eight%\n!");
}

static void code_that_is_no_code(void **state)
{
	(void)state;
	refused("", "1 to");
	refused("ff", "not supported");
	refused("31 27", "not supported");
	refused("1b 27", "not supported");
	refused("23 01", "ends in");
	refused("02 27", "stack");
	refused("22 01 02 27", "stack");
	refused("32 00 27", "stack");
	refused("22 01", "END");
	refused("21 00 01 27", "nothing begins");
	refused("21 ff ff 27", "nothing begins");
	refused("22 01 20 00 06 27 22 02 21 00 05", "different stacks");
	refused("22 01 16 00 27", "no bits");
	refused("22 00 22 00 34 00 00 02 41 42 27", "no format");
	refused("22 00 22 00 34 00 ff ff 00 27", "no format");
	refused("28 21 00 00", "stack"); /* grows for ever */
}

static void what_cannot_be_done(void **state)
{
	(void)state;
	fails("22 01 22 00 05 27", "division");
	fails("22 40 17 27", "no memory");
	fails("26 00 0a 27", "no register");
	fails("2c 00 08 29 27", "no variable");
	fails("21 00 00", "no end");
	/* gdb bug 18617: was the byte meant with a sign? */
	memory[0] = 0x80;
	fails("22 00 17 16 20 27", "sign");
	memory[0] = 0x7f;
	assert_int_equal(run("22 00 17 16 20 27"), 0x7f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations),
		cmocka_unit_test(memory_and_what_reaches_out),
		cmocka_unit_test(code_that_is_no_code),
		cmocka_unit_test(what_cannot_be_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
