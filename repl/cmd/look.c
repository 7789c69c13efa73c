/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that look: values, memory, instructions, frames, source. */
#include "repl/repl_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/mem/mem.h"

enum { REPEAT_MAX = 1000, FRAMES_MAX = 64, FUNCTION_MAX = 4096, CHUNK = 4096 };

/* ---- values ---- */

/* "LEFT@N": cuts at the @; how many, 0 when there is none; -1. */
static int repeat_count(struct console *c, char *text, struct err *e)
{
	char *at = strrchr(text, '@');
	struct value n;

	if (!at)
		return 0;
	*at = '\0';
	if (debug_eval(c->d, words_trim(at + 1), NULL, &n, e))
		return -1;
	if (!n.bits || n.bits > REPEAT_MAX)
		return err_set(e, "expected 1 to %d values behind @",
			       REPEAT_MAX);
	return (int)n.bits;
}

/* `count` values side by side in memory, of which v is the first. */
static int make_array(struct console *c, const struct format *f,
		      const struct value *v, int count, struct buf *out,
		      struct err *e)
{
	unsigned size = expr_size(v->type);

	if (v->place != PLACE_MEM)
		return err_set(e, "only what lies in memory has others behind "
				  "it: print *ADDR@N");
	for (int i = 0; i < count; i++) {
		struct value one = *v;
		u32 at = v->addr + (u32)i * size;

		one.bits = 0;
		if (debug_read(c->d, at, &one.bits, size) != size)
			return err_set(e, "cannot read memory at 0x%x", at);
		buf_printf(out, "%s", i ? ", " : "{");
		format_value(c->d, f, f->size ? format_size(f) : size, &one,
			     false, out);
	}
	buf_byte(out, '}');
	return 0;
}

int cmd_print(struct console *c, char *args, struct err *e)
{
	int count = repeat_count(c, args, e), failed = 0;
	struct buf out = {0};
	struct format f = {0};
	const char *text = args;
	struct value v;

	if (count < 0 || format_parse(&text, &f, e))
		return -1;
	text += strspn(text, " \t");
	if (!*text && debug_eval(c->d, text = "$", NULL, &v, NULL))
		return err_set(e, "expected an expression: print [/FMT] EXPR");
	if (strchr("si", f.letter) && f.letter)
		return err_set(e, "print has no format `%c'; use x/%c",
			       f.letter, f.letter);
	if (debug_eval(c->d, text, NULL, &v, e))
		return -1;
	if (!count)
		format_value(c->d, &f,
			     f.size ? format_size(&f) : expr_size(v.type), &v,
			     false, &out);
	else if (make_array(c, &f, &v, count, &out, e))
		failed = -1;
	if (!failed)
		buf_printf(c->to, "$%u = %s\n", debug_remember(c->d, &v),
			   buf_text(&out));
	buf_free(&out);
	return failed;
}

int cmd_x(struct console *c, char *args, struct err *e)
{
	struct format f = c->examine;
	const char *text = args;
	struct value v;
	int failed;

	if (format_parse(&text, &f, e))
		return -1;
	if (c->repeating)
		f.count = c->examine.count;
	text += strspn(text, " \t");
	if (*text) {
		if (debug_eval(c->d, text, NULL, &v, e))
			return -1;
		c->examine_at = (u32)v.bits;
		c->examined = true;
	}
	if (!c->examined) /* gdb has nothing to show then */
		c->examine_at = debug_pc(c->d);
	failed = format_memory(c->d, &f, &c->examine_at, c->to, e);
	c->examined |= !failed;
	c->examine = f;
	return failed;
}

int cmd_xp(struct console *c, char *args, struct err *e)
{
	struct format f = {1, 'x', 'w'};
	const char *text = args;
	struct value v;
	unsigned size;

	if (format_parse(&text, &f, e))
		return -1;
	text += strspn(text, " \t");
	if (!*text)
		return err_set(e,
			       "expected a physical address: xp [/FMT] EXPR");
	if (strchr("si", f.letter))
		return err_set(e, "xp shows numbers, not `%c'", f.letter);
	if (debug_eval(c->d, text, NULL, &v, e))
		return -1;
	size = format_size(&f);
	for (unsigned i = 0; i < f.count; i++) {
		unsigned row = size <= 2 ? 8 : 16 / size;
		u64 at = v.bits + (u64)i * size;
		struct value unit = {.type = {(u8)size, false, 0}};

		mem_phys_read(vm_mem(debug_vm(c->d)), at, &unit.bits, size);
		if (i % row == 0)
			buf_printf(c->to, "%08llx:", (unsigned long long)at);
		buf_byte(c->to, '\t');
		format_value(c->d, &f, size, &unit, true, c->to);
		if (i % row == row - 1 || i + 1 == f.count)
			buf_byte(c->to, '\n');
	}
	return 0;
}

