/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `set` changes and `show` shows: one row each. */
#include "repl/repl_priv.h"

#include <string.h>

#include "vmi/vmi.h"

static int expected(const char *name, const char *what, struct err *e)
{
	return err_set(e, "%s: expected %s", name, what);
}

static bool is_switch(const char *value)
{
	return !strcmp(value, "on") || !strcmp(value, "off");
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

/* ---- disassembly-flavor ---- */

static int set_flavor(struct console *c, const char *value, struct err *e)
{
	if (strcmp(value, "att") && strcmp(value, "intel"))
		return expected("disassembly-flavor", "att or intel", e);
	c->settings.intel = *value == 'i';
	debug_set_intel(c->d, c->settings.intel);
	return 0;
}

static void show_flavor(struct console *c)
{
	buf_printf(c->to, "%s", c->settings.intel ? "intel" : "att");
}

/* ---- listsize ---- */

static int set_listsize(struct console *c, const char *value, struct err *e)
{
	u64 n;

	if (!words_number(value, &n) || !n || n > 10000)
		return expected("listsize", "a number from 1 to 10000", e);
	c->settings.listsize = n;
	return 0;
}

static void show_listsize(struct console *c)
{
	buf_printf(c->to, "%llu", (unsigned long long)c->settings.listsize);
}

/* ---- echo ---- */

static int set_echo(struct console *c, const char *value, struct err *e)
{
	if (!is_switch(value))
		return expected("echo", "on or off", e);
	c->settings.echo = !strcmp(value, "on");
	return 0;
}

static void show_echo(struct console *c)
{
	buf_printf(c->to, "%s", on_off(c->settings.echo));
}

/* ---- vmi-inline ---- */

static int set_vmi_inline(struct console *c, const char *value, struct err *e)
{
	if (!is_switch(value))
		return expected("vmi-inline", "on or off", e);
	if (!c->vmi)
		return err_set(e, "the VMI ROM is hidden: -engine vmi shows it");
	vmi_set_in_line(c->vmi, !strcmp(value, "on"));
	return 0;
}

static void show_vmi_inline(struct console *c)
{
	buf_printf(c->to, "%s", on_off(c->vmi && vmi_in_line_on(c->vmi)));
}

/* ---- vmi-timing ---- */

static int set_vmi_timing(struct console *c, const char *value, struct err *e)
{
	if (!is_switch(value))
		return expected("vmi-timing", "on or off", e);
	if (!c->vmi)
		return err_set(e, "the VMI ROM is hidden: -engine vmi shows it");
	vmi_set_timing(c->vmi, !strcmp(value, "on"));
	return 0;
}

static void show_vmi_timing(struct console *c)
{
	buf_printf(c->to, "%s", on_off(c->vmi && vmi_timing(c->vmi)));
}

/* ---- step-interrupts ---- */

static int set_step_interrupts(struct console *c, const char *value,
			       struct err *e)
{
	if (!is_switch(value))
		return expected("step-interrupts", "on or off", e);
	debug_set_step_interrupts(c->d, !strcmp(value, "on"));
	return 0;
}

static void show_step_interrupts(struct console *c)
{
	buf_printf(c->to, "%s", on_off(debug_step_interrupts(c->d)));
}

const struct setting settings[] = {
	{"disassembly-flavor", "att | intel", "syntax of instructions",
	 set_flavor, show_flavor},
	{"listsize", "N", "source lines that `list' shows", set_listsize,
	 show_listsize},
	{"echo", "on | off", "repeat the commands read from a pipe", set_echo,
	 show_echo},
	{"vmi-inline", "on | off",
	 "translate VMI calls into what they do, or call the monitor",
	 set_vmi_inline, show_vmi_inline},
	{"vmi-timing", "on | off", "take the host's time of VMI calls",
	 set_vmi_timing, show_vmi_timing},
	{"step-interrupts", "on | off",
	 "a step that meets an interrupt ends at its handler",
	 set_step_interrupts, show_step_interrupts},
	{NULL, NULL, NULL, NULL, NULL},
};
