/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `inject`: interrupts and exceptions that nothing in the machine made. */
#include "repl/repl_priv.h"

#include <string.h>

#include "core/cpu/cpu.h"

enum { LINES = 16, VECTORS = 256 };

static int number_below(struct console *c, char *word, u64 limit,
			const char *expected, u64 *n, struct err *e)
{
	struct value v;

	if (!word)
		return err_set(e, "expected %s", expected);
	if (debug_eval(c->d, word, NULL, &v, e))
		return -1;
	if (v.bits >= limit)
		return err_set(e, "expected %s, found `%.40s'", expected, word);
	*n = v.bits;
	return 0;
}

static int inject_irq(struct console *c, char *args, struct err *e)
{
	u64 n;

	if (number_below(c, words_next(&args), LINES,
			 "an interrupt line from 0 to 15", &n, e) ||
	    vm_inject_line(debug_vm(c->d), (unsigned)n, e))
		return -1;
	buf_printf(c->to, "Line %llu is up until an interrupt is taken.\n",
		   (unsigned long long)n);
	return 0;
}

static int inject_interrupt(struct console *c, char *args, struct err *e)
{
	const struct cpu *cpu = vm_cpu(debug_vm(c->d));
	u64 n;

	if (number_below(c, words_next(&args), VECTORS,
			 "an interrupt from 0 to 255", &n, e) ||
	    vm_inject_interrupt(debug_vm(c->d), (u8)n, e))
		return -1;
	buf_printf(c->to, "Interrupt %02llxh waits%s.\n", (unsigned long long)n,
		   cpu->iflag ? "" : " until IF is set");
	return 0;
}

static int inject_nmi(struct console *c, char *args, struct err *e)
{
	const struct cpu *cpu = vm_cpu(debug_vm(c->d));

	(void)args;
	if (vm_inject_nmi(debug_vm(c->d), e))
		return -1;
	buf_printf(c->to, "An NMI waits%s.\n",
		   cpu->nmi_blocked ? " until IRET" : "");
	return 0;
}

static int inject_exception(struct console *c, char *args, struct err *e)
{
	u64 error = 0, address = 0;
	char *name = words_next(&args), *word;
	int vector = name ? exception_named(name) : -1;
	gla_t pc = debug_pc(c->d);

	if (vector < 0 || vector == EXC_NMI)
		return err_set(e, "expected an exception, as in inject "
				  "exception #PF 2 0x1000 (error code and "
				  "address)");
	if ((word = words_next(&args)) &&
	    number_below(c, word, 1ull << 32, "an error code", &error, e))
		return -1;
	if ((word = words_next(&args)) &&
	    number_below(c, word, 1ull << 32, "an address", &address, e))
		return -1;
	if (vm_inject_exception(debug_vm(c->d), (u8)vector, (u32)error,
				(gla_t)address, e))
		return -1;
	buf_printf(c->to, "%s will be delivered at ",
		   cpu_exception_name((unsigned)vector));
	debug_address(c->d, pc, c->to);
	buf_byte(c->to, '\n');
	return 0;
}

static const struct {
	const char *name;
	command_fn *fn;
} kinds[] = {
	{"irq", inject_irq},
	{"interrupt", inject_interrupt},
	{"exception", inject_exception},
	{"nmi", inject_nmi},
};

const char *inject_word(const char *before, unsigned i)
{
	const char *name;

	before += strspn(before, " \t");
	if (!*before)
		return i < ARRAY_LEN(kinds) ? kinds[i].name : NULL;
	if (strncmp(before, "exception", 9) ||
	    before[9 + strspn(before + 9, " \t")])
		return NULL;
	name = i < 32 ? cpu_exception_name(i) : NULL;
	return name && *name != '#' ? "" : name;
}

int cmd_inject(struct console *c, char *args, struct err *e)
{
	char *word = words_next(&args);

	if (debug_ended(c->d))
		return err_set(e, "the guest has ended; `run' starts it again");
	for (size_t i = 0; word && i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].name, word))
			return kinds[i].fn(c, args, e);
	return err_set(e, "expected irq, interrupt, exception or nmi%s%.40s%s",
		       word ? ", found `" : "", word ? word : "",
		       word ? "'" : "");
}
