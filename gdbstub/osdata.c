/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `info os': the monitor's tables for stock gdb.  Each is a topic of the
 * console's `info', a line of it a row.
 *
 * Columns are found by a pattern: {NAME} is a column, which ends where the text
 * behind it in the pattern is next found ({NAME+TEXT}: behind TEXT; {NAME=N}:
 * N characters on); a blank stands for some.  The last column may be missing.
 * A line that looks otherwise has only the last column, so nothing is lost. */
#include "gdbstub/stub_priv.h"

#include <stdio.h>
#include <stdlib.h>
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
	 "{Now=1}{Process=6}{State=12}{CR3=10}{Name=17}{Where}", 1},
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

/* What a pattern says of a column. */
struct rule {
	const char *name, *tail, *behind;
	size_t name_len, tail_len, behind_len, width; /* 0: by what follows */
};

/* Takes a column, and the text up to the next one, off *pattern. */
static void next_rule(const char **pattern, struct rule *r)
{
	const char *end = strchr(*pattern, '}');
	bool more;

	r->name = *pattern + 1;
	r->name_len = strcspn(r->name, "+=}");
	more = r->name[r->name_len] != '}';
	r->tail = r->name + r->name_len + more;
	r->tail_len = (size_t)(end - r->tail);
	r->width = 0;
	if (r->name[r->name_len] == '=') {
		r->width = strtoul(r->tail, NULL, 10);
		r->tail_len = 0;
	}
	r->behind = end + 1;
	r->behind_len = strcspn(r->behind, "{");
	*pattern = r->behind + r->behind_len;
}

/* Where the column at `at` ends; NULL: nowhere in the line. */
static const char *end_of(const struct rule *r, const char *at, const char *end)
{
	if (r->width)
		return (size_t)(end - at) > r->width ? at + r->width : end;
	if (!r->behind_len)
		return end;
	if (r->tail_len) {
		at = memmem(at, (size_t)(end - at), r->tail, r->tail_len);
		if (!at)
			return NULL;
		at += r->tail_len;
	}
	return memmem(at, (size_t)(end - at), r->behind, r->behind_len);
}

static struct cell trimmed(const struct rule *r, const char *at,
			   const char *end)
{
	while (at < end && *at == ' ')
		at++;
	while (at < end && end[-1] == ' ')
		end--;
	return (struct cell){r->name, at, r->name_len, (size_t)(end - at)};
}

/* The line's columns by the pattern; how many, and false if it does not
 * look so. */
static bool split(const char *pattern, const char *at, const char *end,
		  struct cell *cells, unsigned *count)
{
	bool fits = true;

	for (*count = 0; *pattern && *count < COLUMNS_MAX; ++*count) {
		const char *stop;
		struct rule r;

		next_rule(&pattern, &r);
		stop = end_of(&r, at, end);
		/* only the last may be missing */
		if (!stop && strchr(pattern, '}') && strchr(pattern, '}')[1])
			fits = false;
		if (!stop)
			stop = end;
		cells[*count] = trimmed(&r, at, stop);
		at = stop < end ? stop + r.behind_len : stop;
		while (!r.width && at < end && *at == ' ')
			at++;
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
