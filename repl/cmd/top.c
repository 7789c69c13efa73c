/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `top': the guest runs and a table says where its instructions go, or the
 * host's time.
 *
 * Functions and blocks are sampled: after every so many instructions the
 * guest stands for a moment at an exact place, and that place is counted.  So
 * the shares are of guest instructions, not of host time, and looking changes
 * nothing for the guest.  Exits and VMI calls are differences of exact
 * counters.  The host's time is what core/vm/sampling.c samples, which
 * begins with `top' unless it was on before.
 *
 * At a terminal the table is painted again each second, keys choose another
 * one, and what the guest says is held until the end.  Elsewhere the guest
 * runs for so much of its own time, and the table is printed once: under a
 * virtual clock the same each time. */
#include "repl/repl_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "vmi/vmi.h"

enum {
	/* primes: in step with no loop */
	LIVE_EVERY = 1000003,
	PRINTED_EVERY = 100003,
	PLACES = 8192, /* different ones between two tables */
	REFRESH_MS = 1000,
	ROWS = 20, /* of a table that is printed */
	MS_MAX = 1000 * 3600,
};

enum table { FUNCTIONS, BLOCKS, EXITS, VMI, TIME };
const char *const top_words[] = {"functions", "blocks", "exits",
				 "vmi",       "time",   NULL};

struct spot {
	gla_t pc;
	bool user;
	u32 count;
};

struct snapshot {
	u64 host_ns, guest_ns;
	struct vm_counts vm;
	u64 exits[BT_EXIT_COUNT];
	struct vmi_cost calls[VMI_CALLS];
};

struct top {
	struct console *c;
	enum table table;
	bool live;
	u64 end; /* guest ns at which it ends, when not live */
	bool done;
	bool samples_time; /* for this table only */
	struct snapshot before, now;
	struct spot places[PLACES];
	unsigned place_count, samples, lost;
	struct buf text;
};

/* A line of a table. */
struct row {
	double share;
	u64 count;
	char what[120];
};

static unsigned every(const struct top *t)
{
	return t->live ? LIVE_EVERY : PRINTED_EVERY;
}

static u64 host_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static void take(struct top *t, struct snapshot *s)
{
	struct vm *vm = debug_vm(t->c->d);

	s->host_ns = host_ns();
	s->guest_ns = vm_now(vm);
	s->vm = vm_counts(vm);
	memcpy(s->exits, bt_stats(vm_bt(vm))->exits, sizeof(s->exits));
	for (unsigned i = 0; shows_vmi(t->c) && i < VMI_CALLS; i++)
		s->calls[i] = vmi_cost(t->c->vmi, i);
}

/* ---- sampling ---- */

static int order_spot(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

static void count_place(struct top *t, gla_t pc, bool user)
{
	t->samples++;
	for (unsigned i = t->place_count; i-- > 0;)
		if (t->places[i].pc == pc && t->places[i].user == user) {
			t->places[i].count++;
			return;
		}
	if (t->place_count == PLACES) {
		t->lost++;
		return;
	}
	t->places[t->place_count++] = (struct spot){pc, user, 1};
}

static void finish(struct top *t)
{
	t->done = true;
	vm_interrupt(debug_vm(t->c->d));
}

static void on_sample(void *arg)
{
	struct top *t = arg;
	struct vm *vm = debug_vm(t->c->d);

	count_place(t, debug_pc(t->c->d), vm_cpu(vm)->cpl == 3);
	if (!t->live && vm_now(vm) >= t->end)
		finish(t);
}

/* ---- rows ---- */

static int order_row(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->what, y->what);
}

static double per_second(const struct top *t, u64 count)
{
	u64 ns = t->now.host_ns - t->before.host_ns;

	if (!t->live)
		ns = t->now.guest_ns - t->before.guest_ns;
	return ns ? (double)count * 1e9 / (double)ns : 0;
}

static u64 share_of(u64 count, u64 all)
{
	return all ? (count * 1000 + all / 2) / all : 0;
}

static void show_share(struct top *t, u64 count, u64 all)
{
	u64 share = share_of(count, all);

	buf_printf(&t->text, "%3llu.%llu%% ", (unsigned long long)share / 10,
		   (unsigned long long)share % 10);
}

/* The function that pc is in, or the page when it has no name. */
static void name_function(struct top *t, const struct spot *p, char *to,
			  size_t size)
{
	u32 offset;
	const char *name = debug_name(t->c->d, p->pc, &offset);

	if (name)
		snprintf(to, size, "%c  %.100s", p->user ? 'U' : 'K', name);
	else
		snprintf(to, size, "%c  page 0x%08x", p->user ? 'U' : 'K',
			 p->pc & ~0xfffu);
}

