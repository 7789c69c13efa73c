/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents that gdb reads in parts: qXfer:NAME:read:ANNEX:OFFSET,LENGTH.
 *
 * A document is made when its beginning is asked for, and kept while its other
 * parts are, so that all parts are of one moment. */
#include "gdbstub/stub_priv.h"

#include <stdio.h>
#include <string.h>

static const struct xfer rows[] = {
	{"features", make_features, "the registers"},
	{"memory-map", make_memory_map, "what may be memory"},
	{"threads", make_threads, "the processor, its mode"},
	{"osdata", make_osdata, "tables of `info os'"},
	{"libraries", make_libraries, "the VMI ROM"},
	{"traceframe-info", make_traceframe_info, "what was collected"},
	{"btrace-conf", make_btrace_conf, "is code executed noted?"},
	{"btrace", make_btrace, "the code executed last"},
	{"exec-file", make_exec_file, "the kernel's ELF file"},
};

void xfer_words(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		buf_printf(out, ";qXfer:%s:read+", rows[i].name);
}

void xml_text(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		switch (text[i]) {
		case '<':
			buf_append(out, "&lt;", 4);
			break;
		case '>':
			buf_append(out, "&gt;", 4);
			break;
		case '&':
			buf_append(out, "&amp;", 5);
			break;
		case '"':
			buf_append(out, "&quot;", 6);
			break;
		default:
			if ((u8)text[i] >= ' ' || text[i] == '\n')
				buf_byte(out, text[i]);
		}
}

static const struct xfer *find(struct args *a)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct args rest = *a;

		if (args_word(&rest, rows[i].name) &&
		    args_word(&rest, ":read:")) {
			*a = rest;
			return &rows[i];
		}
	}
	return NULL;
}

static void send_part(struct gdbstub *g, u64 from, u64 len)
{
	const struct buf *d = &g->document;
	u64 left = from < d->len ? d->len - from : 0;

	if (len > PACKET_SIZE / 2 - 16)
		len = PACKET_SIZE / 2 - 16;
	reply(g, left > len ? "m" : "l");
	if (left)
		buf_append(&g->reply, d->data + from, left < len ? left : len);
}

void packet_xfer(struct gdbstub *g, struct args *a)
{
	const struct xfer *x = find(a);
	char *colon, name[sizeof(g->document_name)];
	struct args rest;
	u64 from, len;

	if (!x)
		return; /* an empty reply: not known */
	colon = memrchr(a->at, ':', a->len);
	if (!colon || (size_t)(colon - a->at) >= 40) {
		reply_errno(g, 0);
		return;
	}
	rest = (struct args){colon + 1, a->len - (size_t)(colon + 1 - a->at)};
	if (!args_hex(&rest, &from) || !args_char(&rest, ',') ||
	    !args_hex(&rest, &len) || rest.len) {
		reply_errno(g, 0);
		return;
	}
	*colon = '\0';
	snprintf(name, sizeof(name), "%s:%.40s", x->name, a->at);
	if (!from || strcmp(name, g->document_name)) {
		buf_clear(&g->document);
		*g->document_name = '\0';
		if (!x->make(g, a->at, &g->document)) {
			reply_errno(g, 0);
			return;
		}
		strcpy(g->document_name, name);
	}
	send_part(g, from, len);
}
