/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the stub tells gdb of code that stands in no file: the VMI ROM, as a
 * shared library with a function per call whose arguments have the names of
 * vmi/calls.def; and a kernel of which only names are known (a System.map), as
 * an ELF file without contents.
 *
 * The ROM lies where it was last given to the guest's kernel.  When that
 * changes, the guest stops, gdb is told to look at its libraries again, and
 * lets it go on.  gdb takes a library of the same name for one that has stayed,
 * so the address is part of the name. */
#include "gdbstub/elf.h"
#include "gdbstub/stub_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/mem/mem.h"
#include "vmi/vmi.h"

#define ROM_FILE "/vitrine/vmi-rom"

enum { ROM_CODE = VMI_CALLS * VMI_STUB_LEN };

/* ---- the ROM ---- */

static gla_t rom_now(const struct gdbstub *g)
{
	return vm_shows_vmi(g->vm) ? vmi_stub_linear(g->cfg.vmi, 0) : 0;
}

static bool is_roms(const struct symbol_view *v)
{
	return !strncmp(v->name, "VMI_", 4);
}

bool library_moved(const struct gdbstub *g)
{
	return g->libraries_told && rom_now(g) != g->rom_told;
}

/* A Linux that had not begun when the client connected: its own names are a
 * library, which `sharedlibrary' loads. */
static void late_kernel(struct gdbstub *g, struct buf *out)
{
	struct symbols *s = debug_symbols(g->d);
	struct symbol_view v;
	u32 base = UINT32_MAX;
	gpa_t text;

	debug_know_guest(g->d, NULL);
	if (!debug_linux_text(g->d, &text) ||
	    (!g->late_kernel && (g->took_kernel || g->has_kernel)))
		return;
	g->late_kernel = true;
	for (size_t i = 0; symbols_at(s, i, &v); i++)
		if (!is_roms(&v) && v.addr < base)
			base = v.addr;
	buf_printf(out,
		   "<library name=\"" LIBRARY_KERNEL "\"><segment "
		   "address=\"0x%x\"/></library>\n",
		   base);
}

bool make_libraries(struct gdbstub *g, const char *annex, struct buf *out)
{
	if (*annex)
		return false;
	g->libraries_told = true;
	g->rom_told = rom_now(g);
	buf_printf(out, "<library-list>\n");
	if (vm_shows_vmi(g->vm))
		buf_printf(out,
			   "<library name=\"" ROM_FILE ".%x\"><segment "
			   "address=\"0x%x\"/></library>\n",
			   g->rom_told, g->rom_told);
	files_libraries(g, out);
	late_kernel(g, out);
	buf_printf(out, "</library-list>\n");
	return true;
}

static void make_rom(struct gdbstub *g, struct buf *out)
{
	struct elf_function f[VMI_CALLS];
	u8 code[ROM_CODE];
	struct elf_image im = {
		.name = "VMI ROM",
		.len = ROM_CODE,
		.code = code,
		.is_shared = true,
		.has_debug = true,
		.functions = f,
		.count = VMI_CALLS,
	};

	mem_phys_read(vm_mem(g->vm), vmi_stub(0), code, sizeof(code));
	for (unsigned i = 0; i < VMI_CALLS; i++) {
		const struct vmi_row *row = vmi_row(i);

		f[i] = (struct elf_function){.addr = i * VMI_STUB_LEN,
					     .len = VMI_STUB_LEN,
					     .args = row->args,
					     .result = row->result};
		snprintf(f[i].name, sizeof(f[i].name), "VMI_%s", row->name);
	}
	elf_make(&im, out);
}

/* ---- a kernel known by name ---- */

bool library_has_kernel(struct gdbstub *g)
{
	debug_know_guest(g->d, NULL);
	return symbols_count(debug_symbols(g->d));
}

static int by_address(const void *a, const void *b)
{
	const struct elf_function *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static size_t count_names(struct symbols *s)
{
	struct symbol_view v;
	size_t n = 0;

	while (symbols_at(s, n, &v))
		n++;
	return n;
}

/* Each stands for the bytes up to the next, but for marks like _etext, which
 * have nothing behind them. */
static void measure(struct elf_function *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		u32 gap = i + 1 < n ? f[i + 1].addr - f[i].addr : 1;

		f[i].len = gap <= FUNCTION_MAX ? gap : 1;
	}
}

static void make_kernel(struct gdbstub *g, struct buf *out)
{
	struct symbols *s = debug_symbols(g->d);
	size_t most = count_names(s), n = 0;
	struct elf_function *f = calloc(most + 1, sizeof(*f));
	struct buf frames = {0};
	struct elf_image im = {
		.name = "kernel", .functions = f, .frames = &frames};
	struct symbol_view v;

	NEED_MEMORY(f, "%zu symbols", most);
	for (size_t i = 0; i < most && symbols_at(s, i, &v); i++) {
		if (is_roms(&v))
			continue;
		f[n].addr = v.addr;
		snprintf(f[n++].name, sizeof(f->name), "%s", v.name);
	}
	qsort(f, n, sizeof(*f), by_address);
	measure(f, n);
	im.count = n;
	im.base = n ? f[0].addr : 0;
	im.len = n ? f[n - 1].addr + 1 - im.base : 0;
	frames_make(g, f, n, &frames);
	elf_make(&im, out);
	buf_free(&frames);
	free(f);
}

bool library_file(struct gdbstub *g, const char *path, struct buf *out)
{
	if (!strncmp(path, ROM_FILE, strlen(ROM_FILE)) &&
	    vm_shows_vmi(g->vm))
		make_rom(g, out);
	else if (!strcmp(path, LIBRARY_KERNEL) && library_has_kernel(g))
		make_kernel(g, out);
	else
		return false;
	return true;
}