/* ---- displays ---- */

static void show_display(struct console *c, struct display *s)
{
	struct value v;
	struct err e;
	u32 at;

	buf_printf(c->to, "%d: ", s->number);
	if (debug_eval(c->d, s->text, NULL, &v, &e)) {
		buf_printf(c->to, "%s: %s\n", s->text, e.text);
	} else if (s->format.letter &&
		   (strchr("si", s->format.letter) || s->format.size)) {
		buf_printf(c->to, "x/%u%c %s\n", s->format.count,
			   s->format.letter, s->text);
		at = (u32)v.bits;
		if (format_memory(c->d, &s->format, &at, c->to, &e))
			buf_printf(c->to, "%s\n", e.text);
	} else {
		buf_printf(c->to, "%s = ", s->text);
		format_value(c->d, &s->format, expr_size(v.type), &v, false,
			     c->to);
		buf_byte(c->to, '\n');
	}
}

void console_show_displays(struct console *c)
{
	for (struct display *s = c->displays; s; s = s->next)
		show_display(c, s);
}

int cmd_display(struct console *c, char *args, struct err *e)
{
	struct display *s, **end = &c->displays;
	struct format f = {0};
	const char *text = args;
	struct value v;

	if (!*args) {
		console_show_displays(c);
		return 0;
	}
	if (format_parse(&text, &f, e))
		return -1;
	text += strspn(text, " \t");
	if (debug_eval(c->d, text, NULL, &v, e))
		return -1;
	s = calloc(1, sizeof(*s));
	NEED_MEMORY(s, "a display");
	*s = (struct display){NULL, c->next_display++, f, check_copy(text)};
	while (*end)
		end = &(*end)->next;
	*end = s;
	show_display(c, s);
	return 0;
}

int cmd_undisplay(struct console *c, char *args, struct err *e)
{
	struct display **at = &c->displays;
	u64 n = 0;

	if (*args && !words_number(args, &n))
		return err_set(e, "expected a display's number, found `%.40s'",
			       args);
	while (*at) {
		struct display *s = *at;

		if (*args && (u64)s->number != n) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free(s->text);
		free(s);
		if (*args)
			return 0;
	}
	return *args ? err_set(e, "no display number %s", args) : 0;
}

int info_display(struct console *c, char *args, struct err *e)
{
	(void)args;
	(void)e;
	if (!c->displays)
		buf_printf(c->to, "Nothing is displayed at stops.\n");
	for (struct display *s = c->displays; s; s = s->next)
		buf_printf(c->to, "%d: %s\n", s->number, s->text);
	return 0;
}

/* ---- instructions and frames ---- */

static int range(struct console *c, char *args, u32 *at, u32 *end,
		 struct err *e)
{
	char *comma = strchr(args, ',');
	struct value v;
	u32 offset;

	*at = debug_pc(c->d);
	if (comma)
		*comma = '\0';
	if (*words_trim(args) && debug_location(c->d, args, at, e))
		return -1;
	if (!comma) {
		if (!debug_name(c->d, *at, &offset))
			return err_set(e,
				       "no function is known at 0x%x (use "
				       "x/10i, or give the end)",
				       *at);
		*at -= offset;
		*end = debug_next_name(c->d, *at);
		if (*end <= *at || *end - *at > FUNCTION_MAX)
			*end = *at + FUNCTION_MAX;
		return 0;
	}
	comma = words_trim(comma + 1);
	if (debug_eval(c->d, *comma == '+' ? comma + 1 : comma, NULL, &v, e))
		return -1;
	*end = (u32)v.bits + (*comma == '+' ? *at : 0);
	return 0;
}

/* gdb's /r: the bytes too; /s and /m: the source lines. */
static int modifiers(char **args, bool *bytes, bool *source, struct err *e)
{
	char *at = *args;

	if (*at != '/')
		return 0;
	for (at++; *at && *at != ' ' && *at != '\t'; at++)
		if (*at == 'r')
			*bytes = true;
		else if (*at == 's' || *at == 'm')
			*source = true;
		else
			return err_set(e, "disassemble has /r (bytes) and /s "
					  "(source), not `%c'",
				       *at);
	*args = words_trim(at);
	return 0;
}

