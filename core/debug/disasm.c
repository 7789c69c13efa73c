/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libopcodes wants a stream, a printf and callbacks that read memory and
 * print addresses; all state is in one struct on the stack, so two faces can
 * disassemble at the same time.
 *
 * Offsets, not linear addresses, are given to it: in a 16-bit segment jump
 * targets wrap at 64 KiB within the segment, and libopcodes does that right
 * when it is told the offset.  It works with 64-bit addresses and may hand
 * back sign-extended ones; they are cut to 32 bits.  Host code has 64-bit
 * addresses, which are another in each run: they are shown by name. */
#include "core/base/check.h"
#include "core/debug/disasm.h"

#define PACKAGE "vitrine"
#include <bfd.h>
#include <dis-asm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
	const struct disasm *d;
	const struct disasm_host *host;
	struct buf *out;
	bool unreadable;
};

static int print(void *stream, const char *fmt, ...)
{
	struct work *w = stream;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(w->out, fmt, ap);
	va_end(ap);
	return 0;
}

static int print_styled(void *stream, enum disassembler_style style,
			const char *fmt, ...)
{
	struct work *w = stream;
	va_list ap;

	(void)style;
	va_start(ap, fmt);
	buf_vprintf(w->out, fmt, ap);
	va_end(ap);
	return 0;
}

static int read_memory(bfd_vma at, bfd_byte *to, unsigned len,
		       struct disassemble_info *info)
{
	struct work *w = info->stream;

	return w->d->read(w->d->arg, w->d->base + (u32)at, to, len) != len;
}

static void memory_error(int status, bfd_vma at, struct disassemble_info *info)
{
	struct work *w = info->stream;

	(void)status;
	(void)at;
	w->unreadable = true;
}

static void print_address(bfd_vma at, struct disassemble_info *info)
{
	struct work *w = info->stream;

	w->d->address(w->d->arg, w->d->base + (u32)at, w->out);
}

static int read_host(bfd_vma at, bfd_byte *to, unsigned len,
		     struct disassemble_info *info)
{
	struct work *w = info->stream;
	u64 offset = at - (u64)(uintptr_t)w->host->code;

	if (offset > w->host->len || len > w->host->len - offset)
		return -1;
	memcpy(to, w->host->code + offset, len);
	return 0;
}

/* "+1f" within the code at hand. */
static void print_host_address(bfd_vma at, struct disassemble_info *info)
{
	struct work *w = info->stream;
	u64 offset = at - (u64)(uintptr_t)w->host->code;
	const char *name = w->host->name(w->host->arg, at);

	if (offset < w->host->len)
		buf_printf(w->out, "+%llx", (unsigned long long)offset);
	else if (name)
		buf_printf(w->out, "%s", name);
	else
		buf_printf(w->out, "0x%llx", (unsigned long long)at);
}

/* What is at "-0x2d6b(%rip)", or "[rip+0x2d6b]"; false: there is neither. */
static bool find_place(char *text, char **from, char **to)
{
	*to = strstr(text, "(%rip)");
	*from = *to ? *to : strstr(text, "[rip");
	if (!*to && *from)
		*to = strchr(++*from, ']');
	else
		while (*from > text && strchr("-x0123456789abcdef", (*from)[-1]))
			--*from;
	return *to;
}

/* "mov -0x2d6b(%rip),%ecx        # live.edge" says as much as
 * "mov live.edge(%rip),%ecx". */
static void name_place(struct buf *out, size_t start)
{
	static const char mark[] = "        # ";
	char *text, *note, *from, *to;

	if (out->len == start)
		return;
	text = check_copy(out->data + start);
	note = strstr(text, mark);
	if (note) {
		*note = '\0';
		note += strlen(mark);
		out->len = start;
		if (strncmp(note, "0x", 2) && find_place(text, &from, &to))
			buf_printf(out, "%.*s%.*s%s", (int)(from - text), text,
				   (int)strcspn(note, " "), note, to);
		else
			buf_printf(out, "%s # %s", text, note);
	}
	free(text);
}

static unsigned run(struct disassemble_info *info, u64 at)
{
	struct work *w = info->stream;
	size_t start = w->out->len;
	disassembler_ftype fn;
	int len;

	info->arch = bfd_arch_i386;
	info->endian = info->endian_code = BFD_ENDIAN_LITTLE;
	info->memory_error_func = memory_error;
	disassemble_init_for_target(info);
	fn = disassembler(bfd_arch_i386, false, info->mach, NULL);
	len = fn ? fn(at, info) : 0;
	disassemble_free_target(info);
	if (w->host)
		name_place(w->out, start);
	while (w->out->len > start && w->out->data[w->out->len - 1] == ' ')
		w->out->data[--w->out->len] = '\0';
	return len <= 0 || w->unreadable ? 0 : (unsigned)len;
}

unsigned disasm_one(const struct disasm *d, u32 offset, struct buf *out)
{
	struct work w = {.d = d, .out = out};
	struct disassemble_info info;

	init_disassemble_info(&info, &w, print, print_styled);
	info.mach = d->code32 ? bfd_mach_i386_i386 : bfd_mach_i386_i8086;
	info.disassembler_options = d->intel ? "intel" : "att";
	info.read_memory_func = read_memory;
	info.print_address_func = print_address;
	return run(&info, offset);
}

unsigned disasm_host(const struct disasm_host *d, unsigned offset,
		     struct buf *out)
{
	struct work w = {.host = d, .out = out};
	struct disassemble_info info;

	init_disassemble_info(&info, &w, print, print_styled);
	info.mach = bfd_mach_x86_64;
	info.disassembler_options = d->intel ? "intel" : "att";
	info.read_memory_func = read_host;
	info.print_address_func = print_host_address;
	return run(&info, (u64)(uintptr_t)d->code + offset);
}
