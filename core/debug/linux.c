/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running Linux without a symbol file: its own table of symbols, found in
 * its memory (kallsyms.c).  Memory also holds what lies about: a table counts
 * only if the code that it names is mapped where the table itself is, in one
 * piece of physical memory. */
#include "core/debug/debug_priv.h"

#include <string.h>

#include "core/debug/kallsyms.h"
#include "core/mem/mem.h"

enum { IMAGE_MAX = 256 << 20, BANNER_MAX = 100 };
#define LOOK_EVERY 50000000ull /* instructions, at first */

struct image {
	u32 text; /* address of _stext or _text, 0: not seen */
};

static void look_for_text(void *arg, const char *name, u32 addr, char type)
{
	struct image *im = arg;

	(void)type;
	if (!strcmp(name, "_stext") || (!im->text && !strcmp(name, "_text")))
		im->text = addr;
}

static void put(void *arg, const char *name, u32 addr, char type)
{
	symbols_found(arg, name, addr, type);
}

/* Is it that of the kernel that runs?  `at` is where the table lies. */
static bool is_mapped(struct debug *d, const struct kallsyms *k, gpa_t at)
{
	struct image im = {0};
	gpa_t text;

	kallsyms_each(k, look_for_text, &im);
	return im.text && mem_probe(debug_cpu(d), im.text, &text) &&
	       text < at && at - text < IMAGE_MAX;
}

static bool find(struct debug *d, struct kallsyms *k)
{
	struct mem *m = vm_mem(d->vm);
	gpa_t size = mem_ram_size(m), from = 0, to;

	for (; (from = mem_next_used(m, from)) < size; from = to) {
		const u8 *bytes = mem_phys_ptr(m, from, 0);
		size_t at = 0;

		to = mem_next_unused(m, from);
		while (kallsyms_find(bytes, to - from, &at, k))
			if (is_mapped(d, k,
				      from + (gpa_t)(k->names - bytes)))
				return true;
		if (to <= from)
			break;
	}
	return false;
}

/* "Linux version 6.1.0-31-686 ..." up to what follows the version. */
static void tell_version(struct debug *d, struct buf *out)
{
	char text[BANNER_MAX] = "";
	size_t n;
	u32 at;

	if (!symbols_address(d->symbols, "linux_banner", &at))
		return;
	debug_read(d, at, text, sizeof(text) - 1);
	if (strncmp(text, "Linux version ", 14))
		return;
	n = 14 + strcspn(text + 14, " \n");
	buf_printf(out, " of %.*s", (int)n, text);
}

int debug_linux_symbols(struct debug *d, struct buf *out)
{
	struct kallsyms k;
	unsigned modules, more;

	if (!(debug_cpu(d)->cr0 & CR0_PG) || !find(d, &k))
		return -1;
	symbols_lose(d->symbols);
	kallsyms_each(&k, put, d->symbols);
	symbols_ready(d->symbols);
	d->knows_linux = true;
	more = modules_put(d, &modules);
	symbols_ready(d->symbols);
	debug_pending_place(d);
	if (out) {
		buf_printf(out, "%u symbols", k.count);
		tell_version(d, out);
		if (modules)
			buf_printf(out, ", %u more of %u module%s", more, modules,
				   modules == 1 ? "" : "s");
		buf_printf(out, ", found in its memory\n");
	}
	return (int)(k.count + more);
}

/* Modules came or went: their symbols anew, beside the kernel's. */
static void know_modules(struct debug *d, struct buf *out)
{
	unsigned modules, n;

	if (!modules_changed(d))
		return;
	if (d->knows_linux) {
		debug_linux_symbols(d, out);
		return;
	}
	symbols_lose(d->symbols);
	n = modules_put(d, &modules);
	symbols_ready(d->symbols);
	debug_pending_place(d);
	if (out)
		buf_printf(out, "%u symbols of %u module%s, found in memory\n",
			   n, modules, modules == 1 ? "" : "s");
}

void debug_know_guest(struct debug *d, struct buf *out)
{
	u64 now = vm_icount(d->vm);

	if (out && out != &d->untold) {
		buf_append(out, buf_text(&d->untold), d->untold.len);
		buf_clear(&d->untold);
	}
	if (!(debug_cpu(d)->cr0 & CR0_PG))
		return;
	if (d->knows_linux ||
	    (symbols_count(d->symbols) && !d->knew_linux)) {
		know_modules(d, out);
		return;
	}
	if (now < d->look_at_guest)
		return;
	d->look_at_guest = now + now / 2 + LOOK_EVERY;
	debug_linux_symbols(d, out);
}

bool debug_linux_text(struct debug *d, gpa_t *at)
{
	u32 text;

	return d->knows_linux && symbols_address(d->symbols, "_text", &text) &&
	       mem_probe(debug_cpu(d), text, at);
}

void debug_forget_guest(struct debug *d)
{
	debug_pending_lose(d);
	if (d->knows_linux || d->modules)
		symbols_lose(d->symbols);
	d->modules = d->modules_mark = 0;
	d->knew_linux |= d->knows_linux;
	d->knows_linux = false;
	d->look_at_guest = 0;
}
