/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `info os': the monitor's tables for stock gdb.  Each is a topic of the
 * console's `info', a line of it a row. */
#include "gdbstub/stub_priv.h"

#include <stdio.h>
#include <string.h>

static const struct table {
	const char *name, *command, *title, *text;
} tables[] = {
	{"vmi", "info vmi", "VMI calls", "Calls of the VMI ROM, counted"},
	{"exits", "info exits", "Exits",
	 "Ways out of translated code, counted"},
	{"blocks", "info blocks", "Blocks", "Translated blocks"},
	{"windows", "info windows", "Windows",
	 "Address spaces mapped for speed"},
	{"maps", "info maps", "Page tables", "All that is mapped now"},
	{"irq", "info irq", "Interrupts", "Interrupt controllers"},
	{"devices", "info devices", "Devices", "Devices and their state"},
	{"gdt", "info gdt", "GDT", "Global descriptor table"},
	{"idt", "info idt", "IDT", "Interrupt descriptor table"},
	{"tss", "info tss", "TSS", "Task-state segment"},
	{"breakpoints", "info breakpoints", "Breakpoints",
	 "Breakpoints of gdb and the console"},
};

static void begin(struct buf *out, const char *type)
{
	buf_printf(out,
		   "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM "
		   "\"osdata.dtd\">\n<osdata type=\"%s\">\n",
		   type);
}

static void column(struct buf *out, const char *name, const char *text,
		   size_t len)
{
	buf_printf(out, "<column name=\"%s\">", name);
	xml_text(out, text, len);
	buf_printf(out, "</column>");
}

static void list(struct buf *out)
{
	begin(out, "types");
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		const struct table *t = &tables[i];

		buf_printf(out, "<item>");
		column(out, "Type", t->name, strlen(t->name));
		column(out, "Description", t->text, strlen(t->text));
		column(out, "Title", t->title, strlen(t->title));
		buf_printf(out, "</item>\n");
	}
	buf_printf(out, "</osdata>\n");
}

static void show(struct gdbstub *g, const struct table *t, struct buf *out)
{
	const struct gdbstub_owner *o = &g->cfg.owner;
	struct buf text = {0};
	const char *line;
	struct err e;

	if (o->monitor(o->arg, t->command, &text, &e))
		buf_printf(&text, "%s\n", e.text);
	begin(out, t->name);
	for (line = buf_text(&text); *line;) {
		size_t len = strcspn(line, "\n");

		buf_printf(out, "<item>");
		column(out, t->title, line, len);
		buf_printf(out, "</item>\n");
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