static void show_functions(struct top *t, unsigned rows)
{
	struct row *list = calloc(t->place_count + 1, sizeof(*list));
	unsigned n = 0;

	if (!list)
		return;
	for (unsigned i = 0; i < t->place_count; i++) {
		char what[120];
		unsigned at = 0;

		name_function(t, &t->places[i], what, sizeof(what));
		while (at < n && strcmp(list[at].what, what))
			at++;
		if (at == n)
			strcpy(list[n++].what, what);
		list[at].count += t->places[i].count;
	}
	qsort(list, n, sizeof(*list), order_row);
	buf_printf(&t->text, " share  samples     function\n");
	for (unsigned i = 0; i < n && i < rows; i++) {
		show_share(t, list[i].count, t->samples);
		buf_printf(&t->text, "%8llu  %s\n",
			   (unsigned long long)list[i].count, list[i].what);
	}
	free(list);
}

/* The samples that lie in [lin, lin + len) of places sorted by pc; they are
 * taken away. */
static u32 take_samples(struct spot *places, unsigned n, gla_t lin, u32 len)
{
	unsigned lo = 0, hi = n;
	u32 count = 0;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (places[mid].pc < lin)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && places[lo].pc - lin < len; lo++) {
		count += places[lo].count;
		places[lo].count = 0;
	}
	return count;
}

static void name_block(struct top *t, const struct bt_block_view *b, char *to,
		       size_t size)
{
	struct buf text = {0};

	debug_address(t->c->d, b->lin, &text);
	buf_printf(&text, ": %u instruction%s, %u -> %u bytes, ", b->insns,
		   b->insns == 1 ? "" : "s", b->guest_len, b->host_len + b->ways_len);
	bt_show_mode(b->mode, buf_print, &text);
	snprintf(to, size, "%s", buf_text(&text));
	buf_free(&text);
}

static void show_blocks(struct top *t, unsigned rows)
{
	const struct bt *bt = vm_bt(debug_vm(t->c->d));
	struct bt_block_view b = {.number = UINT64_MAX};
	struct row list[PLACES] = {{0}};
	unsigned n = 0;

	qsort(t->places, t->place_count, sizeof(*t->places), order_spot);
	while (n < PLACES && bt_next_block(bt, b.number, true, 0, &b)) {
		u32 count = take_samples(t->places, t->place_count, b.lin,
					 b.guest_len);

		if (!count)
			continue;
		list[n].count = count;
		name_block(t, &b, list[n++].what, sizeof(list->what));
	}
	qsort(list, n, sizeof(*list), order_row);
	buf_printf(&t->text, " share  samples  block\n");
	for (unsigned i = 0; i < n && i < rows; i++) {
		show_share(t, list[i].count, t->samples);
		buf_printf(&t->text, "%8llu  %s\n",
			   (unsigned long long)list[i].count, list[i].what);
	}
}

static void show_exits(struct top *t, unsigned rows)
{
	struct row list[BT_EXIT_COUNT];
	u64 all = 0;

	for (unsigned i = 0; i < BT_EXIT_COUNT; i++) {
		list[i].count = t->now.exits[i] - t->before.exits[i];
		all += list[i].count;
		snprintf(list[i].what, sizeof(list->what), "%-10s %s",
			 bt_exit_name(i), bt_exit_text(i));
	}
	qsort(list, BT_EXIT_COUNT, sizeof(*list), order_row);
	buf_printf(&t->text, " share   a second  exit\n");
	for (unsigned i = 0; i < BT_EXIT_COUNT && i < rows; i++) {
		if (!list[i].count)
			break;
		show_share(t, list[i].count, all);
		buf_printf(&t->text, "%10.0f  %s\n",
			   per_second(t, list[i].count), list[i].what);
	}
	vm_show_sampled(debug_vm(t->c->d), false, buf_print, &t->text);
}

/* ---- the host's time ---- */

static void name_timed(struct console *c, const struct vm_sampled_place *p,
		       char *to, size_t size)
{
	u32 offset;
	const char *name = debug_name_in(c->d, p->cr3, p->pc, &offset);

	if (name)
		snprintf(to, size, "%c  %.100s", p->user ? 'U' : 'K', name);
	else if (p->user)
		snprintf(to, size, "U  page 0x%08x of space 0x%08x",
			 p->pc & ~0xfffu, p->cr3);
	else
		snprintf(to, size, "K  page 0x%08x", p->pc & ~0xfffu);
}