int cmd_disassemble(struct console *c, char *args, struct err *e)
{
	bool bytes = false, source = false;
	struct source_line was = {NULL, 0}, l;
	u32 at, end = 0;

	if (modifiers(&args, &bytes, &source, e) ||
	    range(c, args, &at, &end, e))
		return -1;
	while (at < end) {
		unsigned n;

		if (source && debug_line(c->d, at, &l) &&
		    (!was.file || strcmp(l.file, was.file) ||
		     l.line != was.line)) {
			console_show_source(c, at);
			was = l;
		}
		n = bytes ? debug_show_bytes_and_insn(c->d, at, c->to)
			  : debug_show_insn(c->d, at, c->to);
		if (!n)
			break;
		at += n;
	}
	return 0;
}

int cmd_backtrace(struct console *c, char *args, struct err *e)
{
	u64 n = FRAMES_MAX;

	if (*args && !words_number(args, &n))
		return err_set(e, "expected how many frames, found `%.40s'",
			       args);
	debug_backtrace(c->d, n > 1000 ? 1000 : (unsigned)n, c->to);
	return 0;
}

/* ---- source ---- */

static int show_lines(struct console *c, u64 count, struct err *e)
{
	FILE *in = fopen(c->list_file, "r");
	unsigned n = 0, shown = 0;
	char text[512];

	if (!in)
		return err_set(e, "%s: %s", c->list_file, strerror(errno));
	while (shown < count && fgets(text, sizeof(text), in))
		if (++n >= c->list_line) {
			buf_printf(c->to, "%u\t%s%s", n, text,
				   strchr(text, '\n') ? "" : "\n");
			shown++;
		}
	fclose(in);
	if (!shown)
		return err_set(e, "%s ends before line %u", c->list_file,
			       c->list_line);
	c->list_line += shown;
	return 0;
}

static void list_from(struct console *c, const char *file, unsigned line)
{
	unsigned half = (unsigned)c->settings.listsize / 2;

	char *copy = check_copy(file); /* which may be the one freed here */

	free(c->list_file);
	c->list_file = copy;
	c->list_line = line > half ? line - half : 1;
}

/* "5,9": lines of the source listed last, or of where the guest stands. */
static bool are_lines(char *args, u64 *first, u64 *last)
{
	char *comma = strchr(args, ',');
	bool are;

	if (!comma)
		return false;
	*comma = '\0';
	are = words_number(words_trim(args), first) &&
	      words_number(words_trim(comma + 1), last);
	*comma = ',';
	return are && *first && *first <= *last && *last < 10000000;
}

int cmd_list(struct console *c, char *args, struct err *e)
{
	bool exact;
	gla_t addr = debug_frame_pc(c->d, &exact);
	struct source_line l;
	u64 n, last;

	addr -= !exact; /* the call, not what follows it */
	if (are_lines(args, &n, &last)) {
		if (!c->list_file && debug_line(c->d, addr, &l))
			list_from(c, l.file, 1);
		if (!c->list_file)
			return err_set(e, "no source line is known for 0x%x",
				       addr);
		c->list_line = (u32)n;
		return show_lines(c, last - n + 1, e);
	}
	if (*args && words_number(args, &n) && c->list_file && n < 10000000) {
		list_from(c, c->list_file, (unsigned)n);
		return show_lines(c, c->settings.listsize, e);
	}
	if (!*args && c->list_file)
		return show_lines(c, c->settings.listsize, e);
	if (*args && debug_location(c->d, args, &addr, e))
		return -1;
	if (!debug_line(c->d, addr, &l))
		return err_set(e, "no source line is known for 0x%x", addr);
	list_from(c, l.file, l.line);
	return show_lines(c, c->settings.listsize, e);
}

/* ---- find, dump, restore ---- */

/* Adds one value of `find`: "text" or a number of `size` bytes. */
static int add_pattern(struct console *c, const char **text, unsigned size,
		       struct buf *pattern, struct err *e)
{
	struct value v;

	*text += strspn(*text, " \t");
	if (**text == '"') {
		const char *end = strchr(*text + 1, '"');
		char *bytes;

		if (!end)
			return err_set(e, "expected `\"' at the string's end");
		bytes = strndup(*text + 1, (size_t)(end - *text - 1));
		buf_append(pattern, bytes, words_unescape(bytes));
		free(bytes);
		*text = end + 1;
		return 0;
	}
	if (debug_eval(c->d, *text, text, &v, e))
		return -1;
	buf_append(pattern, &v.bits, size ? size : expr_size(v.type));
	return 0;
}

static int comma(const char **text, struct err *e)
{
	*text += strspn(*text, " \t");
	if (**text != ',')
		return err_set(e, "expected `,': find START, +LEN, VALUE...");
	(*text)++;
	*text += strspn(*text, " \t");
	return 0;
}

