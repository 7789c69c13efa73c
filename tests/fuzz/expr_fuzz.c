/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LINK: core/debug/expr.c core/debug/value.c core/base/err.c */
/* Any text is an expression or one line of error; nothing is read beyond it.
 * Memory is 256 bytes at 0; every register and symbol exists. */
#include <stdlib.h>
#include <string.h>

#include "core/debug/expr.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static u8 memory[256];

static bool reg(void *arg, const char *name, struct value *v)
{
	(void)arg;
	*v = (struct value){.bits = 0x80000000, .type = {4, true, 0}};
	return name[0] != 'z';
}

static int set_reg(void *arg, const char *name, u64 bits, struct err *e)
{
	(void)arg;
	(void)bits;
	return *name == 'r' ? err_set(e, "$%s cannot be changed", name) : 0;
}

static bool symbol(void *arg, const char *name, u32 *addr)
{
	(void)arg;
	*addr = (u32)strlen(name);
	return true;
}

static unsigned read_bytes(void *arg, u32 addr, void *buf, unsigned len)
{
	(void)arg;
	if (addr > sizeof(memory) - len)
		return 0;
	memcpy(buf, memory + addr, len);
	return len;
}

static unsigned write_bytes(void *arg, u32 addr, const void *buf, unsigned len)
{
	(void)arg;
	if (addr > sizeof(memory) - len)
		return 0;
	memcpy(memory + addr, buf, len);
	return len;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct expr_env env = {.reg = reg,
				     .symbol = symbol,
				     .read = read_bytes,
				     .write = write_bytes,
				     .set_reg = set_reg};
	char *text = malloc(size + 1);
	const char *end;
	struct value v;
	struct err e;

	memcpy(text, data, size);
	text[size] = '\0';
	expr_eval(&env, text, NULL, &v, &e);
	if (!expr_eval(&env, text, &end, &v, &e) &&
	    (end < text || end > text + size))
		abort();
	free(text);
	return 0;
}