static int order_timed(const void *a, const void *b)
{
	const struct vm_sampled_place *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

/* Places in address order become functions, one row each. */
static unsigned add_up(struct console *c, struct vm_sampled_place *places,
		       unsigned n, struct row *list)
{
	unsigned rows = 0;

	qsort(places, n, sizeof(*places), order_timed);
	for (unsigned i = 0; i < n; i++) {
		char what[sizeof(list->what)];
		unsigned at = rows;

		name_timed(c, &places[i], what, sizeof(what));
		while (at > 0 && rows - at < ROWS &&
		       strcmp(list[at - 1].what, what))
			at--;
		if (!at || strcmp(list[at - 1].what, what)) {
			at = ++rows;
			strcpy(list[at - 1].what, what);
			list[at - 1].count = 0;
		}
		list[at - 1].count += places[i].ns;
	}
	return rows;
}

void console_show_timed(struct console *c, unsigned max, struct buf *to)
{
	struct vm_sampled all = vm_sampled(debug_vm(c->d));
	struct vm_sampled_place *places =
		calloc(VM_SAMPLED_PLACES, sizeof(*places));
	struct row *list;
	unsigned n;

	if (!places)
		return;
	debug_know_guest(c->d, NULL);
	n = vm_sampled_places(debug_vm(c->d), places, VM_SAMPLED_PLACES);
	list = calloc(n + 1, sizeof(*list));
	if (list) {
		n = add_up(c, places, n, list);
		qsort(list, n, sizeof(*list), order_row);
		if (n)
			buf_printf(to, " share  of the host's time, in "
				       "translated code of\n");
		for (unsigned i = 0; i < n && i < max; i++)
			buf_printf(to, "%5.1f%%  %s\n",
				   100 * (double)list[i].count /
					   (double)all.all_ns,
				   list[i].what);
	}
	if (all.lost_ns)
		buf_printf(to, "%5.1f%%  places too many to tell them apart\n",
			   100 * (double)all.lost_ns / (double)all.all_ns);
	free(list);
	free(places);
}

static void show_time(struct top *t, unsigned rows)
{
	vm_show_sampled(debug_vm(t->c->d), false, buf_print, &t->text);
	console_show_timed(t->c,
			   rows > VM_ACTIVITIES + 4 ? rows - VM_ACTIVITIES
						    : ROWS / 2,
			   &t->text);
}

static void show_vmi(struct top *t, unsigned rows)
{
	struct row list[VMI_CALLS];
	u64 all = 0;

	for (unsigned i = 0; i < VMI_CALLS; i++) {
		const struct vmi_cost *now = &t->now.calls[i];
		const struct vmi_cost *was = &t->before.calls[i];
		u64 insns = now->insns - was->insns;

		list[i].count = now->count - was->count;
		all += list[i].count;
		snprintf(list[i].what, sizeof(list->what), "%12.1f  %s",
			 list[i].count ? (double)insns / (double)list[i].count
				       : 0,
			 vmi_row(i)->name);
	}
	qsort(list, VMI_CALLS, sizeof(*list), order_row);
	buf_printf(&t->text, " share   a second  instructions  call\n");
	for (unsigned i = 0; i < VMI_CALLS && i < rows; i++) {
		if (!list[i].count)
			break;
		show_share(t, list[i].count, all);
		buf_printf(&t->text, "%10.0f  %s\n",
			   per_second(t, list[i].count), list[i].what);
	}
}

/* ---- a table ---- */

static void show_head(struct top *t)
{
	const struct snapshot *a = &t->before, *b = &t->now;
	u64 exits = 0, ns = b->guest_ns - a->guest_ns;

	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		exits += b->exits[i] - a->exits[i];
	buf_printf(&t->text,
		   "%s: a second %.1f M instructions, %.0f exits, %.0f "
		   "interrupts, %.0f exceptions; waiting %llu%%\n",
		   top_words[t->table],
		   per_second(t, b->vm.icount - a->vm.icount) / 1e6,
		   per_second(t, exits),
		   per_second(t, b->vm.interrupts - a->vm.interrupts),
		   per_second(t, b->vm.exceptions - a->vm.exceptions),
		   (unsigned long long)(share_of(b->vm.idle_ns - a->vm.idle_ns,
						 ns) +
					5) /
			   10);
	if (t->table <= BLOCKS)
		buf_printf(&t->text, "%u samples, one in %u instructions%s\n",
			   t->samples, every(t),
			   t->lost ? "; places too many to count them all"
				   : "");
}

static void make_table(struct top *t, unsigned rows)
{
	static void (*const show[])(struct top *, unsigned) = {
		show_functions, show_blocks, show_exits, show_vmi, show_time};

	buf_clear(&t->text);
	take(t, &t->now);
	show_head(t);
	show[t->table](t, rows);
}

static void begin_anew(struct top *t)
{
	if (t->samples_time)
		vm_sampled_reset(debug_vm(t->c->d));
	take(t, &t->before);
	t->place_count = t->samples = t->lost = 0;
}

/* ---- live ---- */

static void paint(struct top *t)
{
	bool dumb = pager_is_dumb();
	unsigned rows, columns;
	struct buf head = {0};
	const char *s, *end;

	pager_measure(&rows, &columns);
	make_table(t, rows > 7 ? rows - 6 : ROWS);
	fputs(dumb ? "\n" : "\033[H", stdout);
	s = buf_text(&t->text);
	wrap_line(s, strcspn(s, "\n"), columns ? columns - 1 : 0,
		  &head); /* the rest is cut */
	buf_printf(&head, "%s", strchrnul(s, '\n'));
	for (s = buf_text(&head); *s; s = end + 1) {
		end = strchrnul(s, '\n');
		printf("%.*s%s\r\n",
		       columns && (unsigned)(end - s) >= columns
			       ? (int)columns - 1
			       : (int)(end - s),
		       s, dumb ? "" : "\033[K");
		if (!*end)
			break;
	}
	printf("%sf b e v t: functions blocks exits VMI time; q: end",
	       dumb ? "" : "\033[J");
	fflush(stdout);
	buf_free(&head);
}

static void on_look(void *arg)
{
	struct top *t = arg;
	struct vm *vm = debug_vm(t->c->d);

	if (t->done)
		return;
	if (!t->live) {
		if (vm_now(vm) >= t->end)
			finish(t);
	} else if (host_ns() - t->before.host_ns >= REFRESH_MS * 1000000ull) {
		paint(t);
		begin_anew(t);
	}
}

static bool on_key(void *arg, char key)
{
	static const char keys[] = "fbevt";
	struct top *t = arg;
	const char *at = key ? strchr(keys, key) : NULL;

	if (t->done)
		return false;
	if (key == 'q' || key == '\033')
		finish(t);
	else if (at && (at - keys != VMI || shows_vmi(t->c))) {
		t->table = (enum table)(at - keys);
		paint(t);
	}
	return true;
}

/* The guest runs with the table in front. */
static int run(struct top *t, struct err *e)
{
	struct host_watcher w = {t, on_look, t->live ? on_key : NULL,
				 REFRESH_MS / 4};
	bool screen = t->live && !pager_is_dumb();
	struct console *c = t->c;
	int failed;

	if (!vm_samples(debug_vm(c->d)) &&
	    (t->live || t->table == EXITS || t->table == TIME)) {
		if (vm_set_sampling(debug_vm(c->d), true, e))
			return -1;
		t->samples_time = true;
	}
	console_begin(c);
	if (screen)
		fputs("\033[?1049h\033[?25l", stdout);
	host_set_watcher(c->host, &w);
	begin_anew(t);
	if (t->live)
		paint(t);
	failed = debug_continue_sampled(c->d, every(t), on_sample, t, e);
	if (!t->live) /* else the last one painted stays */
		make_table(t, ROWS);
	if (t->samples_time)
		vm_set_sampling(debug_vm(c->d), false, e);
	host_set_watcher(c->host, NULL);
	if (screen)
		fputs("\033[?25h\033[?1049l", stdout);
	console_end(c, failed, false);
	return failed;
}

static int parse(struct top *t, char *args, struct err *e)
{
	char *word;
	u64 ms = 1000;

	while ((word = words_next(&args))) {
		unsigned i = 0;

		if (words_number(word, &ms)) {
			if (!ms || ms > MS_MAX)
				return err_set(e, "expected 1 to %d ms",
					       MS_MAX);
			continue;
		}
		while (top_words[i] &&
		       strncmp(top_words[i], word, strlen(word)))
			i++;
		if (!top_words[i])
			return err_set(e,
				       "expected functions, blocks, exits, vmi "
				       "or time, found `%.40s'",
				       word);
		t->table = (enum table)i;
	}
	if (t->table == VMI && !shows_vmi(t->c))
		return err_set(e,
			       "the VMI ROM is hidden: -engine vmi shows it");
	t->end = vm_now(debug_vm(t->c->d)) + ms * 1000000;
	return 0;
}

int cmd_top(struct console *c, char *args, struct err *e)
{
	struct top *t = calloc(1, sizeof(*t));
	int failed;

	if (!t)
		return err_set(e, "no host memory for a table");
	t->c = c;
	t->live = c->interactive && c->to == &c->out;
	failed = parse(t, args, e);
	if (!failed)
		failed = run(t, e);
	if (!failed) {
		buf_append(c->to, buf_text(&t->text), t->text.len);
		if (!t->done)
			console_stopped(c);
	}
	buf_free(&t->text);
	free(t);
	return failed;
}
