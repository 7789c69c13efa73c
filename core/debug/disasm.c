/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libopcodes wants a stream, a printf and callbacks that read memory and
 * print addresses; all state is in one struct on the stack, so two faces can
 * disassemble at the same time.
 *
 * Offsets, not linear addresses, are given to it: in a 16-bit segment jump
 * targets wrap at 64 KiB within the segment, and libopcodes does that right
 * when it is told the offset.  It works with 64-bit addresses and may hand
 * back sign-extended ones; they are cut to 32 bits. */
#include "core/debug/disasm.h"

#define PACKAGE "vitrine"
#include <bfd.h>
#include <dis-asm.h>
#include <stdarg.h>
#include <stdio.h>

struct work {
	const struct disasm *d;
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

unsigned disasm_one(const struct disasm *d, u32 offset, struct buf *out)
{
	struct work w = {.d = d, .out = out};
	size_t start = out->len;
	struct disassemble_info info;
	disassembler_ftype fn;
	int len;

	init_disassemble_info(&info, &w, print, print_styled);
	info.arch = bfd_arch_i386;
	info.mach = d->code32 ? bfd_mach_i386_i386 : bfd_mach_i386_i8086;
	info.disassembler_options = d->intel ? "intel" : "att";
	info.endian = info.endian_code = BFD_ENDIAN_LITTLE;
	info.read_memory_func = read_memory;
	info.memory_error_func = memory_error;
	info.print_address_func = print_address;
	disassemble_init_for_target(&info);
	fn = disassembler(bfd_arch_i386, false, info.mach, NULL);
	len = fn ? fn(offset, &info) : 0;
	disassemble_free_target(&info);
	while (out->len > start && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	if (len <= 0 || w.unreadable)
		return 0;
	return (unsigned)len;
}
