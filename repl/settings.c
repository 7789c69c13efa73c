/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `set` changes and `show` shows: one row each. */
#include "core/base/check.h"
#include "repl/repl_priv.h"

#include <stdlib.h>
#include <string.h>

#include "core/bt/bt.h"
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

/* ---- record ---- */

static int set_record(struct console *c, const char *value, struct err *e)
{
	if (!is_switch(value))
		return expected("record", "on or off", e);
	return bt_record(vm_bt(debug_vm(c->d)), !strcmp(value, "on"), e);
}

static void show_record(struct console *c)
{
	buf_printf(c->to, "%s", on_off(bt_recording(vm_bt(debug_vm(c->d)))));
}

/* ---- profile ---- */

static int set_profile(struct console *c, const char *value, struct err *e)
{
	if (!is_switch(value))
		return expected("profile", "on or off", e);
	return bt_profile(vm_bt(debug_vm(c->d)), !strcmp(value, "on"), e);
}

static void show_profile(struct console *c)
{
	buf_printf(c->to, "%s", on_off(bt_profiling(vm_bt(debug_vm(c->d)))));
}

/* ---- sampling ---- */

static int set_sampling(struct console *c, const char *value, struct err *e)
{
	if (!is_switch(value))
		return expected("sampling", "on or off", e);
	return vm_set_sampling(debug_vm(c->d), !strcmp(value, "on"), e);
}

static void show_sampling(struct console *c)
{
	buf_printf(c->to, "%s", on_off(vm_samples(debug_vm(c->d))));
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
	if (!shows_vmi(c))
		return err_set(e,
			       "the VMI ROM is hidden: -engine vmi shows it");
	vmi_set_in_line(c->vmi, !strcmp(value, "on"));
	return 0;
}

static void show_vmi_inline(struct console *c)
{
	buf_printf(c->to, "%s", on_off(shows_vmi(c) && vmi_in_line_on(c->vmi)));
}

/* ---- vmi-timing ---- */

static int set_vmi_timing(struct console *c, const char *value, struct err *e)
{
	if (!is_switch(value))
		return expected("vmi-timing", "on or off", e);
	if (!shows_vmi(c))
		return err_set(e,
			       "the VMI ROM is hidden: -engine vmi shows it");
	vmi_set_timing(c->vmi, !strcmp(value, "on"));
	return 0;
}

static void show_vmi_timing(struct console *c)
{
	buf_printf(c->to, "%s", on_off(shows_vmi(c) && vmi_timing(c->vmi)));
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

/* ---- sample-every ---- */

static int set_sample_every(struct console *c, const char *value,
			    struct err *e)
{
	u64 n;

	if (!words_number(value, &n) || n < 1000 || n > 1000000000)
		return expected("sample-every",
				"a number from 1000 to 1000000000", e);
	vm_set_sample_every(debug_vm(c->d), n);
	return 0;
}

static void show_sample_every(struct console *c)
{
	buf_printf(c->to, "%llu",
		   (unsigned long long)vm_sample_every(debug_vm(c->d)));
}

/* ---- height ---- */

static int set_height(struct console *c, const char *value, struct err *e)
{
	u64 n = 0;

	if (!strcmp(value, "off") || !strcmp(value, "unlimited"))
		n = PAGER_OFF;
	else if (strcmp(value, "auto") &&
		 (!words_number(value, &n) || n >= PAGER_OFF))
		return expected("height", "auto, off or a number of lines", e);
	else if (strcmp(value, "auto") && !n)
		n = PAGER_OFF; /* as in gdb */
	c->pager.height = (unsigned)n;
	return 0;
}

static void show_height(struct console *c)
{
	if (c->pager.height == PAGER_AUTO || c->pager.height == PAGER_OFF)
		buf_printf(c->to,
			   c->pager.height == PAGER_OFF ? "off" : "auto");
	else
		buf_printf(c->to, "%u", c->pager.height);
}

static int set_pagination(struct console *c, const char *value, struct err *e)
{
	if (!is_switch(value))
		return expected("pagination", "on or off", e);
	c->pager.height = strcmp(value, "on") ? PAGER_OFF : PAGER_AUTO;
	return 0;
}

static void show_pagination(struct console *c)
{
	buf_printf(c->to, "%s", on_off(c->pager.height != PAGER_OFF));
}

/* ---- color ---- */

static const char *const color_words[] = {"auto", "on", "off"};

static int set_color(struct console *c, const char *value, struct err *e)
{
	for (unsigned i = 0; i < ARRAY_LEN(color_words); i++)
		if (!strcmp(value, color_words[i])) {
			c->pager.color = i;
			return 0;
		}
	return expected("color", "auto, on or off", e);
}

static void show_color(struct console *c)
{
	buf_printf(c->to, "%s", color_words[c->pager.color]);
}

/* ---- ctrl-c ---- */

static int set_ctrl_c(struct console *c, const char *value, struct err *e)
{
	if (strcmp(value, "stop") && strcmp(value, "guest"))
		return expected("ctrl-c", "stop or guest", e);
	host_set_ctrl_c(c->host, *value == 'g');
	return 0;
}

static void show_ctrl_c(struct console *c)
{
	buf_printf(c->to, host_ctrl_c(c->host) ? "guest" : "stop");
}

/* ---- tasks ---- */

static int set_tasks(struct console *c, const char *value, struct err *e)
{
	if (!*value)
		return expected("tasks",
				"auto or a description such as "
				"array=ADDR stride=N count=N pid=N name=N",
				e);
	free(c->settings.tasks);
	c->settings.tasks = strcmp(value, "auto") ? check_copy(value) : NULL;
	return 0;
}

static void show_tasks(struct console *c)
{
	buf_printf(c->to, "%s", c->settings.tasks ? c->settings.tasks : "auto");
}

const struct setting settings[] = {
#define SETTING(name, function, values, help) \
	{name, values, help, set_##function, show_##function},
#include "repl/settings.def"
	{0},
};