/* The matches that begin in the first CHUNK of `n` bytes at `at`. */
static unsigned show_matches(struct console *c, u32 at, const u8 *bytes,
			     unsigned n, const struct buf *pattern)
{
	const u8 *from = bytes, *hit;
	unsigned found = 0;

	while ((hit = memmem(from, (size_t)(bytes + n - from), pattern->data,
			     pattern->len)) &&
	       hit - bytes < CHUNK) {
		debug_address(c->d, at + (u32)(hit - bytes), c->to);
		buf_byte(c->to, '\n');
		found++;
		from = hit + 1;
	}
	return found;
}

static unsigned search(struct console *c, u32 at, u64 end,
		       const struct buf *pattern)
{
	u8 chunk[CHUNK + 256];
	unsigned found = 0;

	while (at < end && found < 1000 && !host_interrupted(c->host)) {
		u64 want = end - at < sizeof(chunk) ? end - at : sizeof(chunk);
		unsigned n = debug_read(c->d, at, chunk, (unsigned)want);

		found += show_matches(c, at, chunk, n, pattern);
		if (at + CHUNK < at)
			break;
		at += CHUNK;
		if (n < want) /* a hole: on with the next page */
			at = (at & ~0xfffu);
	}
	return found;
}

int cmd_find(struct console *c, char *args, struct err *e)
{
	struct format f = {0};
	struct buf pattern = {0};
	const char *text = args;
	struct value start, end;
	bool is_length;
	unsigned found;

	if (format_parse(&text, &f, e))
		return -1;
	if (debug_eval(c->d, text, &text, &start, e) || comma(&text, e))
		return -1;
	is_length = *text == '+';
	if (debug_eval(c->d, text + is_length, &text, &end, e) ||
	    comma(&text, e))
		return -1;
	if (is_length)
		end.bits += start.bits;
	while (!add_pattern(c, &text, f.size ? format_size(&f) : 0, &pattern,
			    e)) {
		text += strspn(text, " \t");
		if (*text != ',')
			break;
		text++;
		if (pattern.len > 200)
			break;
	}
	if (!pattern.len || *text) {
		if (pattern.len)
			err_set(e, "expected `,' and a value, found `%.40s'",
				text);
		buf_free(&pattern);
		return -1;
	}
	found = search(c, (u32)start.bits, end.bits, &pattern);
	buf_printf(c->to, found ? "%u found.\n" : "Nothing found.\n", found);
	buf_free(&pattern);
	return 0;
}

int cmd_dump(struct console *c, char *args, struct err *e)
{
	char *file, *from;
	const char *text;
	struct value start, end;
	u8 chunk[CHUNK];
	FILE *out;

	if (!strncmp(args, "memory ", 7) || !strncmp(args, "binary ", 7))
		args = words_trim(args + 7); /* gdb's words */
	file = words_next(&args);
	from = words_next(&args);
	if (!file || !from || !*args)
		return err_set(e, "expected: dump FILE START END");
	text = args;
	if (debug_eval(c->d, from, NULL, &start, e) ||
	    debug_eval(c->d, *text == '+' ? text + 1 : text, NULL, &end, e))
		return -1;
	if (*text == '+')
		end.bits += start.bits;
	out = fopen(file, "wb");
	if (!out)
		return err_set(e, "%s: %s", file, strerror(errno));
	for (u64 at = start.bits; at < end.bits; at += CHUNK) {
		unsigned n = end.bits - at < CHUNK ? (unsigned)(end.bits - at)
						   : CHUNK;

		if (debug_read(c->d, (u32)at, chunk, n) != n ||
		    fwrite(chunk, 1, n, out) != n) {
			fclose(out);
			return err_set(e, "cannot copy memory at 0x%x",
				       (u32)at);
		}
	}
	return fclose(out) ? err_set(e, "%s: %s", file, strerror(errno)) : 0;
}

int cmd_restore(struct console *c, char *args, struct err *e)
{
	char *file = words_next(&args);
	u8 chunk[CHUNK];
	struct value v;
	FILE *in;
	size_t n;
	u32 at;

	if (!strncmp(args, "binary ", 7))
		args = words_trim(args + 7);
	if (!file || !*args)
		return err_set(e, "expected: restore FILE ADDR");
	if (debug_eval(c->d, args, NULL, &v, e))
		return -1;
	in = fopen(file, "rb");
	if (!in)
		return err_set(e, "%s: %s", file, strerror(errno));
	at = (u32)v.bits;
	while ((n = fread(chunk, 1, CHUNK, in))) {
		if (debug_write(c->d, at, chunk, (unsigned)n) != n) {
			fclose(in);
			return err_set(e, "cannot write memory at 0x%x", at);
		}
		at += (u32)n;
	}
	fclose(in);
	buf_printf(c->to, "%u bytes at ", at - (u32)v.bits);
	debug_address(c->d, (u32)v.bits, c->to);
	buf_byte(c->to, '\n');
	return 0;
}
