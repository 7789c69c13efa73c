/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `tour': a newcomer is led through lantern, a command at a time (tour.def).
 * Who leaves comes back to where it was left.  Without a terminal all steps
 * follow one another. */
#include "repl/repl_priv.h"

#include <stdio.h>
#include <string.h>

static const struct step {
	const char *needs, *command, *text;
} steps[] = {
#define STEP(needs, command, text) {needs, command, text},
#include "repl/tour.def"
};

static bool is_for(const struct console *c, const struct step *s)
{
	return !*s->needs || shows_vmi(c);
}

/* Is it wanted?  Asks at a terminal. */
enum answer { DO, SKIP, LEAVE };
static enum answer ask(struct console *c, const struct step *s)
{
	int key;

	buf_printf(c->to, "\n%s\n\ntour> %s", s->text, s->command);
	if (!c->interactive || c->to != &c->out) {
		buf_byte(c->to, '\n');
		return DO;
	}
	buf_printf(c->to, "    (Enter; s: not this one; q: leave) ");
	console_flush(c);
	do
		key = host_read_key(c->host);
	while (key >= 0 && !strchr("\n\r sqQ\003\004\033", key));
	printf("\n");
	pager_begin(&c->pager);
	if (key < 0 || strchr("qQ\003\004\033", key))
		return LEAVE;
	return key == 's' ? SKIP : DO;
}

static int one_step(struct console *c, const struct step *s, struct err *e)
{
	enum answer answer = ask(c, s);
	int failed;

	if (answer == LEAVE)
		return 1;
	if (answer == SKIP)
		return 0;
	failed = console_execute(c, s->command, c->to == &c->out ? NULL : c->to,
				 e);
	return failed ? -1 : host_must_end(c->host) || c->quit;
}

static int first_step(struct console *c, const char *args, struct err *e)
{
	u64 n;

	if (!*args)
		return 0;
	if (!words_number(args, &n) || !n || n > ARRAY_LEN(steps))
		return err_set(e,
			       "expected a step from 1 to %zu, found `%.40s'",
			       ARRAY_LEN(steps), args);
	c->tour_step = (unsigned)n - 1;
	return 0;
}

int cmd_tour(struct console *c, char *args, struct err *e)
{
	int left = 0;
	u32 at;

	if (!symbols_address(debug_symbols(c->d), "kernel_main", &at) ||
	    !symbols_address(debug_symbols(c->d), "init_process", &at))
		return err_set(e, "the tour leads through lantern: vitrine "
				  "build/lantern.elf, or make run");
	if (first_step(c, args, e))
		return -1;
	while (!left && c->tour_step < ARRAY_LEN(steps)) {
		const struct step *s = &steps[c->tour_step];

		if (is_for(c, s))
			left = one_step(c, s, e);
		if (left <= 0)
			c->tour_step++;
	}
	if (left < 0)
		return -1;
	if (left)
		buf_printf(c->to,
			   "Left before step %u of %zu; `tour' goes on, "
			   "`tour 1' begins anew.\n",
			   c->tour_step + 1, ARRAY_LEN(steps));
	else
		c->tour_step = 0;
	return 0;
}
