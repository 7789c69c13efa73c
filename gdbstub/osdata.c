/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `info os': the monitor's tables for stock gdb.  Each is a topic of the
 * console's `info', a line of it a row.
 *
 * Columns are found by a pattern: {NAME} is a column, which ends where the text
 * behind it in the pattern is next found ({NAME+TEXT}: behind TEXT); a blank
 * stands for some.  The last column may be missing.  A line that looks
 * otherwise has only the last column, so nothing is lost. */
#include "gdbstub/stub_priv.h"

#include <stdio.h>
#include <string.h>

static const struct table {
	const char *name, *text, *columns;
	unsigned headings; /* lines that name the console's columns */
} tables[] = {
	{"vmi", "Calls of the VMI ROM, counted",
	 "{Call} {Count} {Per second} {Instructions} {In line, meaning}", 2},
	{"exits", "Ways out of translated code, counted",
	 "{Exit} {Count} {Meaning}", 0},
	{"blocks", "Translated blocks",
	 "{Address}: {Instructions} instructions, {Guest bytes} -> "
	 "{Host bytes} bytes, physical {Physical}, {Mode}",
	 0},
	{"windows", "Address spaces mapped for speed",
	 "{Now} {Who} {CR3} {Paging+iB} {Pages} {Tables} {Mappings}", 2},
	{"maps", "All that is mapped now",
	 "{From}-{To} {Size} {Access} {Mode} -> {Physical}", 0},
	{"tasks", "Processes of the guest",
	 "{Now} {Process} {State} {CR3} {Name} {Where}", 1},
	{"irq", "Interrupt controllers", "{Interrupts}", 0},
	{"devices", "Devices and their state", "{Devices}", 0},
	{"gdt", "Global descriptor table",
	 "{Selector}: base {Base} limit {Limit} dpl {DPL} {Type}", 0},
	{"idt", "Interrupt descriptor table",
	 "{Vector}: {Gate}, dpl {DPL}, selector {Selector}, {Handler}", 0},
	{"tss", "Task-state segment", "{TSS}", 0},
	{"breakpoints", "Breakpoints of gdb and the console", "{Breakpoints}",
	 0},
};

enum { COLUMNS_MAX = 8 };

/* ---- a line and its columns ---- */

struct cell {
	const char *name, *at;
	size_t name_len, len;
};

/* Takes {NAME} or {NAME+TEXT} and the text up to the next column off
 * *pattern. */
static void next_column(const char **pattern, struct cell *c, const char **tail,
			size_t *tail_len, const char **behind,
			size_t *behind_len)
{
	const char *name = *pattern + 1, *end = strchr(name, '}');

	c->name = name;
	c->name_len = strcspn(name, "+}");
	*tail = name + c->name_len + (name[c->name_len] == '+');
	*tail_len = (size_t)(end - *tail);
	*behind = end + 1;
	*behind_len = strcspn(*behind, "{");
	*pattern = *behind + *behind_len;
}

static size_t blanks(const char *at, const char *end)
{
	size_t n = 0;

	while (at + n < end && at[n] == ' ')
		n++;
	return n;
}

/* The line's columns by the pattern; how many, and false if it does not
 * look so. */
static bool split(const char *pattern, const char *at, const char *end,
		  struct cell *cells, unsigned *count)
{
	bool fits = true;

	*count = 0;
	while (*pattern && *count < COLUMNS_MAX) {
		const char *tail, *behind, *stop = end;
		size_t tail_len, behind_len;
		struct cell *c = &cells[(*count)++];

		next_column(&pattern, c, &tail, &tail_len, &behind,
			    &behind_len);
		c->at = at;
		if (behind_len) {
			stop = at;
			if (tail_len) {
				stop = memmem(at, (size_t)(end - at), tail,
					      tail_len);
				stop = stop ? stop + tail_len : end;
			}
			stop = memmem(stop, (size_t)(end - stop), behind,
				      behind_len);
			/* only the last may be missing */
			if (!stop && strchr(pattern, '}') &&
			    strchr(pattern, '}')[1])
				fits = false;
			if (!stop)
				stop = end;
		}
		c->len = (size_t)(stop - at);
		at = stop;
		if (at < end)
			at += behind_len;
		at += blanks(at, end);
	}
	return fits;
}

/* ---- documents ---- */

static void begin(struct buf *out, const char *type)
{
	buf_printf(out,
		   "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM "
		   "\"osdata.dtd\">\n<osdata type=\"%s\">\n",
		   type);
}

static void column(struct buf *out, const char *name, size_t name_len,
		   const char *text, size_t len)
{
	buf_printf(out, "<column name=\"%.*s\">", (int)name_len, name);
	xml_text(out, text, len);
	buf_printf(out, "</column>");
}

static void list(struct buf *out)
{
	begin(out, "types");
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		const struct table *t = &tables[i];

		buf_printf(out, "<item>");
		column(out, "Type", 4, t->name, strlen(t->name));
		column(out, "Description", 11, t->text, strlen(t->text));
		column(out, "Title", 5, t->text, strlen(t->text));
		buf_printf(out, "</item>\n");
	}
	buf_printf(out, "</osdata>\n");
}

static void row(const struct table *t, const char *line, size_t len,
		struct buf *out)
{
	struct cell cells[COLUMNS_MAX];
	unsigned n;
	bool fits = split(t->columns, line, line + len, cells, &n);

	buf_printf(out, "<item>");
	for (unsigned i = 0; i < n; i++) {
		const struct cell *c = &cells[i];

		if (fits)
			column(out, c->name, c->name_len, c->at, c->len);
		else
			column(out, c->name, c->name_len, line,
			       i + 1 == n ? len : 0);
	}
	buf_printf(out, "</item>\n");
}

static void show(struct gdbstub *g, const struct table *t, struct buf *out)
{
	const struct gdbstub_owner *o = &g->cfg.owner;
	struct buf text = {0};
	const char *line;
	char command[40];
	unsigned number = 0;
	struct err e;

	snprintf(command, sizeof(command), "info %s", t->name);
	if (o->monitor(o->arg, command, &text, &e))
		buf_printf(&text, "%s\n", e.text);
	begin(out, t->name);
	for (line = buf_text(&text); *line; number++) {
		size_t len = strcspn(line, "\n");

		if (number >= t->headings)
			row(t, line, len, out);
		line += len + (line[len] == '\n');
	}
	buf_printf(out, "</osdata>\n");
	buf_free(&text);
}

bool make_osdata(struct gdbstub *g, const char *annex, struct buf *out)
{
	if (!*annex) {
		list(out);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (!strcmp(tables[i].name, annex)) {
			show(g, &tables[i], out);
			return true;
		}
	return false;
}
