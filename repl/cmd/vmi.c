/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the console knows of VMI's calls: `help vmi', `info vmi'.  All of it
 * comes from the rows of vmi/calls.def. */
#include "repl/vmi_args.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int vmi_named(const char *word, struct err *e)
{
	int found = vmi_find(word), next;
	u64 number;

	if (found >= 0)
		return found;
	if (words_number(word, &number) && number < VMI_CALLS)
		return (int)number;
	for (unsigned i = 0; i < VMI_CALLS; i++) {
		if (strncasecmp(vmi_row(i)->name, word, strlen(word)))
			continue;
		next = (int)i;
		if (found >= 0)
			return err_set(e, "VMI call `%.40s' is %s or %s", word,
				       vmi_row((unsigned)found)->name,
				       vmi_row(i)->name);
		found = next;
	}
	if (found < 0)
		return err_set(e, "no VMI call `%.40s': `help vmi' lists them",
			       word);
	return found;
}

static void show_fields(struct buf *to, const char *title, const char *fields)
{
	struct vmi_field f;

	for (; vmi_next_field(&fields, &f); title = "") {
		const char *place = *f.where == '+' ? "[esp" : "";

		buf_printf(to, "%-10s %s%s%s  %s (%s)\n", title, place, f.where,
			   *place ? "]" : "", f.name, f.type);
	}
}

void vmi_show_call(struct console *c, unsigned number)
{
	static const struct {
		const char *answer, *means;
	} answers[] = {
		{"REL", "the kernel calls it"},
		{"NOP", "the kernel puts nothing there"},
		{"NONE", "not offered: the kernel keeps its own code"},
	};
	const struct vmi_row *row = vmi_row(number);

	buf_printf(c->to, "%s, VMI call %u: %s.\n", row->name, number,
		   row->meaning);
	show_fields(c->to, "takes", row->args);
	show_fields(c->to, "returns", row->result);
	buf_printf(c->to, "%-10s %s\n", "natively",
		   *row->native ? row->native : "nothing");
	for (unsigned i = 0; i < ARRAY_LEN(answers); i++)
		if (!strcmp(answers[i].answer, row->answer))
			buf_printf(c->to, "%-10s %s\n", "answer",
				   answers[i].means);
	buf_printf(c->to, "%-10s physical %08x\n", "stub",
		   (u32)vmi_stub(number));
	if (!shows_vmi(c))
		return;
	buf_printf(c->to, "%-10s %s", "translated",
		   vmi_in_line(c->vmi, number) ? "in line" : "as an operation");
	if (!vmi_in_line(c->vmi, number) && row->function)
		buf_printf(c->to, ": %s()", row->function);
	buf_byte(c->to, '\n');
}

int help_vmi(struct console *c, char *args, struct err *e)
{
	char *word = words_next(&args);
	int number;

	if (word) {
		number = vmi_named(word, e);
		if (number < 0)
			return -1;
		vmi_show_call(c, (unsigned)number);
		return 0;
	}
	buf_printf(c->to, "VMI's calls; `help vmi CALL' tells more.\n");
	for (unsigned i = 0; i < VMI_CALLS; i++)
		buf_printf(c->to, "%3u %-18s %s\n", i, vmi_row(i)->name,
			   vmi_row(i)->meaning);
	return 0;
}

void vmi_show_cost(struct console *c, unsigned number)
{
	struct vmi_cost cost = vmi_cost(c->vmi, number);

	buf_printf(c->to, "%-10s %llu times, %llu guest instructions\n",
		   "called", (unsigned long long)cost.count,
		   (unsigned long long)cost.insns);
	if (cost.faults)
		buf_printf(c->to, "%-10s %llu times, not counted above\n",
			   "faulted", (unsigned long long)cost.faults);
	if (cost.senseless)
		buf_printf(c->to, "%-10s %llu times\n", "no meaning",
			   (unsigned long long)cost.senseless);
	if (!vmi_timing(c->vmi))
		buf_printf(c->to, "%-10s not taken (set vmi-timing on)\n",
			   "host time");
	else if (cost.timed)
		buf_printf(c->to, "%-10s %llu ns each, of %llu calls\n",
			   "host time",
			   (unsigned long long)(cost.host_ns / cost.timed),
			   (unsigned long long)cost.timed);
}

int info_vmi(struct console *c, char *args, struct err *e)
{
	char *word = words_next(&args);
	int number;

	if (!shows_vmi(c))
		return err_set(e, "the VMI ROM is hidden: -engine vmi shows it");
	if (!word) {
		vmi_show(c->vmi, buf_print, c->to);
		return 0;
	}
	number = vmi_named(word, e);
	if (number < 0)
		return -1;
	vmi_show_call(c, (unsigned)number);
	vmi_show_cost(c, (unsigned)number);
	return 0;
}

void vmi_name_stubs(struct console *c)
{
	struct symbols *s = debug_symbols(c->d);
	struct symbol_given list[2 * VMI_CALLS];
	char names[VMI_CALLS][32];
	size_t n = 0;

	if (!shows_vmi(c) && symbols_are_given(s))
		symbols_give(s, NULL, 0);
	if (!shows_vmi(c) || (vmi_stub_linear(c->vmi, 0) == c->vmi_at &&
			      symbols_are_given(s)))
		return;
	c->vmi_at = vmi_stub_linear(c->vmi, 0);
	for (unsigned i = 0; i < VMI_CALLS; i++) {
		gla_t lin = vmi_stub_linear(c->vmi, i);
		u32 pa = (u32)vmi_stub(i);

		snprintf(names[i], sizeof(names[i]), "VMI_%s",
			 vmi_row(i)->name);
		list[n++] = (struct symbol_given){names[i], lin, VMI_STUB_LEN,
						  true};
		if (pa != lin)
			list[n++] = (struct symbol_given){names[i], pa,
							  VMI_STUB_LEN, false};
	}
	symbols_give(s, list, n);
}

const char *vmi_complete(const char *text, size_t *index)
{
	while (*index < VMI_CALLS) {
		const char *name = vmi_row((unsigned)(*index)++)->name;

		if (!strncmp(name, text, strlen(text)))
			return name;
	}
	return NULL;
}
